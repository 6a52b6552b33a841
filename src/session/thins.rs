//! The executors this controller carries: a lean and a full one for each architecture.
//!
//! Most calls need neither templates nor states. They get an executor half the size, which starts faster, too.

use super::Work;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// One embedded executor. Its hash names it on hosts, so two controllers never run each other's.
#[derive(Debug)]
pub struct Thin {
    /// As `uname -m` says it.
    pub arch: &'static str,
    pub edition: Edition,
    /// Of the executable, in hex.
    pub sha256: &'static str,
    /// Bytes of the executable.
    pub size: usize,
    /// Whether `xz` has a filter for branches, which not every program undoes.
    pub is_filtered: bool,
    pub xz: &'static [u8],
}

/// How much an executor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edition {
    /// What is asked of many hosts at once: no templates, no states.
    Lean,
    Full,
}

impl Edition {
    /// The least that most likely serves. Where the lean one does not after all, it says so before it does anything.
    pub fn of(work: &Work) -> Edition {
        match work {
            Work::Call { call, .. }
                if call.kwarg.get("template").is_some() || !LEAN_FUNCTIONS.contains(&call.fun.as_str()) =>
            {
                Edition::Full
            }
            _ => Edition::Lean,
        }
    }
}

/// The forms a host can take an executor in, the smallest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Xz,
    Gzip,
    /// For hosts that unpack nothing.
    Raw,
}

impl Packing {
    /// The smallest form of `thin` for a host, by what our script says it can undo: words with commas between.
    pub fn of(thin: &Thin, undone: &str) -> Packing {
        let can = |what| undone.split(',').any(|word| word == what);
        if can("xz") && (can("filter") || !thin.is_filtered) {
            Packing::Xz
        } else if can("gzip") {
            Packing::Gzip
        } else {
            Packing::Raw
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/thins.rs"));

/// The executor for a host that says `machine`: of this edition, or the full one where there is no other.
pub fn for_machine(machine: &str, edition: Edition) -> Option<&'static Thin> {
    let arch = match machine {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    let mut fitting = THINS.iter().filter(|thin| thin.arch == arch);
    fitting
        .clone()
        .find(|thin| thin.edition == edition)
        .or_else(|| fitting.find(|thin| thin.edition == Edition::Full))
}

/// The machines there is an executor for, as `uname -m` says them.
pub fn machines() -> Vec<&'static str> {
    THINS.iter().filter(|thin| thin.edition == Edition::Full).map(|thin| thin.arch).collect()
}

/// One name for all executors of this edition: what hosts look for, whatever their architecture.
pub fn version(edition: Edition) -> &'static str {
    static VERSIONS: LazyLock<[String; 2]> = LazyLock::new(|| [Edition::Lean, Edition::Full].map(name));
    match edition {
        Edition::Lean => &VERSIONS[0],
        Edition::Full => &VERSIONS[1],
    }
}

fn name(edition: Edition) -> String {
    let mut hasher = blake3::Hasher::new();
    for thin in machines().into_iter().filter_map(|machine| for_machine(machine, edition)) {
        hasher.update(thin.sha256.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

impl Thin {
    /// The executor as a host takes it. What is not embedded is made once and kept: a thousand hosts may want it.
    pub fn packed(&self, packing: Packing) -> Arc<[u8]> {
        type Made = Mutex<HashMap<(&'static str, Edition, bool), Arc<[u8]>>>;
        static MADE: LazyLock<Made> = LazyLock::new(Mutex::default);
        if packing == Packing::Xz {
            return self.xz.into();
        }
        let gzip = packing == Packing::Gzip;
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry((self.arch, self.edition, gzip)).or_insert_with(|| self.repacked(gzip).into()).clone()
    }

    /// What our own build packed unpacks, and memory takes it; anything else would be caught by the hash on the host.
    fn repacked(&self, gzip: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size);
        let _ = lzma_rust2::XzReader::new(self.xz, false).read_to_end(&mut bytes);
        if !gzip {
            return bytes;
        }
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let _ = packed.write_all(&bytes);
        packed.finish().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_executors_of_this_machine_unpack_whole() {
        for edition in [Edition::Lean, Edition::Full] {
            unpacks_whole(edition);
        }
    }

    #[test]
    fn a_filter_is_for_those_who_undo_it() {
        let thin = Thin { is_filtered: true, ..*for_machine(std::env::consts::ARCH, Edition::Full).unwrap() };
        let plain = Thin { is_filtered: false, ..thin };
        let rows = [
            ("raw,gzip,xz,filter", Packing::Xz, Packing::Xz),
            ("raw,gzip,xz", Packing::Gzip, Packing::Xz),
            ("raw,xz", Packing::Raw, Packing::Xz),
            ("raw,gzip", Packing::Gzip, Packing::Gzip),
            ("raw", Packing::Raw, Packing::Raw),
        ];
        for (undone, filtered, unfiltered) in rows {
            assert_eq!(
                (Packing::of(&thin, undone), Packing::of(&plain, undone)),
                (filtered, unfiltered),
                "{undone}"
            );
        }
    }

    fn unpacks_whole(edition: Edition) {
        let thin = for_machine(std::env::consts::ARCH, edition).expect("this machine's executor is embedded");
        let raw = thin.packed(Packing::Raw);
        assert_eq!(raw.len(), thin.size);
        assert!(raw.starts_with(b"\x7fELF"));
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*thin.packed(Packing::Gzip)).read_to_end(&mut unpacked).unwrap();
        assert!(*unpacked == *raw);
    }
}
