//! What a Saltfile says of the command itself (`static`, `verbose` ...), on top of what the user typed. Its keys that
//! a configuration has, too, are laid over that by `config`.

use super::options::{OutputOptions, SshOptions};
use crate::config::Opts;
use halite_wire::Value;

/// Switches of `salt-ssh` that the Saltfile throws: each as if it had been typed.
pub(super) fn complete(options: &mut SshOptions, saltfile: &Opts) {
    let login = &mut options.login;
    let switches = [
        ("list_hosts", &mut options.hosts),
        ("rand_thin_dir", &mut options.rand_thin_dir),
        ("raw_shell", &mut options.raw),
        ("ssh_askpass", &mut login.askpass),
        ("ssh_key_deploy", &mut login.key_deploy),
        ("static", &mut options.is_static),
        ("verbose", &mut options.verbose),
    ];
    for (name, switch) in switches {
        *switch |= is_on(saltfile, name);
    }
    options.wipe |= options.rand_thin_dir;
    complete_colors(&mut options.common.output, saltfile);
}

/// The same of any command's colours.
pub(super) fn complete_colors(output: &mut OutputOptions, saltfile: &Opts) {
    output.no_color |= is_on(saltfile, "no_color");
    output.force_color |= is_on(saltfile, "force_color");
}

fn is_on(saltfile: &Opts, name: &str) -> bool {
    saltfile.0.get(name).is_some_and(Value::is_truthy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_wire::Map;

    #[test]
    fn a_saltfile_throws_switches_and_takes_none_back() {
        let mut options = SshOptions { verbose: true, ..SshOptions::default() };
        let said = [("static", true), ("verbose", false), ("rand_thin_dir", true), ("no_color", true)];
        complete(&mut options, &Opts(Map::from(said)));
        assert!(options.is_static && options.verbose && options.common.output.no_color);
        assert!(options.rand_thin_dir && options.wipe, "a new directory is removed afterwards");
        assert!(!options.raw && !options.hosts && !options.login.askpass);
    }
}
