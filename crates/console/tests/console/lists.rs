//! Lists: search by a part of a name, and filters.

use super::{
    changes::{furnish, make_group},
    support::Site,
};

#[tokio::test]
async fn groups_are_found_by_a_part_of_their_name_and_by_who_is_in_them() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (_, instance) = furnish(&mut browser).await;
    let quiet = make_group(&mut browser, "Web-quiet").await;
    let quiet = quiet.rsplit('/').next().unwrap();
    let instance = instance.rsplit('/').next().unwrap();
    for (query, there, hidden) in [
        ("q=eb", &[">web<", ">Web-quiet<"][..], &[][..]),
        ("q=b-qui", &[">Web-quiet<"], &[">web<"]),
        (&format!("q={}", &quiet[5..18]), &[">Web-quiet<", "1 in all"], &[">web<"]),
        ("HasMembers=false", &[">Web-quiet<"], &[">web<"]),
        ("HasMembers=true", &[">web<", "1 instance<"], &[">Web-quiet<"]),
        (
            "q=quiet&HasMembers=true",
            &["No group matches.", ">Show all<"],
            &["There are no security groups yet."],
        ),
        (&format!("InstanceId={instance}"), &[">web<"], &[">Web-quiet<"]),
    ] {
        let page = browser.get(&format!("/console/groups?{query}")).await;
        assert_eq!(page.status, 200, "{query}: {page:?}");
        there.iter().for_each(|text| page.shows(text));
        hidden.iter().for_each(|text| page.hides(text));
    }
    let wrong = browser.get("/console/groups?InstanceId=x%20y").await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    wrong.shows("\u{201c}Of an instance\u{201d} is not what it must look like.");
    wrong.shows("value=\"x y\"");
}

#[tokio::test]
async fn networks_are_found_by_a_part_of_their_name_and_by_their_site() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    for (name, region, block) in
        [("front", "edge-1", "10.1.0.0/16"), ("back", "cn-hangzhou-telecom", "10.2.0.0/16")]
    {
        let form = "/console/networks/new";
        let wish = [("EnsRegionId", region), ("CidrBlock", block), ("NetworkName", name)];
        assert_eq!(browser.fill_in(form, form, &wish).await.status, 303);
    }
    for (query, there, hidden) in [
        ("q=RON", ">front<", ">back<"),
        ("EnsRegionId=cn-hangzhou-telecom", ">back<", ">front<"),
        ("q=a&EnsRegionId=edge-1", "No network matches.", ">back<"),
        ("q=n-5", "No network matches.", ">back<"),
    ] {
        let page = browser.get(&format!("/console/networks?{query}")).await;
        assert_eq!(page.status, 200, "{query}: {page:?}");
        page.shows(there);
        page.hides(hidden);
        page.shows("name=\"EnsRegionId\"");
    }
}

#[tokio::test]
async fn who_may_not_search_for_parts_finds_whole_names() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    furnish(&mut root).await;
    let (id, secret) = root.make_user("bob").await;
    let attached = [("policy", "System:AliyunENSReadOnlyAccess")];
    root.fill_in("/console/users/bob", "/console/users/bob/policies", &attached).await;
    let mut bob = site.browser();
    assert_eq!(bob.sign_in(&id, &secret).await.status, 303);
    for (list, name, part) in [("groups", "web", "we"), ("networks", "shop", "sho")] {
        let page = bob.get(&format!("/console/{list}?q={name}")).await;
        page.shows(&format!(">{name}<"));
        page.shows("An id, or the whole name");
        bob.get(&format!("/console/{list}?q={part}")).await.shows("The name has to be the whole one.");
    }
    bob.get("/console/groups").await.hides("name=\"HasMembers\"");
    let refused = bob.get("/console/groups?HasMembers=false").await;
    assert_ne!(refused.status, 200);
    refused.shows("ravelin:ListSecurityGroups");
    root.get("/console/activity?Outcome=Refused&UserName=bob").await.shows("ListSecurityGroups");
}
