//! Where content comes from: the `source`, `source_hash` and their kin of a user in, a file of this host out.
//!
//! A source is `salt://path`, a path of this host, `file://path`, or a URL of a web server; or a list of these, of which
//! the first that exists is taken. Nothing is fetched before somebody needs it.

mod sums;

pub use sums::{Search, Sum, extract_hash, get_source_sum, of_source as sum_of};

use super::could_not;
use crate::args::as_text;
use crate::cp::{self, web};
use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, digest, paths};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

/// A source as the user asks for it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// One, or a list of texts and of `{source: source_hash}`.
    pub source: Value,
    pub source_hash: Value,
    pub source_hash_name: Option<String>,
    pub skip_verify: bool,
    pub verify_ssl: bool,
    pub use_etag: bool,
    pub saltenv: String,
}

/// A source that was chosen, and the digest it has.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// As the user wrote it.
    pub source: String,
    origin: Origin,
    /// Nothing where the user does not want a digest checked.
    pub sum: Option<Sum>,
    /// Permission bits, of files that have some.
    pub mode: Option<u32>,
    verify_ssl: bool,
    refetch: bool,
}

#[derive(Clone, Debug)]
enum Origin {
    Server(cp::Source),
    Local(PathBuf),
    Web { url: String, saltenv: String },
}

impl Request {
    /// Reads the arguments of this name that a function has.
    pub fn of(args: &Bound, saltenv: &str) -> Request {
        Request {
            source: args.get("source").clone(),
            source_hash: args.get("source_hash").clone(),
            source_hash_name: as_text(args.get("source_hash_name")),
            skip_verify: args.bool("skip_verify"),
            verify_ssl: args.get("verify_ssl") != &Value::Bool(false),
            use_etag: args.bool("use_etag"),
            saltenv: saltenv.to_owned(),
        }
    }

    /// Decides which source it is, and learns its digest. `name` is the file it is for.
    ///
    /// # Errors
    /// Where no source exists, or nobody says which digest the file of a web server must have.
    pub fn choose(&self, ctx: &mut Ctx, name: &str) -> Result<Chosen, CallError> {
        let (source, hash) = first_there(ctx, &self.source, &self.source_hash, &self.saltenv, false)?;
        let chosen = |origin, sum, mode| Chosen {
            source: source.clone(),
            origin,
            sum,
            mode,
            verify_ssl: self.verify_ssl,
            refetch: self.use_etag,
        };
        if let Some(served) = cp::Source::parse(&source, &self.saltenv) {
            let facts = served.facts(ctx)?.ok_or_else(|| {
                CallError::Failed(format!("there is no {source} in saltenv '{}'", served.saltenv))
            })?;
            return Ok(chosen(Origin::Server(served), Some(Sum::sha256(&facts.sha256)), Some(facts.mode)));
        }
        let is_web = web::serves(&source);
        let sum = match hash.is_truthy() && !self.skip_verify {
            true => Some(self.sum(ctx, name, &source, &hash)?),
            false => None,
        };
        if !is_web {
            let path = local_path(&source);
            let meta = path
                .metadata()
                .map_err(|_| CallError::Failed(format!("there is no file {}", path.display())))?;
            let mode = std::os::unix::fs::MetadataExt::mode(&meta) & 0o7777;
            return Ok(chosen(Origin::Local(path), sum, Some(mode)));
        }
        if sum.is_none() && !self.skip_verify && !self.use_etag {
            let shown = web::without_password(&source);
            let why =
                format!("nothing says what {shown} must be: set 'source_hash', or 'skip_verify' to True");
            return Err(CallError::Failed(why));
        }
        Ok(chosen(Origin::Web { url: source.clone(), saltenv: self.saltenv.clone() }, sum, None))
    }

    fn sum(&self, ctx: &mut Ctx, name: &str, source: &str, hash: &Value) -> Result<Sum, CallError> {
        let hash = as_text(hash).ok_or_else(|| CallError::failed("'source_hash' must be text"))?;
        sums::of_source(
            ctx,
            &hash,
            &sums::Search { name, source, hash_name: self.source_hash_name.as_deref() },
            self,
        )
    }
}

impl Chosen {
    /// Whether a file has this content already. Only what has a digest can be told from afar.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn is(&self, file: &Path) -> Result<bool, CallError> {
        match &self.sum {
            Some(sum) => sum.fits(file).map_err(could_not("read", file)),
            None => Ok(false),
        }
    }

    /// The file on this host, fetched where it must be, with the digest it must have.
    ///
    /// # Errors
    /// What fetching says, or that the digest is another.
    pub fn file(&self, ctx: &mut Ctx) -> Result<PathBuf, CallError> {
        let file = match &self.origin {
            Origin::Local(path) => path.clone(),
            Origin::Server(source) => {
                let cached = cp::cached(ctx, source)?;
                return cached
                    .ok_or_else(|| CallError::Failed(format!("the file server has no {source} any more")));
            }
            Origin::Web { url, saltenv } => self.web_file(ctx, url, saltenv)?,
        };
        match &self.sum {
            Some(sum) if !sum.fits(&file).map_err(could_not("read", &file))? => {
                Err(CallError::Failed(format!(
                    "the {} of {} is not {}; where a list of digests names several files, 'source_hash_name' says which one is meant",
                    sum.algorithm,
                    self.shown(),
                    sum.digits
                )))
            }
            _ => Ok(file),
        }
    }

    fn web_file(&self, ctx: &mut Ctx, url: &str, saltenv: &str) -> Result<PathBuf, CallError> {
        let there = cp::extern_path(ctx, url, saltenv)?;
        if there.is_file() && !self.refetch && (self.sum.is_none() || self.is(&there)?) {
            return Ok(there);
        }
        let args = Args::of([url])
            .with("saltenv", saltenv)
            .with("verify_ssl", self.verify_ssl)
            .with("source_hash", self.sum.as_ref().map(|sum| format!("{}={}", sum.algorithm, sum.digits)));
        match call(ctx, "cp.cache_file", args)? {
            Value::Str(path) => Ok(PathBuf::from(path)),
            _ => Err(CallError::Failed(format!("could not fetch {}", self.shown()))),
        }
    }

    /// Whether it is there to be fetched. Only web servers are asked: of others it is known.
    pub fn is_there(&self, ctx: &mut Ctx) -> bool {
        if let Origin::Web { url, .. } = &self.origin { web::answers(ctx, url) } else { true }
    }

    /// Removes the copy in the cache.
    ///
    /// # Errors
    /// What removing says.
    pub fn forget(&self, ctx: &mut Ctx) -> Result<(), CallError> {
        let place = match &self.origin {
            Origin::Local(_) => return Ok(()),
            Origin::Server(source) => cp::cache_place(ctx, source)?,
            Origin::Web { url, saltenv } => cp::extern_path(ctx, url, saltenv)?,
        };
        match std::fs::remove_file(&place) {
            Err(error) if !super::is_absent(&error) => Err(could_not("remove", &place)(error)),
            _ => Ok(()),
        }
    }

    /// Its name as it may be shown.
    pub fn shown(&self) -> String {
        match &self.origin {
            Origin::Local(path) => path.display().to_string(),
            Origin::Server(source) => source.to_string(),
            Origin::Web { url, .. } => web::without_password(url),
        }
    }
}

