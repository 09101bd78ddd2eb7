use crate::ingest::IngestError;
use crate::ingest::field::shorten;
use crate::ingest::schema::Bindings;

/// Columns of a table.
const MAX_COLUMNS: usize = 512;

/// The slots that each column of a table fills.
pub(super) fn bind(names: &[&str], bindings: &Bindings) -> Result<Vec<Vec<usize>>, IngestError> {
    let refuse = |reason: String, expected: String| Err(IngestError::Header { reason, expected });
    if names.len() > MAX_COLUMNS {
        return refuse(
            format!("has {} columns", names.len()),
            format!("at most {MAX_COLUMNS}"),
        );
    }
    let schema = bindings.schema;
    let mut columns: Vec<Vec<usize>> = Vec::with_capacity(names.len());
    for name in names {
        let slots: Vec<usize> = bindings.slots(name).collect();
        if slots.is_empty() && bindings.strict && !name.is_empty() {
            return refuse(
                format!("column `{}` is not known", shorten(name)),
                format!(
                    "{}; a map (field=column) reads files with other columns",
                    schema.expected_instead_of(name)
                ),
            );
        }
        if slots
            .iter()
            .any(|slot| columns.iter().flatten().any(|known| known == slot))
        {
            return refuse(
                format!("column `{}` stands twice", shorten(name)),
                "each column once".to_owned(),
            );
        }
        columns.push(slots);
    }
    for (slot, field) in schema.fields.iter().enumerate() {
        let filled = columns.iter().flatten().any(|known| *known == slot);
        let constant = bindings.constants.iter().any(|(known, _)| *known == slot);
        if field.required && !filled && !constant {
            let column = bindings.column(slot).unwrap_or(field.name);
            return refuse(
                format!("column `{}` for `{}` is missing", shorten(column), field.name),
                format!("it among {}", shorten(&names.join(", "))),
            );
        }
    }
    Ok(columns)
}
