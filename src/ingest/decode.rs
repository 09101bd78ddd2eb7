use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ingest::{Encoding, IngestError, Limits};

/// A ratio says nothing about a small stream.
const RATIO_FROM_BYTES: u64 = 16 << 20;

/// Decompresses, holding the limits on both sides: a stream that is cut off, broken, too long or
/// a zip bomb gives what was read before and then an error that [`IngestError`] takes over.
///
/// # Errors
/// [`IngestError::Io`] when the decompressor cannot be set up.
pub fn decoder<'a>(
    encoding: Encoding,
    reader: impl Read + Send + 'a,
    limits: &Limits,
) -> Result<Box<dyn Read + Send + 'a>, IngestError> {
    let wire = Arc::new(AtomicU64::new(0));
    let counted = Wire {
        inner: reader,
        read: Arc::clone(&wire),
        limit: limits.wire_bytes,
    };
    let decoded: Box<dyn Read + Send + 'a> = match encoding {
        Encoding::Identity => Box::new(counted),
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(counted)),
        Encoding::Zstd => {
            let mut zstd = zstd::Decoder::new(counted).map_err(IngestError::Io)?;
            zstd.window_log_max(limits.zstd_window_log)
                .map_err(IngestError::Io)?;
            Box::new(zstd)
        }
        Encoding::Brotli => Box::new(brotli::Decompressor::new(counted, 16 << 10)),
    };
    Ok(Box::new(Decoded {
        inner: decoded,
        encoding,
        wire,
        read: 0,
        limit: limits.decoded_bytes,
        ratio: limits.ratio,
    }))
}

struct Wire<R> {
    inner: R,
    read: Arc<AtomicU64>,
    limit: u64,
}

impl<R: Read> Read for Wire<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        let total = self.read.fetch_add(n as u64, Ordering::Relaxed) + n as u64;
        if total > self.limit {
            return Err(io::Error::other(IngestError::TooLarge {
                stage: "on the wire",
                limit: self.limit,
            }));
        }
        Ok(n)
    }
}

struct Decoded<'a> {
    inner: Box<dyn Read + Send + 'a>,
    encoding: Encoding,
    wire: Arc<AtomicU64>,
    read: u64,
    limit: u64,
    ratio: u64,
}

impl Read for Decoded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer).map_err(|error| self.explain(error))?;
        self.read += n as u64;
        if self.read > self.limit {
            return Err(io::Error::other(IngestError::TooLarge {
                stage: "once decompressed",
                limit: self.limit,
            }));
        }
        let wire = self.wire.load(Ordering::Relaxed);
        if self.read > RATIO_FROM_BYTES && self.read / self.ratio > wire {
            return Err(io::Error::other(IngestError::Bomb {
                encoding: self.encoding,
                ratio: self.ratio,
            }));
        }
        Ok(n)
    }
}

impl Decoded<'_> {
    /// Tells a broken stream from a broken source.
    fn explain(&self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted
            || self.encoding == Encoding::Identity
            || error.get_ref().is_some_and(is_ours)
        {
            return error;
        }
        let reason = match error.kind() {
            io::ErrorKind::UnexpectedEof => "ends before it is complete".to_owned(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                format!("is broken ({error})")
            }
            _ => return error,
        };
        io::Error::other(IngestError::Compressed {
            encoding: self.encoding,
            reason,
        })
    }
}

fn is_ours(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.is::<IngestError>()
}
