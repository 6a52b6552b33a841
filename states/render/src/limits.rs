//! What a document or a template may cost, stated once.
//!
//! Rosters, pillars and state files come from people and from hosts. Whatever they hold, reading them ends soon
//! and takes little memory: everything beyond these figures is an error that says which figure it was.

/// Bytes of one YAML document or template source.
pub const SOURCE_BYTES_MAX: usize = 8 << 20;

/// Collections inside collections in YAML, aliases followed.
pub const YAML_DEPTH_MAX: usize = 128;

/// Scalars, lists and maps of one document, each alias counted as the nodes it stands for.
pub const YAML_NODES_MAX: usize = 1_000_000;

/// Steps of one rendering: statements, expressions and rounds of built-in loops. About a second of work.
pub const RENDER_STEPS_MAX: u64 = 5_000_000;

/// Bytes a rendering may write, text that is captured by `set` and macros included.
pub const RENDER_BYTES_MAX: usize = 16 << 20;

/// Longest text or list one operation may make: `"a" * n`, `center(n)`, `range(n)` is held to [`RANGE_MAX`].
pub const OBJECT_BYTES_MAX: usize = 16 << 20;

/// Numbers of one `range`.
pub const RANGE_MAX: usize = 100_000;

/// Expressions, blocks, macros and includes inside each other while a template runs.
pub const RENDER_DEPTH_MAX: usize = 600;

/// Templates that include or import each other.
pub const INCLUDE_DEPTH_MAX: usize = 50;

/// Brackets, blocks and operators inside each other in a template's source.
pub const SYNTAX_DEPTH_MAX: usize = 100;
