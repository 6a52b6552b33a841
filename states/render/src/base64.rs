//! Base64 both ways. Decoding is as forgiving as Python's: what is not of the alphabet is skipped.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes `text` stands for; `None` where it ends in the middle of a group.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut group, mut filled, mut padding) = (Vec::new(), 0u32, 0, 0);
    for byte in text.bytes() {
        if byte == b'=' {
            padding += 1;
            if filled >= 2 && filled + padding >= 4 {
                return Some(bytes);
            }
        }
        let Some(digit) = ALPHABET.iter().position(|&letter| letter == byte) else { continue };
        padding = 0;
        group = group << 6 | digit as u32;
        filled = (filled + 1) % 4;
        if filled != 1 {
            let bits = [0, 0, 4, 2][filled];
            bytes.push((group >> bits) as u8);
        }
    }
    (filled == 0).then_some(bytes)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = ALPHABET[(group >> (18 - 6 * at) & 63) as usize];
            text.push(if at > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_undoes_encode_at_every_length() {
        for len in 0..20 {
            let bytes: Vec<u8> = (0..len).map(|n: u8| n.wrapping_mul(37).wrapping_add(200)).collect();
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn known_texts() {
        assert_eq!(encode(b"hi"), "aGk=");
        assert_eq!(encode(b"hello"), "aGVsbG8=");
        assert_eq!(decode("aGVs\n bG8="), Some(b"hello".to_vec()));
        assert_eq!(decode("@@"), Some(Vec::new()));
        assert_eq!(decode("aGk"), None);
        assert_eq!(decode("a"), None);
    }
}
