use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::filter::like::Pattern;
use crate::filter::{Fold, InvalidFilter, Value, json, text};

/// A condition on the properties of one thing, read and within its bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    expr: Expr,
    canonical: Arc<str>,
}

/// How a filter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `cql2-text`.
    Text,
    /// `cql2-json`.
    Json,
}

/// Longest filter, bytes.
const MAX_BYTES: usize = 2000;
/// How deep one condition may stand in another.
pub(super) const MAX_DEPTH: usize = 32;
/// Steps that one thing may cost: about as many node evaluations.
const MAX_STEPS: usize = 256;

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// Its name in `filter-lang`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "cql2-text",
            Self::Json => "cql2-json",
        }
    }
}

impl Filter {
    /// Reads a filter. Whether it fits some properties is for [`Filter::check`] to say.
    ///
    /// # Errors
    /// [`InvalidFilter`] when it is not CQL2, uses what is not here, or is too long, deep or costly.
    pub fn parse(source: &str, language: Language) -> Result<Self, InvalidFilter> {
        if source.len() > MAX_BYTES {
            return Err(InvalidFilter::new(
                format!("has {} bytes", source.len()),
                format!("at most {MAX_BYTES} bytes"),
            ));
        }
        let expr = match language {
            Language::Text => text::parse(source)?,
            Language::Json => json::parse(source)?,
        };
        if expr.depth() > MAX_DEPTH {
            return Err(too_deep());
        }
        let steps = expr.steps();
        if steps > MAX_STEPS {
            return Err(InvalidFilter::new(
                format!(
                    "takes {steps} steps for each thing: a LIKE counts 4, CASEI and ACCENTI of a property 16"
                ),
                format!("at most {MAX_STEPS} steps"),
            ));
        }
        let canonical = expr.to_json().to_string().into();
        Ok(Self { expr, canonical })
    }

    /// One writing for all that say the same in the same order, whatever language, case and spaces they came in.
    #[must_use]
    pub fn canonical(&self) -> &Arc<str> {
        &self.canonical
    }

    pub(super) fn expr(&self) -> &Expr {
        &self.expr
    }
}

pub(super) fn too_deep() -> InvalidFilter {
    InvalidFilter::new(
        "is nested too deep",
        format!("at most {MAX_DEPTH} conditions in each other"),
    )
}

/// The syntax tree. Literals are folded already, `AND` and `OR` are flat.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Property(String),
    Literal(Value<'static>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Compare(Comparison, Box<[Expr; 2]>),
    /// A value, its lowest and its highest.
    Between(Box<[Expr; 3]>),
    In(Box<Expr>, Vec<Expr>),
    Like(Box<Expr>, Pattern),
    IsNull(Box<Expr>),
    Arithmetic(Operation, Box<[Expr; 2]>),
    /// Of something that is no literal.
    Fold(Fold, Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Other,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Plus,
    Minus,
    Times,
    Over,
    /// Whole part of the quotient.
    Div,
    Remainder,
    Power,
}

impl Comparison {
    pub const ALL: [Self; 6] = [
        Self::Equal,
        Self::Other,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Other => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Operation {
    pub const ALL: [Self; 7] = [
        Self::Plus,
        Self::Minus,
        Self::Times,
        Self::Over,
        Self::Div,
        Self::Remainder,
        Self::Power,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Over => "/",
            Self::Div => "div",
            Self::Remainder => "%",
            Self::Power => "^",
        }
    }
}

impl Expr {
    pub fn and(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::one_or(flat, Self::And)
    }

    pub fn or(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::one_or(flat, Self::Or)
    }

    fn one_or(mut parts: Vec<Self>, many: impl FnOnce(Vec<Self>) -> Self) -> Self {
        if parts.len() == 1 {
            parts.remove(0)
        } else {
            many(parts)
        }
    }

    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    pub fn compared(self, comparison: Comparison, other: Self) -> Self {
        Self::Compare(comparison, Box::new([self, other]))
    }

    pub fn computed(self, operation: Operation, other: Self) -> Self {
        Self::Arithmetic(operation, Box::new([self, other]))
    }

    pub fn folded(self, fold: Fold) -> Self {
        match self {
            Self::Literal(Value::Text(text)) => Self::Literal(Value::Text(fold.apply(&text).into())),
            other => Self::Fold(fold, Box::new(other)),
        }
    }

    /// Reads the pattern, which must be a literal.
    pub fn like(self, pattern: &Self) -> Result<Self, InvalidFilter> {
        match pattern {
            Self::Literal(Value::Text(text)) => Ok(Self::Like(Box::new(self), Pattern::new(text))),
            _ => Err(InvalidFilter::new(
                "LIKE has a pattern that is no text",
                "a text with % and _ behind LIKE",
            )),
        }
    }

    fn children(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match self {
            Self::Property(_) | Self::Literal(_) => Box::new(std::iter::empty()),
            Self::And(parts) | Self::Or(parts) => Box::new(parts.iter()),
            Self::Not(of) | Self::Like(of, _) | Self::IsNull(of) | Self::Fold(_, of) => {
                Box::new(std::iter::once(&**of))
            }
            Self::Compare(_, both) | Self::Arithmetic(_, both) => Box::new(both.iter()),
            Self::Between(all) => Box::new(all.iter()),
            Self::In(of, list) => Box::new(std::iter::once(&**of).chain(list)),
        }
    }

    fn depth(&self) -> usize {
        1 + self.children().map(Self::depth).max().unwrap_or(0)
    }

    fn steps(&self) -> usize {
        let own = match self {
            Self::Like(..) => 4,
            Self::Fold(..) => 16,
            _ => 1,
        };
        own + self.children().map(Self::steps).sum::<usize>()
    }

    /// The same as CQL2 JSON. Unlike text it can write every literal, so equal writings are equal conditions.
    fn to_json(&self) -> Json {
        let op = |name: &str, args: Vec<Json>| json!({"op": name, "args": args});
        let each = |parts: &[Self]| parts.iter().map(Self::to_json).collect::<Vec<_>>();
        match self {
            Self::Property(name) => json!({"property": name}),
            Self::Literal(Value::Number(number)) => json!(number),
            Self::Literal(Value::Text(text)) => json!(text),
            Self::Literal(Value::Bool(truth)) => json!(truth),
            Self::Literal(Value::Instant(at)) => {
                json!({"timestamp": at.to_rfc3339(crate::model::UtcOffset::UTC)})
            }
            Self::Literal(Value::Date(day)) => json!({"date": day.to_string()}),
            Self::And(parts) => op("and", each(parts)),
            Self::Or(parts) => op("or", each(parts)),
            Self::Not(of) => op("not", vec![of.to_json()]),
            Self::Compare(comparison, both) => op(comparison.as_str(), each(&**both)),
            Self::Between(all) => op("between", each(&**all)),
            Self::In(of, list) => op("in", vec![of.to_json(), Json::Array(each(list))]),
            Self::Like(of, pattern) => op("like", vec![of.to_json(), json!(pattern.text())]),
            Self::IsNull(of) => op("isNull", vec![of.to_json()]),
            Self::Arithmetic(operation, both) => op(operation.as_str(), each(&**both)),
            Self::Fold(fold, of) => op(fold.as_str(), vec![of.to_json()]),
        }
    }
}
