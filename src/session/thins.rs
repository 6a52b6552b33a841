//! The executors this controller carries, one for each architecture.

use std::io::Read;

/// One embedded executor. Its hash names it on hosts, so two controllers never run each other's.
#[derive(Debug)]
pub struct Thin {
    /// As `uname -m` says it.
    pub arch: &'static str,
    /// Of the executable, in hex.
    pub sha256: &'static str,
    /// Bytes of the executable.
    pub size: usize,
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/thins.rs"));

/// The executor for a host that says `machine`.
pub fn for_machine(machine: &str) -> Option<&'static Thin> {
    let arch = match machine {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    THINS.iter().find(|thin| thin.arch == arch)
}

/// One name for all executors of this controller: what hosts look for, whatever their architecture.
pub fn version() -> &'static str {
    static VERSION: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    VERSION.get_or_init(|| {
        let mut hasher = blake3::Hasher::new();
        for thin in THINS {
            hasher.update(thin.sha256.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    })
}

impl Thin {
    /// The executable itself, for hosts that cannot unpack gzip.
    pub fn unpacked(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size);
        // What was packed by our own build unpacks; a short read would be caught by the hash on the host.
        let _ = flate2::read::GzDecoder::new(self.gzip).read_to_end(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_executor_of_this_machine_unpacks_whole() {
        let thin = for_machine(std::env::consts::ARCH).expect("this machine's executor is embedded");
        assert_eq!(thin.unpacked().len(), thin.size);
        assert!(thin.unpacked().starts_with(b"\x7fELF"));
    }
}
