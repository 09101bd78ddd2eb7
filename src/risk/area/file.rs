use serde::Deserialize;

use crate::risk::area::condition_file::{ConditionFile, check_together};
use crate::risk::area::{AreaRules, Condition, LevelTable, Measure, Raise, Requirement};
use crate::risk::cell_risk::from_zero;
use crate::risk::rules::Flaw;
use crate::risk::{Band, RuleHead, Text};

/// An area rule as its file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::risk) struct AreaFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    #[serde(default)]
    asks: Vec<Measure>,
    #[serde(default)]
    holds_without_care: bool,
    reports_valid_days: Option<u16>,
    #[serde(default)]
    level: Vec<NameFile>,
    #[serde(default)]
    require: Vec<RequireFile>,
    #[serde(default)]
    table: Vec<TableFile>,
    #[serde(default)]
    condition: Vec<ConditionFile>,
    #[serde(default)]
    raise: Vec<RaiseFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameFile {
    level: u8,
    name: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequireFile {
    measure: Measure,
    above: f64,
    otherwise: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    name: Text,
    columns: Option<AxisFile<String>>,
    rows: AxisFile<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AxisFile<T> {
    measure: Measure,
    bands: Vec<Band<T>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RaiseFile {
    measure: Measure,
    below: f64,
    by: u8,
    #[serde(default)]
    except_without_cases: bool,
}

impl AreaFile {
    pub(in crate::risk) fn check(self) -> Result<AreaRules, Flaw> {
        self.rule.check()?;
        for (at, each) in self.level.iter().enumerate() {
            level(&format!("level[{at}].level"), each.level)?;
        }
        for (at, each) in self.require.iter().enumerate() {
            figure(&format!("require[{at}].above"), each.above)?;
        }
        let reports_valid_days = self.reports_valid_days.unwrap_or(AreaRules::REPORTS_VALID_DAYS);
        if !(1..=366).contains(&reports_valid_days) {
            let found = format!("is {reports_valid_days}");
            return Err(Flaw::new("reports_valid_days", found, "days, 1 to 366"));
        }
        let mut raises = Vec::new();
        for (at, each) in self.raise.into_iter().enumerate() {
            figure(&format!("raise[{at}].below"), each.below)?;
            if each.measure.is_percent() && each.below > 100.0 {
                return Err(Flaw::new(
                    format!("raise[{at}].below"),
                    format!("is {}", each.below),
                    "a percentage, 0 to 100",
                ));
            }
            level(&format!("raise[{at}].by"), each.by)?;
            raises.push(Raise {
                measure: each.measure,
                below: each.below,
                by: each.by,
                except_without_cases: each.except_without_cases,
            });
        }
        let tables = self.table.into_iter().enumerate();
        let tables: Vec<LevelTable> = tables
            .map(|(at, table)| table.check(at))
            .collect::<Result<_, _>>()?;
        let conditions = self.condition.into_iter().enumerate();
        let conditions: Vec<Condition> = conditions
            .map(|(at, condition)| condition.check(at))
            .collect::<Result<_, _>>()?;
        check_together(&conditions, &raises, self.holds_without_care)?;
        if tables.is_empty() && conditions.is_empty() {
            return Err(Flaw::new(
                "table",
                "is missing, and so is `condition`",
                "at least one table or condition",
            ));
        }
        Ok(AreaRules {
            rule: self.rule,
            names: self
                .level
                .into_iter()
                .map(|each| (each.level, each.name))
                .collect(),
            requirements: self
                .require
                .into_iter()
                .map(|each| Requirement {
                    measure: each.measure,
                    above: each.above,
                    otherwise: each.otherwise,
                })
                .collect(),
            tables,
            conditions,
            raises,
            holds_without_care: self.holds_without_care,
            reports_valid_days,
            asks: self.asks,
        })
    }
}

impl TableFile {
    fn check(self, at: usize) -> Result<LevelTable, Flaw> {
        let place = format!("table[{at}]");
        let columns = match self.columns {
            Some(axis) => {
                let bands = from_zero(&format!("{place}.columns.bands"), axis.bands)?;
                Some((axis.measure, bands))
            }
            None => None,
        };
        let wide = columns.as_ref().map_or(1, |(_, bands)| bands.as_slice().len());
        for (row, band) in self.rows.bands.iter().enumerate() {
            let field = format!("{place}.rows.bands[{row}].gives");
            if band.gives.len() != wide {
                let found = format!("has {} levels", band.gives.len());
                return Err(Flaw::new(field, found, format!("{wide} levels")));
            }
            if let Some(level) = band.gives.iter().find(|level| **level > 4) {
                let found = format!("gives level {level}");
                return Err(Flaw::new(
                    field,
                    found,
                    "levels 1 to 4, or 0 where the text gives none",
                ));
            }
        }
        Ok(LevelTable {
            name: self.name,
            row_measure: self.rows.measure,
            rows: from_zero(&format!("{place}.rows.bands"), self.rows.bands)?,
            columns,
        })
    }
}

pub(super) fn level(field: &str, level: u8) -> Result<(), Flaw> {
    if (1..=4).contains(&level) {
        Ok(())
    } else {
        Err(Flaw::new(field, format!("is {level}"), "1 to 4"))
    }
}

pub(super) fn figure(field: &str, value: f64) -> Result<(), Flaw> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(Flaw::new(field, format!("is {value}"), "a figure of 0 or more"))
    }
}
