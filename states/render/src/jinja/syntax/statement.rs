//! Tags: `if`, `for`, `set`, `macro`, `import` and the others.

use super::lexer::{Parsed, SyntaxError};
use super::parser::Parser;
use super::token::Token;
use super::*;
use crate::suggest;
use std::rc::Rc;

/// Every tag that may begin a statement, for messages.
const TAGS: &str = "if, for, set, do, macro, call, filter, with, block, extends, include, import, from, load_yaml, \
                    load_json, load_text, import_yaml, import_json, import_text, break, continue, raw, profile, autoescape";

impl Parser {
    /// Statements up to one of the tags `ends`, which is left as the next token; with none, to the end.
    pub(super) fn body(&mut self, ends: &[&str]) -> Parsed<Vec<Stmt>> {
        let mut body = Vec::new();
        loop {
            let pos = self.pos();
            let kind = match self.token().clone() {
                Token::Text(text) => {
                    self.advance();
                    StmtKind::Text(text)
                }
                Token::PrintBegin => {
                    self.advance();
                    let value = self.tuple()?;
                    self.expect(&Token::PrintEnd)?;
                    StmtKind::Print(value)
                }
                Token::BlockBegin => {
                    self.advance();
                    if ends.iter().any(|end| self.is_name(end)) {
                        return Ok(body);
                    }
                    let pos = self.pos();
                    let name = self.name()?;
                    self.nested(|parser| parser.tag(&name, pos))?
                }
                Token::End if ends.is_empty() => return Ok(body),
                _ => return Err(self.unclosed(ends)),
            };
            body.push(Stmt { pos, kind });
        }
    }

    fn unclosed(&self, ends: &[&str]) -> SyntaxError {
        let end = ends.last().copied().unwrap_or("");
        let (tag, pos) = self.open.last().copied().unwrap_or(("the tag", self.pos()));
        SyntaxError::new(pos, format!("`{tag}` is not closed"))
            .hint(format!("it ends with `{} {end} {}`", self.marks.block.0, self.marks.block.1))
    }

    fn tag(&mut self, name: &str, pos: Pos) -> Parsed<StmtKind> {
        match name {
            "if" => self.if_tag(pos),
            "for" => self.for_tag(pos),
            "set" => self.set_tag(pos),
            "do" => {
                let value = self.tuple()?;
                self.end_of_tag()?;
                Ok(StmtKind::Do(value))
            }
            "macro" => self.macro_tag(pos),
            "call" => self.call_tag(pos),
            "filter" => {
                let filters = self.filter_chain()?;
                Ok(StmtKind::Filter(filters, self.closed_body("filter", "endfilter", pos)?))
            }
            "with" => self.with_tag(pos),
            "block" => self.block_tag(pos),
            "extends" => {
                let path = self.expression()?;
                self.end_of_tag()?;
                Ok(StmtKind::Extends(path))
            }
            "include" => self.include_tag(),
            "import" => self.import_tag(),
            "from" => self.names_tag(),
            "autoescape" => {
                self.expression()?;
                Ok(StmtKind::Scope(self.closed_body("autoescape", "endautoescape", pos)?))
            }
            "profile" => {
                self.expect_keyword("as")?;
                self.expression()?;
                Ok(StmtKind::Scope(self.closed_body("profile", "endprofile", pos)?))
            }
            "break" | "continue" => self.loop_control(name, pos),
            _ => self.data_tag(name, pos),
        }
    }

    fn end_of_tag(&mut self) -> Parsed<()> {
        self.expect(&Token::BlockEnd)
    }

    /// The end of a tag that has a body. There may be a colon, as in Python.
    fn begin_body(&mut self) -> Parsed<()> {
        self.take_sign(":");
        self.end_of_tag()
    }

    /// The rest of the opening tag, the body, and the closing tag.
    fn closed_body(&mut self, tag: &'static str, end: &'static str, pos: Pos) -> Parsed<Vec<Stmt>> {
        self.begin_body()?;
        self.open.push((tag, pos));
        let body = self.body(&[end])?;
        self.open.pop();
        self.advance();
        // `{% endblock name %}`
        if end == "endblock" && matches!(self.token(), Token::Name(_)) {
            self.advance();
        }
        self.end_of_tag()?;
        Ok(body)
    }

    fn if_tag(&mut self, pos: Pos) -> Parsed<StmtKind> {
        let (mut branches, mut otherwise) = (Vec::new(), Vec::new());
        self.open.push(("if", pos));
        let mut test = self.tuple()?;
        loop {
            self.begin_body()?;
            let body = self.body(&["elif", "else", "endif"])?;
            branches.push((test, body));
            if self.take_name("elif") {
                test = self.tuple()?;
                continue;
            }
            if self.take_name("else") {
                self.begin_body()?;
                otherwise = self.body(&["endif"])?;
            }
            self.advance();
            self.end_of_tag()?;
            self.open.pop();
            return Ok(StmtKind::If(branches, otherwise));
        }
    }

