//! One session against hosts that behave, and against hosts that do not.

mod auth;
mod bootstrap;
mod cuts;
mod floods;
mod hangs;
mod noise;
mod trust;
