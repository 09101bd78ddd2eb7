use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Everything that can go wrong at the edge. One match gives the status, one the log level.
#[derive(Debug)]
pub enum ApiError {
    /// 400: parts of the request cannot be understood.
    Invalid(Vec<FieldError>),
    /// 401: the route needs a key, or the key given is not one of ours.
    Unauthorized(&'static str),
    /// 403: a good key of a role that may not do this.
    Forbidden(String),
    /// 404. Also what lies outside a key's areas: whether it exists is not told.
    NotFound(String),
    /// 405; the router adds `Allow`.
    MethodNotAllowed,
    /// 408: the body came too slowly.
    TooSlow,
    /// 409: the present state forbids it.
    Conflict(String),
    /// 412: `If-Match` names another version.
    PreconditionFailed(String),
    /// 413.
    TooLarge(String),
    /// 415.
    UnsupportedMedia {
        /// The header at fault.
        field: &'static str,
        /// What it said.
        value: String,
        /// What is accepted.
        expected: String,
    },
    /// 422: understood, and refused for what it says.
    Unprocessable(Vec<FieldError>),
    /// 428: a write without `If-Match`.
    PreconditionRequired,
    /// 429 with `Retry-After`: more comes in than can be taken.
    TooMany {
        /// Seconds to wait.
        retry_after_s: u32,
        /// Why.
        reason: String,
    },
    /// 503 with `Retry-After`: the same request may succeed later.
    Busy {
        /// Seconds to wait.
        retry_after_s: u32,
        /// Why.
        reason: String,
    },
    /// 500: our fault. The text goes to the log, never to the caller.
    Internal(String),
}

/// One thing wrong with a request: the field, the value refused and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Name of the parameter, header or member.
    pub field: String,
    /// The value refused, shortened; absent where it is missing or must not be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// What would be accepted.
    pub expected: String,
    /// The file it stands in, where it was read from one of the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// Problem details (RFC 9457), the body of every error.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Names the kind of problem; a stable word behind `urn:vungxanh:problem:`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In Vietnamese.
    pub title: &'static str,
    /// In English.
    pub title_en: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened here.
    pub detail: String,
    /// Names this one request: its id is also in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Every field at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl FieldError {
    /// A refused value, shortened to 200 characters.
    pub fn new(
        field: impl Into<String>,
        value: &str,
        reason: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            value: Some(value.chars().take(200).collect()),
            reason: reason.into(),
            expected: expected.into(),
            file: None,
            line: None,
        }
    }

    /// A value that is missing.
    pub fn missing(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            value: None,
            reason: "is missing".to_owned(),
            expected: expected.into(),
            file: None,
            line: None,
        }
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl ApiError {
    /// One refused value.
    pub fn invalid(field: &str, value: &str, reason: impl Into<String>, expected: impl Into<String>) -> Self {
        FieldError::new(field, value, reason, expected).into()
    }

    /// Something of ours that failed.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMedia { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Invalid(_) => (
                "invalid-request",
                "Yêu cầu không hợp lệ",
                "The request cannot be understood",
            ),
            Self::Unauthorized(_) => ("unauthorized", "Cần khoá truy cập", "A key is needed"),
            Self::Forbidden(_) => ("forbidden", "Khoá này không có quyền", "This key may not do that"),
            Self::NotFound(_) => ("not-found", "Không tìm thấy", "Not found"),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                "Phương thức không được hỗ trợ",
                "The method is not supported here",
            ),
            Self::TooSlow => ("too-slow", "Gửi quá chậm", "The body came too slowly"),
            Self::Conflict(_) => (
                "conflict",
                "Xung đột với trạng thái hiện tại",
                "The present state forbids it",
            ),
            Self::PreconditionFailed(_) => (
                "precondition-failed",
                "Đã có phiên bản mới hơn",
                "Somebody else wrote a newer version",
            ),
            Self::TooLarge(_) => ("too-large", "Dữ liệu quá lớn", "The body is too large"),
            Self::UnsupportedMedia { .. } => (
                "unsupported-media-type",
                "Định dạng không được hỗ trợ",
                "The format is not supported",
            ),
            Self::Unprocessable(_) => (
                "refused",
                "Nội dung không được chấp nhận",
                "The content is refused",
            ),
            Self::PreconditionRequired => (
                "precondition-required",
                "Cần If-Match để tránh ghi đè",
                "If-Match is needed, so that nobody's change is overwritten",
            ),
            Self::TooMany { .. } => (
                "too-many",
                "Gửi quá nhanh, hãy thử lại",
                "More comes in than can be taken, try again",
            ),
            Self::Busy { .. } => (
                "busy",
                "Máy chủ đang bận, hãy thử lại",
                "The server is busy, try again",
            ),
            Self::Internal(_) => ("internal", "Lỗi máy chủ", "The server failed"),
        }
    }

    fn problem(&self) -> Problem {
        let (kind, title, title_en) = self.words();
        let (detail, errors) = match self {
            Self::Invalid(errors) | Self::Unprocessable(errors) => (
                errors.first().map_or_else(String::new, |first| {
                    format!("`{}` {}; expected {}", first.field, first.reason, first.expected)
                }),
                errors.clone(),
            ),
            Self::Unauthorized(reason) => ((*reason).to_owned(), Vec::new()),
            Self::Forbidden(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::PreconditionFailed(text)
            | Self::TooLarge(text) => (text.clone(), Vec::new()),
            Self::MethodNotAllowed => (
                "see the header Allow for what this path answers".to_owned(),
                Vec::new(),
            ),
            Self::TooSlow => ("no part of the body came for a while".to_owned(), Vec::new()),
            Self::UnsupportedMedia {
                field,
                value,
                expected,
            } => (
                format!("{field} `{value}` is not read here; expected {expected}"),
                vec![FieldError::new(*field, value, "is not supported", expected)],
            ),
            Self::PreconditionRequired => (
                "send If-Match with the ETag of the version you read".to_owned(),
                Vec::new(),
            ),
            Self::Busy { reason, .. } | Self::TooMany { reason, .. } => (reason.clone(), Vec::new()),
            Self::Internal(_) => (
                "nothing you can change; tell the operator the request id".to_owned(),
                Vec::new(),
            ),
        };
        Problem {
            kind: format!("urn:vungxanh:problem:{kind}"),
            title,
            title_en,
            status: self.status().as_u16(),
            detail,
            instance: None,
            errors,
        }
    }
}

impl Problem {
    fn body(&self) -> Body {
        Body::from(serde_json::to_vec(self).unwrap_or_default())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = self.problem();
        match &self {
            Self::Internal(text) => tracing::error!(error = %text, "request failed"),
            Self::Busy { reason, .. } => tracing::warn!(%reason, "request shed"),
            _ => tracing::debug!(status = problem.status, "request refused"),
        }
        let mut response = Response::new(problem.body());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match &self {
            Self::Unauthorized(_) => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"vungxanh\""),
                );
            }
            Self::Busy { retry_after_s, .. } | Self::TooMany { retry_after_s, .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
            }
            _ => {}
        }
        response.extensions_mut().insert(problem);
        response
    }
}

/// Writes the request's id into a problem that was made without knowing it.
pub fn name_instance(response: &mut Response, request_id: &str) {
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.instance = Some(format!("urn:vungxanh:request:{request_id}"));
        let body = problem.body();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = body;
    }
}
