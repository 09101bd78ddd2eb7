use std::ops::Range;

use axum::http::{HeaderMap, Method, header};

/// What of a body a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// These bytes (206).
    Bytes(Range<usize>),
    /// Bytes that it does not have (416).
    Beyond,
}

/// The part that `Range` asks for of a body whose bytes are the same for all who see that tag (RFC 9110 §14.2).
/// Anything but one range of bytes is passed over, which the standard allows: what cannot be read, another unit, several
/// ranges, a method that is not GET, and an `If-Range` that names another version.
#[must_use]
pub fn asked_part(method: &Method, headers: &HeaderMap, etag: &str, length: usize) -> Part {
    if method != Method::GET {
        return Part::Whole;
    }
    if let Some(version) = headers.get(header::IF_RANGE)
        && version.as_bytes() != etag.as_bytes()
    {
        return Part::Whole;
    }
    let mut lines = headers.get_all(header::RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Part::Whole;
    };
    line.to_str()
        .ok()
        .and_then(|line| read(line, length))
        .unwrap_or(Part::Whole)
}

/// `bytes=0-99`, `bytes=100-`, `bytes=-100`; `None` for anything else.
fn read(line: &str, length: usize) -> Option<Part> {
    let (unit, range) = line.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (start, end) = match (first, last) {
        ("", suffix) => (length.saturating_sub(number(suffix)?), length),
        (first, "") => (number(first)?, length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, length.min(last.saturating_add(1)))
        }
    };
    Some(if start < end {
        Part::Bytes(start..end)
    } else {
        Part::Beyond
    })
}

/// Digits; more of them than a length can have are as good as endless.
fn number(digits: &str) -> Option<usize> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header::HeaderName};

    use super::*;

    fn asked(line: &'static str) -> Part {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(line))]);
        asked_part(&Method::GET, &headers, "\"a\"", 100)
    }

    #[test]
    fn one_range_is_cut_to_what_there_is() {
        for (line, part) in [
            ("bytes=0-9", Part::Bytes(0..10)),
            ("Bytes=0-9", Part::Bytes(0..10)),
            ("bytes=0-0", Part::Bytes(0..1)),
            ("bytes=90-", Part::Bytes(90..100)),
            ("bytes=90-1000", Part::Bytes(90..100)),
            ("bytes=90-99999999999999999999999", Part::Bytes(90..100)),
            ("bytes=-10", Part::Bytes(90..100)),
            ("bytes=-1000", Part::Bytes(0..100)),
            ("bytes=100-", Part::Beyond),
            ("bytes=99999999999999999999999-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
        ] {
            assert_eq!(asked(line), part, "{line}");
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_is_passed_over() {
        for line in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=9-0",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=0-9,20-29",
            "lines=0-9",
            "bytes=0--9",
        ] {
            assert_eq!(asked(line), Part::Whole, "{line}");
        }
    }

    #[test]
    fn another_version_or_method_gets_all_of_it() {
        let with = |name: HeaderName, value: &'static str| {
            HeaderMap::from_iter([
                (header::RANGE, HeaderValue::from_static("bytes=0-9")),
                (name, HeaderValue::from_static(value)),
            ])
        };
        let of = |method: Method, headers: &HeaderMap| asked_part(&method, headers, "\"a\"", 100);
        let same = with(header::IF_RANGE, "\"a\"");
        assert_eq!(of(Method::GET, &same), Part::Bytes(0..10));
        assert_eq!(of(Method::HEAD, &same), Part::Whole);
        for other in ["\"b\"", "W/\"a\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(of(Method::GET, &with(header::IF_RANGE, other)), Part::Whole);
        }
        assert_eq!(of(Method::GET, &HeaderMap::new()), Part::Whole);
    }
}
