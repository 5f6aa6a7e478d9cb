//! What people see before and after: previews, explanations, findings; and who sees what.

use super::{
    changes::furnish,
    support::{Browser, Site, targets},
};

/// Adds a rule to a group by its forms. A form that was not shown with what comes of it is asked about first.
pub(crate) async fn add_rule(browser: &mut Browser, group: &str, fields: &[(&str, &str)]) {
    let action = format!("{group}/rules/add");
    let asked = browser.fill_in(&format!("{group}/edit"), &action, fields).await;
    assert_eq!(asked.status, 409, "{asked:?}");
    let made = browser.post(&action, &asked.hidden_of(&action)).await;
    assert_eq!(made.status, 303, "{made:?}");
}

/// What a web server is reached on.
pub(crate) const WEB: [(&str, &str); 6] = [
    ("Direction", "ingress"),
    ("Policy", "Accept"),
    ("IpProtocol", "TCP"),
    ("PortRange", "443/443"),
    ("Priority", "5"),
    ("SourceCidrIp", "0.0.0.0/0"),
];

#[tokio::test]
async fn a_leave_shows_first_what_closes() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    add_rule(&mut browser, &group, &WEB).await;
    let id = instance.rsplit('/').next().unwrap();
    let asked = browser.get(&format!("{group}/leave?instance={id}")).await;
    assert_eq!(asked.status, 200);
    for said in
        ["Before you go on", "would be in no group", "Closes", "any IPv4 address", "443", "Make this change?"]
    {
        asked.shows(said);
    }
    browser.get(&group).await.shows(id);
    let nobody = browser.get(&format!("{group}/leave?instance=i-5vn4n3y4laeb2ii9zxxltlvzi")).await;
    nobody.shows("InvalidInstanceId.NotFound");
}

#[tokio::test]
async fn a_rule_shows_first_what_opens() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, _) = furnish(&mut browser).await;
    let query = "Direction=ingress&Policy=Accept&IpProtocol=TCP&ports=22&peer=192.0.2.0%2F24&Priority=1";
    let asked = browser.get(&format!("{group}/rules/add?{query}")).await;
    asked.shows("Opens");
    asked.shows("192.0.2.0/24");
    let wrong = browser.get(&format!("{group}/rules/add?{}", query.replace("ports=22", "ports=no"))).await;
    wrong.shows("InvalidParameter");
}

#[tokio::test]
async fn a_packet_is_explained_before_and_after() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    let id = instance.rsplit('/').next().unwrap();
    let ask = format!("/console/explain?From=internet&To={id}&Protocol=tcp&Port=443");
    browser.get(&ask).await.shows("It is dropped.");
    let before = site.control.status().durable;
    add_rule(&mut browser, &group, &WEB).await;
    let after = browser.get(&ask).await;
    for said in [
        "It is accepted.",
        "Where it arrives",
        "Not enforced",
        "The smallest change that would decide otherwise",
        "<ol class=\"way\"",
    ] {
        after.shows(said);
    }
    browser.get(&format!("{ask}&AsOf={before}")).await.shows("It is dropped.");
    let wrong = browser.get("/console/explain?From=internet&To=10.0.0.2&Protocol=tcp").await;
    assert_eq!(wrong.status, 400);
    wrong.shows("Port is needed");
}

#[tokio::test]
async fn a_link_to_an_explanation_is_asked_again_as_it_was() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (_, instance) = furnish(&mut browser).await;
    let id = instance.rsplit('/').next().unwrap();
    let ask = |more: &str| format!("/console/explain?From={id}&To={id}&{more}");
    let own = browser.get(&ask("Protocol=tcp&Port=443&SourcePort=1024")).await;
    own.shows("name=\"SourcePort\" value=\"1024\"");
    own.shows(":1024 &gt; ");
    own.shows("such packets never leave it");
    browser.get(&ask("Protocol=132")).await.shows("<option value=\"132\" selected>132</option>");
    let other = browser.get(&format!("/console/explain?From=internet&To={id}&Protocol=gre")).await;
    other.hides("such packets never leave it");
    other.hides("value=\"132\"");
}

#[tokio::test]
async fn what_is_odd_is_found() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, _) = furnish(&mut browser).await;
    let door = [
        ("Direction", "ingress"),
        ("Policy", "Accept"),
        ("IpProtocol", "TCP"),
        ("PortRange", "22/22"),
        ("Priority", "5"),
        ("SourceCidrIp", "0.0.0.0/0"),
    ];
    add_rule(&mut browser, &group, &door).await;
    let page = browser.get("/console/findings").await;
    page.shows("Open to the world");
    page.shows(group.rsplit('/').next().unwrap());
    for said in [
        "Open over IPv4: <code>tcp 22</code>",
        "1 network interface: <a class=\"id\" href=\"/console/interfaces/eni-",
    ] {
        page.shows(said);
    }
    let id = group.rsplit('/').next().unwrap();
    let members = browser.get(&format!("/console/findings?Kind=NoMembers&SecurityGroupId={id}")).await;
    members.shows("Nothing was found.");
    members.hides("port for administration");
}

#[tokio::test]
async fn looking_at_what_one_may_not_see_leaves_no_trace_that_nobody_asked_for() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    root.fill_in("/console/users/new", "/console/users/new", &[("UserName", "alice")]).await;
    let made = root.fill_in("/console/users/alice", "/console/users/alice/keys", &[]).await;
    let shown = |name: &str| {
        let (_, rest) = made.body.split_once(&format!("aria-label=\"{name}\">")).unwrap();
        rest.split('<').next().unwrap().to_owned()
    };
    let mut alice = site.browser();
    alice.sign_in(&shown("Access key ID"), &shown("Access key secret")).await;
    assert_eq!(alice.get("/console").await.status, 200);
    root.get("/console/activity?Outcome=Refused").await.shows("Nothing matches.");
    assert_ne!(alice.get("/console/groups").await.status, 200);
    root.get("/console/activity?Outcome=Refused").await.shows("DescribeSecurityGroups");
}

