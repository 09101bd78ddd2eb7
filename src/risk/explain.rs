use serde::{Serialize, Serializer};

use crate::model::Timestamp;
use crate::risk::RuleHead;

/// Who a figure is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody: released figures, and venue exposure from several distinct cases only.
    Public,
    /// Signed-in staff: exact figures.
    Official,
}

/// A sentence or a name in Vietnamese and English.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Text {
    /// Both languages.
    #[must_use]
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            vi: vi.into(),
            en: en.into(),
        }
    }
}

/// Why a level is what it is: the rule, what went in, each step, and what would change it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explain {
    /// Rule and version, such as `qd4800@2021-10-12`.
    pub rule: String,
    /// Where the rule comes from.
    pub source: Text,
    /// Whether every part of the rule was checked against the primary text.
    pub confirmed: bool,
    /// The instant the answer holds for; written as RFC 3339.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// What went in.
    pub inputs: Vec<ExplainInput>,
    /// What was done with it, in order.
    pub steps: Vec<ExplainStep>,
    /// What would change the level.
    pub next: Vec<Text>,
}

/// One figure that went in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainInput {
    /// What it is.
    pub name: Text,
    /// The figure with its unit, or `–` when missing.
    pub value: String,
    /// When it was true, where that differs from the answer's instant; RFC 3339.
    #[serde(serialize_with = "maybe_instant", skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Where it is published or who gave it, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// One step and the figure it gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainStep {
    /// What was done.
    pub text: Text,
    /// What came out.
    pub value: String,
}

impl Explain {
    /// An empty explanation under a rule.
    #[must_use]
    pub fn under(rule: &RuleHead, as_of: Timestamp) -> Self {
        Self {
            rule: rule.label(),
            source: rule.source.clone(),
            confirmed: rule.confirmed,
            as_of,
            inputs: Vec::new(),
            steps: Vec::new(),
            next: Vec::new(),
        }
    }

    pub(super) fn input(&mut self, vi: &str, en: &str, value: impl Into<String>) {
        self.input_of(vi, en, value, None);
    }

    /// An input that held at another instant than the answer.
    pub(super) fn input_of(
        &mut self,
        vi: &str,
        en: &str,
        value: impl Into<String>,
        as_of: Option<Timestamp>,
    ) {
        self.inputs.push(ExplainInput {
            name: Text::new(vi, en),
            value: value.into(),
            as_of,
            source: None,
        });
    }

    /// Adds what was done, and what came out.
    pub fn step(&mut self, vi: impl Into<String>, en: impl Into<String>, value: impl Into<String>) {
        self.steps.push(ExplainStep {
            text: Text::new(vi, en),
            value: value.into(),
        });
    }

    pub(super) fn next(&mut self, vi: impl Into<String>, en: impl Into<String>) {
        self.next.push(Text::new(vi, en));
    }
}

/// A figure without needless decimals: `24`, `7.5`.
pub(super) fn figure(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    format!("{rounded}")
}

/// A figure without needless decimals, but with enough of them that `holds` says the same of what is shown as of the figure:
/// 69.999 does not pass for 70 where it lies below.
pub(super) fn figure_that(value: f64, holds: impl Fn(f64) -> bool) -> String {
    let truth = holds(value);
    (2..=12)
        .map(|decimals| {
            // As `figure` does, so that what needs no more is written alike.
            let scale = 10_f64.powi(decimals);
            (value * scale).round() / scale
        })
        .find(|shown| holds(*shown) == truth)
        .unwrap_or(value)
        .to_string()
}

/// Figures as Vietnamese sentences have them: a comma before the decimals, points between thousands. For what was made of
/// figures and signs alone, `20–<50.5`: names and ids must not pass here.
pub(super) fn vietnamese(figures: &str) -> String {
    let mut text = String::new();
    let mut rest = figures;
    while let Some(from) = rest.find(|c: char| c.is_ascii_digit()) {
        text.push_str(&rest[..from]);
        rest = &rest[from..];
        let end = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, after) = rest.split_at(end(rest));
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push('.');
            }
            text.push(digit);
        }
        rest = after;
        if let Some(after) = after.strip_prefix('.')
            && let (decimals @ 1.., after) = (end(after), after)
        {
            text.push(',');
            text.push_str(&after[..decimals]);
            rest = &after[decimals..];
        }
    }
    text.push_str(rest);
    text
}

/// Three figures that count, for what may be very small: `0.000531`, `12.3`.
pub(super) fn significant(value: f64) -> String {
    to_figures(value, 3)
}

/// Six figures that count, for what others are counted from.
pub(super) fn precise(value: f64) -> String {
    to_figures(value, 6)
}

fn to_figures(value: f64, count: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let digits = (count - 1 - value.abs().log10().floor() as i32).clamp(0, 12);
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// RFC 3339 in UTC.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's serialize_with asks for this shape"
)]
pub(super) fn instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[expect(clippy::ref_option, reason = "serde's serialize_with asks for this shape")]
pub(super) fn maybe_instant<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_stays_on_its_side_of_a_limit() {
        assert_eq!(figure_that(69.999, |value| value >= 70.0), "69.999");
        assert_eq!(figure_that(70.001, |value| value > 70.0), "70.001");
        assert_eq!(figure_that(70.001, |value| value >= 70.0), "70");
        assert_eq!(figure_that(69.999_999_9, |value| value >= 70.0), "69.9999999");
        assert_eq!(figure_that(18.801_244, |value| value < 20.0), "18.8");
        assert_eq!(figure_that(200.0 / 3.0, |value| value < 66.67), "66.667");
    }

    #[test]
    fn figures_are_written_as_vietnamese_sentences_have_them() {
        for (figure, vi) in [
            ("7.5", "7,5"),
            ("0.000531", "0,000531"),
            ("150", "150"),
            ("1250", "1.250"),
            ("1286751.25", "1.286.751,25"),
            ("-1000.5", "-1.000,5"),
            ("20.5–<1000", "20,5–<1.000"),
            ("≥70 %.", "≥70 %."),
            ("–", "–"),
        ] {
            assert_eq!(vietnamese(figure), vi);
        }
    }
}
