use std::io::{BufRead, BufReader, Read};

use crate::ingest::IngestError;

const BUFFER: usize = 256 << 10;
/// Longer keys are none of ours.
const KEY_BYTES: usize = 64;

/// Takes JSON documents apart without holding them: the elements of a top-level array, the features
/// of a `FeatureCollection`, or top-level values one after the other (also RFC 8142 sequences).
pub(super) struct Elements<R> {
    input: BufReader<R>,
    limit: usize,
    /// Whether an object's `features` are its elements.
    features: bool,
    place: Place,
    number: u64,
    held: Vec<u8>,
    too_long: bool,
    bytes: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Between documents.
    Top,
    /// In an array, before its first element or after one.
    Array { first: bool, of_collection: bool },
    /// After a collection's features, until its object ends.
    Rest,
}

/// One element's text.
pub(super) enum Element<'e> {
    Whole(&'e [u8]),
    TooLong(usize),
}

impl<R: Read> Elements<R> {
    pub fn new(input: R, limit: usize, features: bool) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER, input),
            limit,
            features,
            place: Place::Top,
            number: 0,
            held: Vec::new(),
            too_long: false,
            bytes: 0,
        }
    }

    /// The next element and its number from 1; `None` at the end.
    pub fn next(&mut self) -> Result<Option<(u64, Element<'_>)>, IngestError> {
        loop {
            self.held.clear();
            self.too_long = false;
            self.bytes = 0;
            let byte = self.peek_past_space()?;
            match (self.place, byte) {
                (Place::Top, None) => return Ok(None),
                (Place::Array { .. } | Place::Rest, None) => {
                    return Err(self.broken("the JSON ends before it is complete"));
                }
                (Place::Top, Some(b'[')) => {
                    self.input.consume(1);
                    self.place = Place::Array {
                        first: true,
                        of_collection: false,
                    };
                }
                (Place::Top, Some(b'{')) if self.features => {
                    if self.object_or_features()? {
                        return Ok(Some(self.element()));
                    }
                }
                (Place::Top, Some(b',' | b']' | b'}')) => {
                    return Err(self.broken("a bracket or comma stands where a value should begin"));
                }
                (Place::Top, Some(_)) => {
                    self.take_value()?;
                    return Ok(Some(self.element()));
                }
                (Place::Array { of_collection, .. }, Some(b']')) => {
                    self.input.consume(1);
                    self.place = if of_collection { Place::Rest } else { Place::Top };
                }
                (Place::Array { first, of_collection }, Some(found)) => {
                    if !first {
                        if found != b',' {
                            return Err(self.broken("a comma is missing between elements"));
                        }
                        self.input.consume(1);
                        if self.peek_past_space()?.is_none() {
                            return Err(self.broken("the JSON ends before it is complete"));
                        }
                    }
                    if matches!(self.peek_past_space()?, Some(b',' | b']' | b'}')) {
                        return Err(self.broken("an element is missing"));
                    }
                    self.place = Place::Array {
                        first: false,
                        of_collection,
                    };
                    self.take_value()?;
                    return Ok(Some(self.element()));
                }
                (Place::Rest, Some(_)) => self.skip_rest()?,
            }
        }
    }

    fn element(&mut self) -> (u64, Element<'_>) {
        self.number += 1;
        let element = if self.too_long {
            Element::TooLong(self.bytes)
        } else {
            Element::Whole(&self.held)
        };
        (self.number, element)
    }

    fn broken(&self, reason: &str) -> IngestError {
        IngestError::Structure {
            element: self.number,
            reason: reason.to_owned(),
        }
    }

    /// The next byte that is no white space (nor a record separator, nor the mark of UTF-8).
    fn peek_past_space(&mut self) -> Result<Option<u8>, IngestError> {
        loop {
            let buffer = self.input.fill_buf()?;
            let Some(&first) = buffer.first() else {
                return Ok(None);
            };
            let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x1e | 0xef | 0xbb | 0xbf);
            let blank = buffer.iter().take_while(|b| space(b)).count();
            if blank == 0 {
                if matches!(first, 0xff | 0xfe) && self.number == 0 {
                    return Err(IngestError::NotUtf8 { found: "UTF-16" });
                }
                return Ok(Some(first));
            }
            self.input.consume(blank);
        }
    }

    fn hold(held: &mut Vec<u8>, too_long: &mut bool, limit: usize, bytes: &[u8]) {
        if *too_long || held.len() + bytes.len() > limit {
            *too_long = true;
            held.clear();
        } else {
            held.extend_from_slice(bytes);
        }
    }

    fn push(&mut self, byte: u8) {
        self.bytes += 1;
        Self::hold(&mut self.held, &mut self.too_long, self.limit, &[byte]);
    }

    /// Copies one value, begun at the next byte.
    fn take_value(&mut self) -> Result<(), IngestError> {
        let mut scan = Scan::default();
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                // A number or a word may end with the input.
                return if scan.scalar {
                    Ok(())
                } else {
                    Err(self.broken("the JSON ends before it is complete"))
                };
            }
            let (length, done) = scan.run(buffer);
            self.bytes += length;
            Self::hold(&mut self.held, &mut self.too_long, self.limit, &buffer[..length]);
            self.input.consume(length);
            if done {
                return Ok(());
            }
        }
    }

    /// At an object's `{`: reads to its end (true: the object is the element, held) or to the
    /// beginning of its `features` (false).
    fn object_or_features(&mut self) -> Result<bool, IngestError> {
        self.take_byte()?;
        loop {
            match self.peek_in_object()? {
                b'}' => {
                    self.take_byte()?;
                    return Ok(true);
                }
                b',' => self.take_byte()?,
                b'"' => {
                    let from = self.held.len();
                    self.take_value()?;
                    let key = self.held.get(from..).filter(|key| key.len() <= KEY_BYTES);
                    let is_features = key == Some(b"\"features\"");
                    if self.peek_in_object()? != b':' {
                        return Err(self.broken("a colon is missing after a key"));
                    }
                    self.take_byte()?;
                    let begins = self.peek_in_object()?;
                    if is_features && begins == b'[' {
                        self.input.consume(1);
                        self.place = Place::Array {
                            first: true,
                            of_collection: true,
                        };
                        return Ok(false);
                    }
                    if matches!(begins, b',' | b'}' | b']') {
                        return Err(self.broken("a value is missing after a key"));
                    }
                    self.take_value()?;
                }
                _ => return Err(self.broken("a key is missing")),
            }
        }
    }

    /// After the features: what else the collection holds.
    fn skip_rest(&mut self) -> Result<(), IngestError> {
        match self.peek_in_object()? {
            b'}' => {
                self.input.consume(1);
                self.place = Place::Top;
                Ok(())
            }
            b',' | b':' => {
                self.input.consume(1);
                Ok(())
            }
            b']' => Err(self.broken("a bracket closes what is not open")),
            _ => self.take_value(),
        }
    }

    fn take_byte(&mut self) -> Result<(), IngestError> {
        if let Some(&byte) = self.input.fill_buf()?.first() {
            self.input.consume(1);
            self.push(byte);
        }
        Ok(())
    }

    fn peek_in_object(&mut self) -> Result<u8, IngestError> {
        self.peek_past_space()?
            .ok_or_else(|| self.broken("the JSON ends before it is complete"))
    }
}

/// Finds where a JSON value ends, without judging what is inside.
#[derive(Default)]
struct Scan {
    depth: u64,
    in_string: bool,
    escaped: bool,
    begun: bool,
    scalar: bool,
}

impl Scan {
    /// How many of these bytes belong to the value, and whether it ended.
    fn run(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (n, &byte) in bytes.iter().enumerate() {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                } else if byte == b'\\' {
                    self.escaped = true;
                } else if byte == b'"' {
                    self.in_string = false;
                    if self.depth == 0 {
                        return (n + 1, true);
                    }
                }
                continue;
            }
            if self.scalar {
                if matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' | 0x1e) {
                    return (n, true);
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return (n + 1, true);
                    }
                }
                _ if !self.begun => self.scalar = true,
                _ => {}
            }
            self.begun = true;
        }
        (bytes.len(), false)
    }
}
