use crate::risk::Explain;
use crate::risk::explain::{figure, precise, significant, vietnamese};
use crate::risk::forecast::expected::{ForecastFigures, VenueForecastInputs};
use crate::risk::forecast::{ForecastRules, HomesOf};
use crate::risk::methods::{dwell_correction, someone_infectious};

pub(super) fn explain_forecast(
    rules: &ForecastRules,
    inputs: &VenueForecastInputs,
    found: &ForecastFigures,
) -> Explain {
    let mut explain = Explain::under(&rules.rule, inputs.as_of);
    let trend = &rules.trend;
    explain.input("Diện tích sàn, m²", "Floor area, m²", figure(inputs.area_m2));
    explain.input(
        "Thời gian ở lại thường lệ, phút",
        "Usual stay, minutes",
        figure(inputs.stay_min),
    );
    explain.input(
        "Số tuần đã qua dùng để dự báo lượt đến",
        "Past weeks that arrivals are forecast from",
        figure(found.weeks),
    );
    let where_from = match inputs.homes.of {
        HomesOf::CellsAround => "các ô quanh địa điểm, theo khoảng cách / cells around, by distance",
        HomesOf::Area => "đơn vị hành chính / the area as a whole",
    };
    explain.input("Nơi ở của khách", "Where visitors live", where_from);
    let (homes, psi) = (&rules.homes, &rules.psi_ft2);
    if inputs.homes.of == HomesOf::CellsAround {
        explain.input(
            format!(
                "Trọng số theo khoảng cách km: ô H3 mức {}, {} vòng quanh địa điểm",
                homes.resolution, homes.rings
            )
            .as_str(),
            format!(
                "Weight by distance in km: H3 cells of resolution {}, {} rings around",
                homes.resolution, homes.rings
            )
            .as_str(),
            format!("(km + {})^-{}", homes.near_km, homes.exponent),
        );
    }
    explain.input(
        "Hằng số lây truyền ψ (Chang và cs. 2021), ft²: giữa khoảng (đầu–cuối, khả năng như nhau)",
        "Transmission constant ψ (Chang et al. 2021), ft²: middle of its range (ends, all of it as likely)",
        format!("{} ({}–{})", precise(psi.middle()), psi.low, psi.high),
    );
    explain.input(
        format!("Ca bệnh {} ngày nơi khách ở (có trọng số)", rules.case_days).as_str(),
        format!("Cases of {} days where visitors live (weighted)", rules.case_days).as_str(),
        precise(inputs.homes.cases),
    );
    explain.input(
        "Dân số tương ứng (có trọng số)",
        "Residents that go with them (weighted)",
        precise(inputs.homes.residents),
    );
    explain.step(
        format!(
            "Lượt đến một tuần theo thường lệ × xu hướng: (tuần qua + {0}) / (thường lệ + {0}), trong khoảng {1}–{2}",
            vietnamese(&figure(trend.drawn_by_visits)),
            vietnamese(&figure(trend.lowest)),
            vietnamese(&figure(trend.highest))
        ),
        format!(
            "Arrivals of a usual week × the trend: (last week + {0}) / (usual + {0}), within {1}–{2}",
            figure(trend.drawn_by_visits),
            figure(trend.lowest),
            figure(trend.highest)
        ),
        format!(
            "{} (× {})",
            figure(found.week_visits / found.trend),
            figure(found.trend)
        ),
    );
    explain.step(
        format!("Lượt đến trong {} ngày tới", rules.days),
        format!("Arrivals of the next {} days", rules.days),
        figure(found.visits),
    );
    explain.step(
        "Tỷ trọng mỗi giờ trong tuần, kéo về giờ ấy trung bình các ngày (λ, ước lượng James–Stein, Hausser và Strimmer 2009)",
        "Shares of the hours of the week, drawn to that hour of all days (λ, the James-Stein estimator of Hausser and Strimmer 2009)",
        significant(found.drawn.to_hours_of_day),
    );
    explain.step(
        "Tỷ trọng mỗi giờ trong ngày, kéo về phân bố đều (λ)",
        "Shares of the hours of the day, drawn to even ones (λ)",
        significant(found.drawn.to_even),
    );
    let Some(share) = found.infectious else {
        explain.next(
            "Cần dân số của khu vực quanh địa điểm",
            "The residents of the area around are needed",
        );
        return explain;
    };
    explain.step(
        format!(
            "Tỷ lệ người mang bệnh nơi khách ở = (ca + ½) / {} ngày × {} ngày × {} người nhiễm mỗi ca / dân số",
            rules.case_days,
            vietnamese(&figure(rules.infectious_days)),
            vietnamese(&figure(rules.infections_per_case))
        ),
        format!(
            "Share of people infectious there = (cases + ½) / {} days × {} days × {} infections a case / residents",
            rules.case_days,
            figure(rules.infectious_days),
            figure(rules.infections_per_case)
        ),
        significant(share.mean),
    );
    explain.step(
        "Xác suất có ít nhất một người mang bệnh lúc đông nhất: 1 − (1 − p)ⁿ",
        "Probability of at least one infectious person in the fullest hour: 1 − (1 − p)ⁿ",
        significant(someone_infectious(share.mean, found.fullest)),
    );
    explain.step(
        "Hiệu chỉnh thời gian ở lại: (phút / (phút + 60))²",
        "Correction for the stay: (minutes / (minutes + 60))²",
        significant(dwell_correction(inputs.stay_min)),
    );
    let infections = found.infections.unwrap_or_default();
    explain.step(
        "Số người nhiễm kỳ vọng: tổng theo giờ của ψ × hiệu chỉnh / diện tích (ft² = m² × 10,7639) × người mang bệnh × người có mặt còn lại",
        "Expected infections: over the hours, ψ × correction / area (ft² = m² × 10.7639) × infectious people × others present",
        significant(infections.mean),
    );
    explain.step(
        "Khoảng 95 %",
        "95 % interval",
        format!("{}–{}", significant(infections.low), significant(infections.high)),
    );
    if let Some(per) = found.per_1000_visits() {
        explain.step(
            "Trên 1.000 lượt ghé",
            "Per 1,000 visits",
            format!(
                "{} ({}–{})",
                significant(per.mean),
                significant(per.low),
                significant(per.high)
            ),
        );
    }
    if infections.mean > 0.0 {
        let half = significant(infections.mean / 4.0);
        explain.next(
            format!(
                "Một nửa số người cùng lúc: {} người nhiễm (tỷ lệ với bình phương)",
                vietnamese(&half)
            ),
            format!("Half as many people at once: {half} infections (they go with the square)"),
        );
        explain.next(
            "Một nửa số ca nơi khách ở: khoảng một nửa số người nhiễm",
            "Half as many cases where visitors live: about half the infections",
        );
    }
    explain
}
