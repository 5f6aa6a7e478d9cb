//! Where the programs hang: at both hooks of a device, before all others.
//!
//! A tcx link is pinned, and so lasts as long as its device. A filter of clsact lasts as long as its device by itself.

use std::{
    collections::BTreeSet,
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use super::{
    clsact,
    features::clsact_refused,
    host::{device_name, system},
    options::Attach,
    sys::{self, Hook},
    xdp,
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
    /// What filters are called: those of another dataplane have another name.
    filter: String,
}

/// What the names of pins begin with whose devices have left their namespace, before the number of the link.
const ASIDE: &str = "elsewhere_";

const HOOKS: [Hook; 2] = [Hook::Ingress, Hook::Egress];

impl Attacher {
    /// Attaches these programs from now on, and puts them into the place of others of this dataplane. Links of devices
    /// that are gone are forgotten; what a killed process left half moved is moved.
    pub(crate) fn new(
        programs: Programs,
        attach: Attach,
        links: PathBuf,
        dataplane: &str,
    ) -> Result<Self, DataplaneError> {
        let id = |fd: &OwnedFd| Ok(sys::program_info(fd).map_err(system("asking for a program"))?.id);
        let ids = [id(&programs.from_instance)?, id(&programs.to_instance)?];
        let filter = format!("ravelin/{dataplane}");
        let attacher = Self { programs, ids, tcx: attach != Attach::Clsact, links, filter };
        if attacher.tcx {
            attacher.replace_in_links()?;
        } else {
            attacher.replace_in_filters()?;
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

    /// The pin of what stands in for a program while it moves.
    fn barrier_of(&self, ifindex: u32, hook: Hook) -> PathBuf {
        let mut name = self.pin_of(ifindex, hook).into_os_string();
        name.push("_barrier");
        name.into()
    }

    /// The pinned link of a hook, where it leads to a device.
    fn link(&self, ifindex: u32, hook: Hook) -> Result<Option<(OwnedFd, sys::LinkInfo)>, DataplaneError> {
        Ok(pinned(&self.pin_of(ifindex, hook))?.filter(|(_, info)| info.ifindex == ifindex))
    }

    fn replace_in_links(&self) -> Result<(), DataplaneError> {
        for ifindex in self.pinned_devices()? {
            for hook in HOOKS {
                let barrier = self.barrier_of(ifindex, hook);
                match self.link(ifindex, hook)? {
                    _ if leads_to(&barrier, ifindex)? => self.attach_link(ifindex, hook)?,
                    None => {
                        remove_gone(&self.pin_of(ifindex, hook))?;
                        remove_gone(&barrier)?;
                    }
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

    /// Whose a filter is says its name alone: a process that was killed may have pinned a program that it has not put into
    /// every filter, and pins may be gone.
    fn replace_in_filters(&self) -> Result<(), DataplaneError> {
        for ifindex in super::host::devices().map_err(system("listing devices"))? {
            for hook in HOOKS {
                let id = self.program(hook).1;
                let ours = self.own_filters(ifindex, hook)?;
                if ours.iter().any(|filter| filter.handle != clsact::HANDLE || filter.program != id) {
                    self.attach_filter(ifindex, hook)?;
                }
            }
        }
        Ok(())
    }

    /// The filters of this dataplane at a hook.
    fn own_filters(&self, ifindex: u32, hook: Hook) -> Result<Vec<clsact::Filter>, DataplaneError> {
        let mut filters = clsact::filters(ifindex, hook).map_err(system("listing filters"))?;
        filters.retain(|filter| *filter.name == *self.filter.as_bytes());
        Ok(filters)
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

    /// Forgets the pins of links whose devices are gone. One that was moved to another namespace is not: the pin is all
    /// that holds its link.
    pub(crate) fn forget_gone(&self, there: &BTreeSet<u32>) -> Result<(), DataplaneError> {
        if !self.tcx {
            return Ok(());
        }
        for ifindex in self.pinned_devices()?.into_iter().filter(|ifindex| !there.contains(ifindex)) {
            for hook in HOOKS {
                remove_gone(&self.pin_of(ifindex, hook))?;
                remove_gone(&self.barrier_of(ifindex, hook))?;
            }
        }
        for path in self.set_aside()? {
            remove_gone(&path)?;
        }
        Ok(())
    }

    /// The pins of links whose devices are in another namespace, and have left their names to others.
    fn set_aside(&self) -> Result<Vec<PathBuf>, DataplaneError> {
        let failed = || system("listing pinned links");
        let entries = fs::read_dir(&self.links).map_err(failed())?;
        let entries = entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed()));
        let is_aside = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(ASIDE.as_bytes()))
        };
        entries.filter(|path| path.as_ref().map_or(true, is_aside)).collect()
    }

    /// Makes place for a pin: what is there is forgotten where its device is gone, and set aside where that is in another
    /// namespace.
    fn make_place(&self, path: &Path) -> Result<(), DataplaneError> {
        match pinned(path)? {
            Some((_, info)) if info.ifindex != 0 => {
                let aside = self.links.join(format!("{ASIDE}{}", info.id));
                fs::rename(path, aside).map_err(system("renaming a pin"))
            }
            _ => remove(path),
        }
    }

    /// Attaches both programs to a device, before all others that hang there.
    pub(crate) fn attach(&self, ifindex: u32) -> Result<(), DataplaneError> {
        for hook in HOOKS {
            if self.state(ifindex, hook)? == Attachment::First {
                continue;
            }
            if self.tcx {
                self.attach_link(ifindex, hook)?;
            } else {
                self.attach_filter(ifindex, hook)?;
            }
            if self.state(ifindex, hook)? != Attachment::First {
                return Err(DataplaneError::NotFirst { name: device_name(ifindex)?.unwrap_or_default() });
            }
        }
        if has_xdp(ifindex)? {
            return Err(DataplaneError::XdpFirst { name: device_name(ifindex)?.unwrap_or_default() });
        }
        Ok(())
    }

    /// A program cannot hang at a hook twice: where it hangs but not first, one that drops everything stands in for it while
    /// it moves. That one is pinned, so that the device is closed and not open where this process is killed meanwhile.
    fn attach_link(&self, ifindex: u32, hook: Hook) -> Result<(), DataplaneError> {
        let (path, barrier) = (self.pin_of(ifindex, hook), self.barrier_of(ifindex, hook));
        let (program, id) = self.program(hook);
        if let Some((link, info)) = self.link(ifindex, hook)? {
            if info.program != id {
                sys::update_link(&link, program).map_err(system("putting a program into a link"))?;
            }
            let state = self.state(ifindex, hook)?;
            if state == Attachment::First {
                return self.remove_link(ifindex, &barrier);
            }
            if state == Attachment::Missing {
                // The link is that of a device with the same index in another namespace.
                self.make_place(&path)?;
                return self.attach_link(ifindex, hook);
            }
            self.remove_link(ifindex, &barrier)?;
            let dropper = sys::load_dropper().map_err(system("loading a program"))?;
            let standing =
                sys::create_link(&dropper, ifindex, hook).map_err(system("attaching a program"))?;
            sys::pin(&standing, &barrier).map_err(system("pinning a link"))?;
            sys::detach_link(&link).map_err(system("ending a link"))?;
        }
        self.make_place(&path)?;
        let link = sys::create_link(program, ifindex, hook).map_err(system("attaching a program"))?;
        sys::pin(&link, &path).map_err(system("pinning a link"))?;
        self.remove_link(ifindex, &barrier)
    }

    /// As [`attach_link`](Self::attach_link): a filter is put into the place of what has its handle, and where that is not
    /// the first one moves behind one that drops everything.
    fn attach_filter(&self, ifindex: u32, hook: Hook) -> Result<(), DataplaneError> {
        let attach = |program: &OwnedFd, handle| {
            clsact::attach(program, ifindex, hook, handle, &self.filter).map_err(clsact_refused)
        };
        let detach = |handle| clsact::detach(ifindex, hook, handle).map_err(system("removing a filter"));
        attach(self.program(hook).0, clsact::HANDLE)?;
        let filters = clsact::filters(ifindex, hook).map_err(system("listing filters"))?;
        if !filters.first().is_some_and(clsact::Filter::in_our_place) {
            let taken = |handle: &u32| filters.iter().any(|filter| filter.handle == *handle);
            let free = (clsact::HANDLE + 1..).find(|handle| !taken(handle)).unwrap_or(u32::MAX);
            let dropper = sys::load_dropper().map_err(system("loading a program"))?;
            attach(&dropper, free)?;
            detach(clsact::HANDLE)?;
            attach(self.program(hook).0, clsact::HANDLE)?;
        }
        for barrier in self.own_filters(ifindex, hook)? {
            if barrier.handle != clsact::HANDLE {
                detach(barrier.handle)?;
            }
        }
        Ok(())
    }

    /// Ends the link of a pin, and removes the pin.
    fn remove_link(&self, ifindex: u32, pin: &Path) -> Result<(), DataplaneError> {
        if let Some((link, info)) = pinned(pin)?
            && info.ifindex == ifindex
        {
            sys::detach_link(&link).map_err(system("ending a link"))?;
            return remove(pin);
        }
        remove_gone(pin)
    }

    /// Takes both programs away from a device.
    pub(crate) fn detach(&self, ifindex: u32) -> Result<(), DataplaneError> {
        for hook in HOOKS {
            if self.tcx {
                self.remove_link(ifindex, &self.pin_of(ifindex, hook))?;
                self.remove_link(ifindex, &self.barrier_of(ifindex, hook))?;
                continue;
            }
            for filter in self.own_filters(ifindex, hook)? {
                clsact::detach(ifindex, hook, filter.handle).map_err(system("removing a filter"))?;
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
        devices.into_iter().try_for_each(|ifindex| self.detach(ifindex))
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

    /// Whether the programs come first at both hooks of a device, by one question a hook; none: that is not enough to know
    /// it. What cannot be asked is not so.
    pub(crate) fn come_first(&self, ifindex: u32) -> Option<bool> {
        let first = |hook: Hook| {
            sys::programs_at(ifindex, hook)
                .is_ok_and(|programs| programs.first() == Some(&self.program(hook).1))
        };
        self.tcx.then(|| HOOKS.into_iter().all(first))
    }

    /// How the programs hang at a device that exists, in the order of [`Hook`]; none where it is not the one that they
    /// were attached to. Each link is opened once: every receipt waits for this.
    pub(crate) fn states(
        &self,
        ifindex: u32,
        xdp: &xdp::Attached,
    ) -> Result<Option<[Attachment; 2]>, DataplaneError> {
        let mut links = [None; 2];
        if self.tcx {
            for (link, hook) in links.iter_mut().zip(HOOKS) {
                *link = pinned(&self.pin_of(ifindex, hook))?.map(|(_, info)| info);
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
        if states[0] == Attachment::First && xdp.is_at(ifindex).map_err(xdp_unknown())? {
            states[0] = Attachment::NotFirst;
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

fn has_xdp(ifindex: u32) -> Result<bool, DataplaneError> {
    xdp::is_attached(ifindex).map_err(xdp_unknown())
}

pub(crate) fn xdp_unknown() -> impl FnOnce(io::Error) -> DataplaneError {
    system("asking for the XDP of a device")
}

/// The pinned link of a path, wherever it leads.
fn pinned(path: &Path) -> Result<Option<(OwnedFd, sys::LinkInfo)>, DataplaneError> {
    match sys::pinned(path) {
        Ok(link) => {
            let info = sys::link_info(&link).map_err(system("asking for a link"))?;
            Ok(Some((link, info)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(system(format!("opening the pinned link {}", path.display()))(error)),
    }
}

/// Whether a path is that of a link of this device.
fn leads_to(path: &Path, ifindex: u32) -> Result<bool, DataplaneError> {
    Ok(pinned(path)?.is_some_and(|(_, info)| info.ifindex == ifindex))
}

/// Removes a pin whose device is gone.
fn remove_gone(path: &Path) -> Result<(), DataplaneError> {
    match pinned(path)? {
        Some((_, info)) if info.ifindex != 0 => Ok(()),
        _ => remove(path),
    }
}

fn remove(path: &Path) -> Result<(), DataplaneError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(system("removing a pin")(error)),
        _ => Ok(()),
    }
}