/// The path of `/path` and `file:///path`.
fn local_path(source: &str) -> PathBuf {
    let path = source.strip_prefix("file://").unwrap_or(source);
    paths::from_bytes(&paths::expand_user(path.as_bytes()))
}

/// The source itself, or of a list the first that exists; and the hash that goes with it. With `folders` a directory
/// of the file server counts as well.
///
/// # Errors
/// Where none of a list exists.
pub fn first_there(
    ctx: &mut Ctx,
    source: &Value,
    source_hash: &Value,
    saltenv: &str,
    folders: bool,
) -> Result<(String, Value), CallError> {
    let Value::List(sources) = source else {
        let text =
            as_text(source).ok_or_else(|| CallError::failed("'source' must be text or a list of texts"))?;
        return Ok((text, source_hash.clone()));
    };
    for item in sources {
        let (source, own_hash) = match item {
            Value::Map(pair) => match pair.iter().next().filter(|_| pair.len() == 1) {
                Some((source, hash)) => (source.clone(), Some(hash.clone()).filter(Value::is_truthy)),
                None => continue,
            },
            single => (single.clone(), None),
        };
        let Some(source) = as_text(&source) else { continue };
        if exists(ctx, &source, saltenv, folders)? {
            return Ok((source, own_hash.unwrap_or_else(|| source_hash.clone())));
        }
    }
    let names: Vec<String> = sources.iter().map(shown).collect();
    Err(CallError::Failed(format!("none of the sources is there: {}", names.join(", "))))
}

fn shown(source: &Value) -> String {
    let name = source.as_map().and_then(|map| map.keys().next()).unwrap_or(source);
    web::without_password(&as_text(name).unwrap_or_default())
}

fn exists(ctx: &mut Ctx, source: &str, saltenv: &str, folders: bool) -> Result<bool, CallError> {
    if let Some(served) = cp::Source::parse(source, saltenv) {
        if folders {
            return Ok(!cp::below(ctx, &served)?.is_empty());
        }
        return Ok(served.facts(ctx)?.is_some());
    }
    if web::serves(source) {
        return Ok(web::answers(ctx, source));
    }
    let path = local_path(source);
    Ok(path.is_absolute() && path.exists())
}

/// `[source, source_hash]`.
pub fn source_list(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let saltenv = args.str("saltenv")?;
    let (source, hash) = first_there(ctx, args.get("source"), args.get("source_hash"), &saltenv, true)?;
    Ok(Value::List(vec![Value::from(source), hash]))
}

/// `[path on this host, {hash_type, hsum}, what went wrong]`; a template is rendered into a file of its own.
pub fn get_managed(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let request = Request::of(args, &args.str("saltenv")?);
    let nothing = |why: String| Value::List(vec![Value::from(""), Map::new().into(), Value::from(why)]);
    if !request.source.is_truthy() {
        return Ok(nothing(String::new()));
    }
    let found = request.choose(ctx, &args.str("name")?).and_then(|chosen| managed_file(ctx, args, &chosen));
    Ok(match found {
        Ok((path, sum)) => Value::List(vec![paths::to_value(path), sum.into(), Value::from("")]),
        Err(error) => nothing(error.to_string()),
    })
}

fn managed_file(ctx: &mut Ctx, args: &Bound, chosen: &Chosen) -> Result<(PathBuf, Sum), CallError> {
    let file = chosen.file(ctx)?;
    let engine = args.opt_str("template")?.filter(|engine| !engine.is_empty());
    let Some(engine) = engine else {
        let sum = match &chosen.sum {
            Some(sum) => sum.clone(),
            None => Sum::sha256(&super::digest_of(&file, "sha256")?),
        };
        return Ok((file, sum));
    };
    let variables = super::template::variables(args)?;
    let text = super::template::render_file(ctx, &engine, &file, &variables)?;
    let rendered = crate::write::fresh_name(&std::env::temp_dir().join("x"));
    crate::write::replace(&rendered, text.as_bytes(), 0o600).map_err(could_not("write", &rendered))?;
    let digits = digest::of_bytes("sha256", text.as_bytes()).unwrap_or_default();
    Ok((rendered, Sum::sha256(&digits)))
}
