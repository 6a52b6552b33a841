use halite::session::*; use halite::trust::*; use std::sync::Arc; use std::path::PathBuf; use halite_roster::*;
#[tokio::main(flavor="multi_thread", worker_threads=2)]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut h = Host::new("h1".parse().unwrap(), a[1].clone()); h.port = a[2].parse().unwrap(); h.identities=vec![Identity::File(a[3].clone().into())];
    let n: usize = a[4].parse().unwrap();
    let shared = Shared{limits: Limits::default(), trust: Arc::new(TrustStore::open(Policy::Off,&[],&PathBuf::from("/tmp/lab1/kh"),&PathBuf::from("/tmp/lab1/p")).unwrap()), keys: KeyRing::default(), desk: Arc::new(halite::files::FileDesk(Arc::new(halite::files::FileRoots::default())))};
    for _ in 0..n {
    let work = if a[5]=="raw" { Work::Raw{command:a[6].clone()} } else { Work::Call{ public: a[5]=="pub", call: Box::new(halite_wire::message::Call{ jid: halite_wire::Jid::from_unix_micros(1), id:"h1".parse().unwrap(), fun:a[6].clone(), arg:vec![], kwarg:halite_wire::Map::new(), opts:halite_wire::Map::new(), timeout_ms:0})}};
    let (_s, stop) = StopSignal::new();
    let r = run(&shared,&h,&work,stop,&|s| if n==1 {println!("{s:?}")}).await;
    println!("{:?} {:?} {}", r.took, r.outcome, String::from_utf8_lossy(&r.noise));
    }
}
