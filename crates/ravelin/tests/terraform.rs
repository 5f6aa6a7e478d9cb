//! The sequences and waiters of the Terraform provider for the resources of ENS, replayed: V1 signatures, the ids of
//! Join and Leave in the query, everything of groups in the form body, `content-type` also without a body, and its
//! reading of answers.

mod common;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::common::{Answer, Client, ENS, Launch, Server, wait_until};

const FORM: &str = "application/x-www-form-urlencoded";

/// A server whose states take a moment, so that waiters have something to wait for, and the provider's client for it.
struct World {
    provider: Provider,
    _server: Server,
    _data: tempfile::TempDir,
}

fn world() -> World {
    let data = tempfile::tempdir().expect("a directory");
    let short = |name: &str| format!("timing.{name}_ms=50");
    let names =
        ["creating", "image_downloading", "starting", "stopping", "releasing", "attaching", "deleting"];
    let settings = names.map(short);
    let server = Launch::on(data.path()).set(&settings.each_ref().map(String::as_str)).start();
    World { provider: Provider { client: server.client() }, _server: server, _data: data }
}

/// What the provider's client sends and how it reads what comes back.
struct Provider {
    client: Client,
}

impl Provider {
    /// One call: a POST with the parameters of `query` in the address and those of `body` as a form.
    fn send(&self, action: &str, query: &[(&str, &str)], body: &[(&str, &str)]) -> Answer {
        let headers = [("content-type", FORM), ("x-acs-action", action), ("x-acs-version", ENS)];
        self.client.v1_with(action, query, body, &headers)
    }

    /// A call that must succeed. The provider takes a `Code` that is neither 0 nor 200 for an error, whatever the status.
    fn done(&self, action: &str, query: &[(&str, &str)], body: &[(&str, &str)]) -> Answer {
        let answer = self.send(action, query, body);
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
        assert!(matches!(answer.body["Code"].as_i64(), None | Some(0 | 200)), "{}", answer.body);
        assert!(!answer.text("/RequestId").is_empty(), "{}", answer.body);
        answer
    }

    fn create_group(&self, permissions: &Value) -> String {
        let permissions = permissions.to_string();
        let body = [
            ("Description", "made by terraform"),
            ("SecurityGroupName", "tf-group"),
            ("Permissions", &permissions),
        ];
        let group = self.done("CreateSecurityGroup", &[], &body).text("/SecurityGroupId").to_owned();
        wait_until("the group can be described", || {
            let answer = self.group(&group);
            (answer.text("/SecurityGroupId") == group).then_some(())
        });
        group
    }

    fn group(&self, group: &str) -> Answer {
        self.send("DescribeSecurityGroupAttribute", &[("SecurityGroupId", group)], &[])
    }

    fn permissions(&self, group: &str) -> BTreeSet<String> {
        let answer = self.group(group);
        answer.list("/Permissions/Permission").iter().map(state_of_rule).collect()
    }

    /// What the data source of groups reads.
    fn groups_in_steps(&self, step: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut token = String::new();
        loop {
            let mut body = vec![("MaxResults", step)];
            if !token.is_empty() {
                body.push(("NextToken", &token));
            }
            let answer = self.done("DescribeSecurityGroups", &[], &body);
            let groups = answer.list("/SecurityGroups/SecurityGroup").iter();
            found.extend(groups.filter_map(|group| group["SecurityGroupId"].as_str()).map(str::to_owned));
            token = answer.text("/NextToken").to_owned();
            if token.is_empty() {
                break;
            }
        }
        found
    }

