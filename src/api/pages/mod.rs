//! The public pages: a server-rendered map page (Vietnamese and English) that is complete without
//! scripts, the picture of the map, and the embedded modules that turn the picture into a live map.
//!
//! Pages show a [`PageView`], made of one snapshot and holding public figures only. They know
//! nothing of events, storage or keys: a key that someone pastes never leaves the browser's tab
//! except as the `Authorization` header of tile and API requests.

mod assets;
mod bulletin;
mod document;
mod formats;
mod lost;
mod picture;
mod router;
mod tables;
mod view;
mod words;

pub use lost::lost;
pub use picture::{PictureRequest, Theme, draw};
pub use router::router;
pub use view::{AreaRow, Bulletin, BulletinChange, PageView, PublicCount, VenueRow, ZoneRow, views};
pub use words::Language;
