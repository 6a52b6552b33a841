//! One SSH session: connect, trust, log in, start the thin, talk to it.
