//! Two hundred changes during which everything is killed, cut off, and taken back to an older backup.
//!
//! Whatever happens: a port that is closed by what is durable, and confirmed to be, lets nothing in until a change may have
//! opened it; and what is durable comes into force at last.

mod fault;
mod watch;
mod world;

use std::{thread, time::SystemTime};

use serde_json::Value;

use self::{
    fault::{Choices, Fault, Moment, schedule},
    watch::Watch,
    world::{Cast, Change, PORTS, World, doors},
};
use crate::{
    common::{Answer, choices, wait_until},
    ground::on_own_ground,
    site::Site,
};

/// How many changes there are; `RAVELIN_CHANGES` changes it.
const CHANGES: u64 = 200;
/// How many changes are lost with the backup, beside those that are made for it.
const LOST: usize = 5;
/// The code of a change that was made, and that not every node has confirmed.
const UNCONFIRMED: &str = "ens.interface.error";

#[test]
fn what_is_closed_and_confirmed_stays_closed_whatever_is_killed_cut_or_restored() {
    on_own_ground(|| {
        let mut choices = Choices::from_seed(choices::seed());
        let changes = choices::setting("RAVELIN_CHANGES").unwrap_or(CHANGES);
        let schedule = schedule(usize::try_from(changes).unwrap(), &mut choices);
        // Somewhere in the middle third.
        let back_at = schedule.len() / 3 + choices.place(schedule.len() / 3 + 1);
        let mut chaos = Chaos::begin(choices);
        for (place, fault) in schedule.into_iter().enumerate() {
            if place == back_at {
                chaos.go_back();
            }
            let change = Change::any(&mut chaos.choices);
            chaos.change(change, fault);
        }
        chaos.prove_all();
        println!("{:?}", chaos.tally);
        let Tally { in_force, unconfirmed, unanswered, opened, closed, .. } = chaos.tally;
        assert_eq!(in_force + unconfirmed + unanswered, chaos.count);
        assert!(in_force > chaos.count / 2 && opened > 0 && closed > 0, "{:?}", chaos.tally);
    });
}

/// How changes ended.
#[derive(Debug, Default)]
struct Tally {
    /// They were answered as being in force.
    in_force: u64,
    /// They were answered as made, and not confirmed by every node.
    unconfirmed: u64,
    /// They were not answered.
    unanswered: u64,
    /// Of those without an answer: which turned out to have been made.
    made_unanswered: u64,
    /// How often a port was opened.
    opened: u64,
    /// How often a port was closed.
    closed: u64,
}

struct Chaos {
    site: Site,
    cast: Cast,
    /// The place of the node of each instance.
    hosts: [usize; 2],
    /// What is durable.
    world: World,
    watch: Watch,
    choices: Choices,
    /// How many changes were asked for.
    count: u64,
    tally: Tally,
}

impl Chaos {
    fn begin(choices: Choices) -> Self {
        let (site, instances) = Site::of_two();
        let place = |instance| {
            let (node, _) = site.node_of(instance);
            site.nodes.iter().position(|of| of.id == node.id).unwrap()
        };
        let hosts = instances.each_ref().map(place);
        let watch = Watch::begin(&instances);
        let cast = Cast::new(&site, instances);
        let (world, tally) = (World::default(), Tally::default());
        let mut chaos = Self { site, cast, hosts, world, watch, choices, count: 0, tally };
        chaos.converge();
        chaos.prove_all();
        chaos
    }