    fn for_tag(&mut self, pos: Pos) -> Parsed<StmtKind> {
        let target = self.target()?;
        self.expect_keyword("in")?;
        let iter = self.tuple_without_if()?;
        let filter = self.take_name("if").then(|| self.expression()).transpose()?;
        let recursive = self.take_name("recursive");
        self.begin_body()?;
        self.open.push(("for", pos));
        self.loops += 1;
        let body = self.body(&["else", "endfor"])?;
        self.loops -= 1;
        let otherwise = match self.take_name("else") {
            true => {
                self.begin_body()?;
                self.body(&["endfor"])?
            }
            false => Vec::new(),
        };
        self.advance();
        self.end_of_tag()?;
        self.open.pop();
        Ok(StmtKind::For(Rc::new(For { target, iter, filter, recursive, body, otherwise })))
    }

    /// `a`, `a, b`, `(a, b)`, `a, (b, c)`, `ns.a`.
    fn target(&mut self) -> Parsed<Target> {
        let mut parts = vec![self.one_target()?];
        let mut is_tuple = false;
        while self.take_sign(",") {
            is_tuple = true;
            if !matches!(self.token(), Token::Name(_) | Token::Sign("(")) || self.is_name("in") {
                break;
            }
            parts.push(self.one_target()?);
        }
        Ok(if is_tuple { Target::Tuple(parts) } else { parts.swap_remove(0) })
    }

