use serde::Deserialize;

use crate::model::{Day, Timestamp, UtcOffset};
use crate::risk::air::{AirFile, AirRules};
use crate::risk::area::AreaFile;
use crate::risk::cell_risk::CellFile;
pub(super) use crate::risk::flaw::Flaw;
use crate::risk::flaw::{InvalidRules, read, unreadable};
use crate::risk::forecast::{ForecastFile, ForecastRules};
use crate::risk::instrument_rules::InstrumentFile;
use crate::risk::suppress::ReleaseFile;
use crate::risk::tracing::TracingFile;
use crate::risk::trend::TrendFile;
use crate::risk::venue_risk::VenueFile;
use crate::risk::{
    AreaRuleBook, CellRules, Instruments, ReleaseRules, Text, TracingRules, TrendRules, VenueRules,
};

const BUILTIN: &[(&str, &str)] = &[
    ("tracing.toml", include_str!("../../data/rules/tracing.toml")),
    ("venue.toml", include_str!("../../data/rules/venue.toml")),
    (
        "area-qd2686.toml",
        include_str!("../../data/rules/area-qd2686.toml"),
    ),
    (
        "area-qd4800.toml",
        include_str!("../../data/rules/area-qd4800.toml"),
    ),
    (
        "area-qd218.toml",
        include_str!("../../data/rules/area-qd218.toml"),
    ),
    (
        "area-ecdc-2020-10.toml",
        include_str!("../../data/rules/area-ecdc-2020-10.toml"),
    ),
    (
        "area-ecdc-2021-02.toml",
        include_str!("../../data/rules/area-ecdc-2021-02.toml"),
    ),
    (
        "area-ecdc-2021-06.toml",
        include_str!("../../data/rules/area-ecdc-2021-06.toml"),
    ),
    (
        "area-ecdc-2022-02.toml",
        include_str!("../../data/rules/area-ecdc-2022-02.toml"),
    ),
    ("area-cdc.toml", include_str!("../../data/rules/area-cdc.toml")),
    (
        "area-harvard.toml",
        include_str!("../../data/rules/area-harvard.toml"),
    ),
    ("air.toml", include_str!("../../data/rules/air.toml")),
    ("forecast.toml", include_str!("../../data/rules/forecast.toml")),
    ("cell.toml", include_str!("../../data/rules/cell.toml")),
    ("trend.toml", include_str!("../../data/rules/trend.toml")),
    ("release.toml", include_str!("../../data/rules/release.toml")),
    ("hospitals.toml", include_str!("../../data/rules/hospitals.toml")),
    ("clinics.toml", include_str!("../../data/rules/clinics.toml")),
    ("schools.toml", include_str!("../../data/rules/schools.toml")),
    (
        "schools-hanoi.toml",
        include_str!("../../data/rules/schools-hanoi.toml"),
    ),
    (
        "schools-hcmc.toml",
        include_str!("../../data/rules/schools-hcmc.toml"),
    ),
    (
        "workplaces.toml",
        include_str!("../../data/rules/workplaces.toml"),
    ),
    (
        "workplaces-hcmc.toml",
        include_str!("../../data/rules/workplaces-hcmc.toml"),
    ),
    ("food-hue.toml", include_str!("../../data/rules/food-hue.toml")),
    ("food-hcmc.toml", include_str!("../../data/rules/food-hcmc.toml")),
    (
        "supermarkets-hcmc.toml",
        include_str!("../../data/rules/supermarkets-hcmc.toml"),
    ),
    (
        "factories-hue.toml",
        include_str!("../../data/rules/factories-hue.toml"),
    ),
    (
        "lodging-hcmc.toml",
        include_str!("../../data/rules/lodging-hcmc.toml"),
    ),
    (
        "sights-hcmc.toml",
        include_str!("../../data/rules/sights-hcmc.toml"),
    ),
    (
        "transport-hcmc.toml",
        include_str!("../../data/rules/transport-hcmc.toml"),
    ),
    (
        "markets-hcmc.toml",
        include_str!("../../data/rules/markets-hcmc.toml"),
    ),
    (
        "traditional-markets-hcmc.toml",
        include_str!("../../data/rules/traditional-markets-hcmc.toml"),
    ),
];

