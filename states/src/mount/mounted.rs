//! `mount.mounted`.

use super::options::{missing, words};
use crate::{Applied, Look, StateCtx};
use halite_modules::mount::{Mount, active, cached_options, remember};
use halite_modules::regex::{Flags, Kind, Pattern};
use halite_modules::{Args, Bound, CallError, Ctx, call, tools};
use halite_wire::{Map, Value};
use std::path::Path;

/// The arguments, and what there is.
struct Wanted {
    args: Bound,
    name: String,
    /// The place without links, as it is mounted.
    place: String,
    device: String,
    fstype: String,
    opts: Vec<String>,
    mkmnt: bool,
    /// Options that call for mounting again.
    remount: Vec<String>,
    /// Whether another device is mounted there; its names.
    other: Option<Vec<String>>,
    is_mounted: bool,
}

/// A path as `/proc` writes it.
fn escaped(path: &str) -> String {
    path.replace(' ', "\\040")
}

fn real(path: &str) -> String {
    let mut at = Path::new(path);
    // What is not there yet is taken as it is written, below what is there.
    loop {
        if let Ok(real) = at.canonicalize() {
            let rest = Path::new(path).strip_prefix(at).unwrap_or(Path::new(""));
            let whole = if rest.as_os_str().is_empty() { real } else { real.join(rest) };
            return whole.to_string_lossy().into_owned();
        }
        match at.parent() {
            Some(parent) => at = parent,
            None => return path.to_owned(),
        }
    }
}

fn at<'m>(mounts: &'m [Mount], place: &str) -> Option<&'m Mount> {
    mounts.iter().rfind(|mount| mount.place == place)
}

/// The mount the path is on.
fn under<'m>(mounts: &'m [Mount], path: &str) -> Option<&'m Mount> {
    Path::new(path).ancestors().find_map(|folder| at(mounts, &escaped(&folder.to_string_lossy())))
}

/// The device by the name the kernel has for it. `Err` is for the user.
fn real_device(device: &str) -> Result<String, String> {
    if let Some(uuid) = device.to_uppercase().strip_prefix("UUID=") {
        return Ok(uuid.trim_matches('"').to_lowercase());
    }
    if let Some(label) = device.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("label")) {
        let token = format!("LABEL={}", label.1);
        let listed = tools::text(&["blkid", "-t", &token]).unwrap_or_default();
        let first =
            listed.lines().next().and_then(|line| line.split_once(':')).map(|(device, _)| device.to_owned());
        return first.ok_or_else(|| format!("there is no device with the label {}", label.1));
    }
    let parts: Vec<&str> = device.split('/').collect();
    if let ["", "dev", group, volume] = parts[..] {
        let mapper = format!("/dev/mapper/{}-{}", group.replace('-', "--"), volume.replace('-', "--"));
        if Path::new(&mapper).exists() {
            return Ok(mapper);
        }
    }
    if device.starts_with('/') {
        return Ok(real(device));
    }
    let fuse = device.split_once('#').filter(|(kind, rest)| {
        !kind.is_empty() && !rest.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_')
    });
    Ok(fuse.map_or(device, |(_, rest)| rest).to_owned())
}

/// Whether the place has another device than the wanted one: all the names of the one it has.
fn other_device(ctx: &mut Ctx, device: &str, mount: &Mount) -> Result<Option<Vec<String>>, CallError> {
    let real_wanted = real_device(device).map_err(CallError::failed)?;
    let facts = call(ctx, "mount.active", Args::default().with("extended", true))?;
    let facts = facts.get(&mount.place).cloned().unwrap_or_default();
    // A name that is no path is shown as one of the root, too.
    let path = if mount.device.starts_with('/') { real(&mount.device) } else { format!("/{}", mount.device) };
    let mut names = vec![mount.device.clone(), path];
    for key in ["alt_device", "device_uuid", "device_label"] {
        let name = facts.get(key).and_then(Value::as_str).map(str::to_owned);
        names.extend(name.filter(|name| !names.contains(name)));
    }
    Ok((!names.contains(&real_wanted)).then_some(names))
}

