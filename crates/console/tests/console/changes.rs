//! Changes that people make: what is asked first, what comes of it, and what is refused to whom.

use super::support::{Answer, Browser, Site, patiently};

/// Makes a group with a rule, a network, an instance in the group, a user, and lets nothing out.
pub(crate) async fn furnish(browser: &mut Browser) -> (String, String) {
    let group = make_group(browser, "web").await;
    let network = browser
        .fill_in(
            "/console/networks/new",
            "/console/networks/new",
            &[("EnsRegionId", "edge-1"), ("CidrBlock", "10.0.0.0/16"), ("NetworkName", "shop")],
        )
        .await;
    let network = network.led_to();
    let vswitch = format!("{network}/vswitches/new");
    let made = browser.fill_in(&vswitch, &vswitch, &[("CidrBlock", "10.0.0.0/24")]).await;
    assert_eq!(made.status, 303, "{made:?}");
    let page = browser.get(&network).await.body;
    let (_, rest) = page.split_once(">vsw-").unwrap();
    let vswitch = format!("vsw-{}", rest.split('<').next().unwrap());
    let id = group.rsplit('/').next().unwrap().to_owned();
    let wish = [
        ("InstanceName", "web-1"),
        ("EnsRegionId", "edge-1"),
        ("VSwitchId", vswitch.as_str()),
        ("SecurityId", id.as_str()),
        ("Amount", "1"),
    ];
    let instance = browser.fill_in("/console/instances/new", "/console/instances/new", &wish).await;
    let confirmed = browser.follow(&instance).await;
    confirmed.shows("RunInstances");
    confirmed.shows("It concerns no node");
    browser.fill_in("/console/users/new", "/console/users/new", &[("UserName", "alice")]).await;
    let instance = instance.led_to();
    patiently(async {
        while !browser.get(&instance).await.body.contains(">Running<") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    (group, instance)
}

pub(crate) async fn make_group(browser: &mut Browser, name: &str) -> String {
    let made =
        browser.fill_in("/console/groups/new", "/console/groups/new", &[("SecurityGroupName", name)]).await;
    made.led_to()
}

/// Sends the form that a page asks with, with all its hidden fields.
pub(crate) async fn confirm(browser: &mut Browser, page: &Answer) -> Answer {
    assert_eq!(page.status, 200, "{page:?}");
    let (_, form) = page.body.split_once("Make this change?").expect("a page that asks");
    let action = form.split("action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.post(&action, &page.hidden_of(&action)).await
}

#[tokio::test]
async fn a_group_stands_by_its_name_however_many_are_newer() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    let token = browser.get("/console/groups/new").await.form_token();
    for number in 0..100 {
        let name = format!("newer-{number}");
        let fields = [("SecurityGroupName", name.as_str()), ("form-token", token.as_str())];
        assert_eq!(browser.send("/console/groups/new", &fields).await.status, 303);
    }
    let link = format!("<a href=\"{group}\">web</a>");
    for page in ["/console/interfaces", instance.as_str()] {
        browser.get(page).await.shows(&link);
    }
}

#[tokio::test]
async fn a_rule_is_added_and_removed_after_it_was_asked() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let group = make_group(&mut browser, "web").await;
    browser.get(&group).await.shows("No rule accepts anything yet.");
    let query = "Direction=ingress&Policy=Accept&IpProtocol=TCP&ports=8000-8080&peer=10.0.0.0%2F8&Priority=7&Description=shops";
    let asked = browser.get(&format!("{group}/rules/add?{query}")).await;
    asked.shows("Accept TCP, ports 8000\u{2013}8080, from 10.0.0.0/8, priority 7");
    browser.get(&group).await.shows("No rule accepts anything yet.");
    let made = confirm(&mut browser, &asked).await;
    let change = browser.follow(&made).await;
    change.shows("CreateSecurityGroupPermissions");
    change.shows("It concerns no node");
    let page = browser.get(&group).await;
    page.shows("8000\u{2013}8080");
    page.shows("shops");
    let remove = page.body.split("href=\"").find(|rest| rest.contains("/rules/remove?")).unwrap();
    let remove = remove.split('"').next().unwrap().replace("&amp;", "&");
    let asked = browser.get(&remove).await;
    asked.shows("Remove the rule");
    let made = confirm(&mut browser, &asked).await;
    browser.follow(&made).await.shows("DeleteSecurityGroupPermissions");
    browser.get(&group).await.shows("No rule accepts anything yet.");
}

#[tokio::test]
async fn an_instance_leaves_and_joins_after_it_was_asked() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    let id = instance.rsplit('/').next().unwrap();
    browser.get(&group).await.shows(id);
    let asked = browser.get(&format!("{group}/leave?instance={id}")).await;
    asked.shows("Leave this group?");
    let made = confirm(&mut browser, &asked).await;
    browser.follow(&made).await.shows("LeaveSecurityGroup");
    browser.get(&group).await.shows("There are no members yet.");
    let asked = browser.get(&format!("{group}/join/preview?member={id}")).await;
    asked.shows("Join this group?");
    let made = confirm(&mut browser, &asked).await;
    browser.follow(&made).await.shows("JoinSecurityGroup");
    browser.get(&group).await.shows(id);
}

