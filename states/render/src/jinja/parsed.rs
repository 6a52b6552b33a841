//! Templates that many renderings are of, or import, parsed once.

use super::Settings;
use super::fault::Outcome;
use super::syntax::{Template, parse};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Bytes of sources that are kept with their trees. Beyond them all begins anew: a large state tree has many files that
/// are rendered only once.
const SOURCE_BYTES_MAX: usize = 256 << 10;

/// Parsed templates by path; a [`Loader`](super::Loader) that lives longer than one rendering keeps them.
#[derive(Default)]
pub struct Parsed(RefCell<Kept>);

#[derive(Default)]
struct Kept {
    templates: HashMap<(String, Settings), Source>,
    source_bytes: usize,
}

/// A source, and its tree.
type Source = (String, Rc<Template>);

impl Parsed {
    /// The template `path`, parsed anew where its source is another than the last time.
    pub(super) fn get(&self, source: String, path: &str, settings: &Settings) -> Outcome<Rc<Template>> {
        let key = (path.to_owned(), settings.clone());
        if let Some((_, template)) = self.0.borrow().templates.get(&key).filter(|(known, _)| *known == source)
        {
            return Ok(template.clone());
        }
        let template = parse(&source, path, settings)?;
        let mut kept = self.0.borrow_mut();
        if kept.source_bytes + source.len() > SOURCE_BYTES_MAX {
            *kept = Kept::default();
        }
        kept.source_bytes += source.len();
        kept.templates.insert(key, (source, template.clone()));
        Ok(template)
    }
}
