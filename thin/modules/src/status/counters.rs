//! Counters of the kernel: text of a file in `/proc` in, Salt's dictionaries out.

use halite_wire::{Map, Value};

/// A whole number, a number, or the text itself.
fn number(text: &str) -> Value {
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole {
        return text.parse().map_or_else(|_| Value::BigInt(text.into()), Value::Int);
    }
    text.parse().map_or_else(|_| Value::from(text), Value::Float)
}

/// The words at these places, as numbers, under these names.
fn named(words: &[&str], names: &[(&str, usize)]) -> Map {
    names.iter().filter_map(|(name, at)| Some((*name, number(words.get(*at)?)))).collect()
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|words| !words.is_empty())
}

pub fn cpuinfo(text: &str) -> Map {
    let mut info = Map::new();
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let value = value.split(':').next().unwrap_or_default().trim();
        match key.trim() {
            "flags" => info.insert("flags", value.split_whitespace().collect::<Value>()),
            key => info.insert(key, value),
        };
    }
    info
}

pub fn cpustats(text: &str) -> Map {
    const CPU: &[(&str, usize)] = &[
        ("idle", 4),
        ("iowait", 5),
        ("irq", 6),
        ("nice", 2),
        ("softirq", 7),
        ("steal", 8),
        ("system", 3),
        ("user", 1),
    ];
    let mut stats = Map::new();
    for words in rows(text) {
        let first = words.get(1).copied().unwrap_or_default();
        let rest = || words.iter().skip(2).map(|word| number(word)).collect::<Value>();
        let value = match words[0] {
            "cpu" => named(&words, CPU).into(),
            "intr" => Map::from([("total", number(first)), ("irqs", rest())]).into(),
            "softirq" => Map::from([("total", number(first)), ("softirqs", rest())]).into(),
            _ => number(first),
        };
        stats.insert(words[0], value);
    }
    stats
}

pub fn meminfo(text: &str) -> Map {
    let entry = |words: Vec<&str>| {
        let mut value = Map::from([("value", *words.get(1)?)]);
        value.extend(words.get(2).map(|unit| ("unit", *unit)));
        Some((words[0].replace(':', ""), value))
    };
    rows(text).filter_map(entry).collect()
}

pub fn diskstats(text: &str) -> Map {
    const COLUMNS: &[(&str, usize)] = &[
        ("major", 0),
        ("minor", 1),
        ("device", 2),
        ("reads_issued", 3),
        ("reads_merged", 4),
        ("sectors_read", 5),
        ("ms_spent_reading", 6),
        ("writes_completed", 7),
        ("writes_merged", 8),
        ("sectors_written", 9),
        ("ms_spent_writing", 10),
        ("io_in_progress", 11),
        ("ms_spent_in_io", 12),
        ("weighted_ms_spent_in_io", 13),
    ];
    rows(text)
        .filter(|words| words.len() >= COLUMNS.len())
        .map(|words| (words[2], named(&words, COLUMNS)))
        .collect()
}

pub fn vmstats(text: &str) -> Map {
    rows(text).filter_map(|words| Some((words[0].to_owned(), number(words.get(1)?)))).collect()
}

/// Lines come in pairs: names, then numbers, both behind the same first word.
pub fn netstats(text: &str) -> Map {
    let (mut stats, mut names) = (Map::new(), Vec::new());
    for words in rows(text) {
        if names.first() == words.first() {
            let row: Map =
                names.iter().zip(&words).skip(1).map(|(name, word)| (*name, number(word))).collect();
            stats.insert(words[0].replace(':', ""), row);
        } else {
            names = words;
        }
    }
    stats
}

pub fn netdev(text: &str) -> Map {
    const COLUMNS: &[(&str, usize)] = &[
        ("rx_bytes", 0),
        ("rx_compressed", 6),
        ("rx_drop", 3),
        ("rx_errs", 2),
        ("rx_fifo", 4),
        ("rx_frame", 5),
        ("rx_multicast", 7),
        ("rx_packets", 1),
        ("tx_bytes", 8),
        ("tx_carrier", 14),
        ("tx_colls", 13),
        ("tx_compressed", 15),
        ("tx_drop", 11),
        ("tx_errs", 10),
        ("tx_fifo", 12),
        ("tx_packets", 9),
    ];
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let interface = |(name, numbers): (&str, &str)| {
        let words: Vec<&str> = numbers.split_whitespace().collect();
        let mut row = Map::from([("iface", name.trim())]);
        row.extend(named(&words, COLUMNS));
        (name.trim().to_owned(), row)
    };
    lines.map(interface).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_and_interrupts_are_counted() {
        let stats = cpustats("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4\nintr 9 1 0\nbtime 1700000000\n");
        assert_eq!(stats.get("cpu").unwrap().get("steal"), Some(&8.into()));
        assert_eq!(stats.get("intr").unwrap().get("irqs"), Some(&Value::from(vec![1, 0])));
        assert_eq!(stats.get("cpu0"), Some(&1.into()));
        assert_eq!(stats.get("btime"), Some(&1_700_000_000.into()));
    }

    #[test]
    fn interfaces_are_counted_even_where_no_blank_follows_the_colon() {
        let text = "Inter-|   Receive\n face |bytes\n  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        let all = netdev(text);
        assert_eq!(all.len(), 1);
        let eth0 = all.get("eth0").unwrap();
        assert_eq!((eth0.get("rx_bytes"), eth0.get("tx_bytes")), (Some(&1.into()), Some(&9.into())));
        assert_eq!(eth0.get("tx_compressed"), Some(&16.into()));
    }

    #[test]
    fn pairs_of_lines_and_devices_are_read() {
        let stats = netstats("TcpExt: A B\nTcpExt: 1 2\nIpExt: C\nIpExt: 3\n");
        assert_eq!(stats.get("TcpExt"), Some(&Value::Map(Map::from([("A", 1), ("B", 2)]))));
        let disks = diskstats("   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 0 0\n   8 1 short\n");
        assert_eq!(disks.len(), 1);
        assert_eq!(disks.get("sda").unwrap().get("weighted_ms_spent_in_io"), Some(&11.into()));
        assert_eq!(meminfo("MemTotal: 5 kB\n").get("MemTotal").unwrap().get("unit"), Some(&"kB".into()));
    }
}
