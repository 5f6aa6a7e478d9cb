//! Activity: who did what, and how things were.

use super::{
    changes::furnish,
    people::{WEB, add_rule},
    support::{Answer, Site, targets},
};

#[tokio::test]
async fn who_did_what_is_listed_and_how_it_was_then_is_shown() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, _) = furnish(&mut browser).await;
    let id = group.rsplit('/').next().unwrap();
    let before = site.control.status().durable;
    add_rule(&mut browser, &group, &WEB).await;
    let refused = browser.fill_in(&format!("{group}/delete"), &format!("{group}/delete"), &[]).await;
    assert_ne!(refused.status, 303);
    let page = browser.get("/console/activity").await;
    for said in ["CreateSecurityGroupPermissions", "DeleteSecurityGroup", ">Refused<", "127.0.0.1", "root"] {
        page.shows(said);
    }
    let of_group = browser.get(&format!("/console/activity?ResourceId={id}&Outcome=Applied")).await;
    of_group.shows("CreateSecurityGroupPermissions");
    of_group.hides("CreateNetwork<");
    let then = browser.get(&format!("/console/activity/state?ResourceId={id}&AsOf={before}")).await;
    then.shows("SecurityGroup after change");
    then.hides("443/443");
    browser.get(&format!("/console/activity/state?ResourceId={id}&AsOf=999999")).await.shows("InvalidAsOf");
}

#[tokio::test]
async fn each_event_of_a_thing_leads_to_how_that_was_before_and_after() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    add_rule(&mut browser, &group, &WEB).await;
    let id = group.rsplit('/').next().unwrap();
    let interface = targets(&browser.get(&instance).await.body)
        .into_iter()
        .find(|own| own.starts_with("/console/interfaces/eni-"))
        .unwrap();
    for thing in [&group, &instance, &interface] {
        let own = thing.rsplit('/').next().unwrap();
        let page = browser.get(thing).await;
        for way in [
            format!("/console/activity?ResourceId={own}"),
            format!("/console/activity/state?ResourceId={own}"),
        ] {
            assert!(targets(&page.body).contains(&way), "{thing} leads to {way}");
            assert_eq!(browser.get(&way).await.status, 200);
        }
        let events = browser.get(&format!("/console/activity?ResourceId={own}")).await;
        let states: Vec<String> = targets(&events.body)
            .into_iter()
            .filter(|way| way.starts_with(&format!("/console/activity/state?ResourceId={own}&")))
            .collect();
        assert!(states.len() > 1, "{states:?}");
        for state in states {
            assert_eq!(browser.get(&state).await.status, 200, "{state}");
        }
    }
    // Before the rule was added it was not there, and after it was.
    let events = browser.get(&format!("/console/activity?ResourceId={id}")).await;
    let newest: Vec<String> =
        targets(&events.body).into_iter().filter(|way| way.contains("/state?") && way.contains(id)).collect();
    let rules = |page: &Answer| page.body.matches("443/443").count();
    let (mut counts, mut pages) = (Vec::new(), Vec::new());
    for way in newest.iter().take(2) {
        let page = browser.get(way).await;
        counts.push(rules(&page));
        pages.push(page);
    }
    assert_eq!(counts[0], 0, "{:?}", pages[0]);
    assert!(counts[1] > 0, "{:?}", pages[1]);
}

#[tokio::test]
async fn each_event_says_which_call_it_was_and_why_it_was_refused() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, _) = furnish(&mut browser).await;
    let refused = browser.fill_in(&format!("{group}/delete"), &format!("{group}/delete"), &[]).await;
    let why = " is still used by ";
    refused.shows(why);
    let events = browser.get("/console/activity?Outcome=Refused").await;
    events.shows(why);
    let events = browser.get("/console/activity").await;
    let rows = events.body.matches("</tr>").count() - 1;
    assert_eq!(events.body.matches("Request id: ").count(), rows);
}

#[tokio::test]
async fn of_many_changes_it_is_said_how_many_more_there_are_and_where() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    let page = browser.get(&instance).await;
    let interface =
        targets(&page.body).into_iter().find(|own| own.starts_with("/console/interfaces/eni-")).unwrap();
    let page = browser.get(&interface).await.body;
    let vswitch = format!("vsw-{}", page.split_once(">vsw-").unwrap().1.split('<').next().unwrap());
    let wish = [
        ("EnsRegionId", "edge-1"),
        ("VSwitchId", vswitch.as_str()),
        ("SecurityId", group.rsplit('/').next().unwrap()),
        ("Amount", "60"),
    ];
    let made = browser.fill_in("/console/instances/new", "/console/instances/new", &wish).await;
    assert_eq!(made.status, 303, "{made:?}");
    let events = browser.get("/console/activity?OperationName=RunInstances&Outcome=Applied").await;
    events.shows("and 100 more");
    let more = events.body.split("<a href=\"").find(|rest| rest.contains(">and 100 more<")).unwrap();
    let change = browser.get(more.split('"').next().unwrap()).await;
    change.shows("and 20 more");
    assert_eq!(change.body.matches("<strong>Created</strong>").count(), 100);
    let generation = more.split('"').next().unwrap().rsplit('/').next().unwrap().parse::<u64>().unwrap();
    let next = generation + 1;
    change.shows(&format!(
        "ravelin api ListEvents --Outcome Applied --MaxResults 1 --NextToken {next} --MaxChanges 120"
    ));
}
