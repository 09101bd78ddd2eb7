use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A name made comparable: lower case, without diacritics, `đ` as `d`, single spaces.
/// `Chợ Đồng Quang` and `cho dong quang` fold to the same text.
#[must_use]
pub fn fold_name(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.nfd().filter(|c| !is_combining_mark(*c)) {
        for lower in c.to_lowercase() {
            match lower {
                'đ' => folded.push('d'),
                c if c.is_whitespace() => {
                    if !folded.is_empty() && !folded.ends_with(' ') {
                        folded.push(' ');
                    }
                }
                c => folded.push(c),
            }
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_names_fold_to_plain_letters() {
        assert_eq!(fold_name("Chợ  Đồng Quang "), "cho dong quang");
        assert_eq!(fold_name("BỆNH VIỆN A"), "benh vien a");
    }
}
