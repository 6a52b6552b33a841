//! Salt's dialect of templates and data. What templates call (`salt[...]`, files) is injected.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod yaml;
