//! `GetCallerIdentity`.

use crate::catalogue::prelude::*;
use model::Actor;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Sts,
    name: "GetCallerIdentity",
    family: "identity",
    summary: "Tells who signs the call.",
    description: "Needs no permission: no policy refuses it. `PrincipalId` is the number of the user, or of the account for its root.",
    methods: Methods::GetOrPost,
    parameters: &[],
    exactly_one: &[],
    answer: &[
        Field::text("IdentityType", "RAMUser"),
        Field::text("AccountId", "1000000000000001"),
        Field::text("UserId", "200000000000000001"),
        Field::text("PrincipalId", "200000000000000001"),
        Field::text("Arn", "acs:ram::1000000000000001:user/alice"),
    ],
    errors: &[],
    ram: Ram::of("sts:GetCallerIdentity", Access::None, Resource::All),
    handler: Handler::Identity(identity),
};

fn identity(call: &Call<'_>, access: control::Access<'_>) -> Result<Answer, Fault> {
    let account = call.account;
    let (kind, id, name) = match call.actor {
        Actor::User(_, id) => {
            let user = access.user(id).filter(|user| user.account == account);
            let user = user.ok_or_else(|| Fault::of(&code::INVALID_ACCESS_KEY_ID_NOT_FOUND))?;
            ("RAMUser", id.to_string(), format!("user/{}", user.name))
        }
        _ => ("Account", account.to_string(), "root".to_owned()),
    };
    let mut answer = Answer::new();
    answer.insert("IdentityType".into(), json!(kind));
    answer.insert("AccountId".into(), json!(account.to_string()));
    answer.insert("UserId".into(), json!(id));
    answer.insert("PrincipalId".into(), json!(id));
    answer.insert("Arn".into(), json!(format!("acs:ram::{account}:{name}")));
    Ok(answer)
}
