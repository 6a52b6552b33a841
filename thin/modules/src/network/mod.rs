//! `network.*`: addresses, routes, sockets and names of the host, and probes of others.

mod arithmetic;
mod hostname;
mod local;
mod probe;

use crate::registry::{Default, Function, Module, Param, always};

pub const MODULE: Module = Module {
    file: "network",
    virtual_name: "network",
    doc: "Addresses, routes, sockets and names of the host, and probes of other hosts.",
    applies: always,
    functions: FUNCTIONS,
};

const IFACE: &[Param] = &[Param::Required("iface")];
const IP: &[Param] = &[Param::Required("ip_addr")];
const HOST: &[Param] = &[Param::Required("host")];
const FAMILY: &[Param] = &[Param::Optional("family", Default::Null)];
const INTERFACE: Param = Param::Optional("interface", Default::Null);
const LOOPBACK: Param = Param::Optional("include_loopback", Default::Bool(false));
const CIDR: Param = Param::Optional("cidr", Default::Null);
const ADDRESSES: &[Param] = &[INTERFACE, LOOPBACK, CIDR, Param::Optional("type", Default::Null)];
const ADDRESSES6: &[Param] = &[INTERFACE, LOOPBACK, CIDR];
const NETWORKS: &[Param] = &[INTERFACE, LOOPBACK, Param::Optional("verbose", Default::Bool(false))];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "active_tcp",
        params: &[],
        doc: "Established TCP connections: address and port of both ends.",
        example: "network.active_tcp",
        call: local::active_tcp,
    },
    Function {
        name: "arp",
        params: &[],
        doc: "The ARP table: IPv4 addresses by hardware address.",
        example: "network.arp",
        call: local::arp,
    },
    Function {
        name: "calc_net",
        params: &[Param::Required("ip_addr"), Param::Optional("netmask", Default::Null)],
        doc: "The network that an address is in.",
        example: "network.calc_net 172.17.0.5 255.255.255.240",
        call: arithmetic::calc_net,
    },
    Function {
        name: "connect",
        params: &[Param::Required("host"), Param::Optional("port", Default::Null), Param::Keywords("kwargs")],
        doc: "Whether a port of another host can be reached. Takes proto (tcp or udp), timeout (5 seconds) and family (ipv4 or ipv6).",
        example: "network.connect archlinux.org 80 timeout=3",
        call: probe::connect,
    },
    Function {
        name: "convert_cidr",
        params: &[Param::Required("cidr")],
        doc: "Address, netmask and broadcast address of a network.",
        example: "network.convert_cidr 172.31.0.0/16",
        call: arithmetic::convert_cidr,
    },
    Function {
        name: "default_route",
        params: FAMILY,
        doc: "The default routes, of one family (inet or inet6) or both.",
        example: "network.default_route inet",
        call: local::default_route,
    },
    Function {
        name: "dig",
        params: HOST,
        doc: "What the program dig says about a name.",
        example: "network.dig archlinux.org",
        call: probe::dig,
    },
    Function {
        name: "fqdns",
        params: &[],
        doc: "The names that /etc/hosts has for the addresses of this host.",
        example: "network.fqdns",
        call: local::fqdns,
    },
    Function {
        name: "get_bufsize",
        params: IFACE,
        doc: "Sizes of an interface's ring buffers, by the program ethtool.",
        example: "network.get_bufsize eth0",
        call: probe::get_bufsize,
    },
    Function {
        name: "get_fqdn",
        params: &[],
        doc: "The full name of this host.",
        example: "network.get_fqdn",
        call: hostname::get_fqdn,
    },
    Function {
        name: "get_hostname",
        params: &[],
        doc: "The name of this host.",
        example: "network.get_hostname",
        call: hostname::get_hostname,
    },
    Function {
        name: "get_route",
        params: &[Param::Required("ip")],
        doc: "Gateway, interface and source address for packets to an address.",
        example: "network.get_route 10.10.10.10",
        call: local::get_route,
    },
    Function {
        name: "hw_addr",
        params: IFACE,
        doc: "The hardware address of an interface.",
        example: "network.hw_addr eth0",
        call: local::hw_addr,
    },
    Function {
        name: "hwaddr",
        params: IFACE,
        doc: "The hardware address of an interface.",
        example: "network.hwaddr eth0",
        call: local::hw_addr,
    },
    Function {
        name: "ifacestartswith",
        params: &[Param::Required("cidr")],
        doc: "The interfaces with an IPv4 address that begins with this text.",
        example: "network.ifacestartswith 10.0",
        call: local::ifacestartswith,
    },
    Function {
        name: "in_subnet",
        params: &[Param::Required("cidr")],
        doc: "Whether this host has an address in a network.",
        example: "network.in_subnet 10.0.0.0/16",
        call: local::in_subnet,
    },
    Function {
        name: "interface",
        params: IFACE,
        doc: "The IPv4 addresses of an interface with mask, broadcast address and label.",
        example: "network.interface eth0",
        call: local::interface,
    },
    Function {
        name: "interface_ip",
        params: IFACE,
        doc: "The first IPv4 address of an interface.",
        example: "network.interface_ip eth0",
        call: local::interface_ip,
    },
    Function {
        name: "interfaces",
        params: &[],
        doc: "All interfaces with state, hardware address and addresses.",
        example: "network.interfaces",
        call: local::interfaces,
    },
    Function {
        name: "ip_addrs",
        params: ADDRESSES,
        doc: "IPv4 addresses of this host: of some interfaces (globs), in a network, of type public or private.",
        example: "network.ip_addrs interface='eth*' cidr=10.0.0.0/8",
        call: local::ip_addrs,
    },
    Function {
        name: "ip_addrs6",
        params: ADDRESSES6,
        doc: "IPv6 addresses of this host: of some interfaces (globs), in a network.",
        example: "network.ip_addrs6",
        call: local::ip_addrs6,
    },
    Function {
        name: "ip_in_subnet",
        params: &[Param::Required("ip_addr"), Param::Required("cidr")],
        doc: "Whether an address is in a network.",
        example: "network.ip_in_subnet 172.17.0.4 172.16.0.0/12",
        call: arithmetic::ip_in_subnet,
    },
    Function {
        name: "ip_neighs",
        params: &[],
        doc: "IPv4 neighbours: addresses by hardware address.",
        example: "network.ip_neighs",
        call: local::ip_neighs,
    },
    Function {
        name: "ip_neighs6",
        params: &[],
        doc: "IPv6 neighbours: addresses by hardware address.",
        example: "network.ip_neighs6",
        call: local::ip_neighs6,
    },
    Function {
        name: "ip_networks",
        params: NETWORKS,
        doc: "IPv4 networks this host is in. With verbose, their masks and sizes too.",
        example: "network.ip_networks interface=eth0 verbose=True",
        call: local::ip_networks,
    },
    Function {
        name: "ip_networks6",
        params: NETWORKS,
        doc: "IPv6 networks this host is in. With verbose, their masks and sizes too.",
        example: "network.ip_networks6",
        call: local::ip_networks6,
    },
    Function {
        name: "ipaddrs",
        params: ADDRESSES,
        doc: "The same as network.ip_addrs.",
        example: "network.ipaddrs",
        call: local::ip_addrs,
    },
    Function {
        name: "ipaddrs6",
        params: ADDRESSES6,
        doc: "The same as network.ip_addrs6.",
        example: "network.ipaddrs6",
        call: local::ip_addrs6,
    },
    Function {
        name: "iphexval",
        params: &[Param::Required("ip")],
        doc: "An IPv4 address as eight hexadecimal digits.",
        example: "network.iphexval 10.0.0.1",
        call: arithmetic::iphexval,
    },
    Function {
        name: "ipneighs",
        params: &[],
        doc: "The same as network.ip_neighs.",
        example: "network.ipneighs",
        call: local::ip_neighs,
    },
    Function {
        name: "ipneighs6",
        params: &[],
        doc: "The same as network.ip_neighs6.",
        example: "network.ipneighs6",
        call: local::ip_neighs6,
    },
    Function {
        name: "is_loopback",
        params: IP,
        doc: "Whether an address is a loopback address.",
        example: "network.is_loopback 127.0.0.1",
        call: arithmetic::is_loopback,
    },
    Function {
        name: "is_private",
        params: IP,
        doc: "Whether an address is not for the whole internet.",
        example: "network.is_private 10.0.0.3",
        call: arithmetic::is_private,
    },
    Function {
        name: "mod_bufsize",
        params: &[Param::Required("iface"), Param::Rest("args"), Param::Keywords("kwargs")],
        doc: "Changes sizes of an interface's ring buffers (rx, tx, rx-mini, rx-jumbo), by the program ethtool.",
        example: "network.mod_bufsize eth0 rx=512",
        call: probe::mod_bufsize,
    },
    Function {
        name: "mod_hostname",
        params: &[Param::Required("hostname")],
        doc: "Renames this host: now, in /etc/hosts, and for the next start.",
        example: "network.mod_hostname web1.example.org",
        call: hostname::mod_hostname,
    },
    Function {
        name: "netstat",
        params: &[],
        doc: "Open sockets with state, owner and program.",
        example: "network.netstat",
        call: local::netstat,
    },
    Function {
        name: "ping",
        params: &[
            Param::Required("host"),
            Param::Optional("timeout", Default::Bool(false)),
            Param::Optional("return_boolean", Default::Bool(false)),
        ],
        doc: "Four ICMP pings: what the program says, or with return_boolean whether the host answers.",
        example: "network.ping archlinux.org return_boolean=True",
        call: probe::ping,
    },
    Function {
        name: "reverse_ip",
        params: IP,
        doc: "The name under which an address has its PTR record.",
        example: "network.reverse_ip 172.17.0.4",
        call: arithmetic::reverse_ip,
    },
    Function {
        name: "routes",
        params: FAMILY,
        doc: "Routes of one family (inet or inet6) or both.",
        example: "network.routes inet6",
        call: local::routes,
    },
    Function {
        name: "subnets",
        params: &[Param::Optional("interfaces", Default::Null)],
        doc: "IPv4 networks of all or some interfaces.",
        example: "network.subnets interfaces=eth1",
        call: local::subnets,
    },
    Function {
        name: "subnets6",
        params: &[],
        doc: "IPv6 networks of this host.",
        example: "network.subnets6",
        call: local::subnets6,
    },
    Function {
        name: "traceroute",
        params: HOST,
        doc: "The hosts on the way to another one, by the program traceroute.",
        example: "network.traceroute archlinux.org",
        call: probe::traceroute,
    },
    Function {
        name: "wol",
        params: &[
            Param::Required("mac"),
            Param::Optional("bcast", Default::Str("255.255.255.255")),
            Param::Optional("destport", Default::Int(9)),
        ],
        doc: "Sends a packet that wakes the host with this hardware address.",
        example: "network.wol 08-00-27-13-69-77",
        call: probe::wol,
    },
];
