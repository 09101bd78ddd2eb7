use std::fmt::Display;

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::api::edge::{ApiError, FieldError};
use crate::geo::{BBox, LngLat};
use crate::model::{AreaLevel, Timestamp, Window};

/// What `bbox` is expected to be.
pub const BBOX_EXPECTED: &str = "min_lng,min_lat,max_lng,max_lat in degrees";

/// The query parameters of a request, which the guard has read and checked against what the route
/// declares: an unknown or repeated name is an error that names the nearest known one.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl Query {
    /// Longest query text, bytes.
    pub const MAX_BYTES: usize = 4096;

    /// Splits and decodes `a=1&b=2`.
    ///
    /// # Errors
    /// 400 when it is too long, not UTF-8, or names something twice.
    pub fn read(text: &str) -> Result<Self, ApiError> {
        if text.len() > Self::MAX_BYTES {
            return Err(ApiError::invalid(
                "query",
                text,
                format!("has {} bytes", text.len()),
                format!("at most {} bytes", Self::MAX_BYTES),
            ));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(ApiError::invalid(&name, &value, "is given twice", "one value"));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// Refuses names that are not known.
    ///
    /// # Errors
    /// 400 with every unknown name and the nearest known one.
    pub fn check_names(&self, known: &[&str]) -> Result<(), ApiError> {
        let errors: Vec<FieldError> = self
            .pairs
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()))
            .map(|(name, value)| {
                let reason = match nearest(name, known) {
                    Some(near) => format!("is not a parameter of this path; did you mean `{near}`?"),
                    None => "is not a parameter of this path".to_owned(),
                };
                let expected = if known.is_empty() {
                    "no parameters".to_owned()
                } else {
                    known.join(", ")
                };
                FieldError::new(name, value, reason, expected)
            })
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ApiError::Invalid(errors))
        }
    }

    /// The text of a parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter read by `read`.
    ///
    /// # Errors
    /// 400 naming the parameter, its value and what was expected.
    pub fn read_as<T, E: Display>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ApiError> {
        self.text(name)
            .map(|value| {
                read(value).map_err(|error| ApiError::invalid(name, value, error.to_string(), expected))
            })
            .transpose()
    }

    /// A number inside a range.
    ///
    /// # Errors
    /// 400 when it is no finite number or lies outside.
    pub fn number(&self, name: &str, min: f64, max: f64) -> Result<Option<f64>, ApiError> {
        self.read_as(
            name,
            &format!("a number from {min} to {max}"),
            |value| match value.parse::<f64>() {
                Ok(number) if number >= min && number <= max => Ok(number),
                Ok(number) if !number.is_nan() => Err("is out of range"),
                _ => Err("is no number"),
            },
        )
    }

    /// A whole number inside a range.
    ///
    /// # Errors
    /// 400 when it is none or lies outside.
    pub fn whole(&self, name: &str, min: u32, max: u32) -> Result<Option<u32>, ApiError> {
        self.read_as(
            name,
            &format!("a whole number from {min} to {max}"),
            |value| match value.parse::<u32>() {
                Ok(number) if (min..=max).contains(&number) => Ok(number),
                // Also one that no `u32` holds.
                _ if is_whole(value) => Err("is out of range"),
                _ => Err("is no whole number"),
            },
        )
    }

    /// `bbox=min_lng,min_lat,max_lng,max_lat`.
    ///
    /// # Errors
    /// 400 when it cannot be read.
    pub fn bbox(&self) -> Result<Option<BBox>, ApiError> {
        self.read_as("bbox", BBOX_EXPECTED, |text| {
            BBox::parse(text).map_err(|error| error.reason)
        })
    }

    /// `level=`, a tier of areas.
    ///
    /// # Errors
    /// 400 when there is no such tier.
    pub fn tier(&self) -> Result<Option<AreaLevel>, ApiError> {
        let tiers = AreaLevel::ALL.map(AreaLevel::as_str).join(", ");
        self.read_as("level", &tiers, |text| {
            AreaLevel::parse(text).ok_or("is not a tier of administration")
        })
    }

    /// `lng=&lat=`, both or neither.
    ///
    /// # Errors
    /// 400 when one is missing or out of range.
    pub fn point(&self) -> Result<Option<LngLat>, ApiError> {
        match (
            self.number("lng", -180.0, 180.0)?,
            self.number("lat", -90.0, 90.0)?,
        ) {
            (Some(lng), Some(lat)) => LngLat::new(lng, lat).map(Some).map_err(|error| {
                ApiError::invalid(
                    error.field,
                    &error.value.to_string(),
                    error.to_string(),
                    "degrees",
                )
            }),
            (None, None) => Ok(None),
            (Some(_), None) => Err(FieldError::missing("lat", "degrees north, -90 to 90").into()),
            (None, Some(_)) => Err(FieldError::missing("lng", "degrees east, -180 to 180").into()),
        }
    }

    /// `lng=&lat=`, both needed.
    ///
    /// # Errors
    /// 400 when one is missing or out of range.
    pub fn required_point(&self) -> Result<LngLat, ApiError> {
        self.point()?.ok_or_else(|| {
            ApiError::Invalid(vec![
                FieldError::missing("lng", "degrees east, -180 to 180"),
                FieldError::missing("lat", "degrees north, -90 to 90"),
            ])
        })
    }

    /// `at=`, an instant. A `+` that came unescaped (and so reads as a space) is understood.
    ///
    /// # Errors
    /// 400 when it is no instant with offset.
    pub fn at(&self) -> Result<Option<Timestamp>, ApiError> {
        self.read_as(
            "at",
            "RFC 3339 with offset, such as 2021-05-07T08:00:00+07:00",
            |value| Timestamp::parse(&value.replace(' ', "+")).map_err(|error| error.reason),
        )
    }

    /// `window=`, an ISO 8601 duration, as whole hours.
    ///
    /// # Errors
    /// 400 when it is no such duration.
    pub fn window_hours(&self) -> Result<Option<i32>, ApiError> {
        self.read_as(
            "window",
            "an ISO 8601 duration of whole hours, days or weeks, such as PT6H, P14D or P2W",
            |value| Window::parse_hours(value).map_err(|error| error.reason),
        )
    }

    /// Every pair, decoded, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Digits, with a sign or without.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn decode(text: &str) -> Result<String, ApiError> {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|error| {
            let reason = format!("is no UTF-8 from byte {} on", error.valid_up_to());
            ApiError::invalid("query", text, reason, "percent-encoded UTF-8")
        })
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|&candidate| (distance(name, candidate), candidate))
        .filter(|(steps, candidate)| *steps <= 1 + candidate.len() / 3 || candidate.starts_with(name))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, for short names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(60).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = corner + usize::from(left != *right);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_parameter_names_the_nearest_known_one() {
        let query = Query::read("resolutoin=7").unwrap();
        let Err(ApiError::Invalid(errors)) = query.check_names(&["resolution", "bbox"]) else {
            panic!("accepted");
        };
        assert!(errors[0].reason.contains("`resolution`"), "{}", errors[0].reason);
    }

    #[test]
    fn a_plus_that_became_a_space_is_still_an_instant() {
        let query = Query::read("at=2021-05-07T08:00:00+07:00").unwrap();
        assert_eq!(
            query.at().unwrap(),
            Some(Timestamp::parse("2021-05-07T08:00:00+07:00").unwrap())
        );
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert!(Query::read("at=1&at=2").is_err());
        assert!(Query::read("at=%FF").is_err());
    }

    #[test]
    fn a_refused_number_is_refused_in_words_for_whoever_typed_it() {
        let refused = |text: &str| {
            let query = Query::read(&format!("days={text}&bbox={text}")).unwrap();
            let reason = |error: ApiError| match error {
                ApiError::Invalid(errors) => errors[0].reason.clone(),
                other => panic!("{other:?}"),
            };
            (
                reason(query.whole("days", 1, 366).unwrap_err()),
                reason(query.number("days", 1.0, 366.0).unwrap_err()),
                reason(query.bbox().unwrap_err()),
            )
        };
        let (whole, number, bbox) = refused("abc");
        assert_eq!(
            (whole.as_str(), number.as_str()),
            ("is no whole number", "is no number")
        );
        assert_eq!(bbox, "has `abc`, which is no number");
        assert_eq!(refused("").0, "is no whole number");
        assert_eq!(refused("NaN").1, "is no number");
        for far in ["-1", "0", "99999999999999999999"] {
            assert_eq!(refused(far).0, "is out of range", "{far}");
        }
        assert_eq!(refused("inf").1, "is out of range");
        let (_, _, bbox) = refused("NaN,1,2,3");
        assert_eq!(bbox, "has `NaN`, which is no number");
        assert_eq!(refused("1,2,3").2, "has 3 numbers");
        assert_eq!(refused("181,1,2,3").2, "lng 181 is outside -180..180");
    }

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("bbox", "bbox"), 0);
    }
}
