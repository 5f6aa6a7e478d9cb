//! `ravelin agent remove`: nothing is enforced any more.

use std::process::ExitCode;

use agent::{LabDriver, directory::AgentDirectory, identity::Identity, saved::Saved};
use anyhow::anyhow;
use dataplane::{DataplaneError, EbpfDataplane};

use super::settings;
use crate::{cli::SettingArguments, output};

/// Takes programs away from devices, and removes what is pinned.
///
/// # Errors
/// An agent runs, or the kernel refuses.
pub(super) fn remove(yes: bool, forget: bool, arguments: &SettingArguments) -> anyhow::Result<ExitCode> {
    let settings = settings::load(arguments)?;
    let (name, path) = (&settings.dataplane.name, settings.directory.display());
    if !yes {
        let forgotten =
            if forget { format!(", and {path} forgets which node this is") } else { String::new() };
        output::note(&format!(
            "This takes every program of /sys/fs/bpf/ravelin/{name} away from every device{forgotten}: NOTHING IS ENFORCED \
             ANY MORE, ALL DEVICES ARE OPEN, and running flows go on without any rule. Say --yes to do it."
        ));
        return Ok(ExitCode::from(2));
    }
    // No agent runs meanwhile, and none puts back what is taken away.
    let directory = AgentDirectory::take(&settings.directory)?;
    // First, while they are enforced. Of a host that never joined there are none.
    if let Ok(identity) = Identity::read(directory.path()) {
        let removed = LabDriver::new(identity.node).remove_all();
        removed.map_err(|why| anyhow!("instances that this node has made are still there: {why}"))?;
    }
    let removed = match EbpfDataplane::open_existing(settings.dataplane.options()?) {
        Ok(dataplane) => dataplane.remove().map(|()| true)?,
        Err(DataplaneError::Missing { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    if forget {
        Saved::remove(directory.path())?;
        Identity::remove(directory.path())?;
    }
    output::line(&match removed {
        true => format!("Nothing of {name} is left in the kernel: all its devices are open."),
        false => format!("There is no {name} in the kernel: its devices are open already."),
    })?;
    if forget {
        output::line(
            "This host is no node any more. `ravelin api DeleteNode` forgets it on the server, too.",
        )?;
    } else {
        output::line("`ravelin agent run` brings what was wanted last into force again.")?;
    }
    Ok(ExitCode::SUCCESS)
}
