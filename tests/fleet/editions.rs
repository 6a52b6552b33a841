//! Which of the two executors a call puts on a host: the lean one, and the full one only where it takes more.

use super::controller::Controller;
use super::site::{fleet, inside};
use halite::session::thins::{Edition, version};

const FOLDER: &str = "/var/tmp/.halite-editor";

/// The executors that lie on the host, sorted.
fn executors() -> Vec<String> {
    let Some(fleet) = fleet() else { return Vec::new() };
    let mut names: Vec<String> =
        inside(fleet, "plain", &format!("ls {FOLDER} | grep -xE '[0-9a-f]{{32}}' || :"))
            .split_whitespace()
            .map(str::to_owned)
            .collect();
    names.sort();
    names
}

fn names(editions: &[Edition]) -> Vec<String> {
    let mut names: Vec<String> = editions.iter().map(|edition| version(*edition).to_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_full_executor_is_sent_where_a_call_takes_it_and_serves_the_others_then() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("h", "plain", &["user: editor"]);
    let forget = || inside(fleet, "plain", &format!("rm -rf {FOLDER}"));

    controller.ssh(&["h", "test.ping"]).is_true("h");
    assert_eq!(executors(), names(&[Edition::Lean]));
    let templated = controller.ssh(&["h", "cmd.run", "echo {{ grains.id }}", "template=jinja"]);
    templated.is_text("h", "h");
    assert_eq!(executors(), names(&[Edition::Lean, Edition::Full]));

    forget();
    controller.ssh(&["h", "state.single", "test.nop", "name=x"]);
    assert_eq!(executors(), names(&[Edition::Full]));
    controller.ssh(&["h", "test.ping"]).is_true("h");
    assert_eq!(executors(), names(&[Edition::Full]), "the full one serves");
}

#[test]
fn a_lean_executor_that_turns_out_too_small_has_done_nothing_and_the_full_one_follows() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("h", "plain", &["user: lacking"]);
    std::fs::create_dir_all(controller.path("srv")).unwrap();
    std::fs::write(controller.path("srv/page"), "on {{ grains.id }}\n").unwrap();
    let roots = format!("file_roots: {{base: [{}]}}\n", controller.path("srv").display());
    controller.configure(&roots);
    let answer = controller.ssh(&["h", "cp.get_template", "salt://page", "/home/lacking/page"]);
    answer.is_text("h", "/home/lacking/page");
    assert_eq!(inside(fleet, "plain", "cat /home/lacking/page"), "on h");
}
