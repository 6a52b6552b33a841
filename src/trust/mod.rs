//! Which host keys are known.
