//! Floor 6: logs and metrics. Structured logs on stderr (stdout belongs to the ready line and to data),
//! Prometheus figures for `/metrics`. No venue, person or cell ever becomes a label or a log field.

mod figures;
mod logs;

pub use figures::record;
pub use logs::{LogFormat, start};
