//! What the kernel must have, and what is said where it lacks something.

use std::{io, path::Path};

use super::{
    host::{self, system},
    options::Attach,
    sys::{self, MAP_TYPE_ARRAY, MAP_TYPE_RINGBUF, MMAPABLE, Map, MapShape},
};
use crate::error::DataplaneError;

/// `BPF_FUNC_timer_init` and `BPF_FUNC_loop` of linux/bpf.h.
const FUNC_TIMER_INIT: u32 = 169;
const FUNC_LOOP: u32 = 181;

/// What a kernel has or lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    SystemCall,
    Timers,
    Loops,
    RingBuffers,
    MappedArrays,
    Membarrier,
    TypeInformation,
    Tcx,
    Clsact,
}

impl Feature {
    /// That it is lacking.
    pub(crate) fn lacks(self) -> DataplaneError {
        const BPF: &str = "CONFIG_BPF_SYSCALL";
        // Everything but tcx is there since the helper bpf_loop is.
        const LOOPS: &str = "5.17";
        let (feature, release, option) = match self {
            Self::SystemCall => ("bpf system call", LOOPS, BPF),
            Self::Timers => ("BPF timers", LOOPS, BPF),
            Self::Loops => ("bounded loops of BPF programs", LOOPS, BPF),
            Self::RingBuffers => ("BPF ring buffers", LOOPS, BPF),
            Self::MappedArrays => ("memory-mapped BPF arrays", LOOPS, BPF),
            Self::Membarrier => {
                ("membarrier of all CPUs (CPUs with nohz_full have none)", LOOPS, "CONFIG_MEMBARRIER")
            }
            Self::TypeInformation => ("type information", LOOPS, "CONFIG_DEBUG_INFO_BTF"),
            Self::Tcx => ("tcx", "6.6", "CONFIG_NET_XGRESS"),
            Self::Clsact => (
                "clsact queueing discipline or BPF classifier",
                LOOPS,
                "CONFIG_NET_CLS_ACT, CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF",
            ),
        };
        DataplaneError::KernelLacks { feature, release, option }
    }
}

/// What a kernel is asked, in tests a made-up one.
pub(crate) trait Kernel {
    /// Loads a program of the kind that is attached.
    fn load_program(&self) -> io::Result<()>;
    /// Whether there is a helper function, by its number in linux/bpf.h.
    fn knows_helper(&self, number: u32) -> io::Result<bool>;
    /// Makes a map.
    fn make_map(&self, shape: MapShape) -> io::Result<()>;
    /// Waits for packets, as every change does.
    fn wait_for_readers(&self) -> io::Result<()>;
    /// Whether it tells its types.
    fn has_type_information(&self) -> bool;
}

/// The kernel that runs.
pub(crate) struct Running;

impl Kernel for Running {
    fn load_program(&self) -> io::Result<()> {
        sys::load_dropper().map(drop)
    }

    fn knows_helper(&self, number: u32) -> io::Result<bool> {
        sys::knows_helper(number)
    }

    fn make_map(&self, shape: MapShape) -> io::Result<()> {
        Map::create(shape, "probe").map(drop)
    }

    fn wait_for_readers(&self) -> io::Result<()> {
        host::wait_for_readers()
    }

    fn has_type_information(&self) -> bool {
        Path::new("/sys/kernel/btf/vmlinux").exists()
    }
}

/// Whether a kernel has what every dataplane needs, and whether this process may use it.
pub(crate) fn probe(kernel: &impl Kernel) -> Result<(), DataplaneError> {
    // First of all: some kernels let everybody load programs of other kinds, but without the helpers.
    kernel.load_program().map_err(|error| match error.raw_os_error() {
        Some(libc::ENOSYS) => Feature::SystemCall.lacks(),
        _ => system("loading a program")(error),
    })?;
    for (helper, feature) in [(FUNC_TIMER_INIT, Feature::Timers), (FUNC_LOOP, Feature::Loops)] {
        if !kernel.knows_helper(helper).map_err(system("loading a program"))? {
            return Err(feature.lacks());
        }
    }
    let ring = MapShape { kind: MAP_TYPE_RINGBUF, key_size: 0, value_size: 0, entries: 4096, flags: 0 };
    let array = MapShape { kind: MAP_TYPE_ARRAY, key_size: 4, value_size: 8, entries: 1, flags: MMAPABLE };
    for (shape, feature) in [(ring, Feature::RingBuffers), (array, Feature::MappedArrays)] {
        kernel.make_map(shape).map_err(|error| match error.raw_os_error() {
            Some(libc::EINVAL) => feature.lacks(),
            _ => system("making a map")(error),
        })?;
    }
    kernel.wait_for_readers().map_err(|error| match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL) => Feature::Membarrier.lacks(),
        _ => system("membarrier")(error),
    })?;
    if kernel.has_type_information() { Ok(()) } else { Err(Feature::TypeInformation.lacks()) }
}

