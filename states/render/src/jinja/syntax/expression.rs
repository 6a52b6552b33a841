//! Expressions, weakest operator first: `if else`, `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`, `**`,
//! unary, then what follows a value: `.name`, `[item]`, `(call)`, `|filter`, `is test`.

use super::lexer::{Parsed, SyntaxError};
use super::parser::Parser;
use super::token::Token;
use super::{CallArgs, Comparison, Expr, ExprKind, FilterCall, Operator, Pos};
use crate::jinja::value::Val;
use crate::limits::SYNTAX_DEPTH_MAX;
use std::rc::Rc;

fn expr(pos: Pos, kind: ExprKind) -> Expr {
    Expr { pos, kind: Box::new(kind) }
}

impl Parser {
    /// An expression, or several with commas as a tuple.
    pub(super) fn tuple(&mut self) -> Parsed<Expr> {
        self.tuple_of(Parser::expression)
    }

    /// Like [`tuple`](Parser::tuple), where `if` belongs to the tag: the list a `for` goes through.
    pub(super) fn tuple_without_if(&mut self) -> Parsed<Expr> {
        self.tuple_of(Parser::or)
    }

    fn tuple_of(&mut self, item: fn(&mut Parser) -> Parsed<Expr>) -> Parsed<Expr> {
        let pos = self.pos();
        let first = item(self)?;
        if !self.is_sign(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take_sign(",") && !self.ends_tuple() {
            items.push(item(self)?);
        }
        Ok(expr(pos, ExprKind::Tuple(items)))
    }

    fn ends_tuple(&self) -> bool {
        matches!(self.token(), Token::BlockEnd | Token::PrintEnd | Token::End | Token::Sign(")" | "]" | "="))
            || self.is_name("in")
    }

    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(|parser| {
            let pos = parser.pos();
            let mut value = parser.or()?;
            while parser.take_name("if") {
                let test = parser.or()?;
                let otherwise = parser.take_name("else").then(|| parser.expression()).transpose()?;
                value = expr(pos, ExprKind::Conditional { test, then: value, otherwise });
            }
            Ok(value)
        })
    }

    /// A chain of one level's operators, left to right. The tree leans to the left, so its length is held, too.
    fn chain<O>(
        &mut self,
        next: fn(&mut Parser) -> Parsed<Expr>,
        operator: impl Fn(&mut Parser) -> Option<O>,
        join: fn(O, Expr, Expr) -> ExprKind,
    ) -> Parsed<Expr> {
        let mut left = next(self)?;
        for length in 0.. {
            let pos = self.pos();
            let Some(operator) = operator(self) else { break };
            self.held(length)?;
            let right = next(self)?;
            left = expr(pos, join(operator, left, right));
        }
        Ok(left)
    }

    fn held(&self, length: usize) -> Parsed<()> {
        if length < SYNTAX_DEPTH_MAX {
            return Ok(());
        }
        let message = format!("more than {SYNTAX_DEPTH_MAX} parts are chained here");
        Err(SyntaxError::new(self.pos(), message).hint("join lists and texts with the filter `join`"))
    }

    fn or(&mut self) -> Parsed<Expr> {
        let or = |parser: &mut Parser| parser.take_name("or").then_some(());
        self.chain(Parser::and, or, |(), left, right| ExprKind::Or(left, right))
    }

    fn and(&mut self) -> Parsed<Expr> {
        let and = |parser: &mut Parser| parser.take_name("and").then_some(());
        self.chain(Parser::not, and, |(), left, right| ExprKind::And(left, right))
    }