    fn run_instance(&self, further: &[(&str, &str)]) -> String {
        let mut body = vec![
            ("ScheduleAreaLevel", "Region"),
            ("EnsRegionId", "cn-chenzhou-telecom_unicom_cmcc"),
            ("InstanceType", "ens.sn1.stiny"),
            ("ImageId", "centos_6_08_64_20G_alibase_20171208"),
            ("InstanceChargeType", "PostPaid"),
            ("Password", "12345678ABCabc"),
            ("InternetChargeType", "95BandwidthByMonth"),
            ("InternetMaxBandwidthOut", "100"),
            ("SystemDisk", r#"{"Size":20}"#),
            ("Amount", "1"),
        ];
        body.extend_from_slice(further);
        let instance = self.done("RunInstances", &[], &body).text("/InstanceIds/0").to_owned();
        self.wait_for_status(&instance, "Running");
        instance
    }

    fn wait_for_status(&self, instance: &str, status: &str) {
        wait_until(status, || {
            let answer = self.done("DescribeInstances", &[("InstanceId", instance)], &[]);
            (answer.text("/Instances/Instance/0/Status") == status).then_some(())
        });
    }

    /// What the attachment's waiter and its read ask.
    fn attachment(&self, instance: &str, group: &str) -> Answer {
        self.done("DescribeInstances", &[("InstanceId", instance), ("SecurityGroupId", group)], &[])
    }

    fn attach(&self, instance: &str, group: &str) {
        self.done("JoinSecurityGroup", &[("SecurityGroupId", group), ("InstanceId", instance)], &[]);
        // The waiter: the first of the instance's groups is the one that was joined.
        wait_until("the attachment is there", || {
            let answer = self.attachment(instance, group);
            (answer.text("/Instances/Instance/0/SecurityGroupIds/SecurityGroupId/0") == group).then_some(())
        });
    }

    fn detach(&self, instance: &str, group: &str) {
        self.done("LeaveSecurityGroup", &[("SecurityGroupId", group), ("InstanceId", instance)], &[]);
        wait_until("the attachment is gone", || {
            self.attachment(instance, group).list("/Instances/Instance").is_empty().then_some(())
        });
    }

    fn destroy_group(&self, group: &str) {
        self.done("DeleteSecurityGroup", &[], &[("SecurityGroupId", group)]);
        wait_until("the group is gone", || is_missing_group(&self.group(group)).then_some(()));
    }

    fn destroy_instance(&self, instance: &str) {
        self.done("StopInstance", &[], &[("InstanceId", instance), ("ForceStop", "true")]);
        self.wait_for_status(instance, "Stopped");
        self.done("ReleasePostPaidInstance", &[], &[("InstanceId", instance)]);
        wait_until("the instance is gone", || {
            let answer = self.done("DescribeInstances", &[("InstanceId", instance)], &[]);
            answer.list("/Instances/Instance").is_empty().then_some(())
        });
    }
}

/// The provider's test: the code is, or begins with, one of those it knows. An empty code would match, too.
fn is_missing_group(answer: &Answer) -> bool {
    let code = answer.code();
    assert!(answer.status == 200 || !code.is_empty(), "an error without a code: {}", answer.body);
    !code.is_empty()
        && ["ens.interface.error", "InvalidSecurityGroupId.NotFound"]
            .iter()
            .any(|known| known.starts_with(code))
}

/// The part of a rule that is the provider's state, as one text. `SourcePortRange` is computed: it may be anything.
fn state_of_rule(rule: &Value) -> String {
    let names = [
        "Direction",
        "IpProtocol",
        "PortRange",
        "Policy",
        "Priority",
        "SourceCidrIp",
        "DestCidrIp",
        "Ipv6SourceCidrIp",
        "Ipv6DestCidrIp",
        "Description",
    ];
    let shown = names.map(|name| match rule.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    });
    shown.join("|")
}

fn states(rules: &[Value]) -> BTreeSet<String> {
    rules.iter().map(state_of_rule).collect()
}

fn rule(direction: &str, protocol: &str, ports: &str, priority: u8, further: &Value) -> Value {
    let mut rule = json!({
        "Direction": direction, "IpProtocol": protocol, "PortRange": ports, "Policy": "Accept", "Priority": priority,
    });
    if let (Some(rule), Some(further)) = (rule.as_object_mut(), further.as_object()) {
        rule.extend(further.clone());
    }
    rule
}

