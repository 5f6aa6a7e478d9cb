//! The program that is packaged: its version, for which machines it is, and what it needs of the system.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use super::must;

/// The program.
#[derive(Debug)]
pub(crate) struct Program {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its version, as Debian writes it.
    pub(crate) version: String,
    /// For which machines it is, as Debian calls them.
    pub(crate) architecture: &'static str,
    /// The same, as the compiler calls them.
    pub(crate) target: &'static str,
    /// The packages that have the libraries that it is linked to, with the oldest version that has what it calls.
    pub(crate) dependencies: Vec<String>,
}

impl Program {
    /// Looks at a program.
    ///
    /// # Errors
    /// It is not there, is no program of ours for this machine, or needs a library that no known package has.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let path = path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?;
        let mut ask = Command::new(&path);
        ask.arg("--version");
        let said = String::from_utf8_lossy(&must(ask, &path.display().to_string())?).into_owned();
        let version = said.trim().strip_prefix("ravelin ");
        let version =
            version.with_context(|| format!("{} is not ravelin: it says {said:?}", path.display()))?;
        let mut dump = Command::new("objdump");
        dump.arg("-p").arg(&path);
        let headers = String::from_utf8_lossy(&must(dump, "objdump")?).into_owned();
        let (architecture, target) = machine(&path)?;
        Ok(Self {
            version: debian_version(version),
            architecture,
            target,
            dependencies: dependencies(&headers)?,
            path,
        })
    }
}

/// A version as Debian orders it: `1.0.0-rc.1` comes before `1.0.0`.
fn debian_version(version: &str) -> String {
    version.replacen('-', "~", 1).replace('-', ".")
}

/// For which machines a program is, by the header of its file (elf(5)).
fn machine(path: &Path) -> anyhow::Result<(&'static str, &'static str)> {
    let mut header = [0; 20];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.with_context(|| format!("cannot read {}", path.display()))?;
    match (header.starts_with(b"\x7fELF\x02\x01"), header[18]) {
        (true, 62) => Ok(("amd64", "x86_64-unknown-linux-gnu")),
        (true, 183) => Ok(("arm64", "aarch64-unknown-linux-gnu")),
        _ => bail!("{} is no 64-bit program for x86 or ARM", path.display()),
    }
}

/// Which package has a library, by the name that programs ask for.
fn package_of(library: &str) -> Option<&'static str> {
    match library {
        "libc.so.6" | "libm.so.6" | "libdl.so.2" | "libpthread.so.0" | "librt.so.1" => Some("libc6"),
        "libgcc_s.so.1" => Some("libgcc-s1"),
        loader if loader.starts_with("ld-linux") => Some("libc6"),
        _ => None,
    }
}

/// What a program needs, by what `objdump -p` says: which libraries, and in which versions their symbols are asked for.
fn dependencies(headers: &str) -> anyhow::Result<Vec<String>> {
    let mut packages: BTreeMap<&'static str, Vec<u32>> = BTreeMap::new();
    let mut package = "";
    let known = |library: &str| {
        package_of(library).with_context(|| {
            format!(
                "the program needs {library}, and which package of Debian has that is not known: name it in xtask"
            )
        })
    };
    for line in headers.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["NEEDED", library] => drop(packages.entry(known(library)?).or_default()),
            ["required", "from", library] => package = known(library.trim_end_matches(':'))?,
            // A hash, flags, a number, and the version; a weak one (flag 2) may be missing.
            [_, flags, _, version] if flags.starts_with("0x") && *flags != "0x02" => {
                let newest = packages.entry(package).or_default();
                if let Some(version) = symbol_version(version) {
                    *newest = newest.clone().max(version);
                }
            }
            _ => {}
        }
    }
    let written = |(package, version): (&str, Vec<u32>)| {
        let version: Vec<String> = version.iter().map(u32::to_string).collect();
        if version.is_empty() { package.to_owned() } else { format!("{package} (>= {})", version.join(".")) }
    };
    Ok(packages.into_iter().map(written).collect())
}

/// The numbers of a version such as `GLIBC_2.34` or `GCC_4.2.0`.
fn symbol_version(text: &str) -> Option<Vec<u32>> {
    let (_, numbers) = text.rsplit_once('_')?;
    let numbers: Result<Vec<u32>, _> = numbers.split('.').map(str::parse).collect();
    numbers.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_symbol_decides_which_version_is_needed() {
        let headers = "  NEEDED               libgcc_s.so.1\n  NEEDED               libc.so.6\n\nVersion References:\n  \
                       required from libgcc_s.so.1:\n    0x0b792650 0x00 04 GCC_3.0\n    0x09276060 0x00 27 GCC_4.2.0\n  \
                       required from libc.so.6:\n    0x06969194 0x00 05 GLIBC_2.14\n    0x0d696917 0x00 15 GLIBC_2.7\n    \
                       0x069691b4 0x02 02 GLIBC_2.99\n";
        assert_eq!(dependencies(headers).unwrap(), ["libc6 (>= 2.14)", "libgcc-s1 (>= 4.2.0)"]);
    }

    #[test]
    fn a_library_of_an_unknown_package_is_named() {
        let said = dependencies("  NEEDED   libssl.so.3\n").unwrap_err().to_string();
        assert!(said.contains("libssl.so.3"), "{said}");
    }

    #[test]
    fn a_release_candidate_comes_before_its_release() {
        assert_eq!(debian_version("1.0.0-rc-1.2"), "1.0.0~rc.1.2");
        assert_eq!(debian_version("1.0.0"), "1.0.0");
    }
}
