use maud::{Markup, html};

use crate::api::edge::encoded;
use crate::api::pages::view::{AreaRow, PageView, PublicCount};
use crate::api::pages::words::Language;

/// One sentence with the counts: what the map shows, in words.
pub fn summary(view: &PageView, language: Language) -> String {
    let t = |key: &str| language.text(key);
    let counts = view.level_counts();
    let mut parts = Vec::new();
    if view.areas.is_empty() {
        parts.push(t("table.areas.none"));
    } else {
        let total: u32 = counts.iter().sum();
        let levels: Vec<String> = [1_usize, 2, 3, 4, 0]
            .into_iter()
            .filter(|level| counts[*level] > 0)
            .map(|level| {
                format!(
                    "{} {}",
                    counts[level],
                    t(&format!("level.{level}")).to_lowercase()
                )
            })
            .collect();
        parts.push(format!("{total} {}: {}", t("summary.areas"), levels.join(", ")));
    }
    parts.push(format!(
        "{} {}",
        language.number(u64::from(view.venues_at_risk)),
        t("summary.venues")
    ));
    parts.push(format!("{} {}", view.zones.len(), t("summary.zones")));
    parts.join(" · ")
}

/// The three tables: the same information as the map.
pub fn all(view: &PageView, language: Language) -> Markup {
    html! {
        (areas(view, language))
        (venues(view, language))
        (zones(view, language))
    }
}

fn areas(view: &PageView, language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    // Hundreds of communes under a few districts are folded away.
    let (main, finer): (Vec<&AreaRow>, Vec<&AreaRow>) = view
        .areas
        .iter()
        .partition(|row| Some(row.area.level) <= view.main_tier());
    let finer = &finer[..finer.len().min(PageView::MAX_AREAS)];
    html! {
        section.card aria-labelledby="areas-title" {
            h2 #areas-title { (t("table.areas")) }
            p.quiet { (t("table.areas.note")) }
            @if view.areas.is_empty() {
                p.empty { (t("table.areas.none")) }
            } @else {
                (area_table("areas-table", "areas-title", &main, language))
                @if !finer.is_empty() {
                    details.more {
                        summary #finer-title { (language.fill("table.areas.finer", &[("n", &language.number(finer.len() as u64))])) }
                        (area_table("finer-table", "finer-title", finer, language))
                    }
                }
            }
        }
    }
}

fn area_table(id: &str, title: &str, rows: &[&AreaRow], language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        div.scroll tabindex="0" role="region" aria-labelledby=(title) {
            table id=(id) {
                thead { tr {
                    th scope="col" { (t("col.area")) }
                    th scope="col" { (t("col.level")) }
                    th.num scope="col" { (t("col.cases")) }
                    th.num.wide scope="col" { (t("col.rate")) }
                    th.num.wide scope="col" { (t("col.population")) }
                    th scope="col" { span.visually-hidden { (t("col.explain")) } }
                } }
                tbody {
                    @for row in rows { (area_row(row, language)) }
                }
            }
        }
    }
}

fn area_row(row: &AreaRow, language: Language) -> Markup {
    let code = row.area.code.as_str();
    html! {
        tr data-code=(code) data-level=(row.level) data-tier=(row.area.level.as_str()) {
            th scope="row" {
                (row.area.name)
                span.sub {
                    (language.text(&format!("tier.{}", row.area.level.as_str())))
                    @if row.area.approximate { span.wide { " · " (language.text("panel.approximate")) } }
                }
            }
            td { (badge(row.level, language)) }
            td.num { (count(row.cases, language)) }
            td.num.wide { @if let Some(rate) = row.rate { (language.decimal(rate)) } @else { (dash()) } }
            td.num.wide {
                @if let Some(people) = row.population { (language.number(people)) } @else { (dash()) }
            }
            td.why { (why("area", code, &format!("/v1/areas/{}/level", encoded(code)), &row.area.name, language)) }
        }
    }
}

