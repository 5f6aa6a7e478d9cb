//! The steps that Cargo does.

use std::{path::PathBuf, process::Command};

use super::{
    World,
    counts::Counts,
    step::{Outcome, Step},
};
use crate::{
    console,
    process::{self, Cargo},
    repository::Repository,
};

/// The steps, in order: what fails fast comes first.
pub(super) const STEPS: &[Step] = &[
    Step { name: "format", summary: "the code is formatted as rustfmt.toml says", run: format },
    Step { name: "lints", summary: "clippy finds nothing, in any target", run: lints },
    Step { name: "tests", summary: "the tests of the crates, and the style checks of the tree", run: tests },
    Step { name: "examples", summary: "the examples in the documentation", run: examples },
    Step { name: "reference", summary: "docs/reference is what the catalogue says", run: reference },
];

fn format(world: &World<'_>) -> anyhow::Result<Outcome> {
    if !Cargo::has("fmt") {
        return Ok(Outcome::skipped("rustfmt is not installed: `rustup component add rustfmt`"));
    }
    cargo(world, &["fmt", "--all", "--check"])
}

fn lints(world: &World<'_>) -> anyhow::Result<Outcome> {
    if !Cargo::has("clippy") {
        return Ok(Outcome::skipped("clippy is not installed: `rustup component add clippy`"));
    }
    cargo(world, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

fn cargo(world: &World<'_>, arguments: &[&str]) -> anyhow::Result<Outcome> {
    let finished = process::show(Cargo::new(world.repository).arguments(arguments).command())?;
    Ok(Outcome::of(finished.success))
}

fn tests(world: &World<'_>) -> anyhow::Result<Outcome> {
    let cargo = Cargo::new(world.repository);
    if Cargo::has("nextest") {
        let arguments = ["nextest", "run", "--workspace", "--locked", "--no-fail-fast"];
        let finished = process::show(cargo.arguments(&arguments).command())?;
        return Ok(Outcome::of_tests(finished.success, Counts::of_nextest(&plain(&finished.text))));
    }
    console::say("      (cargo-nextest is not installed: cargo test does the same, one program at a time)");
    let arguments =
        ["test", "--workspace", "--locked", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"];
    let finished = process::show(cargo.arguments(&arguments).command())?;
    Ok(Outcome::of_tests(finished.success, Counts::of_cargo_test(&plain(&finished.text))))
}

fn examples(world: &World<'_>) -> anyhow::Result<Outcome> {
    let arguments = ["test", "--workspace", "--locked", "--no-fail-fast", "--doc"];
    let finished = process::show(Cargo::new(world.repository).arguments(&arguments).command())?;
    Ok(Outcome::of_tests(finished.success, Counts::of_cargo_test(&plain(&finished.text))))
}

fn reference(world: &World<'_>) -> anyhow::Result<Outcome> {
    if !world.repository.path("docs/reference").is_dir() {
        return Ok(Outcome::failed(
            "docs/reference is not there: `cargo run -p ravelin -- reference docs/reference`",
        ));
    }
    let Some(program) = program(world.repository)? else {
        return Ok(Outcome::failed("the program does not compile"));
    };
    let mut check = Command::new(program);
    check.args(["reference", "--check"]).arg(world.repository.path("docs/reference"));
    Ok(Outcome::of(process::show(check)?.success))
}

/// Builds the program and says where it is; None where it does not compile.
///
/// It is the one that the tests have built: to build it alone would be to build what it stands on once more, as the
/// workspace's tests use more features of it.
pub(super) fn program(repository: &Repository) -> anyhow::Result<Option<PathBuf>> {
    let cargo = Cargo::new(repository).arguments(&["test", "--no-run", "--quiet", "--workspace", "--locked"]);
    let built = process::show(cargo.command())?.success;
    Ok(built.then(|| repository.built("debug/ravelin")))
}

/// The text without colours.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    #[test]
    fn colours_are_dropped() {
        assert_eq!(super::plain("\u{1b}[1m\u{1b}[32mSummary\u{1b}[0m [ 1s]"), "Summary [ 1s]");
        assert_eq!(super::plain("plain"), "plain");
    }
}
