use crate::filter::expr::{Comparison, Expr};
use crate::filter::{Filter, InvalidFilter, Kind, Property};

impl Filter {
    /// Whether it is a condition on a thing of those properties: none but those, and only like compared with like.
    ///
    /// # Errors
    /// [`InvalidFilter`] that names the property and lists those there are, or the two kinds that do not go together.
    pub fn check(&self, properties: &[Property]) -> Result<(), InvalidFilter> {
        match kind(self.expr(), properties)? {
            Kind::Bool => Ok(()),
            other => Err(InvalidFilter::condition(format!(
                "is {}, not a condition",
                other.as_str()
            ))),
        }
    }
}

fn kind(expr: &Expr, properties: &[Property]) -> Result<Kind, InvalidFilter> {
    match expr {
        Expr::Property(name) => properties
            .iter()
            .find(|property| property.name == name)
            .map(|property| property.kind)
            .ok_or_else(|| unknown(name, properties)),
        Expr::Literal(value) => Ok(value.kind()),
        Expr::And(parts) | Expr::Or(parts) => {
            for part in parts {
                expect(part, Kind::Bool, "beside AND and OR", properties)?;
            }
            Ok(Kind::Bool)
        }
        Expr::Not(of) => expect(of, Kind::Bool, "behind NOT", properties),
        Expr::Compare(comparison, both) => {
            let first = kind(&both[0], properties)?;
            alike(first, &both[1], properties)?;
            let is_equality = matches!(comparison, Comparison::Equal | Comparison::Other);
            if first == Kind::Bool && !is_equality {
                return Err(unordered(comparison.as_str()));
            }
            Ok(Kind::Bool)
        }
        Expr::Between(all) => {
            let first = kind(&all[0], properties)?;
            alike(first, &all[1], properties)?;
            alike(first, &all[2], properties)?;
            if first == Kind::Bool {
                return Err(unordered("BETWEEN"));
            }
            Ok(Kind::Bool)
        }
        Expr::In(of, list) => {
            let first = kind(of, properties)?;
            for one in list {
                alike(first, one, properties)?;
            }
            Ok(Kind::Bool)
        }
        Expr::Like(of, _) => {
            expect(of, Kind::Text, "before LIKE", properties)?;
            Ok(Kind::Bool)
        }
        Expr::IsNull(of) => {
            kind(of, properties)?;
            Ok(Kind::Bool)
        }
        Expr::Arithmetic(operation, both) => {
            let place = format!("beside `{}`", operation.as_str());
            expect(&both[0], Kind::Number, &place, properties)?;
            expect(&both[1], Kind::Number, &place, properties)
        }
        Expr::Fold(fold, of) => {
            let place = format!("in {}", fold.as_str().to_ascii_uppercase());
            expect(of, Kind::Text, &place, properties)
        }
    }
}

fn expect(expr: &Expr, wanted: Kind, place: &str, properties: &[Property]) -> Result<Kind, InvalidFilter> {
    let found = kind(expr, properties)?;
    if found == wanted {
        return Ok(found);
    }
    Err(InvalidFilter::new(
        format!("{} stands {place}, {}", found.as_str(), named(expr)),
        wanted.as_str(),
    ))
}

fn alike(first: Kind, other: &Expr, properties: &[Property]) -> Result<(), InvalidFilter> {
    let second = kind(other, properties)?;
    if first == second {
        return Ok(());
    }
    Err(InvalidFilter::new(
        format!(
            "{} is compared with {}, {}",
            first.as_str(),
            second.as_str(),
            named(other)
        ),
        format!("{} on both sides", first.as_str()),
    ))
}

fn unordered(operator: &str) -> InvalidFilter {
    InvalidFilter::new(
        format!("`{operator}` asks which of two truth values is greater"),
        "= or <> between truth values",
    )
}

fn unknown(name: &str, properties: &[Property]) -> InvalidFilter {
    let shown: String = name.chars().take(60).collect();
    let names: Vec<&str> = properties.iter().map(|property| property.name).collect();
    InvalidFilter::new(format!("`{shown}` is not a property"), names.join(", "))
}

/// The part at fault, as far as it has a name.
fn named(expr: &Expr) -> String {
    match expr {
        Expr::Property(name) => format!("`{name}`"),
        Expr::Literal(_) => "a literal".to_owned(),
        _ => "an expression".to_owned(),
    }
}