#[test]
fn attachment_is_created_read_and_destroyed() {
    let World { provider, .. } = &world();
    let (first, second) = (provider.create_group(&json!([])), provider.create_group(&json!([])));
    let instance = provider.run_instance(&[]);
    assert!(provider.attachment(&instance, &first).list("/Instances/Instance").is_empty());

    provider.attach(&instance, &first);
    let read = provider.attachment(&instance, &first);
    assert_eq!(read.text("/Instances/Instance/0/InstanceId"), instance);

    // A second attachment of the same instance; then the first one is refreshed: its own group is still the first.
    provider.attach(&instance, &second);
    for group in [&first, &second] {
        let read = provider.attachment(&instance, group);
        let groups = read.list("/Instances/Instance/0/SecurityGroupIds/SecurityGroupId");
        assert_eq!((groups.len(), groups[0].as_str()), (2, Some(group.as_str())));
    }

    provider.detach(&instance, &first);
    let read = provider.attachment(&instance, &second);
    assert_eq!(read.text("/Instances/Instance/0/SecurityGroupIds/SecurityGroupId/0"), second);
    provider.detach(&instance, &second);
    provider.destroy_instance(&instance);
    provider.destroy_group(&first);
    provider.destroy_group(&second);
}

#[test]
fn group_is_read_back_as_it_was_written() {
    let World { provider, .. } = &world();
    let rules = [
        rule("ingress", "TCP", "80/80", 1, &json!({ "SourceCidrIp": "10.0.0.0/8", "Description": "web" })),
        rule("ingress", "ALL", "-1/-1", 2, &json!({ "DestCidrIp": "0.0.0.0/0" })),
        rule(
            "egress",
            "UDP",
            "1/65535",
            100,
            &json!({ "SourceCidrIp": "10.0.0.0/8", "DestCidrIp": "10.1.2.3" }),
        ),
        rule("ingress", "ICMPv6", "-1/-1", 3, &json!({ "Ipv6SourceCidrIp": "2001:db8::/32" })),
        rule(
            "egress",
            "TCP",
            "443/443",
            4,
            &json!({ "Ipv6DestCidrIp": "::/0", "SourcePortRange": "1024/65535" }),
        ),
    ];
    let group = provider.create_group(&json!(rules));
    let read = provider.group(&group);
    assert_eq!(
        (read.text("/SecurityGroupName"), read.text("/Description")),
        ("tf-group", "made by terraform")
    );
    assert_eq!(provider.permissions(&group), states(&rules));
    provider.destroy_group(&group);
}

#[test]
fn group_is_updated_by_removing_and_adding() {
    let World { provider, .. } = &world();
    let kept = rule("ingress", "TCP", "22/22", 1, &json!({ "SourceCidrIp": "10.0.0.0/8" }));
    let old =
        rule("ingress", "TCP", "80/80", 1, &json!({ "SourceCidrIp": "0.0.0.0/0", "Description": "before" }));
    let new =
        rule("ingress", "TCP", "80/80", 1, &json!({ "SourceCidrIp": "0.0.0.0/0", "Description": "after" }));
    let group = provider.create_group(&json!([kept, old]));

    let body = [
        ("SecurityGroupId", group.as_str()),
        ("SecurityGroupName", "tf-renamed"),
        ("Description", "changed"),
    ];
    provider.done("ModifySecurityGroupAttribute", &[], &body);
    // The set of the rules has changed in a description alone: the old one goes first, or the new one is a duplicate.
    let (removed, added) = (json!([old]).to_string(), json!([new]).to_string());
    let body = [("SecurityGroupId", group.as_str()), ("Permissions", &removed)];
    provider.done("DeleteSecurityGroupPermissions", &[], &body);
    let body = [("SecurityGroupId", group.as_str()), ("Permissions", &added)];
    provider.done("CreateSecurityGroupPermissions", &[], &body);

    let read = provider.group(&group);
    assert_eq!((read.text("/SecurityGroupName"), read.text("/Description")), ("tf-renamed", "changed"));
    assert_eq!(provider.permissions(&group), states(&[kept.clone(), new.clone()]));

    // All rules go: `permissions.# = 0`.
    let all = json!([kept, new]).to_string();
    provider.done(
        "DeleteSecurityGroupPermissions",
        &[],
        &[("SecurityGroupId", &group), ("Permissions", &all)],
    );
    assert!(provider.permissions(&group).is_empty());
    provider.destroy_group(&group);
}

