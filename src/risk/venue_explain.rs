use crate::model::Day;
use crate::risk::explain::{figure, vietnamese};
use crate::risk::stay_days::explain_stays;
use crate::risk::venue_risk::{assessment_level, exposure_level};
use crate::risk::{
    AssessmentOutcome, AssessmentResult, Audience, Explain, MinutesOfParts, OtherExposure, Relation, Rules,
    VenueFigures, VenueGroup, VenueInputs, stay_days,
};

/// The reasons of a venue's level. Nothing in it tells the public of exposure that was withheld.
pub(super) fn explain_venue(
    rules: &Rules,
    inputs: &VenueInputs,
    audience: Audience,
    figures: &VenueFigures,
) -> Explain {
    let mut explain = Explain::under(&rules.venue.rule, inputs.now);
    let tracing = &rules.tracing;
    explain.input("Loại địa điểm", "Kind of venue", inputs.kind.as_str());
    explain.input(
        match audience {
            Audience::Public => "Ca bệnh (khác nhau) có mốc dịch tễ trong những ngày được công bố phơi nhiễm",
            Audience::Official => "Ca bệnh (khác nhau) có mốc dịch tễ đã duyệt",
        },
        match audience {
            Audience::Public => "Distinct cases with marks on the days whose exposure is published",
            Audience::Official => "Distinct cases with approved marks",
        },
        match audience {
            Audience::Public if figures.cases > 0 => format!("≥ {}", figures.cases),
            _ => figures.cases.to_string(),
        },
    );
    let days = tracing.look_back_days;
    explain.input("Số ngày nhìn lại", "Days looked back", days.to_string());
    if audience == Audience::Public {
        let least = rules.venue.public_from_cases;
        explain.input(
            "Số ca (khác nhau) tối thiểu trong một ngày để công bố phơi nhiễm của ngày đó",
            "Least distinct cases on a day for its exposure to be published",
            least.to_string(),
        );
    }
    if let Some(group) = inputs.group {
        building(&mut explain, group);
    }

    // Single stays are a case's way: not for the public.
    let stays = match audience {
        Audience::Public => Vec::new(),
        Audience::Official => stay_days(tracing, inputs.marks, inputs.now, inputs.offset),
    };
    for day in &figures.exposure {
        explain_stays(&mut explain, &stays, day.day);
        explain.step(
            format!(
                "Phút phơi nhiễm quy đổi ngày {} ({})",
                day.day,
                tracing.rule.label()
            ),
            format!(
                "Normalised exposure minutes on {} ({})",
                day.day,
                tracing.rule.label()
            ),
            figure(day.minutes),
        );
        for other in figures.from_others.iter().filter(|other| other.day == day.day) {
            explain_other(&mut explain, other);
        }
    }
    let by_exposure = exposure_level(rules, &figures.exposure);
    if by_exposure == 0 {
        // The public hears the same where there is none and where it is withheld.
        let (vi, en) = match audience {
            Audience::Public => ("được công bố", "published"),
            Audience::Official => ("được ghi nhận", "on record"),
        };
        explain.step(
            format!("Không có phơi nhiễm {vi} trong {days} ngày"),
            format!("No exposure {en} in {days} days"),
            "0",
        );
    } else {
        let threshold = figure(tracing.high_from_min);
        explain.step(
            format!("Cấp theo ngày cao nhất (ngưỡng {} phút)", vietnamese(&threshold)),
            format!("Level by the worst day (threshold {threshold} minutes)"),
            by_exposure.to_string(),
        );
    }

    let (own, inspected) = (figures.self_declared.as_ref(), figures.inspected.as_ref());
    assessment(&mut explain, inputs, inspected, "Đoàn kiểm tra", "Inspected");
    assessment(&mut explain, inputs, own, "Tự đánh giá", "Self-declared");
    let alone = |result| assessment_level(rules, None, result);
    if let (own @ 1.., inspected @ 1..) = (alone(own), alone(inspected))
        && own != inspected
    {
        explain.step(
            "Hai nguồn khác nhau: cấp theo tự đánh giá và cấp theo đoàn kiểm tra",
            "The sources disagree: level self-declared and level inspected",
            format!("{own} ≠ {inspected}"),
        );
    }
    let by_assessment = assessment_level(rules, figures.self_declared.as_ref(), figures.inspected.as_ref());
    explain.step(
        "Cấp theo đánh giá (tự đánh giá chỉ có thể làm xấu hơn kết quả kiểm tra)",
        "Level by assessment (a self-declaration can only make an inspection worse)",
        by_assessment.to_string(),
    );
    explain.step(
        "Cấp của địa điểm: cấp cao hơn trong hai cấp",
        "Level of the venue: the higher of the two",
        figures.level.to_string(),
    );
    what_would_change(rules, inputs, figures, by_exposure, &mut explain);
    explain
}

