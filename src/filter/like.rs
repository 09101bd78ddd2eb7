use std::str::Chars;

/// A pattern of `LIKE`: `%` is any run of characters, `_` any one, and a backslash takes the character after it as it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    Any,
    One,
    Char(char),
}

impl Pattern {
    pub fn new(text: &str) -> Self {
        let mut pieces = Vec::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let piece = match c {
                '%' if pieces.last() == Some(&Piece::Any) => continue,
                '%' => Piece::Any,
                '_' => Piece::One,
                '\\' => Piece::Char(chars.next().unwrap_or('\\')),
                other => Piece::Char(other),
            };
            pieces.push(piece);
        }
        Self {
            text: text.to_owned(),
            pieces,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the whole text fits. Only the last `%` is ever tried again, so it takes no more steps than the
    /// product of both lengths.
    pub fn fits(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut at = 0;
        // Behind the last `%`, and the text that it has not taken yet.
        let mut any: Option<(usize, Chars)> = None;
        loop {
            match self.pieces.get(at) {
                Some(Piece::Any) => {
                    at += 1;
                    any = Some((at, rest.clone()));
                    continue;
                }
                Some(Piece::One) if rest.next().is_some() => {
                    at += 1;
                    continue;
                }
                Some(Piece::Char(c)) if rest.next() == Some(*c) => {
                    at += 1;
                    continue;
                }
                None if rest.as_str().is_empty() => return true,
                _ => {}
            }
            let Some((behind, untaken)) = &mut any else {
                return false;
            };
            if untaken.next().is_none() {
                return false;
            }
            at = *behind;
            rest = untaken.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by trying everything.
    fn slowly(pattern: &[Piece], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, rest) => rest.is_none(),
            (Some((Piece::Any, pattern)), rest) => {
                slowly(pattern, text)
                    || rest.is_some_and(|(_, rest)| slowly(&[&[Piece::Any], pattern].concat(), rest))
            }
            (Some((Piece::One, pattern)), Some((_, rest))) => slowly(pattern, rest),
            (Some((Piece::Char(c), pattern)), Some((first, rest))) => c == first && slowly(pattern, rest),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn it_fits_what_trying_everything_fits(pattern in "[ab%_]{0,8}", text in "[ab]{0,9}") {
            let compiled = Pattern::new(&pattern);
            let chars: Vec<char> = text.chars().collect();
            prop_assert_eq!(compiled.fits(&text), slowly(&compiled.pieces, &chars));
        }
    }

    #[test]
    fn wildcards_and_their_escape() {
        let fits = |pattern: &str, text: &str| Pattern::new(pattern).fits(text);
        assert!(fits("Chợ%", "Chợ Thái") && !fits("chợ%", "Chợ Thái"));
        assert!(fits("%", "") && !fits("_%", "") && fits("", "") && !fits("", "a"));
        assert!(fits(r"100\%", "100%") && !fits(r"100\%", "1000"));
        assert!(fits(r"\\_\_", r"\a_") && fits("a\\", "a\\"));
        assert!(fits("_ợ", "Hợ"), "one character is not one byte");
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let pattern = "a%".repeat(900) + "b";
        assert!(!Pattern::new(&pattern).fits(&"a".repeat(5_000)));
    }
}
