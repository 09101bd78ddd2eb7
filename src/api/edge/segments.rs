use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

use crate::api::edge::ApiError;

/// The `{parameters}` of a path, decoded.
#[derive(Clone, Debug)]
pub struct Segments(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|error| ApiError::invalid("path", "", error.to_string(), "percent-encoded UTF-8"))?;
        Ok(Self(
            params
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        ))
    }
}

impl Segments {
    /// The text of a parameter; empty when the route has none of that name.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// A parameter read by `read`.
    ///
    /// # Errors
    /// 400 naming the parameter, its value and what was expected.
    pub fn read_as<T, E: std::fmt::Display>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ApiError> {
        let value = self.text(name);
        read(value).map_err(|error| ApiError::invalid(name, value, error.to_string(), expected))
    }
}
/// A text as one segment of a URL's path, or one value of its query.
#[must_use]
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