/// What marks elsewhere in the building are to this venue.
fn building(explain: &mut Explain, group: &VenueGroup) {
    let (vi_how, en_how) = match group.minutes {
        MinutesOfParts::Largest => ("lấy phút lớn nhất trong ngày", "the largest minutes of a day"),
        MinutesOfParts::Sum => ("cộng số phút trong ngày", "the minutes of a day added up"),
    };
    if group.inside > 0 {
        explain.input(
            "Số phần trực tiếp bên trong (tầng, phòng, gian)",
            "Parts directly inside (floors, rooms, stalls)",
            group.inside.to_string(),
        );
        match group.parts.len() {
            0 => explain.step(
                "Mốc dịch tễ ở các phần bên trong chỉ tính tại phần đó, không tính cho địa điểm này",
                "Marks at parts inside count there alone, not here",
                "–",
            ),
            reaching => explain.step(
                format!("Số phần mà mốc dịch tễ cũng tính cho địa điểm này ({vi_how})"),
                format!("Parts whose marks count here too ({en_how})"),
                reaching.to_string(),
            ),
        }
    }
    match group.parents.first() {
        Some(parent) => explain.step(
            format!("Mốc dịch tễ của {} cũng tính cho mọi phần bên trong", parent.name),
            format!("Marks at {} count in all that lies inside too", parent.name),
            "–",
        ),
        None if group.has_parent => explain.step(
            "Mốc dịch tễ của toà nhà chứa địa điểm này không tính cho địa điểm này",
            "Marks at the building that holds it do not count here",
            "–",
        ),
        None => {}
    }
}

fn explain_other(explain: &mut Explain, other: &OtherExposure) {
    let name = other.name.as_deref().unwrap_or_default();
    let (vi, en) = match other.relation {
        Relation::Part => (
            format!("Trong đó phần bên trong: {name}"),
            format!("Of it, the part inside: {name}"),
        ),
        Relation::Parent => (
            format!("Trong đó địa điểm bao ngoài: {name}"),
            format!("Of it, the venue around: {name}"),
        ),
        Relation::Together => (
            "Trong đó nhiều nơi gộp lại, mỗi nơi có quá ít ca để nêu riêng".to_owned(),
            "Of it, several places together, each with too few cases to be named".to_owned(),
        ),
    };
    explain.step(
        format!("{vi} (ngày {})", other.day),
        format!("{en} (on {})", other.day),
        figure(other.minutes),
    );
}

fn assessment(
    explain: &mut Explain,
    inputs: &VenueInputs,
    result: Option<&AssessmentResult>,
    vi: &str,
    en: &str,
) {
    let Some(result) = result else {
        explain.step(
            format!("{vi}: chưa có hoặc đã hết hạn"),
            format!("{en}: none, or expired"),
            "–",
        );
        return;
    };
    let score = result.score.map_or("–".to_owned(), figure);
    let (vi_class, en_class) = match &result.outcome {
        AssessmentOutcome::Class { name, .. } => (name.vi.clone(), name.en.clone()),
        AssessmentOutcome::UndefinedByRule(why) => (
            format!("văn bản không xác định – {}", why.vi),
            format!("undefined by rule – {}", why.en),
        ),
        AssessmentOutcome::Incomplete(why) => (
            format!("chưa đủ – {}", why.vi),
            format!("incomplete – {}", why.en),
        ),
    };
    let label = &result.instrument;
    let made = Day::of(result.at, inputs.offset);
    let (vi_ago, en_ago) = match Day::of(inputs.now, inputs.offset).0 - made.0 {
        0 => ("hôm nay".to_owned(), "today".to_owned()),
        1 => ("hôm qua".to_owned(), "yesterday".to_owned()),
        days => (format!("{days} ngày trước"), format!("{days} days ago")),
    };
    explain.step(
        format!("{vi} ({label}), ngày {made}, {vi_ago}: {vi_class}"),
        format!("{en} ({label}) on {made}, {en_ago}: {en_class}"),
        score,
    );
    if let Some(until) = result.fix_until.filter(|until| *until <= inputs.now) {
        let until = until.to_rfc3339(inputs.offset);
        explain.step(
            format!("{label}: hạn khắc phục đã hết lúc {until} mà chưa đánh giá lại"),
            format!("{label}: the time to fix things ended at {until} without a new assessment"),
            "–",
        );
    }
    if !result.confirmed {
        explain.step(
            format!("{label}: một phần chưa đối chiếu với văn bản gốc"),
            format!("{label}: parts were not checked against the text"),
            "–",
        );
    }
}

