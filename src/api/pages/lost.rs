use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::api::pages::document::{header as top, links};
use crate::api::pages::router::POLICY;
use crate::api::pages::words::Language;

/// The ways on from a page that is not there.
const WAYS: [(&str, &str); 3] = [
    ("/", "site.tagline"),
    ("/bulletin", "bulletin.title"),
    ("/docs", "about.docs"),
];

/// Where there is no page, a browser's reader gets one all the same, in both languages. `None` for programs: they read
/// problem details.
pub fn lost(headers: &HeaderMap) -> Option<Response> {
    let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
    if !accept.contains("text/html") {
        return None;
    }
    let mut response = (StatusCode::NOT_FOUND, render().into_string()).into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

fn render() -> Markup {
    let languages = [Language::Vietnamese, Language::English];
    html! {
        (DOCTYPE)
        html lang="vi" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                title { (languages[0].text("lost.title")) " · " (languages[0].text("site.name")) }
                meta name="color-scheme" content="light dark";
                (links("/"))
            }
            body {
                (top(languages[0], "/"))
                main.lost {
                    @for language in languages {
                        section.card lang=(language.code()) {
                            @if language == Language::Vietnamese { h1 { (language.text("lost.title")) } }
                            @else { h2 { (language.text("lost.title")) } }
                            p { (language.text("lost.lede")) }
                            ul.links {
                                @for (path, name) in WAYS {
                                    li { a href={ (path) "?lang=" (language.code()) } { (language.text(name)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
