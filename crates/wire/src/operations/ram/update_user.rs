//! `UpdateUser`.

use model::ram::{RamCommand, RamOutcome, UserFields};

use super::{
    parameters::{NEW_USER_NAME, USER_NAME, required},
    shown::{one, user_with_update},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "UpdateUser",
    family: "user",
    summary: "Changes the name or other attributes of a RAM user.",
    description: "What is not given stays as it is. A renamed user keeps its number, access keys and policies; policies whose `Resource` has the old name do not follow.",
    methods: Methods::GetOrPost,
    parameters: &[
        USER_NAME,
        NEW_USER_NAME,
        Parameter::optional(
            "NewDisplayName",
            Kind::form(1, 128, Form::DISPLAY_NAME),
            "The name for people.",
            "Alice",
        ),
        Parameter::optional(
            "NewMobilePhone",
            Kind::form(1, 25, Form::MOBILE_PHONE),
            "The phone number.",
            "86-18688880000",
        ),
        Parameter::optional(
            "NewEmail",
            Kind::form(1, 128, Form::EMAIL),
            "The e-mail address.",
            "alice@example.com",
        ),
        Parameter::optional("NewComments", Kind::text(128), "Comments.", "on call for the edge fleet"),
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
        Field::text("User.UpdateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_FORMAT,
        &code::ENTITY_NOT_EXIST_USER,
        &code::ENTITY_EXISTS_USER,
    ],
    ram: Ram::of("ram:UpdateUser", Access::Update, Resource::Named { kind: "user", parameter: "UserName" }),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::UpdateUser {
        name: required(call, "UserName"),
        new_name: call.arguments.boxed("NewUserName"),
        fields: UserFields {
            display_name: call.arguments.boxed("NewDisplayName"),
            mobile_phone: call.arguments.boxed("NewMobilePhone"),
            email: call.arguments.boxed("NewEmail"),
            comments: call.arguments.boxed("NewComments"),
        },
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Ram(RamOutcome::User(changed)) => one("User", user_with_update(changed)),
        _ => Answer::new(),
    }
}
