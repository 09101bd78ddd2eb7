use std::collections::HashMap;
use std::sync::LazyLock;

use crate::model::{Day, Timestamp, UtcOffset};

/// The languages of the pages. Vietnamese comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Tiếng Việt.
    Vietnamese,
    /// English.
    English,
}

type Table = HashMap<String, String>;

static VIETNAMESE: LazyLock<Table> = LazyLock::new(|| {
    read(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/web/i18n/vi.json"
    )))
});
static ENGLISH: LazyLock<Table> = LazyLock::new(|| {
    read(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/web/i18n/en.json"
    )))
});

fn read(json: &str) -> Table {
    serde_json::from_str(json).expect("the tables are compiled in and tested")
}

impl Language {
    /// The language of that code; anything unknown is Vietnamese.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        if code == "en" {
            Self::English
        } else {
            Self::Vietnamese
        }
    }

    /// BCP 47 code, `vi` or `en`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Vietnamese => "vi",
            Self::English => "en",
        }
    }

    /// The text of a key; the key itself where it is missing (a test finds those).
    #[must_use]
    pub fn text(self, key: &str) -> String {
        let table = match self {
            Self::Vietnamese => &VIETNAMESE,
            Self::English => &ENGLISH,
        };
        table.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    /// The text of a key with `{name}` places filled in.
    #[must_use]
    pub fn fill(self, key: &str, places: &[(&str, &str)]) -> String {
        places.iter().fold(self.text(key), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
    }

    /// A whole number with the language's thousands mark.
    #[must_use]
    pub fn number(self, value: u64) -> String {
        let mark = match self {
            Self::Vietnamese => '.',
            Self::English => ',',
        };
        let digits = value.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(mark);
            }
            text.push(digit);
        }
        text
    }

    /// One decimal, with the language's decimal mark.
    #[must_use]
    pub fn decimal(self, value: f64) -> String {
        let text = format!("{value:.1}");
        match self {
            Self::Vietnamese => text.replace('.', ","),
            Self::English => text,
        }
    }

    /// Local date and time: `08:00 7/5/2021`, or `7 May 2021, 08:00`.
    #[must_use]
    pub fn instant(self, at: Timestamp, offset: UtcOffset) -> String {
        let text = at.to_rfc3339(offset);
        let (date, clock) = (self.date(&text), text.get(11..16).unwrap_or(""));
        match self {
            Self::Vietnamese => format!("{clock} {date}"),
            Self::English => format!("{date}, {clock}"),
        }
    }

    /// A day: `7/5/2021`, or `7 May 2021`.
    #[must_use]
    pub fn day(self, day: Day) -> String {
        self.date(&day.to_string())
    }

    /// The date that a text such as `2021-05-07…` begins with.
    fn date(self, text: &str) -> String {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or("");
        let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
        let (month, day): (usize, u8) = (month.parse().unwrap_or(1), day.parse().unwrap_or(1));
        match self {
            Self::Vietnamese => format!("{day}/{month}/{year}"),
            Self::English => format!("{day} {} {year}", MONTHS.get(month - 1).unwrap_or(&"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_know_the_same_keys() {
        let keys = |table: &Table| {
            let mut keys: Vec<String> = table.keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&VIETNAMESE), keys(&ENGLISH));
        assert!(
            VIETNAMESE
                .values()
                .chain(ENGLISH.values())
                .all(|text| !text.trim().is_empty())
        );
    }

    #[test]
    fn numbers_and_dates_read_as_in_the_language() {
        assert_eq!(Language::Vietnamese.number(1_286_751), "1.286.751");
        assert_eq!(Language::English.number(999), "999");
        assert_eq!(Language::Vietnamese.decimal(3.16), "3,2");
        let at = Timestamp::parse("2021-05-07T08:00:00+07:00").unwrap();
        assert_eq!(
            Language::Vietnamese.instant(at, UtcOffset::VIETNAM),
            "08:00 7/5/2021"
        );
        assert_eq!(
            Language::English.instant(at, UtcOffset::VIETNAM),
            "7 May 2021, 08:00"
        );
        let day = Day::of(at, UtcOffset::VIETNAM);
        assert_eq!(Language::Vietnamese.day(day), "7/5/2021");
        assert_eq!(Language::English.day(day), "7 May 2021");
    }
}
