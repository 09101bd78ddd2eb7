use crate::geo::BBox;

/// The province's official code.
pub const PROVINCE: &str = "19";
/// The province's name.
pub const PROVINCE_NAME: &str = "Tỉnh Thái Nguyên";

/// A district as it was from 2019 to 30 June 2025.
#[derive(Clone, Copy, Debug)]
pub struct DistrictFacts {
    /// Official code (General Statistics Office).
    pub code: &'static str,
    /// Name, NFC.
    pub name: &'static str,
    /// Residents, census of 1 April 2019.
    pub population: u64,
    /// A point inside, degrees, lng then lat.
    pub point: (f64, f64),
    /// Land area, km².
    pub area_km2: f64,
    /// Its extent, degrees.
    pub bbox: BBox,
    /// How many communes, wards and towns it had in 2021.
    pub communes: usize,
    /// Town centres: lng, lat (approximate), radius in km, weight relative to the countryside's total of 1.
    pub towns: &'static [(f64, f64, f64, f64)],
}

const fn bbox(min_lng: f64, min_lat: f64, max_lng: f64, max_lat: f64) -> BBox {
    BBox {
        min_lng,
        min_lat,
        max_lng,
        max_lat,
    }
}

/// The nine districts in the order of their codes.
pub const DISTRICTS: [DistrictFacts; 9] = [
    DistrictFacts {
        code: "164",
        name: "Thành phố Thái Nguyên",
        population: 340_403,
        point: (105.781, 21.5777),
        area_km2: 172.0,
        bbox: bbox(105.7, 21.51, 105.9, 21.65),
        communes: 32,
        towns: &[
            (105.843, 21.593, 2.2, 2.2),
            (105.806, 21.588, 1.4, 0.9),
            (105.868, 21.556, 1.3, 0.5),
            (105.781, 21.5777, 1.2, 0.3),
        ],
    },
    DistrictFacts {
        code: "165",
        name: "Thành phố Sông Công",
        population: 69_382,
        point: (105.8232, 21.4961),
        area_km2: 98.0,
        bbox: bbox(105.75, 21.44, 105.92, 21.55),
        communes: 10,
        towns: &[(105.846, 21.479, 1.4, 1.6), (105.8232, 21.4961, 1.0, 0.5)],
    },
    DistrictFacts {
        code: "167",
        name: "Huyện Định Hóa",
        population: 89_288,
        point: (105.6285, 21.8966),
        area_km2: 514.0,
        bbox: bbox(105.49, 21.75, 105.78, 22.05),
        communes: 23,
        towns: &[(105.645, 21.907, 1.3, 0.5)],
    },
    DistrictFacts {
        code: "168",
        name: "Huyện Phú Lương",
        population: 102_292,
        point: (105.7173, 21.7648),
        area_km2: 372.0,
        bbox: bbox(105.63, 21.61, 105.82, 21.92),
        communes: 15,
        towns: &[(105.705, 21.728, 1.3, 0.5), (105.76, 21.655, 1.2, 0.3)],
    },
    DistrictFacts {
        code: "169",
        name: "Huyện Đồng Hỷ",
        population: 92_421,
        point: (105.8958, 21.6858),
        area_km2: 460.0,
        bbox: bbox(105.79, 21.52, 106.08, 21.85),
        communes: 15,
        towns: &[(105.86, 21.645, 1.4, 0.6), (105.889, 21.69, 1.1, 0.3)],
    },
    DistrictFacts {
        code: "170",
        name: "Huyện Võ Nhai",
        population: 68_080,
        point: (105.9849, 21.7856),
        area_km2: 844.0,
        bbox: bbox(105.85, 21.6, 106.24, 21.97),
        communes: 15,
        towns: &[(106.075, 21.757, 1.2, 0.5)],
    },
    DistrictFacts {
        code: "171",
        name: "Huyện Đại Từ",
        population: 171_703,
        point: (105.612, 21.6032),
        area_km2: 574.0,
        bbox: bbox(105.48, 21.43, 105.78, 21.78),
        communes: 30,
        towns: &[(105.64, 21.632, 1.6, 0.5)],
    },
    DistrictFacts {
        code: "172",
        name: "Thành phố Phổ Yên",
        population: 196_378,
        point: (105.7567, 21.452),
        area_km2: 260.0,
        bbox: bbox(105.67, 21.33, 105.95, 21.58),
        communes: 18,
        towns: &[(105.872, 21.417, 2.0, 1.6), (105.845, 21.39, 1.2, 0.4)],
    },
    DistrictFacts {
        code: "173",
        name: "Huyện Phú Bình",
        population: 156_804,
        point: (105.9624, 21.4926),
        area_km2: 252.0,
        bbox: bbox(105.88, 21.39, 106.05, 21.59),
        communes: 20,
        towns: &[(105.975, 21.465, 1.5, 0.5)],
    },
];

/// Industrial parks: lng, lat (approximate), share of the factory jobs, name.
pub const INDUSTRY: [(f64, f64, f64, &str); 4] = [
    (105.893, 21.425, 0.5, "Khu công nghiệp Yên Bình"),
    (105.858, 21.488, 0.25, "Khu công nghiệp Sông Công"),
    (105.868, 21.398, 0.15, "Khu công nghiệp Nam Phổ Yên"),
    (105.948, 21.445, 0.1, "Khu công nghiệp Điềm Thuỵ"),
];
/// The university town, lng and lat (approximate).
pub const UNIVERSITY: (f64, f64) = (105.806, 21.588);

/// Check-ins per half hour from midnight, thousands, all Malaysia: Tuesday 1, Saturday 5 and Sunday
/// 6 December 2020 (rounded from the health ministry's open figures).
const WEEKDAY: [u16; 48] = [
    6, 4, 3, 2, 2, 2, 1, 1, 2, 3, 8, 25, 53, 130, 260, 487, 590, 623, 608, 602, 622, 615, 627, 669, 802, 831,
    849, 697, 650, 614, 588, 550, 528, 497, 541, 591, 630, 603, 533, 499, 485, 400, 287, 166, 96, 59, 34, 16,
];
const SATURDAY: [u16; 48] = [
    10, 6, 4, 3, 2, 2, 2, 2, 2, 4, 8, 25, 53, 122, 224, 373, 471, 538, 589, 627, 696, 711, 744, 780, 853,
    843, 846, 792, 772, 749, 732, 707, 692, 660, 681, 705, 726, 700, 638, 608, 598, 502, 375, 230, 139, 90,
    53, 26,
];
const SUNDAY: [u16; 48] = [
    11, 6, 4, 3, 2, 2, 2, 2, 2, 3, 7, 21, 42, 89, 162, 280, 373, 450, 529, 598, 683, 716, 751, 783, 816, 821,
    813, 758, 753, 738, 725, 697, 672, 642, 659, 684, 696, 660, 591, 553, 525, 425, 305, 175, 101, 63, 36,
    17,
];

/// The measured check-ins per half hour of a day, thousands; `weekday` 0 = Monday ..= 6 = Sunday.
#[must_use]
pub const fn half_hour_profile(weekday: u8) -> &'static [u16; 48] {
    match weekday {
        5 => &SATURDAY,
        6 => &SUNDAY,
        _ => &WEEKDAY,
    }
}
