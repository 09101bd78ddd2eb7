use serde_json::{Map, Value as Json};

use crate::filter::expr::{Comparison, Expr, MAX_DEPTH, Operation, too_deep};
use crate::filter::text::{date, instant, literal};
use crate::filter::{Fold, InvalidFilter, Value};

/// Reads the JSON form.
pub(super) fn parse(text: &str) -> Result<Expr, InvalidFilter> {
    let json: Json = serde_json::from_str(text)
        .map_err(|error| InvalidFilter::condition(format!("is not JSON: {error}")))?;
    expr(&json, MAX_DEPTH)
}

/// `below`: how many levels may follow.
fn expr(json: &Json, below: usize) -> Result<Expr, InvalidFilter> {
    match json {
        Json::Bool(truth) => Ok(Expr::Literal(Value::Bool(*truth))),
        Json::Number(number) => number
            .as_f64()
            .filter(|number| number.is_finite())
            .map(|number| Expr::Literal(Value::Number(number)))
            .ok_or_else(|| InvalidFilter::new("a number is out of range", "a finite number")),
        Json::String(text) => Ok(literal(text)),
        Json::Object(members) => object(members, below),
        Json::Null => Err(InvalidFilter::new(
            "null is no value",
            "{\"op\":\"isNull\",\"args\":[…]}",
        )),
        Json::Array(_) => Err(InvalidFilter::new(
            "a list stands in the wrong place",
            "a list behind `in` only",
        )),
    }
}

fn object(members: &Map<String, Json>, below: usize) -> Result<Expr, InvalidFilter> {
    let one = |name: &str| members.get(name).filter(|_| members.len() == 1);
    if let Some(name) = one("property") {
        let name = name.as_str().ok_or_else(|| no_text("property"))?;
        return Ok(Expr::Property(name.to_owned()));
    }
    if let Some(at) = one("timestamp") {
        return instant(at.as_str().ok_or_else(|| no_text("timestamp"))?);
    }
    if let Some(day) = one("date") {
        return date(day.as_str().ok_or_else(|| no_text("date"))?);
    }
    if members.contains_key("interval") {
        return Err(InvalidFilter::function("INTERVAL"));
    }
    if let (Some(Json::String(op)), Some(Json::Array(args)), 2) =
        (members.get("op"), members.get("args"), members.len())
    {
        let below = below.checked_sub(1).ok_or_else(too_deep)?;
        return operator(op, args, below);
    }
    let names: Vec<String> = members
        .keys()
        .map(|name| name.chars().take(40).collect())
        .collect();
    Err(InvalidFilter::new(
        format!("an object has the members {}", names.join(", ")),
        "op and args, or one of property, date and timestamp",
    ))
}

fn operator(op: &str, args: &[Json], below: usize) -> Result<Expr, InvalidFilter> {
    let each = || {
        args.iter()
            .map(|arg| expr(arg, below))
            .collect::<Result<Vec<_>, _>>()
    };
    if let Some(comparison) = Comparison::ALL.into_iter().find(|one| one.as_str() == op) {
        let [left, right] = exactly(op, each()?)?;
        return Ok(left.compared(comparison, right));
    }
    if let Some(operation) = Operation::ALL.into_iter().find(|one| one.as_str() == op) {
        let [left, right] = exactly(op, each()?)?;
        return Ok(left.computed(operation, right));
    }
    match op {
        "and" | "or" => {
            if args.len() < 2 {
                return Err(wrong_count(op, args.len(), "two or more"));
            }
            Ok(if op == "and" {
                Expr::and(each()?)
            } else {
                Expr::or(each()?)
            })
        }
        "not" => exactly(op, each()?).map(|[of]: [Expr; 1]| of.negated()),
        "isNull" => exactly(op, each()?).map(|[of]: [Expr; 1]| Expr::IsNull(Box::new(of))),
        "casei" => exactly(op, each()?).map(|[of]: [Expr; 1]| of.folded(Fold::Case)),
        "accenti" => exactly(op, each()?).map(|[of]: [Expr; 1]| of.folded(Fold::Accent)),
        "between" => exactly(op, each()?).map(|all: [Expr; 3]| Expr::Between(Box::new(all))),
        "like" => {
            let [of, pattern] = exactly(op, each()?)?;
            of.like(&pattern)
        }
        "in" => match args {
            [of, Json::Array(list)] if !list.is_empty() => {
                let list = list
                    .iter()
                    .map(|one| expr(one, below))
                    .collect::<Result<_, _>>()?;
                Ok(Expr::In(Box::new(expr(of, below)?), list))
            }
            _ => Err(wrong_count(op, args.len(), "a value and a list of values as its")),
        },
        other => Err(InvalidFilter::function(other)),
    }
}

fn exactly<const N: usize>(op: &str, args: Vec<Expr>) -> Result<[Expr; N], InvalidFilter> {
    args.try_into()
        .map_err(|args: Vec<Expr>| wrong_count(op, args.len(), &N.to_string()))
}

fn wrong_count(op: &str, found: usize, wanted: &str) -> InvalidFilter {
    InvalidFilter::new(format!("`{op}` has {found} args"), format!("{wanted} args"))
}

fn no_text(name: &str) -> InvalidFilter {
    InvalidFilter::new(format!("`{name}` is no text"), "a text")
}
