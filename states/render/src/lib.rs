//! Salt's dialect of templates and data. What templates call (`salt[...]`, files) is injected.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod args;
mod base64;
mod excerpt;
pub mod jinja;
pub mod limits;
pub mod repr;
pub mod suggest;
pub mod template;
pub mod yaml;
