//! Where the configuration is: the directory and the Saltfile, from the command line, the environment and habit.

use halite_roster::Problem;
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What the search for a configuration depends on.
#[derive(Clone, Debug)]
pub struct Locate {
    /// `-c`.
    pub config_dir: Option<PathBuf>,
    /// `--saltfile`.
    pub saltfile: Option<PathBuf>,
    /// Salt's name of the command, whose section of the Saltfile counts: `salt-ssh`, `salt-run`.
    pub program: &'static str,
    pub env: Environment,
}

/// What the process was born with. Empty variables are none.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `HALITE_CONFIG_DIR`
    pub halite_config_dir: Option<PathBuf>,
    /// `SALT_CONFIG_DIR`
    pub salt_config_dir: Option<PathBuf>,
    /// `SALT_SALTFILE`
    pub salt_saltfile: Option<PathBuf>,
    pub home: Option<PathBuf>,
    pub xdg_config_home: Option<PathBuf>,
    pub xdg_cache_home: Option<PathBuf>,
    pub current_dir: PathBuf,
    /// Whether we may write where the system keeps its things.
    pub is_root: bool,
    /// Where configurations of the whole machine are, best first.
    pub system_dirs: Vec<PathBuf>,
}

impl Environment {
    pub fn of_process() -> Environment {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Environment {
            halite_config_dir: path("HALITE_CONFIG_DIR"),
            salt_config_dir: path("SALT_CONFIG_DIR"),
            salt_saltfile: path("SALT_SALTFILE"),
            home: env::home_dir().filter(|home| home.is_absolute()),
            xdg_config_home: path("XDG_CONFIG_HOME").filter(|path| path.is_absolute()),
            xdg_cache_home: path("XDG_CACHE_HOME").filter(|path| path.is_absolute()),
            current_dir: env::current_dir().unwrap_or_default(),
            is_root: rustix::process::geteuid().is_root(),
            system_dirs: vec!["/etc/halite".into(), "/etc/salt".into()],
        }
    }

    /// The user's own configuration: `~/.config/halite`.
    pub fn user_config_dir(&self) -> Option<PathBuf> {
        under(self.xdg_config_home.as_deref(), self.home.as_deref(), ".config")
    }

    /// The user's own cache: `~/.cache/halite`.
    pub fn user_cache_dir(&self) -> Option<PathBuf> {
        under(self.xdg_cache_home.as_deref(), self.home.as_deref(), ".cache")
    }
}

fn under(xdg: Option<&Path>, home: Option<&Path>, usual: &str) -> Option<PathBuf> {
    xdg.map(Path::to_owned).or_else(|| home.map(|home| home.join(usual))).map(|base| base.join("halite"))
}

impl Locate {
    /// The Saltfile: named by the option or the variable, else `./Saltfile`, else `~/.salt/Saltfile` where they exist.
    ///
    /// # Errors
    /// A named file that is not there.
    pub(super) fn find_saltfile(&self) -> Result<Option<PathBuf>, Problem> {
        if let Some(named) = self.saltfile.as_ref().or(self.env.salt_saltfile.as_ref()) {
            let file = self.env.current_dir.join(named);
            let problem = || Problem::of_file(&file, "this Saltfile does not exist");
            return if file.is_file() { Ok(Some(file)) } else { Err(problem()) };
        }
        let here = Some(self.env.current_dir.join("Saltfile"));
        let at_home = self.env.home.as_ref().map(|home| home.join(".salt/Saltfile"));
        Ok([here, at_home].into_iter().flatten().find(|file| file.is_file()))
    }

    /// The configuration directory. `from_saltfile` is what the Saltfile says.
    ///
    /// Named by the option, the variables or the Saltfile it must exist; otherwise it is the first of the usual places
    /// that holds a configuration we may read, and where none does, the place for a new one.
    ///
    /// # Errors
    /// A named directory that is not there.
    pub(super) fn find_config_dir(
        &self,
        from_saltfile: Option<&Path>,
        warnings: &mut Vec<Problem>,
    ) -> Result<PathBuf, Problem> {
        let env = &self.env;
        let variables = [env.halite_config_dir.as_deref(), env.salt_config_dir.as_deref()];
        let mut named =
            [self.config_dir.as_deref()].into_iter().chain(variables).chain([from_saltfile]).flatten();
        if let Some(named) = named.next() {
            let dir: PathBuf = env.current_dir.join(named).components().collect();
            let what = match dir.exists() {
                true => "is a file; the configuration is named by its directory",
                false => "this configuration directory does not exist",
            };
            return if dir.is_dir() { Ok(dir) } else { Err(Problem::of_file(&dir, what)) };
        }
        let usual: Vec<PathBuf> =
            env.user_config_dir().into_iter().chain(env.system_dirs.iter().cloned()).collect();
        if let Some(found) = usual.iter().find(|dir| holds_configuration(dir, warnings)) {
            return Ok(found.clone());
        }
        let new = if env.is_root { env.system_dirs.first().cloned() } else { env.user_config_dir() };
        Ok(new.or_else(|| env.system_dirs.first().cloned()).unwrap_or_else(|| env.current_dir.clone()))
    }
}

/// A file that is there but closed to us is passed over with a warning: it was made for somebody else.
fn holds_configuration(dir: &Path, warnings: &mut Vec<Problem>) -> bool {
    ["master", "roster"].iter().map(|name| dir.join(name)).filter(|file| file.is_file()).any(|file| {
        let is_open = File::open(&file).is_ok();
        if !is_open {
            warnings.push(Problem::of_file(
                &file,
                "may not be read by this user, so its directory is passed over",
            ));
        }
        is_open
    })
}
