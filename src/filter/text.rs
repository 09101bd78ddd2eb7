use unicode_normalization::UnicodeNormalization as _;

use crate::filter::expr::{Comparison, Expr, MAX_DEPTH, Operation, too_deep};
use crate::filter::tokens::{Placed, Token, tokens};
use crate::filter::{Fold, InvalidFilter, Value};

/// Reads the text form. `NOT` binds closer than `AND`, `AND` closer than `OR`; sums and products as everywhere.
pub(super) fn parse(text: &str) -> Result<Expr, InvalidFilter> {
    let tokens = tokens(text)?;
    let mut reader = Reader {
        text,
        tokens: &tokens,
        depth: 0,
    };
    let expr = reader.disjunction()?;
    match reader.tokens.first() {
        None => Ok(expr),
        Some(_) => Err(reader.unexpected("AND, OR or the end")),
    }
}

/// `DATE` and `TIMESTAMP`, and the same in JSON.
pub(super) fn instant(text: &str) -> Result<Expr, InvalidFilter> {
    crate::model::Timestamp::parse(text)
        .map(|at| Expr::Literal(Value::Instant(at)))
        .map_err(|error| InvalidFilter::new(format!("TIMESTAMP {}", error.reason), error.expected))
}

pub(super) fn date(text: &str) -> Result<Expr, InvalidFilter> {
    crate::model::Day::parse(text)
        .map(|day| Expr::Literal(Value::Date(day)))
        .map_err(|error| InvalidFilter::new(format!("DATE {}", error.reason), error.expected))
}

pub(super) fn literal(text: &str) -> Expr {
    Expr::Literal(Value::Text(text.nfc().collect::<String>().into()))
}

/// Words that are no names of properties, unless quoted.
const KEYWORDS: [&str; 11] = [
    "and", "or", "not", "like", "between", "in", "is", "null", "true", "false", "div",
];

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Placed],
    depth: usize,
}

