//! The properties of a layer: one column each, of one type, with gaps where a feature does not have it.

use rustc_hash::FxHashMap;

use crate::tiles::mlt::streams::{
    DICTIONARY, DICTIONARY_LENGTHS, PLACES_IN_DICTIONARY, PRESENT, TEXT_LENGTHS, VALUES, put_bits, put_bytes,
    put_doubles, put_numbers,
};
use crate::tiles::wire::{put_text, put_varint};
use crate::tiles::writer::Tag;

/// A property of the features of a layer.
pub(super) struct Column {
    name: &'static str,
    /// For each feature up to the last that has it: whether it has it.
    present: Vec<bool>,
    values: Values,
}

/// The values of those that have one.
enum Values {
    Whole(Vec<u32>),
    Number(Vec<f64>),
    Truth(Vec<bool>),
    Text(Texts),
}

// Types of columns; one more where features may be without it.
const TRUTH: u8 = 10;
const WHOLE: u8 = 18;
const NUMBER: u8 = 26;
const TEXT: u8 = 28;

impl Column {
    /// A column of the type of its first value.
    pub fn new(name: &'static str, first: Tag) -> Self {
        let values = match first {
            Tag::Int(_) => Values::Whole(Vec::new()),
            Tag::Number(_) => Values::Number(Vec::new()),
            Tag::Bool(_) => Values::Truth(Vec::new()),
            Tag::Text(_) => Values::Text(Texts::default()),
        };
        Self {
            name,
            present: Vec::new(),
            values,
        }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The value of the feature of that number; numbers grow.
    pub fn push(&mut self, feature: usize, tag: Tag) {
        self.present.resize(feature, false);
        self.present.push(true);
        self.values.push(tag);
    }

    /// Its type and name, once all features are there.
    pub fn put_head(&mut self, features: usize, out: &mut Vec<u8>) {
        self.present.resize(features, false);
        let kind = match self.values {
            Values::Whole(_) => WHOLE,
            Values::Number(_) => NUMBER,
            Values::Truth(_) => TRUTH,
            Values::Text(_) => TEXT,
        };
        out.push(kind + u8::from(self.has_gaps()));
        put_text(out, self.name);
    }

    /// Its streams.
    pub fn put_streams(&self, out: &mut Vec<u8>) {
        let gaps = self.has_gaps();
        if let Values::Text(texts) = &self.values {
            put_varint(out, texts.streams() + u32::from(gaps));
        }
        if gaps {
            put_bits(out, PRESENT, &self.present);
        }
        match &self.values {
            Values::Whole(values) => put_numbers(out, VALUES, values),
            Values::Number(values) => put_doubles(out, VALUES, values),
            Values::Truth(values) => put_bits(out, VALUES, values),
            Values::Text(texts) => texts.put(out),
        }
    }

    fn has_gaps(&self) -> bool {
        self.present.contains(&false)
    }
}

impl Values {
    fn push(&mut self, tag: Tag) {
        match (&mut *self, tag) {
            (Self::Whole(values), Tag::Int(value)) => match u32::try_from(value) {
                Ok(value) => values.push(value),
                Err(_too_large) => self.push_number(value as f64),
            },
            (Self::Whole(_), Tag::Number(value)) => self.push_number(value),
            (Self::Number(values), Tag::Number(value)) => values.push(value),
            (Self::Number(values), Tag::Int(value)) => values.push(value as f64),
            (Self::Truth(values), Tag::Bool(value)) => values.push(value),
            (Self::Text(texts), Tag::Text(value)) => texts.push(value),
            (_, tag) => unreachable!("a property is a number, a truth or a text in all features: {tag:?}"),
        }
    }

