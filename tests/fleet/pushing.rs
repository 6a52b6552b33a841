//! Files that hosts give to the controller.

use super::controller::Controller;
use super::site::{fleet, inside};
use std::fs;
use std::path::Path;

/// All files below a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path.strip_prefix(folder).unwrap().to_owned())
            }
        }
    }
    let mut names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    names.sort();
    names
}

#[test]
fn files_that_hosts_push_lie_below_the_folder_of_each() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("a", "plain", &[]).entry("b", "mini", &[]);
    let minions = controller.path("cache/halite/minions");
    let size = 700_001;
    for host in ["plain", "mini"] {
        inside(
            fleet,
            host,
            &format!(
                "mkdir -p /root/logs/old && head -c {size} /dev/zero >/root/logs/big && echo {host} >/root/logs/old/name"
            ),
        );
    }
    let off = controller.ssh(&["*", "cp.push", "/root/logs/big"]);
    for id in ["a", "b"] {
        assert_eq!((off.value(id).as_bool(), files(&minions).len()), (Some(false), 0), "{off:#?}");
        assert!(off.notes(id).contains("file_recv"), "{}", off.notes(id));
    }
    controller.configure("file_recv: True\nfile_recv_max_size: 1\n");
    let pushed = controller.ssh(&["*", "cp.push", "/root/logs/big"]);
    ["a", "b"].iter().for_each(|id| pushed.is_true(id));
    controller.ssh(&["*", "cp.push_dir", "/root/logs", "glob=name"]);
    controller
        .ssh(&["a", "cp.push", "/root/logs/old/name", "upload_path=/renamed", "remove_source=True"])
        .is_true("a");
    let expected = [
        "a/files/renamed",
        "a/files/root/logs/big",
        "a/files/root/logs/old/name",
        "b/files/root/logs/big",
        "b/files/root/logs/old/name",
    ];
    assert_eq!(files(&minions), expected);
    assert_eq!(fs::metadata(minions.join("b/files/root/logs/big")).unwrap().len(), size);
    for (id, host) in [("a", "plain"), ("b", "mini")] {
        let name = minions.join(format!("{id}/files/root/logs/old/name"));
        assert_eq!(fs::read_to_string(name).unwrap(), format!("{host}\n"));
    }
    inside(fleet, "plain", "test ! -e /root/logs/old/name");
}

#[test]
fn sec_13_what_is_too_large_or_leads_out_of_its_folder_is_not_taken() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("a", "plain", &[]);
    controller.configure("file_recv: True\nfile_recv_max_size: 1\n");
    inside(fleet, "plain", "head -c 1048577 /dev/zero >/root/large && echo x >/root/small");
    let large = controller.ssh(&["a", "cp.push", "/root/large"]);
    assert!(
        large.value("a").as_bool() == Some(false) && large.notes("a").contains("1048576 bytes"),
        "{large:#?}"
    );
    for upload in ["../../../canary", "/../canary", "a/../../canary"] {
        let answer = controller.ssh(&["a", "cp.push", "/root/small", &format!("upload_path={upload}")]);
        assert_eq!(answer.value("a").as_bool(), Some(false), "{answer:#?}");
    }
    assert_eq!(files(&controller.path("cache/halite/minions")), Vec::<String>::new());
    for folder in ["", "cache", "cache/halite", "cache/halite/minions"] {
        assert!(!controller.path(folder).join("canary").exists(), "{folder:?}");
    }
}
