use maud::{DOCTYPE, Markup, html};

use crate::api::edge::encoded;
use crate::api::pages::document::{footer, head, header};
use crate::api::pages::tables::{badge, count, dash};
use crate::api::pages::view::{Bulletin, BulletinChange, PageView};
use crate::api::pages::words::Language;
use crate::api::v1::bulletin::change;
use crate::model::Day;

/// Where the page stands.
const PATH: &str = "/bulletin";

/// The weekly bulletin: which areas have another level than the week before. Released figures only, no script.
pub fn render(view: &PageView, language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                (head(language, PATH, "bulletin"))
            }
            body {
                a.skip href="#changes" { (t("bulletin.skip")) }
                (header(language, PATH))
                main.bulletin {
                    section.bulletin-intro aria-labelledby="headline" {
                        h1 #headline { (t("bulletin.title")) }
                        p.lede { (t("bulletin.lede")) }
                    }
                    @if let Some(bulletin) = &view.bulletin {
                        (week(bulletin, language))
                        (changes(bulletin, language))
                    } @else {
                        p.empty #changes { (t("bulletin.none")) }
                    }
                }
                (footer(language))
            }
        }
    }
}

fn week(bulletin: &Bulletin, language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    let (first, last) = (bulletin.weeks.0.to_string(), bulletin.weeks.1.to_string());
    let monday = bulletin.week.monday();
    let (from, to) = (language.day(monday), language.day(Day(monday.0 + 6)));
    html! {
        section.card aria-labelledby="week-title" {
            h2 #week-title { (language.fill("bulletin.week", &[("week", &bulletin.week.to_string()), ("from", &from), ("to", &to)])) }
            p.quiet { (language.fill("bulletin.weeks", &[("first", &first), ("last", &last)])) }
            div.scroll tabindex="0" role="region" aria-labelledby="week-title" {
                table #tiers-table {
                    thead { tr {
                        th scope="col" { (t("bulletin.tier")) }
                        @for level in [1_u8, 2, 3, 4, 0] {
                            th.num scope="col" { (t(&format!("level.{level}"))) }
                        }
                    } }
                    tbody {
                        @for (tier, counts) in &bulletin.tiers {
                            tr data-tier=(tier.as_str()) {
                                th scope="row" { (t(&format!("tier.{}", tier.as_str()))) }
                                @for level in [1_usize, 2, 3, 4, 0] {
                                    td.num { (language.number(u64::from(counts[level]))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn changes(bulletin: &Bulletin, language: Language) -> Markup {
    let t = |key: &str| language.text(key);
    let week = bulletin.week.to_string();
    let beyond = (bulletin.changed as usize).saturating_sub(bulletin.changes.len());
    html! {
        section.card #changes tabindex="-1" aria-labelledby="changes-title" {
            h2 #changes-title {
                (language.fill("bulletin.changes", &[("n", &language.number(u64::from(bulletin.changed)))]))
            }
            p.quiet { (t("bulletin.note")) }
            @if bulletin.changes.is_empty() {
                p.empty { (t("bulletin.same")) }
            } @else {
                div.scroll tabindex="0" role="region" aria-labelledby="changes-title" {
                    table #changes-table {
                        thead { tr {
                            th scope="col" { (t("col.area")) }
                            th scope="col" { (t("bulletin.before")) }
                            th scope="col" { (t("col.level")) }
                            th.wide scope="col" { (t("bulletin.change")) }
                            th.num scope="col" { (t("col.cases")) }
                        } }
                        tbody { @for row in &bulletin.changes { (line(row, language)) } }
                    }
                }
                @if beyond > 0 {
                    p.quiet { (language.fill("bulletin.more", &[("n", &language.number(beyond as u64))])) }
                }
            }
            p {
                a href={ "/v1/bulletin.csv?week=" (week) } { "CSV" } " · "
                a href={ "/v1/bulletin?week=" (week) } { "JSON" }
            }
        }
    }
}

fn line(row: &BulletinChange, language: Language) -> Markup {
    let code = row.area.code.as_str();
    let word = change(row.before, row.level);
    html! {
        tr data-code=(code) data-level=(row.level) data-change=(word) {
            th scope="row" {
                // The map page opens the explanation that such an address names.
                a href={ "/?lang=" (language.code()) "#area=" (encoded(code)) } { (row.area.name) }
                span.sub { (language.text(&format!("tier.{}", row.area.level.as_str()))) }
            }
            td { @if let Some(before) = row.before { (badge(before, language)) } @else { (dash()) } }
            td { (badge(row.level, language)) }
            td.wide { (language.text(&format!("bulletin.{word}"))) }
            td.num { (count(row.cases, language)) }
        }
    }
}
