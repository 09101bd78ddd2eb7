//! The page, its picture and its files, over the router that serves them.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use tower::ServiceExt;
use vungxanh::api::pages::{
    AreaRow, Bulletin, BulletinChange, Language, PageView, PictureRequest, PublicCount, Theme, VenueRow,
    ZoneRow, draw, router,
};
use vungxanh::geo::{BBox, LngLat};
use vungxanh::model::{Area, AreaCode, AreaLevel, IsoWeek, Timestamp, UtcOffset, VenueKind, ZoneKind};

use crate::fixtures::{self, square};

fn area(code: &str, name: &str, lng: f64, level: u8, cases: PublicCount) -> AreaRow {
    AreaRow {
        area: Arc::new(Area {
            name: name.to_owned(),
            population: Some(340_403),
            approximate: true,
            ..fixtures::area(code, AreaLevel::District, None, square(lng, 21.5, 0.2))
        }),
        population: Some(340_403),
        level,
        rate: Some(37.6),
        cases,
    }
}

fn view() -> PageView {
    let as_of = Timestamp::parse("2021-05-28T16:20:00+07:00").unwrap();
    PageView {
        generation: 7,
        as_of,
        offset: UtcOffset::VIETNAM,
        days_back: 21,
        bounds: Some(BBox {
            min_lng: 105.6,
            min_lat: 21.5,
            max_lng: 106.0,
            max_lat: 21.7,
        }),
        areas: vec![
            area("164", "Thành phố Thái Nguyên", 105.6, 3, PublicCount::Shown(128)),
            area("165", "<b>Sông Công</b>", 105.8, 1, PublicCount::Hidden),
        ],
        venues: vec![VenueRow {
            id: "chợ/thái?".to_owned(),
            name: "Chợ Thái".to_owned(),
            kind: VenueKind::Market,
            at: LngLat::new(105.7, 21.6).unwrap(),
            area: Some("Thành phố Thái Nguyên".to_owned()),
            level: 4,
            status: "unsafe",
            exposure_minutes: None,
        }],
        venues_at_risk: 1,
        zones: vec![ZoneRow {
            id: "z1".to_owned(),
            name: "Phong toả tổ 5".to_owned(),
            kind: ZoneKind::Lockdown,
            starts_at: as_of,
            planned_end: None,
            geometry: square(105.65, 21.45, 0.2),
        }],
        bulletin: Some(Bulletin {
            week: IsoWeek::parse("2021-W20").unwrap(),
            weeks: (
                IsoWeek::parse("2021-W18").unwrap(),
                IsoWeek::parse("2021-W20").unwrap(),
            ),
            changes: vec![BulletinChange {
                area: area("164", "Thành phố Thái Nguyên", 105.6, 3, PublicCount::Hidden).area,
                before: Some(2),
                level: 3,
                cases: PublicCount::Shown(128),
            }],
            changed: 1,
            tiers: vec![(AreaLevel::District, [0, 1, 0, 1, 0])],
        }),
    }
}

async fn ask(path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let view = Arc::new(view());
    let pages = router(move || Arc::clone(&view), 2);
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = pages.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    (
        head.status,
        head.headers,
        body.collect().await.unwrap().to_bytes().to_vec(),
    )
}

