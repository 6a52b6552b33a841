//! Host names: the kernel's, those of `/etc/hosts`, and the resolver's settings. Never asks a name server.

use super::Root;
use halite_wire::subnet::Subnet;
use halite_wire::{Map, Value};
use std::net::{IpAddr, Ipv4Addr};

/// The kernel's name of the host.
pub fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// `/etc/hosts`: address and names per line, the canonical one first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<(IpAddr, Vec<String>)>);

impl Hosts {
    pub fn read(root: &Root) -> Hosts {
        Hosts::parse(&root.text("/etc/hosts").unwrap_or_default())
    }

    pub fn parse(text: &str) -> Hosts {
        Hosts(text.lines().filter_map(parse_hosts_line).collect())
    }

    /// The first name of the first line that has `name`.
    pub fn canonical(&self, name: &str) -> Option<&str> {
        let (_, names) =
            self.0.iter().find(|(_, names)| names.iter().any(|other| other.eq_ignore_ascii_case(name)))?;
        names.first().map(String::as_str)
    }

    /// Every address of `name`, in order, each once.
    pub fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let lines =
            self.0.iter().filter(|(_, names)| names.iter().any(|other| other.eq_ignore_ascii_case(name)));
        unique(lines.map(|(ip, _)| *ip).collect())
    }

    /// The names of an address, the canonical one first.
    pub fn names_of(&self, ip: IpAddr) -> &[String] {
        self.0.iter().find(|(other, _)| *other == ip).map_or(&[], |(_, names)| names)
    }

    /// The canonical name of an address.
    pub fn name_of(&self, ip: IpAddr) -> Option<&str> {
        self.names_of(ip).first().map(String::as_str)
    }
}

fn parse_hosts_line(line: &str) -> Option<(IpAddr, Vec<String>)> {
    let mut words = line.split('#').next()?.split_whitespace();
    let ip = words.next()?.parse().ok()?;
    let names: Vec<String> = words.map(str::to_owned).collect();
    (!names.is_empty()).then_some((ip, names))
}

/// The full name of a host called `hostname`: what `/etc/hosts` calls it, else the name itself.
pub fn full_name(hostname: &str, hosts: &Hosts) -> String {
    hosts.canonical(hostname).unwrap_or(hostname).to_owned()
}

/// The name that the host's first address leads back to, with a domain if one of its names has one: Python's `getfqdn`.
pub fn name_by_address(hostname: &str, hosts: &Hosts) -> String {
    let names = hosts.addresses(hostname).first().map_or(&[][..], |ip| hosts.names_of(*ip));
    let name = names.iter().find(|name| name.contains('.')).or(names.first());
    name.map_or(hostname, String::as_str).to_owned()
}

/// Salt's `dns` grain: `{nameservers, ip4_nameservers, ip6_nameservers, sortlist, domain, search, options}`.
///
/// The real servers of systemd-resolved go before the stub in `/etc/resolv.conf`; `None` where there is no such file.
pub fn resolver(root: &Root) -> Option<Value> {
    let files = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"];
    files.into_iter().find_map(|file| root.text(file)).map(|text| parse_resolver(&text))
}

fn parse_resolver(text: &str) -> Value {
    let (mut servers, mut options, mut sortlist) = (Vec::<IpAddr>::new(), Vec::new(), Vec::<String>::new());
    let (mut domain, mut search) = (String::new(), Vec::new());
    for line in text.lines() {
        let words: Vec<&str> =
            line.split_whitespace().take_while(|word| !word.starts_with(['#', ';'])).collect();
        let [directive, first, ..] = words[..] else { continue };
        match directive.to_ascii_lowercase().as_str() {
            "nameserver" => servers.extend(first.parse::<IpAddr>()),
            "domain" => first.clone_into(&mut domain),
            "search" => search = words.iter().skip(1).map(|word| (*word).to_owned()).collect(),
            "sortlist" => sortlist.extend(words.iter().skip(1).filter_map(|word| sort_entry(word))),
            "options" => options.push(first.to_owned()),
            _ => {}
        }
    }
    let servers = unique(servers);
    let of = |is_v4: bool| {
        servers.iter().filter(|ip| ip.is_ipv4() == is_v4).map(IpAddr::to_string).collect::<Value>()
    };
    Value::Map(Map::from([
        ("nameservers", servers.iter().map(IpAddr::to_string).collect::<Value>()),
        ("ip4_nameservers", of(true)),
        ("ip6_nameservers", of(false)),
        ("sortlist", unique(sortlist).into()),
        ("domain", domain.into()),
        ("search", search.into()),
        ("options", unique(options).into()),
    ]))
}

/// `10.0.0.0/8` becomes `10.0.0.0/255.0.0.0`; without a mask the class of the address gives it.
fn sort_entry(word: &str) -> Option<String> {
    let subnet = match word.parse::<Ipv4Addr>() {
        Ok(ip) => {
            let prefix = match ip.octets() {
                [0..=127, ..] => 8,
                [128..=191, ..] => 16,
                _ => 24,
            };
            Subnet::around(ip.into(), prefix)
        }
        Err(_) => Subnet::parse_exact(word).ok()?,
    };
    Some(format!("{}/{}", subnet.address(), subnet.netmask()))
}

fn unique<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &str =
        "127.0.0.1 localhost\n127.0.1.1 web1.example.org web1 # ours\n::1 localhost ip6-localhost\n";

    #[test]
    fn the_full_name_is_the_first_of_its_line() {
        let hosts = Hosts::parse(HOSTS);
        assert_eq!(full_name("web1", &hosts), "web1.example.org");
        assert_eq!(full_name("other", &hosts), "other");
        assert_eq!(hosts.name_of("127.0.1.1".parse().unwrap()), Some("web1.example.org"));
        assert_eq!(hosts.addresses("localhost").len(), 2);
    }

    #[test]
    fn resolver_settings_have_salts_form() {
        let text = "nameserver 10.0.0.1\nnameserver ::1 # local\nnameserver 10.0.0.1\nsearch a.org b.org\n\
                    sortlist 10.1.1.1 192.168.0.0/16\noptions ndots:2\n";
        let dns = parse_resolver(text);
        assert_eq!(dns.get("nameservers"), Some(&Value::from(vec!["10.0.0.1", "::1"])));
        assert_eq!(dns.get("ip6_nameservers"), Some(&Value::from(vec!["::1"])));
        assert_eq!(
            dns.get("sortlist"),
            Some(&Value::from(vec!["10.0.0.0/255.0.0.0", "192.168.0.0/255.255.0.0"]))
        );
        assert_eq!(dns.get("search"), Some(&Value::from(vec!["a.org", "b.org"])));
        assert_eq!(dns.get("domain"), Some(&Value::from("")));
    }
}