/// Every rule the server works with.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// From case marks to exposure minutes.
    pub tracing: TracingRules,
    /// From exposure and assessments to a venue's level.
    pub venue: VenueRules,
    /// Levels of areas: the rules there are, and which holds when.
    pub areas: AreaRuleBook,
    /// How easily the air of venues spreads disease.
    pub air: AirRules,
    /// How infections at venues are forecast.
    pub forecast: ForecastRules,
    /// A cell's level.
    pub cell: CellRules,
    /// How an area's cases develop.
    pub trend: TrendRules,
    /// What the public may see.
    pub release: ReleaseRules,
    /// The safety instruments.
    pub instruments: Instruments,
}

/// Which rule this is and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleHead {
    /// Short id, such as `qd4800`.
    pub id: String,
    /// Version, usually the date of the text.
    pub version: String,
    /// Name for readers.
    pub title: Text,
    /// Legal or scientific source.
    pub source: String,
    /// First local day it holds, `2021-10-12`.
    pub valid_from: String,
    /// First local day it no longer holds.
    pub valid_to: Option<String>,
    /// Whether every part was checked against the primary text.
    pub confirmed: bool,
    /// What is not confirmed, or was decided here.
    #[serde(default)]
    pub notes: Vec<Text>,
}

impl Rules {
    /// The rules that come with the program.
    #[must_use]
    pub fn builtin() -> Self {
        Self::parse(BUILTIN).expect("the shipped rules are read in every test run")
    }

    /// The rules that come with the program, with an operator's own files (name, TOML text) laid over them: a rule of the
    /// same kind and `id@version` is replaced, of kinds that stand once the one there is, and others are added.
    ///
    /// # Errors
    /// As [`Rules::parse`].
    pub fn with_files(files: &[(String, String)]) -> Result<Self, InvalidRules> {
        if files.is_empty() {
            return Self::parse(BUILTIN);
        }
        let mut own = Vec::new();
        for (name, text) in files {
            let rule = Self::read_one(name, text)?;
            own.push((rule.kind().to_owned(), rule.head().label()));
        }
        let is_replaced = |name: &str, text: &str| -> Result<bool, InvalidRules> {
            let rule = Self::read_one(name, text)?;
            let several = matches!(rule.kind(), "area" | "instrument");
            let label = rule.head().label();
            Ok(own
                .iter()
                .any(|(kind, theirs)| kind == rule.kind() && (!several || *theirs == label)))
        };
        let mut all: Vec<(&str, &str)> = Vec::new();
        for &(name, text) in BUILTIN {
            if !is_replaced(name, text)? {
                all.push((name, text));
            }
        }
        all.extend(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        Self::parse(&all)
    }

    /// Reads rule files (name, TOML text). Each says its `kind`; every kind but `area` and `instrument` stands once.
    ///
    /// # Errors
    /// [`InvalidRules`] names the file, the line or field, and what was expected: unknown or missing
    /// fields, gaps or overlaps in bands, a missing or repeated kind.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, InvalidRules> {
        let (mut tracing, mut venue, mut cell) = (None, None, None);
        let (mut trend, mut release) = (None, None);
        let (mut areas, mut instruments) = (Vec::new(), Vec::new());
        let (mut air, mut forecast) = (None, None);
        for &(file, text) in files {
            let seen = match kind_of(file, text)?.as_str() {
                "tracing" => once(
                    &mut tracing,
                    read::<TracingFile, _>(file, text, TracingFile::check)?,
                ),
                "venue" => once(&mut venue, read::<VenueFile, _>(file, text, VenueFile::check)?),
                "area" => {
                    areas.push(read::<AreaFile, _>(file, text, AreaFile::check)?);
                    true
                }
                "air" => once(&mut air, read::<AirFile, _>(file, text, AirFile::check)?),
                "forecast" => once(
                    &mut forecast,
                    read::<ForecastFile, _>(file, text, ForecastFile::check)?,
                ),
                "cell" => once(&mut cell, read::<CellFile, _>(file, text, CellFile::check)?),
                "trend" => once(&mut trend, read::<TrendFile, _>(file, text, TrendFile::check)?),
                "release" => once(
                    &mut release,
                    read::<ReleaseFile, _>(file, text, ReleaseFile::check)?,
                ),
                "instrument" => {
                    instruments.push(read::<InstrumentFile, _>(file, text, InstrumentFile::check)?);
                    true
                }
                other => {
                    let flaw = Flaw::new("kind", format!("`{other}` is not a kind of rule"), KINDS);
                    return Err(flaw.in_file(file, text));
                }
            };
            if !seen {
                return Err(
                    Flaw::new("kind", "stands a second time", "one file of this kind").in_file(file, text)
                );
            }
        }
        let missing =
            |kind: &str| Flaw::new("kind", format!("no file of kind `{kind}`"), KINDS).in_file("rules", "");
        Ok(Self {
            tracing: tracing.ok_or_else(|| missing("tracing"))?,
            venue: venue.ok_or_else(|| missing("venue"))?,
            areas: AreaRuleBook::new(areas).map_err(|flaw| flaw.in_file("rules", ""))?,
            air: air.ok_or_else(|| missing("air"))?,
            forecast: forecast.ok_or_else(|| missing("forecast"))?,
            cell: cell.ok_or_else(|| missing("cell"))?,
            trend: trend.ok_or_else(|| missing("trend"))?,
            release: release.ok_or_else(|| missing("release"))?,
            instruments: Instruments::new(instruments).map_err(|flaw| flaw.in_file("rules", ""))?,
        })
    }
}

