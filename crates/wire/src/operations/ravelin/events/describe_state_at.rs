//! `DescribeStateAt`.

use control::{Control, past::AsOf};
use model::EntityKey;

use super::{
    super::{moment, who},
    entity,
};
use crate::catalogue::prelude::*;

pub(in super::super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DescribeStateAt",
    family: "activity",
    summary: "Shows a security group, an instance, a network interface, a network or a vSwitch as it was at a moment.",
    description: "What happened since is taken back, by the history, which goes back as far as the settings `history.generations_max` and `history.bytes_max` let it. `State` is JSON text, as in ListEvents; of a security group there are its members too, the first 1,000. `MadeBy` is the change that made it what it was, where history goes back so far.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "ResourceId",
            Kind::Id,
            "The security group, instance, network interface, network or vSwitch.",
            "sg-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        moment::AS_OF,
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("Generation", "42"),
        Field::text("ResourceType", "SecurityGroup"),
        Field::text("ResourceId", "sg-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("State", r#"{"Description":"","Permissions":[],"SecurityGroupName":"web"}"#),
        Field::integer("MemberCount", "1"),
        Field::text("NetworkInterfaceIds.NetworkInterfaceId[]", "eni-5f6533jbifugr5fo2j1wabcde"),
        Field::integer("MadeBy.Generation", "40"),
        Field::text("MadeBy.Time", "2026-11-22T03:04:05Z"),
        Field::text("MadeBy.OperationName", "CreateSecurityGroup"),
        Field::text("MadeBy.ActorType", "User"),
        Field::text("MadeBy.ActorName", "alice"),
        Field::text("MadeBy.ActorId", "217348422547863003"),
        Field::text("MadeBy.RequestId", "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E"),
        Field::text("MadeBy.SourceIpAddress", "192.0.2.17"),
    ],
    errors: &[&code::RESOURCE_NOT_FOUND, &code::AS_OF_BEYOND_HISTORY, &code::AS_OF_NOT_YET],
    ram: Ram::all("ravelin:DescribeStateAt", Access::Get),
    handler: Handler::Survey(|call, control| Box::pin(describe(call, control))),
};

/// The newest generation.
async fn newest(control: &Control) -> Result<u64, Fault> {
    let read = control.read(|_| ()).await;
    read.map(|read| read.generation).map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))
}

async fn describe(call: &Call<'_>, control: &Control) -> Result<Answer, Fault> {
    let not_found = || Fault::of(&code::RESOURCE_NOT_FOUND);
    let as_of = match moment::as_of(call.arguments) {
        Some(as_of) => as_of,
        None => AsOf::Generation(newest(control).await?),
    };
    let key = entity::keys(call.arguments.required_text("ResourceId")).into_iter().next();
    let kinds = |key: &EntityKey| {
        matches!(
            key,
            EntityKey::SecurityGroup(_)
                | EntityKey::Instance(_)
                | EntityKey::Interface(_)
                | EntityKey::Network(_)
                | EntityKey::VSwitch(_)
        )
    };
    let key = key.filter(kinds).ok_or_else(not_found)?;
    let found = control.thing_at(key.clone(), as_of).await.map_err(|error| moment::fault(&error))?;
    let own = found.entity.filter(|own| own.account() == Some(call.account));
    let own = own.ok_or_else(|| moment::not_found(&code::RESOURCE_NOT_FOUND, call.arguments))?;
    let (kind, id) = entity::name(&key);
    let mut answer = Answer::new();
    let mut put = |name: &str, value: Value| answer.insert(name.into(), value);
    put("Generation", json!(found.generation));
    put("ResourceType", json!(kind));
    put("ResourceId", json!(id));
    put("State", json!(entity::shown(&own).to_string()));
    if matches!(key, EntityKey::SecurityGroup(_)) {
        let members: Vec<String> = found.members.iter().map(ToString::to_string).collect();
        put("MemberCount", json!(found.member_count));
        put("NetworkInterfaceIds", json!({ "NetworkInterfaceId": members }));
    }
    if let Some(event) = &found.made_by {
        let mut made_by = Answer::new();
        who::put(&mut made_by, event);
        put("MadeBy", Value::Object(made_by));
    }
    Ok(answer)
}
