use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;

/// Rules that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRules {
    /// The file.
    pub file: String,
    /// The line, from 1; `None` where a file is missing.
    pub line: Option<usize>,
    /// The field, such as `table[0].rows.bands[2]`; `None` where the file cannot be read as TOML or has what nobody knows.
    pub field: Option<Box<str>>,
    /// What stands there, shortened.
    pub value: Option<Box<str>>,
    /// What is wrong there.
    pub reason: String,
    /// What was expected.
    pub expected: String,
}

impl std::error::Error for InvalidRules {}

impl fmt::Display for InvalidRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        let place = match (self.line, &self.field) {
            (Some(line), Some(field)) => format!("line {line}, field {field}"),
            (Some(line), None) => format!("line {line}"),
            (None, field) => format!("field {}", field.as_deref().unwrap_or("kind")),
        };
        write!(f, "{place}: {}", self.reason)?;
        if let Some(value) = &self.value {
            write!(f, " (`{value}`)")?;
        }
        write!(f, "; expected {}", self.expected)
    }
}

/// What is wrong in a rule, before the file is known.
#[derive(Debug)]
pub(super) struct Flaw {
    pub field: String,
    pub reason: String,
    pub expected: String,
}

impl Flaw {
    pub(super) fn new(
        field: impl Into<String>,
        reason: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
            expected: expected.into(),
        }
    }

    /// The same with the line of the field: where the field is missing, of what should hold it.
    pub(super) fn in_file(self, file: &str, text: &str) -> InvalidRules {
        let (span, is_there) = span_of_field(text, &self.field);
        InvalidRules {
            file: file.to_owned(),
            line: Some(line_at(text, span.start)),
            field: Some(self.field.into()),
            value: is_there.then(|| shown(text, span)).flatten(),
            reason: self.reason,
            expected: self.expected,
        }
    }

    /// The same of what no file says.
    pub(super) fn in_no_file(self) -> InvalidRules {
        InvalidRules {
            file: "rules".to_owned(),
            line: None,
            field: Some(self.field.into()),
            value: None,
            reason: self.reason,
            expected: self.expected,
        }
    }
}

/// Reads a file and checks what it says.
pub(super) fn read<F: DeserializeOwned, T>(
    file: &str,
    text: &str,
    check: impl FnOnce(F) -> Result<T, Flaw>,
) -> Result<T, InvalidRules> {
    let raw: F = toml::from_str(text).map_err(|error| unreadable(file, text, &error))?;
    check(raw).map_err(|flaw| flaw.in_file(file, text))
}

pub(super) fn unreadable(file: &str, text: &str, error: &toml::de::Error) -> InvalidRules {
    let span = error.span().unwrap_or(0..0);
    InvalidRules {
        file: file.to_owned(),
        line: Some(line_at(text, span.start)),
        field: None,
        value: shown(text, span),
        reason: error.message().lines().collect::<Vec<_>>().join(" "),
        expected: "the fields of this kind of rule, as in the files that come with the program".to_owned(),
    }
}

/// Characters of a value that are repeated.
const SHOWN: usize = 60;

/// What stands at a place, on one line.
fn shown(text: &str, span: Range<usize>) -> Option<Box<str>> {
    let found = text.get(span)?.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = found.chars().take(SHOWN).collect();
    if short.len() < found.len() {
        short.push('…');
    }
    (!short.is_empty()).then(|| short.into())
}

/// The line, from 1, of a byte.
fn line_at(text: &str, at: usize) -> usize {
    let before = text.get(..at.min(text.len()));
    before.map_or(0, |before| before.matches('\n').count()) + 1
}

/// The place of a field such as `table[0].rows.bands[2]`, and whether it is there: else the place of what should hold it,
/// the file at last.
fn span_of_field(text: &str, field: &str) -> (Range<usize>, bool) {
    let Ok(table) = toml::de::DeTable::parse(text) else {
        return (0..0, false);
    };
    let mut steps = field.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    let Some(mut value) = steps.next().and_then(|first| table.get_ref().get(first)) else {
        return (0..0, false);
    };
    for step in steps {
        let next = match step.parse::<usize>() {
            Ok(number) => value.get_ref().get(number),
            Err(_name) => value.get_ref().get(step),
        };
        let Some(next) = next else {
            return (value.span(), false);
        };
        value = next;
    }
    (value.span(), true)
}
