//! Floor 5: the running flow. An event is validated by `ingest`, committed by `store`, folded into the
//! ledger, and seen in the next published snapshot; days close, are released, sealed and deleted here.
//!
//! One lock orders commits and another folds, so the ledger always equals the committed events up to one
//! position while the next are being committed; readers never take either: they hold a snapshot. Decides no figure itself (`risk` does) and
//! speaks no HTTP (`api` does).

mod backfill;
mod beneath;
mod beside;
mod case_dates;
mod checkpoint;
mod close;
mod editions;
mod error;
mod facts;
mod files;
mod groups;
mod handle;
mod master_key;
mod noise;
mod parents;
mod publish;
mod recount;
mod registry;
mod releases;
mod rule_folder;
mod sealed;
mod start;
mod state;
mod week_before;
mod write;

pub use backfill::{Backfill, BackfillDone};
pub use beside::public_snapshot;
pub use error::PipelineError;
pub use groups::group_of;
pub use handle::{Pipeline, PipelineConfig, WeakPipeline};
pub use rule_folder::{RuleFolder, RulesError, RulesStatus, file_name};
pub use sealed::{Rebuilt, sealed_area_hours};