impl Wanted {
    fn of(ctx: &mut Ctx, args: &Bound) -> Result<Result<Wanted, String>, CallError> {
        for name in ["name", "device", "fstype"] {
            if !args.get(name).is_truthy() {
                return Ok(Err(format!("the argument '{name}' must not be empty")));
            }
        }
        let name = args.str("name")?;
        let name = if name == "/" { name } else { name.trim_end_matches('/').to_owned() };
        let (device, fstype) = (args.str("device")?, args.str("fstype")?);
        if let Err(why) = real_device(&device) {
            return Ok(Err(why));
        }
        let mut wanted = Wanted {
            place: real(&name),
            opts: words(args, "opts")?,
            mkmnt: args.bool("mkmnt"),
            remount: Vec::new(),
            other: None,
            is_mounted: false,
            args: args.clone(),
            name,
            device,
            fstype,
        };
        wanted.compare(ctx)?;
        Ok(Ok(wanted))
    }

    fn compare(&mut self, ctx: &mut Ctx) -> Result<(), CallError> {
        let mounts = active()?;
        let Some(mount) = at(&mounts, &escaped(&self.place)) else { return Ok(()) };
        self.is_mounted = true;
        if !self.args.bool("mount") {
            return Ok(());
        }
        let mut device = self.device.clone();
        let binds = self.device.starts_with('/') && self.opts.iter().any(|opt| opt == "bind");
        if binds {
            // What the kernel shows for a folder of a local disk is the disk; of others it is what they are called.
            let local = mount.device.starts_with('/');
            let source =
                if local { under(&mounts, &self.device) } else { at(&mounts, &escaped(&self.device)) };
            if let Some(source) = source.filter(|_| self.args.bool("bind_mount_copy_active_opts")) {
                self.opts.extend(source.opts.iter().chain(&source.superopts).cloned());
                self.opts.sort();
                self.opts.dedup();
            }
            device = source.filter(|_| local).unwrap_or(mount).device.clone();
        }
        self.remount = missing(&self.args, &self.fstype, &self.opts, mount)?;
        if self.remount.is_empty()
            && let Some(before) = cached_options(ctx, &self.place)
        {
            self.remount = before.into_iter().filter(|opt| !self.opts.contains(opt)).collect();
        }
        self.remount.sort();
        self.other = other_device(ctx, &device, mount)?;
        for source in words(&self.args, "device_name_regex")? {
            let regex = Pattern::prefix(&source, Flags::default(), Kind::Text);
            let regex = regex.map_err(|error| CallError::failed(error.to_string()))?;
            let fits = |name: &String| regex.is_match(name.as_bytes()).unwrap_or(false);
            self.other = self.other.take().filter(|names| !names.iter().any(fits));
        }
        Ok(())
    }

    fn mounts(&self) -> bool {
        self.args.bool("mount") && (!self.is_mounted || self.other.is_some())
    }

    fn fstab(&self, test: bool) -> Args {
        let args = Args::of([self.name.as_str(), &self.device, &self.fstype]).with("opts", self.opts.clone());
        let args = ["dump", "pass_num", "config", "match_on"]
            .iter()
            .fold(args, |args, key| args.with(key, self.args.get(key).clone()));
        args.with("test", test)
    }

    /// Arguments of `mount.mount` and `mount.remount`.
    fn call(&self, place: &str) -> Args {
        Args::of([
            Value::from(place),
            self.device.as_str().into(),
            self.mkmnt.into(),
            self.fstype.as_str().into(),
        ])
        .with("opts", self.opts.clone())
    }

    /// Whether the filesystem wants to be unmounted for other options.
    fn needs_umount(&self) -> bool {
        matches!(self.fstype.as_str(), "nfs" | "cvfs") || self.fstype.starts_with("fuse")
    }
}

