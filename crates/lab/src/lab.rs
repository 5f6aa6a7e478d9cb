//! A lab: made, changed by the smallest difference, removed.

use host::{Netlink, in_namespace, namespace, wire::prepare_host};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::{
    definition::{Definition, DefinitionError, FILE_BYTES_MAX, Problem},
    desired::{DEVICE_GROUP, Desired},
    difference::{difference, removal},
    error::LabError,
    execute::Execution,
    kernel, name,
    observed::Observed,
    state::{self, Held, Remembered, Standing},
    step::Step,
};

/// A lab as its file says, to be made or changed.
#[derive(Debug, Clone)]
pub struct Lab {
    definition: Definition,
    desired: Desired,
}

/// What an apply did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The number of the change; of a trial, the one that it would have.
    pub generation: u64,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// What an apply tells while it is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// It is known what there is to do.
    Planned {
        /// The number of the change.
        generation: u64,
        /// How many steps there are.
        steps: usize,
    },
    /// A step is done.
    Done(&'a Step),
}

impl Lab {
    /// Reads a lab from the text of a file.
    ///
    /// # Errors
    /// [`LabError::Text`].
    pub fn parse(text: &str) -> Result<Self, LabError> {
        Self::of(Definition::parse(text)?)
    }

    /// Reads a lab from a file.
    ///
    /// # Errors
    /// [`LabError::File`], [`LabError::Definition`].
    pub fn from_file(path: &Path) -> Result<Self, LabError> {
        let name = path.display().to_string();
        let bytes = read(path).map_err(|source| LabError::File { path: name.clone(), source })?;
        match Definition::from_bytes(bytes).map_err(LabError::from).and_then(Self::of) {
            Err(LabError::Text(problems)) => Err(LabError::Definition { path: name, problems }),
            read => read,
        }
    }

    /// A lab from its definition.
    ///
    /// # Errors
    /// [`LabError::Text`]: what the definition checks is checked again.
    pub fn of(definition: Definition) -> Result<Self, LabError> {
        let desired = desired(&definition)?;
        Ok(Self { definition, desired })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.definition.name()
    }

    /// What its file says.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// What there would be to do.
    ///
    /// # Errors
    /// The host cannot be looked at.
    pub fn plan(&self) -> Result<Applied, LabError> {
        require_root()?;
        let lab = self.name();
        let mut observed = Observed::of_host(lab)?;
        if observed.host && kernel::exists(lab) {
            let found = observed.clone();
            observed = match kernel::look(lab, |dataplane| found.with(&dataplane)) {
                // It was killed before it was made.
                Err(LabError::Unknown { .. }) => observed,
                looked => looked?,
            };
        }
        let generation = next_generation(lab)?;
        Ok(Applied { generation, steps: difference(&observed, &self.desired) })
    }

    /// Makes the lab, or changes the running one, by the smallest difference. Where a step fails what was done before
    /// stays, closed or as it should be; to apply again goes on from there.
    ///
    /// # Errors
    /// [`LabError`].
    pub fn apply(&self) -> Result<Applied, LabError> {
        self.apply_and_tell(|_| ())
    }