impl Rules {
    /// Kind and head of every rule, by kind as files name it, then in order.
    #[must_use]
    pub fn heads(&self) -> Vec<(&'static str, &RuleHead)> {
        let areas = self.areas.all().iter().map(|each| ("area", &each.rule));
        let single = [
            ("air", &self.air.rule),
            ("cell", &self.cell.rule),
            ("forecast", &self.forecast.rule),
            ("release", &self.release.rule),
            ("tracing", &self.tracing.rule),
            ("trend", &self.trend.rule),
            ("venue", &self.venue.rule),
        ];
        let instruments = self.instruments.iter().map(|each| ("instrument", &each.rule));
        areas.chain(single).chain(instruments).collect()
    }
}

impl RuleHead {
    /// `id@version`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// Whether the rule held on the local day of `at`.
    #[must_use]
    pub fn in_force(&self, at: Timestamp, offset: UtcOffset) -> bool {
        self.is_valid_on(Day::of(at, offset))
    }

    /// Whether the rule held on a day.
    #[must_use]
    pub fn is_valid_on(&self, day: Day) -> bool {
        let open = |to: &String| Day::parse(to).is_ok_and(|to| day < to);
        self.has_begun(day) && self.valid_to.as_ref().is_none_or(open)
    }

    /// Whether the rule had been made by a day.
    #[must_use]
    pub fn has_begun(&self, day: Day) -> bool {
        Day::parse(&self.valid_from).is_ok_and(|from| from <= day)
    }

    pub(super) fn check(&self) -> Result<(), Flaw> {
        for (name, text) in [
            ("id", &self.id),
            ("version", &self.version),
            ("source", &self.source),
        ] {
            if text.is_empty() || text.len() > 500 {
                let field = format!("rule.{name}");
                return Err(Flaw::new(field, "is empty or too long", "1 to 500 bytes"));
            }
        }
        let day = |name: &str, text: &str| {
            Day::parse(text).map_err(|error| {
                Flaw::new(
                    format!("rule.{name}"),
                    format!("`{text}` {}", error.reason),
                    error.expected,
                )
            })
        };
        let from = day("valid_from", &self.valid_from)?;
        match &self.valid_to {
            Some(text) if day("valid_to", text)? <= from => Err(Flaw::new(
                "rule.valid_to",
                "is not after valid_from",
                "a later day",
            )),
            _ => Ok(()),
        }
    }
}

pub(super) const KINDS: &str = "tracing, venue, air, forecast, area, cell, trend, release or instrument";

