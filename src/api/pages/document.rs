use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::api::pages::view::PageView;
use crate::api::pages::words::Language;
use crate::api::pages::{assets, tables};

/// The map page. Complete as it is; `app/main.js` turns the picture into a live map.
pub fn render(view: &PageView, language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    let summary = tables::summary(view, language);
    let at = language.instant(view.as_of, view.offset);
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                title { (t("site.title")) }
                meta name="description" content=(t("site.description"));
                meta name="color-scheme" content="light dark";
                meta property="og:title" content=(t("site.title"));
                meta property="og:description" content=(summary);
                meta property="og:image" content=(picture_url(view, language, 1200, 630, "light"));
                meta name="twitter:card" content="summary_large_image";
                (links("/"))
                @if assets::live_map() { link rel="modulepreload" href=(assets::url("app/map.js")); }
                // Not a script to run but data for the one below; a content security policy lets it be.
                script type="application/json" id="boot" { (boot(view, language)) }
                script type="module" src=(assets::url("app/main.js")) {}
            }
            body {
                a.skip href="#tables" { (t("nav.skip")) }
                (header(language, "/"))
                main {
                    section.hero aria-labelledby="headline" {
                        (intro(view, language, &summary, &at))
                        (stage(view, language, &summary, &at))
                        div.beside {
                            (legend(language))
                            (layers(language))
                            (key_form(language))
                        }
                    }
                    div #tables .tables tabindex="-1" { (tables::all(view, language)) }
                    (about(language))
                }
                (footer(language))
            }
        }
    }
}

/// What the head of every page but the map's begins with; `name` is how its words and its style sheet are called.
pub(super) fn head(language: Language, path: &str, name: &str) -> Markup {
    let t = |key: &str| language.text(&format!("{name}.{key}"));
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
        title { (t("title")) " · " (language.text("site.name")) }
        meta name="description" content=(t("lede"));
        meta name="color-scheme" content="light dark";
        (links(path))
        link rel="stylesheet" href=(assets::url(&format!("css/{name}.css")));
    }
}

/// Icon, languages, colours and fonts of a page.
pub(super) fn links(path: &str) -> Markup {
    html! {
        link rel="icon" href="/favicon.svg" type="image/svg+xml";
        link rel="alternate" hreflang="vi" href={ (path) "?lang=vi" };
        link rel="alternate" hreflang="en" href={ (path) "?lang=en" };
        link rel="stylesheet" href=(assets::url("css/page.css"));
        @if assets::live_map() {
            link rel="preload" as="font" type="font/woff2" crossorigin
                href=(assets::url("vendor/be-vietnam-pro/be-vietnam-pro-vietnamese-400-normal.woff2"));
            link rel="stylesheet" href=(assets::url("css/fonts.css"));
        }
    }
}

/// The head of every page; its languages lead to the same page.
pub(super) fn header(language: Language, path: &str) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        header.top {
            a.brand href={ "/?lang=" (language.code()) } {
                (mark())
                span.brand-name { (t("site.name")) }
                span.brand-line { (t("site.tagline")) }
            }
            nav.top-nav aria-label=(t("nav.language")) {
                @for (code, name, short) in [("vi", "Tiếng Việt", "VI"), ("en", "English", "EN")] {
                    a.pill href={ (path) "?lang=" (code) } hreflang=(code) lang=(code) title=(name)
                        aria-current=[(code == language.code()).then_some("true")] { (short) }
                }
                button #theme .icon-button type="button" hidden aria-label=(t("nav.theme")) title=(t("nav.theme")) {
                    (icon("M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9Z"))
                }
            }
        }
    }
}

