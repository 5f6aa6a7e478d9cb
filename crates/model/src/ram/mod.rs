//! Resource access management: who may do what. Users, access keys, policies and their documents.

mod command;
pub mod document;
mod entities;

pub use self::{
    command::{KeyPair, RamCommand, RamOutcome, UserFields},
    entities::{AccessKey, Attachment, CustomPolicy, PolicyName, PolicyVersion, Secret, User, UserId},
};
