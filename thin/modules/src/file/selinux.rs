//! SELinux labels of files: read and set with the host's own `chcon`.

use super::path;
use crate::args::as_text;
use crate::process::{Command, which};
use crate::registry::CallError;
use crate::{Args, Bound, Ctx, call, paths};
use halite_wire::Value;
use std::path::Path;

/// Parts of a label that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    pub user: Option<String>,
    pub role: Option<String>,
    pub kind: Option<String>,
    pub range: Option<String>,
}

impl Label {
    /// Reads `{seuser, serole, setype, serange}`.
    pub fn of(value: &Value) -> Label {
        let part = |name: &str| value.get(name).and_then(as_text).filter(|part| !part.is_empty());
        Label { user: part("seuser"), role: part("serole"), kind: part("setype"), range: part("serange") }
    }

    fn parts(&self) -> [(&'static str, &'static str, &Option<String>); 4] {
        [
            ("User", "-u", &self.user),
            ("Role", "-r", &self.role),
            ("Type", "-t", &self.kind),
            ("Range", "-l", &self.range),
        ]
    }

    fn is_empty(&self) -> bool {
        self.parts().iter().all(|(_, _, part)| part.is_none())
    }

    /// The parts that differ, as they are and as they should be: `User: a Type: b`. Nothing where all is well.
    ///
    /// # Errors
    /// Where the path has no label.
    pub fn difference(&self, path: &Path) -> Result<Option<(String, String)>, CallError> {
        if self.is_empty() {
            return Ok(None);
        }
        let now = context(path)?;
        let now: Vec<&str> = now.splitn(4, ':').collect();
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for ((name, _, wanted), now) in self.parts().into_iter().zip(now) {
            if let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != now) {
                old.push(format!("{name}: {now}"));
                new.push(format!("{name}: {wanted}"));
            }
        }
        Ok((!new.is_empty()).then(|| (old.join(" "), new.join(" "))))
    }

    /// Sets the parts with `chcon`.
    ///
    /// # Errors
    /// The program's own words.
    pub fn apply(&self, path: &Path) -> Result<(), CallError> {
        let mut command = Command::new(["chcon"]);
        for (_, option, part) in self.parts() {
            if let Some(part) = part {
                command = command.arg(option).arg(part);
            }
        }
        let output = command.arg(path).run().map_err(|error| CallError::failed(error.to_string()))?;
        if output.ok() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(CallError::Failed(format!("could not set the SELinux label of '{}': {said}", path.display())))
    }
}

/// `user:role:type:range` of a path.
///
/// # Errors
/// Where it has none.
pub fn context(path: &Path) -> Result<String, CallError> {
    let mut label = [0_u8; 512];
    let length = rustix::fs::getxattr(path, "security.selinux", &mut label[..]).map_err(|_| {
        CallError::Failed(format!("'{}' has no SELinux label: SELinux is not in use here", path.display()))
    })?;
    Ok(String::from_utf8_lossy(&label[..length]).trim_end_matches('\0').to_owned())
}

/// The label it has then; false where `chcon` failed.
pub fn set_selinux_context(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    let part = |name: &str| args.opt_str(name).map(|part| part.filter(|part| !part.is_empty()));
    let label =
        Label { user: part("user")?, role: part("role")?, kind: part("type")?, range: part("range")? };
    if label.is_empty() {
        return Ok(Value::Bool(false));
    }
    if which("chcon").is_none() {
        return Err(CallError::failed("there is no chcon on this host, so labels cannot be set"));
    }
    if args.bool("persist") {
        let policy = Args::of([paths::to_value(&path)])
            .with("sel_type", label.kind.clone())
            .with("sel_user", label.user.clone())
            .with("sel_level", label.range.clone());
        call(ctx, "selinux.fcontext_add_policy", policy)?;
    }
    match label.apply(&path) {
        Ok(()) => context(&path).map(Value::from),
        Err(error) => {
            ctx.notes.push(error.to_string());
            Ok(Value::Bool(false))
        }
    }
}
