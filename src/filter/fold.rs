use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What makes texts that are written differently equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// `CASEI`: without regard to case.
    Case,
    /// `ACCENTI`: without regard to accents, and to the stroke of `đ`.
    Accent,
}

impl Fold {
    /// The text that stands for all that differ in nothing else.
    #[must_use]
    pub fn apply(self, text: &str) -> String {
        match self {
            // Up and then down goes the way of Unicode's case folding also where one case has two letters: ß, ς.
            Self::Case => {
                let upper = text.chars().flat_map(char::to_uppercase);
                upper.flat_map(char::to_lowercase).nfc().collect()
            }
            Self::Accent => {
                let plain = text.nfd().filter(|c| !is_combining_mark(*c));
                let plain = plain.map(|c| match c {
                    'đ' => 'd',
                    'Đ' => 'D',
                    other => other,
                });
                plain.nfc().collect()
            }
        }
    }

    /// Its name in text; in JSON the same in small letters.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Case => "casei",
            Self::Accent => "accenti",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_fold_each_by_itself() {
        assert_eq!(Fold::Case.apply("CHỢ Đồng Quang"), "chợ đồng quang");
        assert_eq!(Fold::Accent.apply("CHỢ Đồng Quang đ"), "CHO Dong Quang d");
        assert_eq!(Fold::Accent.apply(&Fold::Case.apply("BỆNH VIỆN")), "benh vien");
        assert_eq!(Fold::Case.apply("Straße ΣΑΣ σας"), "strasse σασ σασ");
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for text in ["ƯỚC İI ŉ ǰ", "ẦẬ đĐ", "ﬁ ſ ß"] {
            for fold in [Fold::Case, Fold::Accent] {
                let once = fold.apply(text);
                assert_eq!(fold.apply(&once), once, "{text}");
            }
        }
    }
}
