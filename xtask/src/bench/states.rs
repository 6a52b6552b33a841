//! The state run that is compared: 5 directories, 50 files from templates, 5 commands, in the idiom of each tool.
//!
//! All tools leave the same files, so the second run of any of them finds nothing to do.

use std::fs;
use std::path::Path;

use crate::ui::Outcome;

/// What each tool sets up on a host.
const DIRECTORIES: usize = 5;
const FILES: usize = 50;
const COMMANDS: usize = 5;

/// States of a run, as Salt counts them.
pub const STATES: usize = DIRECTORIES + FILES + COMMANDS;

/// Takes away what the runs have made.
pub const CLEAN: &str = "rm -rf /srv/app /var/cache/halite";

/// A file of twenty lines; the same text comes out of every tool.
fn template() -> String {
    let lines = (0..20).map(|line| format!("option_{line} = {{{{ n }}}}\n"));
    lines.fold("# file {{ n }}\n".to_owned(), |text, line| text + &line)
}

/// Writes the tree of Salt (and ours) below `files`, and the peers' forms into `dir`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(files: &Path, dir: &Path) -> Outcome {
    fs::create_dir_all(files)?;
    fs::create_dir_all(dir)?;
    fs::write(files.join("app.conf"), template())?;
    fs::write(files.join("app.sls"), sls())?;
    fs::write(dir.join("app.conf.j2"), template())?;
    fs::write(dir.join("state.yml"), playbook())?;
    Ok(fs::write(dir.join("state.py"), deploy(dir))?)
}

fn sls() -> String {
    format!(
        "{{% for n in range({DIRECTORIES}) %}}\n/srv/app/d{{{{ n }}}}:\n  file.directory:\n    - makedirs: True\n    \
         - mode: '0755'\n{{% endfor %}}\n{{% for n in range({FILES}) %}}\n/srv/app/d{{{{ n % {DIRECTORIES} }}}}/f{{{{ n }}}}.conf:\n  \
         file.managed:\n    - source: salt://app.conf\n    - template: jinja\n    - mode: '0644'\n    - context:\n        \
         n: {{{{ n }}}}\n{{% endfor %}}\n{{% for n in range({COMMANDS}) %}}\nmark{{{{ n }}}}:\n  cmd.run:\n    \
         - name: touch /srv/app/mark{{{{ n }}}}\n    - unless: test -e /srv/app/mark{{{{ n }}}}\n{{% endfor %}}\n"
    )
}

fn playbook() -> String {
    format!(
        "- hosts: all\n  gather_facts: false\n  tasks:\n  - file: {{path: '/srv/app/d{{{{ item }}}}', state: directory, mode: '0755'}}\n    \
         loop: '{{{{ range({DIRECTORIES}) | list }}}}'\n  \
         - template: {{src: app.conf.j2, dest: '/srv/app/d{{{{ n % {DIRECTORIES} }}}}/f{{{{ n }}}}.conf', mode: '0644'}}\n    \
         loop: '{{{{ range({FILES}) | list }}}}'\n    loop_control: {{loop_var: n}}\n  \
         - command: {{cmd: 'touch /srv/app/mark{{{{ item }}}}', creates: '/srv/app/mark{{{{ item }}}}'}}\n    \
         loop: '{{{{ range({COMMANDS}) | list }}}}'\n"
    )
}

fn deploy(dir: &Path) -> String {
    let template = dir.join("app.conf.j2");
    let template = template.display();
    format!(
        "from pyinfra.operations import files, server\n\
         for n in range({DIRECTORIES}):\n    files.directory(path=f\"/srv/app/d{{n}}\", mode=\"755\")\n\
         for n in range({FILES}):\n    \
         files.template(src=\"{template}\", dest=f\"/srv/app/d{{n % {DIRECTORIES}}}/f{{n}}.conf\", mode=\"644\", n=n)\n\
         for n in range({COMMANDS}):\n    \
         server.shell(commands=[f\"test -e /srv/app/mark{{n}} || touch /srv/app/mark{{n}}\"])\n"
    )
}
