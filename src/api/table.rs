//! The table of everything that is answered, apart from the pages.

use axum::routing::{get, post, put};

use crate::api::edge::Class;
use crate::api::routes::{Answers, Param, Route, Takes, Verb};
use crate::api::{basemap, changes, docs, ops, tiles, v1};
use crate::model::Role;

const EVERYONE: &[Role] = &Role::ALL;
const MACHINES: &[Role] = &[Role::Ingest, Role::Admin];
/// Who may send what was reported of areas, officials of theirs.
const REPORTERS: &[Role] = &[Role::Official, Role::Ingest, Role::Admin];
const OFFICIALS: &[Role] = &[Role::Official, Role::Admin];
const ADMINS: &[Role] = &[Role::Admin];
const APPROVERS: &[Role] = &[Role::Approver];
const TRACERS: &[Role] = &[Role::Official, Role::Approver, Role::Admin];
/// Who reads the server's own figures: a scraper may use a key that can do nothing but send events.
const METERS: &[Role] = &[Role::Admin, Role::Analyst, Role::Ingest];
const ANALYSTS: &[Role] = &[Role::Analyst, Role::Admin];
/// Who sees exact figures, officials those of their areas.
const EXACT: &[Role] = &[Role::Official, Role::Approver, Role::Analyst, Role::Admin];

const fn param(
    name: &'static str,
    kind: &'static str,
    vi: &'static str,
    en: &'static str,
    example: &'static str,
) -> Param {
    Param {
        name,
        kind,
        required: false,
        en,
        vi,
        example,
    }
}

