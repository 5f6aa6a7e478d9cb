//! The operations, one file each; adding one is adding a file and a line in its product's list.

pub(crate) mod delay;
mod ens;
mod filter;
mod page;
mod ram;
pub(crate) mod ravelin;
mod search;
mod sts;

use std::sync::LazyLock;

pub(crate) use self::ravelin::describe_network_interface_drops::read_token as drop_token;
use crate::catalogue::Operation;

/// Every operation, product by product.
pub(crate) static OPERATIONS: LazyLock<Vec<&'static Operation>> =
    LazyLock::new(|| [ens::OPERATIONS, ram::OPERATIONS, sts::OPERATIONS, ravelin::OPERATIONS].concat());
