//! `host.*`: names of addresses in the host's own table.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{Optional, Required};
use halite_modules::args::as_text;
use halite_modules::hosts::Table;
use halite_modules::registry::Default::{Bool, Str};
use halite_modules::registry::always;
use halite_modules::{Bound, CallError};
use halite_wire::{Map, Value};
use std::net::IpAddr;

pub const MODULE: StateModule = StateModule {
    file: "host",
    virtual_name: "host",
    doc: "Names of addresses in the host's own table.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "absent",
        params: &[Required("name"), Required("ip")],
        doc: "A name belongs to none of these addresses.",
        example: "db: {host.absent: [{ip: 10.0.0.1}]}",
        call: absent,
    },
    StateFunction {
        name: "only",
        params: &[Required("name"), Required("hostnames")],
        doc: "An address, which is the state's name, has these names and no others.",
        example: "127.0.1.1: {host.only: [{hostnames: [web, web.example.com]}]}",
        call: only,
    },
    StateFunction {
        name: "present",
        params: &[
            Required("name"),
            Required("ip"),
            Optional("comment", Str("")),
            Optional("clean", Bool(false)),
        ],
        doc: "A name belongs to these addresses, with `clean` to no others.",
        example: "db: {host.present: [{ip: 10.0.0.1}]}",
        call: present,
    },
];

fn addresses(args: &Bound) -> Vec<String> {
    match args.get("ip") {
        Value::List(several) => several.iter().filter_map(as_text).collect(),
        one => as_text(one).into_iter().collect(),
    }
}

/// What shall be done to the table: a verb, an address, a name or comment.
type Steps = Vec<(&'static str, String, String)>;

const ADD: &str = "added";
const COMMENT: &str = "comment_added";
const REMOVE: &str = "removed";

fn present(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, wanted, comment) = (args.str("name")?, addresses(args), args.str("comment")?);
    let known = Table::load(state.ctx)?.merged();
    let mut steps: Steps = Vec::new();
    for ip in &wanted {
        let host = known.iter().find(|host| host.ip == *ip);
        let is_new = host.is_none_or(|host| !host.aliases.contains(&name));
        if is_new && host.is_some() && ip.parse::<IpAddr>().is_err() {
            return Ok(Look::cannot(format!("'{ip}' is no address")));
        }
        if is_new {
            steps.push((ADD, ip.clone(), name.clone()));
        }
        let commented = host.and_then(|host| host.comment.as_ref()) == Some(&comment);
        if !comment.is_empty() && (is_new || !commented) {
            steps.push((COMMENT, ip.clone(), comment.clone()));
        }
    }
    let others = known.iter().filter(|host| host.aliases.contains(&name) && !wanted.contains(&host.ip));
    if args.bool("clean") {
        steps.extend(others.map(|host| (REMOVE, host.ip.clone(), name.clone())));
    }
    Ok(planned(&name, steps))
}

fn planned(name: &str, steps: Steps) -> Look {
    if steps.is_empty() {
        return Look::in_sync(format!("{name} has its addresses"));
    }
    let mut changes = Map::new();
    for (verb, ip, what) in &steps {
        let of_verb = changes.entry_or(*verb, || Map::new().into());
        of_verb.as_map_mut().into_iter().for_each(|map| drop(map.insert(ip.as_str(), vec![what.as_str()])));
    }
    let name = name.to_owned();
    Look::differs(format!("addresses of {name} would be changed"), changes.clone(), move |state| {
        let mut table = Table::load(state.ctx)?;
        for (verb, ip, what) in &steps {
            match *verb {
                ADD => table.add(ip, what),
                COMMENT => table.set_comment(ip, what),
                _ => table.remove(ip, what),
            }
        }
        table.store()?;
        Ok(Applied::done(format!("changed addresses of {name}"), changes))
    })
}

fn absent(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    let table = Table::load(state.ctx)?;
    let found: Vec<String> =
        addresses(args).into_iter().filter(|ip| table.aliases(ip).contains(&name)).collect();
    if found.is_empty() {
        return Ok(Look::in_sync(format!("{name} does not belong to these addresses")));
    }
    let list = found.join(", ");
    Ok(Look::differs(format!("{name} would be taken from {list}"), Map::new(), move |state| {
        let mut table = Table::load(state.ctx)?;
        found.iter().for_each(|ip| table.remove(ip, &name));
        table.store()?;
        Ok(Applied::done(format!("took {name} from {list}"), Map::from([("host", name)])))
    }))
}

fn only(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let ip = args.str("name")?;
    let new = match args.get("hostnames") {
        Value::List(names) => names.iter().filter_map(as_text).map(|name| name.trim().to_owned()).collect(),
        _ => vec![args.str("hostnames")?.trim().to_owned()],
    };
    let (old, new) = (Table::load(state.ctx)?.aliases(&ip).join(" "), new.join(" "));
    if old == new {
        return Ok(Look::in_sync(format!("{ip} has the names '{new}'")));
    }
    Ok(Look::differs(format!("{ip} would get the names '{new}', not '{old}'"), Map::new(), move |state| {
        let mut table = Table::load(state.ctx)?;
        table.set(&ip, &new, None);
        table.store()?;
        let comment = format!("{ip} has the names '{new}' now");
        let change = Map::from([("old", old), ("new", new)]);
        Ok(Applied::done(comment, Map::from([(ip, change)])))
    }))
}
