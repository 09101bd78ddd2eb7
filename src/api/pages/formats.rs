use maud::{DOCTYPE, Markup, html};

use crate::api::pages::assets;
use crate::api::pages::document::{boot, footer, head, header};
use crate::api::pages::view::PageView;
use crate::api::pages::words::Language;
use crate::api::table::ROUTES;

/// Where the page stands.
const PATH: &str = "/formats";

/// What is counted, a row each; `data-row` is how the script finds them.
const ROWS: [&str; 7] = ["tiles", "cells", "sent", "gzip", "plain", "ratio", "build"];

/// The formats, a column each: (key, ending of the tile's address).
const FORMATS: [(&str, &str); 3] = [("mvt", "mvt"), ("compact", "cells"), ("mlt", "mlt")];

/// The page that lays the two ways to send cells side by side: a vector tile, and ids with figures from which the
/// browser builds that tile. Its words stand without scripts; the maps and the figures need them.
pub fn render(view: &PageView, language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                (head(language, PATH, "formats"))
                script type="application/json" id="boot" { (boot(view, language)) }
                script type="module" src=(assets::url("app/formats.js")) {}
            }
            body {
                a.skip href="#figures" { (t("formats.skip")) }
                (header(language, PATH))
                main.formats {
                    (intro(language))
                    (maps(language))
                    (figures(language))
                    (about(language))
                }
                (footer(language))
            }
        }
    }
}

fn intro(language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        section.formats-intro aria-labelledby="headline" {
            h1 #headline { (t("formats.title")) }
            p.lede { (t("formats.lede")) }
        }
    }
}

fn maps(language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        section #pair .pair hidden aria-label=(t("formats.maps")) {
            @for format in ["mvt", "compact"] {
                figure.pair-side {
                    figcaption {
                        h2 { (t(&format!("formats.{format}"))) }
                        span.quiet { (t(&format!("formats.{format}.short"))) }
                    }
                    div.stage { div .map id={ "map-" (format) } {} }
                }
            }
            @if knows_resolutions() {
                p.pair-choice {
                    label for="resolution" { (t("formats.resolution")) }
                    select #resolution {
                        option value="" { (t("formats.resolution.auto")) }
                        @for resolution in 5..=9_u8 { option value=(resolution) { (resolution) } }
                    }
                }
            }
        }
        p #pair-note .note role="status" { (t("formats.scripts")) }
    }
}

fn figures(language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        section.card aria-labelledby="figures-title" {
            h2 #figures-title { (t("formats.figures")) }
            p.quiet { (t("formats.figures.note")) }
            div.scroll tabindex="0" role="region" aria-labelledby="figures-title" {
                table #figures .formats-table data-state="waiting" {
                    thead {
                        tr {
                            td {}
                            @for (format, ending) in FORMATS {
                                th.num scope="col" data-format=(format) data-ending=(ending) { (t(&format!("formats.{format}"))) }
                            }
                        }
                    }
                    tbody {
                        @for row in ROWS {
                            tr data-row=(row) {
                                th scope="row" {
                                    (t(&format!("formats.row.{row}")))
                                    span.sub data-sub="" { (t(&format!("formats.row.{row}.note"))) }
                                }
                                @for (format, _ending) in FORMATS { td.num data-format=(format) { "–" } }
                            }
                        }
                    }
                }
            }
            p #verdict .verdict role="status" {}
        }
    }
}

fn about(language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        section.about aria-labelledby="about-title" {
            h2 #about-title { (t("formats.about")) }
            div.about-grid {
                @for format in FORMATS.map(|(format, _ending)| format) {
                    div {
                        h3 { (t(&format!("formats.{format}"))) }
                        p { (t(&format!("formats.{format}.about"))) }
                    }
                }
                div {
                    h3 { (t("formats.use")) }
                    p { (t("formats.use.about")) }
                    p.links { a href={ "/docs?lang=" (language.code()) } { (t("about.docs")) } }
                    @if assets::live_map() {
                        p.links {
                            a href=(assets::url("vendor/h3-js/LICENSE.txt")) { "h3-js" }
                            a href=(assets::url("vendor/pbf/LICENSE.txt")) { "pbf" }
                        }
                    }
                }
            }
        }
    }
}

/// Whether tiles of another resolution than their zoom's can be asked for.
fn knows_resolutions() -> bool {
    let tile = ROUTES
        .iter()
        .find(|route| route.path == "/tiles/{layers}/{z}/{x}/{y}");
    tile.is_some_and(|route| route.query_names().any(|name| name == "resolution"))
}
