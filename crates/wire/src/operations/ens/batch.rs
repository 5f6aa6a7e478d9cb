//! The plural forms of the operations on instances: the same for each, and each for itself.

use std::collections::BTreeSet;

use model::InstanceId;

use crate::catalogue::prelude::*;

/// The instances.
pub(super) const INSTANCE_IDS: Parameter = Parameter::optional(
    "InstanceIds",
    Kind::List { of: &Kind::Id, max: 100, encoding: Encoding::Comma },
    "The instances; needed, although clients take it for optional. One that is named twice counts once.",
    "i-5vn4n3y4laeb2ii9zxxltlvzi,i-5iqczfxps7csjrxeca07dlkzq",
);

/// What the answer says of each instance.
pub(super) const ANSWER: &[Field] = &[
    Field::integer("InstanceResponses[].Code", "200"),
    Field::text("InstanceResponses[].InstanceId", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
    Field::text("InstanceResponses[].Message", "success"),
];

/// What people have to know of the answer.
macro_rules! description {
    ($first:literal) => {
        concat!(
            $first,
            " Each instance is dealt with for itself: the answer is 200 even where nothing could be done. In `InstanceResponses`, `Code` is 200 for an instance that is on its way, and otherwise the HTTP status that the operation for one instance would have answered; `Message` then begins with the error code."
        )
    };
}
pub(super) use description;

/// The commands, one an instance.
pub(super) fn each(
    call: &Call<'_>,
    command: impl Fn(InstanceId) -> InstanceCommand,
) -> Result<Vec<Item>, Fault> {
    let arguments = call.arguments;
    let (Some(texts), Some(ids)) = (arguments.texts("InstanceIds"), arguments.ids("InstanceIds")) else {
        return Err(Fault::missing());
    };
    let mut named = BTreeSet::new();
    let items = texts.into_iter().zip(ids).filter(|(text, _)| named.insert(*text));
    Ok(items
        .map(|(text, id)| Item { id: text.into(), command: Ok(Command::Instance(command(id))) })
        .collect())
}

/// The answer.
pub(super) fn answer(results: &[(String, Option<Fault>)]) -> Answer {
    let response = |(id, fault): &(String, Option<Fault>)| match fault {
        None => json!({ "InstanceId": id, "Code": 200, "Message": "success" }),
        Some(fault) => json!({
            "InstanceId": id,
            "Code": fault.status,
            "Message": format!("{}: {}", fault.code, fault.message),
        }),
    };
    let mut answer = Answer::new();
    answer.insert("InstanceResponses".into(), results.iter().map(response).collect());
    answer
}

#[cfg(test)]
mod tests {
    use model::instance::InstanceStatus as S;

    use super::*;
    use crate::operations::ens::testing::World;

    #[test]
    fn each_instance_is_dealt_with_for_itself() {
        let mut world = World::new();
        let (running, stopped) = (world.instance(&[]), world.instance(&[]));
        world.call("StopInstance", &[("InstanceId", &stopped.to_string())]).unwrap();
        world.settle();
        let ids = format!("{running},i-none, {stopped},{running}");
        for (operation, moved, other) in [
            ("StopInstances", running, stopped),
            ("StartInstances", running, stopped), // both are stopped now
            ("RebootInstances", running, stopped),
        ] {
            let answer = world.call(operation, &[("InstanceIds", &ids)]).unwrap();
            let responses = answer["InstanceResponses"].as_array().unwrap();
            let shown: Vec<_> = responses.iter().map(|r| r["InstanceId"].as_str().unwrap()).collect();
            assert_eq!(shown, [moved.to_string().as_str(), "i-none", &other.to_string()]);
            assert_eq!(responses[0]["Code"], 200);
            assert_eq!(responses[1]["Code"], 400);
            assert!(responses[1]["Message"].as_str().unwrap().starts_with("InstanceIdNotFound: "));
            let refused = responses[2]["Message"].as_str().unwrap().starts_with("IncorrectInstanceStatus: ");
            assert_eq!(refused, operation == "StopInstances", "{}", responses[2]);
            world.settle();
        }
        assert_eq!(world.see(running).status, S::Running);
        assert_eq!(world.see(stopped).status, S::Running);
    }

    #[test]
    fn the_list_is_needed_and_may_come_in_every_dialect() {
        let mut world = World::new();
        let (a, b) = (world.instance(&[]).to_string(), world.instance(&[]).to_string());
        assert_eq!(world.fault("StopInstances", &[]), "MissingParameter");
        assert_eq!(
            world.call("StopInstances", &[("InstanceIds", "[]")]).unwrap()["InstanceResponses"],
            json!([])
        );
        assert_eq!(world.fault("StopInstances", &[("InstanceIds", "i 1")]), "InvalidParameter.InstanceIds");
        let many = vec!["i-1"; 101].join(",");
        assert_eq!(world.fault("StopInstances", &[("InstanceIds", &many)]), "InvalidParameter.InstanceIds");
        let json = format!("[\"{a}\",\"{b}\"]");
        let numbered = [("InstanceIds.1", &*a), ("InstanceIds.2", &b)];
        for (operation, parameters) in
            [("StopInstances", &[("InstanceIds", &*json)][..]), ("StartInstances", &numbered)]
        {
            let answer = world.call(operation, parameters).unwrap();
            assert_eq!(answer["InstanceResponses"].as_array().unwrap().len(), 2);
            assert!(answer["InstanceResponses"].as_array().unwrap().iter().all(|r| r["Code"] == 200));
            world.settle();
        }
    }

    #[test]
    fn many_are_reset_to_another_image() {
        let mut world = World::new();
        let (a, b) = (world.instance(&[]), world.instance(&[]));
        let ids = format!("{a},{b}");
        let call = [("InstanceIds", &*ids), ("ImageId", "m-ubuntu-24-04"), ("Password", "newPassword:1")];
        world.call("ReinitInstances", &call).unwrap();
        assert_eq!(world.see(a).image.as_str(), "m-ubuntu-24-04");
        world.settle();
        assert_eq!(world.see(b).status, S::Running);
        let answer = world.call("ReinitInstances", &[("InstanceIds", &ids), ("ImageId", "m-none")]).unwrap();
        let message = answer["InstanceResponses"][0]["Message"].as_str().unwrap();
        assert!(message.starts_with("InvalidImageId.NotFound: "), "{message}");
    }
}
