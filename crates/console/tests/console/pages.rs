//! What stands in pages, and what is told about them.

use sha2::{Digest, Sha256};

use std::collections::{BTreeSet, VecDeque};

use super::support::{Browser, KEY, Site, targets};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Asserts what holds of every page.
#[track_caller]
fn assert_good(path: &str, answer: &super::support::Answer) {
    assert_eq!(answer.header("content-security-policy"), POLICY, "{path}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    assert!(!answer.header("cache-control").is_empty(), "{path}");
    if !answer.header("content-type").starts_with("text/html") {
        return;
    }
    let body = &answer.body;
    assert!(body.contains("<html lang=\"en\"") && body.contains("<main id=\"content\""), "{path}");
    assert_eq!(body.matches("<h1>").count(), 1, "{path}");
    for inline in [" style=\"", "<style", " onclick=", " onload=", "=\"javascript:", "=\"data:"] {
        assert!(!body.contains(inline), "{path} has {inline}");
    }
    for script in body.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"/console/assets/") && script.contains("></script>"), "{path}");
    }
    for id in body.split(" for=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(body.contains(&format!(" id=\"{id}\"")), "{path}: a label for {id}");
    }
    let mut ids: Vec<&str> =
        body.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{path}: an id stands twice");
    assert!(body.len() < 150_000, "{path} has {} bytes", body.len());
}

/// Opens every page that can be reached, and gives back their addresses.
async fn walk(browser: &mut Browser) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut waiting = VecDeque::from(["/console".to_owned()]);
    while let Some(path) = waiting.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if path.ends_with("/live")
            || path.contains("/live/")
            || path.ends_with("sign-out")
            || path.ends_with("/theme")
        {
            continue;
        }
        let answer = browser.get(&path).await;
        // A form's address may take POST alone.
        assert!(matches!(answer.status, 200 | 303 | 405), "{path}: {answer:?}");
        assert_good(&path, &answer);
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        for target in targets(&answer.body) {
            let target = target.split('#').next().unwrap().to_owned();
            assert!(!target.contains("//") && !target.starts_with("http"), "{path} leads to {target}");
            match target.chars().next() {
                None => {}
                Some('?') => {
                    waiting.push_back(format!("{}{target}", path.split('?').next().unwrap()));
                }
                Some('/') => {
                    assert!(target.starts_with("/console"), "{path} leads to {target}");
                    // Forms are sent there; what they lead to has tests of its own.
                    if !answer.body.contains(&format!("action=\"{target}\"")) {
                        waiting.push_back(target);
                    }
                }
                Some(_) => panic!("{path} leads to {target}"),
            }
        }
    }
    seen
}

#[tokio::test]
async fn every_page_of_an_empty_server_is_good_and_says_what_to_do_first() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let seen = walk(&mut browser).await;
    assert!(seen.len() > 100, "{} pages", seen.len());
    for (path, said) in [
        ("/console", "First steps"),
        ("/console/groups", "There are no security groups yet."),
        ("/console/instances", "There are no instances yet."),
        ("/console/interfaces", "There are no network interfaces yet."),
        ("/console/networks", "There are no networks yet."),
        ("/console/nodes", "There are no nodes yet."),
        ("/console/users", "There are no RAM users."),
    ] {
        assert!(seen.contains(path), "{path} can be reached");
        browser.get(path).await.shows(said);
    }
}

#[tokio::test]
async fn every_page_of_a_server_with_something_on_it_is_good() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    super::changes::furnish(&mut browser).await;
    let seen = walk(&mut browser).await;
    for kind in ["groups/sg-", "instances/i-", "interfaces/eni-", "networks/n-", "users/", "policies/System/"]
    {
        let begins = format!("/console/{kind}");
        assert!(seen.iter().any(|path| path.starts_with(&begins)), "{begins} can be reached");
    }
}

#[tokio::test]
async fn the_first_page_with_all_that_it_loads_is_small_and_kept() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let page = browser.get("/console").await;
    let mut bytes = page.body.len();
    let loaded: Vec<String> =
        targets(&page.body).into_iter().filter(|target| target.contains("/assets/")).collect();
    assert_eq!(loaded.len(), 3);
    for asset in loaded {
        let answer = site.browser().get(&asset).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_good(&asset, &answer);
        bytes += answer.body.len();
    }
    assert!(bytes < 150_000, "{bytes}");
}