    fn one_target(&mut self) -> Parsed<Target> {
        if self.take_sign("(") {
            let inner = self.nested(Parser::target)?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        let name = self.name()?;
        match self.take_sign(".") {
            true => Ok(Target::Attribute(name, self.name()?)),
            false => Ok(Target::Name(name)),
        }
    }

    fn set_tag(&mut self, pos: Pos) -> Parsed<StmtKind> {
        let target = self.target()?;
        if self.take_sign("=") {
            let value = self.tuple()?;
            self.end_of_tag()?;
            return Ok(StmtKind::Set(target, value));
        }
        let filters = if self.take_sign("|") { self.filter_chain()? } else { Vec::new() };
        Ok(StmtKind::SetBlock(target, filters, self.closed_body("set", "endset", pos)?))
    }

    fn filter_chain(&mut self) -> Parsed<Vec<FilterCall>> {
        let mut filters = vec![self.filter_call()?];
        while self.take_sign("|") {
            filters.push(self.filter_call()?);
        }
        Ok(filters)
    }

    fn with_tag(&mut self, pos: Pos) -> Parsed<StmtKind> {
        let mut assignments = Vec::new();
        while *self.token() != Token::BlockEnd {
            if !assignments.is_empty() {
                self.expect_sign(",")?;
            }
            let target = self.one_target()?;
            self.expect_sign("=")?;
            assignments.push((target, self.expression()?));
        }
        Ok(StmtKind::With(assignments, self.closed_body("with", "endwith", pos)?))
    }

    fn params(&mut self) -> Parsed<Vec<Param>> {
        self.expect_sign("(")?;
        let mut params: Vec<Param> = Vec::new();
        while !self.take_sign(")") {
            if !params.is_empty() {
                self.expect_sign(",")?;
            }
            let name = self.name()?;
            let default = self.take_sign("=").then(|| self.expression()).transpose()?;
            params.push(Param { name, default });
        }
        Ok(params)
    }

    fn macro_body(
        &mut self,
        name: Rc<str>,
        params: Vec<Param>,
        tag: (&'static str, &'static str, Pos),
    ) -> Parsed<Rc<MacroDef>> {
        self.macros.push((false, false));
        let body = self.closed_body(tag.0, tag.1, tag.2)?;
        let (takes_varargs, takes_kwargs) = self.macros.pop().unwrap_or_default();
        Ok(Rc::new(MacroDef { name, params, body, takes_varargs, takes_kwargs }))
    }

    fn macro_tag(&mut self, pos: Pos) -> Parsed<StmtKind> {
        let name = self.name()?;
        let params = self.params()?;
        Ok(StmtKind::Macro(self.macro_body(name, params, ("macro", "endmacro", pos))?))
    }

    fn call_tag(&mut self, pos: Pos) -> Parsed<StmtKind> {
        let params = if self.is_sign("(") { self.params()? } else { Vec::new() };
        let call = self.expression()?;
        if !matches!(*call.kind, ExprKind::Call(..)) {
            return Err(SyntaxError::new(call.pos, "a call of a macro is expected after `call`"));
        }
        Ok(StmtKind::Call(call, self.macro_body("caller".into(), params, ("call", "endcall", pos))?))
    }

    fn block_tag(&mut self, pos: Pos) -> Parsed<StmtKind> {
        let name = self.name()?;
        let scoped = self.take_name("scoped");
        self.take_name("required");
        let body = self.closed_body("block", "endblock", pos)?;
        let block = Rc::new(BlockDef { name: name.clone(), body, scoped });
        if self.blocks.insert(name.clone(), block.clone()).is_some() {
            return Err(SyntaxError::new(pos, format!("the block `{name}` is there twice")));
        }
        Ok(StmtKind::Block(block))
    }

    /// `with context` or `without context`, where it follows.
    fn context(&mut self, default: bool) -> bool {
        let with = self.is_name("with");
        let follows = matches!(self.after(), Token::Name(name) if &**name == "context");
        if !follows || !with && !self.is_name("without") {
            return default;
        }
        self.advance();
        self.advance();
        with
    }

    fn include_tag(&mut self) -> Parsed<StmtKind> {
        let path = self.expression()?;
        let ignore_missing = self.take_name("ignore");
        if ignore_missing {
            self.expect_keyword("missing")?;
        }
        let with_context = self.context(true);
        self.end_of_tag()?;
        Ok(StmtKind::Include { path, ignore_missing, with_context })
    }

    fn import_tag(&mut self) -> Parsed<StmtKind> {
        let path = self.expression()?;
        self.expect_keyword("as")?;
        let target = self.name()?;
        let with_context = self.context(false);
        self.end_of_tag()?;
        Ok(StmtKind::Import { path, target, with_context })
    }

    fn names_tag(&mut self) -> Parsed<StmtKind> {
        let path = self.expression()?;
        self.expect_keyword("import")?;
        let mut names = Vec::new();
        let mut with_context = false;
        while *self.token() != Token::BlockEnd {
            if !names.is_empty() {
                with_context = self.context(false);
                if *self.token() == Token::BlockEnd {
                    break;
                }
                self.expect_sign(",")?;
                with_context = self.context(false);
                if *self.token() == Token::BlockEnd {
                    break;
                }
            }
            let name = self.name()?;
            let alias = if self.take_name("as") { self.name()? } else { name.clone() };
            names.push((name, alias));
        }
        self.end_of_tag()?;
        Ok(StmtKind::FromImport { path, names, with_context })
    }

    fn loop_control(&mut self, name: &str, pos: Pos) -> Parsed<StmtKind> {
        if self.loops == 0 {
            return Err(SyntaxError::new(pos, format!("`{name}` stands outside of a loop")));
        }
        self.end_of_tag()?;
        Ok(if name == "break" { StmtKind::Break } else { StmtKind::Continue })
    }

    /// `load_yaml as x` and `import_yaml 'path' as x`, for each format.
    fn data_tag(&mut self, name: &str, pos: Pos) -> Parsed<StmtKind> {
        let format = match name.rsplit('_').next() {
            Some("yaml") => Format::Yaml,
            Some("json") => Format::Json,
            Some("text") => Format::Text,
            _ => return Err(self.unknown_tag(name, pos)),
        };
        match name.split('_').next() {
            Some("load") => {
                self.expect_keyword("as")?;
                let target = self.target()?;
                Ok(StmtKind::Load(format, target, self.closed_body("load", "endload", pos)?))
            }
            Some("import") => {
                let path = self.expression()?;
                self.expect_keyword("as")?;
                let target = self.target()?;
                let with_context = self.context(false);
                self.end_of_tag()?;
                Ok(StmtKind::ImportData { format, path, target, with_context })
            }
            _ => Err(self.unknown_tag(name, pos)),
        }
    }
}

impl Parser {
    fn unknown_tag(&self, name: &str, pos: Pos) -> SyntaxError {
        if !name.starts_with("end") && !matches!(name, "else" | "elif") {
            let error = SyntaxError::new(pos, format!("there is no tag `{name}`"));
            return match suggest::nearest(name, TAGS.split(", ")) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("the tags are {TAGS}")),
            };
        }
        match self.open.last() {
            Some((tag, at)) => {
                SyntaxError::new(pos, format!("`{name}` does not belong to the `{tag}` of line {}", at.line))
                    .hint(format!("that one ends with `{{% end{tag} %}}`"))
            }
            None => SyntaxError::new(pos, format!("`{name}` closes nothing that is open here")),
        }
    }
}
