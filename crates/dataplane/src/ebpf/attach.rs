//! Where the programs hang: at both hooks of a device, before all others.
//!
//! A tcx link is pinned, and so lasts as long as its device. A filter of clsact lasts as long as its device by itself.

use std::{
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use super::{
    clsact,
    host::{device_name, system},
    options::Attach,
    sys::{self, Hook},
};
use crate::{error::DataplaneError, report::Attachment};

/// Both programs, as they were loaded.
pub(crate) struct Programs {
    pub(crate) from_instance: OwnedFd,
    pub(crate) to_instance: OwnedFd,
}

/// Attaches programs.
pub(crate) struct Attacher {
    programs: Programs,
    /// The ids of the programs.
    ids: [u32; 2],
    tcx: bool,
    /// Where links are pinned.
    links: PathBuf,
}

const HOOKS: [Hook; 2] = [Hook::Ingress, Hook::Egress];

impl Attacher {
    /// Attaches these programs from now on, and puts them into the place of others of this dataplane. Links of devices
    /// that are gone are forgotten.
    pub(crate) fn new(
        programs: Programs,
        attach: Attach,
        links: PathBuf,
        replaced: Option<[u32; 2]>,
    ) -> Result<Self, DataplaneError> {
        let id = |fd: &OwnedFd| Ok(sys::program_info(fd).map_err(system("asking for a program"))?.id);
        let ids = [id(&programs.from_instance)?, id(&programs.to_instance)?];
        let attacher = Self { programs, ids, tcx: attach != Attach::Clsact, links };
        if attacher.tcx {
            attacher.replace_in_links()?;
        } else if let Some(replaced) = replaced {
            attacher.replace_in_filters(replaced)?;
        }
        Ok(attacher)
    }

    fn program(&self, hook: Hook) -> (&OwnedFd, u32) {
        match hook {
            Hook::Ingress => (&self.programs.from_instance, self.ids[0]),
            Hook::Egress => (&self.programs.to_instance, self.ids[1]),
        }
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    fn pin_of(&self, ifindex: u32, hook: Hook) -> PathBuf {
        let direction = match hook {
            Hook::Ingress => "from_instance",
            Hook::Egress => "to_instance",
        };
        self.links.join(format!("{ifindex}_{direction}"))
    }

    /// The pinned link of a hook, wherever it leads.
    fn pinned(&self, ifindex: u32, hook: Hook) -> Result<Option<(OwnedFd, sys::LinkInfo)>, DataplaneError> {
        match sys::pinned(&self.pin_of(ifindex, hook)) {
            Ok(link) => {
                let info = sys::link_info(&link).map_err(system("asking for a link"))?;
                Ok(Some((link, info)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(system("opening a pinned link")(error)),
        }
    }

    /// The pinned link of a hook, where it leads to a device.
    fn link(&self, ifindex: u32, hook: Hook) -> Result<Option<(OwnedFd, sys::LinkInfo)>, DataplaneError> {
        Ok(self.pinned(ifindex, hook)?.filter(|(_, info)| info.ifindex == ifindex))
    }

    fn replace_in_links(&self) -> Result<(), DataplaneError> {
        for ifindex in self.pinned_devices()? {
            for hook in HOOKS {
                match self.link(ifindex, hook)? {
                    None => remove(&self.pin_of(ifindex, hook))?,
                    Some((link, info)) if info.program != self.program(hook).1 => {
                        sys::update_link(&link, self.program(hook).0)
                            .map_err(system("putting a program into a link"))?;
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    fn replace_in_filters(&self, replaced: [u32; 2]) -> Result<(), DataplaneError> {
        for ifindex in super::host::devices().map_err(system("listing devices"))? {
            for (hook, old) in HOOKS.into_iter().zip(replaced) {
                let filters = clsact::filters(ifindex, hook).map_err(system("listing filters"))?;
                let (program, id) = self.program(hook);
                if id != old && filters.iter().any(|filter| filter.in_our_place() && filter.program == old) {
                    clsact::attach(program, ifindex, hook).map_err(system("replacing a filter"))?;
                }
            }
        }
        Ok(())
    }

    /// The devices that have pinned links.
    fn pinned_devices(&self) -> Result<Vec<u32>, DataplaneError> {
        let failed = || system("listing pinned links");
        let mut devices = Vec::new();
        for entry in fs::read_dir(&self.links).map_err(failed())? {
            let name = entry.map_err(failed())?.file_name();
            let number: Option<u32> =
                name.to_string_lossy().split_once('_').and_then(|(number, _)| number.parse().ok());
            devices.extend(number);
        }
        devices.sort_unstable();
        devices.dedup();
        Ok(devices)
    }

    /// Removes pins of links whose devices are gone.
    pub(crate) fn forget_gone(&self) -> Result<(), DataplaneError> {
        if !self.tcx {
            return Ok(());
        }
        for ifindex in self.pinned_devices()? {
            for hook in HOOKS {
                if self.link(ifindex, hook)?.is_none() {
                    remove(&self.pin_of(ifindex, hook))?;
                }
            }
        }
        Ok(())
    }

    /// Attaches both programs to a device, where they are not.
    pub(crate) fn attach(&self, ifindex: u32) -> Result<(), DataplaneError> {
        for hook in HOOKS {
            if self.state(ifindex, hook)? == Attachment::First {
                continue;
            }
            let (program, _) = self.program(hook);
            if !self.tcx {
                clsact::attach(program, ifindex, hook).map_err(|error| match error.raw_os_error() {
                    Some(libc::ENOENT | libc::EOPNOTSUPP) => DataplaneError::KernelLacks {
                        feature: "clsact queueing discipline or BPF classifier",
                        option: "CONFIG_NET_CLS_ACT and CONFIG_NET_CLS_BPF",
                    },
                    _ => system("attaching a filter")(error),
                })?;
                continue;
            }
            let path = self.pin_of(ifindex, hook);
            // A program cannot hang at a hook twice: where it hangs but not first, one that drops everything stands in
            // for it while it moves, so that the device is never open.
            let barrier = match self.link(ifindex, hook)? {
                Some((link, _)) => {
                    let dropper = sys::load_dropper().map_err(system("loading a program"))?;
                    let barrier = sys::create_link(&dropper, ifindex, hook);
                    let barrier = barrier.map_err(system("attaching a program"))?;
                    sys::detach_link(&link).map_err(system("ending a link"))?;
                    Some(barrier)
                }
                None => None,
            };
            remove(&path)?;
            let link = self.create(ifindex, hook)?;
            sys::pin(&link, &path).map_err(system("pinning a link"))?;
            drop(barrier);
        }
        Ok(())
    }

    fn create(&self, ifindex: u32, hook: Hook) -> Result<OwnedFd, DataplaneError> {
        sys::create_link(self.program(hook).0, ifindex, hook).map_err(system("attaching a program"))
    }

    /// Takes both programs away from a device.
    pub(crate) fn detach(&self, ifindex: u32) -> Result<(), DataplaneError> {
        for hook in HOOKS {
            if self.tcx {
                if let Some((link, _)) = self.link(ifindex, hook)? {
                    sys::detach_link(&link).map_err(system("ending a link"))?;
                }
                remove(&self.pin_of(ifindex, hook))?;
            } else {
                clsact::detach(ifindex, hook).map_err(system("removing a filter"))?;
            }
        }
        Ok(())
    }

    /// Takes both programs away from every device that they hang at.
    pub(crate) fn detach_all(&self) -> Result<(), DataplaneError> {
        let devices = if self.tcx {
            self.pinned_devices()?
        } else {
            super::host::devices().map_err(system("listing devices"))?
        };
        for ifindex in devices {
            let ours = |hook| Ok::<_, DataplaneError>(self.state(ifindex, hook)? != Attachment::Missing);
            if self.tcx || ours(Hook::Ingress)? || ours(Hook::Egress)? {
                self.detach(ifindex)?;
            }
        }
        Ok(())
    }

    /// How a program hangs at a hook.
    pub(crate) fn state(&self, ifindex: u32, hook: Hook) -> Result<Attachment, DataplaneError> {
        let link = if self.tcx { self.link(ifindex, hook)? } else { None };
        self.state_of(ifindex, hook, link.map(|(_, info)| info))
    }

    /// How a program hangs at a hook, where its link is this one.
    fn state_of(
        &self,
        ifindex: u32,
        hook: Hook,
        link: Option<sys::LinkInfo>,
    ) -> Result<Attachment, DataplaneError> {
        let (_, id) = self.program(hook);
        let at_tcx = sys::programs_at(ifindex, hook);
        if !self.tcx {
            let filters = clsact::filters(ifindex, hook).map_err(system("listing filters"))?;
            let alone = at_tcx.is_ok_and(|programs| programs.is_empty()) || !sys::has_tcx();
            return Ok(match filters.iter().position(|filter| filter.in_our_place()) {
                None => Attachment::Missing,
                Some(place) if filters[place].program != id => Attachment::Foreign,
                Some(0) if alone => Attachment::First,
                Some(_) => Attachment::NotFirst,
            });
        }
        let Some(info) = link else { return Ok(Attachment::Missing) };
        if info.program != id {
            return Ok(Attachment::Foreign);
        }
        let programs = at_tcx.map_err(system("asking for the programs of a device"))?;
        Ok(match programs.iter().position(|program| *program == id) {
            Some(0) => Attachment::First,
            Some(_) => Attachment::NotFirst,
            None => Attachment::Missing,
        })
    }

    /// How the programs hang at a device that exists, in the order of [`Hook`]; none where it is not the one that they
    /// were attached to. Each link is opened once: every receipt waits for this.
    pub(crate) fn states(&self, ifindex: u32) -> Result<Option<[Attachment; 2]>, DataplaneError> {
        let mut links = [None; 2];
        if self.tcx {
            for (link, hook) in links.iter_mut().zip(HOOKS) {
                *link = self.pinned(ifindex, hook)?.map(|(_, info)| info);
            }
            // A link that leads nowhere is that of a device that is gone, whatever has its index now. One that somebody
            // removed says nothing.
            if links.iter().flatten().next().is_some_and(|info| info.ifindex != ifindex) {
                return Ok(None);
            }
        }
        let mut states = [Attachment::Missing; 2];
        for ((state, link), hook) in states.iter_mut().zip(links).zip(HOOKS) {
            *state = self.state_of(ifindex, hook, link.filter(|info| info.ifindex == ifindex))?;
        }
        Ok(Some(states))
    }

    /// Whether a device that programs were attached to is still the one that they were attached to.
    pub(crate) fn is_present(&self, ifindex: u32) -> Result<bool, DataplaneError> {
        if device_name(ifindex)?.is_none() {
            return Ok(false);
        }
        if self.tcx {
            // A link that leads nowhere is that of a device that is gone, whatever has its index now. One that somebody
            // removed says nothing.
            for hook in HOOKS {
                if let Ok(link) = sys::pinned(&self.pin_of(ifindex, hook)) {
                    let info = sys::link_info(&link).map_err(system("asking for a link"))?;
                    return Ok(info.ifindex == ifindex);
                }
            }
        }
        Ok(true)
    }
}

fn remove(path: &Path) -> Result<(), DataplaneError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(system("removing a pin")(error)),
        _ => Ok(()),
    }
}