/// How programs are attached: as before, by the ledger's number of it, or as is wanted and possible.
pub(crate) fn choose_attach(wanted: Attach, before: u64, tcx: bool) -> Result<Attach, DataplaneError> {
    let before = [Attach::Tcx, Attach::Clsact].into_iter().find(|attach| *attach as u64 == before);
    let chosen = match (before, wanted) {
        (Some(before), Attach::Best) => before,
        (Some(before), wanted) if before != wanted => {
            let (found, wanted) = (before as u64, wanted as u64);
            let map = "ledger".to_owned();
            return Err(DataplaneError::PinMismatch { map, property: "attachment", found, wanted });
        }
        (_, Attach::Best) if tcx => Attach::Tcx,
        (_, Attach::Best) => Attach::Clsact,
        (_, wanted) => wanted,
    };
    if chosen == Attach::Tcx && !tcx { Err(Feature::Tcx.lacks()) } else { Ok(chosen) }
}

/// Why a filter cannot be attached.
pub(crate) fn clsact_refused(error: io::Error) -> DataplaneError {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::EOPNOTSUPP) => Feature::Clsact.lacks(),
        _ => system("attaching a filter")(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that lacks one thing, and says so as Linux does.
    struct Lacking(Feature);

    impl Lacking {
        fn answer(&self, feature: Feature, error: i32) -> io::Result<()> {
            if self.0 == feature { Err(io::Error::from_raw_os_error(error)) } else { Ok(()) }
        }
    }

    impl Kernel for Lacking {
        fn load_program(&self) -> io::Result<()> {
            self.answer(Feature::SystemCall, libc::ENOSYS)
        }

        fn knows_helper(&self, number: u32) -> io::Result<bool> {
            Ok(self.0 != if number == FUNC_TIMER_INIT { Feature::Timers } else { Feature::Loops })
        }

        fn make_map(&self, shape: MapShape) -> io::Result<()> {
            let kind = shape.kind == MAP_TYPE_RINGBUF;
            self.answer(if kind { Feature::RingBuffers } else { Feature::MappedArrays }, libc::EINVAL)
        }

        fn wait_for_readers(&self) -> io::Result<()> {
            self.answer(Feature::Membarrier, libc::EINVAL)
        }

        fn has_type_information(&self) -> bool {
            self.0 != Feature::TypeInformation
        }
    }

    #[test]
    fn what_a_kernel_lacks_is_named() {
        for (feature, name, option) in [
            (Feature::SystemCall, "bpf system call", "CONFIG_BPF_SYSCALL"),
            (Feature::Timers, "BPF timers", "CONFIG_BPF_SYSCALL"),
            (Feature::Loops, "bounded loops", "CONFIG_BPF_SYSCALL"),
            (Feature::RingBuffers, "BPF ring buffers", "CONFIG_BPF_SYSCALL"),
            (Feature::MappedArrays, "memory-mapped BPF arrays", "CONFIG_BPF_SYSCALL"),
            (Feature::Membarrier, "membarrier", "CONFIG_MEMBARRIER"),
            (Feature::TypeInformation, "type information", "CONFIG_DEBUG_INFO_BTF"),
        ] {
            let said = probe(&Lacking(feature)).unwrap_err().to_string();
            assert!(said.contains(name) && said.contains(option) && said.contains("5.17"), "{said}");
        }
    }

    #[test]
    fn a_kernel_that_has_everything_every_dataplane_needs_is_taken() {
        for feature in [Feature::Tcx, Feature::Clsact] {
            assert!(probe(&Lacking(feature)).is_ok());
        }
    }

    #[test]
    fn who_may_not_load_programs_is_told_so_and_not_that_the_kernel_lacks_anything() {
        struct Strict;
        impl Kernel for Strict {
            fn load_program(&self) -> io::Result<()> {
                Err(io::Error::from_raw_os_error(libc::EPERM))
            }
            fn knows_helper(&self, _: u32) -> io::Result<bool> {
                Ok(false)
            }
            fn make_map(&self, _: MapShape) -> io::Result<()> {
                Ok(())
            }
            fn wait_for_readers(&self) -> io::Result<()> {
                Ok(())
            }
            fn has_type_information(&self) -> bool {
                true
            }
        }
        assert!(matches!(probe(&Strict), Err(DataplaneError::NotPermitted)));
    }

    #[test]
    fn programs_are_attached_as_before_or_as_the_kernel_can() {
        use Attach::{Best, Clsact, Tcx};
        for (wanted, before, tcx, expected) in [
            (Best, 0, true, Tcx),
            (Best, 0, false, Clsact),
            (Best, Clsact as u64, true, Clsact),
            (Clsact, 0, true, Clsact),
            (Tcx, Tcx as u64, true, Tcx),
        ] {
            assert_eq!(choose_attach(wanted, before, tcx).unwrap(), expected);
        }
        for (wanted, before) in [(Tcx, 0), (Best, Tcx as u64)] {
            let said = choose_attach(wanted, before, false).unwrap_err().to_string();
            assert!(["no tcx", "6.6", "CONFIG_NET_XGRESS"].iter().all(|part| said.contains(part)), "{said}");
        }
        assert!(matches!(
            choose_attach(Clsact, Tcx as u64, true),
            Err(DataplaneError::PinMismatch { property: "attachment", .. })
        ));
    }

    #[test]
    fn a_kernel_without_clsact_is_refused_by_name() {
        for error in [libc::ENOENT, libc::EOPNOTSUPP] {
            let said = clsact_refused(io::Error::from_raw_os_error(error)).to_string();
            assert!(said.contains("clsact") && said.contains("CONFIG_NET_CLS_BPF"), "{said}");
        }
    }
}
