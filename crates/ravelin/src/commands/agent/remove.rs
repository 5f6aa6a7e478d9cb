//! `ravelin agent remove`: nothing is enforced any more, and what a lab node has made is gone.

use std::process::ExitCode;

use agent::{LabDriver, identity::Identity, saved::Saved};
use anyhow::anyhow;
use dataplane::{DataplaneError, EbpfDataplane};

use super::{root, settings};
use crate::{cli::SettingArguments, output};

/// Takes programs away from devices, and removes what is pinned.
///
/// # Errors
/// An agent runs, or the kernel refuses.
pub(super) fn remove(yes: bool, forget: bool, arguments: &SettingArguments) -> anyhow::Result<ExitCode> {
    let settings = settings::load(arguments)?;
    let (name, path) = (&settings.dataplane.name, settings.directory.display());
    if !yes {
        let made = Identity::read(&settings.directory).map_or(0, |identity| count(&identity));
        output::note(&question(name, &path.to_string(), forget, made));
        return Ok(ExitCode::from(2));
    }
    // No agent runs meanwhile, and none puts back what is taken away.
    let directory = root::take(&settings.directory)?;
    // First, while they are enforced. Of a host that never joined there are none.
    let mut made = 0;
    if let Ok(identity) = Identity::read(directory.path()) {
        made = count(&identity);
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
    if made > 0 {
        output::line(&format!(
            "{} of this node are deleted: their namespaces, and every process in them.",
            named(made)
        ))?;
    }
    if forget {
        output::line(
            "This host is no node any more. `ravelin api DeleteNode` forgets it on the server, too.",
        )?;
    } else {
        output::line("`ravelin agent run` brings what was wanted last into force again.")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How many instances of this node there are on the host, as far as that can be seen.
fn count(identity: &Identity) -> usize {
    LabDriver::new(identity.node).count().unwrap_or(0)
}

/// `1 instance`, `2 instances`.
fn named(count: usize) -> String {
    if count == 1 { "1 instance".to_owned() } else { format!("{count} instances") }
}

/// What would be done, and how to have it done.
fn question(name: &str, path: &str, forget: bool, made: usize) -> String {
    let forgotten = if forget { format!(", and {path} forgets which node this is") } else { String::new() };
    let deleted = match made {
        0 => String::new(),
        made => format!(
            " Before that {} of this node ARE DELETED, each with its namespace and every process in it.",
            named(made)
        ),
    };
    format!(
        "This takes every program of /sys/fs/bpf/ravelin/{name} away from every device{forgotten}: NOTHING IS ENFORCED ANY MORE, \
         ALL DEVICES ARE OPEN, and running flows go on without any rule.{deleted} Say --yes to do it."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_removes_a_lab_node_is_told_of_its_instances() {
        let said = question("agent", "/var/lib/ravelin-agent", false, 2);
        assert!(said.contains("2 instances of this node ARE DELETED") && said.contains("process"), "{said}");
        assert!(!question("agent", "/var/lib/ravelin-agent", true, 0).contains("DELETED"));
    }
}
