use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Trimmed and NFC; `Err` names what a text may not hold.
pub(super) fn normalise(text: &str, max_bytes: usize) -> Result<Cow<'_, str>, String> {
    let trimmed = text.trim();
    if trimmed.len() > max_bytes.saturating_mul(4) {
        return Err(format!("has {} bytes", trimmed.len()));
    }
    if trimmed.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return bounded(Cow::Borrowed(trimmed), max_bytes);
    }
    if let Some(c) = trimmed.chars().find(|&c| is_refused(c)) {
        return Err(format!("has the control character U+{:04X}", u32::from(c)));
    }
    let normal = match is_nfc_quick(trimmed.chars()) {
        IsNormalized::Yes => Cow::Borrowed(trimmed),
        _ => Cow::Owned(trimmed.nfc().collect()),
    };
    bounded(normal, max_bytes)
}

fn bounded(text: Cow<'_, str>, max_bytes: usize) -> Result<Cow<'_, str>, String> {
    if text.len() > max_bytes {
        return Err(format!("has {} bytes", text.len()));
    }
    Ok(text)
}

/// Control characters, and those that turn the reading direction: they make a text look like another.
fn is_refused(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_typed_in_parts_becomes_nfc() {
        assert_eq!(
            normalise(" Cho\u{31b}\u{323} Tha\u{301}i ", 20).unwrap(),
            "Chợ Thái"
        );
        assert!(matches!(normalise("plain", 5), Ok(Cow::Borrowed("plain"))));
    }

    #[test]
    fn control_characters_and_long_texts_are_refused() {
        assert!(normalise("a\u{0}b", 9).unwrap_err().contains("U+0000"));
        assert!(normalise("a\u{202e}b", 9).unwrap_err().contains("U+202E"));
        assert!(normalise("abcdef", 5).unwrap_err().contains("6 bytes"));
    }
}