    /// Makes a change while something goes wrong, makes that good again, and looks at what is in force.
    fn change(&mut self, change: Change, fault: Option<Fault>) {
        self.count += 1;
        let (before, after) = (self.world.clone(), change.make(&self.world));
        let what = format!("change {} {change:?}, {fault:?}", self.count);
        self.watch.may_open(doors().filter(|door| after.is_open(*door)), &what);
        let node = self.victim(change, fault);
        let (answer, at) = self.suffer(change, fault, node);
        match answer.as_ref().map(Answer::code) {
            Some("") => {
                self.tally.in_force += 1;
                self.world = after;
                self.close(at);
            }
            Some(UNCONFIRMED) => {
                self.tally.unconfirmed += 1;
                self.world = after;
            }
            None => {
                assert!(matches!(fault, Some(Fault::Server | Fault::Both)), "{what}: no answer");
                self.tally.unanswered += 1;
            }
            Some(_) => unreachable!("{what}: {answer:?}"),
        }
        if fault == Some(Fault::Away) {
            let concerned = change.concerns(&before).into_iter().any(|of| self.hosts[of] == node);
            let named =
                answer.as_ref().is_some_and(|of| of.text("/Message").contains(&self.site.nodes[node].id));
            assert_eq!(named, concerned, "{what}: who is away is named where it matters: {answer:?}");
        }
        self.make_good(fault, node, answer.is_none().then_some(change), &what);
        self.count_doors(&before);
        match fault {
            Some(_) => self.prove_all(),
            None => self.prove_those(&before),
        }
        self.watch.check(&what);
    }

    /// The node with which something goes wrong. One that does not hear of a change should be one that it concerns.
    fn victim(&mut self, change: Change, fault: Option<Fault>) -> usize {
        let concerned: Vec<usize> =
            change.concerns(&self.world).into_iter().map(|of| self.hosts[of]).collect();
        match fault {
            Some(Fault::Away | Fault::Cut) if !concerned.is_empty() => {
                concerned[self.choices.place(concerned.len())]
            }
            _ => self.choices.place(self.site.nodes.len()),
        }
    }

    /// Makes a change while something goes wrong with a node or the server; gives its answer, and when that was there.
    fn suffer(&mut self, change: Change, fault: Option<Fault>, node: usize) -> (Option<Answer>, SystemTime) {
        let [at, also] = [(); 2].map(|()| Moment::of_change(&mut self.choices));
        let again = Moment::of_beginning(&mut self.choices);
        let Self { site: Site { nodes, server, client, .. }, cast, world, .. } = self;
        let node = &mut nodes[node];
        if fault == Some(Fault::Away) {
            node.kill();
        }
        // Who is away for long is not waited for.
        let seconds = if matches!(fault, Some(Fault::Away | Fault::Cut)) { "1" } else { "30" };
        thread::scope(|scope| {
            match fault {
                None | Some(Fault::Away) => {}
                Some(Fault::Agent) => drop(scope.spawn(move || fault::kill_agent(node, at, again))),
                Some(Fault::Server) => drop(scope.spawn(move || fault::kill_server(server, at))),
                Some(Fault::Cut) => drop(scope.spawn(move || fault::cut(node, at))),
                Some(Fault::Both) => {
                    scope.spawn(move || fault::kill_server(server, at));
                    scope.spawn(move || fault::kill_agent(node, also, again));
                }
            }
            let answer = cast.ask(client, change, world, seconds);
            (answer, SystemTime::now())
        })
    }

    /// Makes good again what went wrong, and waits until every node has what is durable.
    fn make_good(&mut self, fault: Option<Fault>, node: usize, unanswered: Option<Change>, what: &str) {
        match fault {
            None => return,
            Some(Fault::Agent) => {}
            Some(Fault::Server | Fault::Both) => {
                self.site.start_server();
                let durable = self.cast.look(&self.site);
                if let Some(change) = unanswered.filter(|change| durable == change.make(&self.world)) {
                    self.tally.made_unanswered += 1;
                    self.world = change.make(&self.world);
                }
                assert_eq!(durable, self.world, "{what}: what was answered is durable, and nothing else");
            }
            Some(Fault::Away) => {
                self.knock_where_closed();
                self.site.nodes[node].start();
            }
            Some(Fault::Cut) => {
                self.knock_where_closed();
                self.site.nodes[node].heal();
            }
        }
        self.watch.check(what);
        self.converge();
    }

