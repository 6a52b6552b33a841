//! The fleet of these tests: what each host is there for.

use halite_site::{Fleet, Host, Plan, User, ensure_packages, is_root};
use std::io::Write;
use std::sync::OnceLock;

/// Password of every user who has one; the characters are those that shells and YAML trip over.
pub const PASSWORD: &str = "correct 'horse' $1";

/// What the tests need beyond what the kit itself asks for.
const TOOLS: &[&str] = &["sudo", "tcsh", "zsh", "fish", "busybox", "dropbear", "ssh-keygen"];

/// The one fleet; `None`, and a line on stderr, where there is no root to raise it.
pub fn fleet() -> Option<&'static Fleet> {
    // A static is never dropped: the fleet's keeper sees this process end, and takes all of it away.
    static FLEET: OnceLock<Fleet> = OnceLock::new();
    if !is_root() {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let _ = writeln!(std::io::stderr(), "skipped for want of root: {name}");
        return None;
    }
    Some(FLEET.get_or_init(|| {
        ensure_packages(TOOLS, &mut std::io::stderr()).unwrap();
        Fleet::up(plan()).unwrap()
    }))
}

/// What a shell command says inside a host, as root and without SSH; panics where it fails.
#[track_caller]
pub fn inside(fleet: &Fleet, host: &str, script: &str) -> String {
    let output = fleet.exec_in(host, script).unwrap();
    assert!(output.status.success(), "{host}: {script}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn plan() -> Plan {
    let mini = Host::minimal("mini")
        .user(User::new("mimi"))
        .user(User::new("mima").password(PASSWORD).without_key());
    let plan = places(Plan::default().with(mini));
    let plan = plan.with(plain()).with(narrow()).with(shells()).with(sudoers()).with(doors()).with(noisy());
    plan.with(Host::openssh("six").ipv6().port(2022))
        .with(crowded())
        .with(Host::openssh("patient").sshd("ClientAliveInterval 5").sshd("ClientAliveCountMax 2"))
        .with(Host::openssh("cut"))
        .with(Host::openssh("midway"))
        .with(Host::openssh("meeting"))
        .with(Host::openssh("exclusive").user(User::new("loner")))
        .with(Host::minimal("bare").setup("rm $(command -v wget)"))
        .with(Host::minimal("barer").setup("rm $(command -v wget)"))
        .with(Host::openssh("reinstalled"))
        .with(Host::openssh("traps").user(User::new("mallory")))
}

/// Nothing odd, and a user for each test that looks at what is left in the directories of one.
fn plain() -> Host {
    [
        "victim", "frozen", "crowd", "wiper", "random", "stranger", "far", "halfway", "locked", "editor",
        "lacking", "jinja", "tops",
    ]
    .into_iter()
    .fold(Host::openssh("plain"), |host, name| host.user(User::new(name)))
}

/// Hosts with few places to put anything.
fn places(plan: Plan) -> Plan {
    let read_only = |at: &str| format!("mount --bind {at} {at} && mount -o remount,bind,ro {at}");
    let homes = Host::openssh("homes")
        .user(User::new("fixed"))
        .user(User::new("slash"))
        .user(User::new("lost"))
        .user(User::new("homeless").shell("/usr/local/bin/homeless"))
        .sshd("AuthorizedKeysFile /home/%u/.ssh/authorized_keys .ssh/authorized_keys")
        .file("/usr/local/bin/homeless", 0o755, "#!/bin/sh\nunset HOME\nexec /bin/sh \"$@\"\n")
        .setup(read_only("/home/fixed"))
        .setup("sed -i 's#:/home/slash:#:/:#; s#:/home/lost:#:/home/nobody-made-it:#' /etc/passwd");
    let nowhere = Host::openssh("nowhere")
        .noexec_tmp()
        .mount("/dev/shm", "noexec,mode=1777")
        .user(User::new("homely"))
        .setup("mount --bind /root /root && mount -o remount,bind,noexec /root");
    plan.with(homes)
        .with(Host::openssh("noexec").noexec_tmp())
        .with(nowhere)
        .with(Host::openssh("readonly").read_only_root())
        .with(Host::openssh("tiny").read_only_root())
}

/// Bears one line at a time that has not logged in. Of this keyword sshd takes the last line, which is the kit's.
fn crowded() -> Host {
    Host::openssh("crowded").setup("echo MaxStartups 1:100:1 >>/etc/ssh/sshd_config")
}

/// One channel and nothing else: no second session, no forwarding, no terminal, no sftp.
fn narrow() -> Host {
    Host::openssh("narrow")
        .without_sftp()
        .max_sessions_1()
        .sshd("AllowTcpForwarding no")
        .sshd("AllowAgentForwarding no")
        .sshd("PermitTTY no")
}

/// Login name and shell of every user of the host `shells` who can be one.
pub const SHELLS: [(&str, &str); 9] = [
    ("fish", "/usr/bin/fish"),
    ("csh", "/bin/csh"),
    ("tcsh", "/usr/bin/tcsh"),
    ("zsh", "/usr/bin/zsh"),
    ("rbash", "/bin/rbash"),
    ("dash", "/usr/bin/dash"),
    ("ash", "/usr/local/bin/ash"),
    ("bash", "/bin/bash"),
    ("posix", "/bin/sh"),
];

fn shells() -> Host {
    let host = SHELLS
        .iter()
        .fold(Host::openssh("shells"), |host, (name, shell)| host.user(User::new(*name).shell(*shell)));
    host.setup("ln -s \"$(command -v busybox)\" /usr/local/bin/ash")
        .file("/usr/local/bin/broken", 0o755, "#!/no/such/interpreter\n")
        .user(User::new("nologin").shell("/usr/sbin/nologin"))
        .user(User::new("never").shell("/bin/false"))
        .user(User::new("broken").shell("/usr/local/bin/broken"))
        .user(User::new("missing").shell("/no/such/shell"))
        .user(User::new("files"))
        .user(User::new("deaf"))
        .sshd("Match User files")
        .sshd("ForceCommand internal-sftp")
        .sshd("Match User deaf")
        .sshd("ForceCommand echo only this")
}

fn sudoers() -> Host {
    let asks = |name: &str| User::new(name).password(PASSWORD).sudo("ALL=(ALL:ALL) ALL");
    Host::openssh("sudo")
        .user(User::new("free").sudo("ALL=(ALL:ALL) NOPASSWD: ALL"))
        .user(asks("asked"))
        .user(asks("lectured"))
        .user(asks("typist"))
        .user(User::new("guest").password(PASSWORD))
        .user(User::new("app"))
        .file(
            "/etc/sudoers.d/zz-more",
            0o440,
            "Defaults:lectured lecture=always\nDefaults:typist requiretty\n",
        )
}

/// A host that is entered by all kinds of keys and by password, at a port of its own.
fn doors() -> Host {
    Host::openssh("doors")
        .port(2222)
        .user(User::new("keys"))
        .user(User::new("typed").password(PASSWORD).without_key())
        .user(User::new("deployed").password(PASSWORD).without_key())
        .user(User::new("refused").without_key())
        .sshd("LogLevel VERBOSE")
}

/// Everything that asks for passwords without being sudo, wherever a login can be made to say something.
fn noisy() -> Host {
    let spoof = "echo 'Password:'; echo '[sudo] password for asked:'; echo 'Password:' >&2; echo '[sudo] password for asked: ' >&2\n";
    Host::openssh("noisy")
        .banner("Password: \n[sudo] password for asked: \n")
        .user(User::new("asked").password(PASSWORD).sudo("ALL=(ALL:ALL) ALL").shell("/bin/bash"))
        .file("/etc/profile.d/spoof.sh", 0o644, spoof)
        .file("/etc/bash.bashrc", 0o644, spoof)
        .file("/home/asked/.bashrc", 0o644, spoof)
        .file("/etc/ssh/sshrc", 0o644, spoof)
}
