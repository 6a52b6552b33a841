//! The file server behind `salt://`.
