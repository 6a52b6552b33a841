//! Templates that many renderings import, parsed once.

use super::Settings;
use super::fault::Outcome;
use super::syntax::{Template, parse};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Parsed templates by path; a [`Loader`](super::Loader) that lives longer than one rendering keeps them.
#[derive(Default)]
pub struct Parsed(RefCell<HashMap<(String, Settings), Source>>);

/// A source, and its tree.
type Source = (String, Rc<Template>);

impl Parsed {
    /// The template `path`, parsed anew where its source is another than the last time.
    pub(super) fn get(&self, source: String, path: &str, settings: Settings) -> Outcome<Rc<Template>> {
        let key = (path.to_owned(), settings);
        if let Some((_, template)) = self.0.borrow().get(&key).filter(|(known, _)| *known == source) {
            return Ok(template.clone());
        }
        let template = parse(&source, path, settings)?;
        self.0.borrow_mut().insert(key, (source, template.clone()));
        Ok(template)
    }
}
