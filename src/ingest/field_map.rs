/// How a foreign file's columns become our fields: `at=time,venue=place,kind='other'`.
/// Our field stands left; right stands a column, or a constant in single quotes.
/// Fields not named keep their own name; columns that nobody asks for are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldMap {
    pub(super) entries: Vec<(String, MapSource)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MapSource {
    Column(String),
    Constant(String),
}

/// A map that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("map `{entry}`: {reason}; expected {expected}")]
pub struct InvalidFieldMap {
    /// The entry at fault.
    pub entry: String,
    /// What is wrong.
    pub reason: String,
    /// What was expected.
    pub expected: String,
}

const EXPECTED: &str = "field=column or field='constant', separated by commas";

impl FieldMap {
    /// No map: fields have our names, and unknown ones are refused.
    #[must_use]
    pub fn identity() -> Self {
        Self::default()
    }

    /// Reads `at=time,venue=place,kind='other'`. A quote in a constant is written twice.
    /// Whether the fields exist is checked when a kind of record is read with it.
    ///
    /// # Errors
    /// [`InvalidFieldMap`] for an entry without `=`, an open quote, or a field named twice.
    pub fn parse(text: &str) -> Result<Self, InvalidFieldMap> {
        let refuse = |entry: &str, reason: &str| InvalidFieldMap {
            entry: entry.chars().take(80).collect(),
            reason: reason.to_owned(),
            expected: EXPECTED.to_owned(),
        };
        let mut entries: Vec<(String, MapSource)> = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (field, after) = rest.split_once('=').ok_or_else(|| refuse(rest, "has no `=`"))?;
            let field = field.trim();
            if field.is_empty() || field.contains(',') {
                return Err(refuse(rest, "has no `=`"));
            }
            let after = after.trim_start();
            let (source, tail) = if let Some(quoted) = after.strip_prefix('\'') {
                let (constant, tail) = constant(quoted).ok_or_else(|| refuse(rest, "has an open quote"))?;
                (MapSource::Constant(constant), tail.trim_start())
            } else {
                let end = after.find(',').unwrap_or(after.len());
                let column = after[..end].trim();
                if column.is_empty() {
                    return Err(refuse(rest, "names no column"));
                }
                (MapSource::Column(column.to_owned()), &after[end..])
            };
            if entries.iter().any(|(known, _)| known == field) {
                return Err(refuse(field, "is mapped twice"));
            }
            entries.push((field.to_owned(), source));
            rest = match tail.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if tail.is_empty() => tail,
                None => return Err(refuse(tail, "follows a closing quote")),
            };
        }
        Ok(Self { entries })
    }

    /// The column of each of some fields: its own name where the map does not say. For readers that take whole
    /// columns; a constant is no column.
    ///
    /// # Errors
    /// [`InvalidFieldMap`] for a field that is none of these, or that is given a constant.
    pub fn columns<const N: usize>(&self, fields: [&'static str; N]) -> Result<[String; N], InvalidFieldMap> {
        let mut columns = fields.map(str::to_owned);
        for (field, source) in &self.entries {
            let refuse = |reason: &str, expected: String| InvalidFieldMap {
                entry: field.chars().take(80).collect(),
                reason: reason.to_owned(),
                expected,
            };
            let Some(nth) = fields.iter().position(|known| known == field) else {
                return Err(refuse(
                    "is no field here",
                    format!("one of {}", fields.join(", ")),
                ));
            };
            match source {
                MapSource::Column(column) => columns[nth].clone_from(column),
                MapSource::Constant(_) => return Err(refuse("is a constant", "a column".to_owned())),
            }
        }
        Ok(columns)
    }

    /// Whether there is no map.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Reads up to the closing quote; gives the text and what follows.
fn constant(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('\'')?;
        text.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                rest = more;
            }
            None => return Some((text, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_reads_columns_and_quoted_constants() {
        let map = FieldMap::parse("at=time, venue = place ,kind='o, it''s',name=a b").unwrap();
        let column = |text: &str| MapSource::Column(text.to_owned());
        assert_eq!(
            map.entries,
            [
                ("at".to_owned(), column("time")),
                ("venue".to_owned(), column("place")),
                ("kind".to_owned(), MapSource::Constant("o, it's".to_owned())),
                ("name".to_owned(), column("a b")),
            ]
        );
        assert!(FieldMap::parse("").unwrap().is_identity());
    }

    #[test]
    fn a_map_says_which_column_each_of_some_fields_is() {
        let map = FieldMap::parse("at=time").unwrap();
        assert_eq!(map.columns(["venue", "at"]).unwrap(), ["venue", "time"]);
        let error = map.columns(["venue"]).unwrap_err().to_string();
        assert!(error.contains("expected one of venue"), "{error}");
        let map = FieldMap::parse("at='x'").unwrap();
        assert!(map.columns(["at"]).is_err());
    }

    #[test]
    fn a_broken_map_names_its_entry() {
        for text in ["at", "at=", "at='x", "at=a,at=b", "at='x'y", "=x", "a,b=c"] {
            let error = FieldMap::parse(text).unwrap_err().to_string();
            assert!(error.contains("expected field=column"), "{text}: {error}");
        }
    }
}
