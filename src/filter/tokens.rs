use winnow::{
    Parser as _, Result,
    ascii::{digit0, digit1},
    combinator::{alt, delimited, fail, opt, repeat},
    token::{none_of, one_of, take_while},
};

use crate::filter::InvalidFilter;

/// A word of the text form (OGC 21-065r2, Annex B).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    /// Between single quotes.
    Text(String),
    /// A keyword, or the name of a property or function.
    Word(String),
    /// A name between double quotes, which is no keyword.
    Quoted(String),
    Symbol(&'static str),
}

/// A token and the byte where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub token: Token,
    pub at: usize,
}

/// The longer before those they begin with.
const SYMBOLS: [&str; 15] = [
    "<>", "<=", ">=", "<", ">", "=", "(", ")", ",", "+", "-", "*", "/", "%", "^",
];

/// All tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, InvalidFilter> {
    let mut rest = text;
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(found);
        }
        let at = text.len() - rest.len();
        let read = token(&mut rest).map_err(|_winnow| refuse(text, at))?;
        if read == Token::Number(f64::INFINITY) {
            return Err(InvalidFilter::at(
                text,
                at,
                "a number is out of range",
                "a finite number",
            ));
        }
        found.push(Placed { token: read, at });
    }
}

fn refuse(text: &str, at: usize) -> InvalidFilter {
    let rest = text.get(at..).unwrap_or_default();
    match rest.chars().next() {
        Some('\'') => InvalidFilter::at(text, at, "a text is not closed", "a `'` at its end"),
        Some('"') => InvalidFilter::at(text, at, "a name is not closed", "a `\"` at its end"),
        Some(c) if c.is_ascii_digit() => {
            InvalidFilter::at(text, at, "a number goes on as a word", "a number such as 12.5")
        }
        other => InvalidFilter::at(
            text,
            at,
            format!("`{}` means nothing here", other.unwrap_or_default()),
            "names, numbers, 'texts', and = <> < <= > >= + - * / % ^ ( ) ,",
        ),
    }
}

fn token(input: &mut &str) -> Result<Token> {
    alt((number, quoted_text, quoted_name, word, symbol)).parse_next(input)
}

fn number(input: &mut &str) -> Result<Token> {
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    let whole = (digit1, opt(('.', digit0))).void();
    let fraction = ('.', digit1).void();
    let digits = (alt((whole, fraction)), opt(exponent)).take().parse_next(input)?;
    if input.starts_with(is_part) {
        return fail.parse_next(input);
    }
    // What these digits are, Rust reads; what is too large becomes infinite.
    digits
        .parse()
        .map_or_else(|_| fail.parse_next(input), |number| Ok(Token::Number(number)))
}

fn quoted_text(input: &mut &str) -> Result<Token> {
    let quote = alt(("''", "\\'")).value('\'');
    let inner = repeat(0.., alt((quote, none_of('\'')))).fold(String::new, |mut text, c: char| {
        text.push(c);
        text
    });
    delimited('\'', inner, '\'').map(Token::Text).parse_next(input)
}

fn quoted_name(input: &mut &str) -> Result<Token> {
    delimited('"', take_while(1.., |c: char| c != '"'), '"')
        .map(|name: &str| Token::Quoted(name.to_owned()))
        .parse_next(input)
}

fn word(input: &mut &str) -> Result<Token> {
    (one_of(is_start), take_while(0.., is_part))
        .take()
        .map(|word: &str| Token::Word(word.to_owned()))
        .parse_next(input)
}

fn symbol(input: &mut &str) -> Result<Token> {
    let found = SYMBOLS.into_iter().find(|symbol| input.starts_with(symbol));
    match found {
        Some(symbol) => {
            *input = &input[symbol.len()..];
            Ok(Token::Symbol(symbol))
        }
        None => fail.parse_next(input),
    }
}

/// Our properties have plain names; any letter may begin one, so that an unknown name is called unknown.
fn is_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == ':'
}

fn is_part(c: char) -> bool {
    is_start(c) || c.is_numeric() || c == '.'
}
