use sha2::{Digest, Sha256};

/// Name and version.
pub(super) const NAME_LENGTH: usize = 8;
const HEADER: usize = NAME_LENGTH + 32 + 8;
/// Hardly anything that is sealed here packs better.
const LIKELY_RATIO: u64 = 8;

/// A sealed file or blob: 8 bytes of name and version, SHA-256 of all that follows, the body's length, the
/// body in zstd.
pub(super) fn seal(name: [u8; 8], body: &[u8]) -> Vec<u8> {
    let packed = zstd::bulk::compress(body, 1).expect("zstd packs any bytes in memory");
    let length = (body.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(HEADER + packed.len());
    out.extend_from_slice(&name);
    out.extend_from_slice(
        &Sha256::new()
            .chain_update(length)
            .chain_update(&packed)
            .finalize(),
    );
    out.extend_from_slice(&length);
    out.extend_from_slice(&packed);
    out
}

/// The checksum that [`seal`] wrote into it.
pub(super) fn checksum(sealed: &[u8]) -> Option<[u8; 32]> {
    sealed.get(NAME_LENGTH..)?.first_chunk().copied()
}

/// Opens what [`seal`] made; the reason when it is not that, is cut short, or was changed.
pub(super) fn open(name: [u8; 8], sealed: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    if sealed.len() < HEADER {
        return Err(format!(
            "is cut short: {} bytes, the header alone has {HEADER}",
            sealed.len()
        ));
    }
    if sealed[..6] != name[..6] {
        return Err("is another kind of file".to_owned());
    }
    if sealed[6..8] != name[6..] {
        return Err(format!(
            "is of version {}, this program reads {}",
            String::from_utf8_lossy(&sealed[6..8]),
            String::from_utf8_lossy(&name[6..])
        ));
    }
    // Before anything is unpacked: a changed stream may still unpack, even to the same bytes.
    if Sha256::digest(&sealed[40..])[..] != sealed[8..40] {
        return Err("does not match its checksum: it is cut short or changed".to_owned());
    }
    let length = u64::from_le_bytes(sealed[40..HEADER].try_into().expect("eight bytes"));
    if length > limit {
        return Err(format!("claims {length} bytes, more than {limit}"));
    }
    // Through the streaming decoder: memory grows with what is really there, not with what the header claims. What it
    // may well hold is taken at once: growing step by step costs twice the memory.
    let likely = (sealed.len() as u64).saturating_mul(LIKELY_RATIO);
    let mut body = Vec::with_capacity(length.min(likely) as usize);
    let decoder = zstd::stream::read::Decoder::new(&sealed[HEADER..])
        .map_err(|error| format!("cannot be unpacked: {error}"))?;
    std::io::Read::read_to_end(&mut std::io::Read::take(decoder, length + 1), &mut body)
        .map_err(|error| format!("cannot be unpacked: {error}"))?;
    if body.len() as u64 != length {
        return Err(format!("has {} bytes where its header says {length}", body.len()));
    }
    Ok(body)
}

/// Reads little-endian numbers from a body; every read says when the body ends too early.
pub(super) struct Body<'a>(pub &'a [u8]);

impl Body<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (head, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or_else(|| "ends in the middle of a record".to_owned())?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, String> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32, String> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, String> {
        self.take().map(i32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, String> {
        self.take().map(u64::from_le_bytes)
    }

    pub(super) fn checksum(&mut self) -> Result<[u8; 32], String> {
        self.take()
    }

    pub(super) fn i64(&mut self) -> Result<i64, String> {
        self.take().map(i64::from_le_bytes)
    }

    /// A count of records of at least `size` bytes each, refused when the body cannot hold them.
    pub(super) fn count(&mut self, size: usize) -> Result<usize, String> {
        let count = self.u32()? as usize;
        if count.saturating_mul(size) > self.0.len() {
            return Err(format!("names {count} records, more than it holds"));
        }
        Ok(count)
    }

    /// The next bytes, so many of them.
    pub(super) fn slice(&mut self, length: usize) -> Result<&[u8], String> {
        let (head, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| "ends in the middle of a record".to_owned())?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn skip(&mut self, length: usize) -> Result<(), String> {
        self.slice(length).map(|_skipped| ())
    }

    pub(super) fn text(&mut self) -> Result<&str, String> {
        let length = usize::from(self.u8()?);
        let (head, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| "ends in the middle of a text".to_owned())?;
        self.0 = rest;
        std::str::from_utf8(head).map_err(|error| format!("has a text that is not UTF-8: {error}"))
    }

    pub(super) fn end(&self) -> Result<(), String> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(format!("has {} bytes too many", self.0.len()))
        }
    }
}

/// Writes a text of at most 255 bytes behind its length.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).expect("codes have at most 32 bytes"));
    out.extend_from_slice(text.as_bytes());
}

/// Writes a count; tables stay far below 2^32 rows.
pub(super) fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("fewer than 2^32 rows");
    out.extend_from_slice(&count.to_le_bytes());
}
