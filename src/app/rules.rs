use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::app::upkeep::must_exist;
use crate::config::{RulesCommand, RulesDiffArgs, Settings};
use crate::geo::Resolution;
use crate::index::Snapshot;
use crate::levels::AreasAt;
use crate::model::{Day, Timestamp, Window};
use crate::pipeline::public_snapshot;
use crate::risk::{AnyRule, AreaRules, CellRules, Rules, cell_risk};

const WEEK_HOURS: i32 = 7 * 24;
/// Resolutions that releases list cells of.
const RELEASED: std::ops::RangeInclusive<u8> = 5..=9;

/// Runs a rule command.
pub async fn run(command: RulesCommand, settings: &Settings) -> anyhow::Result<ExitCode> {
    match command {
        RulesCommand::List => list(settings),
        RulesCommand::Check { files } => check(&files),
        RulesCommand::Diff(args) => diff(&args, settings).await,
    }
}

fn list(settings: &Settings) -> anyhow::Result<ExitCode> {
    let rules = crate::app::serve::rules(settings)?;
    let today = Day::of(settings.clock.now(), settings.offset);
    let in_force = rules.areas.on(today).rule.label();
    let mut out = io::stdout();
    for (kind, head) in rules.heads() {
        let until = head.valid_to.as_deref().unwrap_or("…");
        let mark = match kind {
            "area" if head.label() == in_force => "in force",
            "area" => "by name",
            _ => "in force",
        };
        let checked = if head.confirmed {
            "confirmed"
        } else {
            "not confirmed"
        };
        writeln!(
            out,
            "{kind:<10} {:<28} {} – {until:<10}  {mark:<8}  {checked:<13}  {}",
            head.label(),
            head.valid_from,
            head.title.en
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says of each file what is wrong with it, or which rule it is; fails if one is wrong.
fn check(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout();
    let mut is_good = true;
    for path in files {
        match read(path) {
            Ok(rule) => writeln!(out, "{}: {} {}", path.display(), rule.kind(), rule.head().label())?,
            Err(error) => {
                is_good = false;
                writeln!(out, "{error:#}")?;
            }
        }
    }
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read(path: &Path) -> anyhow::Result<AnyRule> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("file {name}"))?;
    Ok(Rules::read_one(&name, &text)?)
}

async fn diff(args: &RulesDiffArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    must_exist(&args.data)?;
    let now = settings.clock.now();
    let at = match &args.at {
        Some(text) => Timestamp::parse(text).with_context(|| format!("--at `{text}`"))?,
        None => now,
    };
    let rules = crate::app::serve::rules(settings)?;
    let day = Day::of(at, settings.offset);
    let (a, b) = (named(&rules, &args.a, day)?, named(&rules, &args.b, day)?);
    let snapshot = public_snapshot(&args.data, settings.offset, now, &rules)
        .await
        .with_context(|| format!("--data {}", args.data.display()))?;
    let mut out = io::stdout();
    writeln!(
        out,
        "{} → {}, from what was released by {}",
        a.head().label(),
        b.head().label(),
        at.to_rfc3339(settings.offset)
    )?;
    let tally = match (&a, &b) {
        (AnyRule::Area(a), AnyRule::Area(b)) => {
            let areas = AreasAt::new(&snapshot, at, settings.offset);
            areas_between(&areas, a, b, &mut out)?
        }
        (AnyRule::Cell(a), AnyRule::Cell(b)) => cells_between(&snapshot, at, (a, b), &mut out)?,
        _ => bail!(
            "`{}` is a rule of kind {}, `{}` of kind {}: two of kind area, or two of kind cell, can be compared",
            args.a,
            a.kind(),
            args.b,
            b.kind()
        ),
    };
    writeln!(out, "{tally}")?;
    Ok(ExitCode::SUCCESS)
}

/// A rule that comes with the program, or one in a file.
fn named(rules: &Rules, text: &str, day: Day) -> anyhow::Result<AnyRule> {
    let path = Path::new(text);
    if path.extension().is_some_and(|ending| ending == "toml") {
        return read(path);
    }
    let cell = &rules.cell.rule;
    if text == cell.id || text == cell.label() {
        return Ok(AnyRule::Cell(Box::new(rules.cell.clone())));
    }
    match rules.areas.find(text, day) {
        Ok(found) => Ok(AnyRule::Area(Box::new(found.clone()))),
        Err(error) => bail!(
            "rule `{text}`: is not known; expected one of {}, {}, or a file ending in .toml",
            error.known.join(", "),
            cell.label()
        ),
    }
}

/// How levels went.
#[derive(Default)]
struct Tally {
    of: &'static str,
    seen: u64,
    up: u64,
    down: u64,
    gained: u64,
    lost: u64,
}

impl Tally {
    fn note(&mut self, before: u8, after: u8) {
        match (before, after) {
            (0, 1..) => self.gained += 1,
            (1.., 0) => self.lost += 1,
            _ if after > before => self.up += 1,
            _ => self.down += 1,
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of {} {} change: {} up, {} down, {} gain a level, {} lose theirs",
            self.up + self.down + self.gained + self.lost,
            self.seen,
            self.of,
            self.up,
            self.down,
            self.gained,
            self.lost
        )
    }
}

fn areas_between(
    areas: &AreasAt<'_>,
    a: &AreaRules,
    b: &AreaRules,
    out: &mut impl io::Write,
) -> anyhow::Result<Tally> {
    let released = |rules: &AreaRules| areas.decide_all(rules, |_| false);
    let (before, after) = (released(a), released(b));
    let mut tally = Tally {
        of: "areas",
        ..Tally::default()
    };
    for entry in areas.valid() {
        let code = &entry.area.code;
        let level = |all: &BTreeMap<_, crate::risk::AreaDecision>| {
            all.get(code).map_or(0, |decision| decision.level())
        };
        let (before, after) = (level(&before), level(&after));
        tally.seen += 1;
        if before != after {
            tally.note(before, after);
            let (tier, name) = (entry.area.level.as_str(), &entry.area.name);
            writeln!(out, "{tier} {code} {name}: {} → {}", said(before), said(after))?;
        }
    }
    Ok(tally)
}

fn cells_between(
    snapshot: &Snapshot,
    at: Timestamp,
    (a, b): (&CellRules, &CellRules),
    out: &mut impl io::Write,
) -> anyhow::Result<Tally> {
    let mut tally = Tally {
        of: "cells with a released count",
        ..Tally::default()
    };
    let week = Window::ending(at, WEEK_HOURS);
    let releases = snapshot.releases();
    for resolution in RELEASED.filter_map(Resolution::new) {
        let cells = releases.listed(resolution);
        for (cell, figure) in cells.iter().zip(releases.figures(cells, at, week)) {
            let Some(cases) = figure.cases else { continue };
            tally.seen += 1;
            let residents = snapshot.population(*cell);
            let level = |rules: &CellRules| cell_risk(rules, cases, residents).level;
            let (before, after) = (level(a), level(b));
            if before != after {
                tally.note(before, after);
                writeln!(out, "cell {cell}: {} → {}", said(before), said(after))?;
            }
        }
    }
    Ok(tally)
}

fn said(level: u8) -> String {
    if level == 0 {
        "none".to_owned()
    } else {
        level.to_string()
    }
}