#[tokio::test]
async fn what_a_user_may_not_do_is_refused_by_the_check_of_the_api() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (group, instance) = furnish(&mut root).await;
    let id = instance.rsplit('/').next().unwrap();
    let made = root.fill_in("/console/users/alice", "/console/users/alice/keys", &[]).await;
    let shown = |name: &str| {
        let (_, rest) = made.body.split_once(&format!("aria-label=\"{name}\">")).unwrap();
        rest.split('<').next().unwrap().to_owned()
    };
    let mut alice = site.browser();
    assert_eq!(alice.sign_in(&shown("Access key ID"), &shown("Access key secret")).await.status, 303);
    for path in [
        "/console/groups",
        "/console/instances",
        "/console/users",
        "/console/policies",
        "/console/nodes",
        &group,
    ] {
        let page = alice.get(path).await;
        assert_ne!(page.status, 200, "{path}");
        page.shows("Not permitted");
        page.shows("NoPermission");
    }
    let overview = alice.get("/console").await;
    assert_eq!(overview.status, 200);
    overview.hides("web-1");
    let token = alice.get("/console").await.form_token();
    let fields = [("instance", id), ("form-token", token.as_str())];
    let refused = alice.send(&format!("{group}/leave"), &fields).await;
    assert_eq!(refused.status, 400);
    refused.shows("NoPermission");
    root.get(&group).await.shows(id);
    root.fill_in(
        "/console/users/alice",
        "/console/users/alice/policies",
        &[("policy", "System:AliyunENSReadOnlyAccess")],
    )
    .await;
    assert_eq!(alice.get("/console/groups").await.status, 200);
    let still = alice.send(&format!("{group}/leave"), &fields).await;
    assert_eq!(still.status, 400);
}

#[tokio::test]
async fn whether_a_user_may_call_something_is_decided_without_calling_it() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    root.fill_in("/console/users/new", "/console/users/new", &[("UserName", "alice")]).await;
    let ask = "/console/access?UserName=alice&operation=LeaveSecurityGroup";
    root.get(ask).await.shows("alice may not call LeaveSecurityGroup.");
    root.fill_in(
        "/console/users/alice",
        "/console/users/alice/policies",
        &[("policy", "System:AliyunENSFullAccess")],
    )
    .await;
    root.get(ask).await.shows("alice may call LeaveSecurityGroup.");
    root.get("/console/access?UserName=nobody&operation=LeaveSecurityGroup")
        .await
        .shows("EntityNotExist.User");
    root.get("/console/access?UserName=alice&operation=Nope").await.shows("There is no such operation.");
}

#[tokio::test]
async fn a_policy_is_made_changed_and_deleted() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let document = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ens:LeaveSecurityGroup","Resource":"*"}]}"#;
    let made = root
        .fill_in(
            "/console/policies/new",
            "/console/policies/new",
            &[("PolicyName", "leaver"), ("PolicyDocument", document)],
        )
        .await;
    let own = "/console/policies/Custom/leaver";
    root.follow(&made).await.shows("CreatePolicy");
    assert_eq!(made.led_to(), own);
    root.get(own).await.shows("ens:LeaveSecurityGroup");
    let wrong = root.fill_in(own, &format!("{own}/version"), &[("PolicyDocument", "{")]).await;
    assert_eq!(wrong.status, 400);
    wrong.shows("MalformedPolicyDocument");
    let other = document.replace("Leave", "Join");
    let changed = root.fill_in(own, &format!("{own}/version"), &[("PolicyDocument", &other)]).await;
    root.follow(&changed).await.shows("CreatePolicyVersion");
    root.get(&changed.led_to()).await.shows("ens:JoinSecurityGroup");
    let gone = root.fill_in(&format!("{own}/delete"), &format!("{own}/delete"), &[]).await;
    assert_eq!(gone.status, 303, "{gone:?}");
    assert_ne!(root.get(own).await.status, 200);
}

#[tokio::test]
async fn what_the_api_refuses_is_said_beside_the_form() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let refused = browser
        .fill_in(
            "/console/networks/new",
            "/console/networks/new",
            &[("EnsRegionId", "edge-1"), ("CidrBlock", "10.0.0.0")],
        )
        .await;
    assert_eq!(refused.status, 400);
    refused.shows("InvalidParameter.CidrBlock");
    refused.shows("value=\"10.0.0.0\"");
}
