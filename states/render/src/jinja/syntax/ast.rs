//! The tree of a template.

use super::super::value::Val;
use std::collections::HashMap;
use std::rc::Rc;

/// Line and column in the source, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pos {
    pub line: u32,
    pub column: u32,
}

pub struct Template {
    pub name: Rc<str>,
    pub source: Rc<str>,
    pub body: Vec<Stmt>,
    pub blocks: HashMap<Rc<str>, Rc<BlockDef>>,
}

impl Template {
    /// A text that is data: messages show it as they show templates.
    pub fn of_data(name: &str, source: &str) -> Rc<Template> {
        let (name, source) = (name.into(), source.into());
        Rc::new(Template { name, source, body: Vec::new(), blocks: HashMap::new() })
    }
}

pub struct BlockDef {
    pub name: Rc<str>,
    pub body: Vec<Stmt>,
    /// Sees the variables around it.
    pub scoped: bool,
}

/// A macro, or the body of a `call` block.
pub struct MacroDef {
    pub name: Rc<str>,
    pub params: Vec<Param>,
    pub body: Vec<Stmt>,
    /// It names `varargs` or `kwargs`, so it takes more than its parameters.
    pub takes_varargs: bool,
    pub takes_kwargs: bool,
}

pub struct Param {
    pub name: Rc<str>,
    pub default: Option<Expr>,
}

pub struct Stmt {
    pub pos: Pos,
    pub kind: StmtKind,
}

pub enum StmtKind {
    Text(Rc<str>),
    Print(Expr),
    Do(Expr),
    /// Tests with their bodies, then the `else`.
    If(Vec<(Expr, Vec<Stmt>)>, Vec<Stmt>),
    For(Rc<For>),
    Set(Target, Expr),
    /// `set x | filter` to `endset`.
    SetBlock(Target, Vec<FilterCall>, Vec<Stmt>),
    With(Vec<(Target, Expr)>, Vec<Stmt>),
    Filter(Vec<FilterCall>, Vec<Stmt>),
    Macro(Rc<MacroDef>),
    /// The call, and the block handed to it as `caller`.
    Call(Expr, Rc<MacroDef>),
    Block(Rc<BlockDef>),
    Extends(Expr),
    Include {
        path: Expr,
        ignore_missing: bool,
        with_context: bool,
    },
    Import {
        path: Expr,
        target: Rc<str>,
        with_context: bool,
    },
    /// Names and what they are called here.
    FromImport {
        path: Expr,
        names: Vec<(Rc<str>, Rc<str>)>,
        with_context: bool,
    },
    /// `load_yaml as x` to `endload`.
    Load(Format, Target, Vec<Stmt>),
    ImportData {
        format: Format,
        path: Expr,
        target: Target,
        with_context: bool,
    },
    Scope(Vec<Stmt>),
    Break,
    Continue,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Json,
    Text,
}

pub struct For {
    pub target: Target,
    pub iter: Expr,
    pub filter: Option<Expr>,
    pub recursive: bool,
    pub body: Vec<Stmt>,
    pub otherwise: Vec<Stmt>,
}

pub enum Target {
    Name(Rc<str>),
    Tuple(Vec<Target>),
    /// `set ns.x = ...`
    Attribute(Rc<str>, Rc<str>),
}

pub struct FilterCall {
    pub pos: Pos,
    pub name: Rc<str>,
    pub args: CallArgs,
}

#[derive(Default)]
pub struct CallArgs {
    pub positional: Vec<Expr>,
    pub named: Vec<(Rc<str>, Expr)>,
    pub star: Option<Box<Expr>>,
    pub double_star: Option<Box<Expr>>,
}

pub struct Expr {
    pub pos: Pos,
    pub kind: Box<ExprKind>,
}

pub enum ExprKind {
    Const(Val),
    Name(Rc<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Attribute(Expr, Rc<str>),
    Item(Expr, Expr),
    Slice(Expr, [Option<Expr>; 3]),
    Call(Expr, CallArgs),
    /// Without a value inside a `filter` block.
    Filter(Expr, FilterCall),
    Test(Expr, FilterCall),
    Not(Expr),
    Negative(Expr),
    Positive(Expr),
    Binary(Operator, Expr, Expr),
    /// `a < b < c`
    Compare(Expr, Vec<(Comparison, Expr)>),
    And(Expr, Expr),
    Or(Expr, Expr),
    /// `a if test else b`
    Conditional {
        test: Expr,
        then: Expr,
        otherwise: Option<Expr>,
    },
    Concat(Vec<Expr>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
}