/// What kind a file says it is of.
pub(super) fn kind_of(file: &str, text: &str) -> Result<String, InvalidRules> {
    let table: toml::Table = toml::from_str(text).map_err(|error| unreadable(file, text, &error))?;
    match table.get("kind").and_then(toml::Value::as_str) {
        Some(kind) => Ok(kind.to_owned()),
        None => Err(Flaw::new("kind", "is missing or no text", KINDS).in_file(file, text)),
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> bool {
    slot.replace(value).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(file: &str, change: impl Fn(&str) -> String) -> Result<Rules, InvalidRules> {
        let changed: Vec<(&str, String)> = BUILTIN
            .iter()
            .map(|&(name, text)| {
                (
                    name,
                    if name == file {
                        change(text)
                    } else {
                        text.to_owned()
                    },
                )
            })
            .collect();
        let files: Vec<(&str, &str)> = changed
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        Rules::parse(&files)
    }

    #[test]
    fn the_shipped_rules_are_valid() {
        let rules = Rules::builtin();
        assert_eq!(
            rules.areas.on(Day::parse("2021-11-01").unwrap()).rule.label(),
            "qd4800@2021-10-12"
        );
        assert!(rules.instruments.find("qd3088@2020").is_some());
        assert!(rules.instruments.find("qd3088@2019").is_none());
    }

    #[test]
    fn an_operators_own_files_replace_and_add() {
        let named = |text: String| ("own.toml".to_owned(), text);
        let area = BUILTIN
            .iter()
            .find(|file| file.0 == "area-harvard.toml")
            .unwrap()
            .1;
        let cell = BUILTIN.iter().find(|file| file.0 == "cell.toml").unwrap().1;
        let shipped = Rules::builtin();
        let added = named(area.replace("\"2020\"", "\"2021\""));
        let replaced = named(cell.replace("reliable_from_cases = 16", "reliable_from_cases = 20"));
        let rules = Rules::with_files(&[added.clone(), replaced]).unwrap();
        assert_eq!(rules.areas.all().len(), shipped.areas.all().len() + 1);
        assert_eq!(rules.cell.reliable_from_cases, 20);
        assert_eq!(Rules::with_files(&[]).unwrap(), shipped);
        // The same twice is somebody's mistake, in files that are his.
        let twice = Rules::with_files(&[added.clone(), added]).unwrap_err();
        assert!(twice.reason.contains("harvard@2021"), "{twice}");
        let wrong = Rules::with_files(&[named("kind = \"area\"\ncolour = 1".to_owned())]).unwrap_err();
        assert_eq!(
            (wrong.file.as_str(), wrong.place.as_str()),
            ("own.toml", "line 2"),
            "{wrong}"
        );
    }

    #[test]
    fn a_refusal_names_file_place_and_expectation() {
        let unknown = with("cell.toml", |text| text.replace("[rule]", "colour = 1\n[rule]")).unwrap_err();
        assert_eq!(unknown.file, "cell.toml");
        assert_eq!(unknown.place, "line 13", "{unknown}");
        assert!(unknown.reason.contains("colour"), "{unknown}");

        let gap = with("area-qd4800.toml", |text| {
            text.replace("from = 50, to = 150", "from = 51, to = 150")
        })
        .unwrap_err();
        assert_eq!(gap.place, "line 25, field table[0].columns.bands[2]");
        assert!(gap.reason.contains("gap"), "{gap}");

        let overlap = with("cell.toml", |text| text.replace("from = 50", "from = 40")).unwrap_err();
        assert!(overlap.reason.contains("overlaps"), "{overlap}");

        let row = with("area-qd4800.toml", |text| {
            text.replace("[1, 1, 2, 3]", "[1, 1, 2]")
        })
        .unwrap_err();
        assert_eq!(row.expected, "4 levels");

        let date = with("venue.toml", |text| text.replace("2020-01-01", "2020-13-01")).unwrap_err();
        assert_eq!(date.place, "line 13, field rule.valid_from");

        let class = with("hospitals.toml", |text| {
            text.replace("class = \"low\"", "class = \"lo\"")
        })
        .unwrap_err();
        assert!(class.reason.contains("`lo`"), "{class}");

        let twice = with("cell.toml", |_| BUILTIN[1].1.to_owned()).unwrap_err();
        assert_eq!(twice.place, "line 1, field kind");
    }
}
