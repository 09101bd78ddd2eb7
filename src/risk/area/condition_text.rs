use crate::risk::Text;
use crate::risk::area::decide::Truth;
use crate::risk::area::explain::with_unit;
use crate::risk::area::{AreaInputs, Condition, FindingAsked, LevelSet, When};
use crate::risk::explain::{figure, vietnamese};

/// Neighbours that are named; of more, how many.
const NAMED: usize = 5;

/// A condition, and whether it is met.
pub(super) fn condition_text(condition: &Condition, truth: Truth, inputs: &AreaInputs<'_>) -> Text {
    let level = condition.level;
    let asked = asked(&condition.when);
    let counted = counted(&condition.when, truth, inputs);
    let answer = answer(&condition.when, truth, inputs);
    Text::new(
        format!("Cấp {level} khi {}{counted}: {}", asked.vi, answer.vi),
        format!("Level {level} when {}{counted}: {}", asked.en, answer.en),
    )
}

/// What a declaration, or its end, would lead to.
pub(super) fn finding_text(asked: &FindingAsked<'_>, is_declared: bool, level: u8) -> Text {
    let Text { vi, en } = asked.text;
    if is_declared {
        Text::new(
            format!("Cấp {level} khi không còn khai báo: {vi}"),
            format!("Level {level} when it is no longer declared: {en}"),
        )
    } else {
        Text::new(
            format!("Cấp {level} khi cơ quan chức năng khai báo: {vi}"),
            format!("Level {level} when officials declare: {en}"),
        )
    }
}

fn asked(when: &When) -> Text {
    match when {
        When::Above(measure, limit) => {
            let (name, limit) = (measure.name(), with_unit(*measure, *limit));
            Text::new(
                format!("{} trên {}", name.vi, vietnamese(&limit)),
                format!("{} above {limit}", name.en),
            )
        }
        When::ShareBelow { level, percent } => {
            let percent = figure(*percent);
            Text::new(
                format!(
                    "ít nhất {} % đơn vị trực thuộc từ cấp {level}",
                    vietnamese(&percent)
                ),
                format!("at least {percent} % of the units below at level {level} or higher"),
            )
        }
        When::NumberBelow { level, number } => Text::new(
            format!("ít nhất {number} đơn vị trực thuộc từ cấp {level}"),
            format!("at least {number} of the units below at level {level} or higher"),
        ),
        When::NeighboursAt(level) => Text::new(
            format!("ít nhất một đơn vị giáp ranh cùng cấp hành chính từ cấp {level}"),
            format!("at least one area of the same tier that borders on it at level {level} or higher"),
        ),
        When::Judged { text, .. } | When::NotRetrieved(text) => text.clone(),
    }
}

/// ` (2/7)`: how many are certain to be so, of how many.
fn counted(when: &When, truth: Truth, inputs: &AreaInputs<'_>) -> String {
    let of = |level: u8, all: &mut dyn ExactSizeIterator<Item = LevelSet>| {
        let number = all.len();
        let there = all.filter(|each| each.is_at_least(level)).count();
        if number == 0 {
            String::new()
        } else {
            format!(" ({there}/{number})")
        }
    };
    match when {
        When::ShareBelow { level, .. } | When::NumberBelow { level, .. } => {
            of(*level, &mut inputs.below.iter().copied())
        }
        // Those that are so are named.
        When::NeighboursAt(level) if truth != Truth::Yes => {
            let all = inputs.neighbours.unwrap_or_default();
            of(*level, &mut all.iter().map(|each| each.possible))
        }
        _ => String::new(),
    }
}

fn answer(when: &When, truth: Truth, inputs: &AreaInputs<'_>) -> Text {
    match (truth, when) {
        (Truth::Yes, When::NeighboursAt(level)) => {
            let all = inputs.neighbours.unwrap_or_default().iter();
            let there: Vec<&str> = all
                .filter(|each| each.possible.is_at_least(*level))
                .map(|each| each.name)
                .collect();
            let mut names = there[..there.len().min(NAMED)].join(", ");
            if there.len() > NAMED {
                names = format!("{names}, … ({})", there.len());
            }
            Text::new(format!("có ({names})"), format!("yes ({names})"))
        }
        (Truth::No, When::NeighboursAt(_)) if inputs.neighbours.is_some_and(<[_]>::is_empty) => {
            Text::new("không có đơn vị giáp ranh", "no, none borders on it")
        }
        (_, When::Judged { .. }) => match (truth, inputs.findings) {
            (Truth::Yes, Some(declared)) => Text::new(
                format!("có, khai báo ngày {}", declared.day),
                format!("yes, declared on {}", declared.day),
            ),
            (_, Some(declared)) => Text::new(
                format!("không, theo khai báo ngày {}", declared.day),
                format!("no, as declared on {}", declared.day),
            ),
            (_, None) => Text::new(
                "không ai khai báo, coi như không",
                "nobody declared so: taken as no",
            ),
        },
        (Truth::Yes, _) => Text::new("có", "yes"),
        (Truth::No, _) => Text::new("không", "no"),
        (Truth::Unknown, When::NotRetrieved(_)) => {
            Text::new("văn bản chưa thu thập được", "the text was not retrieved")
        }
        (Truth::Unknown, _) => Text::new("chưa biết", "not known"),
    }
}
