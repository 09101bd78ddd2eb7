use crate::model::{Timestamp, VenueKind};
use crate::risk::Explain;
use crate::risk::air::intrinsic::{AirFigures, category, figures, of_index, others};
use crate::risk::air::{AirCategory, AirRules, VenueAir};
use crate::risk::explain::{figure, significant, vietnamese};

/// Air changes an hour up to which better ventilation is looked for: more is not to be had by opening windows.
const MOST_AIR_CHANGES: f64 = 30.0;

pub(super) fn explain_air(
    rules: &AirRules,
    kind: VenueKind,
    air: &VenueAir,
    found: &AirFigures,
    as_of: Timestamp,
) -> Explain {
    let mut explain = Explain::under(&rules.rule, as_of);
    inputs(&mut explain, rules, kind, air);
    explain.step(
        "Thể tích một phòng, m³ (cả địa điểm, hoặc phần bằng phòng lớn nhất của loại này)",
        "Volume of one room, m³ (all of the venue, or the part that is the kind's largest room)",
        figure(air.room_m3()),
    );
    explain.step(
        "Mất khỏi không khí mỗi giờ: thông gió + suy giảm + lắng đọng",
        "Lost from the air an hour: ventilation + decay + settling",
        figure(found.loss_per_h),
    );
    explain.step(
        "Một người mang bệnh thở ra, quanta mỗi giờ (sau khẩu trang)",
        "One infectious person breathes out, quanta an hour (behind masks)",
        figure(found.quanta_per_h),
    );
    explain.step(
        "Nồng độ trung bình trong thời gian ở lại, quanta/m³ (phòng ban đầu sạch)",
        "Mean concentration over the stay, quanta/m³ (from clean air)",
        significant(found.mean_per_m3),
    );
    explain.step(
        "Một người khác hít vào, quanta",
        "Somebody else breathes in, quanta",
        significant(found.quanta),
    );
    explain.step(
        "Chỉ số cá nhân theo Wells-Riley, h²/m³",
        "Individual index by Wells-Riley, h²/m³",
        significant(found.by_quanta),
    );
    explain.step(
        "Chỉ số cá nhân theo CAiMIRA, h²/m³",
        "Individual index by CAiMIRA, h²/m³",
        significant(found.by_particles),
    );
    let individual = found.individual();
    let named = |category: AirCategory| {
        let name = category.name();
        format!("{} / {}", name.vi, name.en)
    };
    explain.step(
        "Mức theo chỉ số cá nhân (mô hình xấu hơn)",
        "Category by the individual index (the worse model)",
        named(of_index(&rules.individual, individual)),
    );
    let group = others(air) * individual;
    explain.step(
        format!(
            "Chỉ số nhóm: × {} người khác trong phòng, người·h²/m³",
            vietnamese(&figure(others(air).round()))
        ),
        format!(
            "Group index: × {} others in the room, persons·h²/m³",
            figure(others(air).round())
        ),
        significant(group),
    );
    explain.step(
        "Mức theo chỉ số nhóm",
        "Category by the group index",
        named(of_index(&rules.group, group)),
    );
    explain.step(
        "Mức của không khí: mức xấu hơn",
        "Category of the air: the worse of the two",
        named(category(rules, air)),
    );
    what_would_change(&mut explain, rules, air);
    explain
}

fn inputs(explain: &mut Explain, rules: &AirRules, kind: VenueKind, air: &VenueAir) {
    let origin = |name: &str| {
        if air.registered.contains(&name) {
            ("sổ đăng ký", "registered")
        } else {
            ("mặc định", "default")
        }
    };
    let mut given = |vi: &str, en: &str, name: &str, value: String| {
        let (of_vi, of_en) = origin(name);
        explain.input(&format!("{vi} ({of_vi})"), &format!("{en} ({of_en})"), value);
    };
    given("Diện tích sàn, m²", "Floor area, m²", "area", figure(air.area_m2));
    given("Thể tích, m³", "Volume, m³", "volume", figure(air.volume_m3));
    given(
        "Số lần thay khí trời mỗi giờ",
        "Outside-air changes an hour",
        "ventilation",
        figure(air.air_changes_per_h),
    );
    given(
        "Số người cùng lúc",
        "People at once",
        "capacity",
        figure(air.people.round()),
    );
    explain.input("Loại địa điểm", "Kind of venue", kind.as_str());
    explain.input(
        "Phòng lớn nhất chung không khí, m² (mặc định)",
        "Largest room that shares its air, m² (default)",
        figure(air.kind.room_m2),
    );
    explain.input(
        "Thời gian ở lại thường lệ, phút",
        "Usual stay, minutes",
        figure(air.stay_h * 60.0),
    );
    explain.input(
        "Tỷ lệ người đeo khẩu trang, %",
        "People with a mask, %",
        figure(air.masked * 100.0),
    );
    let parts: Vec<(String, String)> = rules
        .activities_of(air.kind)
        .map(|(activity, share)| {
            let percent = figure(share * 100.0);
            (
                format!("{} {} %", activity.name.vi, vietnamese(&percent)),
                format!("{} {percent} %", activity.name.en),
            )
        })
        .collect();
    let joined = |side: fn(&(String, String)) -> &str| parts.iter().map(side).collect::<Vec<_>>().join(", ");
    explain.input(
        "Hoạt động (mặc định)",
        "Activities (default)",
        format!("{} / {}", joined(|part| &part.0), joined(|part| &part.1)),
    );
    explain.input(
        "Nguồn của giá trị mặc định",
        "Source of the defaults",
        format!("{} / {}", air.kind.source.vi, air.kind.source.en),
    );
}

