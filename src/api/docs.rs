use std::sync::LazyLock;

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use maud::{DOCTYPE, Markup, html};
use utoipa::openapi::OpenApi;

use crate::api::edge::{ApiError, Class, Freshness, Query, answer};
use crate::api::openapi;
use crate::api::routes::{Answers, Param, Route, Takes, Verb};
use crate::api::table::ROUTES;
use crate::api::tile_formats;
use crate::tiles::TileFormat;

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(openapi::document);

/// What is said of noise in released figures, in Vietnamese and English.
const NOISE: (&str, &str) = (
    "Nơi quy tắc công bố bật nhiễu (mặc định tắt), lượt đến và số người theo ô được cộng nhiễu Laplace rời rạc cho riêng tư vi \
     phân của từng lượt quét trong một ngày; số ca không có nhiễu. `noise` nêu cơ chế, ε, đơn vị và các số liệu có nhiễu: trong \
     `/v1/cells` (JSON, GeoJSON), `/v1/cells/{h3}`, `vungxanh:noise` của TileJSON và của tệp PMTiles; từng dòng, cả CSV, có \
     `noise_epsilon`.",
    "Where the release rule turns noise on (off as shipped), visits and people by cell carry discrete Laplace noise, for the \
     differential privacy of single check-ins of a day; cases carry none. `noise` says the mechanism, ε, the unit and the \
     measures: in `/v1/cells` (JSON, GeoJSON), `/v1/cells/{h3}`, as `vungxanh:noise` in TileJSON and PMTiles files; each row, of \
     CSV too, has `noise_epsilon`.",
);

const STYLE: &str = include_str!("docs.css");

/// `GET /openapi.json`.
pub async fn openapi_json(headers: HeaderMap) -> Result<Response, ApiError> {
    let text = DOCUMENT.to_json().map_err(ApiError::internal)?;
    Ok(answer(
        &headers,
        "application/json",
        Freshness::Live(300),
        text.into_bytes(),
    ))
}