pub fn mounted(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let wanted = match Wanted::of(state.ctx, args)? {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let name = &wanted.name;
    let persists = args.bool("persist");
    let is_kept = |ctx: &mut Ctx| -> Result<bool, CallError> {
        Ok(!persists || call(ctx, "mount.set_fstab", wanted.fstab(true))? == Value::from("present"))
    };
    let acts = wanted.mounts() || !wanted.remount.is_empty();
    let makes_folder = !wanted.is_mounted && !args.bool("mount") && !Path::new(name).exists();
    if state.test && !acts && !makes_folder && is_kept(state.ctx)? {
        return Ok(Look::in_sync(format!("{name} is as it should be")));
    }
    let comment = format!("{} is to be mounted at {name}", wanted.device);
    Ok(Look::differs(comment, Map::new(), move |state| apply(state.ctx, wanted)))
}

fn failed(what: &str, answer: &Value, changes: Map) -> Applied {
    Applied::failed(format!("{what}: {}", answer.as_str().unwrap_or("no reason is told")), changes)
}

fn apply(ctx: &mut Ctx, wanted: Wanted) -> Result<Applied, CallError> {
    let mut changes = Map::new();
    let mut result = Value::Bool(true);
    if !wanted.remount.is_empty() {
        result = remount(ctx, &wanted, &mut changes)?;
        if result.as_str().is_some() && !changes.contains_key("umount") {
            return Ok(failed(&wanted.name, &result, changes));
        }
    }
    if let Some(names) = &wanted.other {
        let device = real_device(&wanted.device).unwrap_or_default();
        let device = if device == wanted.device { device } else { format!("{} ({device})", wanted.device) };
        let why = format!(
            "Forced unmount because devices don't match. Wanted: {device}, current: {}",
            names.join(", ")
        );
        changes.insert("umount", why);
        call(ctx, "mount.umount", Args::of([wanted.place.as_str()]))?;
        if at(&active()?, &escaped(&wanted.place)).is_some() {
            return Ok(Applied::failed(format!("{} cannot be unmounted", wanted.name), changes));
        }
    }
    if wanted.mounts() {
        if !Path::new(&wanted.name).exists() && !wanted.mkmnt {
            return Ok(Applied::failed(
                format!("there is no folder {}, and mkmnt is not set", wanted.name),
                changes,
            ));
        }
        let user = wanted.args.get("user").clone();
        let said = call(ctx, "mount.mount", wanted.call(&wanted.name).with("user", user))?;
        if said.as_str().is_some() {
            return Ok(failed(&wanted.name, &said, changes));
        }
        changes.insert("mount", true);
    } else if !wanted.is_mounted && wanted.mkmnt && !Path::new(&wanted.name).exists() {
        call(
            ctx,
            "file.mkdir",
            Args::of([wanted.name.as_str()]).with("user", wanted.args.get("user").clone()),
        )?;
    }
    if wanted.args.bool("persist") {
        let kept = call(ctx, "mount.set_fstab", wanted.fstab(false))?;
        if let Some(word) =
            [("new", "new"), ("change", "update")].iter().find(|(said, _)| kept == Value::from(*said))
        {
            changes.insert("persist", word.1);
        }
    }
    if wanted.args.bool("mount") {
        let facts: [(&str, Value); 4] = [
            ("device", wanted.device.as_str().into()),
            ("fstype", wanted.fstype.as_str().into()),
            ("mkmnt", wanted.mkmnt.into()),
            ("opts", wanted.opts.clone().into()),
        ];
        remember(ctx, &wanted.place, Map::from(facts))?;
    }
    if result.as_str().is_some() {
        return Ok(failed(&wanted.name, &result, changes));
    }
    Ok(Applied::done(format!("{} is mounted as it should be", wanted.name), changes))
}

/// Mounts again with all options; True, or why it cannot be.
fn remount(ctx: &mut Ctx, wanted: &Wanted, changes: &mut Map) -> Result<Value, CallError> {
    let opts = wanted.remount.join(",");
    let place = wanted.place.as_str();
    if !wanted.needs_umount() {
        changes.insert("umount", format!("Forced remount because options ({opts}) changed"));
        return call(ctx, "mount.remount", wanted.call(place));
    }
    changes.insert("umount", format!("Forced unmount and mount because options ({opts}) changed"));
    if call(ctx, "mount.umount", Args::of([place]))?.as_str().is_some() {
        let why =
            "Forced a lazy unmount and mount because the previous unmount failed and because the options";
        changes.insert("umount", format!("{why} ({opts}) changed"));
        let lazy = call(ctx, "mount.umount", Args::of([place]).with("lazy", true))?;
        if lazy.as_str().is_some() {
            return Ok(lazy);
        }
    }
    call(ctx, "mount.mount", wanted.call(place))
}
