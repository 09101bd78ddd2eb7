use axum::http::{HeaderMap, header};

use crate::tiles::TileFormat;

/// What map clients also call MVT.
const ALSO_MVT: &str = "application/x-protobuf";
/// The weight of a range that says none (RFC 9110 §12.4.2), in thousandths.
const FULL_WEIGHT: u16 = 1000;

/// How exactly a range of `Accept` names a format: `*/*`, `application/*`, or itself.
type Exactness = u8;

/// The format that `Accept` likes best of those that a tile can come in (RFC 9110 §12.5.1): of each, the most exact
/// range decides; of equals the one named most exactly, then the first of ours. MVT without the header, and where nothing
/// of ours is admitted: map clients send all kinds of things, and a tile is of more use to them than a 406.
#[must_use]
pub fn accepted_format(headers: &HeaderMap, comes_in: impl Fn(TileFormat) -> bool) -> TileFormat {
    if asks_for_mvt(headers) {
        return TileFormat::Mvt;
    }
    let ranges: Vec<Range> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(Range::read)
        .collect();
    let mut best = (0, 0, TileFormat::Mvt);
    for format in TileFormat::ALL.into_iter().filter(|format| comes_in(*format)) {
        let decides = ranges
            .iter()
            .filter_map(|range| Some((range.names(format)?, range.weight)))
            .max();
        if let Some((exactness, weight)) = decides
            && weight > 0
            && (weight, exactness) > (best.0, best.1)
        {
            best = (weight, exactness, format);
        }
    }
    best.2
}

/// Whether one look at the bytes tells that MVT is wanted: nearly every request of a map is so, and a kept tile takes
/// less time than reading a list of ranges.
fn asks_for_mvt(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::ACCEPT).iter();
    match (lines.next(), lines.next()) {
        (None, _) => true,
        (Some(only), None) => {
            let only = only.as_bytes();
            only == b"*/*" || only == TileFormat::Mvt.media_type().as_bytes()
        }
        _ => false,
    }
}

/// One range of `Accept`.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    weight: u16,
}

impl<'a> Range<'a> {
    /// A range that cannot be read says nothing. One with a parameter (`;version=2`) asks for more than ours have, and
    /// is no word about them either.
    fn read(text: &'a str) -> Option<Self> {
        let mut pieces = text.split(';').map(str::trim);
        let (kind, subtype) = pieces.next()?.split_once('/')?;
        let weight = match pieces.next() {
            None => FULL_WEIGHT,
            // What follows the weight is an extension, and changes nothing.
            Some(piece) => weight_of(piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q="))?)?,
        };
        Some(Self {
            kind,
            subtype,
            weight,
        })
    }

    fn names(&self, format: TileFormat) -> Option<Exactness> {
        let is = |media_type: &str| {
            media_type.split_once('/').is_some_and(|(kind, subtype)| {
                kind.eq_ignore_ascii_case(self.kind) && subtype.eq_ignore_ascii_case(self.subtype)
            })
        };
        if is(format.media_type()) || (format == TileFormat::Mvt && is(ALSO_MVT)) {
            return Some(3);
        }
        match (self.kind, self.subtype) {
            ("*", "*") => Some(1),
            (kind, "*") if kind.eq_ignore_ascii_case("application") => Some(2),
            _ => None,
        }
    }
}

/// `0` to `1` with at most three decimals (RFC 9110 §12.4.2), in thousandths.
fn weight_of(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{decimals:0<3}")
        .parse::<u16>()
        .ok()
        .filter(|_| is_plain)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(FULL_WEIGHT),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(lines: &[&'static str], comes_in: impl Fn(TileFormat) -> bool) -> TileFormat {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, HeaderValue::from_static(line));
        }
        accepted_format(&headers, comes_in)
    }

    #[test]
    fn formats_follow_their_weights_and_the_most_exact_range() {
        for (line, format) in [
            ("*/*", TileFormat::Mvt),
            ("", TileFormat::Mvt),
            ("application/vnd.mapbox-vector-tile", TileFormat::Mvt),
            ("application/vnd.maplibre-tile", TileFormat::Mlt),
            ("Application/VND.MapLibre-Tile", TileFormat::Mlt),
            ("application/vnd.vungxanh.cells", TileFormat::Cells),
            ("application/vnd.maplibre-tile, */*;q=0.1", TileFormat::Mlt),
            ("*/*, application/vnd.maplibre-tile", TileFormat::Mlt),
            ("application/vnd.maplibre-tile;q=0.5, */*", TileFormat::Mvt),
            ("application/vnd.maplibre-tile;q=0.5, */*;q=0.4", TileFormat::Mlt),
            (
                "application/*;q=0.2, application/vnd.maplibre-tile;q=0.3",
                TileFormat::Mlt,
            ),
            ("application/*", TileFormat::Mvt),
            (
                "application/x-protobuf, application/vnd.maplibre-tile;q=0.9",
                TileFormat::Mvt,
            ),
            ("application/vnd.mapbox-vector-tile;q=0, */*", TileFormat::Mlt),
            (
                "application/vnd.mapbox-vector-tile;q=0, application/vnd.maplibre-tile;q=0, */*;q=0.1",
                TileFormat::Cells,
            ),
            (
                "application/vnd.mapbox-vector-tile, application/vnd.maplibre-tile",
                TileFormat::Mvt,
            ),
            (
                "application/vnd.maplibre-tile;q=0.9,application/vnd.vungxanh.cells",
                TileFormat::Cells,
            ),
            (
                "application/vnd.maplibre-tile ; q=0.9 ; ext=1 , application/vnd.vungxanh.cells;q=0.899",
                TileFormat::Mlt,
            ),
        ] {
            assert_eq!(accepted(&[line], |_| true), format, "{line}");
        }
    }

    #[test]
    fn what_admits_nothing_of_ours_gets_mvt() {
        for line in [
            "image/png,image/webp;q=0.8",
            "text/html",
            "*/*;q=0",
            "application/vnd.maplibre-tile;q=0",
            "application/vnd.maplibre-tile;version=2",
            "application/vnd.maplibre-tile;q=nonsense",
            "application/vnd.maplibre-tile;q=1.5",
            "application/vnd.maplibre-tile;q=0.1234",
            "application/vnd.maplibre-tile;q=",
            "application/vnd.maplibre-tile;q=0.+5",
            "nonsense",
            ",,;;",
        ] {
            assert_eq!(accepted(&[line], |_| true), TileFormat::Mvt, "{line}");
        }
    }

    #[test]
    fn a_format_that_the_layers_do_not_come_in_is_passed_over() {
        let line = "application/vnd.vungxanh.cells, application/vnd.maplibre-tile;q=0.5";
        assert_eq!(accepted(&[line], |_| true), TileFormat::Cells);
        assert_eq!(
            accepted(&[line], |format| format != TileFormat::Cells),
            TileFormat::Mlt
        );
        let only = "application/vnd.vungxanh.cells";
        assert_eq!(
            accepted(&[only], |format| format != TileFormat::Cells),
            TileFormat::Mvt
        );
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = ["*/*;q=0.5", "application/vnd.maplibre-tile"];
        assert_eq!(accepted(&lines, |_| true), TileFormat::Mlt);
        assert_eq!(accepted(&["*/*", "*/*"], |_| true), TileFormat::Mvt);
    }
}