fn what_would_change(
    rules: &Rules,
    inputs: &VenueInputs,
    figures: &VenueFigures,
    by_exposure: u8,
    explain: &mut Explain,
) {
    let worst = figures.exposure.iter().map(|day| day.band).max();
    let last = figures
        .exposure
        .iter()
        .filter(|day| Some(day.band) == worst)
        .map(|day| day.day)
        .max();
    if let Some(last) = last.filter(|_| by_exposure == figures.level) {
        let free = Day(last.0 + rules.tracing.look_back_days + 1);
        explain.next(
            format!("Từ ngày {free}, nếu không có mốc dịch tễ mới, ngày cao nhất không còn tính"),
            format!("From {free} on, without new marks, the worst day no longer counts"),
        );
    }
    if by_exposure < rules.venue.level_by_band[1] {
        let threshold = figure(rules.tracing.high_from_min);
        let level = rules.venue.level_by_band[1];
        explain.next(
            format!(
                "Cấp {level} khi một ngày có từ {} phút phơi nhiễm được công bố",
                vietnamese(&threshold)
            ),
            format!("Level {level} when a day has {threshold} published exposure minutes or more"),
        );
    }
    if figures.inspected.is_none() {
        let names: Vec<&str> = rules
            .instruments
            .for_kind(inputs.kind)
            .map(|instrument| instrument.rule.title.vi.as_str())
            .collect();
        let names_en: Vec<&str> = rules
            .instruments
            .for_kind(inputs.kind)
            .map(|instrument| instrument.rule.title.en.as_str())
            .collect();
        if names.is_empty() {
            explain.next("Một lần kiểm tra an toàn", "A safety inspection");
        } else {
            explain.next(
                format!("Một lần kiểm tra theo: {}", names.join("; ")),
                format!("An inspection by: {}", names_en.join("; ")),
            );
        }
    }
    let both = [
        (&figures.inspected, "Kết quả kiểm tra của đoàn", "The inspection"),
        (&figures.self_declared, "Bản tự đánh giá", "The self-declaration"),
    ];
    let both = both.into_iter();
    for (result, vi, en) in both.filter_map(|(result, vi, en)| Some((result.as_ref()?, vi, en))) {
        let day = Day::of(result.expires, inputs.offset);
        explain.next(
            format!("{vi} theo {} hết hạn ngày {day}", result.instrument),
            format!("{en} by {} expires on {day}", result.instrument),
        );
        if let Some(until) = result.fix_until.filter(|until| inputs.now < *until) {
            let until = until.to_rfc3339(inputs.offset);
            explain.next(
                format!("{vi}: phải khắc phục và đánh giá lại trước {until}"),
                format!("{en}: to be fixed and assessed again before {until}"),
            );
        }
        if let Some(first) = result.fix_first.first() {
            let (points, wanted) = (figure(first.points), figure(first.wanted));
            explain.next(
                format!(
                    "{vi}, khắc phục trước hết: {} ({} điểm, cần {})",
                    first.name.vi,
                    vietnamese(&points),
                    vietnamese(&wanted)
                ),
                format!(
                    "{en}, to be fixed first: {} ({points} points, {wanted} wanted)",
                    first.name.en
                ),
            );
        } else if result.to_fix > 0 {
            explain.next(
                format!(
                    "{vi}: còn {} mục của {} phải khắc phục",
                    result.to_fix, result.instrument
                ),
                format!(
                    "{en}: {} {} of {} to be fixed",
                    result.to_fix,
                    if result.to_fix == 1 { "item" } else { "items" },
                    result.instrument
                ),
            );
        }
    }
}
