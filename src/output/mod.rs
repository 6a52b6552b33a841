//! What people see: results on stdout, progress on stderr.
