//! Many simulated hosts in one process, for measurements: `fake-fleet HOSTS SECONDS FOLDER`.
//!
//! Writes FOLDER/roster with a host for each of 127.1.0.1 ... and answers every call with `True` after SECONDS,
//! so that all sessions are open at once. Says `ready` on stdout and serves until its stdin closes.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for measurements")]

use halite_faults::{Act, Exec, FakeHost, Script};
use halite_wire::message::{FromThin, Hello};
use std::fmt::Write;
use std::io::Read;
use std::net::Ipv4Addr;
use std::time::Duration;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, hosts, seconds, folder] = &args[..] else { panic!("fake-fleet HOSTS SECONDS FOLDER") };
    let (hosts, seconds): (u32, f64) = (hosts.parse().unwrap(), seconds.parse().unwrap());
    let hello = FromThin::Hello(Hello { protocol: halite_wire::PROTOCOL, pid: 1 });
    let wait = Act::Sleep(Duration::from_secs_f64(seconds));
    let acts = vec![Act::Greet, Act::Frame(hello), wait, Act::ReturnTrue, Act::Exit(0), Act::Close];
    let script = Script { exec: Exec::Acts(acts), ..Script::default() };
    let mut roster = String::new();
    let mut fleet = Vec::new();
    for number in 0..hosts {
        let address = Ipv4Addr::from(0x7f01_0001 + number);
        let host = FakeHost::at(script.clone(), address).await;
        writeln!(roster, "f{number:04}:\n  host: {address}\n  port: {}", host.addr.port()).unwrap();
        fleet.push(host);
    }
    std::fs::write(format!("{folder}/roster"), roster).unwrap();
    println!("ready");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
}