const AT: Param = param(
    "at",
    "string",
    "Thời điểm, RFC 3339 có múi giờ; mặc định là bây giờ",
    "An instant, RFC 3339 with offset; now by default",
    "2021-05-07T08:00:00+07:00",
);
const WINDOW: Param = param(
    "window",
    "string",
    "Khoảng thời gian kết thúc tại `at`, ISO 8601 (PT6H, P14D); mặc định P7D",
    "The span that ends at `at`, ISO 8601 (PT6H, P14D); P7D by default",
    "P7D",
);
const WHOLE_DAYS: Param = param(
    "window",
    "string",
    "Số ngày địa phương trọn vẹn, ngày cuối là ngày trước ngày của `at`, ISO 8601 (P14D); mặc định P7D",
    "Whole local days, the last the one before the day of `at`, ISO 8601 (P14D); P7D by default",
    "P14D",
);
const BBOX: Param = param(
    "bbox",
    "string",
    "Khung min_lng,min_lat,max_lng,max_lat, độ",
    "A box min_lng,min_lat,max_lng,max_lat in degrees",
    "105.7,21.5,105.9,21.7",
);
const LNG: Param = Param {
    required: true,
    ..param("lng", "number", "Kinh độ, độ đông", "Degrees east", "105.84")
};
const LAT: Param = Param {
    required: true,
    ..param("lat", "number", "Vĩ độ, độ bắc", "Degrees north", "21.59")
};
const LIMIT: Param = param(
    "limit",
    "integer",
    "Số dòng mỗi trang, tối đa 10000",
    "Rows a page, at most 10000",
    "100",
);
const CURSOR: Param = param(
    "cursor",
    "string",
    "Lấy từ liên kết `next`",
    "From the link `next`",
    "",
);
const BOM: Param = param(
    "bom",
    "integer",
    "1: thêm BOM vào CSV cho Excel",
    "1: a byte order mark before CSV, for Excel",
    "1",
);
const RESOLUTION: Param = param(
    "resolution",
    "integer",
    "Độ phân giải H3, 0 đến 9; mặc định 9",
    "H3 resolution, 0 to 9; 9 by default",
    "8",
);
const TILE_RESOLUTION: Param = param(
    "resolution",
    "integer",
    "Độ phân giải H3 của lớp `cells`, từ 0 đến mức của cấp thu phóng cộng 1 (tối đa 9); mặc định theo cấp thu phóng",
    "H3 resolution of the layer `cells`, from 0 to the zoom's own plus 1 (at most 9); by default the zoom's own",
    "8",
);
const FILTER: Param = param(
    "filter",
    "string",
    "Điều kiện trên các thuộc tính (những gì ô bản đồ hoặc dòng cho thấy), ngôn ngữ CQL2 (OGC 21-065r2); thuộc tính vắng mặt là      NULL. Với ô bản đồ, điều kiện áp dụng cho mọi lớp được hỏi, và mỗi lớp phải có mọi thuộc tính được nêu. Không có hàm      không gian, thời gian và mảng",
    "A condition on the properties (what the tile or row shows), in CQL2 (OGC 21-065r2): = <> < <= > >=, BETWEEN, IN, LIKE, IS      NULL, AND, OR, NOT, arithmetic, CASEI, ACCENTI, TIMESTAMP and DATE; a property that is absent is NULL. Of tiles it      applies to every layer asked for, and each must have every property it names. No spatial, temporal or array functions. At      most 2000 bytes",
    "level >= 3",
);
const FILTER_LANG: Param = param(
    "filter-lang",
    "string",
    "Ngôn ngữ của `filter`: cql2-text (mặc định) hoặc cql2-json",
    "The language of `filter`: cql2-text (the default) or cql2-json",
    "cql2-text",
);
const RESOLUTION_NEEDED: Param = RESOLUTION;
const KIND: Param = param(
    "kind",
    "string",
    "Loại địa điểm, như `supermarket`",
    "Kind of venue, such as `supermarket`",
    "supermarket",
);
const AREA: Param = param(
    "area",
    "string",
    "Mã đơn vị hành chính chứa địa điểm",
    "Code of an area that holds the venue",
    "164",
);
const LEVEL: Param = param(
    "level",
    "integer",
    "Mức nguy cơ từ 0 đến 4",
    "Risk level, 0 to 4",
    "3",
);
const TIER: Param = param(
    "level",
    "string",
    "Cấp: country, province, district, commune",
    "Tier: country, province, district, commune",
    "district",
);
const WEEK: Param = param(
    "week",
    "string",
    "Tuần ISO 8601; mặc định là tuần công bố gần nhất",
    "A week of ISO 8601; by default the last one released",
    "2021-W46",
);
const ALL: Param = param(
    "all",
    "integer",
    "1: cả những đơn vị không đổi cấp",
    "1: also areas whose level did not change",
    "1",
);
const RULES: Param = param(
    "rules",
    "string",
    "Quy định dùng để tính cấp: mã, hoặc mã@phiên bản (xem /v1/rules); mặc định là quy định đang áp dụng",
    "The rule that levels are computed by: its id, or id@version (see /v1/rules); by default the one in force",
    "qd4800@2021-10-12",
);
const NEAR: Param = param(
    "near",
    "string",
    "Gần điểm lng,lat",
    "Near the point lng,lat",
    "105.84,21.59",
);
const RADIUS: Param = param(
    "radius_m",
    "number",
    "Bán kính quanh `near`, mét, tối đa 50000",
    "Radius around `near`, metres, at most 50000",
    "500",
);
const Q: Param = param(
    "q",
    "string",
    "Tìm trong tên, không phân biệt dấu",
    "Searched in names, without regard to accents",
    "cho",
);
const FIELDS_MAP: Param = param(
    "map",
    "string",
    "Đổi tên cột: at=time,venue=place",
    "Other field names: at=time,venue=place",
    "at=time,venue=place",
);

