//! "Did you mean": the known name that is closest to one that is not known.

/// The name that is at most one typing slip per three letters away from `word`, and three in all, case aside; the first of
/// equals. A slip is a letter too many, one missing, one wrong, or two swapped.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let slips_max = (word.chars().count() / 3).clamp(1, 3);
    names
        .into_iter()
        .map(|name| (slips(&word, &name.to_lowercase()), name))
        .filter(|(slips, _)| *slips <= slips_max)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

/// `; did you mean X?`, or nothing.
pub fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, names).map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// Edit distance where a swap of neighbours costs one (optimal string alignment).
fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let wrong = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = wrong.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_few_slips_away() {
        let names = ["port", "passwd", "priv", "tty", "identities_only"];
        assert_eq!(nearest("prot", names), Some("port"));
        assert_eq!(nearest("PORT", names), Some("port"));
        assert_eq!(nearest("password", names), Some("passwd"));
        assert_eq!(nearest("identites_olny", names), Some("identities_only"));
        assert_eq!(nearest("tyt", names), Some("tty"));
        assert_eq!(nearest("abc", names), None);
        assert_eq!(nearest("something_else", names), None);
    }
}
