//! `file.mknod`: device files and named pipes.

use super::{ended, named, shown, user};
use crate::{Applied, Look, StateCtx};
use halite_modules::file::nodes;
use halite_modules::file::perms::Perms;
use halite_modules::{Bound, CallError};
use halite_wire::Map;
use std::os::unix::fs::MetadataExt;

pub fn mknod(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = match named(args)? {
        Ok(name) => name,
        Err(look) => return Ok(look),
    };
    let letter = args.str("ntype")?;
    let (kind, called) = match nodes::kind(&letter) {
        Ok(kind) => kind,
        Err(error) => return Ok(Look::cannot(error.to_string())),
    };
    let number =
        |name: &str| u32::try_from(args.int(name)?).map_err(|_| args.wrong("no device has such a number"));
    let device = if letter == "p" { (0, 0) } else { (number("major")?, number("minor")?) };
    let perms = Perms { user: user(args), ..Perms::of(args) };
    let Ok(meta) = name.metadata() else {
        let new = Map::from([("new", format!("{called} {} created.", name.display()))]);
        return Ok(Look::differs(format!("{} would be created", name.display()), Map::new(), move |_| {
            nodes::create(&name, &letter, device, &perms)?;
            Ok(Applied::done(format!("{} was created", name.display()), new))
        }));
    };
    if rustix::fs::FileType::from_raw_mode(meta.mode()) != kind {
        return Ok(Look::cannot(format!("{} is there, and something else", name.display())));
    }
    let now = (rustix::fs::major(meta.rdev()), rustix::fs::minor(meta.rdev()));
    if letter != "p" && now != device {
        let why = format!("{} is there with other numbers: {}, {}", name.display(), now.0, now.1);
        return Ok(Look::cannot(why));
    }
    let planned = perms.check(&name, false, true)?.changes;
    if planned.is_empty() {
        return Ok(Look::in_sync(format!(
            "{} is as it should be",
            shown(&name).as_str().unwrap_or_default()
        )));
    }
    Ok(Look::differs(format!("{} would be changed", name.display()), planned, move |_| {
        Ok(ended(format!("{} was changed", name.display()), perms.check(&name, false, false)?))
    }))
}
