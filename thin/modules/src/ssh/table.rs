//! The functions of `ssh` as a table, sorted by name.

use super::{
    auth_keys, check_key, check_key_file, check_known_host, get_known_host_entries, hash_known_hosts, keys,
    recv_known_host_entries, rm_auth_key, rm_auth_key_from_file, rm_known_host, set_auth_key,
    set_auth_key_from_file, set_known_host,
};
use crate::registry::Default::{Bool, Int, Null, Str};
use crate::registry::Function;
use crate::registry::Param::{self, Keywords, Optional, Required};

const USER: Param = Required("user");
const KEY: Param = Required("key");
const SOURCE: Param = Required("source");
const SALTENV: Param = Optional("saltenv", Str("base"));
const CONFIG: Param = Optional("config", Str(".ssh/authorized_keys"));
const CACHE_KEYS: Param = Optional("cache_keys", Null);
const HASH_TYPE: Param = Optional("fingerprint_hash_type", Null);
const KNOWN: Param = Optional("config", Null);
const PORT: Param = Optional("port", Null);
const ENC: Param = Optional("enc", Null);
const HASH: Param = Optional("hash_known_hosts", Bool(true));
const TIMEOUT: Param = Optional("timeout", Int(5));

pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "auth_keys",
        params: &[Optional("user", Null), CONFIG, HASH_TYPE],
        doc: "The keys that may log in as a user: kind, comment, options, fingerprint. Several users by name.",
        example: "ssh.auth_keys root",
        call: auth_keys,
    },
    Function {
        name: "check_key",
        params: &[
            USER,
            KEY,
            Required("enc"),
            Required("comment"),
            Required("options"),
            CONFIG,
            CACHE_KEYS,
            HASH_TYPE,
        ],
        doc: "How a key stands: exists, update or add.",
        example: "ssh.check_key root AAAA ssh-ed25519 me '[]'",
        call: check_key,
    },
    Function {
        name: "check_key_file",
        params: &[USER, SOURCE, CONFIG, SALTENV, HASH_TYPE],
        doc: "How each key of a file stands: exists, update or add.",
        example: "ssh.check_key_file root salt://ssh/keys",
        call: check_key_file,
    },
    Function {
        name: "check_known_host",
        params: &[
            Optional("user", Null),
            Optional("hostname", Null),
            Optional("key", Null),
            Optional("fingerprint", Null),
            KNOWN,
            PORT,
            HASH_TYPE,
        ],
        doc: "How a host stands in a file of known hosts: exists, update or add.",
        example: "ssh.check_known_host root example.com",
        call: check_known_host,
    },
    Function {
        name: "get_known_host_entries",
        params: &[USER, Required("hostname"), KNOWN, PORT, HASH_TYPE],
        doc: "What a file of known hosts knows of a host, or null.",
        example: "ssh.get_known_host_entries root example.com",
        call: get_known_host_entries,
    },
    Function {
        name: "hash_known_hosts",
        params: &[Optional("user", Null), KNOWN],
        doc: "Hashes the names in a file of known hosts.",
        example: "ssh.hash_known_hosts root",
        call: hash_known_hosts,
    },
    Function {
        name: "host_keys",
        params: &[Optional("keydir", Null), Optional("private", Bool(true)), Optional("certs", Bool(true))],
        doc: "The keys of this host.",
        example: "ssh.host_keys private=False",
        call: keys::host_keys,
    },
    Function {
        name: "key_is_encrypted",
        params: &[Required("key")],
        doc: "Whether a private key needs a passphrase.",
        example: "ssh.key_is_encrypted /root/.ssh/id_rsa",
        call: keys::key_is_encrypted,
    },
    Function {
        name: "recv_known_host_entries",
        params: &[Required("hostname"), ENC, PORT, HASH, TIMEOUT, HASH_TYPE],
        doc: "The keys a host shows, or null.",
        example: "ssh.recv_known_host_entries example.com port=2222",
        call: recv_known_host_entries,
    },
    Function {
        name: "rm_auth_key",
        params: &[USER, KEY, CONFIG, HASH_TYPE],
        doc: "Removes a key that may log in; a sentence about it.",
        example: "ssh.rm_auth_key root AAAA",
        call: rm_auth_key,
    },
    Function {
        name: "rm_auth_key_from_file",
        params: &[USER, SOURCE, CONFIG, SALTENV, HASH_TYPE],
        doc: "Removes the keys of a file from those that may log in.",
        example: "ssh.rm_auth_key_from_file root salt://ssh/keys",
        call: rm_auth_key_from_file,
    },
    Function {
        name: "rm_known_host",
        params: &[Optional("user", Null), Optional("hostname", Null), KNOWN, PORT],
        doc: "Removes a host from a file of known hosts.",
        example: "ssh.rm_known_host root example.com",
        call: rm_known_host,
    },
    Function {
        name: "set_auth_key",
        params: &[
            USER,
            KEY,
            Optional("enc", Str("ssh-rsa")),
            Optional("comment", Str("")),
            Optional("options", Null),
            CONFIG,
            CACHE_KEYS,
            HASH_TYPE,
        ],
        doc: "Lets a key log in: new, replace, no change, or what is wrong.",
        example: "ssh.set_auth_key root AAAA enc=ssh-ed25519",
        call: set_auth_key,
    },
    Function {
        name: "set_auth_key_from_file",
        params: &[USER, SOURCE, CONFIG, SALTENV, HASH_TYPE, Keywords("kwargs")],
        doc: "Lets the keys of a file log in.",
        example: "ssh.set_auth_key_from_file root salt://ssh/keys",
        call: set_auth_key_from_file,
    },
    Function {
        name: "set_known_host",
        params: &[
            Optional("user", Null),
            Optional("hostname", Null),
            Optional("fingerprint", Null),
            Optional("key", Null),
            PORT,
            ENC,
            KNOWN,
            HASH,
            TIMEOUT,
            HASH_TYPE,
        ],
        doc: "Writes a host's key into a file of known hosts: the one given, or those the host shows.",
        example: "ssh.set_known_host root example.com enc=ssh-ed25519",
        call: set_known_host,
    },
    Function {
        name: "user_keys",
        params: &[Optional("user", Null), Optional("pubfile", Null), Optional("prvfile", Null)],
        doc: "The keys that users have, by user and file name.",
        example: "ssh.user_keys root prvfile=False",
        call: keys::user_keys,
    },
];
