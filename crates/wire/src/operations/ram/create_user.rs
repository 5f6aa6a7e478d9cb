//! `CreateUser`.

use model::ram::{RamCommand, RamOutcome, UserFields};

use super::{
    parameters::{USER_NAME, required},
    shown::{one, user},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "CreateUser",
    family: "user",
    summary: "Creates a RAM user.",
    description: "A new user may do nothing: attach policies to it, and create an access key for it. Two names that differ in capital letters alone count as one.",
    methods: Methods::GetOrPost,
    parameters: &[
        USER_NAME,
        Parameter::optional(
            "DisplayName",
            Kind::form(1, 128, Form::DISPLAY_NAME),
            "The name for people.",
            "Alice",
        ),
        Parameter::optional(
            "MobilePhone",
            Kind::form(1, 25, Form::MOBILE_PHONE),
            "The phone number.",
            "86-18688880000",
        ),
        Parameter::optional(
            "Email",
            Kind::form(1, 128, Form::EMAIL),
            "The e-mail address.",
            "alice@example.com",
        ),
        Parameter::optional("Comments", Kind::text(128), "Comments.", "on call for the edge fleet"),
    ],
    exactly_one: &[],
    answer: &[
        Field::text("User.UserId", "200000000000000001"),
        Field::text("User.UserName", "alice"),
        Field::text("User.DisplayName", "Alice"),
        Field::text("User.MobilePhone", "86-18688880000"),
        Field::text("User.Email", "alice@example.com"),
        Field::text("User.Comments", "on call for the edge fleet"),
        Field::text("User.CreateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_FORMAT,
        &code::ENTITY_EXISTS_USER,
        &code::LIMIT_EXCEEDED_USER,
    ],
    ram: Ram::of("ram:CreateUser", Access::Create, Resource::Every { kind: "user" }),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::CreateUser {
        name: required(call, "UserName"),
        fields: UserFields {
            display_name: call.arguments.boxed("DisplayName"),
            mobile_phone: call.arguments.boxed("MobilePhone"),
            email: call.arguments.boxed("Email"),
            comments: call.arguments.boxed("Comments"),
        },
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Ram(RamOutcome::User(made)) => one("User", user(made)),
        _ => Answer::new(),
    }
}
