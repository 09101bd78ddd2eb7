use std::borrow::Cow;
use std::cmp::Ordering;

use crate::filter::expr::{Comparison, Expr, Operation};
use crate::filter::{Filter, Record, Value};

impl Filter {
    /// Whether the condition holds for a record that has the properties it was checked against. What is unknown, because
    /// a property is absent, does not hold.
    #[must_use]
    pub fn accepts(&self, record: &dyn Record) -> bool {
        truth(self.expr(), record) == Some(true)
    }
}

/// True, false, or unknown.
fn truth(expr: &Expr, record: &dyn Record) -> Option<bool> {
    match expr {
        Expr::And(parts) => all(parts.iter().map(|part| truth(part, record))),
        Expr::Or(parts) => all(parts.iter().map(|part| truth(part, record).map(|it| !it))).map(|none| !none),
        Expr::Not(of) => truth(of, record).map(|it| !it),
        Expr::Compare(comparison, both) => {
            let order = order(&value(&both[0], record)?, &value(&both[1], record)?)?;
            Some(comparison.holds(order))
        }
        Expr::Between(of_three) => {
            let [of, low, high] = &**of_three;
            let of = value(of, record);
            let against = |bound: &Expr| order(of.as_ref()?, &value(bound, record)?);
            all([
                against(low).map(Ordering::is_ge),
                against(high).map(Ordering::is_le),
            ]
            .into_iter())
        }
        Expr::In(of, list) => {
            let of = value(of, record)?;
            let others = list
                .iter()
                .map(|one| Some(order(&of, &value(one, record)?)?.is_ne()));
            all(others).map(|none| !none)
        }
        Expr::Like(of, pattern) => match value(of, record)? {
            Value::Text(text) => Some(pattern.fits(&text)),
            _ => None,
        },
        Expr::IsNull(of) => Some(value(of, record).is_none()),
        Expr::Property(_) | Expr::Literal(_) | Expr::Arithmetic(..) | Expr::Fold(..) => {
            match value(expr, record)? {
                Value::Bool(truth) => Some(truth),
                _ => None,
            }
        }
    }
}

/// False as soon as one is; otherwise unknown as soon as one is.
fn all(mut parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    let decided = parts.any(|part| {
        if part.is_none() {
            known = None;
        }
        part == Some(false)
    });
    if decided { Some(false) } else { known }
}

fn value<'a>(expr: &'a Expr, record: &'a dyn Record) -> Option<Value<'a>> {
    match expr {
        Expr::Property(name) => record.value(name),
        Expr::Literal(value) => Some(value.lent()),
        Expr::Arithmetic(operation, both) => match (value(&both[0], record)?, value(&both[1], record)?) {
            (Value::Number(a), Value::Number(b)) => operation.of(a, b).map(Value::Number),
            _ => None,
        },
        Expr::Fold(fold, of) => match value(of, record)? {
            Value::Text(text) => Some(Value::Text(Cow::Owned(fold.apply(&text)))),
            _ => None,
        },
        _ => truth(expr, record).map(Value::Bool),
    }
}

/// Texts by code point, truth values only as equal or not. Nothing of different kinds: the check lets none through.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Instant(a), Value::Instant(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

impl Comparison {
    const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Other => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Operation {
    /// Unknown where there is no finite result, as when dividing by nothing.
    fn of(self, a: f64, b: f64) -> Option<f64> {
        let result = match self {
            Self::Plus => a + b,
            Self::Minus => a - b,
            Self::Times => a * b,
            Self::Over => a / b,
            Self::Div => (a / b).trunc(),
            Self::Remainder => a % b,
            Self::Power => a.powf(b),
        };
        result.is_finite().then_some(result)
    }
}
