//! Findings.

use serde_json::Value;

use crate::{
    scene::{about_now, at, call, site, texts},
    support::Site,
};

async fn found(site: &Site, parameters: &[(&str, &str)]) -> Value {
    call(site, "ListFindings", parameters).await.done().body
}

async fn authorize(site: &Site, group: &str, rule: &[(&str, &str)]) {
    let parameters = [&[("SecurityGroupId", group)], rule].concat();
    call(site, "AuthorizeSecurityGroup", &parameters).await.done();
}

#[tokio::test]
async fn what_is_odd_is_found_with_its_kind_and_where() {
    let site = site().await;
    let group = site.group.clone();
    let tcp = ("IpProtocol", "tcp");
    authorize(&site, &group, &[tcp, ("PortRange", "3389/3389"), ("SourceCidrIp", "0.0.0.0/0")]).await;
    authorize(
        &site,
        &group,
        &[tcp, ("PortRange", "443/443"), ("SourceCidrIp", "10.0.0.0/8"), ("Priority", "9")],
    )
    .await;
    let empty = call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
    let all = found(&site, &[]).await;
    let kinds = texts(&all, "/Findings/Finding", "Kind");
    assert_eq!(kinds, ["NoMembers", "NeverDecides", "OpenToTheWorld"], "{all}");
    assert_eq!(all["SecurityGroupCount"], 2);
    let none = at(&all, "/Findings/Finding/0");
    assert_eq!(none["SecurityGroupIds"]["SecurityGroupId"][0], empty);
    let shadowed = at(&all, "/Findings/Finding/1");
    assert_eq!(shadowed["Rules"]["Rule"][0]["Position"], 3);
    assert_eq!(shadowed["Instead"]["Rule"][0]["Position"], 0);
    let open = at(&all, "/Findings/Finding/2");
    assert_eq!(
        (&open["Family"], &open["Ports"]["Port"][0]),
        (&Value::from("IPv4"), &Value::from("tcp 3389"))
    );
    assert_eq!(open["NetworkInterfaceId"], Value::from(site.interface.clone()));
    for (parameters, expected) in [
        (&[("Kind", "NoMembers")][..], &["NoMembers"][..]),
        (&[("SecurityGroupId", group.as_str())], &["NeverDecides", "OpenToTheWorld"]),
        (&[("NetworkInterfaceId", site.interface.as_str())], &["OpenToTheWorld", "NeverDecides"]),
        (&[("SecurityGroupId", empty.as_str())], &["NoMembers"]),
    ] {
        assert_eq!(
            texts(&found(&site, parameters).await, "/Findings/Finding", "Kind"),
            expected,
            "{parameters:?}"
        );
    }
    let first = found(&site, &[("MaxResults", "1")]).await;
    let token = first["NextToken"].as_str().unwrap();
    assert_eq!(texts(&first, "/Findings/Finding", "Kind"), ["NoMembers"]);
    let second = found(&site, &[("MaxResults", "1"), ("NextToken", token)]).await;
    assert_eq!(texts(&second, "/Findings/Finding", "Kind"), ["NeverDecides", "OpenToTheWorld"]);
    assert!(second.get("NextToken").is_none());
}

#[tokio::test]
async fn what_takes_several_groups_is_said_once_of_the_interfaces_in_them() {
    let site = site().await;
    let second = call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
    let rule = [("IpProtocol", "tcp"), ("PortRange", "443/443"), ("SourceCidrIp", "0.0.0.0/0")];
    authorize(&site, &second, &rule).await;
    let join = [("SecurityGroupId", second.as_str()), ("NetworkInterfaceId", site.interface.as_str())];
    call(&site, "JoinSecurityGroup", &join).await.done();
    let all = found(&site, &[]).await;
    assert_eq!(texts(&all, "/Findings/Finding", "Kind"), ["Repeated"], "{all}");
    assert_eq!(at(&all, "/Findings/Finding/0/SecurityGroupIds/SecurityGroupId").as_array().unwrap().len(), 2);
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    assert_eq!(texts(&found(&site, &[]).await, "/Findings/Finding", "Kind"), ["NoMembers"]);
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_said() {
    let site = site().await;
    let group = site.group.clone();
    for (parameters, code) in [
        (&[("SecurityGroupId", "sg-unknown")][..], "InvalidSecurityGroupId.NotFound"),
        (&[("NetworkInterfaceId", "eni-unknown")], "InvalidEniId.NotFound"),
        (&[("SecurityGroupId", &*group), ("NetworkInterfaceId", &*site.interface)], "InvalidParameter"),
        (&[("Kind", "Odd")], "InvalidParameter.Kind"),
        (&[("NextToken", "x")], "InvalidParameter.NextToken"),
        (&[("MaxResults", "0")], "InvalidParameter.MaxResults"),
    ] {
        assert_eq!(call(&site, "ListFindings", parameters).await.code(), code, "{parameters:?}");
    }
}
