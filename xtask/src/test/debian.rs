//! What the tests need from the system, and installing what is missing of it where that was asked for.

use std::{
    cell::Cell,
    process::{Command, Stdio},
};

use anyhow::Context as _;

use crate::{
    console,
    process::{self, works},
};

/// Something that tests need, and the Debian package that has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// The package.
    pub(super) package: &'static str,
    /// Tells whether it is there: a program and what to ask it.
    probe: (&'static str, &'static [&'static str]),
}

/// The oldest Python that the pinned packages are for.
const PYTHON_IS_RECENT: &str = "import sys; sys.exit(sys.version_info < (3, 10))";

/// Python, recent enough.
pub(super) const PYTHON: Need = Need { package: "python3", probe: ("python3", &["-c", PYTHON_IS_RECENT]) };
/// Its environments.
pub(super) const PYTHON_VENV: Need =
    Need { package: "python3-venv", probe: ("python3", &["-c", "import venv, ensurepip"]) };
/// Node.
pub(super) const NODE: Need = Need { package: "nodejs", probe: ("node", &["--version"]) };
/// Its package manager.
pub(super) const NPM: Need = Need { package: "npm", probe: ("npm", &["--version"]) };
/// The browser that shows the pages to the tests.
pub(super) const CHROMIUM: Need = Need { package: "chromium", probe: ("/usr/bin/chromium", &["--version"]) };
/// Letters for it to draw: it brings none, and only recommends them.
pub(super) const FONTS: Need = Need {
    package: "fonts-dejavu-core",
    probe: ("test", &["-e", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"]),
};
/// What calls as the explorer's copies do.
pub(super) const CURL: Need = Need { package: "curl", probe: ("curl", &["--version"]) };
/// What signs as they do.
pub(super) const OPENSSL: Need = Need { package: "openssl", probe: ("openssl", &["version"]) };
/// The compiler of the kernel object.
pub(super) const CLANG: Need = Need { package: "clang-14", probe: ("clang-14", &["--version"]) };
/// What strips it.
pub(super) const LLVM: Need = Need { package: "llvm-14", probe: ("llvm-strip-14", &["--version"]) };
/// The headers of its helpers.
pub(super) const LIBBPF: Need =
    Need { package: "libbpf-dev", probe: ("test", &["-e", "/usr/include/bpf/bpf_helpers.h"]) };
/// The headers of the kernel's interface.
pub(super) const KERNEL_HEADERS: Need =
    Need { package: "linux-libc-dev", probe: ("test", &["-e", "/usr/include/linux/bpf.h"]) };
/// What asks the verifier.
pub(super) const BPFTOOL: Need = Need { package: "bpftool", probe: ("bpftool", &["version"]) };
/// What packages are made with.
pub(super) const DPKG: Need = Need { package: "dpkg", probe: ("dpkg-deb", &["--version"]) };
/// What says which libraries a program needs, and strips it.
pub(super) const BINUTILS: Need = Need { package: "binutils", probe: ("objdump", &["--version"]) };
/// What documentation is compressed with.
pub(super) const GZIP: Need = Need { package: "gzip", probe: ("gzip", &["--version"]) };

/// Installs what is missing, or says what it is.
pub(super) struct Installer {
    install: bool,
    updated: Cell<bool>,
}

impl Installer {
    /// One that may install, or one that may not.
    pub(super) fn new(install: bool) -> Self {
        Self { install, updated: Cell::new(false) }
    }

    /// Makes sure that these are there. Gives what is missing, for people, where they are not.
    ///
    /// # Errors
    /// Installing was asked for and did not work.
    pub(super) fn provide(&self, needs: &[Need]) -> anyhow::Result<Option<String>> {
        let missing: Vec<&str> =
            needs.iter().filter(|need| !works(need.probe.0, need.probe.1)).map(|need| need.package).collect();
        if missing.is_empty() {
            return Ok(None);
        }
        let named = missing.join(" ");
        if !self.install {
            return Ok(Some(format!("missing: {named}; --install installs it")));
        }
        if !works("apt-get", &["--version"]) {
            return Ok(Some(format!("missing: {named}; this is not a Debian, so install it yourself")));
        }
        console::say(&format!("      installing {named}"));
        if !self.updated.replace(true) {
            apt_get(&["update"])?;
        }
        apt_get(&[&["install", "--yes", "--no-install-recommends"], missing.as_slice()].concat())?;
        let still = needs.iter().find(|need| !works(need.probe.0, need.probe.1));
        Ok(still.map(|need| format!("{} is installed, and is not what the tests need", need.package)))
    }
}

/// Runs it as root: as this user, or through `sudo` where that asks for no password.
fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    let is_root = process::ask("id", &["-u"]).as_deref() == Some("0");
    let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
    if !is_root {
        command.args(["--non-interactive", "apt-get"]);
    }
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    let finished = process::show(command)?;
    finished.success.then_some(()).with_context(|| format!("apt-get {} failed", arguments.join(" ")))
}
