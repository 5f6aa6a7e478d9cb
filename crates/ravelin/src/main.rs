//! Ravelin, the one binary: server, client, demo and the operator's tools.

mod cli;
mod client;
mod commands;
mod demo;
mod directory;
mod event_log;
mod first_start;
mod log;
mod manual;
mod operator;
mod output;
mod reference;
mod serve;
mod service_manager;
mod settings;
mod visible;

use std::process::ExitCode;

use clap::{
    CommandFactory, FromArgMatches,
    error::{ContextKind, ContextValue},
};

/// Requests are read on one thread and changes are freed on another: this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One provider for all TLS of the process. It fails only where one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let command = commands::add_products(cli::Cli::command()).subcommand(reference::command());
    let given = commands::expand_numbered(std::env::args_os());
    let matches = command.try_get_matches_from(given).unwrap_or_else(|error| nearest_first(error).exit());
    let result = match matches.subcommand() {
        Some((product, arguments)) if commands::is_product(product) => commands::run(product, arguments),
        Some((reference::COMMAND, arguments)) => reference::run(arguments),
        _ => match cli::Cli::from_arg_matches(&matches) {
            Ok(cli) => run(cli.command),
            Err(error) => error.exit(),
        },
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            output::note(&format!("ravelin: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The most names that are suggested.
const SUGGESTED_MAX: usize = 3;

/// Of the names that somebody may have meant the nearest few, the nearest first.
fn nearest_first(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(meant)) = error.get(ContextKind::InvalidSubcommand).cloned() else {
        return error;
    };
    if let Some(ContextValue::Strings(mut names)) = error.remove(ContextKind::SuggestedSubcommand) {
        names.sort_by_key(|name| settings::near::distance(&meant, name));
        names.truncate(SUGGESTED_MAX);
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(names));
    }
    error
}

fn run(command: cli::Command) -> anyhow::Result<ExitCode> {
    use cli::Command;
    match command {
        Command::Serve(arguments) => serve::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::NodeAuthority(command) => commands::node_authority(&command).map(|()| ExitCode::SUCCESS),
        Command::Account(command) => commands::account(&command).map(|()| ExitCode::SUCCESS),
        Command::Backup { data, file } => commands::backup(&data, &file).map(|()| ExitCode::SUCCESS),
        Command::Restore { file, data } => commands::restore(&file, &data).map(|()| ExitCode::SUCCESS),
        Command::Configure(command) => commands::configure(&command).map(|()| ExitCode::SUCCESS),
        Command::Lab(command) => commands::lab(&command),
        Command::Agent(command) => commands::agent(&command),
        Command::Bind(arguments) => commands::bind(&arguments),
        Command::Unbind(arguments) => commands::unbind(&arguments),
        Command::Preview(command) => commands::preview(&command),
        Command::Explain(arguments) => commands::explain(&arguments),
        Command::Findings(arguments) => commands::findings(&arguments),
        Command::Events(arguments) => commands::events(&arguments),
        Command::Flows(arguments) => commands::flows(&arguments),
        Command::Drops(arguments) => commands::drops(&arguments),
        Command::Completions { shell } => manual::completions(shell).map(|()| ExitCode::SUCCESS),
        Command::Man { directory } => manual::write(&directory).map(|()| ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_operation_is_suggested_first() {
        let command = commands::add_products(cli::Cli::command());
        let error = command.try_get_matches_from(["ravelin", "ens", "DescribeInstance"]).unwrap_err();
        let error = nearest_first(error);
        let Some(ContextValue::Strings(names)) = error.get(ContextKind::SuggestedSubcommand) else {
            panic!("{error}");
        };
        assert_eq!(names[0], "DescribeInstances");
        assert!(names.len() <= SUGGESTED_MAX, "{names:?}");
    }
}
