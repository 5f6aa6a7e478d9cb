//! Nothing is left behind: after a removal, after an apply that failed, after one that was killed.

use host::namespace;
use std::{
    env,
    io::Read,
    process::{Command, Stdio},
    thread,
};

use lab::{
    Definition, EXAMPLE, Lab, LabError, Progress, Step, kernel, name,
    status::{FlowChoice, status},
    temporary::unique_name,
};

use crate::support::{is_root, leftovers};

/// What tells the test program that it is to apply a lab, and which.
const CHILD: &str = "RAVELIN_LAB_TEST_APPLIES";

fn example(name: &str) -> Lab {
    Lab::of(Definition::parse(EXAMPLE).unwrap().renamed(name).unwrap()).unwrap()
}

/// Removes a lab when a test ends, however it does.
struct Removed(String);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = lab::down(&self.0);
    }
}

#[test]
fn a_second_removal_finds_nothing() {
    if !is_root() {
        return;
    }
    let name = Removed(unique_name());
    let lab = example(&name.0);
    lab.apply().unwrap();
    assert!(!leftovers(&name.0).is_empty());
    assert!(!lab.down().unwrap().is_empty());
    assert_eq!(leftovers(&name.0), Vec::<String>::new());
    assert!(lab.down().unwrap().is_empty());
}

#[test]
fn whoever_looks_at_a_lab_while_it_is_removed_leaves_nothing() {
    if !is_root() {
        return;
    }
    for _ in 0..3 {
        let name = Removed(unique_name());
        example(&name.0).apply().unwrap();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        match status(&name.0, &FlowChoice::All) {
                            Ok(seen) => assert_eq!(seen.lab, name.0),
                            Err(LabError::Unknown { .. }) => return,
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                });
            }
            lab::down(&name.0).unwrap();
        });
        assert_eq!(leftovers(&name.0), Vec::<String>::new());
    }
}

#[test]
fn an_apply_that_fails_is_repaired_or_removed() {
    if !is_root() {
        return;
    }
    let name = Removed(unique_name());
    let lab = example(&name.0);
    // Somebody else's device stands where an instance's is to be made.
    let host = name::host_namespace(&name.0);
    namespace::create(&host, || Ok::<(), LabError>(())).unwrap();
    let blocker = lab::in_namespace(&host, || {
        let netlink = host::Netlink::open()?;
        netlink.add_bridge("web-1-1", name::bridge_mac("other"), 0)?;
        netlink.link("web-1-1")
    });
    let blocker = blocker.unwrap().unwrap();
    let mut told = Vec::new();
    let tell = |progress: Progress<'_>| {
        told.push(match progress {
            Progress::Planned { generation, .. } => format!("generation {generation}"),
            Progress::Done(step) => step.to_string(),
        });
    };
    let error = lab.apply_and_tell(tell).unwrap_err();
    // All that was done, in order, and nothing of what was not.
    assert_eq!(told.first().map(String::as_str), Some("generation 1"));
    assert_eq!(told.last().map(String::as_str), Some("make eth0 of web-1, in class web"));
    assert!(matches!(error, LabError::Step { .. }), "{error:?}");
    assert_eq!(error.to_string(), "cannot make eth1 of web-1, in class no groups");

    lab::in_namespace(&host, || host::Netlink::open()?.remove_link(blocker.index)).unwrap().unwrap();
    let repaired = lab.apply().unwrap();
    assert_eq!(repaired.generation, 2);
    let again = lab.apply().unwrap();
    assert_eq!(again.steps, vec![]);

    assert!(!lab.down().unwrap().is_empty());
    assert_eq!(leftovers(&name.0), Vec::<String>::new());
}

#[test]
fn a_host_that_is_gone_is_made_anew_or_removed() {
    if !is_root() {
        return;
    }
    let name = Removed(unique_name());
    let lab = example(&name.0);
    lab.apply().unwrap();
    namespace::remove(&name::host_namespace(&name.0)).unwrap();
    let repaired = lab.apply().unwrap();
    let made = repaired.steps.iter().filter(|step| matches!(step, Step::MakeInterface { .. })).count();
    assert_eq!(made, 5, "{:?}", repaired.steps);
    assert_eq!(lab.apply().unwrap().steps, vec![]);

    namespace::remove(&name::host_namespace(&name.0)).unwrap();
    lab.down().unwrap();
    assert_eq!(leftovers(&name.0), Vec::<String>::new());
}

/// The other half of the next test: does nothing unless it is told to.
#[test]
fn child_applies() {
    let Ok(name) = env::var(CHILD) else { return };
    println!("begun");
    example(&name).apply().unwrap();
}

#[test]
fn an_apply_that_is_killed_is_repaired_or_removed() {
    if !is_root() {
        return;
    }
    // Each is killed as soon as something of it is there, from the first thing that it makes to the last.
    let made: [fn(&str) -> bool; 4] = [
        |name| namespace::exists(&name::host_namespace(name)),
        kernel::exists,
        |name| namespace::exists(&name::instance_namespace(name, "database")),
        |name| {
            let links = lab::in_namespace(&name::host_namespace(name), || host::Netlink::open()?.links());
            links.is_ok_and(|links| links.is_ok_and(|links| links.iter().any(|link| link.name == "web-1-0")))
        },
    ];
    for (place, made) in made.iter().enumerate() {
        for repair in [false, true] {
            let name = Removed(unique_name());
            kill_when(&name.0, made);
            if repair {
                example(&name.0).apply().unwrap();
                assert_eq!(example(&name.0).apply().unwrap().steps, vec![], "place {place}");
            }
            lab::down(&name.0).unwrap();
            assert_eq!(leftovers(&name.0), Vec::<String>::new(), "place {place}, repaired: {repair}");
        }
    }
}

/// Applies the example in a process of its own, and kills that as soon as `made` says so; or it has ended by itself.
fn kill_when(name: &str, made: impl Fn(&str) -> bool) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "leftovers::child_applies", "--nocapture"])
        .env(CHILD, name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while !made(name) && child.try_wait().unwrap().is_none() {
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("begun"), "{said}");
}