#[tokio::test]
async fn users_whose_names_mean_something_in_an_address_are_managed_as_others() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    for name in ["new", ".", ".."] {
        let (id, _) = root.make_user(name).await;
        let list = root.get("/console/users").await;
        let page = targets(&list.body).into_iter().find(|own| own.starts_with("/console/users/%3D")).unwrap();
        root.get(&page).await.shows(&id);
        let delete = format!("{page}/keys/{id}/delete");
        root.get(&page).await.shows(&delete);
        let gone = root.fill_in(&delete, &delete, &[]).await;
        assert_eq!(gone.led_to(), page);
        let gone = root.fill_in(&format!("{page}/delete"), &format!("{page}/delete"), &[]).await;
        assert_eq!(gone.status, 303, "{gone:?}");
        root.get("/console/users").await.shows("There are no RAM users.");
    }
}

#[tokio::test]
async fn the_number_of_the_newest_change_is_for_those_who_may_see_it() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (id, secret) = root.make_user("alice").await;
    root.get("/console").await.shows("The newest change is");
    let mut alice = site.browser();
    assert_eq!(alice.sign_in(&id, &secret).await.status, 303);
    let page = alice.get("/console").await;
    page.hides("The newest change is");
    page.hides("/console/changes/");
    page.shows("You may not see where changes are in force.");
}

#[tokio::test]
async fn a_filter_that_is_wrong_is_said_above_the_form_that_keeps_it() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    furnish(&mut browser).await;
    for (address, status, said) in [
        ("/console/activity?BeginTime=yesterday", 400, "\u{201c}From\u{201d} is not what it must look like."),
        ("/console/activity?UserName=nobody", 404, "EntityNotExist.User"),
        ("/console/findings?SecurityGroupId=nope", 400, "SecurityGroupId"),
        (
            "/console/findings?Kind=Unused&UnusedSince=nope&SecurityGroupId=sg-5vn4n3y4laeb2ii9zxxltlvzi",
            400,
            "Unused since",
        ),
        ("/console/map?group=nonono", 404, "There is no such group."),
        ("/console/map?port=abc", 400, "\u{201c}Port\u{201d} is not what it must look like."),
    ] {
        let page = browser.get(address).await;
        assert_eq!(page.status, status, "{address}: {page:?}");
        page.shows(said);
        page.shows("role=\"search\"");
        let typed = address.split(['?', '&']).nth(1).and_then(|pair| pair.split_once('=')).unwrap().1;
        page.shows(&format!("value=\"{typed}\""));
        page.hides("Nothing was found.");
        page.hides("Nothing matches.");
    }
}

#[tokio::test]
async fn what_nodes_are_asked_about_alone_is_asked_for_first() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, _) = furnish(&mut browser).await;
    let page = browser.get("/console/findings?Kind=Unused").await;
    assert_eq!(page.status, 200);
    page.shows("name=\"UnusedSince\"");
    page.shows("fill in which");
    let id = group.rsplit('/').next().unwrap();
    let found = browser.get(&format!("/console/findings?Kind=Unused&SecurityGroupId={id}")).await;
    assert_eq!(found.status, 200, "{found:?}");
    found.shows("Nothing was found.");
    found.shows("1 network interface is bound to no node");
}

#[tokio::test]
async fn a_rule_that_cannot_be_is_told_what_it_must_look_like() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, _) = furnish(&mut browser).await;
    let query = "Direction=ingress&Policy=Accept&IpProtocol=TCP&ports=99999&peer=192.0.2.0%2F24&Priority=1";
    let page = browser.get(&format!("{group}/rules/add?{query}")).await;
    page.shows("<code>PortRange</code> takes: ");
    page.shows("/console/reference/ens/");
    page.hides("Make this change?");
    let form = targets(&page.body).into_iter().find(|own| own.contains("/rules/new?")).unwrap();
    let form = browser.get(&form).await;
    for typed in ["value=\"99999\"", "value=\"192.0.2.0/24\""] {
        form.shows(typed);
    }
    let nobody = browser.get(&format!("{group}/join/preview?member=i-5vn4n3y4laeb2ii9zxxltlvzi")).await;
    nobody.hides("Make this change?");
    nobody.shows(&format!("href=\"{group}/join?member=i-5vn4n3y4laeb2ii9zxxltlvzi\""));
}

#[tokio::test]
async fn a_call_of_the_explorer_that_is_not_made_keeps_what_was_typed_but_passwords() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let form = "/console/explorer/ens/RunInstances";
    let typed = [
        ("InstanceName", "web & more"),
        ("Password", "Secret-123"),
        ("UserData", "U2VjcmV0LTQ1Ng=="),
        ("format", "xml"),
        ("wait", "7"),
        ("do", "send"),
    ];
    let asked = browser.fill_in(form, form, &typed).await;
    asked.shows("Make this call?");
    let cancel = targets(&asked.body).into_iter().find(|own| own.starts_with(&format!("{form}?"))).unwrap();
    assert!(!cancel.contains("Secret-123") && !cancel.contains("UserData"), "{cancel}");
    let again = browser.get(&cancel).await;
    for kept in ["value=\"web &amp; more\"", "value=\"xml\" selected", "value=\"7\""] {
        again.shows(kept);
    }
    again.hides("Secret-123");
}
