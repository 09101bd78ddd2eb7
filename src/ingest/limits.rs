/// What one input may cost. One table, so that every bound is seen and tested together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest line, CSV record or JSON element of a record without a shape, bytes. A longer one is
    /// skipped to its end without being held, and rejected.
    pub line_bytes: usize,
    /// The same for records with a shape (areas, zones, venues), bytes.
    pub feature_bytes: usize,
    /// Bytes as they come in, before decompression.
    pub wire_bytes: u64,
    /// Bytes after decompression.
    pub decoded_bytes: u64,
    /// Decoded bytes per wire byte, looked at from 16 MiB on: what a zip bomb exceeds.
    pub ratio: u64,
    /// Records in one input, accepted or not.
    pub records: u64,
    /// Nesting of JSON values.
    pub depth: usize,
    /// Vertices of one shape, all rings together. More are refused, with the bound named.
    pub vertices: usize,
    /// Rings of one shape.
    pub rings: usize,
    /// Comparisons spent on finding where a shape crosses itself; a shape that needs more is refused.
    pub shape_work: u64,
    /// Largest Parquet input that is not a plain file (its index stands at the end), bytes.
    pub parquet_bytes: usize,
    /// Largest zstd window, as a power of two.
    pub zstd_window_log: u32,
    /// Rows handed on together, accepted and rejected.
    pub chunk_rows: usize,
    /// Input bytes after which a chunk is handed on although it is not full.
    pub chunk_bytes: usize,
}

impl Limits {
    /// For requests.
    pub const HTTP: Self = Self {
        line_bytes: 1 << 20,
        feature_bytes: 16 << 20,
        wire_bytes: 64 << 20,
        decoded_bytes: 512 << 20,
        ratio: 500,
        records: 2_000_000,
        depth: 32,
        vertices: 200_000,
        rings: 20_000,
        shape_work: 40_000_000,
        parquet_bytes: 64 << 20,
        zstd_window_log: 23,
        chunk_rows: 5_000,
        chunk_bytes: 8 << 20,
    };

    /// For files that an operator imports.
    pub const FILE: Self = Self {
        wire_bytes: 1 << 40,
        decoded_bytes: 1 << 42,
        records: u64::MAX,
        parquet_bytes: 256 << 20,
        zstd_window_log: 27,
        ..Self::HTTP
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::HTTP
    }
}
