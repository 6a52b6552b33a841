//! The configuration of the controller.
