//! `halite run`: functions that run on the controller.