    /// A rate is written as a whole number where it is one; a column has one type, so all of it gets fractions.
    fn push_number(&mut self, value: f64) {
        if let Self::Whole(values) = self {
            *self = Self::Number(values.iter().copied().map(f64::from).collect());
        }
        if let Self::Number(values) = self {
            values.push(value);
        }
    }
}

/// Texts, each kept once.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    /// Where each one ends in the bytes.
    ends: Vec<usize>,
    known: FxHashMap<Box<str>, u32>,
    /// Which text each value is.
    places: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        let place = if let Some(known) = self.known.get(text) {
            *known
        } else {
            let place = self.ends.len() as u32;
            self.bytes.extend_from_slice(text.as_bytes());
            self.ends.push(self.bytes.len());
            self.known.insert(text.into(), place);
            place
        };
        self.places.push(place);
    }

    /// A dictionary is worth its places where values repeat.
    fn is_dictionary(&self) -> bool {
        self.ends.len() * 2 <= self.places.len()
    }

    fn streams(&self) -> u32 {
        if self.is_dictionary() { 3 } else { 2 }
    }

    fn put(&self, out: &mut Vec<u8>) {
        let each = |place: usize| {
            let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.bytes[start..self.ends[place]]
        };
        if self.is_dictionary() {
            let lengths: Vec<u32> = (0..self.ends.len())
                .map(|place| each(place).len() as u32)
                .collect();
            put_numbers(out, DICTIONARY_LENGTHS, &lengths);
            put_numbers(out, PLACES_IN_DICTIONARY, &self.places);
            put_bytes(out, DICTIONARY, lengths.len(), &self.bytes);
            return;
        }
        let values = || self.places.iter().map(|place| each(*place as usize));
        let lengths: Vec<u32> = values().map(|text| text.len() as u32).collect();
        let bytes: Vec<u8> = values().flatten().copied().collect();
        put_numbers(out, TEXT_LENGTHS, &lengths);
        put_bytes(out, VALUES, lengths.len(), &bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(values: &[Option<Tag>]) -> Vec<u8> {
        let first = values.iter().flatten().next().unwrap();
        let mut column = Column::new("k", *first);
        for (feature, tag) in values.iter().enumerate() {
            if let Some(tag) = tag {
                column.push(feature, *tag);
            }
        }
        let mut out = Vec::new();
        column.put_head(values.len(), &mut out);
        column.put_streams(&mut out);
        out
    }

    #[test]
    fn a_whole_number_among_fractions_is_one_of_them_and_gaps_are_said() {
        let mut expected = vec![
            NUMBER + 1,
            1,
            b'k',
            PRESENT,
            0x60,
            4,
            2,
            255,
            0b101,
            VALUES,
            0,
            2,
            16,
        ];
        expected.extend(2_f64.to_le_bytes());
        expected.extend(0.5_f64.to_le_bytes());
        let values = [Some(Tag::Int(2)), None, Some(Tag::Number(0.5)), None];
        assert_eq!(written(&values), expected);
        expected.splice(13..21, 0.5_f64.to_le_bytes());
        expected.splice(21..29, 2_f64.to_le_bytes());
        let turned = [Some(Tag::Number(0.5)), None, Some(Tag::Int(2)), None];
        assert_eq!(written(&turned), expected);
    }

    #[test]
    fn numbers_beyond_32_bits_keep_their_value() {
        let large = u64::from(u32::MAX) + 1;
        let column = written(&[Some(Tag::Int(7)), Some(Tag::Int(large))]);
        assert_eq!(column[..3], [NUMBER, 1, b'k']);
        assert_eq!(column[7..15], 7_f64.to_le_bytes());
        assert_eq!(column[15..], (large as f64).to_le_bytes());
        let fits = written(&[Some(Tag::Int(u32::MAX.into()))]);
        assert_eq!(fits, [WHOLE, 1, b'k', VALUES, 2, 1, 5, 255, 255, 255, 255, 15]);
    }

    #[test]
    fn texts_that_repeat_are_places_in_a_dictionary() {
        let [a, b] = ["aa", "b"].map(|text| Some(Tag::Text(text)));
        let once = [
            TEXT,
            1,
            b'k',
            2,
            TEXT_LENGTHS,
            2,
            2,
            2,
            2,
            1,
            VALUES,
            0,
            2,
            3,
            b'a',
            b'a',
            b'b',
        ];
        assert_eq!(written(&[a, b]), once);
        let repeated = written(&[b, a, b, b]);
        assert_eq!(repeated[..4], [TEXT, 1, b'k', 3]);
        assert_eq!(repeated[4..10], [DICTIONARY_LENGTHS, 2, 2, 2, 1, 2]);
        assert_eq!(repeated[10..18], [PLACES_IN_DICTIONARY, 2, 4, 4, 0, 1, 0, 0]);
        assert_eq!(repeated[18..], [DICTIONARY, 0, 2, 3, b'b', b'a', b'a']);
    }
}