#[test]
fn update_that_empties_the_description_empties_it() {
    let World { provider, .. } = &world();
    let group = provider.create_group(&json!([]));
    let body =
        [("SecurityGroupId", group.as_str()), ("SecurityGroupName", "tf-renamed"), ("Description", "")];
    provider.done("ModifySecurityGroupAttribute", &[], &body);
    let read = provider.group(&group);
    // Otherwise a plan that removes a description would never settle.
    assert_eq!((read.text("/SecurityGroupName"), read.text("/Description")), ("tf-renamed", ""));
    provider.destroy_group(&group);
}

#[test]
fn group_that_is_gone_is_gone_for_terraform() {
    let World { provider, .. } = &world();
    let group = provider.create_group(&json!([]));
    provider.destroy_group(&group);
    let again = provider.send("DeleteSecurityGroup", &[], &[("SecurityGroupId", &group)]);
    assert_eq!((again.status, again.code()), (400, "InvalidSecurityGroupId.NotFound"));
}

#[test]
fn group_with_members_is_destroyed_after_the_instance_in_either_order() {
    let World { provider, .. } = &world();
    let group = provider.create_group(&json!([]));
    let instance = provider.run_instance(&[("SecurityId", &group)]);
    let refused = provider.send("DeleteSecurityGroup", &[], &[("SecurityGroupId", &group)]);
    assert_eq!((refused.status, refused.code()), (400, "DependencyViolation"));
    assert!(!refused.text("/Message").contains("NotFound"), "the provider would take it for success");
    provider.destroy_instance(&instance);
    provider.destroy_group(&group);
}

#[test]
fn released_instance_is_an_empty_list() {
    let World { provider, .. } = &world();
    let group = provider.create_group(&json!([]));
    let instance = provider.run_instance(&[]);
    provider.attach(&instance, &group);
    provider.destroy_instance(&instance);
    assert!(provider.attachment(&instance, &group).list("/Instances/Instance").is_empty());
    let members = provider.done("DescribeSecurityGroups", &[("SecurityGroupId", &group)], &[]);
    assert_eq!(members.body.pointer("/SecurityGroups/SecurityGroup/0/InstanceCount"), Some(&json!(0)));
    provider.destroy_group(&group);
}

#[test]
fn instance_is_stopped_started_and_read() {
    let World { provider, .. } = &world();
    let group = provider.create_group(&json!([]));
    let instance = provider.run_instance(&[("SecurityId", &group), ("InstanceName", "tf-instance")]);
    let read = provider.done("DescribeInstances", &[], &[("InstanceId", &instance)]);
    assert_eq!(read.text("/Instances/Instance/0/InstanceName"), "tf-instance");
    assert_eq!(read.text("/Instances/Instance/0/InstanceResourceType"), "EnsPostPaidInstance");
    assert_eq!(read.text("/Instances/Instance/0/SecurityGroupIds/SecurityGroupId/0"), group);
    provider.done("StopInstance", &[], &[("InstanceId", &instance)]);
    provider.wait_for_status(&instance, "Stopped");
    provider.done("StartInstance", &[], &[("InstanceId", &instance)]);
    provider.wait_for_status(&instance, "Running");
    provider.destroy_instance(&instance);
}

