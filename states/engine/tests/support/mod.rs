//! Trees of plain YAML in memory, for tests of the compiler.

use halite_engine::{Place, Rendered, Source};
use halite_render::yaml::{self, Node};
use halite_wire::{Map, Value};

/// Environments with their files.
pub struct Files {
    pub environments: Vec<(String, Vec<(String, String)>)>,
}

impl Files {
    /// `{path: text}` of `base`, or `{environment: {path: text}}`.
    pub fn new(files: &Map) -> Files {
        let nested = !files.is_empty() && files.values().all(|value| value.as_map().is_some());
        let tree = |files: &Map| -> Vec<(String, String)> {
            files.iter().map(|(path, text)| (word(path), word(text))).collect()
        };
        let mut environments = vec![("base".to_owned(), Vec::new())];
        match nested {
            false => environments[0].1 = tree(files),
            true => {
                for (saltenv, files) in files {
                    let (saltenv, files) = (word(saltenv), tree(files.as_map().unwrap()));
                    environments.retain(|(known, _)| *known != saltenv);
                    environments.push((saltenv, files));
                }
                environments.sort_by_key(|(saltenv, _)| saltenv != "base");
            }
        }
        Files { environments }
    }

    fn of(&self, saltenv: &str) -> &[(String, String)] {
        self.environments.iter().find(|(own, _)| own == saltenv).map_or(&[], |(_, files)| files)
    }

    /// The file with every `{{ name }}` replaced by the variable: all of Jinja that trees here may use.
    fn file(&self, saltenv: &str, path: &str, variables: &Map) -> Result<Option<Rendered>, String> {
        let Some((_, text)) = self.of(saltenv).iter().find(|(own, _)| own == path) else { return Ok(None) };
        let mut text = text.clone();
        for (name, value) in variables {
            let name = name.as_str().unwrap_or_default();
            text = text.replace(&format!("{{{{ {name} }}}}"), &halite_render::repr::repr(value));
        }
        let node = yaml::load(&text).map_err(|error| format!("salt://{path}: {error}"))?;
        let data = Some(node.to_value()).filter(Value::is_truthy).unwrap_or(Value::Map(Map::new()));
        Ok(Some(Rendered { path: path.to_owned(), data, places: places(path, &node) }))
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn places(path: &str, node: &Node) -> Vec<((String, Option<String>), Place)> {
    let place = |node: &Node| Place {
        file: format!("salt://{path}"),
        line: node.mark.line,
        column: node.mark.column,
    };
    let mut found = Vec::new();
    for (id, body) in node.as_map().unwrap_or_default() {
        let Some(name) = id.as_str() else { continue };
        found.push(((name.to_owned(), None), place(id)));
        for (key, _) in body.as_map().unwrap_or_default() {
            found.extend(key.as_str().map(|inner| ((name.to_owned(), Some(inner.to_owned())), place(key))));
        }
    }
    found
}

impl Source for Files {
    fn environments(&mut self) -> Vec<String> {
        self.environments.iter().map(|(saltenv, _)| saltenv.clone()).collect()
    }

    fn sls_names(&mut self, saltenv: &str) -> Result<Vec<String>, String> {
        let dotted = |path: &String| {
            let name = path.strip_suffix("/init.sls").or_else(|| path.strip_suffix(".sls"))?;
            Some(name.replace('/', "."))
        };
        let mut names: Vec<String> = self.of(saltenv).iter().filter_map(|(path, _)| dotted(path)).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn sls(&mut self, saltenv: &str, name: &str, variables: &Map) -> Result<Option<Rendered>, String> {
        let path = name.replace('.', "/");
        let plain = self.file(saltenv, &format!("{path}.sls"), variables)?;
        if plain.is_some() { Ok(plain) } else { self.file(saltenv, &format!("{path}/init.sls"), variables) }
    }

    fn top(&mut self, saltenv: &str) -> Result<Option<Rendered>, String> {
        self.file(saltenv, "top.sls", &Map::new())
    }
}
