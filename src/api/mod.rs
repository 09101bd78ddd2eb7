//! Floor 5: HTTP. One table of operations (`table`) makes the router, the checks of keys and
//! parameters, the `OpenAPI` document and its page; `edge` holds what every request meets;
//! `v1`, `tiles` and `pages` answer from one snapshot.
//!
//! It holds no state of the flow, does no SQL and computes no risk: it reads a
//! [`crate::pipeline::Pipeline`] and writes through it. Figures without a key come from releases only.

mod basemap;
mod changes;
mod docs;
mod edge;
mod guard;
mod openapi;
mod ops;
pub mod pages;
mod records;
mod routes;
mod server;
mod state;
mod table;
mod tile_formats;
mod tiles;
mod unread;
mod v1;

pub use basemap::Basemap;
pub use edge::{ApiError, ClassLimits, FieldError, Problem};
pub use guard::router;
pub use routes::{Answers, Param, Route, Takes, Verb};
pub use server::{ServeLimits, serve};
pub use state::{ApiConfig, ApiState};
pub use table::ROUTES;
