use std::collections::BTreeMap;

use crate::risk::air::AirRules;
use crate::risk::any_rule::{AnyRule, KINDS};
pub(super) use crate::risk::flaw::Flaw;
use crate::risk::flaw::{InvalidRules, unreadable};
use crate::risk::forecast::ForecastRules;
use crate::risk::{
    AreaRuleBook, CellRules, Instruments, ReleaseRules, RuleHead, TracingRules, TrendRules, VenueRules,
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
        "general-hcmc.toml",
        include_str!("../../data/rules/general-hcmc.toml"),
    ),
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
        "travel-firms-hcmc.toml",
        include_str!("../../data/rules/travel-firms-hcmc.toml"),
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
    /// All of them as their files say it; [`Rules::file`] finds one.
    pub files: RuleFiles,
}

/// What rule files say, comments apart, by kind and `id@version`.
pub type RuleFiles = BTreeMap<(&'static str, String), toml::Table>;

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
        let mut own = Vec::new();
        for (name, text) in files {
            own.push(Read::new(name, text)?);
        }
        let mut all = Vec::new();
        for &(name, text) in BUILTIN {
            let shipped = Read::new(name, text)?;
            if !own.iter().any(|theirs| theirs.stands_for(&shipped)) {
                all.push(shipped);
            }
        }
        all.extend(own);
        Self::of(all)
    }

    /// Reads rule files (name, TOML text). Each says its `kind`; every kind but `area` and `instrument` stands once.
    ///
    /// # Errors
    /// [`InvalidRules`] names the file, the line, the field, its value and what was expected: unknown or missing
    /// fields, gaps or overlaps in bands, a missing or repeated kind.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, InvalidRules> {
        let read = files.iter().map(|&(name, text)| Read::new(name, text));
        Self::of(read.collect::<Result<_, _>>()?)
    }

    fn of(files: Vec<Read<'_>>) -> Result<Self, InvalidRules> {
        for (at, file) in files.iter().enumerate() {
            if files[..at].iter().any(|before| before.stands_for(file)) {
                return Err(file.is_second());
            }
        }
        let (mut tracing, mut venue, mut cell) = (None, None, None);
        let (mut trend, mut release) = (None, None);
        let (mut areas, mut instruments) = (Vec::new(), Vec::new());
        let (mut air, mut forecast) = (None, None);
        let mut tables = RuleFiles::new();
        for file in files {
            tables.insert((file.rule.kind(), file.rule.head().label()), file.table);
            match file.rule {
                AnyRule::Air(rules) => air = Some(*rules),
                AnyRule::Area(rules) => areas.push(*rules),
                AnyRule::Cell(rules) => cell = Some(*rules),
                AnyRule::Forecast(rules) => forecast = Some(*rules),
                AnyRule::Instrument(rules) => instruments.push(*rules),
                AnyRule::Release(rules) => release = Some(*rules),
                AnyRule::Tracing(rules) => tracing = Some(*rules),
                AnyRule::Trend(rules) => trend = Some(*rules),
                AnyRule::Venue(rules) => venue = Some(*rules),
            }
        }
        let missing = |kind: &str| Flaw::new("kind", format!("no file of kind `{kind}`"), KINDS).in_no_file();
        Ok(Self {
            tracing: tracing.ok_or_else(|| missing("tracing"))?,
            venue: venue.ok_or_else(|| missing("venue"))?,
            areas: AreaRuleBook::new(areas).map_err(Flaw::in_no_file)?,
            air: air.ok_or_else(|| missing("air"))?,
            forecast: forecast.ok_or_else(|| missing("forecast"))?,
            cell: cell.ok_or_else(|| missing("cell"))?,
            trend: trend.ok_or_else(|| missing("trend"))?,
            release: release.ok_or_else(|| missing("release"))?,
            instruments: Instruments::new(instruments),
            files: tables,
        })
    }
}

/// A file that was read.
struct Read<'a> {
    name: &'a str,
    text: &'a str,
    rule: AnyRule,
    table: toml::Table,
}

impl<'a> Read<'a> {
    fn new(name: &'a str, text: &'a str) -> Result<Self, InvalidRules> {
        let rule = Rules::read_one(name, text)?;
        let table = toml::from_str(text).map_err(|error| unreadable(name, text, &error))?;
        Ok(Self {
            name,
            text,
            rule,
            table,
        })
    }

    /// Whether there is no place for both.
    fn stands_for(&self, other: &Self) -> bool {
        let label = |read: &Self| read.rule.head().label();
        self.rule.kind() == other.rule.kind()
            && (!self.rule.is_one_of_several() || label(self) == label(other))
    }

    fn is_second(&self) -> InvalidRules {
        let flaw = if self.rule.is_one_of_several() {
            let found = format!("`{}` stands a second time", self.rule.head().label());
            Flaw::new("rule.version", found, "each version of a rule once")
        } else {
            Flaw::new("kind", "stands a second time", "one file of this kind")
        };
        flaw.in_file(self.name, self.text)
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

    /// A rule as its file says it, comments apart: every band, weight and constant that it counts with.
    #[must_use]
    pub fn file(&self, kind: &str, label: &str) -> Option<&toml::Table> {
        let mut files = self.files.iter();
        let (_, table) = files.find(|((each, its), _)| *each == kind && its == label)?;
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Day;

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
            (wrong.file.as_str(), wrong.line, wrong.value.as_deref()),
            ("own.toml", Some(2), Some("colour")),
            "{wrong}"
        );
    }

    #[test]
    fn a_refusal_names_file_place_and_expectation() {
        let unknown = with("cell.toml", |text| text.replace("[rule]", "colour = 1\n[rule]")).unwrap_err();
        assert_eq!(unknown.file, "cell.toml");
        assert_eq!(unknown.line, Some(13), "{unknown}");
        assert!(unknown.reason.contains("colour"), "{unknown}");

        let gap = with("area-qd4800.toml", |text| {
            text.replace("from = 50, to = 150", "from = 51, to = 150")
        })
        .unwrap_err();
        assert_eq!(
            (gap.line, gap.field.as_deref()),
            (Some(25), Some("table[0].columns.bands[2]"))
        );
        assert!(gap.reason.contains("gap"), "{gap}");

        let overlap = with("cell.toml", |text| text.replace("from = 50", "from = 40")).unwrap_err();
        assert!(overlap.reason.contains("overlaps"), "{overlap}");

        let row = with("area-qd4800.toml", |text| {
            text.replace("[1, 1, 2, 3]", "[1, 1, 2]")
        })
        .unwrap_err();
        assert_eq!(row.expected, "4 levels");

        let date = with("venue.toml", |text| text.replace("2020-01-01", "2020-13-01")).unwrap_err();
        assert_eq!(date.field.as_deref(), Some("rule.valid_from"));
        assert_eq!(date.value.as_deref(), Some("\"2020-13-01\""));

        let class = with("hospitals.toml", |text| {
            text.replace("class = \"low\"", "class = \"lo\"")
        })
        .unwrap_err();
        assert!(class.reason.contains("`lo`"), "{class}");

        let twice = with("cell.toml", |_| BUILTIN[1].1.to_owned()).unwrap_err();
        assert_eq!((twice.line, twice.field.as_deref()), (Some(1), Some("kind")));
    }
}
