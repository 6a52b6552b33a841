//! Peers from PyPI, in a virtual environment of their own: Ansible, pyinfra and Salt's own salt-ssh.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use halite_site::{Fleet, HostState, ensure_packages};

use super::field::Field;
use super::tools::{Case, Line, Tool, line};
use crate::place;
use crate::ui::{Outcome, run, say};

/// State runs and first contacts of the peers take minutes on more hosts than these.
const SLOW_HOSTS_MAX: usize = 10;

const WHEELS: &[&str] = &["ansible-core", "pyinfra", "salt==3007.15"];

/// Makes the environment once; returns its folder.
///
/// # Errors
/// When PyPI cannot be reached or a wheel cannot be installed.
pub fn venv() -> Outcome<PathBuf> {
    let venv = place::target().join("bench/venv");
    if !venv.join("complete").exists() {
        ensure_packages(&["python3"], &mut std::io::stdout())?;
        say("Fetching the peers from PyPI, once.");
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(venv.join("bin/pip")).args(["install", "--quiet"]).args(WHEELS))?;
        fs::write(venv.join("complete"), "")?;
    }
    Ok(venv)
}

/// The peers as rows of the tables.
pub fn tools() -> Vec<Tool> {
    vec![
        Tool {
            name: "ansible",
            about: "ansible-core, forks 50, pipelining, ControlPersist",
            answer: "",
            line: ansible,
        },
        Tool { name: "pyinfra", about: "pyinfra, 50 at once", answer: "", line: pyinfra },
        Tool { name: "salt-ssh", about: "salt-ssh 3007.15, 50 processes", answer: "True", line: salt_ssh },
    ]
}

/// Writes what the peers need to find `hosts`; `ssh_config` is what Ansible's ssh reads.
///
/// # Errors
/// When a file cannot be written.
pub fn write_config(fleet: &Fleet, dir: &Path, hosts: &[HostState], ssh_config: &Path) -> Outcome {
    let line = |HostState { address, port, .. }: &HostState| format!("{address} ansible_port={port}\n");
    let inventory: String = hosts.iter().map(line).collect();
    fs::write(dir.join("ansible.ini"), format!("[fleet]\n{inventory}"))?;
    let here = dir.display();
    let settings = format!(
        "[defaults]\nforks = 50\ninterpreter_python = /usr/bin/python3\nlocal_tmp = {here}/ansible\n[ssh_connection]\n\
         pipelining = True\nssh_args = -F {} -o ControlMaster=auto -o ControlPersist=60s\n\
         control_path_dir = {here}/cp\n",
        ssh_config.display()
    );
    fs::write(dir.join("ansible.cfg"), settings)?;
    let entry = |HostState { address, port, .. }: &HostState| {
        format!("  (\"{address}\", dict(OPTIONS, ssh_port={port})),\n")
    };
    let entries: String = hosts.iter().map(entry).collect();
    let options = format!(
        "OPTIONS = {{\"ssh_user\": \"root\", \"ssh_key\": \"{}\", \"ssh_known_hosts_file\": \"{here}/known_hosts\", \
         \"ssh_allow_agent\": False, \"ssh_look_for_keys\": False}}\n",
        fleet.key().display()
    );
    fs::write(dir.join("inventory.py"), format!("{options}fleet = [\n{entries}]\n"))?;
    let copy = "import os\nfrom pyinfra.operations import files\n\
                files.put(src=os.environ[\"BLOB\"], dest=\"/tmp/blob\")\n";
    Ok(fs::write(dir.join("copy.py"), copy)?)
}

/// Beside halite there is nothing to be learnt from waiting that long.
fn takes_minutes(case: Case, hosts: usize) -> bool {
    case != Case::Ping && hosts > SLOW_HOSTS_MAX
}

fn ansible(field: &Field<'_>, case: Case, hosts: usize) -> Option<Line> {
    if takes_minutes(case, hosts) {
        return None;
    }
    let dir = field.config(hosts);
    let settings = format!("ANSIBLE_CONFIG={}", dir.join("ansible.cfg").display());
    let home = format!("ANSIBLE_HOME={}", dir.join("ansible").display());
    let inventory = dir.join("ansible.ini");
    let mut words = line!["env", settings, home];
    let module = |words: Line| {
        let program = line![field.peer("ansible")?, "-i", &inventory, "all", "-o", "-m"];
        Some([program, words].concat())
    };
    words.extend(match case {
        Case::Ping | Case::FirstContact => module(line!["ping"])?,
        Case::Copy => module(line!["copy", "-a", format!("src={} dest=/tmp/blob", field.blob().display())])?,
        Case::States | Case::StatesAgain => {
            line![field.peer("ansible-playbook")?, "-i", inventory, field.file("peers/state.yml")]
        }
        Case::Compile => return None,
    });
    Some(words)
}

fn pyinfra(field: &Field<'_>, case: Case, hosts: usize) -> Option<Line> {
    if takes_minutes(case, hosts) {
        return None;
    }
    let dir = field.config(hosts);
    let blob = format!("BLOB={}", field.blob().display());
    let mut words =
        line!["env", "-C", &dir, blob, field.peer("pyinfra")?, "-y", "--parallel", "50", "inventory.py"];
    words.extend(match case {
        Case::Ping | Case::FirstContact => line!["exec", "--", "true"],
        Case::Copy => line!["copy.py"],
        Case::States | Case::StatesAgain => line![field.file("peers/state.py")],
        Case::Compile => return None,
    });
    Some(words)
}

fn salt_ssh(field: &Field<'_>, case: Case, hosts: usize) -> Option<Line> {
    if takes_minutes(case, hosts) {
        return None;
    }
    let config = field.config(hosts);
    let words = line![field.peer("salt-ssh")?, "-c", config, "--max-procs=50", "*"];
    let call = match case {
        Case::Ping | Case::FirstContact => line!["test.ping"],
        // salt-ssh carries a file only where a state asks for it.
        Case::Copy | Case::Compile => return None,
        Case::States | Case::StatesAgain => line!["state.apply", "app"],
    };
    Some([words, call].concat())
}
