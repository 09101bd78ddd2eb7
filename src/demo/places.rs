use crate::model::VenueKind;

/// What a visit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    Shopping = 0,
    Food = 1,
    Other = 2,
    Work = 3,
    Study = 4,
}

/// What the generator knows of a kind of venue.
pub struct KindFacts {
    pub kind: VenueKind,
    /// Share of all venues, per 10,000.
    pub share: u32,
    /// What visitors come for.
    pub errand: Errand,
    /// How strongly a middling one draws visitors.
    pub draw: f64,
    /// Jobs (or pupils) of a middling one.
    pub jobs: f64,
    /// Floor area of a middling one, m².
    pub area_m2: f64,
    /// Ceiling, m.
    pub height_m: f64,
    /// Outside-air changes per hour.
    pub ach: f64,
    /// m² a person.
    pub crowding_m2: f64,
    /// Shortest and longest usual stay, minutes.
    pub stay_min: (f64, f64),
    pub hours: &'static str,
    /// First words of a name; a number follows.
    pub names: &'static [&'static str],
}

#[expect(clippy::too_many_arguments, reason = "a table row")]
const fn row(
    kind: VenueKind,
    share: u32,
    errand: Errand,
    (draw, jobs): (f64, f64),
    (area_m2, height_m, ach, crowding_m2): (f64, f64, f64, f64),
    stay_min: (f64, f64),
    hours: &'static str,
    names: &'static [&'static str],
) -> KindFacts {
    KindFacts {
        kind,
        share,
        errand,
        draw,
        jobs,
        area_m2,
        height_m,
        ach,
        crowding_m2,
        stay_min,
        hours,
        names,
    }
}

const DAY: &str = "Mo-Su 07:00-21:00";
const OFFICE: &str = "Mo-Fr 07:30-17:00";
const ALWAYS: &str = "24/7";