    /// Takes the control plane back to a backup in which a port is open that is closed and confirmed since.
    fn go_back(&mut self) {
        let port = self.choices.place(PORTS.len());
        let revoked = [(0, port), (1, port)];
        self.world.to_open(port).into_iter().for_each(|change| self.change(change, None));
        assert!(revoked.iter().all(|door| self.world.is_open(*door)));
        let (backup, then) = (self.site.back_up(), self.world.clone());
        for _ in 0..LOST {
            let change = Change::any(&mut self.choices);
            self.change(change, None);
        }
        self.world.to_close(port).into_iter().for_each(|change| self.change(change, None));
        self.site.server.kill();
        self.site.restore(&backup);
        self.world = then;
        assert_eq!(self.cast.look(&self.site), self.world, "what was backed up is there");
        self.keeps_what_it_has(&revoked, "after the restore");

        // Nothing that is decided here is obeyed, and whoever waits for it is told why.
        for instance in [0, 1] {
            let change = Change::Member { instance, group: self.choices.place(world::GROUPS) };
            let answer = self.cast.ask(&self.site.client, change, &self.world, "1").unwrap();
            self.world = change.make(&self.world);
            assert_eq!(answer.code(), UNCONFIRMED, "{answer:?}");
            let node = &self.site.nodes[self.hosts[instance]].id;
            assert!(answer.text("/Message").contains(node), "{answer:?}");
        }
        self.keeps_what_it_has(&revoked, "after changes");
        let node = self.choices.place(self.site.nodes.len());
        self.site.nodes[node].kill();
        self.site.server.kill();
        self.site.nodes[node].start();
        self.site.start_server();
        self.keeps_what_it_has(&revoked, "after an agent and the control plane were killed");

        let world = self.world.clone();
        self.watch.may_open(doors().filter(|door| world.is_open(*door)), "before they are readmitted");
        for node in &self.site.nodes {
            self.site.ravelin("ReadmitNode", &[("NodeId", &node.id)]);
        }
        self.converge();
        self.prove_all();
    }

    /// Every node is reported as having regressed, and lets in what it did before, and nothing else.
    fn keeps_what_it_has(&self, revoked: &[world::Door], when: &str) {
        wait_until(&format!("{when}: every node is reported as having regressed"), || {
            let shown = self.nodes();
            let regressed =
                |node: &Value| node["Connected"] == true && node["Regression"]["Generation"].is_u64();
            shown.iter().all(regressed).then_some(())
        });
        let counted = self.site.server.metric("ravelin_fleet_nodes_regressed").to_string();
        assert_eq!(counted, self.site.nodes.len().to_string(), "{when}");
        for door in revoked {
            Watch::lets_in(&self.cast.instances, *door, false);
        }
        self.knock_where_closed();
        self.watch.check(when);
    }

    fn nodes(&self) -> Vec<Value> {
        self.site.ravelin("DescribeNodes", &[]).list("/Nodes/Node").to_vec()
    }

    /// Waits until every node has confirmed what is durable. From then on it is known what is closed.
    fn converge(&mut self) {
        wait_until("every node has confirmed what is durable", || {
            let is_there = |node: &Value| {
                let healthy =
                    ["Regression", "Refused", "NotInForce"].iter().all(|trouble| node[trouble].is_null());
                let caught_up = node["GenerationsBehind"] == 0 && node["ConfirmedGeneration"].is_u64();
                node["Connected"] == true && healthy && caught_up
            };
            self.nodes().iter().all(is_there).then_some(())
        });
        self.close(SystemTime::now());
    }

    /// What is closed by what is durable is confirmed at a moment.
    fn close(&mut self, at: SystemTime) {
        self.watch.close(doors().filter(|door| !self.world.is_open(*door)), at);
    }

    fn count_doors(&mut self, before: &World) {
        let changed = doors().filter(|door| before.is_open(*door) != self.world.is_open(*door));
        for door in changed {
            *(if self.world.is_open(door) { &mut self.tally.opened } else { &mut self.tally.closed }) += 1;
        }
    }

    /// Everything is as open as it should be.
    fn prove_all(&self) {
        doors().for_each(|door| self.prove(door));
    }

    /// What a change has opened or closed is open or closed.
    fn prove_those(&self, before: &World) {
        let changed = doors().filter(|door| before.is_open(*door) != self.world.is_open(*door));
        changed.for_each(|door| self.prove(door));
    }

    fn prove(&self, door: world::Door) {
        let open = self.world.is_open(door);
        if open {
            self.watch.comes_in(door);
        }
        Watch::lets_in(&self.cast.instances, door, open);
    }

    fn knock_where_closed(&self) {
        for door in self.watch.closed() {
            Watch::lets_in(&self.cast.instances, door, false);
        }
    }
}
