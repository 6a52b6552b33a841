//! `ssh_known_hosts.*`: hosts whose keys are known.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{self, Optional, Required};
use halite_modules::registry::Default::{Bool, Int, Null};
use halite_modules::registry::always;
use halite_modules::ssh::{KnownHost, Outcome, Wanted, values};
use halite_modules::{Bound, CallError};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "ssh_known_hosts",
    virtual_name: "ssh_known_hosts",
    doc: "Hosts whose keys are known.",
    applies: always,
    functions: FUNCTIONS,
};

const NAME: Param = Required("name");
const USER: Param = Optional("user", Null);
const CONFIG: Param = Optional("config", Null);

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "absent",
        params: &[NAME, USER, CONFIG],
        doc: "A host is not in a file of known hosts.",
        example: "example.com: {ssh_known_hosts.absent: [{user: root}]}",
        call: absent,
    },
    StateFunction {
        name: "present",
        params: &[
            NAME,
            USER,
            Optional("fingerprint", Null),
            Optional("key", Null),
            Optional("port", Null),
            Optional("enc", Null),
            CONFIG,
            Optional("hash_known_hosts", Bool(true)),
            Optional("timeout", Int(5)),
            Optional("fingerprint_hash_type", Null),
        ],
        doc: "A host is known by this key, or by keys it shows with this fingerprint, or by whatever keys it shows.",
        example: "example.com: {ssh_known_hosts.present: [{enc: ssh-ed25519}, {key: AAAAC3Nza}]}",
        call: present,
    },
];

fn present(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (host, wanted) = (KnownHost::of(args, "name")?, Wanted::of(args)?);
    match (&wanted.key, &wanted.fingerprint, &wanted.enc) {
        // As in Salt, only a dry run refuses both; a real one wants the file to have the key and the fingerprint.
        (Some(_), Some(_), _) if state.test => {
            return Ok(Look::cannot("key and fingerprint exclude each other"));
        }
        (Some(_), _, None) => return Ok(Look::cannot("a key needs its kind as enc")),
        _ => {}
    }
    let (name, file) = (args.str("name")?, host.file.display().to_string());
    let known = host.check(wanted.key.as_deref(), wanted.fingerprint.as_deref())? == "exists";
    // Without a key or fingerprint the host itself has to be asked, which is left to the real run; with both, each counts.
    if known && (state.test || wanted.key.is_some() != wanted.fingerprint.is_some()) {
        return Ok(Look::in_sync(format!("{name} is in {file}")));
    }
    Ok(Look::differs(format!("the key of {name} would be written to {file}"), Map::new(), move |_| {
        Ok(match host.set(&wanted)? {
            Outcome::Exists(_) => Applied::done(format!("{name} is in {file}"), Map::new()),
            Outcome::Updated { old, new } => {
                let changes = Map::from([("old", values(&old)), ("new", values(&new))]);
                Applied::done(format!("wrote the key of {name} to {file}"), changes)
            }
        })
    }))
}

fn absent(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    let host = match KnownHost::of(args, "name") {
        Ok(host) => host,
        // A user made by the same run is not there yet in a dry run.
        Err(error) if args.get("user").is_truthy() => {
            return Ok(Look::differs(format!("{name} would be taken out"), Map::new(), move |_| Err(error)));
        }
        Err(error) => return Err(error),
    };
    let file = host.file.display().to_string();
    let old = values(&host.entries()?);
    if old.is_null() {
        return Ok(Look::in_sync(format!("{name} is not in {file}")));
    }
    Ok(Look::differs(format!("{name} would be taken out of {file}"), Map::new(), move |_| {
        host.remove()?;
        Ok(Applied::done(
            format!("took {name} out of {file}"),
            Map::from([("old", old), ("new", Value::Null)]),
        ))
    }))
}