/// `GET /docs`: the same as a page. No scripts.
pub async fn page(query: Query, headers: HeaderMap) -> Result<Response, ApiError> {
    let is_english = query.text("lang").is_some_and(|lang| lang == "en");
    let page = render(is_english).into_string().into_bytes();
    let mut response = answer(&headers, "text/html; charset=utf-8", Freshness::Live(300), page);
    // The one page whose style stands inside it: its hash is all that the policy lets in.
    let hash = {
        use base64::Engine as _;
        use sha2::Digest as _;
        base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(STYLE.as_bytes()))
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

fn render(is_english: bool) -> Markup {
    let say = |vi: &'static str, en: &'static str| if is_english { en } else { vi };
    let mut tags: Vec<&str> = ROUTES.iter().map(|route| route.tag).collect();
    tags.dedup();
    html! {
        (DOCTYPE)
        html lang=(say("vi", "en")) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (say("Vùng Xanh: tài liệu API", "Vùng Xanh: API documents")) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (say("Tài liệu API", "API documents")) }
                    p {
                        a href=(say("/?lang=vi", "/?lang=en")) { "Vùng Xanh" } " · "
                        a href="/openapi.json" { "openapi.json" } " · "
                        @if is_english { a href="/docs?lang=vi" lang="vi" { "Tiếng Việt" } }
                        @else { a href="/docs?lang=en" lang="en" { "English" } }
                    }
                    p { (say(
                        "Không có khoá: chỉ số liệu đã công bố. Có khoá: thêm tiêu đề Authorization: Bearer vx_… Thời gian là RFC 3339; toạ độ là kinh độ rồi vĩ độ. Lỗi theo RFC 9457, nêu rõ trường, giá trị và điều mong đợi.",
                        "Without a key: released figures only. With one: add the header Authorization: Bearer vx_… Times are RFC 3339; coordinates are longitude, then latitude. Errors follow RFC 9457 and name the field, its value and what was expected."
                    )) }
                    nav aria-label=(say("Mục lục", "Contents")) {
                        ul { @for tag in &tags { li { a href=(format!("#{tag}")) { (tag_name(tag, is_english)) } } } }
                    }
                }
                main {
                    @for tag in &tags {
                        section {
                            h2 id=(tag) { (tag_name(tag, is_english)) }
                            @if *tag == "cells" { p id="noise" { (with_code(say(NOISE.0, NOISE.1))) } }
                            @if *tag == "tiles" { (tile_formats::page(is_english, with_code)) }
                            @for route in ROUTES.iter().filter(|route| route.tag == *tag) {
                                (operation(route, is_english))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn operation(route: &Route, is_english: bool) -> Markup {
    let say = |vi: &'static str, en: &'static str| if is_english { en } else { vi };
    let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
    html! {
        article id=(route.id) {
            h3 { code { b { (route.verb.as_str()) } " " (route.path) } }
            p { (with_code(if is_english { route.en } else { route.vi })) }
            @if !route.is_public() { p.key { (say("Cần khoá: ", "Key needed: ")) (roles.join(", ")) } }
            @if route.is_list { p.small { (say("Cùng địa chỉ với .json, .csv, .geojson.", "The same address with .json, .csv, .geojson.")) } }
            @if !route.query.is_empty() {
                table {
                    thead { tr {
                        th scope="col" { (say("Tham số", "Parameter")) }
                        th scope="col" { (say("Nghĩa", "Meaning")) }
                        th scope="col" { (say("Ví dụ", "Example")) }
                    } }
                    tbody { @for param in route.query { tr {
                        th scope="row" { code { (param.name) } @if param.required { " *" } }
                        td { (with_code(if is_english { param.en } else { param.vi })) }
                        td { code { (param.example) } }
                    } } }
                }
            }
            p.small {
                (say("Trả về: ", "Answers: "))
                @match route.answers {
                    Answers::One(name) | Answers::Json(name) => code { (name) },
                    Answers::List(name) => { code { "{as_of, items: [" (name) "], links}" } },
                    Answers::Media(kind) => code { (kind) },
                    Answers::Tile => @for (place, format) in TileFormat::ALL.into_iter().enumerate() {
                        @if place > 0 { ", " }
                        code { (format.media_type()) }
                    },
                }
            }
            pre { code { (curl(route)) } }
        }
    }
}

/// A sentence whose parts in backticks are code.
fn with_code(sentence: &str) -> Markup {
    html! {
        @for (index, part) in sentence.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A command that works as it stands on the demo (but for the key and the body).
pub fn curl(route: &Route) -> String {
    let path = route
        .path
        .replace("{h3}", "89415c90a67ffff")
        .replace("{layers}/{z}/{x}/{y}", "cells,venues/12/3252/1800.mvt")
        .replace("{z}/{x}/{y}", "12/3252/1800")
        .replace("{layers}", "cells,venues.json")
        .replace("{name}", "light.json")
        .replace("{code}", "164")
        .replace("{id}", "ID");
    let query: Vec<String> = route
        .query
        .iter()
        .filter(|param| param.required || ["bbox", "window"].contains(&param.name))
        .map(|Param { name, example, .. }| format!("{name}={example}"))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let url = format!("'http://127.0.0.1:8080{path}{mark}{}'", query.join("&"));
    let mut parts = vec!["curl".to_owned()];
    match route.verb {
        Verb::Get if route.class == Class::Stream => parts.push("-N".to_owned()),
        Verb::Get if route.class == Class::Tiles => parts.push("--compressed -o tile.mvt".to_owned()),
        Verb::Get => {}
        verb => parts.push(format!("-X {}", verb.as_str())),
    }
    parts.push(url);
    if !route.is_public() {
        parts.push("-H \"Authorization: Bearer $KEY\"".to_owned());
    }
    if route.path.ends_with("/publish") || route.path.ends_with("/lift") {
        parts.push("-H 'If-Match: \"v1\"'".to_owned());
    }
    match route.takes {
        Takes::Nothing => {}
        Takes::Json(_) => parts.push("-H 'Content-Type: application/json' --data @record.json".to_owned()),
        Takes::Batch(_) => {
            parts.push("-H 'Content-Type: application/x-ndjson' --data-binary @events.ndjson".to_owned());
        }
    }
    parts.join(" ")
}

fn tag_name(tag: &str, is_english: bool) -> &'static str {
    let (vi, en) = match tag {
        "events" => ("Sự kiện vào", "Events in"),
        "cells" => ("Ô H3", "Cells"),
        "venues" => ("Địa điểm", "Venues"),
        "areas" => ("Đơn vị hành chính", "Areas"),
        "analysis" => ("Phân tích dịch tễ", "Epidemic analysis"),
        "zones" => ("Vùng phong toả, cách ly", "Zones"),
        "marks" => ("Mốc dịch tễ", "Marks"),
        "risk" => ("Nguy cơ tại một nơi", "Risk at a place"),
        "changes" => ("Thay đổi", "Changes"),
        "tiles" => ("Ô bản đồ", "Tiles and styles"),
        _ => ("Vận hành", "Operation"),
    };
    if is_english { en } else { vi }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_section_has_a_name_of_its_own() {
        for is_english in [true, false] {
            let mut names: Vec<&str> = ROUTES
                .iter()
                .map(|route| route.tag)
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .map(|tag| tag_name(tag, is_english))
                .collect();
            let tags = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), tags, "{names:?}");
        }
    }
}