fn intro(view: &PageView, language: Language, summary: &str, at: &str) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        div.intro {
            h1 #headline { (t("hero.title")) }
            p.lede { (t("hero.lede")) }
            div.asof {
                span #live .live hidden { span.live-dot aria-hidden="true" {} span #live-text { (t("hero.live")) } }
                span #exact .live.exact hidden { (t("hero.exact.short")) }
                span { (t("hero.asof")) " " time #as-of datetime=(view.as_of.to_rfc3339(view.offset)) { (at) } }
            }
            p #summary .summary aria-live="polite" { (summary) }
            (level_bar(view, language))
            form #search .search role="search" hidden {
                label for="q" { (t("search.label")) }
                div.search-field {
                    (icon("M10.5 4a6.5 6.5 0 1 0 4 11.6l4.2 4.2 1.4-1.4-4.2-4.2A6.5 6.5 0 0 0 10.5 4Zm0 2a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Z"))
                    input #q name="q" type="search" autocomplete="off" spellcheck="false"
                        placeholder=(t("search.placeholder")) role="combobox" aria-expanded="false"
                        aria-controls="found" aria-autocomplete="list" aria-describedby="found-count";
                }
                ul #found .found role="listbox" aria-label=(t("search.label")) hidden {}
                p #found-count .quiet aria-live="polite" { (t("search.hint")) }
            }
        }
    }
}

fn legend(language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        section.legend aria-labelledby="legend-title" {
            h2 #legend-title { (t("legend.title")) }
            ul {
                @for level in [1_u8, 2, 3, 4, 0] {
                    li {
                        span.swatch data-level=(level) aria-hidden="true" {
                            span.swatch-letter { (t(&format!("level.{level}.letter"))) }
                        }
                        span.legend-name { (t(&format!("level.{level}"))) }
                        span.legend-meaning { (t(&format!("level.{level}.meaning"))) }
                    }
                }
                li.legend-zones {
                    span.visually-hidden { (t("legend.zone")) }
                    @for kind in ["lockdown", "quarantine", "watch"] {
                        span.legend-zone {
                            span.swatch.swatch-zone data-kind=(kind) aria-hidden="true" {}
                            span.legend-name { (t(&format!("zone.{kind}"))) }
                        }
                    }
                }
            }
            p.quiet { (t("legend.note")) }
            p.quiet { (t("legend.cells")) }
            p.quiet { (t("legend.rules")) }
        }
    }
}

fn layers(language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        fieldset #layers .layers hidden {
            legend { (t("layer.title")) }
            @for layer in ["areas", "cells", "venues", "zones"] {
                label.switch {
                    input type="checkbox" name="layer" value=(layer) checked;
                    span { (t(&format!("layer.{layer}"))) }
                }
            }
        }
    }
}

fn key_form(language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        details #key .key hidden {
            summary { (t("key.title")) }
            form #key-form {
                label for="key-text" { (t("key.label")) }
                div.key-row {
                    input #key-text type="password" autocomplete="off" spellcheck="false" aria-describedby="key-hint";
                    button.button type="submit" { (t("key.use")) }
                    button #key-drop .button.button-quiet type="button" hidden { (t("key.drop")) }
                }
                p #key-hint .quiet role="status" { (t("key.hint")) }
            }
        }
    }
}

/// The picture, and the empty places that the live map fills.
fn stage(view: &PageView, language: Language, summary: &str, at: &str) -> Markup {
    let t = |key: &str| language.text(key);
    let alt = language.fill("map.alt", &[("at", at), ("summary", summary)]);
    html! {
        section #stage .stage aria-label=(t("map.title")) {
            @if view.bounds.is_some() {
                picture #picture .picture {
                    source media="(prefers-color-scheme: dark)" srcset=(picture_url(view, language, 1200, 900, "dark"));
                    img src=(picture_url(view, language, 1200, 900, "light")) width="1200" height="900" alt=(alt)
                        fetchpriority="high";
                }
            } @else {
                p.empty { (t("hero.none")) }
            }
            div #map .map hidden {}
            p #static-note .static-note hidden role="status" { (t("map.static")) }
            div #time .time hidden {
                button #play .icon-button type="button" aria-label=(t("time.play")) title=(t("time.play")) aria-pressed="false" {
                    (icon("M8 5v14l11-7Z"))
                }
                label.visually-hidden for="at" { (t("time.label")) }
                input #at type="range" min="0" max=(view.days_back) value=(view.days_back) step="1";
                output #at-text for="at" { (t("time.now")) }
                button #now .button.button-quiet type="button" hidden { (t("time.back")) }
            }
            aside #panel .panel hidden tabindex="-1" aria-labelledby="panel-title" {}
        }
    }
}

