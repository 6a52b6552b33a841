//! The commands: parses what the user typed, wires the rooms together, and picks an exit code.