fn venues(view: &PageView, language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    let beyond = (view.venues_at_risk as usize).saturating_sub(view.venues.len());
    html! {
        section.card aria-labelledby="venues-title" {
            h2 #venues-title { (t("table.venues")) }
            p.quiet { (t("table.venues.note")) }
            @if view.venues.is_empty() {
                p.empty { (t("table.venues.none")) }
            } @else {
                div.scroll tabindex="0" role="region" aria-labelledby="venues-title" {
                    table #venues-table {
                        thead { tr {
                            th scope="col" { (t("col.venue")) }
                            th scope="col" { (t("col.level")) }
                            th.wide scope="col" { (t("col.status")) }
                            th.wide scope="col" { (t("col.area")) }
                            th.num scope="col" { (t("col.exposure")) }
                            th scope="col" { span.visually-hidden { (t("col.explain")) } }
                        } }
                        tbody {
                            @for row in &view.venues {
                                tr data-venue=(row.id) data-level=(row.level) data-kind=(row.kind.as_str()) data-status=(row.status) {
                                    th scope="row" {
                                        (row.name)
                                        span.sub { (t(&format!("kind.{}", row.kind.as_str()))) }
                                    }
                                    td { (badge(row.level, language)) }
                                    td.wide { (t(&format!("status.{}", row.status))) }
                                    td.wide { @if let Some(area) = &row.area { (area) } @else { (dash()) } }
                                    td.num {
                                        @if let Some(minutes) = row.exposure_minutes { (language.number(u64::from(minutes))) }
                                        @else { (dash()) }
                                    }
                                    td.why {
                                        (why("venue", &row.id, &format!("/v1/venues/{}/risk", encoded(&row.id)), &row.name, language))
                                    }
                                }
                            }
                        }
                    }
                }
                @if beyond > 0 {
                    p.quiet { (language.fill("table.venues.more", &[("n", &language.number(beyond as u64))])) }
                }
            }
        }
    }
}

fn zones(view: &PageView, language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        section.card aria-labelledby="zones-title" {
            h2 #zones-title { (t("table.zones")) }
            @if view.zones.is_empty() {
                p.empty { (t("table.zones.none")) }
            } @else {
                div.scroll tabindex="0" role="region" aria-labelledby="zones-title" {
                    table #zones-table {
                        thead { tr {
                            th scope="col" { (t("col.zone")) }
                            th scope="col" { (t("col.order")) }
                            th.wide scope="col" { (t("col.from")) }
                            th scope="col" { (t("col.until")) }
                            th scope="col" { span.visually-hidden { (t("col.explain")) } }
                        } }
                        tbody {
                            @for row in &view.zones {
                                tr data-zone=(row.id) data-kind=(row.kind.as_str()) {
                                    th scope="row" { (row.name) }
                                    td { (t(&format!("zone.{}", row.kind.as_str()))) }
                                    td.wide { (language.instant(row.starts_at, view.offset)) }
                                    td {
                                        @if let Some(end) = row.planned_end { (language.instant(end, view.offset)) }
                                        @else { (t("col.open")) }
                                    }
                                    td.why {
                                        (why("zone", &row.id, &format!("/v1/zones/{}", encoded(&row.id)), &row.name, language))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Colour, pattern, letter and word: the level never hangs on colour alone.
pub(super) fn badge(level: u8, language: Language) -> Markup {
    html! {
        span.badge data-level=(level) {
            span.swatch data-level=(level) aria-hidden="true" {
                span.swatch-letter { (language.text(&format!("level.{level}.letter"))) }
            }
            span { (language.text(&format!("level.{level}"))) }
        }
    }
}

pub(super) fn count(count: PublicCount, language: Language) -> Markup {
    match count {
        PublicCount::Shown(value) => html! { (language.number(u64::from(value))) },
        PublicCount::Hidden => html! {
            span.hidden-count title=(language.text("col.hidden.title")) { (language.text("col.hidden")) }
        },
        PublicCount::Pending => dash(),
    }
}

/// Opens the explanation; without scripts it leads to the same facts as JSON.
fn why(kind: &str, id: &str, href: &str, name: &str, language: Language) -> Markup {
    html! {
        a.why-link href=(href) data-explain=(kind) data-id=(id) {
            (language.text("col.explain")) span.visually-hidden { ": " (name) }
        }
    }
}

pub(super) fn dash() -> Markup {
    html! { span.none { "–" } }
}
