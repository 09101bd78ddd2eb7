use std::borrow::Cow;

use crate::ingest::field::Field;
use crate::ingest::record::Record;
use crate::ingest::schema::Bindings;

/// Reads one flat object of texts without escapes and whole numbers, whose keys are each known and given once: what
/// machines send by the million. `None` for everything else, good or bad: `serde_json` reads that, and says what is
/// wrong with it.
pub(super) fn read<'a>(bindings: &'a Bindings, text: &'a str) -> Option<Record<'a>> {
    if !bindings.is_one_to_one {
        return None;
    }
    let mut record = Record::new(bindings);
    let mut input = Input { text, at: 0 };
    let mut given = 0_u32;
    input.take(b'{')?;
    loop {
        let key = input.text()?;
        let slot = bindings.slots(key).next()?;
        if given & (1 << slot) != 0 {
            return None;
        }
        given |= 1 << slot;
        input.take(b':')?;
        record.fields[slot] = match input.peek()? {
            b'"' => Field::Text(Cow::Borrowed(input.text()?)),
            b'0'..=b'9' => Field::Whole(input.whole()?),
            _ => return None,
        };
        match input.peek()? {
            b',' => input.at += 1,
            b'}' => break,
            _ => return None,
        }
    }
    input.at += 1;
    input.peek().is_none().then_some(record)
}

struct Input<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Input<'a> {
    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn text(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let length = plain_length(self.text.as_bytes().get(self.at..)?)?;
        let text = self.text.get(self.at..self.at + length)?;
        self.at += length + 1;
        Some(text)
    }

    /// Digits that `i64` holds in any case, spelled as JSON wants them.
    fn whole(&mut self) -> Option<i64> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = &rest[..length];
        let is_plain = length <= 18 && (length == 1 || digits.first() != Some(&b'0'));
        // A fraction or an exponent makes another number of it.
        if !is_plain || matches!(rest.get(length), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at += length;
        Some(
            digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')),
        )
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// How many bytes stand before the quote; `None` where an escape or a control character comes first, or no quote.
fn plain_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let (words, _) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        // The lowest byte that these mark is one of those looked for; higher marks may be false.
        let below = |limit: u8, word: u64| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHS;
        let equal = |byte: u8| below(1, word ^ (ONES * u64::from(byte)));
        let marks = equal(b'"') | equal(b'\\') | below(0x20, word);
        if marks != 0 {
            at += marks.trailing_zeros() as usize / 8;
            break;
        }
        at += 8;
    }
    let rest = bytes.get(at..)?;
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    (rest[end] == b'"').then_some(at + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::FieldMap;
    use crate::ingest::records;
    use proptest::prelude::*;

    fn bindings() -> Bindings {
        Bindings::new(&records::CHECK_INS, &FieldMap::identity()).unwrap()
    }

    #[test]
    fn what_machines_write_is_read_here_and_nothing_else() {
        let bindings = bindings();
        for text in [
            r#"{"id":"a","venue":"v1","at":"2021-05-07T08:00:00+07:00","party_size":12}"#,
            r#" { "id" : "Chợ" , "party_size" : 0 } "#,
            "{\"id\":\"\"}\r",
        ] {
            let ours = read(&bindings, text).unwrap();
            let theirs = Record::from_serde(&bindings, text, 8).unwrap();
            assert_eq!(ours.fields, theirs.fields, "{text}");
        }
        for text in [
            "",
            "{}",
            "{",
            r#"{"id":"a""#,
            r#"{"id":"a",}"#,
            r#"{"id":"a"}}"#,
            r#"{"id":"a"} x"#,
            r#"{"id":"a\n"}"#,
            "{\"id\":\"a\u{1}\"}",
            r#"{"id":null}"#,
            r#"{"id":-1}"#,
            r#"{"id":01}"#,
            r#"{"id":1.5}"#,
            r#"{"id":1e3}"#,
            r#"{"id":1234567890123456789}"#,
            r#"{"id":["a"]}"#,
            r#"{"id":"a","id":"b"}"#,
            r#"{"id":"a","colour":"red"}"#,
            r#"{id:"a"}"#,
        ] {
            assert!(read(&bindings, text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_here_is_what_serde_reads(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", ",", ":", "\"", "\\", " ", "\"id\"", "\"venue\":", "\"at\"", "\"abcdefgh\"", "é", "\u{1}",
                    "0", "7", "-", ".", "e", "12345678901234567", "[", "null", "\"id\":\"x\"", "\"party_size\":",
                ]),
                0..12,
            ),
            wrapped in any::<bool>(),
        ) {
            let inner = parts.concat();
            let text = if wrapped { format!("{{\"id\":\"{inner}") } else { inner };
            let bindings = bindings();
            if let Some(ours) = read(&bindings, &text) {
                let theirs = Record::from_serde(&bindings, &text, 8);
                prop_assert!(theirs.is_ok_and(|theirs| theirs.fields == ours.fields), "{text}");
            }
        }

        #[test]
        fn a_text_ends_at_its_quote(before in "[ -!#-\\[\\]-~à-ỹ]{0,40}", after in "\\PC{0,20}") {
            let text = format!("{before}\"{after}");
            prop_assert_eq!(plain_length(text.as_bytes()), Some(before.len()));
            prop_assert_eq!(plain_length(before.as_bytes()), None);
            let escaped = format!("{before}\\{after}\"");
            prop_assert_eq!(plain_length(escaped.as_bytes()), None);
        }
    }
}