async fn text(path: &str) -> String {
    let (status, _, body) = ask(path).await;
    assert_eq!(status, StatusCode::OK, "{path}");
    String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn the_page_is_complete_without_scripts_in_both_languages() {
    let vi = text("/").await;
    for expected in [
        "lang=\"vi\"",
        "16:20 28/5/2021",
        "Thành phố Thái Nguyên",
        "Cam",
        "37,6",
        "128",
        "Chợ Thái",
        "Phong toả tổ 5",
        "/static/all.png",
    ] {
        assert!(vi.contains(expected), "{expected}");
    }
    let en = text("/?lang=en").await;
    for expected in ["lang=\"en\"", "28 May 2021, 16:20", "Orange", "37.6", "Lockdown"] {
        assert!(en.contains(expected), "{expected}");
    }
    assert_eq!(en, text("/en/").await);
}

#[tokio::test]
async fn the_comparison_of_formats_stands_in_both_languages_and_is_linked() {
    for (lang, title) in [("vi", "Hai định dạng"), ("en", "Two formats")] {
        let page = text(&format!("/formats?lang={lang}")).await;
        assert!(page.contains(title) && page.contains(&format!("lang=\"{lang}\"")));
        // A key that has no text is written as it is.
        assert!(!page.contains(">formats."), "{page}");
        // Figures are measured in the browser; none is written down beforehand.
        assert!(!page.contains("data-value"));
        assert!(
            text(&format!("/?lang={lang}"))
                .await
                .contains(&format!("/formats?lang={lang}"))
        );
    }
}

#[tokio::test]
async fn the_weekly_bulletin_stands_in_both_languages_and_is_linked() {
    for (lang, title, word) in [
        ("vi", "Bản tin tuần", "tăng"),
        ("en", "Weekly bulletin", "raised"),
    ] {
        let page = text(&format!("/bulletin?lang={lang}")).await;
        assert!(
            page.contains(title) && page.contains(&format!("lang=\"{lang}\"")),
            "{page}"
        );
        for expected in [
            "2021-W20",
            "Thành phố Thái Nguyên",
            "128",
            word,
            "#area=164",
            if lang == "vi" {
                "17/5/2021 – 23/5/2021"
            } else {
                "17 May 2021 – 23 May 2021"
            },
            "/v1/bulletin.csv?week=2021-W20",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert!(!page.contains(">bulletin."), "{page}");
        assert!(
            text(&format!("/?lang={lang}"))
                .await
                .contains(&format!("/bulletin?lang={lang}"))
        );
    }
}

#[tokio::test]
async fn a_hidden_count_is_told_as_hidden() {
    assert!(text("/").await.contains("Từ 1 đến 10, ẩn để bảo vệ riêng tư"));
}

#[tokio::test]
async fn names_and_ids_are_escaped() {
    let page = text("/").await;
    assert!(!page.contains("<b>Sông"));
    assert!(page.contains("&lt;b&gt;Sông"));
    assert!(page.contains("/v1/venues/ch%E1%BB%A3%2Fth%C3%A1i%3F/risk"));
}

#[tokio::test]
async fn the_policy_lets_nothing_in_from_outside() {
    let (_, headers, _) = ask("/").await;
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"));
    assert!(!policy.contains("unsafe") && !policy.contains("http"));
}

#[tokio::test]
async fn the_page_is_compressed_and_not_sent_twice() {
    let view = Arc::new(view());
    let pages = router(move || Arc::clone(&view), 2);
    let get = |tag: Option<HeaderValue>| {
        let mut request = Request::get("/?lang=en").header(header::ACCEPT_ENCODING, "gzip");
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        pages.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let first = get(None).await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()[header::CONTENT_ENCODING], "gzip");
    assert_eq!(first.headers()[header::CONTENT_LANGUAGE], "en");
    let tag = first.headers()[header::ETAG].clone();
    let again = get(Some(tag)).await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(again.into_body().collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn the_picture_is_the_same_for_the_same_view_and_bounded() {
    let (status, headers, first) = ask("/static/all.png?w=400&h=300").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_TYPE], "image/png");
    assert_eq!(&first[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(first, ask("/static/all.png?w=400&h=300").await.2);
    assert_ne!(first, ask("/static/all.png?w=400&h=300&theme=dark").await.2);
    assert_ne!(first, ask("/static/164.png?w=400&h=300").await.2);
    let (_, _, huge) = ask("/static/all.png?w=4000000000&h=1").await;
    assert_eq!(huge[16..20], 1600_u32.to_be_bytes());
    assert_eq!(huge[20..24], 256_u32.to_be_bytes());
    assert_eq!(ask("/static/999.png").await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask("/static/all.svg").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn no_other_tier_covers_the_levels_of_the_picture() {
    let plain = PageView {
        venues: Vec::new(),
        zones: Vec::new(),
        ..view()
    };
    let mut with_communes = plain.clone();
    let mut commune = (*plain.areas[0].area).clone();
    commune.code = AreaCode::new("05431").unwrap();
    commune.level = AreaLevel::Commune;
    with_communes.areas.push(AreaRow {
        area: Arc::new(commune),
        level: 0,
        ..plain.areas[0].clone()
    });
    with_communes
        .areas
        .push(area("166", "Định Hóa", 105.8, 1, PublicCount::Pending));
    let request = PictureRequest {
        area: None,
        width: 400,
        height: 300,
        language: Language::Vietnamese,
        theme: Theme::Light,
    };
    let mut province = (*plain.areas[0].area).clone();
    province.level = AreaLevel::Province;
    let province = AreaRow {
        area: Arc::new(province),
        level: 2,
        ..plain.areas[0].clone()
    };
    let (mut before, mut after) = (plain.clone(), plain.clone());
    before.areas.insert(0, province.clone());
    after.areas.push(province);
    assert_eq!(draw(&before, &request), draw(&after, &request));
    let mut districts_only = with_communes.clone();
    districts_only
        .areas
        .retain(|row| row.area.level == AreaLevel::District);
    assert_eq!(draw(&with_communes, &request), draw(&districts_only, &request));
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_nothing_else_is_reached() {
    let page = text("/").await;
    let start = page.find("/assets/").unwrap();
    let folder = &page[start..start + "/assets/".len() + 16];
    let (status, headers, _) = ask(&format!("{folder}/app/main.js")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        headers[header::CACHE_CONTROL]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    let (_, headers, _) = ask("/assets/0000000000000000/app/main.js").await;
    assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
    for path in [
        "app/none.js",
        "../build.rs",
        "..%2F..%2FCargo.toml",
        "vendor/.lock",
    ] {
        assert_eq!(
            ask(&format!("{folder}/{path}")).await.0,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_broken_download_of_an_asset_goes_on_where_it_ended() {
    let page = text("/").await;
    let start = page.find("/assets/").unwrap();
    let path = format!("{}/app/main.js", &page[start..start + "/assets/".len() + 16]);
    let (_, headers, whole) = ask(&path).await;
    assert_eq!(headers[header::ACCEPT_RANGES], "bytes");
    let tag = headers[header::ETAG].clone();
    let view = Arc::new(view());
    let pages = router(move || Arc::clone(&view), 2);
    let get = async |wishes: &[(header::HeaderName, &str)]| {
        let mut request = Request::get(&path);
        for (name, value) in wishes {
            request = request.header(name, *value);
        }
        let answer = pages.clone().oneshot(request.body(Body::empty()).unwrap()).await;
        let (head, body) = answer.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        (head.status, head.headers, body)
    };
    let (status, headers, rest) = get(&[(header::RANGE, "bytes=10-")]).await;
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(rest, whole[10..]);
    assert_eq!(headers[header::ETAG], tag);
    assert_eq!(
        headers[header::CONTENT_RANGE],
        format!("bytes 10-{}/{}", whole.len() - 1, whole.len())
    );
    // Bytes of a coding are counted in that coding.
    let packed = (header::ACCEPT_ENCODING, "gzip");
    let (_, headers, gzip) = get(std::slice::from_ref(&packed)).await;
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    assert_ne!(headers[header::ETAG], tag);
    let gzip_tag = headers[header::ETAG].to_str().unwrap().to_owned();
    let tail = (header::RANGE, "bytes=-5");
    let (status, _, last) = get(&[packed, tail.clone(), (header::IF_RANGE, &gzip_tag)]).await;
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(last, gzip[gzip.len() - 5..]);
    let (status, _, all) = get(&[tail, (header::IF_RANGE, "\"another\"")]).await;
    assert_eq!((status, all.len()), (StatusCode::OK, whole.len()));
    let (status, headers, none) = get(&[(header::RANGE, "bytes=99999999-")]).await;
    assert_eq!((status, none.len()), (StatusCode::RANGE_NOT_SATISFIABLE, 0));
    assert_eq!(headers[header::CONTENT_RANGE], format!("bytes */{}", whole.len()));
    let (status, _, none) = get(&[(header::IF_NONE_MATCH, tag.to_str().unwrap())]).await;
    assert_eq!((status, none.len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test]
async fn a_view_with_nothing_in_it_says_so() {
    let empty = PageView {
        bounds: None,
        areas: Vec::new(),
        venues: Vec::new(),
        venues_at_risk: 0,
        zones: Vec::new(),
        ..view()
    };
    let empty = Arc::new(empty);
    let pages = router(move || Arc::clone(&empty), 2);
    let response = pages
        .oneshot(Request::get("/").body(Body::empty()).unwrap())
        .await
        .unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(body.to_vec()).unwrap();
    assert!(page.contains("Chưa có khu vực nào được nạp"));
    assert!(!page.contains("/static/all.png?w=1200&amp;h=900"));
}
