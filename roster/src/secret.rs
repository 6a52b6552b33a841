//! Values that must not be seen.

use std::fmt;
use zeroize::Zeroize;

/// A password or passphrase. It cannot be printed, compared or serialised, and is wiped when dropped.
///
/// It does not implement `Display`, so it cannot slip into a message:
/// ```compile_fail
/// println!("{}", halite_roster::Secret::new("x".into()));
/// ```
/// Nor is it text by accident:
/// ```compile_fail
/// let text: String = halite_roster::Secret::new("x".into()).to_string();
/// ```
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Secret {
        Secret(text)
    }

    /// The text itself. Callers hand it to a cipher or a socket and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Structures that hold a secret can be debugged; the secret stays hidden.
impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("**********")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That it cannot be displayed or turned into text is held by the `compile_fail` examples above.
    #[test]
    fn sec_48_a_secret_inside_a_structure_stays_hidden() {
        #[derive(Debug)]
        struct Login {
            _passwd: Option<Secret>,
        }
        let login = Login { _passwd: Some(Secret::new("canary-in-debug".into())) };
        assert!(!format!("{login:?} {login:#?}").contains("canary"));
    }
}