#[tokio::test]
async fn what_there_is_not_and_what_an_address_does_not_take_is_said() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    for path in ["/console/nope", "/console/groups/a/b/c/d", "/console/assets/style-0.css", "/console/%zz"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_good(path, &answer);
    }
    for (method, path) in [
        ("PUT", "/console"),
        ("DELETE", "/console/groups"),
        ("POST", "/console"),
        ("GET", "/console/sign-out"),
    ] {
        let answer =
            browser.ask(method, path, &[("content-type", "application/x-www-form-urlencoded")], "").await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.header("allow"), "GET, HEAD, POST");
    }
    let head = browser.ask("HEAD", "/console", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let fault = browser.get("/console/groups/sg-nothing").await;
    assert_ne!(fault.status, 200);
    fault.shows("class=\"notice bad\"");
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_refused() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = browser.ask("POST", "/console/groups/new", &form, &"a".repeat(70 << 10)).await;
    assert_eq!(answer.status, 413);
    let many = "a=b&".repeat(2_000);
    assert_eq!(browser.ask("POST", "/console/groups/new", &form, &many).await.status, 400);
}

#[tokio::test]
async fn what_people_wrote_never_becomes_markup() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let evil = "a<script>alert(1)</script>\"'&";
    let made = browser
        .fill_in(
            "/console/groups/new",
            "/console/groups/new",
            &[("SecurityGroupName", "web"), ("Description", evil)],
        )
        .await;
    let group = made.led_to();
    let escaped = "a&lt;script&gt;alert(1)&lt;/script&gt;&quot;";
    for path in [group.clone(), format!("{group}/edit"), "/console/groups".into()] {
        let page = browser.get(&path).await;
        page.shows(escaped);
        page.hides("<script>alert");
    }
    for path in [
        "/console/groups?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/console/errors/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/console/explain?From=%3Cscript%3Ealert(1)&To=%22%3E",
        "/console/sign-in?back=%22%3E%3Cscript%3Ealert(1)",
        "/console/access?UserName=%3Cscript%3Ealert(1)&operation=LeaveSecurityGroup",
        "/console/groups/%3Cscript%3Ealert(1)",
    ] {
        browser.get(path).await.hides("<script>alert");
    }
    let refused =
        browser.fill_in("/console/groups/new", "/console/groups/new", &[("SecurityGroupName", evil)]).await;
    assert_eq!(refused.status, 400);
    refused.hides("<script>alert");
    refused.shows(escaped);
}

#[tokio::test]
async fn the_chosen_colours_are_kept() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    browser.get("/console").await.hides("data-theme");
    let chosen = browser
        .fill_in("/console", "/console/theme", &[("theme", "dark"), ("back", "/console/groups")])
        .await;
    assert_eq!(chosen.header("location"), "/console/groups");
    browser.get("/console").await.shows("data-theme=\"dark\"");
    browser.fill_in("/console", "/console/theme", &[("theme", "system")]).await;
    browser.get("/console").await.hides("data-theme");
}

#[tokio::test]
async fn lists_are_read_page_by_page_and_searched() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    for number in 0..30 {
        let name = format!("group-{number}");
        browser.fill_in("/console/groups/new", "/console/groups/new", &[("SecurityGroupName", &name)]).await;
    }
    let first = browser.get("/console/groups").await;
    first.shows("1\u{2013}25 of 30");
    first.shows("group-29<");
    first.hides("group-4<");
    let second = browser.get("/console/groups?page=2").await;
    second.shows("26\u{2013}30 of 30");
    second.shows("group-4<");
    let found = browser.get("/console/groups?q=group-7").await;
    found.shows("group-7<");
    found.hides("group-8<");
    browser.get("/console/groups?q=nothing").await.shows("No group matches.");
    browser.get("/console/groups?page=999").await.shows("beyond the last");
    browser.get("/console/groups?page=x").await.shows(KEY);
}

#[tokio::test]
async fn neither_a_password_nor_a_digest_of_it_is_in_a_page() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let form = "/console/explorer/ens/RunInstances";
    let digest = |body: &str| hex::encode(Sha256::digest(body.as_bytes()));
    for act in ["show", "send"] {
        let fields = [("Password", "Secret-123"), ("do", act), ("sure", "yes")];
        let page = browser.fill_in(form, form, &fields).await;
        page.hides("Secret-123");
        page.hides(&digest("Password=Secret-123"));
        page.shows("Password=not-shown");
        page.shows(&digest("Password=not-shown"));
    }
}
