//! Rosters as users write them: read, merged, refused, targeted and added to.

#![allow(clippy::unwrap_used)]

mod broken;
mod flat;
mod target;
mod update;
