//! The dataplane of a lab: where it is, and how it is opened.

use host::{NamespaceError, in_namespace, namespace};
use std::{path::Path, thread, time::Duration};

use dataplane::{DataplaneError, EbpfDataplane, Options};

use crate::{error::LabError, name};

/// How long to wait for another process that looks at the same lab.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// The dataplane's name.
fn dataplane_name(lab: &str) -> String {
    format!("lab-{lab}")
}

/// Whether a lab has a dataplane.
pub fn exists(lab: &str) -> bool {
    Path::new("/sys/fs/bpf/ravelin").join(dataplane_name(lab)).exists()
}

/// The labs that have a dataplane.
pub fn labs() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/sys/fs/bpf/ravelin") else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter_map(|name| Some(name.strip_prefix("lab-")?.to_owned()))
        .filter(|lab| name::is_lab(lab))
        .collect()
}

/// Opens the dataplane, or makes it. The calling thread is in the host's namespace.
///
/// # Errors
/// What the dataplane says; another process has it open for longer than anybody looks at a lab.
pub fn open(lab: &str) -> Result<EbpfDataplane, LabError> {
    patiently(|| EbpfDataplane::open(Options::new(dataplane_name(lab))))
}

/// Calls `open` again as long as another process has the dataplane open.
fn patiently(open: impl Fn() -> Result<EbpfDataplane, DataplaneError>) -> Result<EbpfDataplane, LabError> {
    let mut left = PATIENCE.as_millis() / PAUSE.as_millis();
    loop {
        match open() {
            Err(DataplaneError::InUse { .. }) if left > 0 => left -= 1,
            opened => return Ok(opened?),
        }
        thread::sleep(PAUSE);
    }
}

/// Calls `work` with the lab's dataplane, in the namespace of its host.
///
/// # Errors
/// The namespace cannot be entered, the dataplane not opened; what `work` says.
pub fn with_dataplane<T: Send>(
    lab: &str,
    work: impl FnOnce(EbpfDataplane) -> Result<T, LabError> + Send,
) -> Result<T, LabError> {
    in_namespace(&name::host_namespace(lab), || work(open(lab)?))?
}

/// Calls `work` with the lab's dataplane, for those who only look: a lab that somebody removes in the same moment is
/// not made anew.
///
/// # Errors
/// [`LabError::Unknown`]: it is gone. Otherwise as [`with_dataplane`].
pub fn look<T: Send>(
    lab: &str,
    work: impl FnOnce(EbpfDataplane) -> Result<T, LabError> + Send,
) -> Result<T, LabError> {
    let looked = in_namespace(&name::host_namespace(lab), || {
        let existing = || EbpfDataplane::open_existing(Options::new(dataplane_name(lab)));
        work(patiently(existing)?)
    });
    match looked {
        Err(NamespaceError::Missing { .. })
        | Ok(Err(LabError::Dataplane(DataplaneError::Missing { .. }))) => {
            Err(LabError::Unknown { lab: lab.to_owned() })
        }
        looked => looked?,
    }
}

/// Removes a dataplane whose host is gone. Its bindings are of devices that are gone as well.
///
/// # Errors
/// What the dataplane says.
pub fn remove_orphan(lab: &str) -> Result<(), LabError> {
    // In a namespace without any of its devices: a number of one of them may be another's elsewhere.
    namespace::in_new_namespace(|| Ok(open(lab)?.remove()?))?
}
