use std::path::Path;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON array of records, or one record.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma, semicolon or tab separated, with a header.
    Csv,
    /// A `FeatureCollection`, one feature, or a sequence of features (RFC 7946, RFC 8142).
    GeoJson,
    /// Apache Parquet with flat columns.
    Parquet,
}

/// How the bytes are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952), members may follow each other.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
    /// Brotli (RFC 7932).
    Brotli,
}

impl Format {
    /// By a file's name, after a compression's suffix is taken off: `a.csv.gz` is CSV.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let stem = [".gz", ".zst", ".br"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(&name);
        match stem.rsplit_once('.')?.1 {
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" | "geojsonl" | "geojsons" => Some(Self::Ndjson),
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "geojson" => Some(Self::GeoJson),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// By a `Content-Type`; parameters such as `charset` are not looked at.
    #[must_use]
    pub fn of_content_type(value: &str) -> Option<Self> {
        let essence = value.split(';').next()?.trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" | "text/json" => Some(Self::Json),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/json-seq"
            | "application/geo+json-seq" => Some(Self::Ndjson),
            "text/csv" | "application/csv" | "text/tab-separated-values" => Some(Self::Csv),
            "application/geo+json" | "application/vnd.geo+json" => Some(Self::GeoJson),
            "application/vnd.apache.parquet" | "application/x-parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

impl Encoding {
    /// By a file's name.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        let extension = path.extension().and_then(|text| text.to_str()).unwrap_or("");
        match extension.to_ascii_lowercase().as_str() {
            "gz" => Self::Gzip,
            "zst" => Self::Zstd,
            "br" => Self::Brotli,
            _ => Self::Identity,
        }
    }

    /// By a `Content-Encoding` (one coding; `None` for what we do not read).
    #[must_use]
    pub fn of_content_encoding(value: &str) -> Option<Self> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "br" => Some(Self::Brotli),
            _ => None,
        }
    }

    /// The name used in HTTP.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Brotli => "br",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_content_types_tell_the_format() {
        for (name, format, encoding) in [
            ("a/check_ins.csv.gz", Some(Format::Csv), Encoding::Gzip),
            ("AREAS.GeoJSON", Some(Format::GeoJson), Encoding::Identity),
            ("x.jsonl.zst", Some(Format::Ndjson), Encoding::Zstd),
            ("x.parquet", Some(Format::Parquet), Encoding::Identity),
            ("x.json.br", Some(Format::Json), Encoding::Brotli),
            ("x", None, Encoding::Identity),
        ] {
            assert_eq!(Format::of_path(Path::new(name)), format, "{name}");
            assert_eq!(Encoding::of_path(Path::new(name)), encoding, "{name}");
        }
        assert_eq!(
            Format::of_content_type("Text/CSV; charset=utf-8"),
            Some(Format::Csv)
        );
        assert_eq!(Format::of_content_type("image/png"), None);
        assert_eq!(Encoding::of_content_encoding("compress"), None);
    }
}
