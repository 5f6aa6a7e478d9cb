//! `ravelin bind` and `ravelin unbind`: which device of which node stands for which network interface.

use std::process::ExitCode;

use anyhow::Context as _;
use wire::catalogue::{self, Operation, Product};

use super::product;
use crate::cli::{BindArguments, UnbindArguments};

/// `ravelin bind`.
///
/// # Errors
/// The server cannot be reached.
pub fn bind(arguments: &BindArguments) -> anyhow::Result<ExitCode> {
    let mut sent = vec![
        ("NetworkInterfaceId".to_owned(), arguments.network_interface.clone()),
        ("NodeId".to_owned(), arguments.node.clone()),
    ];
    sent.extend(arguments.device.clone().map(|device| ("Device".to_owned(), device)));
    sent.extend(arguments.adopt.map(|seconds| ("AdoptSeconds".to_owned(), seconds.to_string())));
    product::call(operation("BindNetworkInterface")?, &arguments.server, &sent, "ravelin bind")
}

/// `ravelin unbind`.
///
/// # Errors
/// The server cannot be reached.
pub fn unbind(arguments: &UnbindArguments) -> anyhow::Result<ExitCode> {
    let sent = [("NetworkInterfaceId".to_owned(), arguments.network_interface.clone())];
    product::call(operation("UnbindNetworkInterface")?, &arguments.server, &sent, "ravelin unbind")
}

fn operation(name: &str) -> anyhow::Result<&'static Operation> {
    catalogue::find(Product::Ravelin, name).with_context(|| format!("this program has no operation {name}"))
}
