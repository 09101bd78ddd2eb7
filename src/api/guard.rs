use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::options,
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::edge::{ApiError, Caller, Class, Query, Token, holding, observe};
use crate::api::pages;
use crate::api::routes::{Route, Verb};
use crate::api::state::ApiState;
use crate::api::table::ROUTES;

/// What other sites' scripts may read beside the body.
const EXPOSED: HeaderValue = HeaderValue::from_static("ETag, Link, Retry-After, x-request-id");

/// Everything that is answered: the table, and the public pages.
pub fn router(state: ApiState) -> Router {
    let pipeline = state.pipeline.clone();
    let views = pages::views(move || pipeline.snapshot());
    let pages = pages::router(views, state.config.classes.pictures);
    let mut router = Router::<ApiState>::new();
    for route in ROUTES {
        let guarded = from_fn_with_state((state.clone(), route), guard);
        for path in route.paths() {
            router = router.route(&path, (route.handler)().route_layer(guarded.clone()));
            if route.verb == Verb::Get && route.is_public() {
                router = router.route(&path, options(preflight));
            }
        }
    }
    router
        .with_state(state)
        .merge(pages)
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(observe))
}

/// Gate, key, role, parameters, time: in this order, before any work.
async fn guard(
    State((state, route)): State<(ApiState, &'static Route)>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match admit(&state, route, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    if route.verb == Verb::Get && route.is_public() {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

async fn admit(
    state: &ApiState,
    route: &'static Route,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    // A stream outlasts its answer's beginning: it takes its place itself.
    let place = match route.class {
        Class::Stream => None,
        class => state.gates.enter(class)?,
    };
    let caller = match Token::read(request.headers())? {
        Some(token) => state.caller(&token).await?,
        None => Caller::public(),
    };
    if !route.roles.contains(&caller.role) {
        return Err(refusal(route, &caller));
    }
    let query = Query::read(request.uri().query().unwrap_or(""))?;
    query.check_names(&route.query_names().collect::<Vec<_>>())?;
    let extensions = request.extensions_mut();
    extensions.insert(caller);
    extensions.insert(query);
    let work = holding(place, next.run(request));
    let answer = tokio::time::timeout(route.class.timeout(), work).await;
    answer.map_err(|_elapsed| ApiError::Busy {
        retry_after_s: 5,
        reason: format!("no answer within {} s", route.class.timeout().as_secs()),
    })
}

fn refusal(route: &Route, caller: &Caller) -> ApiError {
    if caller.key.is_none() {
        return ApiError::Unauthorized("send `Authorization: Bearer vx_<id>_<secret>`");
    }
    let names: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
    ApiError::Forbidden(format!(
        "a key of the role {} is needed; this one is of the role {}",
        names.join(" or "),
        caller.role.as_str()
    ))
}

async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "If-None-Match, X-Request-Id, Last-Event-ID",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (header::ALLOW, "GET, HEAD, OPTIONS"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn unknown_path(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(100).collect();
    // Who reads the API in a browser wants its problem, and the path in it.
    let is_api = path.starts_with("/v1/") || path.starts_with("/tiles/");
    if let Some(page) = pages::lost(request.headers()).filter(|_| !is_api) {
        return page;
    }
    ApiError::NotFound(format!("nothing is at {path}; /docs lists what there is")).into_response()
}

async fn unknown_method() -> ApiError {
    ApiError::MethodNotAllowed
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer's signature hands the panic over"
)]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    ApiError::Internal(format!("panicked: {text}")).into_response()
}
