use sha2::{Digest, Sha256};

use crate::model::{ContentHash, PersonId};

/// A record's canonical bytes: each given field as a tag, its length and its normalised value, in
/// the order of the kind's code. Key order, format and spelling do not show in it, nor does the
/// way a person was named: only the pseudonym does.
#[derive(Default)]
pub(super) struct Content(Vec<u8>);

impl Content {
    /// Begins a record of a kind.
    pub fn begin(&mut self, kind: &str) {
        self.0.clear();
        self.text(0, kind);
    }

    pub fn text(&mut self, tag: u8, text: &str) {
        self.bytes(tag, text.as_bytes());
    }

    pub fn optional(&mut self, tag: u8, text: Option<&str>) {
        if let Some(text) = text {
            self.text(tag, text);
        }
    }

    pub fn whole(&mut self, tag: u8, number: i64) {
        self.bytes(tag, &number.to_be_bytes());
    }

    pub fn number(&mut self, tag: u8, number: f64) {
        // Both zeros are one.
        self.bytes(tag, &(number + 0.0).to_bits().to_be_bytes());
    }

    pub fn person(&mut self, tag: u8, person: Option<PersonId>) {
        if let Some(PersonId(bytes)) = person {
            self.bytes(tag, &bytes);
        }
    }

    pub fn texts(&mut self, tag: u8, texts: &[String]) {
        for text in texts {
            self.text(tag, text);
        }
    }

    pub fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.0.push(tag);
        self.0.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// The first 64 bits of SHA-256.
    pub fn hash(&self) -> ContentHash {
        let digest = Sha256::digest(&self.0);
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        ContentHash(u64::from_be_bytes(first))
    }
}
