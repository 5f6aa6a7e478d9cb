//! The number of a change, in the header of the answer that says it is made.

mod common;

use common::{AT_ONCE, Launch, Server};

fn serve() -> (tempfile::TempDir, Server) {
    let data = tempfile::tempdir().expect("a directory");
    let server = Launch::on(data.path()).set(AT_ONCE).start();
    (data, server)
}

#[test]
fn every_change_has_the_next_generation_and_what_changes_nothing_has_none() {
    let (_data, server) = serve();
    let client = server.client();
    let first = client.v3("CreateSecurityGroup", &[]);
    let number = first.generation.expect("it was made");
    let group = first.text("/SecurityGroupId").to_owned();
    let about = ("SecurityGroupId", group.as_str());
    let renamed = client.v1("ModifySecurityGroupAttribute", &[about, ("SecurityGroupName", "web")], &[]);
    assert_eq!(renamed.generation, Some(number + 1), "{renamed:?}");
    assert_eq!(client.v3("DescribeSecurityGroups", &[]).generation, None, "it only reads");
    for refused in [
        client.v3("DeleteSecurityGroup", &[("SecurityGroupId", "sg-0")]),
        client.v3("DeleteSecurityGroup", &[]),
        client.v3("LeaveSecurityGroup", &[about, ("InstanceId", "i-0")]),
        server.client().user("powerless").v3("DeleteSecurityGroup", &[about]),
    ] {
        assert_ne!(refused.code(), "", "{refused:?}");
        assert_eq!(refused.generation, None, "{refused:?}");
    }
    let deleted = client.v3("DeleteSecurityGroup", &[about]);
    assert!(deleted.generation.expect("it was made") > number + 1);
}

#[test]
fn a_call_about_many_names_the_last_change_that_it_made() {
    let (_data, server) = serve();
    let client = server.client();
    let run = [("EnsRegionId", "edge-1"), ("ScheduleAreaLevel", "Region"), ("Amount", "2")];
    let made = client.v3("RunInstances", &run);
    let ids: Vec<&str> = made.list("/InstanceIds").iter().filter_map(|id| id.as_str()).collect();
    common::wait_until("they run", || {
        let shown = client.v3("DescribeInstances", &[]);
        let running = shown.list("/Instances/Instance").iter().filter(|own| own["Status"] == "Running");
        (running.count() == 2).then_some(())
    });
    let both = serde_json::json!(ids).to_string();
    let stopped = client.v3("StopInstances", &[("InstanceIds", &both)]);
    assert!(stopped.generation.expect("they were stopped") > made.generation.expect("they were made") + 1);
    let nobody = client.v3("StopInstances", &[("InstanceIds", r#"["i-0"]"#)]);
    assert_eq!((nobody.status, nobody.generation), (200, None), "{nobody:?}");
}
