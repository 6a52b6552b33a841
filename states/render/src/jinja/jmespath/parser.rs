//! From a JMESPath expression to its tree, by the binding powers of its signs.

use super::super::syntax::Comparison;
use super::super::value::Val;
use super::Problem;
use super::lexer::{Token, tokens};
use crate::limits::SYNTAX_DEPTH_MAX;

pub(super) enum Tree {
    /// The data itself: `@`, and what stands before a leading `[`.
    Current,
    Literal(Val),
    Field(String),
    Index(i128),
    Slice([Option<i128>; 3]),
    /// The right side applied to what the left side finds.
    Chain(Box<Tree>, Box<Tree>),
    /// The right side applied to each item of the left side's list.
    Each(Box<Tree>, Box<Tree>),
    /// The same for the values of an object.
    EachValue(Box<Tree>, Box<Tree>),
    /// Items of the left list for which the condition holds, the right side applied.
    Filter(Box<Tree>, Box<Tree>, Box<Tree>),
    Flatten(Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Not(Box<Tree>),
    Compare(Comparison, Box<Tree>, Box<Tree>),
    List(Vec<Tree>),
    Hash(Vec<(String, Tree)>),
    Call(String, Vec<Tree>),
    /// `&expression`, handed to a function.
    Reference(Box<Tree>),
}

pub(super) fn parse(source: &str) -> Result<Tree, Problem> {
    let mut parser = Parser { tokens: tokens(source)?, at: 0, depth: 0 };
    let tree = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(tree),
        _ => Err(parser.unexpected()),
    }
}

/// Below this power, a projection ends.
const PROJECTION_STOP: u8 = 10;

