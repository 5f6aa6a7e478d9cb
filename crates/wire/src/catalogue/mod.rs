//! The operation catalogue: one entry an operation, and everything about it in that entry.
//!
//! Requests are parsed, validated and authorised by it; `ravelin ens <Operation> --help`, the reference pages and the
//! list of error codes are printed from it. It is golden-checked against `catalogue/ens-ops.json` and
//! `catalogue/ram-ops.json`.

mod arguments;
mod conformance;
pub mod error_code;
mod fault;
pub(crate) mod form;
mod kind;
mod operation;
mod ram_fault;
mod refusal;
pub mod release_notes;
mod resource;
mod unanswered;
mod unasked;
mod validate;

pub(crate) use self::unasked::{ERRORS as ERRORS_OF_ASKING, fault_of_asking};
pub use self::{
    arguments::{Argument, Arguments},
    conformance::conforms,
    error_code::ErrorCode,
    fault::{Denied, Fault},
    form::Form,
    kind::{Encoding, Kind, Parameter},
    operation::{
        Access, Answer, Answering, Call, Field, Fleet, Handler, Inquiry, Item, Methods, Operation, Product,
        Ram, Resource, Scalar, done, value_at,
    },
    refusal::fault_of,
    validate::validate,
};

use std::{collections::HashMap, sync::LazyLock};

use crate::operations::OPERATIONS;

/// The operation of this product and version with this name. Names are exact.
pub fn find(product: Product, name: &str) -> Option<&'static Operation> {
    static BY_NAME: LazyLock<HashMap<(Product, &'static str), &'static Operation>> =
        LazyLock::new(|| all().map(|operation| ((operation.product, operation.name), operation)).collect());
    BY_NAME.get(&(product, name)).copied()
}

/// Every operation, product by product, in the order of the catalogue.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().copied()
}

/// What an operation's file needs.
pub(crate) mod prelude {
    pub(crate) use model::{
        Command, Outcome, State,
        command::{InstanceCommand, InterfaceCommand, NetworkCommand, SecurityGroupCommand, TagCommand},
        node::NodeCommand,
    };
    pub(crate) use serde_json::{Map, Value, json};

    pub(crate) use super::{
        Access, Answer, Arguments, Call, Encoding, Fault, Field, Form, Handler, Inquiry, Item, Kind, Methods,
        Operation, Parameter, Product, Ram, Resource, done, error_code as code,
    };
}
