//! Python's random numbers for a seed: the Mersenne Twister (MT19937), seeded and drawn from as CPython does.
//!
//! Splay times and samples made from a host's name stay the same when Salt made them before. Never for secrets.

const SIZE: usize = 624;
const SHIFT: usize = 397;

/// A generator. Equal seeds give equal numbers on every machine.
pub struct Mersenne {
    state: [u32; SIZE],
    next: usize,
}

impl Mersenne {
    /// `random.seed(text)`: the text followed by its SHA-512 is one large number.
    pub fn from_text(text: &str) -> Mersenne {
        use sha2::Digest;
        let bytes = [text.as_bytes(), &sha2::Sha512::digest(text.as_bytes())].concat();
        Mersenne::from_words(&words_of(&bytes))
    }

    /// `random.seed(number)`: the sign does not count.
    pub fn from_number(number: i64) -> Mersenne {
        Mersenne::from_words(&words_of(&number.unsigned_abs().to_be_bytes()))
    }

    fn from_words(key: &[u32]) -> Mersenne {
        let mut state = [0; SIZE];
        state[0] = 19_650_218;
        for i in 1..SIZE {
            let before = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(before ^ before >> 30).wrapping_add(i as u32);
        }
        let mut i = 1;
        for step in 0..SIZE.max(key.len()) {
            let before = state[i - 1];
            let j = step % key.len();
            let mixed = (before ^ before >> 30).wrapping_mul(1_664_525);
            state[i] = (state[i] ^ mixed).wrapping_add(key[j]).wrapping_add(j as u32);
            i = advance(&mut state, i);
        }
        for _ in 0..SIZE - 1 {
            let before = state[i - 1];
            let mixed = (before ^ before >> 30).wrapping_mul(1_566_083_941);
            state[i] = (state[i] ^ mixed).wrapping_sub(i as u32);
            i = advance(&mut state, i);
        }
        state[0] = 0x8000_0000;
        Mersenne { state, next: SIZE }
    }

    fn word(&mut self) -> u32 {
        if self.next == SIZE {
            for i in 0..SIZE {
                let mixed = self.state[i] & 0x8000_0000 | self.state[(i + 1) % SIZE] & 0x7fff_ffff;
                let odd = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + SHIFT) % SIZE] ^ mixed >> 1 ^ odd;
            }
            self.next = 0;
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c_5680;
        word ^= word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    /// A number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 {
            return 0;
        }
        let bits = u64::BITS - limit.leading_zeros();
        loop {
            let number = if bits <= 32 {
                u64::from(self.word() >> (32 - bits))
            } else {
                let low = u64::from(self.word());
                low | u64::from(self.word() >> (64 - bits)) << 32
            };
            if number < limit {
                return number;
            }
        }
    }
}

/// The next place but the first, whose content the last one gets when all are done.
fn advance(state: &mut [u32; SIZE], i: usize) -> usize {
    if i + 1 < SIZE {
        return i + 1;
    }
    state[0] = state[SIZE - 1];
    1
}

/// A big-endian number as words, the lowest first and no empty one at the end.
fn words_of(bytes: &[u8]) -> Vec<u32> {
    let word = |chunk: &[u8]| chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    let mut words: Vec<u32> = bytes.rchunks(4).map(word).collect();
    while words.len() > 1 && words.last() == Some(&0) {
        words.pop();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from CPython 3.11: `random.seed(s); [random.randrange(n) for _ in range(5)]`.
    #[test]
    fn numbers_are_those_of_python() {
        let draw = |mut from: Mersenne, limit| (0..5).map(|_| from.below(limit)).collect::<Vec<_>>();
        assert_eq!(draw(Mersenne::from_text("web1"), 60), [52, 20, 16, 49, 21]);
        assert_eq!(draw(Mersenne::from_number(-42), 1000), [654, 114, 25, 759, 281]);
        assert_eq!(
            draw(Mersenne::from_number(1 << 40), 1 << 40)[..3],
            [773_539_241_345, 144_613_936_299, 104_911_681_769]
        );
    }
}