/// How strongly a sign binds what stands before it.
fn power(token: &Token) -> u8 {
    let Token::Sign(sign) = token else { return 0 };
    match *sign {
        "|" => 1,
        "||" => 2,
        "&&" => 3,
        "==" | "!=" | "<" | "<=" | ">" | ">=" => 5,
        "[]" => 9,
        "*" => 20,
        "[?" => 21,
        "." => 40,
        "{" => 50,
        "[" => 55,
        "(" => 60,
        _ => 0,
    }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> &Token {
        self.tokens.get(self.at + count).map_or(&Token::End, |(token, _)| token)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), Problem> {
        if self.take(sign) { Ok(()) } else { Err(self.problem(format!("`{sign}` is expected"))) }
    }

    fn problem(&self, why: impl Into<String>) -> Problem {
        let at = self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |(_, at)| *at);
        Problem { why: why.into(), at }
    }

    fn unexpected(&self) -> Problem {
        self.problem(match self.peek() {
            Token::End => "the expression ends too early".to_owned(),
            Token::Sign(sign) => format!("`{sign}` is not expected"),
            Token::Name(name) | Token::Quoted(name) => format!("the name {name:?} is not expected"),
            Token::Literal(_) | Token::Number(_) => "a value is not expected".to_owned(),
        })
    }

    fn boxed(&mut self, power: u8) -> Result<Box<Tree>, Problem> {
        self.expression(power).map(Box::new)
    }

    fn expression(&mut self, least: u8) -> Result<Tree, Problem> {
        self.depth += 1;
        if self.depth > SYNTAX_DEPTH_MAX {
            return Err(self.problem(format!("it is nested deeper than {SYNTAX_DEPTH_MAX}")));
        }
        let mut left = self.beginning()?;
        while least < power(self.peek()) {
            left = self.continued(left)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn beginning(&mut self) -> Result<Tree, Problem> {
        if let Token::Name(name) = self.peek().clone() {
            self.at += 1;
            return if self.take("(") { self.call(name) } else { Ok(Tree::Field(name)) };
        }
        match self.next() {
            Token::Quoted(name) => Ok(Tree::Field(name)),
            Token::Literal(value) => Ok(Tree::Literal(value)),
            Token::Sign("@") => Ok(Tree::Current),
            Token::Sign("*") => {
                let right = if self.is("]") { Tree::Current } else { self.projected(20)? };
                Ok(Tree::EachValue(Box::new(Tree::Current), Box::new(right)))
            }
            Token::Sign("[?") => self.filter(Tree::Current),
            Token::Sign("[]") => self.flattened(Tree::Current),
            Token::Sign("{") => self.hash(),
            Token::Sign("!") => Ok(Tree::Not(self.boxed(45)?)),
            Token::Sign("&") => Ok(Tree::Reference(self.boxed(0)?)),
            Token::Sign("(") => {
                let inner = self.expression(0)?;
                self.need(")")?;
                Ok(inner)
            }
            Token::Sign("[") => match (self.peek(), self.ahead(1)) {
                (Token::Number(_) | Token::Sign(":"), _) | (Token::Sign("*"), Token::Sign("]")) => {
                    self.bracket(Tree::Current)
                }
                _ => self.list(),
            },
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    fn continued(&mut self, left: Tree) -> Result<Tree, Problem> {
        let Token::Sign(sign) = self.next() else { return Err(self.unexpected()) };
        let left = Box::new(left);
        Ok(match sign {
            "." if self.take("*") => Tree::EachValue(left, Box::new(self.projected(20)?)),
            "." => Tree::Chain(left, Box::new(self.after_dot(40)?)),
            "|" => Tree::Chain(left, self.boxed(1)?),
            "||" => Tree::Or(left, self.boxed(2)?),
            "&&" => Tree::And(left, self.boxed(3)?),
            "[]" => return self.flattened(*left),
            "[?" => return self.filter(*left),
            "[" => return self.bracket(*left),
            _ => match comparison(sign) {
                Some(kind) => Tree::Compare(kind, left, self.boxed(5)?),
                None => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
            },
        })
    }

    /// What may follow a dot: a name, a call, `*`, `[a, b]` or `{a: b}`.
    fn after_dot(&mut self, power: u8) -> Result<Tree, Problem> {
        match self.peek() {
            Token::Name(_) | Token::Quoted(_) | Token::Sign("*") => self.expression(power),
            Token::Sign("[") => {
                self.at += 1;
                self.list()
            }
            Token::Sign("{") => {
                self.at += 1;
                self.hash()
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The right side of a projection, which reaches as far as signs bind.
    fn projected(&mut self, least: u8) -> Result<Tree, Problem> {
        match self.peek() {
            token if power(token) < PROJECTION_STOP => Ok(Tree::Current),
            Token::Sign("[" | "[?") => self.expression(least),
            Token::Sign(".") => {
                self.at += 1;
                self.after_dot(least)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn flattened(&mut self, left: Tree) -> Result<Tree, Problem> {
        let right = self.projected(9)?;
        Ok(Tree::Each(Box::new(Tree::Flatten(Box::new(left))), Box::new(right)))
    }

    fn filter(&mut self, left: Tree) -> Result<Tree, Problem> {
        let condition = self.boxed(0)?;
        self.need("]")?;
        let right = if self.is("[]") { Tree::Current } else { self.projected(21)? };
        Ok(Tree::Filter(Box::new(left), Box::new(right), condition))
    }

    /// After `[`: a number, a slice or `*`.
    fn bracket(&mut self, left: Tree) -> Result<Tree, Problem> {
        let left = Box::new(left);
        if self.take("*") {
            self.need("]")?;
            return Ok(Tree::Each(left, Box::new(self.projected(20)?)));
        }
        let mut parts = [None; 3];
        let mut colons = 0;
        loop {
            match self.next() {
                Token::Number(number) if parts[colons].is_none() => parts[colons] = Some(number),
                Token::Sign(":") if colons < 2 => colons += 1,
                Token::Sign("]") => break,
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
            }
        }
        match parts[0] {
            Some(index) if colons == 0 => Ok(Tree::Chain(left, Box::new(Tree::Index(index)))),
            None if colons == 0 => Err(self.unexpected()),
            _ => {
                let sliced = Tree::Chain(left, Box::new(Tree::Slice(parts)));
                Ok(Tree::Each(Box::new(sliced), Box::new(self.projected(20)?)))
            }
        }
    }

    fn list(&mut self) -> Result<Tree, Problem> {
        let mut items = vec![self.expression(0)?];
        while self.take(",") {
            items.push(self.expression(0)?);
        }
        self.need("]")?;
        Ok(Tree::List(items))
    }

    fn hash(&mut self) -> Result<Tree, Problem> {
        let mut entries = Vec::new();
        loop {
            let (Token::Name(key) | Token::Quoted(key)) = self.next() else {
                self.at -= 1;
                return Err(self.unexpected());
            };
            self.need(":")?;
            entries.push((key, self.expression(0)?));
            if !self.take(",") {
                break;
            }
        }
        self.need("}")?;
        Ok(Tree::Hash(entries))
    }

    fn call(&mut self, name: String) -> Result<Tree, Problem> {
        let mut args = Vec::new();
        while !self.take(")") {
            if !args.is_empty() {
                self.need(",")?;
            }
            args.push(self.expression(0)?);
        }
        Ok(Tree::Call(name, args))
    }
}

fn comparison(sign: &str) -> Option<Comparison> {
    Some(match sign {
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterEqual,
        _ => return None,
    })
}
