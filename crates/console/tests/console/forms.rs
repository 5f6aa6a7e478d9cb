//! Forms that are sent twice, late, or in doubt: each does what it does once, and what it showed.

use super::{
    changes::{confirm, furnish, make_group},
    support::{Answer, Browser, Site},
};

#[tokio::test]
async fn what_would_do_something_else_by_now_is_asked_again() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (web, instance) = furnish(&mut browser).await;
    let id = instance.rsplit('/').next().unwrap();
    let operations = make_group(&mut browser, "operations").await;
    let asked = browser.get(&format!("{operations}/join/preview?member={id}")).await;
    assert_eq!(confirm(&mut browser, &asked).await.status, 303);

    let first = browser.get(&format!("{web}/leave?instance={id}")).await;
    first.hides("would be in no group");
    let other = browser.get(&format!("{operations}/leave?instance={id}")).await;
    assert_eq!(confirm(&mut browser, &other).await.status, 303);

    let again = confirm(&mut browser, &first).await;
    assert_eq!(again.status, 409, "{again:?}");
    again.shows("This has changed since you looked at it.");
    again.shows("would be in no group");
    browser.get(&web).await.shows(id);

    let made = confirm(&mut browser, &Answer { status: 200, ..again }).await;
    browser.follow(&made).await.shows("LeaveSecurityGroup");
    browser.get(&web).await.shows("There are no members yet.");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_carried_out_once() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (web, instance) = furnish(&mut browser).await;
    let id = instance.rsplit('/').next().unwrap();

    let page = browser.get("/console/groups/new").await;
    let fields = page.group_form(&[("SecurityGroupName", "twice")]);
    let first = browser.post("/console/groups/new", &fields).await;
    let second = browser.post("/console/groups/new", &fields).await;
    assert_eq!((first.status, second.status), (303, 303), "{second:?}");
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(browser.get("/console/groups").await.body.matches(">twice<").count(), 1);

    // What was filled in otherwise is another form.
    let other = page.group_form(&[("SecurityGroupName", "once")]);
    let other = browser.post("/console/groups/new", &other).await;
    assert_ne!(other.header("location"), first.header("location"));

    let asked = browser.get(&format!("{web}/leave?instance={id}")).await;
    let first = confirm(&mut browser, &asked).await;
    let second = confirm(&mut browser, &asked).await;
    assert_eq!((first.status, second.status), (303, 303), "{second:?}");
    assert_eq!(first.header("location"), second.header("location"));
}

#[tokio::test]
async fn a_secret_is_made_and_shown_once_however_often_its_form_is_sent() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    browser.fill_in("/console/users/new", "/console/users/new", &[("UserName", "alice")]).await;
    let page = browser.get("/console/users/alice").await;
    let fields = page.hidden_of("/console/users/alice/keys");
    let first = browser.post("/console/users/alice/keys", &fields).await;
    first.shows("Access key secret");
    let second = browser.post("/console/users/alice/keys", &fields).await;
    assert_eq!(second.status, 409);
    second.shows("This form was sent before.");
    second.hides("Access key secret");
    let keys = browser.get("/console/users/alice").await.body.matches("Switch off").count();
    assert_eq!(keys, 1);
}

#[tokio::test]
async fn a_form_that_was_refused_may_be_sent_again() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let page = browser.get("/console/groups/new").await;
    let fields = page.group_form(&[("SecurityGroupName", "1")]);
    for _ in 0..2 {
        let refused = browser.post("/console/groups/new", &fields).await;
        assert_eq!(refused.status, 400);
        refused.shows("InvalidParameter");
    }
}

/// The button that makes a call of the explorer: its fields, as the page has them that asks.
async fn call(browser: &mut Browser, form: &str, asked: &Answer) -> Answer {
    asked.shows("Make this call?");
    browser.post(form, &asked.hidden_of(&format!("{form}#result"))).await
}

#[tokio::test]
async fn two_presses_at_the_same_moment_are_one() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let mut other = browser.clone();
    let page = browser.get("/console/groups/new").await;
    let fields = page.group_form(&[("SecurityGroupName", "twice")]);
    let (first, second) = tokio::join!(
        browser.post("/console/groups/new", &fields),
        other.post("/console/groups/new", &fields)
    );
    assert_eq!((first.status, second.status), (303, 303), "{first:?} {second:?}");
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(browser.get("/console/groups").await.body.matches(">twice<").count(), 1);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_a_second_time_and_one_is_told_where_to_look() {
    let (site, gate) = Site::gated().await;
    let mut browser = site.signed_in().await;
    let page = browser.get("/console/groups/new").await;
    let fields = page.group_form(&[("SecurityGroupName", "doubtful")]);
    gate.close();
    let first = browser.post("/console/groups/new", &fields).await;
    gate.open();
    assert_eq!(first.status, 503, "{first:?}");
    first.shows("It is not known what came of this.");
    // Also where it is sent from the answer, in which it stands as it was filled in.
    first.shows("value=\"doubtful\"");
    let shown = first.group_form(&[("SecurityGroupName", "doubtful")]);
    for fields in [&fields, &shown] {
        let again = browser.post("/console/groups/new", fields).await;
        assert_eq!(again.status, 409, "{again:?}");
        again.shows(">Not known what came of it</h1>");
        again.hides("Done once");
        again.shows("href=\"/console/activity\"");
        again.shows("<a class=\"button\" href=\"/console/groups\">Look whether it is there</a>");
    }
    assert_eq!(browser.get("/console/groups").await.body.matches(">doubtful<").count(), 1);
}

