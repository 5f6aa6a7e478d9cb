//! kill -9 at random moments under load.

use std::{thread, time::Duration};

use crate::{
    common::{
        AT_ONCE, Launch,
        choices::{self, Choices},
    },
    workload::{Tally, Writer, run_all},
};

/// How many times the server is killed; `RAVELIN_KILLS` changes it.
const KILLS: u64 = 200;
/// How many writers there are.
const WRITERS: u64 = 4;

#[test]
fn every_acknowledged_change_survives_kill_9() {
    let seed = choices::seed();
    let mut choices = Choices::from_seed(seed);
    let data = tempfile::tempdir().expect("a directory");
    // A short history: it is trimmed under the kills, too, and two hundred starts read little.
    let launch = || Launch::on(data.path()).set(AT_ONCE).set(&["history.generations_max=1000"]).start();

    let mut server = launch();
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|n| Writer::create(&server.client(), n, Choices::from_seed(seed + 7919 * n)))
        .collect();
    let mut total = Tally::default();
    let kills = choices::setting("RAVELIN_KILLS").unwrap_or(KILLS);
    for _ in 0..kills {
        let moment = Duration::from_micros(500 + choices.below(120_000));
        let client = server.client();
        total += run_all(&client, &mut writers, || {
            // Not a wait for something: the random moment is what is tested.
            thread::sleep(moment);
            server.kill();
        });
        server = launch();
        let client = server.client();
        writers.iter_mut().for_each(|writer| writer.verify(&client));
    }
    println!("{kills} kills: {total:?}");
    assert!(total.acknowledged > kills, "there was no load: {total:?}");
    assert!(total.open > 0, "no kill hit a call in flight: {total:?}");
}