const WITHIN: Param = param(
    "area",
    "string",
    "Mã đơn vị hành chính được xét; cần có khi xét theo ô",
    "Code of the area looked at; needed for cells",
    "19",
);
const TIER_OF_PLACES: Param = param(
    "level",
    "string",
    "Xét theo đơn vị hành chính cấp này, thay vì theo ô",
    "Look at areas of this tier instead of cells",
    "commune",
);
const RESOLUTION_OF_PLACES: Param = param(
    "resolution",
    "integer",
    "Xét theo ô có độ phân giải này, 0 đến 9 (mặc định: cụm 7, điểm nóng 8)",
    "Look at cells of this resolution, 0 to 9 (by default: clusters 7, hot spots 8)",
    "7",
);
const MODEL: Param = param(
    "model",
    "string",
    "poisson (ca so với dân số) hoặc space_time (quét hoán vị không gian-thời gian)",
    "poisson (cases against residents) or space_time (the permutation scan)",
    "poisson",
);
const LONGEST_DAYS: Param = param(
    "longest_days",
    "integer",
    "space_time: cụm dài nhất, ngày, 1 đến 60; mặc định 7",
    "space_time: the longest cluster, days, 1 to 60; 7 by default",
    "7",
);
const ALIVE: Param = param(
    "alive",
    "integer",
    "space_time: 1 chỉ cụm còn tiếp diễn (mặc định), 0 cả cụm đã qua",
    "space_time: 1 only clusters that go on (default), 0 past ones too",
    "1",
);
const SHARE: Param = param(
    "share",
    "number",
    "Cụm lớn nhất, phần dân số (space_time: phần số ca), 0,01 đến 1; mặc định 0,5",
    "The largest cluster, as a share of residents (space_time: of cases), 0.01 to 1; 0.5 by default",
    "0.5",
);
const CLUSTER_RADIUS: Param = param(
    "radius_km",
    "number",
    "Bán kính lớn nhất của cụm, km",
    "The largest radius of a cluster, km",
    "10",
);
const FEWEST_CASES: Param = param(
    "fewest_cases",
    "integer",
    "Số ca ít nhất của cụm, 2 đến 1000; mặc định 2",
    "Fewest cases of a cluster, 2 to 1000; 2 by default",
    "2",
);
const REPLICATIONS: Param = param(
    "replications",
    "integer",
    "Số lần thử ngẫu nhiên, 99 đến 99999; mặc định 999, ít hơn nếu tính quá lâu",
    "How often chance is asked, 99 to 99999; 999 by default, fewer where that takes too long",
    "999",
);
const SEED: Param = param(
    "seed",
    "integer",
    "Mầm ngẫu nhiên: cùng mầm cho cùng kết quả; mặc định 1",
    "Seed of chance: equal seeds give equal answers; 1 by default",
    "1",
);
const RINGS: Param = param(
    "rings",
    "integer",
    "Số vòng ô lân cận, 1 đến 5; mặc định 1",
    "Rings of neighbours, 1 to 5; 1 by default",
    "1",
);
const ORDER: Param = param(
    "order",
    "string",
    "Xếp theo infections (số người nhiễm kỳ vọng, mặc định) hoặc per_1000_visits",
    "Ranked by infections (expected, the default) or per_1000_visits",
    "infections",
);
const DAY: Param = param(
    "day",
    "string",
    "Ngày địa phương; mặc định hôm nay",
    "A local day; today by default",
    "2021-05-07",
);
const FROM_DAY: Param = param(
    "from",
    "string",
    "Từ ngày này",
    "Not before this day",
    "2021-10-01",
);
const TO_DAY: Param = param(
    "to",
    "string",
    "Đến hết ngày này",
    "Not after this day",
    "2021-10-31",
);
const DAYS: Param = param(
    "days",
    "integer",
    "Số ngày, 1 đến 366; mặc định 28",
    "Days, 1 to 366; 28 by default",
    "28",
);

macro_rules! route {
    ($id:literal, $verb:ident $path:literal, $roles:ident, $class:ident, $tag:literal, $vi:literal, $en:literal,
     [$($query:expr),*], $takes:expr, $answers:expr, $handler:expr) => {
        Route {
            id: $id, verb: Verb::$verb, path: $path, is_list: matches!($answers, Answers::List(_)),
            roles: $roles, class: Class::$class, tag: $tag, vi: $vi, en: $en, query: &[$($query),*],
            takes: $takes, answers: $answers, handler: $handler,
        }
    };
}

