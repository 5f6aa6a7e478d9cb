//! `ravelin agent restore`: what was wanted last, in force before anybody has spoken to anybody.

use std::process::ExitCode;

use agent::{
    links::Uplink,
    runtime::{DeviceFeed, Restored, restore as bring},
};
use dataplane::EbpfDataplane;

use super::{guard, root, run, settings};
use crate::{cli::SettingArguments, output};

/// Something is not in force, and is closed.
const EXIT_CLOSED: u8 = 3;

/// Brings it into force.
///
/// # Errors
/// It is not known what was wanted, or the kernel cannot enforce.
pub(super) fn restore(arguments: &SettingArguments) -> anyhow::Result<ExitCode> {
    let settings = settings::load(arguments)?;
    if let Some(warning) = guard::warning(&settings) {
        output::note(&format!("WARNING: {warning}"));
    }
    let directory = root::take(&settings.directory)?;
    let dataplane = EbpfDataplane::open(settings.dataplane.options()?)?;
    let feed = DeviceFeed::kernel_with(Uplink::of(&settings));
    let devices = run::runtime()?.block_on(feed)?.into_first();
    let restored = bring(&directory, settings.guarded()?, devices, dataplane)?;
    show(&restored)?;
    Ok(match (restored.may_be_open(), restored.outcome.confirmed()) {
        (true, _) => ExitCode::FAILURE,
        (false, false) => ExitCode::from(EXIT_CLOSED),
        (false, true) => ExitCode::SUCCESS,
    })
}

fn show(restored: &Restored) -> anyhow::Result<()> {
    let tally = restored.tally;
    for problem in &restored.outcome.problems {
        output::note(&format!("{}: {}", problem.interface, problem.kind));
    }
    for interface in &restored.possibly_open {
        output::note(&format!("{interface}: MAY BE OPEN"));
    }
    for device in &restored.open {
        output::note(&format!("device {} IS OPEN and should be closed: {}", device.name, device.why));
    }
    let closed = format!("{} devices that nobody bound are closed", tally.guarded);
    output::line(&match restored.generation {
        None => format!("nothing was ever wanted of this host; {closed}"),
        Some(generation) => {
            let in_force = tally.bound.saturating_sub(tally.troubled);
            format!(
                "generation {generation}: {} interfaces, {in_force} in force, {} without a device, {} in trouble; {closed}",
                tally.interfaces, tally.absent, tally.troubled
            )
        }
    })
}
