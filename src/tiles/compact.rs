//! The writer of compact cells; the format is described at [`TileFormat::Cells`](crate::tiles::TileFormat::Cells).

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::geo::{Cell, TileCoord};
use crate::tiles::CellFeature;
use crate::tiles::hexagons::{HexBlocks, TileHexagons};
use crate::tiles::wire::put_varint_64;

const MAGIC: &[u8; 4] = b"VXC1";

/// How the numbers of a column are to be read.
#[derive(Clone, Copy)]
enum Kind {
    Whole = 0,
    Tenths = 1,
    Truth = 2,
    Ancestor = 3,
    Text = 4,
}

/// A property: its name, its kind, and its number for a cell, 0 where the cell does not have it.
type Column = (&'static str, Kind, fn(&CellFeature) -> u64);

const COLUMNS: [Column; 7] = [
    ("level", Kind::Whole, |cell| whole(Some(cell.level.into()))),
    ("visits", Kind::Whole, |cell| whole(cell.visits)),
    ("people", Kind::Whole, |cell| whole(cell.people)),
    ("cases", Kind::Whole, |cell| whole(cell.cases)),
    ("rate", Kind::Tenths, |cell| {
        cell.rate.map_or(0, |rate| (rate * 10.0).round() as u64 + 1)
    }),
    ("suppressed", Kind::Truth, |cell| cell.suppressed.into()),
    ("from_parent", Kind::Ancestor, |cell| {
        cell.from_parent
            .map_or(0, |parent| u64::from(parent.resolution().get()) + 1)
    }),
];

/// The cells, all of one resolution, that show in a tile; no bytes when none does.
pub(super) fn encode_compact(blocks: &HexBlocks, coord: TileCoord, cells: &[CellFeature]) -> Vec<u8> {
    let mut hexagons = TileHexagons::new(blocks, coord);
    let mut shown: Vec<&CellFeature> = cells
        .iter()
        .filter(|feature| hexagons.shows(feature.cell))
        .collect();
    shown.sort_unstable_by_key(|feature| feature.cell);
    let Some(first) = shown.first() else {
        return Vec::new();
    };
    let resolution = first.cell.resolution().get();
    let mut out = Vec::with_capacity(64 + shown.len() * 8);
    out.extend_from_slice(MAGIC);
    put_varint_64(&mut out, resolution.into());
    put_varint_64(&mut out, shown.len() as u64);
    let mut before = 0;
    for feature in &shown {
        let position = position(feature.cell);
        put_varint_64(&mut out, position - before);
        before = position;
    }
    put_columns(&mut out, &shown);
    out
}

fn put_columns(out: &mut Vec<u8>, shown: &[&CellFeature]) {
    let said = |(_, _, number): &&Column| shown.iter().any(|feature| number(feature) != 0);
    let columns: Vec<&Column> = COLUMNS.iter().filter(said).collect();
    let has_areas = shown.iter().any(|feature| feature.from_area.is_some());
    put_varint_64(out, (columns.len() + usize::from(has_areas)) as u64);
    for (key, kind, number) in columns {
        put_text(out, key);
        out.push(*kind as u8);
        for feature in shown {
            put_varint_64(out, number(feature));
        }
    }
    if has_areas {
        put_areas(out, shown);
    }
}

/// The one column of texts: each text once, in the order in which they come, then for each cell which it is.
fn put_areas(out: &mut Vec<u8>, shown: &[&CellFeature]) {
    put_text(out, "from_area");
    out.push(Kind::Text as u8);
    let codes = |feature: &&'_ CellFeature| feature.from_area.clone();
    let mut numbers = FxHashMap::default();
    let mut texts = Vec::new();
    for code in shown.iter().filter_map(codes) {
        numbers.entry(code).or_insert_with_key(|code| {
            texts.push(Arc::clone(code));
            texts.len() as u64
        });
    }
    put_varint_64(out, texts.len() as u64);
    for code in &texts {
        put_text(out, code.as_str());
    }
    for feature in shown {
        let number = feature.from_area.as_ref().map_or(0, |code| numbers[code]);
        put_varint_64(out, number);
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint_64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn whole(value: Option<u32>) -> u64 {
    value.map_or(0, |value| u64::from(value) + 1)
}

/// Base cell and digits of an id, without mode, resolution and the digits that are not used.
fn position(cell: Cell) -> u64 {
    let resolution = u32::from(cell.resolution().get());
    (cell.to_u64() >> (3 * (15 - resolution))) & ((1 << (7 + 3 * resolution)) - 1)
}