fn about(language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        section.about aria-labelledby="about-title" {
            h2 #about-title { (t("about.title")) }
            div.about-grid {
                @for part in ["source", "privacy", "time", "data"] {
                    div {
                        h3 { (t(&format!("about.{part}.title"))) }
                        p { (t(&format!("about.{part}"))) }
                        @if part == "data" {
                            p.links {
                                a href={ "/docs?lang=" (language.code()) } { (t("about.docs")) }
                                a href="/tiles/cells,venues,areas,zones.json" { (t("about.tilejson")) }
                                a href="/v1/areas.csv" { (t("about.csv")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn footer(language: Language) -> Markup {
    html! {
        footer.foot {
            p { (language.text("site.name")) " · " (language.text("site.tagline")) }
            p { a href={ "/bulletin?lang=" (language.code()) } { (language.text("bulletin.title")) } }
            p { a href={ "/formats?lang=" (language.code()) } { (language.text("formats.title")) } }
            @if assets::live_map() {
                p.quiet {
                    (language.text("about.map")) " "
                    a href=(assets::url("vendor/maplibre-gl/LICENSE.txt")) { "MapLibre GL JS" }
                    " · "
                    a href=(assets::url("vendor/be-vietnam-pro/LICENSE.txt")) { "Be Vietnam Pro" }
                }
            }
        }
    }
}

/// A bar of the main tier's areas by level: widths in tenths, so that no inline style is needed.
fn level_bar(view: &PageView, language: Language) -> Markup {
    let counts = view.level_counts();
    let tier = view
        .main_tier()
        .map(|tier| language.text(&format!("tier.{}", tier.as_str())).to_lowercase());
    html! {
        @if let Some(tier) = tier {
            p.quiet.levels-caption aria-hidden="true" { (language.fill("levels.caption", &[("tier", &tier)])) }
        }
        ul.levels aria-hidden="true" {
            @for level in [1_usize, 2, 3, 4, 0] {
                @if counts[level] > 0 {
                    li data-level=(level) {
                        span.levels-count { (counts[level]) }
                        span { (language.text(if level == 0 { "level.0.short".to_owned() } else { format!("level.{level}") }.as_str())) }
                    }
                }
            }
        }
    }
}

/// What the scripts need to know. `<` is written as an escape: the text stands inside a script element.
pub(super) fn boot(view: &PageView, language: Language) -> PreEscaped<String> {
    let bounds = view.bounds.map(|b| [b.min_lng, b.min_lat, b.max_lng, b.max_lat]);
    let boot = serde_json::json!({
        "lang": language.code(),
        "as_of": view.as_of.to_rfc3339(view.offset),
        "utc_offset": view.offset.hours(),
        "days_back": view.days_back,
        "generation": view.generation,
        "bounds": bounds,
        "live_map": assets::live_map(),
    });
    PreEscaped(boot.to_string().replace('<', "\\u003c"))
}

fn picture_url(view: &PageView, language: Language, width: u32, height: u32, theme: &str) -> String {
    format!(
        "/static/all.png?w={width}&h={height}&theme={theme}&lang={}&g={}",
        language.code(),
        view.generation
    )
}

fn icon(path: &str) -> Markup {
    html! { svg.icon viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d=(path) {} } }
}

/// The mark: a hexagon, a cell of the map, with a tick in it.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            path.mark-cell d="M16 2 28 9v14l-12 7L4 23V9Z" {}
            path.mark-tick d="m10.5 16.2 3.9 3.9 7.4-8" {}
        }
    }
}