/// Every kind that is generated, with assumptions that a reader may change.
pub const KINDS: [KindFacts; 21] = [
    row(
        VenueKind::Office,
        900,
        Errand::Other,
        (0.6, 14.0),
        (180.0, 3.2, 1.5, 8.0),
        (15.0, 60.0),
        OFFICE,
        &[
            "Văn phòng công ty",
            "Uỷ ban nhân dân phường, xã số",
            "Chi nhánh ngân hàng số",
            "Bưu cục",
            "Trụ sở cơ quan số",
        ],
    ),
    row(
        VenueKind::Hospital,
        12,
        Errand::Other,
        (60.0, 220.0),
        (9000.0, 3.3, 4.0, 12.0),
        (40.0, 300.0),
        ALWAYS,
        &["Bệnh viện đa khoa số", "Trung tâm y tế số"],
    ),
    row(
        VenueKind::Clinic,
        200,
        Errand::Other,
        (3.0, 6.0),
        (140.0, 3.2, 2.5, 6.0),
        (15.0, 70.0),
        "Mo-Su 07:00-19:00",
        &["Trạm y tế số", "Phòng khám số"],
    ),
    row(
        VenueKind::Pharmacy,
        400,
        Errand::Shopping,
        (1.5, 2.0),
        (35.0, 3.2, 2.0, 5.0),
        (5.0, 15.0),
        "Mo-Su 07:00-22:00",
        &["Nhà thuốc số", "Quầy thuốc số"],
    ),
    row(
        VenueKind::School,
        330,
        Errand::Study,
        (0.2, 260.0),
        (2200.0, 3.4, 3.0, 3.0),
        (180.0, 280.0),
        "Mo-Sa 06:45-17:00",
        &[
            "Trường Mầm non",
            "Trường Tiểu học",
            "Trường Trung học cơ sở",
            "Trường Trung học phổ thông",
        ],
    ),
    row(
        VenueKind::Factory,
        170,
        Errand::Work,
        (0.1, 220.0),
        (4500.0, 6.0, 2.0, 8.0),
        (400.0, 560.0),
        ALWAYS,
        &[
            "Nhà máy cơ khí",
            "Nhà máy may",
            "Xưởng chế biến chè",
            "Xưởng gỗ",
            "Nhà máy linh kiện",
        ],
    ),
    row(
        VenueKind::Dormitory,
        350,
        Errand::Other,
        (0.5, 2.0),
        (500.0, 3.0, 1.5, 6.0),
        (120.0, 480.0),
        ALWAYS,
        &["Khu nhà trọ công nhân", "Ký túc xá số"],
    ),
    row(
        VenueKind::Market,
        80,
        Errand::Shopping,
        (55.0, 40.0),
        (1800.0, 5.0, 6.0, 2.5),
        (15.0, 75.0),
        "Mo-Su 05:00-18:00",
        &["Chợ số", "Chợ dân sinh số", "Chợ phiên số"],
    ),
    row(
        VenueKind::Supermarket,
        180,
        Errand::Shopping,
        (14.0, 12.0),
        (420.0, 4.0, 2.0, 5.0),
        (10.0, 55.0),
        "Mo-Su 07:00-22:00",
        &["Siêu thị mini", "Cửa hàng tiện lợi", "Siêu thị số"],
    ),
    row(
        VenueKind::Mall,
        5,
        Errand::Shopping,
        (160.0, 130.0),
        (14000.0, 5.0, 3.0, 6.0),
        (30.0, 140.0),
        "Mo-Su 09:00-22:00",
        &["Trung tâm thương mại số"],
    ),
    row(
        VenueKind::Shop,
        3600,
        Errand::Shopping,
        (1.2, 2.5),
        (50.0, 3.4, 2.0, 5.0),
        (6.0, 35.0),
        DAY,
        &[
            "Tạp hoá",
            "Cửa hàng quần áo",
            "Cửa hàng điện thoại",
            "Cửa hàng vật liệu xây dựng",
            "Tiệm tóc",
            "Tiệm sửa xe",
            "Cửa hàng chè Thái Nguyên",
            "Hiệu sách",
            "Cửa hàng hoa quả",
        ],
    ),
    row(
        VenueKind::Restaurant,
        1600,
        Errand::Food,
        (3.0, 4.0),
        (85.0, 3.4, 3.0, 2.0),
        (20.0, 80.0),
        "Mo-Su 06:00-22:00",
        &[
            "Quán phở",
            "Quán bún chả",
            "Quán cơm",
            "Quán bánh cuốn",
            "Nhà hàng lẩu",
            "Quán bia hơi",
            "Quán cháo",
        ],
    ),
    row(
        VenueKind::Cafe,
        850,
        Errand::Food,
        (2.6, 3.0),
        (90.0, 3.4, 2.0, 2.5),
        (25.0, 110.0),
        "Mo-Su 06:30-22:30",
        &["Quán cà phê", "Quán trà sữa", "Cà phê sách"],
    ),
    row(
        VenueKind::Bar,
        160,
        Errand::Food,
        (2.4, 6.0),
        (140.0, 3.0, 1.0, 1.5),
        (60.0, 180.0),
        "Mo-Su 17:00-24:00",
        &["Karaoke", "Quán bar"],
    ),
    row(
        VenueKind::Hotel,
        190,
        Errand::Other,
        (1.0, 6.0),
        (700.0, 3.0, 1.5, 15.0),
        (60.0, 600.0),
        ALWAYS,
        &["Nhà nghỉ", "Khách sạn"],
    ),
    row(
        VenueKind::Station,
        16,
        Errand::Other,
        (26.0, 16.0),
        (1200.0, 5.0, 6.0, 3.0),
        (10.0, 60.0),
        "Mo-Su 04:30-21:00",
        &["Bến xe số", "Nhà ga số"],
    ),
    row(
        VenueKind::Transport,
        180,
        Errand::Other,
        (4.0, 2.0),
        (30.0, 2.2, 4.0, 0.8),
        (20.0, 90.0),
        "Mo-Su 05:00-20:00",
        &["Xe buýt tuyến", "Xe khách số"],
    ),
    row(
        VenueKind::Worship,
        230,
        Errand::Other,
        (3.0, 1.0),
        (260.0, 5.0, 5.0, 2.0),
        (20.0, 100.0),
        "Mo-Su 05:00-19:00",
        &["Chùa số", "Nhà thờ số", "Đình số"],
    ),
    row(
        VenueKind::Gym,
        130,
        Errand::Other,
        (4.0, 3.0),
        (220.0, 4.0, 2.0, 5.0),
        (45.0, 110.0),
        "Mo-Su 05:30-21:30",
        &["Phòng tập", "Sân bóng mini"],
    ),
    row(
        VenueKind::Leisure,
        200,
        Errand::Other,
        (5.0, 4.0),
        (380.0, 4.5, 2.5, 3.0),
        (30.0, 150.0),
        "Mo-Su 08:00-22:00",
        &["Nhà văn hoá", "Khu vui chơi", "Rạp chiếu phim số"],
    ),
    row(
        VenueKind::Other,
        217,
        Errand::Other,
        (1.5, 3.0),
        (100.0, 3.2, 2.0, 5.0),
        (10.0, 60.0),
        DAY,
        &["Điểm dịch vụ", "Điểm tiêm chủng"],
    ),
];

/// The row of a kind.
pub fn facts(kind: VenueKind) -> &'static KindFacts {
    &KINDS[kind as usize]
}
