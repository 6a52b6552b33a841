//! What we say to shells: the line that starts the thin, and the one that puts it there.
//!
//! The first line is read by the user's login shell, whatever that is, so it keeps to what sh, bash, rbash, dash,
//! ash, zsh, csh, tcsh and fish read alike: words, `&&`, `;`, and one string in single quotes without `'`, `\`, `!`
//! or line ends. That string is POSIX `sh`. Where the thin is where it mostly is, the login shell becomes it at once.

use super::limits::COMMAND_BYTES_MAX;
use super::thins::{self, Edition, Packing, Thin};
use halite_roster::Host;
use halite_wire::frame::Nonce;

/// Begins a line our scripts print; the session's nonce follows, so that no login script can say it.
pub const MARK: &str = "HALITE-";

/// Third word of the line, where it is not the call itself: the call comes on stdin, at once.
const CALL_ON_STDIN: &str = "-";
/// ... or on stdin, once the thin has greeted.
const CALL_AFTER_GREETING: &str = "+";

/// Stands where the roster names no directory: a path nobody has.
const NO_THIN_DIR: &str = "/-";

/// Finds the thin and becomes it, or says what it would take to put it there and waits for the second line.
///
/// Words: $1 version, $2 nonce, $3 call, $4 our directory's name, $5 directory from the roster, $6 version that
/// serves as well. A directory counts only where it and the thin are ours, and nobody else can change them. It is
/// entered first and looked at from inside, so that nobody who swaps it under its name gains anything.
///
/// We mark both with the sticky bit, which `[` sees without a program. The kernel lets nobody else replace our file in
/// such a directory, and whoever loosens the modes by number takes the mark away. Where there is no mark, `ls` is asked.
///
/// BusyBox's `xz` cannot undo the filter the full thin is packed with, and tells by knowing no `--version`.
const FIND: &str = concat!(
    r#"for d in "$5" "/var/tmp/$4" "/tmp/$4" "/dev/shm/$4" "$HOME/$4"; do "#,
    r#"if cd "$d" 2>/dev/null && [ -O . ]; then for v in "./$1" "./$6"; do "#,
    r#"if [ -f "$v" ] && [ -x "$v" ] && [ -O "$v" ]; then if [ -h "$v" ]; then :; "#,
    r#"elif [ -k . ] && [ -k "$v" ]; then exec "$v" "$2" "$3"; else "#,
    r#"case "$(ls -ldn . "$v" 2>/dev/null)" in drwx-----[-T]*-rwx-----[-T]*) exec "$v" "$2" "$3";; esac; "#,
    r#"fi; fi; done; fi; done; "#,
    r#"if [ "$3" = - ]; then read -r c; fi; "#,
    r#"z=raw; for p in gzip xz; do if command -v $p >/dev/null 2>&1; then z=$z,$p; fi; done; "#,
    r#"if xz --version </dev/null >/dev/null 2>&1; then z=$z,filter; fi; "#,
    r#"echo "HALITE-$2 NEED $(uname -s) $(uname -m) $z"; read -r s; eval "$s""#,
);

/// A call longer than this stands in the line once: the short way is left out.
const SHORT_WAY_CALL_BYTES_MAX: usize = 1024;

/// Which shells the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Those that know `&&`.
    Usual,
    /// fish before 3.0 (2018), which refuses a line with `&&` and runs nothing of it.
    WithoutAnd,
}

impl Dialect {
    /// Whether a shell that ended with these words is one that wants [`Dialect::WithoutAnd`].
    pub fn is_refused(said: &str) -> bool {
        said.contains("Unsupported use of '&&'")
    }
}

/// How the call reaches the thin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// In the line itself: no round trip more, and visible to `ps` on the host.
    Word(&'a str),
    Stdin,
    AfterGreeting,
}