    /// As [`Self::apply`], and tells of each step when it is done.
    ///
    /// # Errors
    /// [`LabError`].
    pub fn apply_and_tell(&self, mut tell: impl FnMut(Progress<'_>) + Send) -> Result<Applied, LabError> {
        require_root()?;
        let lab = self.name();
        let held = Held::take(lab)?;
        let generation = next_generation(lab)?;
        let text = self.definition.text().to_owned();
        let mut remembered = Remembered { standing: Standing { generation, complete: false }, text };
        held.write(&remembered)?;
        let observed = Observed::of_host(lab)?;
        if !observed.host {
            if kernel::exists(lab) {
                kernel::remove_orphan(lab)?;
            }
            namespace::create(&name::host_namespace(lab), || prepare_host().map_err(LabError::from))?;
        }
        let steps = kernel::with_dataplane(lab, |mut dataplane| {
            let observed = observed.with(&dataplane)?;
            let steps = difference(&observed, &self.desired);
            let mut execution = Execution::begin(&self.desired, &observed, &mut dataplane, generation)?;
            tell(Progress::Planned { generation, steps: steps.len() });
            for step in &steps {
                execution.run(step)?;
                tell(Progress::Done(step));
            }
            execution.wait_until_ready()?;
            Ok(steps)
        })?;
        remembered.standing.complete = true;
        held.write(&remembered)?;
        Ok(Applied { generation, steps })
    }

    /// Removes the lab.
    ///
    /// # Errors
    /// [`LabError`].
    pub fn down(&self) -> Result<Vec<Step>, LabError> {
        down(self.name())
    }
}

/// A file's bytes, no more of them than show that it is too large: a device or a pipe may have no end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a definition means for this host.
pub(crate) fn desired(definition: &Definition) -> Result<Desired, LabError> {
    let wanted = Desired::of(definition).map_err(|error| {
        let problem = Problem { line: 0, message: error.to_string() };
        DefinitionError::Problems(vec![problem])
    });
    Ok(wanted?)
}

/// Removes all that is there of a lab, whatever made it and however that ended. Gives what it removed: nothing where
/// nothing was there.
///
/// # Errors
/// [`LabError`]. What was not removed is found again by the next try.
pub fn down(lab: &str) -> Result<Vec<Step>, LabError> {
    down_and_tell(lab, |_| ())
}

/// As [`down`], and tells of each step when it is done.
///
/// # Errors
/// As [`down`].
pub fn down_and_tell(lab: &str, mut tell: impl FnMut(&Step)) -> Result<Vec<Step>, LabError> {
    require_root()?;
    if !is_there(lab)? {
        return Ok(Vec::new());
    }
    let held = Held::take(lab)?;
    let observed = Observed::of_host(lab)?;
    let steps = removal(lab, &observed, kernel::exists(lab));
    if observed.host {
        let host = name::host_namespace(lab);
        in_namespace(&host, || Netlink::open()?.remove_group(DEVICE_GROUP))??;
    }
    for step in &steps {
        let done = remove(lab, step);
        done.map_err(|error| LabError::Step { step: step.to_string(), source: Box::new(error) })?;
        tell(step);
    }
    held.forget()?;
    Ok(steps)
}

fn remove(lab: &str, step: &Step) -> Result<(), LabError> {
    match step {
        Step::RemoveDataplane if namespace::exists(&name::host_namespace(lab)) => {
            kernel::with_dataplane(lab, |dataplane| Ok(dataplane.remove()?))
        }
        Step::RemoveDataplane => kernel::remove_orphan(lab),
        Step::RemoveInstance { instance } => Ok(namespace::remove(&name::instance_namespace(lab, instance))?),
        Step::RemoveHost { namespace } => Ok(namespace::remove(namespace)?),
        // Devices went before, all at once, and a removal has no other steps.
        _ => Ok(()),
    }
}

/// The labs that there is anything of on this host, in alphabetical order.
///
/// # Errors
/// Namespaces cannot be listed.
pub fn list() -> Result<Vec<String>, LabError> {
    let mut labs = state::labs();
    labs.extend(kernel::labs());
    for file in namespace::list()? {
        labs.extend(name::owner(&file).map(|(lab, _)| lab.to_owned()));
    }
    labs.sort_unstable();
    labs.dedup();
    Ok(labs)
}

/// Whether there is anything of a lab on this host.
///
/// # Errors
/// Namespaces cannot be listed.
pub fn is_there(lab: &str) -> Result<bool, LabError> {
    Ok(list()?.iter().any(|of| of == lab))
}

/// The namespace of an instance of a running lab; no instance: that of its host.
///
/// # Errors
/// [`LabError::Unknown`], [`LabError::UnknownInstance`].
pub fn namespace_of(lab: &str, instance: Option<&str>) -> Result<String, LabError> {
    require_root()?;
    if !namespace::exists(&name::host_namespace(lab)) {
        return Err(LabError::Unknown { lab: lab.to_owned() });
    }
    let Some(instance) = instance else { return Ok(name::host_namespace(lab)) };
    let namespace = name::instance_namespace(lab, instance);
    if namespace::exists(&namespace) {
        return Ok(namespace);
    }
    let files = namespace::list()?;
    let owners = files.iter().filter_map(|file| name::owner(file)).filter(|(of, _)| *of == lab);
    let instances = owners.filter_map(|(_, instance)| instance.map(str::to_owned)).collect();
    Err(LabError::UnknownInstance { lab: lab.to_owned(), instance: instance.to_owned(), instances })
}

/// Says at once what would fail in the middle.
///
/// # Errors
/// [`LabError::NotRoot`].
pub fn require_root() -> Result<(), LabError> {
    if nix::unistd::geteuid().is_root() { Ok(()) } else { Err(LabError::NotRoot) }
}

/// The number of the next change.
fn next_generation(lab: &str) -> Result<u64, LabError> {
    Ok(state::read(lab)?.map_or(0, |remembered| remembered.standing.generation) + 1)
}

/// Runs a command in a namespace in place of this program. Returns only where that fails.
///
/// # Errors
/// The namespace cannot be entered, the command not started.
pub fn exec(namespace: &str, command: &[String]) -> Result<std::convert::Infallible, LabError> {
    use std::os::unix::process::CommandExt;
    let (program, arguments) = command.split_first().unwrap_or((const { &String::new() }, &[]));
    let failed: io::Error =
        in_namespace(namespace, || std::process::Command::new(program).args(arguments).exec())?;
    Err(LabError::Command { program: program.clone(), source: failed })
}