/// Every operation.
pub static ROUTES: &[Route] = &[
    // Events
    route!("postCheckIns", Post "/v1/check-ins", MACHINES, Ingest, "events", "Gửi lượt quét mã", "Send check-ins",
        [FIELDS_MAP], Takes::Batch("CheckInRecord"), Answers::One("BatchAnswer"), || post(v1::events::check_ins)),
    route!("postDeclarations", Post "/v1/declarations", MACHINES, Ingest, "events", "Gửi tờ khai y tế", "Send health declarations",
        [FIELDS_MAP], Takes::Batch("DeclarationRecord"), Answers::One("BatchAnswer"), || post(v1::events::declarations)),
    route!("postContacts", Post "/v1/contacts", MACHINES, Ingest, "events", "Gửi tiếp xúc Bluetooth", "Send Bluetooth contacts",
        [FIELDS_MAP], Takes::Batch("ContactRecord"), Answers::One("BatchAnswer"), || post(v1::events::contacts)),
    route!("postAssessments", Post "/v1/assessments", MACHINES, Ingest, "events", "Gửi đánh giá an toàn", "Send safety assessments",
        [FIELDS_MAP], Takes::Batch("AssessmentRecord"), Answers::One("BatchAnswer"), || post(v1::events::assessments)),
    route!("postCases", Post "/v1/cases", MACHINES, Ingest, "events", "Gửi ca bệnh", "Send cases",
        [FIELDS_MAP], Takes::Batch("CaseRecord"), Answers::One("BatchAnswer"), || post(v1::events::cases)),
    // Cells
    route!("listCells", Get "/v1/cells", EVERYONE, Read, "cells", "Các ô H3 có số liệu trong khung", "H3 cells with figures in a box",
        [RESOLUTION, BBOX, AT, WINDOW, FILTER, FILTER_LANG, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("CellRow"), || get(v1::cells::list)),
    route!("getCellAt", Get "/v1/cells/at", EVERYONE, Read, "cells", "Ô H3 tại một điểm", "The H3 cell at a point",
        [LNG, LAT, RESOLUTION_NEEDED, AT, WINDOW], Takes::Nothing, Answers::One("CellAnswer"), || get(v1::cells::at_point)),
    route!("getCell", Get "/v1/cells/{h3}", EVERYONE, Read, "cells", "Một ô H3 và lời giải thích", "One H3 cell, explained",
        [AT, WINDOW], Takes::Nothing, Answers::One("CellAnswer"), || get(v1::cells::one)),
    // Venues
    route!("listVenues", Get "/v1/venues", EVERYONE, Read, "venues", "Địa điểm trong khung, quanh điểm, theo loại, mức, tên", "Venues by box, nearness, kind, level or name",
        [BBOX, NEAR, RADIUS, KIND, AREA, LEVEL, Q, FILTER, FILTER_LANG, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("VenueRow"), || get(v1::venues::list)),
    route!("getVenue", Get "/v1/venues/{id}", EVERYONE, Read, "venues", "Một địa điểm", "One venue",
        [], Takes::Nothing, Answers::One("VenueAnswer"), || get(v1::venues::one)),
    route!("putVenue", Put "/v1/venues/{id}", OFFICIALS, Write, "venues", "Ghi một địa điểm vào sổ đăng ký", "Register or change a venue",
        [], Takes::Json("VenueRecord"), Answers::One("RegistryAnswer"), || put(v1::registry::put_venue)),
    route!("getVenueRisk", Get "/v1/venues/{id}/risk", EVERYONE, Read, "venues", "Nguy cơ của địa điểm và lý do", "The venue's risk, and why",
        [AT], Takes::Nothing, Answers::One("VenueRiskAnswer"), || get(v1::venues::risk)),
    route!("getVenueHours", Get "/v1/venues/{id}/hours", EVERYONE, Read, "venues", "Chuỗi số liệu theo giờ (khoá phân tích)", "The hourly series (exact figures: with an analyst's or official's key)",
        [AT, WINDOW], Takes::Nothing, Answers::One("VenueHoursAnswer"), || get(v1::venues::hours)),
    route!("getVenueAir", Get "/v1/venues/{id}/air", TRACERS, Read, "venues", "Không khí của địa điểm trong một ngày: các lượt ghé mang bệnh, số người từng giờ, số người nhiễm kỳ vọng (có ghi nhật ký)", "The venue's air on one day: infectious visits, people by hour, expected infections (audited)",
        [DAY], Takes::Nothing, Answers::One("VenueAirAnswer"), || get(v1::air::of_day)),
    route!("listVenueMarks", Get "/v1/venues/{id}/marks", EXACT, Read, "venues", "Các mốc dịch tễ đã duyệt làm nên phơi nhiễm của địa điểm, từng ngày, từng phép tính (có ghi nhật ký)", "The approved marks that make a venue's exposure, day by day with every figure of the calculation (audited)",
        [AT, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("VenueMarkRow"), || get(v1::venue_marks::list)),
    route!("listVenueAssessments", Get "/v1/venues/{id}/assessments", EXACT, Read, "venues", "Các lần đánh giá an toàn của địa điểm cùng câu trả lời, mới nhất trước", "The venue's safety assessments with their answers, newest first",
        [AT, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("VenueAssessmentRow"), || get(v1::venue_assessments::list)),
    // Areas
    route!("listAreas", Get "/v1/areas", EVERYONE, Read, "areas", "Đơn vị hành chính và mức nguy cơ", "Areas with their levels",
        [TIER, AT, RULES, BBOX, FILTER, FILTER_LANG, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("AreaRow"), || get(v1::areas::list)),
    route!("getArea", Get "/v1/areas/{code}", EVERYONE, Read, "areas", "Một đơn vị hành chính", "One area",
        [AT], Takes::Nothing, Answers::One("AreaAnswer"), || get(v1::areas::one)),
    route!("putArea", Put "/v1/areas/{code}", OFFICIALS, Write, "areas", "Ghi một phiên bản địa giới", "Register a version of an area",
        [], Takes::Json("AreaRecord"), Answers::One("RegistryAnswer"), || put(v1::registry::put_area)),
    route!("getAreaLevel", Get "/v1/areas/{code}/level", EVERYONE, Read, "areas", "Mức nguy cơ và lý do", "The area's level, explained",
        [AT, RULES], Takes::Nothing, Answers::One("AreaLevelAnswer"), || get(v1::areas::level)),
    route!("getAreaHistory", Get "/v1/areas/{code}/history", EVERYONE, Read, "areas", "Các phiên bản và ca bệnh theo tuần", "Versions, and cases by week",
        [], Takes::Nothing, Answers::One("AreaHistoryAnswer"), || get(v1::areas::history)),
    route!("listAreaReports", Get "/v1/areas/{code}/reports", EVERYONE, Read, "areas", "Chỉ số được báo cáo của đơn vị theo ngày: xét nghiệm, điều trị, tiêm chủng, nhận định (không có khoá: chỉ báo cáo đã công bố)", "What was reported of the area by day: tests, care, vaccination, findings (without a key: published reports only)",
        [FROM_DAY, TO_DAY, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("AreaReportRow"), || get(v1::area_reports::list)),
    route!("postAreaReports", Post "/v1/area-reports", REPORTERS, Ingest, "areas", "Gửi chỉ số được báo cáo của các đơn vị; mỗi đơn vị một báo cáo mỗi ngày, báo cáo sau thay báo cáo trước", "Send what was reported of areas; one report of an area and day, a later one replaces it",
        [FIELDS_MAP], Takes::Batch("AreaReportRecord"), Answers::One("AreaReportsAnswer"), || post(v1::area_reports::post)),
    route!("listBulletin", Get "/v1/bulletin", EVERYONE, Read, "areas", "Bản tin tuần: các đơn vị hành chính đổi cấp (chỉ số liệu đã công bố)", "The weekly bulletin: areas whose level changed (released figures only)",
        [WEEK, ALL, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("BulletinRow"), || get(v1::bulletin::list)),
    route!("getAreaTrend", Get "/v1/areas/{code}/trend", EXACT, Read, "analysis", "Số ca theo ngày, R(t) kèm khoảng tin cậy, R 7 ngày, tốc độ tăng, dự báo hiện tại", "Cases by day, R(t) with its interval, seven-day R, growth, nowcast",
        [AT, DAYS], Takes::Nothing, Answers::One("AreaTrendAnswer"), || get(v1::trend::of_area)),
    route!("getReportingTriangle", Get "/v1/areas/{code}/reporting-triangle", EXACT, Read, "analysis", "Ca theo ngày khởi phát (hoặc lấy mẫu) và độ trễ báo cáo: đầu vào của dự báo hiện tại", "Cases by day of onset (or sample) and reporting delay: what the nowcast counts with",
        [AT, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("TriangleRow"), || get(v1::trend::triangle)),
    // Analysis
    route!("listForecasts", Get "/v1/forecasts", ANALYSTS, Read, "analysis", "Xếp hạng địa điểm theo số người nhiễm kỳ vọng trong 7 ngày tới", "Venues ranked by expected infections of the next seven days",
        [AREA, KIND, ORDER, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("ForecastRow"), || get(v1::forecasts::list)),
    route!("listHotSpots", Get "/v1/hot-spots", ANALYSTS, Read, "analysis", "Tỷ lệ ca theo ô: khoảng tin cậy, làm trơn Bayes, Gi* và điểm nóng", "Case rates of cells: intervals, empirical Bayes, Gi* and hot spots",
        [WITHIN, RESOLUTION_OF_PLACES, RINGS, AT, WHOLE_DAYS, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("HotSpotRow"), || get(v1::hot_spots::list)),
    route!("findClusters", Get "/v1/clusters", ANALYSTS, Read, "analysis", "Cụm ca bệnh theo thống kê quét của Kulldorff", "Clusters of cases by Kulldorff's scan statistics",
        [WITHIN, TIER_OF_PLACES, RESOLUTION_OF_PLACES, AT, WHOLE_DAYS, MODEL, LONGEST_DAYS, ALIVE, SHARE, CLUSTER_RADIUS, FEWEST_CASES, REPLICATIONS, SEED], Takes::Nothing, Answers::One("ClustersAnswer"), || get(v1::clusters::find)),
    route!("listClusterLocations", Get "/v1/clusters/locations", ANALYSTS, Read, "analysis", "Số liệu đầu vào của phép quét, để tính lại (CSV cho SaTScan)", "What a scan counts with, to be counted again (CSV for SaTScan)",
        [WITHIN, TIER_OF_PLACES, RESOLUTION_OF_PLACES, AT, WHOLE_DAYS, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("LocationRow"), || get(v1::clusters::locations)),
    route!("getSatscanCases", Get "/v1/clusters/satscan.cas", ANALYSTS, Read, "analysis", "Tệp ca bệnh cho SaTScan: mã, số ca, ngày", "Case file for SaTScan: place, cases, day",
        [WITHIN, TIER_OF_PLACES, RESOLUTION_OF_PLACES, AT, WHOLE_DAYS], Takes::Nothing, Answers::Media("text/plain"), || get(v1::satscan::cases)),
    route!("getSatscanPopulation", Get "/v1/clusters/satscan.pop", ANALYSTS, Read, "analysis", "Tệp dân số cho SaTScan: mã, ngày, dân số", "Population file for SaTScan: place, day, residents",
        [WITHIN, TIER_OF_PLACES, RESOLUTION_OF_PLACES, AT, WHOLE_DAYS], Takes::Nothing, Answers::Media("text/plain"), || get(v1::satscan::population)),
    route!("getSatscanCoordinates", Get "/v1/clusters/satscan.geo", ANALYSTS, Read, "analysis", "Tệp toạ độ cho SaTScan: mã, vĩ độ, kinh độ", "Coordinates file for SaTScan: place, latitude, longitude",
        [WITHIN, TIER_OF_PLACES, RESOLUTION_OF_PLACES, AT, WHOLE_DAYS], Takes::Nothing, Answers::Media("text/plain"), || get(v1::satscan::coordinates)),
    // Zones
    route!("listZones", Get "/v1/zones", EVERYONE, Read, "zones", "Vùng phong toả, cách ly có hiệu lực", "Zones in force",
        [AT, BBOX, FILTER, FILTER_LANG, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("ZoneRow"), || get(v1::zones::list)),
    route!("postZone", Post "/v1/zones", OFFICIALS, Write, "zones", "Soạn một vùng (bản nháp)", "Write a zone (a draft)",
        [], Takes::Json("ZoneRecord"), Answers::One("ZoneAnswer"), || post(v1::zone_writes::create)),
    route!("getZonesAt", Get "/v1/zones/at", EVERYONE, Read, "zones", "Các vùng tại một điểm", "Zones at a point",
        [LNG, LAT, AT], Takes::Nothing, Answers::List("ZoneRow"), || get(v1::zones::at_point)),
    route!("getZone", Get "/v1/zones/{id}", EVERYONE, Read, "zones", "Một vùng", "One zone",
        [], Takes::Nothing, Answers::One("ZoneAnswer"), || get(v1::zones::one)),
    route!("publishZone", Post "/v1/zones/{id}/publish", APPROVERS, Write, "zones", "Duyệt và ban hành (người duyệt khác người soạn)", "Approve and publish (not by its author)",
        [], Takes::Nothing, Answers::One("ZoneAnswer"), || post(v1::zone_writes::publish)),
    route!("liftZone", Post "/v1/zones/{id}/lift", APPROVERS, Write, "zones", "Gỡ bỏ một vùng", "Lift a zone",
        [], Takes::Nothing, Answers::One("ZoneAnswer"), || post(v1::zone_writes::lift)),
    // Marks
    route!("proposeMarks", Get "/v1/cases/{id}/marks", TRACERS, Read, "marks", "Mốc dịch tễ đề xuất từ lượt quét của ca bệnh (có ghi nhật ký)", "Marks proposed from a case's check-ins (audited)",
        [], Takes::Nothing, Answers::One("MarksAnswer"), || get(v1::marks::propose)),
    route!("postMark", Post "/v1/marks", OFFICIALS, Write, "marks", "Đề nghị một mốc dịch tễ", "Propose a mark",
        [], Takes::Json("MarkRecord"), Answers::One("MarkAnswer"), || post(v1::marks::create)),
    route!("approveMark", Post "/v1/marks/{id}/approve", APPROVERS, Write, "marks", "Duyệt một mốc dịch tễ", "Approve a mark",
        [], Takes::Nothing, Answers::One("MarkAnswer"), || post(v1::marks::approve)),
    route!("rejectMark", Post "/v1/marks/{id}/reject", APPROVERS, Write, "marks", "Bác một mốc dịch tễ", "Reject a mark",
        [], Takes::Nothing, Answers::One("MarkAnswer"), || post(v1::marks::reject)),
    // Risk
    route!("riskAt", Get "/v1/risk/at", EVERYONE, Read, "risk", "Tại một điểm: ô, địa điểm quanh đó, mức của khu vực, vùng", "At a point: cell, venues around, area level, zones",
        [LNG, LAT, AT, WINDOW], Takes::Nothing, Answers::One("RiskAtAnswer"), || get(v1::risk::at_point)),
    route!("riskIn", Post "/v1/risk/in", ANALYSTS, Read, "risk", "Trong một đa giác GeoJSON (có ghi nhật ký)", "Inside a GeoJSON polygon (audited)",
        [AT, WINDOW], Takes::Json("Polygon"), Answers::One("RiskInAnswer"), || post(v1::risk::inside)),
    route!("listRules", Get "/v1/rules", EVERYONE, Read, "risk", "Các quy định, nguồn và hiệu lực", "The rules, their sources and when they hold",
        [AT, LIMIT, CURSOR, BOM], Takes::Nothing, Answers::List("RuleRow"), || get(v1::rules::list)),
    route!("getRule", Get "/v1/rules/{kind}/{rule}", EVERYONE, Read, "risk", "Toàn văn một quy định: mọi khoảng, trọng số và hằng số (`area/qd4800@2021-10-12`)", "A rule, whole: every band, weight and constant (`area/qd4800@2021-10-12`)",
        [AT], Takes::Nothing, Answers::One("RuleAnswer"), || get(v1::rules::one)),
    route!("reloadRules", Post "/v1/rules/reload", ADMINS, Write, "risk", "Đọc lại các quy định từ thư mục `--rules` và áp dụng ngay; có tệp sai thì giữ nguyên các quy định đang áp dụng", "Read the rules of the `--rules` folder again and put them in force; with one wrong file those in force stay",
        [], Takes::Nothing, Answers::One("ReloadAnswer"), || post(v1::rules::reload)),
    // Changes
    route!("changes", Get "/v1/changes", EVERYONE, Stream, "changes", "Báo những ô bản đồ vừa đổi, từng lớp, của `window` mặc định (P7D) và `resolution` theo mức thu phóng; ô bản đồ hỏi khác đi thì hỏi lại bằng `ETag`. `Last-Event-ID` nối tiếp (server-sent events)", "Tells which tiles changed, layer by layer, of the default `window` (P7D) and the `resolution` of each zoom; tiles that are asked for otherwise are asked for again with their `ETag`. `Last-Event-ID` goes on where it was left (server-sent events)",
        [], Takes::Nothing, Answers::Media("text/event-stream"), || get(changes::stream)),
    // Tiles
    route!("getTile", Get "/tiles/{layers}/{z}/{x}/{y}", EVERYONE, Tiles, "tiles", "Ô bản đồ véc-tơ: MVT, MapLibre Tiles hoặc ô lục giác dạng gọn", "A vector tile: MVT, MapLibre Tiles or compact cells",
        [AT, WINDOW, TILE_RESOLUTION, FILTER, FILTER_LANG], Takes::Nothing, Answers::Tile, || get(tiles::tile)),
    route!("getReleaseTile", Get "/tiles/{layers}/{release}/{z}/{x}/{y}", EVERYONE, Tiles, "tiles", "Ô bản đồ của một đợt công bố, không bao giờ đổi: `@` và tên trong TileJSON của `cells`", "A tile of one edition, which never changes: `@` and the name that the TileJSON of `cells` gives",
        [WINDOW, TILE_RESOLUTION, FILTER, FILTER_LANG], Takes::Nothing, Answers::Tile, || get(tiles::tile_of_release)),
    route!("getTileJson", Get "/tiles/{layers}", EVERYONE, Read, "tiles", "TileJSON 3.0, ví dụ /tiles/cells,venues.json; của MapLibre Tiles: /tiles/cells,venues.mlt.json", "TileJSON 3.0, as in /tiles/cells,venues.json; of MapLibre Tiles: /tiles/cells,venues.mlt.json",
        [AT, WINDOW, TILE_RESOLUTION, FILTER, FILTER_LANG], Takes::Nothing, Answers::Json("TileJSON"), || get(tiles::tile_json)),
    route!("getStyle", Get "/styles/{name}", EVERYONE, Read, "tiles", "Kiểu MapLibre: light.json, dark.json", "MapLibre styles: light.json, dark.json",
        [], Takes::Nothing, Answers::Json("Style"), || get(tiles::style)),
    route!("getBasemapTile", Get "/basemap/{z}/{x}/{y}", EVERYONE, Tiles, "tiles", "Ô bản đồ nền, nếu máy chủ có", "A tile of the basemap, where the server has one",
        [], Takes::Nothing, Answers::Media("*/*"), || get(basemap::tile)),
    route!("getBasemapJson", Get "/basemap.json", EVERYONE, Read, "tiles", "TileJSON của bản đồ nền", "TileJSON of the basemap",
        [], Takes::Nothing, Answers::Json("TileJSON"), || get(basemap::tile_json)),
    // Operation
    route!("healthz", Get "/healthz", EVERYONE, Ops, "operation", "Còn sống", "Alive",
        [], Takes::Nothing, Answers::Media("text/plain"), || get(ops::healthz)),
    route!("readyz", Get "/readyz", EVERYONE, Ops, "operation", "Sẵn sàng phục vụ", "Ready to serve",
        [], Takes::Nothing, Answers::Json("Readiness"), || get(ops::readyz)),
    route!("metrics", Get "/metrics", METERS, Ops, "operation", "Số đo cho Prometheus (cần khoá: authorization.credentials trong scrape_configs)", "Metrics for Prometheus (with a key: authorization.credentials in scrape_configs)",
        [], Takes::Nothing, Answers::Media("text/plain; version=0.0.4"), || get(ops::metrics)),
    route!("openapi", Get "/openapi.json", EVERYONE, Ops, "operation", "Tài liệu OpenAPI 3.1", "The OpenAPI 3.1 document",
        [], Takes::Nothing, Answers::Json("OpenAPI"), || get(docs::openapi_json)),
    route!("docs", Get "/docs", EVERYONE, Ops, "operation", "Tài liệu này, dạng trang", "These documents as a page",
        [param("lang", "string", "vi hoặc en", "vi or en", "en")], Takes::Nothing, Answers::Media("text/html"), || get(docs::page)),
];
