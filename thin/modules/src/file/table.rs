//! The functions of `file` as a table, sorted by name.

use super::{backups, content, find, links, look, names, owner, search, stat, text, tree};
use crate::registry::Default::{Bool, Int, Null, Str};
use crate::registry::Param::{Keywords, Optional, Required, Rest};
use crate::registry::{CallError, Function, Param};
use crate::{Bound, Ctx};
use halite_wire::Value;

type Call = fn(&mut Ctx, &Bound) -> Result<Value, CallError>;

const fn row(
    name: &'static str,
    params: &'static [Param],
    doc: &'static str,
    example: &'static str,
    call: Call,
) -> Function {
    Function { name, params, doc, example, call }
}

const PATH: &[Param] = &[Required("path")];
const NAME: &[Param] = &[Required("name")];
const PATH_FOLLOW: &[Param] = &[Required("path"), Optional("follow_symlinks", Bool(true))];
const BACKUPS: &[Param] = &[Required("path"), Optional("limit", Null)];
const BACKUP: &[Param] = &[Required("path"), Required("backup_id")];
const LINES: &[Param] = &[Required("path"), Rest("args"), Keywords("kwargs")];
const PERMS: [Param; 3] = [Optional("user", Null), Optional("group", Null), Optional("mode", Null)];

