//! SHA-crypt: the `$5$` and `$6$` hashes of `/etc/shadow`, as Ulrich Drepper's specification says.

use sha2::digest::{Digest, Output};
use sha2::{Sha256, Sha512};

const ROUNDS_DEFAULT: u32 = 5000;
const ROUNDS_MIN: u32 = 1000;
const ROUNDS_MAX: u32 = 999_999_999;
const SALT_LETTERS_MAX: usize = 16;
/// Letters of the encoded hash, and of salts.
pub const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The hash of `password` as `/etc/shadow` has it. `salt` may begin with `rounds=N$`.
pub fn sha512_crypt(password: &[u8], salt: &str) -> String {
    const ORDER: [[usize; 3]; 21] = [
        [0, 21, 42],
        [22, 43, 1],
        [44, 2, 23],
        [3, 24, 45],
        [25, 46, 4],
        [47, 5, 26],
        [6, 27, 48],
        [28, 49, 7],
        [50, 8, 29],
        [9, 30, 51],
        [31, 52, 10],
        [53, 11, 32],
        [12, 33, 54],
        [34, 55, 13],
        [56, 14, 35],
        [15, 36, 57],
        [37, 58, 16],
        [59, 17, 38],
        [18, 39, 60],
        [40, 61, 19],
        [62, 20, 41],
    ];
    crypt::<Sha512>(password, salt, "$6$", |sum| {
        let mut text: String = ORDER.iter().map(|[a, b, c]| letters(sum[*a], sum[*b], sum[*c], 4)).collect();
        text += &letters(0, 0, sum[63], 2);
        text
    })
}

/// As [`sha512_crypt`], with SHA-256.
pub fn sha256_crypt(password: &[u8], salt: &str) -> String {
    const ORDER: [[usize; 3]; 10] = [
        [0, 10, 20],
        [21, 1, 11],
        [12, 22, 2],
        [3, 13, 23],
        [24, 4, 14],
        [15, 25, 5],
        [6, 16, 26],
        [27, 7, 17],
        [18, 28, 8],
        [9, 19, 29],
    ];
    crypt::<Sha256>(password, salt, "$5$", |sum| {
        let mut text: String = ORDER.iter().map(|[a, b, c]| letters(sum[*a], sum[*b], sum[*c], 4)).collect();
        text += &letters(0, sum[31], sum[30], 3);
        text
    })
}

/// Three bytes as `count` letters, the lowest six bits first.
fn letters(high: u8, middle: u8, low: u8, count: usize) -> String {
    let mut bits = u32::from(high) << 16 | u32::from(middle) << 8 | u32::from(low);
    let mut text = String::new();
    for _ in 0..count {
        text.push(char::from(LETTERS[(bits & 63) as usize]));
        bits >>= 6;
    }
    text
}

fn crypt<D: Digest>(password: &[u8], salt: &str, mark: &str, encode: impl Fn(&[u8]) -> String) -> String {
    let (rounds, salt) = match salt.strip_prefix("rounds=").and_then(|rest| rest.split_once('$')) {
        Some((count, salt)) => {
            (count.parse().ok().map(|count: u32| count.clamp(ROUNDS_MIN, ROUNDS_MAX)), salt)
        }
        None => (None, salt),
    };
    let salt: String = salt.split('$').next().unwrap_or_default().chars().take(SALT_LETTERS_MAX).collect();
    let first = mix::<D>(password, salt.as_bytes());
    let of_password = repeated(&repeat_digest::<D>(password, password.len()), password.len());
    let of_salt = repeated(&repeat_digest::<D>(salt.as_bytes(), 16 + usize::from(first[0])), salt.len());
    let mut sum = first;
    for round in 0..rounds.unwrap_or(ROUNDS_DEFAULT) {
        let mut digest = D::new();
        let is_odd = round % 2 == 1;
        digest.update(if is_odd { &of_password[..] } else { &sum[..] });
        if round % 3 != 0 {
            digest.update(&of_salt);
        }
        if round % 7 != 0 {
            digest.update(&of_password);
        }
        digest.update(if is_odd { &sum[..] } else { &of_password[..] });
        sum = digest.finalize();
    }
    let rounds = rounds.map_or_else(String::new, |count| format!("rounds={count}$"));
    format!("{mark}{rounds}{salt}${}", encode(&sum))
}

/// Digest "A" of the specification.
fn mix<D: Digest>(password: &[u8], salt: &[u8]) -> Output<D> {
    let other = D::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut digest =
        D::new().chain_update(password).chain_update(salt).chain_update(repeated(&other, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        digest.update(if bits & 1 == 1 { &other[..] } else { password });
        bits >>= 1;
    }
    digest.finalize()
}

fn repeat_digest<D: Digest>(bytes: &[u8], times: usize) -> Output<D> {
    let mut digest = D::new();
    (0..times).for_each(|_| digest.update(bytes));
    digest.finalize()
}

/// The first `count` bytes of `bytes` without end.
fn repeated(bytes: &[u8], count: usize) -> Vec<u8> {
    bytes.iter().copied().cycle().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An example of the specification, and what glibc makes of others.
    #[test]
    fn hashes_are_those_of_the_specification() {
        assert_eq!(
            sha512_crypt(b"Hello world!", "saltstring"),
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
        );
        assert_eq!(
            sha256_crypt(b"Hello world!", "rounds=10000$saltstringsaltstring"),
            "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"
        );
        let long = [b'x'; 100];
        assert!(
            sha256_crypt(&long, "rounds=1500$abcdefgh")
                .ends_with("$4P/q9Zj0wcdMr0XAfceUKndhoBJNpF2xdcAtC3qWDn4")
        );
        assert!(
            sha512_crypt(b"", "ab").starts_with("$6$ab$xnh5Qsr2NdbFw1PgdZie7nLON3gv.S.23iQDBqAzkdoXPtDnVSpl")
        );
    }
}