#[test]
fn network_vswitch_and_interface() {
    let World { provider, .. } = &world();
    let region = ("EnsRegionId", "cn-chenzhou-telecom_unicom_cmcc");
    let body = [region, ("CidrBlock", "10.0.0.0/8"), ("NetworkName", "tf-network")];
    let network = provider.done("CreateNetwork", &[], &body).text("/NetworkId").to_owned();
    let body = [region, ("CidrBlock", "10.0.8.0/24"), ("NetworkId", &network), ("VSwitchName", "tf-vswitch")];
    let vswitch = provider.done("CreateVSwitch", &[], &body).text("/VSwitchId").to_owned();
    wait_until("the vSwitch is available", || {
        let answer = provider.done("DescribeVSwitchAttributes", &[("VSwitchId", &vswitch)], &[]);
        (answer.text("/Status") == "Available").then_some(())
    });

    let groups = [provider.create_group(&json!([])), provider.create_group(&json!([]))];
    let ids = json!(groups).to_string();
    let body = [("VSwitchId", vswitch.as_str()), ("SecurityGroupIds", &ids), ("Name", "tf-interface")];
    let made = provider.done("CreateNetworkInterface", &[], &body);
    let interface = made.text("/NetworkInterfaceIds/0").to_owned();
    let read = provider.done("DescribeNetworkInterfaces", &[], &[("NetworkInterfaceId", &interface)]);
    let shown = read.list("/NetworkInterfaceSets/NetworkInterfaceSet/0/SecurityGroupIds/SecurityGroup");
    let shown: BTreeSet<_> = shown.iter().filter_map(Value::as_str).collect();
    assert_eq!(shown, groups.iter().map(String::as_str).collect());

    // A numbered list where the SDK sends JSON text.
    provider.done("DeleteNetworkInterfaces", &[], &[("NetworkInterfaceIds.1", &interface)]);
    wait_until("the interface is gone", || {
        let answer = provider.done("DescribeNetworkInterfaces", &[], &[("NetworkInterfaceId", &interface)]);
        answer.list("/NetworkInterfaceSets/NetworkInterfaceSet").is_empty().then_some(())
    });

    provider.done("DeleteVSwitch", &[], &[("VSwitchId", &vswitch)]);
    wait_until("the vSwitch is gone", || {
        let answer = provider.send("DescribeVSwitchAttributes", &[("VSwitchId", &vswitch)], &[]);
        (answer.code() == "InvalidVSwitchId.NotFound").then_some(())
    });
    provider.done("DeleteNetwork", &[], &[("NetworkId", &network)]);
    wait_until("the network is gone", || {
        let answer = provider.done("DescribeNetworks", &[("NetworkId", &network)], &[]);
        answer.list("/Networks/Network").is_empty().then_some(())
    });
}

#[test]
fn tags_travel_in_the_body() {
    let World { provider, .. } = &world();
    let instance = provider.run_instance(&[]);
    let resource = [("ResourceType", "instance"), ("ResourceId.1", instance.as_str())];
    let tags =
        [("Tag.1.Key", "Created"), ("Tag.1.Value", "TF"), ("Tag.2.Key", "For"), ("Tag.2.Value", "a test")];
    provider.done("TagResources", &[], &[resource.as_slice(), &tags].concat());
    let listed = || {
        let answer = provider.done("ListTagResources", &[], &resource);
        let entries = answer.list("/TagResources").iter();
        entries.map(|entry| entry["TagKey"].as_str().unwrap_or_default().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(listed(), BTreeSet::from(["Created".to_owned(), "For".to_owned()]));
    provider.done("UntagResources", &[], &[resource.as_slice(), &[("TagKey.1", "Created")]].concat());
    assert_eq!(listed(), BTreeSet::from(["For".to_owned()]));
}

#[test]
fn data_source_of_groups_sees_all_of_them() {
    let World { provider, .. } = &world();
    let made: BTreeSet<String> = (0..12).map(|_| provider.create_group(&json!([]))).collect();
    // The provider asks for 50; with 5 there is a token to follow.
    for step in ["50", "5"] {
        assert_eq!(provider.groups_in_steps(step), made);
    }
}