#[tokio::test]
async fn a_call_of_the_explorer_that_may_have_been_made_is_not_made_a_second_time() {
    let (site, gate) = Site::gated().await;
    let mut browser = site.signed_in().await;
    let form = "/console/explorer/ens/CreateSecurityGroup";
    let fields = [("SecurityGroupName", "doubtful"), ("do", "send")];
    let asked = browser.fill_in(form, form, &fields).await;
    gate.close();
    let first = call(&mut browser, form, &asked).await;
    gate.open();
    first.shows("503 Service Unavailable");
    first.shows("It is not known what came of this.");
    let again = call(&mut browser, form, &asked).await;
    assert_eq!(again.status, 409, "{again:?}");
    again.shows(">Not known what came of it</h1>");
    assert_eq!(browser.get("/console/groups").await.body.matches(">doubtful<").count(), 1);
}

#[tokio::test]
async fn where_looking_failed_before_anything_was_begun_a_form_may_be_sent_again() {
    let (site, gate) = Site::gated().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    let id = instance.rsplit('/').next().unwrap();
    let asked = browser.get(&format!("{group}/leave?instance={id}")).await;
    let mut other = browser.clone();
    let page = other.get("/console/groups/new").await;
    gate.close();
    // Whoever reads waits for this change, and in vain.
    let fields = page.group_form(&[("SecurityGroupName", "slow")]);
    let slow = other.post("/console/groups/new", &fields).await;
    let failed = confirm(&mut browser, &asked).await;
    gate.open();
    assert_eq!((slow.status, failed.status), (503, 503), "{failed:?}");
    failed.hides("It is not known what came of this.");
    let made = confirm(&mut browser, &asked).await;
    browser.follow(&made).await.shows("LeaveSecurityGroup");
    browser.get(&group).await.shows("There are no members yet.");
}

#[tokio::test]
async fn a_call_of_the_explorer_that_would_do_something_else_by_now_is_asked_again() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (web, instance) = furnish(&mut browser).await;
    let (id, web_id) = (instance.rsplit('/').next().unwrap(), web.rsplit('/').next().unwrap());
    let operations = make_group(&mut browser, "operations").await;
    let asked = browser.get(&format!("{operations}/join/preview?member={id}")).await;
    assert_eq!(confirm(&mut browser, &asked).await.status, 303);

    let form = "/console/explorer/ens/LeaveSecurityGroup";
    let fields = [("SecurityGroupId", web_id), ("InstanceId", id), ("do", "send")];
    let first = browser.fill_in(form, form, &fields).await;
    first.hides("would be in no group");
    let other = browser.get(&format!("{operations}/leave?instance={id}")).await;
    assert_eq!(confirm(&mut browser, &other).await.status, 303);

    let again = call(&mut browser, form, &first).await;
    assert_eq!(again.status, 409, "{again:?}");
    again.shows("This has changed since you looked at it.");
    again.shows("would be in no group");
    browser.get(&web).await.shows(id);
    let made = call(&mut browser, form, &again).await;
    assert_eq!(made.status, 200, "{made:?}");
    made.shows("200 OK");
    browser.get(&web).await.shows("There are no members yet.");
}

/// Groups without rules: that there is one more of them changes no packet.
#[tokio::test]
async fn other_groups_are_something_else_though_no_packet_is_decided_otherwise() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (web, instance) = furnish(&mut browser).await;
    let id = instance.rsplit('/').next().unwrap();
    let mut shown = None;
    for name in ["first", "second"] {
        let group = make_group(&mut browser, name).await;
        let asked = browser.get(&format!("{group}/join/preview?member={id}")).await;
        assert_eq!(confirm(&mut browser, &asked).await.status, 303);
        let leave = browser.get(&format!("{web}/leave?instance={id}")).await;
        shown.get_or_insert(leave);
    }
    let again = confirm(&mut browser, &shown.unwrap()).await;
    assert_eq!(again.status, 409, "{again:?}");
    again.shows("This has changed since you looked at it.");
}
