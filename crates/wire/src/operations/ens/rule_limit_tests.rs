//! More rules than can be enforced for an interface, by whatever call they would come: the documented code and message.

use serde_json::json;

use super::testing::World;

const CODE: &str = "AuthorizationLimitExceed";
const MESSAGE: &str = "The limit of authorization records in the security group reaches.";

/// A world in which an interface may have two rules, and a group with two.
fn world_of_two_rules() -> (World, String) {
    let mut world = World::new();
    let full = world.group("full").to_string();
    for port in ["80/80", "81/81"] {
        assert!(authorize(&mut world, "AuthorizeSecurityGroup", &full, port).is_none());
    }
    world.limits.rules_per_interface = 2;
    (world, full)
}

/// The fault, if any, of adding a rule for these ports.
fn authorize(world: &mut World, operation: &str, group: &str, ports: &str) -> Option<String> {
    let end = if operation.ends_with("Egress") { "DestCidrIp" } else { "SourceCidrIp" };
    let rule = [("SecurityGroupId", group), ("IpProtocol", "tcp"), ("PortRange", ports), (end, "10.0.0.0/8")];
    world.call(operation, &rule).err().map(|fault| fault.code.into_owned())
}

#[test]
fn memberships_that_bring_too_many_rules_are_refused() {
    let (mut world, full) = world_of_two_rules();
    let other = world.group("other");
    assert!(authorize(&mut world, "AuthorizeSecurityGroup", &other.to_string(), "80/80").is_none());
    let instance = world.instance(&[other]).to_string();
    let join = [("SecurityGroupId", &*full), ("InstanceId", &*instance)];
    let fault = world.call("JoinSecurityGroup", &join).unwrap_err();
    assert_eq!((&*fault.code, fault.status, &*fault.message), (CODE, 400, MESSAGE));
    let vswitch = world.network("10.1.0.0/24").1.to_string();
    let groups = json!([full, other.to_string()]).to_string();
    let interface = [("SecurityGroupIds", &*groups), ("VSwitchId", &*vswitch)];
    assert_eq!(world.fault("CreateNetworkInterface", &interface), CODE);
}

#[test]
fn rules_that_are_too_many_for_a_member_are_refused() {
    let (mut world, full) = world_of_two_rules();
    let instance = world.instance(&[full.parse().unwrap()]).to_string();
    for operation in ["AuthorizeSecurityGroup", "AuthorizeSecurityGroupEgress"] {
        assert_eq!(authorize(&mut world, operation, &full, "82/82").as_deref(), Some(CODE));
    }
    let permission = json!([{
        "Direction": "ingress", "IpProtocol": "TCP", "PortRange": "83/83", "Policy": "Accept", "Priority": 1,
        "SourceCidrIp": "10.0.0.0/8"
    }]);
    let permissions = [("SecurityGroupId", &*full), ("Permissions", &*permission.to_string())];
    assert_eq!(world.fault("CreateSecurityGroupPermissions", &permissions), CODE);
    world.call("LeaveSecurityGroup", &[("SecurityGroupId", &*full), ("InstanceId", &*instance)]).unwrap();
    assert_eq!(authorize(&mut world, "AuthorizeSecurityGroup", &full, "82/82"), None);
}
