use serde::de::DeserializeOwned;

/// Rules that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {place}: {reason}; expected {expected}")]
pub struct InvalidRules {
    /// The file.
    pub file: String,
    /// The line or the field.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
    /// What was expected.
    pub expected: String,
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

    /// The same with the line of the field, as far as the text has it.
    pub(super) fn in_file(self, file: &str, text: &str) -> InvalidRules {
        let place = match line_of_field(text, &self.field) {
            Some(line) => format!("line {line}, field {}", self.field),
            None => format!("field {}", self.field),
        };
        InvalidRules {
            file: file.to_owned(),
            place,
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
    let start = error.span().map_or(0, |span| span.start);
    InvalidRules {
        file: file.to_owned(),
        place: format!("line {}", line_at(text, start)),
        reason: error.message().lines().collect::<Vec<_>>().join(" "),
        expected: "the fields of this kind of rule, as in the files that come with the program".to_owned(),
    }
}

/// The line, from 1, of a byte.
fn line_at(text: &str, at: usize) -> usize {
    let before = text.get(..at.min(text.len()));
    before.map_or(0, |before| before.matches('\n').count()) + 1
}

/// The line of a field such as `table[0].rows.bands[2]`; of what holds it, where it is not there itself.
fn line_of_field(text: &str, field: &str) -> Option<usize> {
    let table = toml::de::DeTable::parse(text).ok()?;
    let mut steps = field.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    let mut value = table.get_ref().get(steps.next()?)?;
    let mut start = value.span().start;
    for step in steps {
        let next = match step.parse::<usize>() {
            Ok(number) => value.get_ref().get(number),
            Err(_name) => value.get_ref().get(step),
        };
        let Some(next) = next else { break };
        value = next;
        start = value.span().start;
    }
    Some(line_at(text, start))
}