/// The least that would better the category, one measure at a time.
fn what_would_change(explain: &mut Explain, rules: &AirRules, air: &VenueAir) {
    let now = category(rules, air);
    if now == AirCategory::Low {
        explain.next(
            "Ít thay khí hơn, đông người hơn hoặc ở lại lâu hơn sẽ làm mức xấu đi",
            "Less fresh air, more people or longer stays would make it worse",
        );
        return;
    }
    let with = |change: &dyn Fn(&mut VenueAir)| {
        let mut other = air.clone();
        change(&mut other);
        category(rules, &other)
    };
    let mut say = |better: Option<f64>, vi: &str, en: &str, set: &dyn Fn(&mut VenueAir, f64)| {
        let Some(value) = better else { return };
        let name = with(&|other| set(other, value)).name();
        let value = figure(value);
        explain.next(
            format!("Mức {}: {}", name.vi, vi.replace("{}", &vietnamese(&value))),
            format!("Category {}: {}", name.en, en.replace("{}", &value)),
        );
    };
    let air_changes = |other: &mut VenueAir, value: f64| other.air_changes_per_h = value;
    // A tenth of an air change is as fine as anybody measures.
    let first = (air.air_changes_per_h * 10.0).ceil() as u32 + 1;
    let most = (MOST_AIR_CHANGES * 10.0) as u32;
    say(
        least_of(first, most, |tenths| {
            with(&|other| air_changes(other, f64::from(tenths) / 10.0)) < now
        })
        .map(|tenths| f64::from(tenths) / 10.0),
        "với {} lần thay khí trời mỗi giờ",
        "with {} outside-air changes an hour",
        &air_changes,
    );
    let people = |other: &mut VenueAir, value: f64| other.people = value;
    let fewer = air.people.ceil() as u32;
    say(
        // Counted downwards: how many fewer.
        least_of(1, fewer.saturating_sub(2), |less| {
            with(&|other| people(other, f64::from(fewer - less))) < now
        })
        .map(|less| f64::from(fewer - less)),
        "với nhiều nhất {} người cùng lúc",
        "with at most {} people at once",
        &people,
    );
    let stay = |other: &mut VenueAir, minutes: f64| other.stay_h = minutes / 60.0;
    let longest = (air.stay_h * 60.0).ceil() as u32;
    say(
        least_of(1, longest.saturating_sub(5), |less| {
            with(&|other| stay(other, f64::from(longest - less))) < now
        })
        .map(|less| f64::from(longest - less)),
        "nếu ở lại nhiều nhất {} phút",
        "with stays of at most {} minutes",
        &stay,
    );
    if with(&|other| other.masked = 1.0) < now {
        say(
            Some(100.0),
            "nếu {} % mọi người đeo khẩu trang",
            "if {} % of people wear a mask",
            &|other, percent| other.masked = percent / 100.0,
        );
    }
    let alone = figures(rules, air).individual();
    if of_index(&rules.individual, alone) == now {
        explain.next(
            "Ít người hơn thôi chưa đủ: chỉ số cá nhân đã ở mức này",
            "Fewer people alone do not help: the individual index is of this category",
        );
    }
}

/// The least number of a range for which something holds that holds for all above it; `None` when it holds for none.
fn least_of(from: u32, to: u32, holds: impl Fn(u32) -> bool) -> Option<u32> {
    if from > to || !holds(to) {
        return None;
    }
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}
