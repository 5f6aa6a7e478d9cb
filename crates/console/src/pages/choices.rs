//! What can be chosen in forms: values and their names. Where something may not be read there is nothing to choose.

use serde_json::Value;

use crate::{
    api::Api,
    json::{count, items, text},
};

/// Values and their names.
pub(super) type Choices = Vec<(String, String)>;

/// As fields want them.
pub(super) fn pairs(choices: &Choices) -> impl Iterator<Item = (&str, &str)> {
    choices.iter().map(|(value, name)| (value.as_str(), name.as_str()))
}

async fn read(
    api: &Api,
    operation: &str,
    parameters: &[(&str, &str)],
    path: &str,
    choice: impl Fn(&Value) -> (String, String),
) -> Choices {
    let found = api.glance(operation, parameters).await;
    found.map_or_else(Vec::new, |found| items(&found, path).iter().map(choice).collect())
}

fn named(id: &str, name: &str) -> (String, String) {
    let shown = if name.is_empty() || name == id { id.to_owned() } else { format!("{name} ({id})") };
    (id.to_owned(), shown)
}

/// The edge sites.
pub(super) async fn regions(api: &Api) -> Choices {
    read(api, "DescribeEnsRegions", &[], "EnsRegions.EnsRegions", |own| {
        named(text(own, "EnsRegionId"), text(own, "EnName"))
    })
    .await
}

/// The images.
pub(super) async fn images(api: &Api) -> Choices {
    read(api, "DescribeImages", &[("PageSize", "50")], "Images.Image", |own| {
        named(text(own, "ImageId"), text(own, "ImageName"))
    })
    .await
}

/// The types of instances.
pub(super) async fn types(api: &Api) -> Choices {
    read(api, "DescribeInstanceTypes", &[], "InstanceTypes.InstanceType", |own| {
        let shape = format!("{} vCPU, {} MiB", count(own, "CpuCoreCount"), count(own, "MemorySize"));
        (text(own, "InstanceType").to_owned(), format!("{} ({shape})", text(own, "InstanceType")))
    })
    .await
}

/// The newest vSwitches, and the edge site of the newest one: where a new instance most likely is to be.
pub(super) async fn vswitches(api: &Api) -> (Choices, String) {
    let found = api.glance("DescribeVSwitches", &[("PageSize", "50")]).await.unwrap_or_default();
    let switches = items(&found, "VSwitches.VSwitch");
    let choice = |own| {
        let id = text(own, "VSwitchId");
        let name = Some(text(own, "VSwitchName")).filter(|name| !name.is_empty()).unwrap_or(id);
        (id.to_owned(), format!("{name}, {} at {}", text(own, "CidrBlock"), text(own, "EnsRegionId")))
    };
    let likely = switches.first().map_or("", |own| text(own, "EnsRegionId"));
    (switches.iter().map(choice).collect(), likely.to_owned())
}

/// The newest groups.
pub(super) async fn groups(api: &Api) -> Choices {
    read(api, "DescribeSecurityGroups", &[("PageSize", "100")], "SecurityGroups.SecurityGroup", |own| {
        named(text(own, "SecurityGroupId"), text(own, "SecurityGroupName"))
    })
    .await
}

/// RAM users, the first 200.
pub(super) async fn users(api: &Api) -> Choices {
    read(api, "ListUsers", &[("MaxItems", "200")], "Users.User", |own| named(text(own, "UserName"), "")).await
}

/// Policies that can be attached: their type and name in one value, and their name.
pub(super) async fn policies(api: &Api) -> Choices {
    read(api, "ListPolicies", &[("MaxItems", "200")], "Policies.Policy", |own| {
        let (kind, name) = (text(own, "PolicyType"), text(own, "PolicyName"));
        (format!("{kind}:{name}"), format!("{name} ({})", kind.to_lowercase()))
    })
    .await
}
