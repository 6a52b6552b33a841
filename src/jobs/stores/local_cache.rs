//! Files in the layout of Salt's own job cache: `CACHEDIR/jobs/AA/REST`, where `AAREST` is a hash of the job id.
//!
//! In a job's directory: `jid`, `.load.p`, `.minions.p` (and those of syndics), `nocache`, `endtime`, and for each host
//! `ID/return.p` and `ID/out.p`; what ends in `.p` is msgpack. Salt reads what is written here, and what Salt wrote is
//! read. Nothing but plain files is ever opened, and a damaged one spoils itself only.

use super::super::remote::Shelf;
use super::super::{Options, Search, StoreError, StoredReturn};
use async_trait::async_trait;
use halite_wire::message::{decode_value, encode_value};
use halite_wire::{Jid, Map, MinionId, Value};
use rustix::fs::{Mode, OFlags};
use sha2::Digest;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// Bytes of one file that are read: more than any return may have.
const FILE_BYTES_MAX: u64 = 256 << 20;

#[derive(Clone)]
pub struct LocalCache {
    jobs: PathBuf,
    hash: fn(&str) -> String,
}

/// `cachedir` (of the configuration, or of `local_cache` alone) and `hash_type`.
///
/// # Errors
/// The hash is none of `sha1`, `sha224`, `sha256`, `sha384`, `sha512`.
pub fn open(options: &Options) -> Result<LocalCache, StoreError> {
    let of_config = |key: &str| options.opts.get_str(key).map(str::to_owned);
    let given = options.maybe("cachedir").or_else(|| of_config("cachedir"));
    let cachedir = given.unwrap_or_else(|| "/var/cache/salt/master".to_owned());
    let name =
        options.maybe("hash_type").or_else(|| of_config("hash_type")).unwrap_or_else(|| "sha256".to_owned());
    let hash = match name.as_str() {
        "sha1" => |jid: &str| hex(&sha1::Sha1::digest(jid)),
        "sha224" => |jid: &str| hex(&sha2::Sha224::digest(jid)),
        "sha256" => |jid: &str| hex(&sha2::Sha256::digest(jid)),
        "sha384" => |jid: &str| hex(&sha2::Sha384::digest(jid)),
        "sha512" => |jid: &str| hex(&sha2::Sha512::digest(jid)),
        _ => return Err(options.wrong("hash_type", "is none of sha1, sha224, sha256, sha384 and sha512")),
    };
    Ok(LocalCache { jobs: Path::new(&cachedir).join("jobs"), hash })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl LocalCache {
    /// The directory of a job: below the cache whatever the id is, as the name is made of digits and letters only.
    fn dir(&self, jid: Jid) -> PathBuf {
        let hash = (self.hash)(jid.as_str());
        let (top, rest) = hash.split_at(2);
        self.jobs.join(top).join(rest)
    }

    fn failed(&self) -> impl Fn(io::Error) -> StoreError {
        |error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { path: self.jobs.clone() },
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                StoreError::ReadOnly { path: self.jobs.clone() }
            }
            _ => StoreError::Failed { path: self.jobs.clone(), why: error.to_string() },
        }
    }

    /// Makes the directory of a new job; false where there is one.
    fn reserve(&self, jid: Jid) -> io::Result<bool> {
        let dir = self.dir(jid);
        make_dirs(dir.parent().unwrap_or(&self.jobs))?;
        match DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => write(&dir.join("jid"), jid.as_str().as_bytes()).map(|()| true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn write_load(&self, jid: Jid, load: &Map) -> io::Result<()> {
        let (dir, mut load) = (self.dir(jid), load.clone());
        if let Some(ended) = load.get("halite").and_then(|ours| ours.get("ended")).and_then(Value::as_str) {
            let shown = ended.parse::<Jid>().map(|ended| ended.start_time()).unwrap_or_default();
            write(&dir.join("endtime"), shown.as_bytes())?;
        }
        let minions = load.remove("Minions").unwrap_or_else(|| Value::List(Vec::new()));
        write(&dir.join(".minions.p"), &pack(&minions)?)?;
        write(&dir.join(".load.p"), &pack(&Value::Map(load))?)?;
        self.sync()
    }

    fn read_load(&self, jid: Jid) -> io::Result<Option<Map>> {
        let dir = self.dir(jid);
        let load = match read(&dir.join(".load.p")) {
            Ok(bytes) => unpack(&bytes).and_then(|load| load.as_map().cloned()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(_) => None,
        };
        let mut load = load.unwrap_or_else(|| Map::from([("jid", jid.as_str()), ("fun", "damaged-load")]));
        let minions = minions(&dir);
        if minions.is_truthy() {
            load.insert("Minions", minions);
        }
        Ok(Some(load))
    }

    /// Ids of all jobs, from the `jid` file of each directory, checked against its name.
    fn jids(&self) -> io::Result<Vec<Jid>> {
        let mut jids = Vec::new();
        for top in entries(&self.jobs)? {
            for dir in entries(&top).unwrap_or_default() {
                let text = read(&dir.join("jid")).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let jid: Option<Jid> = text.and_then(|text| text.trim().parse().ok());
                jids.extend(jid.filter(|jid| self.dir(*jid) == dir));
            }
        }
        jids.sort_unstable();
        Ok(jids)
    }

    /// Writes the returns of hosts that have none. A host's directory without a return is what a crash left.
    fn save_all(&self, batch: &[StoredReturn]) -> io::Result<()> {
        for ret in batch {
            let dir = self.dir(ret.jid);
            if dir.join("nocache").exists() {
                continue;
            }
            let host = dir.join(ret.id.as_str());
            if host.join("return.p").exists() {
                continue;
            }
            make_dirs(&host)?;
            if let Some(out) = ret.full_ret.get("out") {
                write(&host.join("out.p"), &pack(out)?)?;
            }
            write(&host.join("return.p"), &pack(&Value::Map(ret.kept()))?)?;
        }
        self.sync()
    }

    fn read_return(&self, jid: Jid, id: MinionId, fun: &str) -> Option<StoredReturn> {
        let dir = self.dir(jid).join(id.as_str());
        let bytes = read(&dir.join("return.p")).ok()?;
        let Some(value) = unpack(&bytes) else {
            return Some(StoredReturn::damaged(jid, id, fun, "return.p is not whole"));
        };
        // Older versions of Salt wrote the bare return.
        let mut full_ret = match value {
            Value::Map(map) if map.contains_key("return") => map,
            bare => Map::from([("return", bare)]),
        };
        if let Some(out) = read(&dir.join("out.p")).ok().and_then(|bytes| unpack(&bytes)) {
            full_ret.insert("out", out);
        }
        let success = full_ret.get("success").is_some_and(Value::is_truthy);
        let mut ret = StoredReturn { jid, id, fun: fun.to_owned(), success, full_ret };
        ret.complete();
        Some(ret)
    }

    /// Makes durable all that was written.
    fn sync(&self) -> io::Result<()> {
        let dir = rustix::fs::open(&self.jobs, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(rustix::fs::syncfs(dir)?)
    }

    /// Runs `work` where it may wait for the disk.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LocalCache) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let cache = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&cache)).await;
        done.unwrap_or_else(|bug| Err(io::Error::other(bug))).map_err(self.failed())
    }
}

fn minions(dir: &Path) -> Value {
    let mut all: Vec<Value> = Vec::new();
    let own = entries(dir).unwrap_or_default().into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(".minions.") && name.ends_with(".p")
    });
    for list in own.filter_map(|path| unpack(&read(&path).ok()?)) {
        all.extend(list.as_list().unwrap_or_default().iter().filter(|id| id.as_str().is_some()).cloned());
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|id| seen.insert(id.clone()));
    Value::List(all)
}

fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

fn make_dirs(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Reads a plain file, and follows no link: a pipe that somebody laid there must not hang us.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() > FILE_BYTES_MAX {
        return Err(io::Error::other("not a plain file, or too long"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file is there whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

fn pack(value: &Value) -> io::Result<Vec<u8>> {
    encode_value(value).map_err(io::Error::other)
}

fn unpack(bytes: &[u8]) -> Option<Value> {
    decode_value(bytes).ok()
}

#[async_trait]
impl Shelf for LocalCache {
    fn place(&self) -> String {
        format!("local_cache at {}", self.jobs.display())
    }

    async fn init(&self) -> Result<(), StoreError> {
        self.blocking(|cache| make_dirs(&cache.jobs)).await
    }

    async fn add(&self, jid: Jid, load: &Map) -> Result<bool, StoreError> {
        let load = load.clone();
        self.blocking(move |cache| Ok(cache.reserve(jid)? && cache.write_load(jid, &load).map(|()| true)?))
            .await
    }

    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError> {
        let load = load.clone();
        self.blocking(move |cache| cache.reserve(jid).and_then(|_| cache.write_load(jid, &load))).await
    }

    async fn load(&self, jid: Jid) -> Result<Option<Map>, StoreError> {
        self.blocking(move |cache| cache.read_load(jid)).await
    }

    async fn loads(&self, search: &Search) -> Result<Vec<(Jid, Map)>, StoreError> {
        let search = search.clone();
        let find = move |cache: &LocalCache| {
            let mut jids = cache.jids()?;
            jids.retain(|jid| search.since.is_none_or(|since| *jid >= since));
            jids.retain(|jid| search.until.is_none_or(|until| *jid <= until));
            let most = search.limit().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
            let newest = jids.split_off(jids.len().saturating_sub(most));
            let load = |jid: Jid| Some((jid, cache.read_load(jid).ok()??));
            Ok(newest.into_iter().filter_map(load).collect())
        };
        self.blocking(find).await
    }

    async fn save(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        let batch = batch.to_vec();
        self.blocking(move |cache| cache.save_all(&batch)).await
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        let send = move |cache: &LocalCache| {
            let Some(load) = cache.read_load(jid)? else { return Ok(()) };
            let fun = load.get_str("fun").unwrap_or("");
            for path in entries(&cache.dir(jid))? {
                let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                let Some(ret) = id.and_then(|id| cache.read_return(jid, id, fun)) else { continue };
                if to.blocking_send(ret).is_err() {
                    break;
                }
            }
            Ok(())
        };
        self.blocking(send).await
    }

    async fn remove(&self, jid: Jid) -> Result<(), StoreError> {
        self.blocking(move |cache| fs::remove_dir_all(cache.dir(jid))).await
    }
}