    fn not(&mut self) -> Parsed<Expr> {
        let pos = self.pos();
        if self.take_name("not") {
            let inner = self.nested(Parser::not)?;
            return Ok(expr(pos, ExprKind::Not(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let pos = self.pos();
        let first = self.sum()?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.comparison_sign() {
            rest.push((comparison, self.sum()?));
        }
        if rest.is_empty() { Ok(first) } else { Ok(expr(pos, ExprKind::Compare(first, rest))) }
    }

    fn comparison_sign(&mut self) -> Option<Comparison> {
        let comparison = match self.token() {
            Token::Sign("==") => Comparison::Equal,
            Token::Sign("!=") => Comparison::NotEqual,
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::LessEqual,
            Token::Sign(">") => Comparison::Greater,
            Token::Sign(">=") => Comparison::GreaterEqual,
            Token::Name(name) if &**name == "in" => Comparison::In,
            Token::Name(name)
                if &**name == "not" && matches!(self.after(), Token::Name(n) if &**n == "in") =>
            {
                self.advance();
                Comparison::NotIn
            }
            _ => return None,
        };
        self.advance();
        Some(comparison)
    }

    fn sum(&mut self) -> Parsed<Expr> {
        let operator = |parser: &mut Parser| {
            if parser.take_sign("+") {
                return Some(Operator::Add);
            }
            parser.take_sign("-").then_some(Operator::Subtract)
        };
        self.chain(Parser::concat, operator, ExprKind::Binary)
    }

    fn concat(&mut self) -> Parsed<Expr> {
        let pos = self.pos();
        let mut parts = vec![self.product()?];
        while self.take_sign("~") {
            parts.push(self.product()?);
        }
        if parts.len() > 1 {
            return Ok(expr(pos, ExprKind::Concat(parts)));
        }
        Ok(parts.swap_remove(0))
    }

    fn product(&mut self) -> Parsed<Expr> {
        let operator = |parser: &mut Parser| {
            let operator = match parser.token() {
                Token::Sign("*") => Operator::Multiply,
                Token::Sign("/") => Operator::Divide,
                Token::Sign("//") => Operator::FloorDivide,
                Token::Sign("%") => Operator::Modulo,
                _ => return None,
            };
            parser.advance();
            Some(operator)
        };
        self.chain(Parser::power, operator, ExprKind::Binary)
    }

    /// Left to right and weaker than a sign, unlike Python's: `-2**2` is 4.
    fn power(&mut self) -> Parsed<Expr> {
        let operator = |parser: &mut Parser| parser.take_sign("**").then_some(Operator::Power);
        self.chain(Parser::unary_with_filters, operator, ExprKind::Binary)
    }

    fn unary_with_filters(&mut self) -> Parsed<Expr> {
        self.unary(true)
    }

    /// A filter binds weaker than a sign: `-1|abs` is `(-1)|abs`.
    fn unary(&mut self, with_filters: bool) -> Parsed<Expr> {
        let pos = self.pos();
        let node = if self.take_sign("-") {
            expr(pos, ExprKind::Negative(self.nested(|parser| parser.unary(false))?))
        } else if self.take_sign("+") {
            expr(pos, ExprKind::Positive(self.nested(|parser| parser.unary(false))?))
        } else {
            let primary = self.primary()?;
            self.postfix(primary)?
        };
        if with_filters { self.filters(node) } else { Ok(node) }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let pos = self.pos();
        let kind = match self.token().clone() {
            Token::Name(name) => {
                self.advance();
                self.named(name)
            }
            Token::Str(text) => {
                self.advance();
                ExprKind::Const(Val::Str(self.adjacent(text)))
            }
            Token::Int(number) => {
                self.advance();
                ExprKind::Const(Val::Int(number))
            }
            Token::Float(number) => {
                self.advance();
                ExprKind::Const(Val::Float(number))
            }
            Token::Sign("(") => return self.parenthesis(),
            Token::Sign("[") => {
                self.advance();
                ExprKind::List(self.items("]")?)
            }
            Token::Sign("{") => self.dict()?,
            Token::Sign("}") | Token::PrintBegin => {
                return Err(self
                    .unexpected("a value")
                    .hint("tags do not stand inside tags: write the name alone"));
            }
            _ => return Err(self.unexpected("a value")),
        };
        Ok(expr(pos, kind))
    }

    fn named(&mut self, name: Rc<str>) -> ExprKind {
        match &*name {
            "true" | "True" => ExprKind::Const(Val::Bool(true)),
            "false" | "False" => ExprKind::Const(Val::Bool(false)),
            "none" | "None" => ExprKind::Const(Val::None),
            _ => {
                if let Some((varargs, kwargs)) = self.macros.last_mut() {
                    *varargs |= &*name == "varargs";
                    *kwargs |= &*name == "kwargs";
                }
                ExprKind::Name(name)
            }
        }
    }

    fn adjacent(&mut self, first: Rc<str>) -> Rc<str> {
        let mut text = first.to_string();
        while let Token::Str(more) = self.token().clone() {
            self.advance();
            text.push_str(&more);
        }
        text.into()
    }

    fn parenthesis(&mut self) -> Parsed<Expr> {
        let pos = self.pos();
        self.advance();
        if self.take_sign(")") {
            return Ok(expr(pos, ExprKind::Tuple(Vec::new())));
        }
        let inner = self.tuple()?;
        self.expect_sign(")")?;
        Ok(inner)
    }

    fn items(&mut self, close: &'static str) -> Parsed<Vec<Expr>> {
        let mut items = Vec::new();
        while !self.take_sign(close) {
            if !items.is_empty() {
                self.expect_sign(",")?;
                if self.take_sign(close) {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        Ok(items)
    }

    fn dict(&mut self) -> Parsed<ExprKind> {
        self.advance();
        let mut entries = Vec::new();
        while !self.take_sign("}") {
            if !entries.is_empty() {
                self.expect_sign(",")?;
                if self.take_sign("}") {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect_sign(":")?;
            entries.push((key, self.expression()?));
        }
        Ok(ExprKind::Dict(entries))
    }

    /// `.name`, `.0`, `[item]` and calls.
    fn postfix(&mut self, mut value: Expr) -> Parsed<Expr> {
        for length in 0.. {
            let pos = self.pos();
            value = if self.take_sign(".") {
                self.attribute(value)?
            } else if self.take_sign("[") {
                self.subscript(pos, value)?
            } else if self.is_sign("(") {
                let args = self.call_args()?;
                expr(value.pos, ExprKind::Call(value, args))
            } else {
                break;
            };
            self.held(length)?;
        }
        Ok(value)
    }

    fn attribute(&mut self, value: Expr) -> Parsed<Expr> {
        let pos = self.pos();
        match self.token().clone() {
            Token::Name(name) => {
                self.advance();
                Ok(expr(pos, ExprKind::Attribute(value, name)))
            }
            Token::Int(index) => {
                self.advance();
                let index = expr(pos, ExprKind::Const(Val::Int(index)));
                Ok(expr(pos, ExprKind::Item(value, index)))
            }
            _ => Err(self.unexpected("a name after the point")),
        }
    }

    fn subscript(&mut self, pos: Pos, value: Expr) -> Parsed<Expr> {
        let mut parts = [None, None, None];
        let (mut at, mut is_slice) = (0, false);
        while !self.is_sign("]") {
            if self.take_sign(":") {
                is_slice = true;
                at += 1;
            } else if let Some(part) = parts.get_mut(at).filter(|part| part.is_none()) {
                *part = Some(self.tuple()?);
            } else {
                return Err(self.unexpected("`]`"));
            }
        }
        self.expect_sign("]")?;
        match parts {
            [Some(index), None, None] if !is_slice => Ok(expr(pos, ExprKind::Item(value, index))),
            _ if !is_slice => Err(SyntaxError::new(pos, "an index is missing between the brackets")),
            parts => Ok(expr(pos, ExprKind::Slice(value, parts))),
        }
    }

    pub(super) fn call_args(&mut self) -> Parsed<CallArgs> {
        self.expect_sign("(")?;
        let mut args = CallArgs::default();
        let mut first = true;
        while !self.take_sign(")") {
            if !first {
                self.expect_sign(",")?;
                if self.take_sign(")") {
                    break;
                }
            }
            first = false;
            self.argument(&mut args)?;
        }
        Ok(args)
    }

    fn argument(&mut self, args: &mut CallArgs) -> Parsed<()> {
        if self.take_sign("**") {
            args.double_star = Some(Box::new(self.expression()?));
        } else if self.take_sign("*") {
            args.star = Some(Box::new(self.expression()?));
        } else if matches!(self.token(), Token::Name(_)) && matches!(self.after(), Token::Sign("=")) {
            let name = self.name()?;
            self.advance();
            args.named.push((name, self.expression()?));
        } else if args.named.is_empty() {
            args.positional.push(self.expression()?);
        } else {
            return Err(SyntaxError::new(self.pos(), "a positional argument follows one with a name"));
        }
        Ok(())
    }

    /// `|filter(...)` and `is test`, as often as they follow.
    fn filters(&mut self, mut value: Expr) -> Parsed<Expr> {
        for length in 0.. {
            value = if self.take_sign("|") {
                let call = self.filter_call()?;
                expr(call.pos, ExprKind::Filter(value, call))
            } else if self.take_name("is") {
                self.test(value)?
            } else if self.is_sign("(") {
                let args = self.call_args()?;
                expr(value.pos, ExprKind::Call(value, args))
            } else {
                break;
            };
            self.held(length)?;
        }
        Ok(value)
    }

    pub(super) fn filter_call(&mut self) -> Parsed<FilterCall> {
        let pos = self.pos();
        let mut name = self.name()?.to_string();
        while self.take_sign(".") {
            name = format!("{name}.{}", self.name()?);
        }
        let args = if self.is_sign("(") { self.call_args()? } else { CallArgs::default() };
        Ok(FilterCall { pos, name: name.into(), args })
    }

    /// What follows `is`: a name, with arguments in brackets or one argument without.
    fn test(&mut self, value: Expr) -> Parsed<Expr> {
        let pos = self.pos();
        let negated = self.take_name("not");
        let name = self.name()?;
        let mut args = CallArgs::default();
        if self.is_sign("(") {
            args = self.call_args()?;
        } else if self.begins_argument() {
            let primary = self.primary()?;
            args.positional.push(self.postfix(primary)?);
        }
        let test = expr(pos, ExprKind::Test(value, FilterCall { pos, name, args }));
        if negated { Ok(expr(pos, ExprKind::Not(test))) } else { Ok(test) }
    }

    fn begins_argument(&self) -> bool {
        match self.token() {
            Token::Name(name) => !matches!(&**name, "else" | "or" | "and" | "is" | "if" | "in" | "not"),
            Token::Str(_) | Token::Int(_) | Token::Float(_) | Token::Sign("[" | "{") => true,
            _ => false,
        }
    }
}
