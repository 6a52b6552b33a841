//! What a Saltfile says of the command itself (`static`, `verbose` ...), on top of what the user typed. Its keys that
//! a configuration has, too, are laid over that by `config`, and colours are those of all commands: `setup` reads them.

use super::options::SshOptions;
use crate::config::Opts;

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
        *switch |= saltfile.is_on(name);
    }
    options.wipe |= options.rand_thin_dir;
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_wire::Map;

    #[test]
    fn a_saltfile_throws_switches_and_takes_none_back() {
        let mut options = SshOptions { verbose: true, ..SshOptions::default() };
        let said = [("static", true), ("verbose", false), ("rand_thin_dir", true)];
        complete(&mut options, &Opts(Map::from(said)));
        assert!(options.is_static && options.verbose);
        assert!(options.rand_thin_dir && options.wipe, "a new directory is removed afterwards");
        assert!(!options.raw && !options.hosts && !options.login.askpass);
    }
}
