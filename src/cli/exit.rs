//! Exit codes, all of them. Where several apply the greatest counts, as in Salt.

use crate::fleet::facts::Tally;

/// Every host answered, and well; every return is kept.
pub const OK: u8 = 0;
/// A runner could not do what it was asked.
pub const RUNNER: u8 = 1;
/// No host matched the target, or no job has that id.
pub const NO_TARGET: u8 = 2;
/// Some host answered, and not well.
pub const FAILED: u8 = 20;
/// The command line makes no sense.
pub const USAGE: u8 = 64;
/// Some host gave no answer: unreachable, no login, no time, no line.
pub const UNANSWERED: u8 = 69;
/// A mistake of ours.
pub const BUG: u8 = 70;
/// The job store cannot be used, or could not keep a return.
pub const STORE: u8 = 73;
/// Results could not be written to stdout or the output file.
pub const OUTPUT: u8 = 74;
/// The configuration or the roster is wrong.
pub const CONFIG: u8 = 78;
/// Some host's key is not trusted.
pub const HOST_KEY: u8 = 254;

/// The code of a run that went to its end.
pub fn of_run(tally: &Tally, untrusted: usize, output_failed: bool) -> u8 {
    let reasons = [
        (tally.failed > 0, FAILED),
        (tally.unanswered > 0, UNANSWERED),
        (tally.cancelled > 0, UNANSWERED),
        (tally.bugs > 0, BUG),
        (tally.uncached > 0, STORE),
        (output_failed, OUTPUT),
        (untrusted > 0, HOST_KEY),
    ];
    reasons.into_iter().filter(|(applies, _)| *applies).map(|(_, code)| code).max().unwrap_or(OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctl_19_each_reason_has_a_code_of_its_own_and_only_all_well_is_zero() {
        let all_ok = Tally { targeted: 3, ok: 3, ..Tally::default() };
        assert_eq!(of_run(&all_ok, 0, false), OK);
        let cases = [
            (Tally { failed: 1, ..all_ok }, 0, false, FAILED),
            (Tally { unanswered: 1, ..all_ok }, 0, false, UNANSWERED),
            (Tally { unanswered: 1, failed: 1, ..all_ok }, 0, false, UNANSWERED),
            (Tally { unanswered: 1, ..all_ok }, 1, false, HOST_KEY),
            (Tally { cancelled: 1, ..all_ok }, 0, false, UNANSWERED),
            (Tally { bugs: 1, ..all_ok }, 0, false, BUG),
            (Tally { uncached: 1, ..all_ok }, 0, false, STORE),
            (all_ok, 0, true, OUTPUT),
        ];
        for (tally, untrusted, output_failed, code) in cases {
            assert_eq!(of_run(&tally, untrusted, output_failed), code, "{tally:?}");
        }
        let mut codes =
            [OK, RUNNER, NO_TARGET, FAILED, USAGE, UNANSWERED, BUG, STORE, OUTPUT, CONFIG, HOST_KEY];
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
