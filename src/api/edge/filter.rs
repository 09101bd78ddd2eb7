use crate::api::edge::{ApiError, Query};
use crate::filter::{Filter, InvalidFilter, Language};

/// `filter=` in the language of `filter-lang=`, when it passes `check`.
///
/// # Errors
/// 400 that says what of it is wrong.
pub fn read_filter<T>(
    query: &Query,
    check: impl FnOnce(Filter) -> Result<T, InvalidFilter>,
) -> Result<Option<T>, ApiError> {
    let known = Language::ALL.map(Language::as_str).join(" or ");
    let language = query.read_as("filter-lang", &known, |text| {
        let found = Language::ALL
            .into_iter()
            .find(|language| language.as_str() == text);
        found.ok_or("is not a filter language")
    })?;
    let Some(text) = query.text("filter") else {
        return Ok(None);
    };
    Filter::parse(text, language.unwrap_or(Language::Text))
        .and_then(check)
        .map(Some)
        .map_err(|error| ApiError::invalid("filter", text, error.reason, error.expected))
}
