//! Clears the unwind tables of a built thin: an ELF file in, the same file with zeros in them out.
//!
//! A panic ends the thin, so nothing ever unwinds; but the compiled standard and C libraries bring a tenth of the
//! file in tables for it. Zeros are tables without entries, and compress to nothing.

/// The sections, by their names.
const TABLES: [&[u8]; 2] = [b".eh_frame", b".eh_frame_hdr"];

/// The `LEN` bytes at `at` as a number.
fn number<const LEN: usize>(elf: &[u8], at: usize) -> Option<usize> {
    let bytes = elf.get(at..at.checked_add(LEN)?)?;
    let mut whole = [0; 8];
    whole[..LEN].copy_from_slice(bytes);
    usize::try_from(u64::from_le_bytes(whole)).ok()
}

/// Zeros the tables of a 64-bit little-endian ELF file. How many bytes; `None` where it is no such file.
pub fn clear(elf: &mut [u8]) -> Option<usize> {
    if elf.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let headers = number::<8>(elf, 0x28)?;
    let (size, count, names) = (number::<2>(elf, 0x3a)?, number::<2>(elf, 0x3c)?, number::<2>(elf, 0x3e)?);
    let names = number::<8>(elf, headers + names * size + 0x18)?;
    let mut cleared = 0;
    for header in (0..count).map(|index| headers + index * size) {
        let name = elf.get(names + number::<4>(elf, header)?..)?.split(|byte| *byte == 0).next()?;
        if TABLES.contains(&name) {
            let (at, len) = (number::<8>(elf, header + 0x18)?, number::<8>(elf, header + 0x20)?);
            elf.get_mut(at..at.checked_add(len)?)?.fill(0);
            cleared += len;
        }
    }
    Some(cleared)
}
