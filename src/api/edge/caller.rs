use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use crate::api::edge::ApiError;
use crate::geo::LngLat;
use crate::model::{AreaCode, Role};

/// Who is asking: nobody in particular, or the holder of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Id of the key; `None` without one.
    pub key: Option<String>,
    /// What it may do.
    pub role: Role,
    /// The areas it is limited to; empty for no limit.
    pub areas: Vec<AreaCode>,
}

impl Caller {
    /// A request without a key.
    #[must_use]
    pub const fn public() -> Self {
        Self {
            key: None,
            role: Role::Public,
            areas: Vec::new(),
        }
    }

    /// Whether its role reads exact figures at all.
    #[must_use]
    pub fn reads_exact(&self) -> bool {
        matches!(
            self.role,
            Role::Official | Role::Approver | Role::Analyst | Role::Admin
        )
    }

    /// Whether it reads exact figures everywhere.
    #[must_use]
    pub fn reads_exact_everywhere(&self) -> bool {
        self.reads_exact() && self.areas.is_empty()
    }

    /// Whether a thing that lies in those areas (codes from the smallest to the largest) is in its scope.
    #[must_use]
    pub fn covers<'a>(&self, mut codes: impl Iterator<Item = &'a AreaCode>) -> bool {
        self.areas.is_empty() || codes.any(|code| self.areas.contains(code))
    }

    /// Whether a place is in its scope; `areas_at` finds the codes of the areas at a point.
    #[must_use]
    pub fn covers_point(&self, at: LngLat, areas_at: impl FnOnce(LngLat) -> Vec<AreaCode>) -> bool {
        self.areas.is_empty() || self.covers(areas_at(at).iter())
    }

    /// The name under which its acts are written down.
    #[must_use]
    pub fn actor(&self) -> &str {
        self.key.as_deref().unwrap_or("public")
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(Self::public))
    }
}

/// The two parts of `Authorization: Bearer vx_<id>_<secret>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Public id of the key.
    pub id: String,
    /// The secret. Never logged: this type has no `Debug`.
    pub secret: String,
}

impl Token {
    /// Reads the header; `None` without one.
    ///
    /// # Errors
    /// 401 when it is there and is no such key.
    pub fn read(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        const SHAPE: &str = "Authorization is not `Bearer vx_<id>_<secret>`";
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(None);
        };
        let text = value
            .to_str()
            .map_err(|_not_ascii| ApiError::Unauthorized(SHAPE))?;
        let (scheme, token) = text.split_once(' ').ok_or(ApiError::Unauthorized(SHAPE))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::Unauthorized(SHAPE));
        }
        Self::parse(token.trim())
            .map(Some)
            .ok_or(ApiError::Unauthorized(SHAPE))
    }

    /// Splits `vx_<id>_<secret>`; the secret may hold underscores, the id may not.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        let (id, secret) = token.strip_prefix("vx_")?.split_once('_')?;
        let plain = |text: &str, max: usize| {
            (1..=max).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        (plain(id, 64) && plain(secret, 128)).then(|| Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_an_id_and_a_secret() {
        let token = Token::parse("vx_ab12_s3_cr-et").unwrap();
        assert_eq!((token.id.as_str(), token.secret.as_str()), ("ab12", "s3_cr-et"));
        for wrong in [
            "", "vx_", "vx_a", "vx_a_", "vx__a", "xx_a_b", "vx_a_b c", "vx_é_b",
        ] {
            assert!(Token::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_scope_covers_what_lies_in_its_areas() {
        let code = |text: &str| AreaCode::new(text).unwrap();
        let scoped = Caller {
            areas: vec![code("164")],
            role: Role::Official,
            key: None,
        };
        assert!(scoped.covers([code("05443"), code("164"), code("19")].iter()));
        assert!(!scoped.covers([code("165"), code("19")].iter()));
        assert!(!scoped.reads_exact_everywhere());
        assert!(!Caller::public().reads_exact());
    }
}
