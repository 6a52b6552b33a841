//! A large state tree: a thousand SLS files of fifty lines, templates all of them.

use std::fs;
use std::path::Path;

use crate::ui::Outcome;

/// Its environment: other cases are not to list a thousand files more.
pub const ENVIRONMENT: &str = "many";

/// An SLS that includes all others, and an id of the last one.
pub const ALL: &str = "all";
pub const LAST_ID: &str = "svc999_package";

const FILES: usize = 1000;
const LINES: usize = 50;

/// Writes the tree.
///
/// # Errors
/// When a file cannot be written.
pub fn write(dir: &Path) -> Outcome {
    fs::create_dir_all(dir.join("part"))?;
    fs::write(
        dir.join("all.sls"),
        format!("include:\n{{% for n in range({FILES}) %}}\n  - part.s{{{{ n }}}}\n{{% endfor %}}\n"),
    )?;
    for number in 0..FILES {
        fs::write(dir.join(format!("part/s{number}.sls")), sls(number))?;
    }
    Ok(())
}

/// What SLS files of people do: values of pillar and grains, a branch, a loop, functions, requisites.
fn sls(number: usize) -> String {
    let order = number % 50 + 1;
    let text = format!(
        "# Part {number} of a large tree.\n\
         {{% set port = pillar.get('port', 8000) + {number} %}}\n\
         {{% set name = 'svc{number}' %}}\n\
         {{% if grains['os_family'] == 'Debian' %}}\n{{% set conf = '/etc/default/' ~ name %}}\n\
         {{% else %}}\n{{% set conf = '/etc/sysconfig/' ~ name %}}\n{{% endif %}}\n\n\
         {{{{ name }}}}_package:\n  test.succeed_without_changes:\n    - name: {{{{ name }}}}-server\n\n\
         {{{{ conf }}}}:\n  file.managed:\n    - contents: |\n        port={{{{ port }}}}\n        host={{{{ grains.id }}}}\n        \
         level={{{{ salt['pillar.get']('level', 'info') }}}}\n    - user: root\n    - group: root\n    - mode: '0644'\n    \
         - require:\n      - test: {{{{ name }}}}_package\n\n\
         /var/lib/{{{{ name }}}}:\n  file.directory:\n    - user: root\n    - mode: '0750'\n    - makedirs: True\n    \
         - require:\n      - test: {{{{ name }}}}_package\n\n\
         {{% for part in ['spool', 'cache', 'log'] %}}\n/var/lib/{{{{ name }}}}/{{{{ part }}}}:\n  file.directory:\n    \
         - mode: '0700'\n    - require:\n      - file: /var/lib/{{{{ name }}}}\n{{% endfor %}}\n\n\
         {{{{ name }}}}_running:\n  test.nop:\n    - name: {{{{ name }}}}\n    - watch:\n      - file: {{{{ conf }}}}\n    \
         - order: {order}\n"
    );
    let rest = LINES - text.lines().count();
    text + &"# -\n".repeat(rest)
}