pub const FUNCTIONS: &[Function] = &[
    row("access", &[Required("path"), Required("mode")], "Whether we may use a path: f (it is there), r, w or x.", "file.access /etc/shadow r", stat::access),
    row("append", LINES, "Puts lines at the end of a file that exists, each as an argument, or all as `args`.", "file.append /etc/motd 'first line' 'second line'", text::append),
    row("basename", PATH, "The last part of a path.", "file.basename /etc/hosts", names::basename),
    row("check_hash", &[Required("path"), Required("file_hash")], "Whether a file has this digest: `algorithm:digest`, `algorithm=digest`, or the digest alone.", "file.check_hash /etc/hosts md5:25dd3acfbd5b8a0c7c4d8a9d0a5a6c11", content::check_hash),
    row("chgrp", &[Required("path"), Required("group")], "Gives a path to a group. Null, or a sentence about what does not exist.", "file.chgrp /etc/shadow shadow", owner::chgrp),
    row("chown", &[Required("path"), Required("user"), Required("group")], "Gives a path to a user and a group. Null, or a sentence about what does not exist.", "file.chown /etc/shadow root shadow", owner::chown),
    row("contains", &[Required("path"), Required("text")], "Whether a text is somewhere in a file; blanks around the text do not count.", "file.contains /etc/hosts localhost", search::contains),
    row("contains_glob", &[Required("path"), Required("glob_expr")], "Whether a file as a whole matches a pattern of `*`, `?` and sets.", "file.contains_glob /etc/hosts '*local*'", search::contains_glob),
    row("contains_regex", &[Required("path"), Required("regex"), Optional("lchar", Str(""))], "Whether a regular expression is found in a line; signs of `lchar` at the line's start are left out first.", "file.contains_regex /etc/crontab '^SHELL='", search::contains_regex),
    row("copy", &[Required("src"), Required("dst"), Optional("recurse", Bool(false)), Optional("remove_existing", Bool(false))], "Copies a file, or with `recurse` a directory, along with owner and mode.", "file.copy /etc/hosts /root/hosts.copy", tree::copy),
    row("delete_backup", BACKUP, "Deletes one backup of a file, by its number in `file.list_backups`.", "file.delete_backup /etc/hosts 0", backups::delete_backup),
    row("directory_exists", PATH, "Whether there is a directory.", "file.directory_exists /etc", look::directory_exists),
    row("dirname", PATH, "A path without its last part.", "file.dirname /etc/hosts", names::dirname),
    row("diskusage", PATH, "Bytes of a file, or of all files below a directory.", "file.diskusage /var/log", stat::diskusage),
    row("file_exists", PATH, "Whether there is a regular file.", "file.file_exists /etc/hosts", look::file_exists),
    row("find", &[Required("path"), Rest("args"), Keywords("kwargs")], "Paths below a directory that pass all tests: name, iname, regex, iregex, type, owner, group, size, mtime, grep, with mindepth and maxdepth. Actions are print (facts of each path), exec (a command, `{}` is the path) and delete (types to delete).", "file.find /var/log type=f name=*.log size=+10m print=path,size", find::find),
    row("get_devmm", NAME, "Major and minor number of a device; zeros of anything else.", "file.get_devmm /dev/null", stat::get_devmm),
    row("get_diff", &[Required("file1"), Required("file2"), Optional("saltenv", Str("base")), Optional("show_filenames", Bool(true)), Optional("show_changes", Bool(true)), Optional("template", Bool(false)), Optional("source_hash_file1", Null), Optional("source_hash_file2", Null)], "Unified diff of two files, each a path on the host or a URL; empty where they are equal.", "file.get_diff /etc/motd salt://motd", content::get_diff),
    row("get_gid", PATH_FOLLOW, "Number of the group that has a path.", "file.get_gid /etc/passwd", stat::get_gid),
    row("get_group", PATH_FOLLOW, "Name of the group that has a path.", "file.get_group /etc/passwd", stat::get_group),
    row("get_hash", &[Required("path"), Optional("form", Str("sha256")), Optional("chunk_size", Int(65536))], "Digest of a file: md5, sha1, sha224, sha256, sha384 or sha512.", "file.get_hash /etc/hosts md5", content::get_hash),
    row("get_mode", PATH_FOLLOW, "Mode of a path, four octal digits.", "file.get_mode /etc/passwd", stat::get_mode),
    row("get_selinux_context", PATH, "SELinux label of a path, or a sentence where it has none.", "file.get_selinux_context /etc/hosts", stat::get_selinux_context),
    row("get_sum", &[Required("path"), Optional("form", Str("sha256"))], "Digest of a file, or `File not found`.", "file.get_sum /etc/passwd sha512", content::get_sum),
    row("get_uid", PATH_FOLLOW, "Number of the user who has a path.", "file.get_uid /etc/passwd", stat::get_uid),
    row("get_user", PATH_FOLLOW, "Name of the user who has a path.", "file.get_user /etc/passwd", stat::get_user),
    row("gid_to_group", &[Required("gid")], "Name of the group with this number, or the number.", "file.gid_to_group 0", owner::gid_to_group),
    row("grep", &[Required("path"), Required("pattern"), Rest("opts")], "Runs grep on the files a path or pattern names; further arguments are grep's options, after `--` where they begin with a dash.", "file.grep /etc/passwd nobody", search::grep),
    row("group_to_gid", &[Required("group")], "Number of a group; empty text where there is none.", "file.group_to_gid root", owner::group_to_gid),
    row("is_blkdev", NAME, "Whether a path is a block device.", "file.is_blkdev /dev/sda", stat::is_blkdev),
    row("is_chrdev", NAME, "Whether a path is a character device.", "file.is_chrdev /dev/null", stat::is_chrdev),
    row("is_fifo", NAME, "Whether a path is a named pipe.", "file.is_fifo /run/initctl", stat::is_fifo),
    row("is_hardlink", PATH, "Whether a file has more than one name.", "file.is_hardlink /etc/hosts", look::is_hardlink),
    row("is_link", PATH, "Whether a path is a symbolic link.", "file.is_link /etc/mtab", look::is_link),
    row("join", &[Rest("args")], "Joins parts of a path with slashes; an absolute part begins anew.", "file.join / usr local bin", names::join),
    row("lchown", &[Required("path"), Required("user"), Required("group")], "Like `file.chown`, for a link itself.", "file.lchown /etc/mtab root root", owner::lchown),
    row("link", &[Required("src"), Required("path")], "Makes a hard link at `path` to the file `src`.", "file.link /srv/data /srv/data.also", links::link),
    row("list_backup", BACKUPS, "The same as `file.list_backups`.", "file.list_backup /etc/hosts", backups::list_backups),
    row("list_backups", BACKUPS, "Backups of a file, newest first, by number: time, size and place.", "file.list_backups /etc/hosts", backups::list_backups),
    row("list_backups_dir", BACKUPS, "Backups of each file of a directory.", "file.list_backups_dir /etc", backups::list_backups_dir),
    row("lstat", PATH, "Fields of lstat(2); nothing where there is nothing.", "file.lstat /etc/mtab", stat::lstat),
    row("makedirs", &[Required("path"), PERMS[0], PERMS[1], PERMS[2]], "Makes all directories above a path; end it in a slash to mean the path itself.", "file.makedirs /opt/code/", tree::makedirs),
    row("mkdir", &[Required("dir_path"), PERMS[0], PERMS[1], PERMS[2]], "Makes a directory and those above it.", "file.mkdir /opt/code user=root mode=755", tree::mkdir),
    row("move", &[Required("src"), Required("dst"), Optional("disallow_copy_and_unlink", Bool(false))], "Moves a file or directory, across file systems too.", "file.move /tmp/a /srv/a", tree::move_),
    row("normpath", PATH, "A path without `.`, `..` and doubled slashes.", "file.normpath /a/./b/../c", names::normpath),
    row("pardir", &[], "The sign for the directory above, `..` on every system we serve.", "file.pardir", names::pardir),
    row("path_exists_glob", PATH, "Whether anything matches a pattern.", "file.path_exists_glob '/etc/pam*/pass*'", look::path_exists_glob),
    row("prepend", LINES, "Puts lines at the start of a file, each as an argument, or all as `args`.", "file.prepend /etc/motd 'first line'", text::prepend),
    row("read", &[Required("path"), Optional("binary", Bool(false))], "Content of a file: text, or bytes where it is not UTF-8.", "file.read /etc/hostname", content::read),
    row("readdir", PATH, "Names in a directory, `.` and `..` first.", "file.readdir /etc", look::readdir),
    row("readlink", &[Required("path"), Optional("canonicalize", Bool(false))], "Where a symbolic link leads; with `canonicalize` through all further links.", "file.readlink /etc/mtab", look::readlink),
    row("remove", &[Required("path"), Keywords("kwargs")], "Removes a file, a link, or a directory with all that is in it. False where there was nothing.", "file.remove /tmp/old", tree::remove),
    row("remove_backup", BACKUP, "The same as `file.delete_backup`.", "file.remove_backup /etc/hosts 0", backups::delete_backup),
    row("rename", &[Required("src"), Required("dst")], "Renames a file or directory within a file system.", "file.rename /srv/a /srv/b", links::rename),
    row("restore_backup", BACKUP, "Puts a backup in the file's place, by its number in `file.list_backups`; what was there is kept as a new backup.", "file.restore_backup /etc/hosts 0", backups::restore_backup),
    row("rmdir", &[Required("path"), Optional("recurse", Bool(false)), Optional("verbose", Bool(false)), Optional("older_than", Null)], "Removes an empty directory; with `recurse` the empty ones below first. `older_than` is a number of days.", "file.rmdir /srv/empty recurse=True", tree::rmdir),
    row("search", &[Required("path"), Required("pattern"), Optional("flags", Int(8)), Optional("bufsize", Int(1)), Optional("ignore_if_missing", Bool(false)), Optional("multiline", Bool(false))], "Whether a regular expression is found in a text file. `flags` are numbers or names of Python's `re`.", "file.search /etc/crontab 'mymaintenance.sh'", search::search),
    row("seek_read", &[Required("path"), Required("size"), Required("offset")], "That many bytes of a file from an offset.", "file.seek_read /etc/hosts 64 0", content::seek_read),
    row("seek_write", &[Required("path"), Required("data"), Required("offset")], "Writes over a file's bytes from an offset; how many were written.", "file.seek_write /srv/data 'some text' 64", text::seek_write),
    row("set_mode", &[Required("path"), Required("mode")], "Sets the mode of a path and says it.", "file.set_mode /etc/shadow 0640", owner::set_mode),
    row("stats", &[Required("path"), Optional("hash_type", Null), Optional("follow_symlinks", Bool(true))], "Facts of a path: inode, owner, times, size, mode, type, target, and a digest where `hash_type` names one.", "file.stats /etc/passwd", stat::stats),
    row("statvfs", PATH, "Fields of statvfs(3) of the file system a path is on.", "file.statvfs /", stat::statvfs),
    row("symlink", &[Required("src"), Required("path"), Optional("force", Bool(false)), Optional("atomic", Bool(false)), Optional("follow_symlinks", Bool(true))], "Makes a symbolic link at `path` that leads to `src`.", "file.symlink /srv/new /srv/current force=True", links::symlink),
    row("touch", &[Required("name"), Optional("atime", Null), Optional("mtime", Null)], "Makes a file where there is none and sets its times, to now where not given.", "file.touch /var/log/emptyfile", text::touch),
    row("truncate", &[Required("path"), Required("length")], "Cuts a file to this many bytes.", "file.truncate /srv/data 512", text::truncate),
    row("uid_to_user", &[Required("uid")], "Name of the user with this number, or the number.", "file.uid_to_user 0", owner::uid_to_user),
    row("user_to_uid", &[Required("user")], "Number of a user; empty text where there is none.", "file.user_to_uid root", owner::user_to_uid),
    row("write", LINES, "Replaces a file's content with lines, each as an argument, or all as `args`.", "file.write /etc/motd 'first line' 'second line'", text::write),
];