/// The command that starts a thin of this edition, or a fuller one.
///
/// # Errors
/// What of the roster cannot be said to every shell.
pub fn start(
    host: &Host,
    edition: Edition,
    nonce: Nonce,
    route: Route,
    prompt: &str,
    dialect: Dialect,
) -> Result<String, String> {
    let call = match route {
        Route::Word(call) => call,
        Route::Stdin => CALL_ON_STDIN,
        Route::AfterGreeting => CALL_AFTER_GREETING,
    };
    let (version, fuller) = (thins::version(edition), thins::version(Edition::Full));
    let nonce = nonce.to_hex();
    let folder = folder(host);
    let thin_dir = word("thin_dir", host.thin_dir.as_deref().unwrap_or(NO_THIN_DIR))?;
    if !thin_dir.starts_with('/') {
        return Err(format!("thin_dir {thin_dir:?} is not absolute"));
    }
    let path = match &host.set_path {
        Some(path) => format!("PATH={}; export PATH; ", word("set_path", path)?),
        None => String::new(),
    };
    let become_user = become_user(host, prompt)?;
    let short_way = dialect == Dialect::Usual
        && become_user.is_empty()
        && path.is_empty()
        && call.len() <= SHORT_WAY_CALL_BYTES_MAX;
    let short_way = match (short_way, thin_dir) {
        (false, _) => String::new(),
        (true, NO_THIN_DIR) => become_thin(&format!("/var/tmp/{folder}"), version, &nonce, call),
        (true, chosen) => become_thin(chosen, version, &nonce, call),
    };
    Ok(format!(
        "{short_way}{become_user}sh -c '{path}{FIND}' sh {version} {nonce} {call} {folder} {thin_dir} {fuller}"
    ))
}

/// The short way: the login shell looks at the likeliest directory as [`FIND`] does, and becomes the thin. It saves
/// the start of another shell, some 4 % of what a warm call costs its host.
///
/// Whatever is not as it should be falls through to `FIND`. bash makes `exec ./x` a path by name again, so the
/// directory it stands in is named as the kernel does, which nobody can swap. No link is looked for in there: where
/// only we can write, nobody else has put one.
fn become_thin(folder: &str, version: &str, nonce: &str, call: &str) -> String {
    let thin = format!("/proc/self/cwd/{version}");
    format!(
        "test -O {folder} && cd {folder} && test -O . && test -k . && test -O {thin} && test -k {thin} && \
         exec {thin} {nonce} {call}; "
    )
}

/// The longest call that fits the line.
pub fn call_fits(call: &str) -> bool {
    call.len() + FIND.len() + 512 <= COMMAND_BYTES_MAX
}

/// A command of the user, as another user where the roster says so.
///
/// # Errors
/// As [`start`].
pub fn raw(host: &Host, command: &str, prompt: &str) -> Result<String, String> {
    let become_user = become_user(host, prompt)?;
    if become_user.is_empty() {
        return Ok(command.to_owned());
    }
    // `sudo` starts programs, not shell lines. A POSIX login shell reads this quoting.
    Ok(format!("{become_user}sh -c '{}'", command.replace('\'', r"'\''")))
}

/// `sudo`, where the roster wants it. `-k` forgets cached leave, so that the prompt comes every time or never;
/// the prompt is a fresh nonce that nothing else can print.
fn become_user(host: &Host, prompt: &str) -> Result<String, String> {
    if !host.sudo {
        return Ok(String::new());
    }
    let user = word("sudo_user", &host.sudo_user)?;
    Ok(match host.sudo_password() {
        Some(_) => format!("sudo -k -S -p {prompt} -u {user} "),
        None => format!("sudo -n -u {user} "),
    })
}

/// The name of our directory on a host: one for each user we are there.
fn folder(host: &Host) -> String {
    let user = if host.sudo { &host.sudo_user } else { &host.user };
    let tame: String = user.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!(".halite-{tame}")
}

/// A text every shell takes as one word without quoting.
fn word<'a>(key: &str, text: &'a str) -> Result<&'a str, String> {
    let tame = |c: char| c.is_ascii_alphanumeric() || "-_./:@+,".contains(c);
    if !text.is_empty() && text.chars().all(tame) {
        Ok(text)
    } else {
        Err(format!(
            "{key} {text:?} has characters that shells treat specially; use letters, digits and -_./:@+,"
        ))
    }
}

