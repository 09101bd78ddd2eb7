use crate::ingest::field_map::MapSource;
use crate::ingest::{FieldMap, InvalidFieldMap};

/// The fields of one kind of record; a field's place in `fields` is its slot.
pub(super) struct Schema {
    /// The kind's name in the plural: `check-ins`.
    pub name: &'static str,
    pub fields: &'static [FieldSpec],
    /// Whether GeoJSON features are read, with `geometry` in this slot.
    pub geometry: Option<usize>,
}

pub(super) struct FieldSpec {
    pub name: &'static str,
    /// Whether the header of a table must have it.
    pub required: bool,
    /// Whether its value may be personal, and so is never quoted.
    pub private: bool,
}

/// The most fields a kind may have.
pub(super) const MAX_FIELDS: usize = 20;

impl FieldSpec {
    pub const fn required(name: &'static str) -> Self {
        Self {
            name,
            required: true,
            private: false,
        }
    }

    pub const fn optional(name: &'static str) -> Self {
        Self {
            name,
            required: false,
            private: false,
        }
    }

    pub const fn private(name: &'static str) -> Self {
        Self {
            name,
            required: false,
            private: true,
        }
    }
}

impl Schema {
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// `id, venue, at, …`
    pub fn names(&self) -> String {
        let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        names.join(", ")
    }

    /// The field whose name is spelled most like `name`, if any is near.
    pub fn nearest(&self, name: &str) -> Option<&'static str> {
        if name.len() > 64 {
            return None;
        }
        let lower = name.to_lowercase();
        self.fields
            .iter()
            .map(|field| (edits(&lower, field.name), field.name))
            .min()
            .filter(|(distance, known)| *distance <= 1 + known.len() / 3)
            .map(|(_, known)| known)
    }

    /// What to say of a field nobody knows.
    pub fn expected_instead_of(&self, name: &str) -> String {
        match self.nearest(name) {
            Some(known) => format!("`{known}`, or another of {}", self.names()),
            None => format!("one of {}", self.names()),
        }
    }
}

/// Which column fills which slot, once map and kind are known.
pub(super) struct Bindings {
    pub schema: &'static Schema,
    columns: Vec<(String, usize)>,
    pub constants: Vec<(usize, String)>,
    /// Whether unknown columns are refused: there is no map.
    pub strict: bool,
    /// Whether a record is a plain object, each of whose columns fills one slot.
    pub is_one_to_one: bool,
}

impl Bindings {
    pub fn new(schema: &'static Schema, map: &FieldMap) -> Result<Self, InvalidFieldMap> {
        let mut columns = Vec::new();
        let mut constants = Vec::new();
        let mut mapped = [false; MAX_FIELDS];
        for (field, source) in &map.entries {
            let slot = schema.slot(field).ok_or_else(|| InvalidFieldMap {
                entry: field.chars().take(80).collect(),
                reason: format!("{} have no such field", schema.name),
                expected: schema.expected_instead_of(field),
            })?;
            mapped[slot] = true;
            match source {
                MapSource::Column(column) => columns.push((column.clone(), slot)),
                MapSource::Constant(text) => constants.push((slot, text.clone())),
            }
        }
        for (slot, field) in schema.fields.iter().enumerate() {
            if !mapped[slot] {
                columns.push((field.name.to_owned(), slot));
            }
        }
        let is_alone = |at: usize, column: &str| columns[..at].iter().all(|(other, _)| other != column);
        let is_one_to_one = schema.geometry.is_none()
            && columns
                .iter()
                .enumerate()
                .all(|(at, (column, _))| is_alone(at, column));
        Ok(Self {
            schema,
            columns,
            constants,
            is_one_to_one,
            strict: map.is_identity(),
        })
    }

    /// The slots a column fills; usually one.
    pub fn slots<'b>(&'b self, column: &'b str) -> impl Iterator<Item = usize> + 'b {
        self.columns
            .iter()
            .filter(move |(name, _)| name == column)
            .map(|&(_, slot)| slot)
    }

    /// The column that fills a slot, by its foreign name; `None` for constants.
    pub fn column(&self, slot: usize) -> Option<&str> {
        let found = self.columns.iter().find(|(_, known)| *known == slot);
        found.map(|(name, _)| name.as_str())
    }
}

/// Levenshtein distance, bytes.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