impl Reader<'_> {
    fn disjunction(&mut self) -> Result<Expr, InvalidFilter> {
        let mut parts = vec![self.conjunction()?];
        while self.takes_word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(Expr::or(parts))
    }

    fn conjunction(&mut self) -> Result<Expr, InvalidFilter> {
        let mut parts = vec![self.negation()?];
        while self.takes_word("and") {
            parts.push(self.negation()?);
        }
        Ok(Expr::and(parts))
    }

    fn negation(&mut self) -> Result<Expr, InvalidFilter> {
        if self.takes_word("not") {
            return self.deeper(Self::negation).map(Expr::negated);
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Result<Expr, InvalidFilter> {
        let left = self.sum()?;
        if let Some(comparison) = self.takes_comparison() {
            return Ok(left.compared(comparison, self.sum()?));
        }
        if self.takes_word("is") {
            let negated = self.takes_word("not");
            self.needs_word("null")?;
            let found = Expr::IsNull(Box::new(left));
            return Ok(if negated { found.negated() } else { found });
        }
        // `NOT` behind a value belongs to one of these; there is no other place for it.
        let negated = self.takes_word("not");
        let found = if self.takes_word("like") {
            let pattern = self.sum()?;
            left.like(&pattern)?
        } else if self.takes_word("between") {
            let low = self.sum()?;
            self.needs_word("and")?;
            Expr::Between(Box::new([left, low, self.sum()?]))
        } else if self.takes_word("in") {
            self.needs_symbol("(")?;
            let mut list = vec![self.sum()?];
            while self.takes_symbol(",") {
                list.push(self.sum()?);
            }
            self.needs_symbol(")")?;
            Expr::In(Box::new(left), list)
        } else if negated {
            return Err(self.unexpected("LIKE, BETWEEN or IN"));
        } else {
            left
        };
        Ok(if negated { found.negated() } else { found })
    }

    fn sum(&mut self) -> Result<Expr, InvalidFilter> {
        let mut left = self.product()?;
        loop {
            let operation = if self.takes_symbol("+") {
                Operation::Plus
            } else if self.takes_symbol("-") {
                Operation::Minus
            } else {
                return Ok(left);
            };
            left = left.computed(operation, self.product()?);
        }
    }

    fn product(&mut self) -> Result<Expr, InvalidFilter> {
        let mut left = self.power()?;
        loop {
            let operation = if self.takes_symbol("*") {
                Operation::Times
            } else if self.takes_symbol("/") {
                Operation::Over
            } else if self.takes_symbol("%") {
                Operation::Remainder
            } else if self.takes_word("div") {
                Operation::Div
            } else {
                return Ok(left);
            };
            left = left.computed(operation, self.power()?);
        }
    }

    fn power(&mut self) -> Result<Expr, InvalidFilter> {
        let base = self.operand()?;
        if self.takes_symbol("^") {
            return Ok(base.computed(Operation::Power, self.deeper(Self::power)?));
        }
        Ok(base)
    }

    fn operand(&mut self) -> Result<Expr, InvalidFilter> {
        if self.takes_symbol("(") {
            let inner = self.deeper(Self::disjunction)?;
            self.needs_symbol(")")?;
            return Ok(inner);
        }
        let sign = if self.takes_symbol("-") {
            -1.0
        } else {
            let _plus = self.takes_symbol("+");
            1.0
        };
        let signed = sign < 0.0;
        let Some((first, rest)) = self.tokens.split_first() else {
            return Err(self.unexpected("a property, a number, a 'text' or a function"));
        };
        let called = matches!(rest.first(), Some(next) if next.token == Token::Symbol("("));
        let found = match &first.token {
            Token::Number(number) => Expr::Literal(Value::Number(sign * number)),
            _ if signed => return Err(self.unexpected("a number behind the sign")),
            Token::Text(text) => literal(text),
            Token::Quoted(name) => Expr::Property(name.clone()),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Expr::Literal(Value::Bool(true)),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Expr::Literal(Value::Bool(false)),
            Token::Word(word) if KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) => {
                return Err(self.unexpected("a property, a number, a 'text' or a function"));
            }
            Token::Word(word) if called => {
                self.tokens = &rest[1..];
                return self.function(word);
            }
            Token::Word(word) => Expr::Property(word.clone()),
            Token::Symbol(_) => {
                return Err(self.unexpected("a property, a number, a 'text' or a function"));
            }
        };
        self.tokens = rest;
        Ok(found)
    }

    /// Behind the opening parenthesis.
    fn function(&mut self, name: &str) -> Result<Expr, InvalidFilter> {
        let lower = name.to_ascii_lowercase();
        let found = match lower.as_str() {
            "casei" => self.deeper(Self::sum)?.folded(Fold::Case),
            "accenti" => self.deeper(Self::sum)?.folded(Fold::Accent),
            "timestamp" => instant(&self.needs_text()?)?,
            "date" => date(&self.needs_text()?)?,
            _ => return Err(InvalidFilter::function(name)),
        };
        self.needs_symbol(")")?;
        Ok(found)
    }

    fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Expr, InvalidFilter>,
    ) -> Result<Expr, InvalidFilter> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn takes_comparison(&mut self) -> Option<Comparison> {
        Comparison::ALL
            .into_iter()
            .find(|comparison| self.takes_symbol(comparison.as_str()))
    }

    fn takes_symbol(&mut self, symbol: &str) -> bool {
        self.takes(|token| matches!(token, Token::Symbol(found) if *found == symbol))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.takes(|token| matches!(token, Token::Word(found) if found.eq_ignore_ascii_case(word)))
    }

    fn takes(&mut self, is_it: impl Fn(&Token) -> bool) -> bool {
        match self.tokens.split_first() {
            Some((first, rest)) if is_it(&first.token) => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn needs_symbol(&mut self, symbol: &str) -> Result<(), InvalidFilter> {
        if self.takes_symbol(symbol) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{symbol}`")))
    }

    fn needs_word(&mut self, word: &str) -> Result<(), InvalidFilter> {
        if self.takes_word(word) {
            return Ok(());
        }
        Err(self.unexpected(&word.to_ascii_uppercase()))
    }

    fn needs_text(&mut self) -> Result<String, InvalidFilter> {
        match self.tokens.split_first() {
            Some((
                Placed {
                    token: Token::Text(text),
                    ..
                },
                rest,
            )) => {
                self.tokens = rest;
                Ok(text.clone())
            }
            _ => Err(self.unexpected("a 'text'")),
        }
    }

    fn unexpected(&self, expected: &str) -> InvalidFilter {
        let Some(first) = self.tokens.first() else {
            return InvalidFilter::at(self.text, self.text.len(), "it ends too early", expected);
        };
        let found = match &first.token {
            Token::Number(number) => number.to_string(),
            Token::Text(_) => "a text".to_owned(),
            Token::Word(word) | Token::Quoted(word) => {
                format!("`{}`", word.chars().take(40).collect::<String>())
            }
            Token::Symbol(symbol) => format!("`{symbol}`"),
        };
        InvalidFilter::at(
            self.text,
            first.at,
            format!("{found} stands in the wrong place"),
            expected,
        )
    }
}