/// Finds a directory that takes and runs files, receives the thin, checks it, and becomes it.
///
/// `length` is that of the packed form, which follows at once.
///
/// Each candidate is entered, and from then on only spoken of as `.`: whoever swaps it under its name is left
/// behind. It is tried by running a file there and by writing as much as the thin needs. Directories of others,
/// links and wrong modes are passed over; the last two candidates are fresh ones, for hosts where all usual names
/// are taken by somebody else.
pub fn install(thin: &Thin, packing: Packing, length: usize) -> String {
    let Thin { sha256, size, .. } = thin;
    let unpack = match packing {
        Packing::Xz => " | xz -dc",
        Packing::Gzip => " | gzip -dc",
        Packing::Raw => "",
    };
    let receive = format!("head -c {length}{unpack}");
    [
        // `no` gives a directory up, for the reason it is told.
        r#"no() { rm -f "$t"; e="$e $d $1;"; if [ "$m" = 1 ]; then rmdir "$d" 2>/dev/null; fi; }; "#,
        r#"e="no directory takes it:"; t="./.$2"; for d in "$5" "/var/tmp/$4" "/tmp/$4" "/dev/shm/$4" "$HOME/$4" "/var/tmp/$4.$2" "/tmp/$4.$2"; do m=0; "#,
        &format!(r#"if [ "$d" = {NO_THIN_DIR} ]; then continue; fi; "#),
        r#"if [ -h "$d" ]; then e="$e $d is a link;"; continue; fi; "#,
        r#"if [ -d "$d" ]; then :; elif mkdir -m 700 "$d" 2>/dev/null; then m=1; else e="$e $d cannot be made;"; continue; fi; "#,
        r#"if cd "$d" 2>/dev/null; then :; else e="$e $d cannot be entered;"; continue; fi; "#,
        r#"case "$(ls -ldn .)" in drwx-----[-T]*) ;; *) e="$e $d is not private;"; continue;; esac; "#,
        r#"if [ -O . ]; then :; else e="$e $d is not ours;"; continue; fi; "#,
        r#"if { true; } 2>/dev/null >"$t"; then :; else no "cannot be written"; continue; fi; "#,
        r##"if { echo "#!/bin/sh" && echo "exit 0"; } 2>/dev/null >"$t" && chmod 700 "$t"; then :; else no "has no room"; continue; fi; "##,
        r#"if "$t" 2>/dev/null; then :; else no "runs no programs (noexec)"; continue; fi; "#,
        &format!(r#"if {{ head -c {size} /dev/zero; }} 2>/dev/null >"$t"; then :; else no "has no room for {size} bytes"; continue; fi; "#),
        &format!(r#"if {receive} >"$t"; then :; else no "did not get it whole"; break; fi; "#),
        r#"h="$(sha256sum <"$t" 2>/dev/null)"; case "${h%% *}" in "#,
        &format!(r#"{sha256}) ;; "") if [ "$(wc -c <"$t")" -ne {size} ]; then no "did not get {size} bytes"; break; fi;; "#),
        r#"*) no "got another checksum"; break;; esac; "#,
        r#"chmod 1700 . "$t" 2>/dev/null || chmod 700 "$t"; mv -f "$t" "./$1"; exec "./$1" "$2" +; done; "#,
        r#"echo "HALITE-$2 FAIL $e""#,
        "\n",
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tgt_13_the_first_line_keeps_to_what_all_shells_read_alike() {
        for strange in ['\'', '\\', '!', '\n', '\r'] {
            assert!(!FIND.contains(strange), "{strange:?} in the line");
        }
    }

    #[test]
    fn tgt_13_a_shell_that_knows_no_and_is_told_from_others() {
        assert!(Dialect::is_refused(
            "fish: Unsupported use of '&&'. In fish, please use 'COMMAND; and COMMAND'."
        ));
        assert!(!Dialect::is_refused("This account is currently not available."));
    }

    #[test]
    fn sec_01_words_of_the_roster_cannot_become_commands() {
        for text in
            ["", "a b", "$(touch X)", "`touch X`", ";touch X", "a\nb", "a'b", "a\"b", "~", "*", "a\0b", "=ls"]
        {
            assert!(word("thin_dir", text).is_err(), "{text:?} was let in");
        }
        assert_eq!(word("thin_dir", "/opt/x-1_2/y.z"), Ok("/opt/x-1_2/y.z"));
    }
}
