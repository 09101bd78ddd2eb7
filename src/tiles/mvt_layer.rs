//! What the layers that are written by hand have in common: the fields of `vector_tile.proto` (MVT 2.1), a layer's
//! frame and its values.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::geo::{Cell, EXTENT};
use crate::tiles::room;
use crate::tiles::wire::{Scratch, put_bytes, put_varint, varint_len};

// Of a tile, a layer, a feature and a value: field number and wire type.
const LAYER: u8 = 3 << 3 | 2;
const NAME: u8 = 1 << 3 | 2;
pub(super) const FEATURE: u8 = 2 << 3 | 2;
const KEY: u8 = 3 << 3 | 2;
const VALUE: u8 = 4 << 3 | 2;
const LAYER_EXTENT: u8 = 5 << 3;
const VERSION: u8 = 15 << 3;
pub(super) const TAGS: u8 = 2 << 3 | 2;
pub(super) const GEOMETRY_TYPE: u8 = 3 << 3;
pub(super) const GEOMETRY: u8 = 4 << 3 | 2;
pub(super) const POINT: u8 = 1;
pub(super) const POLYGON: u8 = 3;
const STRING: u8 = 1 << 3 | 2;
const DOUBLE: u8 = 3 << 3 | 1;
const UINT: u8 = 5 << 3;
const BOOL: u8 = 7 << 3;

/// Appends a layer of these features, written one after the other; nothing when there is no feature. A tile is its
/// layers, one after the other.
pub(super) fn put_layer(out: &mut Vec<u8>, name: &str, keys: &[&str], features: Vec<u8>, values: Values) {
    if !features.is_empty() {
        put_parts(out, name, keys, &features, &values);
    }
    room::give(features);
    room::give(values.bytes);
}

fn put_parts(out: &mut Vec<u8>, name: &str, keys: &[&str], features: &[u8], values: &Values) {
    let mut head = vec![VERSION, 2];
    put_bytes(&mut head, NAME, name.as_bytes());
    let mut tail = Vec::with_capacity(96);
    for key in keys {
        put_bytes(&mut tail, KEY, key.as_bytes());
    }
    let mut extent = vec![LAYER_EXTENT];
    put_varint(&mut extent, EXTENT.unsigned_abs());
    let parts = [&head, features, &tail, &values.bytes, &extent];
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.reserve(length + 8);
    out.push(LAYER);
    put_varint(out, length as u32);
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Whole numbers below this have a place of their own in a table.
const DENSE: usize = 2048;

/// The layer's values, each written once, found again by tables.
pub(super) struct Values<'a> {
    features: usize,
    bytes: Vec<u8>,
    count: u32,
    /// Number of the value, plus one; 0 where there is none yet.
    dense: Vec<u32>,
    large: FxHashMap<u32, u32>,
    tenths: FxHashMap<i64, u32>,
    parents: FxHashMap<Cell, u32>,
    truth: Option<u32>,
    texts: FxHashMap<Cow<'a, str>, u32>,
    words: Vec<(&'a str, u32)>,
}

impl<'a> Values<'a> {
    /// For so many features.
    pub fn new(features: usize) -> Self {
        Self {
            features,
            bytes: room::take(features * 40 + 256),
            count: 0,
            dense: vec![0; DENSE],
            large: FxHashMap::default(),
            tenths: FxHashMap::default(),
            parents: FxHashMap::default(),
            truth: None,
            texts: FxHashMap::default(),
            words: Vec::new(),
        }
    }

    /// A text that no other feature of the layer has: no table.
    pub fn unique(&mut self, text: &str) -> u32 {
        let length = text.len() as u32;
        self.bytes.push(VALUE);
        put_varint(&mut self.bytes, 1 + varint_len(length) + length);
        put_bytes(&mut self.bytes, STRING, text.as_bytes());
        self.next()
    }

    /// A text that others may have too.
    pub fn text(&mut self, text: Cow<'a, str>) -> u32 {
        if self.texts.is_empty() {
            self.texts.reserve(self.features);
        }
        if let Some(known) = self.texts.get(&text) {
            return *known;
        }
        let number = self.unique(&text);
        self.texts.insert(text, number);
        number
    }

    /// A text of which there are a few only.
    pub fn word(&mut self, word: &'a str) -> u32 {
        if let Some((_, known)) = self.words.iter().find(|(known, _)| *known == word) {
            return *known;
        }
        let number = self.unique(word);
        self.words.push((word, number));
        number
    }

    /// Cells do not repeat in a tile: no table.
    pub fn cell(&mut self, cell: Cell) -> u32 {
        let mut value = [0_u8; 19];
        value[..4].copy_from_slice(&[VALUE, 17, STRING, 15]);
        let id = cell.to_u64();
        for (nth, digit) in value[4..].iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(id >> (4 * (14 - nth)) & 15) as usize];
        }
        self.bytes.extend_from_slice(&value);
        self.next()
    }

    pub fn int(&mut self, value: u32) -> u32 {
        let known = match self.dense.get(value as usize) {
            Some(known) => known.checked_sub(1),
            None => self.large.get(&value).copied(),
        };
        if let Some(known) = known {
            return known;
        }
        let mut field = Scratch::new();
        field.push(UINT);
        field.varint(value);
        put_bytes(&mut self.bytes, VALUE, field.bytes());
        let number = self.next();
        match self.dense.get_mut(value as usize) {
            Some(place) => *place = number + 1,
            None => {
                self.large.insert(value, number);
            }
        }
        number
    }

    /// One decimal says all that a case rate can; a whole number stays one.
    pub fn tenths(&mut self, rate: f64) -> u32 {
        let tenths = (rate * 10.0).round() as i64;
        if tenths >= 0 && tenths % 10 == 0 {
            return self.int(u32::try_from(tenths / 10).unwrap_or(u32::MAX));
        }
        if let Some(known) = self.tenths.get(&tenths) {
            return *known;
        }
        self.bytes.extend_from_slice(&[VALUE, 9, DOUBLE]);
        self.bytes
            .extend_from_slice(&(tenths as f64 / 10.0).to_le_bytes());
        let number = self.next();
        self.tenths.insert(tenths, number);
        number
    }

    pub fn truth(&mut self) -> u32 {
        if let Some(known) = self.truth {
            return known;
        }
        self.bytes.extend_from_slice(&[VALUE, 2, BOOL, 1]);
        let number = self.next();
        self.truth = Some(number);
        number
    }

    pub fn parent(&mut self, cell: Cell) -> u32 {
        if let Some(known) = self.parents.get(&cell) {
            return *known;
        }
        let number = self.cell(cell);
        self.parents.insert(cell, number);
        number
    }

    fn next(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }
}
