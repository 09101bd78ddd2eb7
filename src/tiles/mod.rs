//! Floor 4: vector tiles. Turns a snapshot into Mapbox Vector Tiles 2.1, `MapLibre` Tiles and compact cells, keeps the
//! finished bytes with their tags, describes the layers (`TileJSON`, `MapLibre` styles) and fills archives.
//!
//! It reads a snapshot and the rules, nothing else: no HTTP, no storage, no clock.
//! `mvt` is named here only, and is handed nothing but clean geometry on the tile's grid.

mod archive;
mod area_levels;
mod basemap_style;
mod body;
mod cache;
mod cells_layer;
mod compact;
mod cuts;
mod diff;
mod encode;
mod features;
mod figures;
mod filtered;
mod format;
mod hexagons;
mod kept;
mod layers;
mod log;
mod mlt;
mod moment;
mod mvt_layer;
mod outlines;
mod overview;
mod places;
mod pyramid;
mod rests;
mod room;
mod style;
mod tiers;
mod tile_json;
mod touched;
mod venues_layer;
mod wire;
mod writer;

pub use archive::TileArchive;
pub use basemap_style::{BasemapKind, style_with_basemap};
pub use body::{Coding, TileBody, content_tag};
pub use cache::TileCache;
pub use encode::{LIVE_WINDOW_HOURS, TileRequest, encode, encode_filtered, encode_with};
pub use features::{AreaFeature, CellFeature, Drawn, TileFeatures, VenueFeature, ZoneFeature};
pub use filtered::TileFilter;
pub use format::TileFormat;
pub use kept::Kept;
pub use layers::{InvalidLayers, LayerKind, Layers};
pub use log::Missed;
pub use style::{STYLE_NAMES, style};
pub use tile_json::{
    TileJson, TileJsonFacts, VectorLayer, edition_name, find_edition, noise_notice, tile_json,
};
pub use touched::{LayerChange, TileChanges};
