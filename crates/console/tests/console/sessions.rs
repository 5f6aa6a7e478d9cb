//! Signing in and out, sessions that end, forms that are not ours.

use console::ConsoleSettings;

use wire::gateway::GatewaySettings;

use super::{
    live::Stream,
    support::{KEY, SECRET, Site},
};

#[tokio::test]
async fn a_browser_that_opens_the_first_address_is_sent_to_sign_in() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let first = browser.get("/").await;
    assert_eq!((first.status, first.header("location")), (303, "/console"));
    let second = browser.get("/console").await;
    assert_eq!(second.status, 303);
    assert!(second.header("location").starts_with("/console/sign-in"));
}

#[tokio::test]
async fn programs_at_the_first_address_are_answered_by_the_api() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let answer = browser.ask("GET", "/?Action=DescribeSecurityGroups", &[], "").await;
    assert_eq!(answer.status, 400);
    answer.shows("Code");
    let signed = browser.ask("POST", "/", &[("x-acs-action", "DescribeSecurityGroups")], "").await;
    assert_ne!(signed.status, 303, "{signed:?}");
}

#[tokio::test]
async fn who_holds_the_secret_is_let_in_and_out_again() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let page = browser.get("/console").await;
    assert_eq!(page.status, 200);
    page.shows("Overview");
    page.shows(KEY);
    page.hides(SECRET);
    let out = browser.fill_in("/console", "/console/sign-out", &[]).await;
    assert_eq!((out.status, out.header("location")), (303, "/console/sign-in"));
    assert_eq!(browser.get("/console").await.status, 303);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let mut copy = browser.clone();
    browser.fill_in("/console", "/console/sign-out", &[]).await;
    assert_eq!(copy.get("/console").await.status, 303);
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_key_are_refused_alike() {
    let site = Site::new().await;
    let mut pages = Vec::new();
    for (id, secret) in [(KEY, "wrong"), ("nobody", SECRET), (KEY, ""), ("", "")] {
        let mut browser = site.browser();
        let answer = browser.sign_in(id, secret).await;
        assert_eq!(answer.status, 403);
        answer.shows("That is not a key of this server.");
        answer.hides("value=\"wrong\"");
        assert!(browser.cookies.iter().all(|(name, _)| name != "ravelin-session"));
        let cut = |text: &str| text.split("<form").next().unwrap().to_owned();
        pages.push(cut(answer.body.split("notice-title").nth(1).unwrap()));
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]), "{pages:?}");
}

#[tokio::test]
async fn cookies_are_kept_from_scripts_and_other_sites() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let answer = browser.sign_in(KEY, SECRET).await;
    let cookie = answer.headers("set-cookie").find(|cookie| cookie.starts_with("ravelin-session=")).unwrap();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/console"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
}

#[tokio::test]
async fn whoever_does_nothing_is_signed_out() {
    let settings = ConsoleSettings { idle_minutes: 10, ..ConsoleSettings::default() };
    let site = Site::with(settings).await;
    let mut browser = site.signed_in().await;
    site.later.minutes(9);
    assert_eq!(browser.get("/console").await.status, 200);
    site.later.minutes(9);
    assert_eq!(browser.get("/console").await.status, 200);
    site.later.minutes(10);
    assert_eq!(browser.get("/console").await.status, 303);
}

#[tokio::test]
async fn nobody_is_signed_in_for_ever() {
    let settings = ConsoleSettings { session_hours: 1, ..ConsoleSettings::default() };
    let site = Site::with(settings).await;
    let mut browser = site.signed_in().await;
    for _ in 0..5 {
        site.later.minutes(10);
        assert_eq!(browser.get("/console").await.status, 200);
    }
    site.later.minutes(10);
    assert_eq!(browser.get("/console").await.status, 303);
}

#[tokio::test]
async fn a_key_that_is_switched_off_signs_its_sessions_out() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (id, secret) = root.make_user("alice").await;
    let mut alice = site.browser();
    assert_eq!(alice.sign_in(&id, &secret).await.status, 303);
    assert_eq!(alice.get("/console/reference").await.status, 200);
    let mut stream = Stream::open(&alice, "/console/live/overview").await;
    assert!(stream.reads("event: part").await, "{}", stream.text);
    let page = root.get("/console/users/alice").await;
    page.shows(&id);
    page.hides(&secret);
    root.fill_in("/console/users/alice", &format!("/console/users/alice/keys/{id}/disable"), &[]).await;
    // Neither a page that makes no call nor one that is open shows anything more.
    assert!(stream.reads("event: end").await, "{}", stream.text);
    assert_eq!(alice.get("/console/reference").await.status, 303);
    assert_eq!(alice.get("/console/groups").await.status, 303);
    assert_eq!(site.browser().sign_in(&id, &secret).await.status, 403);
}

#[tokio::test]
async fn who_tries_too_often_has_to_wait() {
    let site = Site::with(ConsoleSettings { attempts_per_minute: 3, ..ConsoleSettings::default() }).await;
    let mut browser = site.browser();
    for _ in 0..3 {
        assert_eq!(browser.sign_in(KEY, "wrong").await.status, 403);
    }
    let answer = browser.sign_in(KEY, SECRET).await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1), "{answer:?}");
    answer.shows("Too many attempts.");
}

#[tokio::test]
async fn there_are_no_more_sessions_than_there_may_be() {
    let site = Site::with(ConsoleSettings { sessions_max: 2, ..ConsoleSettings::default() }).await;
    let mut browsers = Vec::new();
    for _ in 0..3 {
        browsers.push(site.signed_in().await);
    }
    let mut open = 0;
    for browser in &mut browsers {
        open += u32::from(browser.get("/console").await.status == 200);
    }
    assert_eq!(open, 2);
}

#[tokio::test]
async fn a_form_without_the_token_of_its_session_changes_nothing() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let mut other = site.signed_in().await;
    let foreign = other.get("/console/groups/new").await.form_token();
    let name = ("SecurityGroupName", "stolen");
    for fields in [&[name][..], &[name, ("form-token", "")], &[name, ("form-token", &foreign)]] {
        let answer = browser.send("/console/groups/new", fields).await;
        assert_eq!(answer.status, 403);
        answer.shows("This form does not belong to your session.");
    }
    browser.get("/console/groups").await.hides("stolen");
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let token = browser.get("/console/groups/new").await.form_token();
    let body = format!("SecurityGroupName=stolen&form-token={token}");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for header in
        [("origin", "http://evil.test"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
    {
        let answer = browser.ask("POST", "/console/groups/new", &[form, header], &body).await;
        assert_eq!(answer.status, 403, "{header:?}");
    }
    let plain = [("content-type", "text/plain")];
    assert_eq!(browser.ask("POST", "/console/groups/new", &plain, &body).await.status, 400);
    let own = [form, ("origin", "http://console.test"), ("sec-fetch-site", "same-origin")];
    assert_eq!(browser.ask("POST", "/console/groups/new", &own, &body).await.status, 303);
}

#[tokio::test]
async fn signing_in_leads_back_to_the_console_alone() {
    let site = Site::new().await;
    for (asked, led) in [
        ("/console/groups?page=2", "/console/groups?page=2"),
        ("//evil.test/", "/console"),
        ("https://evil.test", "/console"),
    ] {
        let mut browser = site.browser();
        browser.get("/console/sign-in").await;
        let fields = [("access-key-id", KEY), ("access-key-secret", SECRET), ("back", asked)];
        let answer = browser.fill_in("/console/sign-in", "/console/sign-in", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, led));
    }
}

#[tokio::test]
async fn a_form_of_a_session_that_has_ended_leads_back_to_its_page() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let token = browser.get("/console/policies/new").await.form_token();
    browser.fill_in("/console", "/console/sign-out", &[]).await;
    let from = |page: &str| format!("http://console.test{page}");
    for (action, referer, back) in [
        ("/console/policies/new", String::new(), "/console/policies/new"),
        ("/console/policies/Custom/web/version", String::new(), "/console/policies/Custom/web"),
        (
            "/console/groups/sg-1/rules/add",
            from("/console/groups/sg-1/rules/add?ports=80"),
            "/console/groups/sg-1/rules/add?ports=80",
        ),
        ("/console/policies/new", "http://evil.test/console/users".into(), "/console/policies/new"),
        ("/console/policies/new", from("/elsewhere"), "/console/policies/new"),
    ] {
        let form = ("content-type", "application/x-www-form-urlencoded");
        let headers = [form, ("referer", referer.as_str())];
        let body = format!("PolicyName=typed&form-token={token}");
        let answer = browser.ask("POST", action, &headers, &body).await;
        let page = browser.follow(&answer).await;
        page.shows("What you sent now was not carried out");
        page.shows(&format!("name=\"back\" value=\"{back}\""));
    }
    let read = browser.get("/console/policies/new").await;
    browser.follow(&read).await.hides("What you sent now was not carried out");
    // A second press: the first one did it.
    let again = browser.send("/console/sign-out", &[("form-token", &token)]).await;
    browser.follow(&again).await.hides("was not carried out");
    let mut root = site.signed_in().await;
    root.get("/console/policies?PolicyType=Custom").await.hides("typed");
}

#[tokio::test]
async fn the_form_to_sign_in_needs_a_browser_that_keeps_cookies() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let token = browser.get("/console/sign-in").await.form_token();
    browser.cookies.clear();
    let fields = [("form-token", token.as_str()), ("access-key-id", KEY), ("access-key-secret", SECRET)];
    let answer = browser.send("/console/sign-in", &fields).await;
    assert_eq!(answer.status, 400);
    answer.shows("Cookies are needed.");
}

/// A browser shows no cookie with a link of another site; with the form that it gets there it shows all.
#[tokio::test]
async fn who_comes_from_another_site_signs_in_at_once_and_replaces_the_session() {
    let site = Site::new().await;
    let mut before = site.signed_in().await;
    let mut linked = site.browser();
    let page = linked.get("/console/sign-in?back=%2Fconsole%2Fgroups").await;
    assert_eq!(page.status, 200);
    let mut browser = before.clone();
    browser.cookies.extend(linked.cookies);
    let token = page.form_token();
    let fields = [
        ("form-token", token.as_str()),
        ("back", "/console/groups"),
        ("access-key-id", KEY),
        ("access-key-secret", SECRET),
    ];
    let answer = browser.send("/console/sign-in", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/console/groups"), "{answer:?}");
    assert_eq!(browser.get("/console/groups").await.status, 200);
    assert_eq!(
        before.get("/console/groups").await.status,
        303,
        "the session that was replaced is open still"
    );
}

#[tokio::test]
async fn nothing_but_a_token_is_sealed() {
    let site = Site::new().await;
    for foreign in ["", "chosen", &"g".repeat(64), &"0".repeat(63)] {
        let mut browser = site.browser();
        browser.cookies.push(("ravelin-sign-in".into(), foreign.into()));
        let page = browser.get("/console/sign-in").await;
        assert!(page.headers("set-cookie").any(|own| own.starts_with("ravelin-sign-in=")), "{foreign:?}");
    }
}

#[tokio::test]
async fn behind_a_proxy_that_ends_tls_cookies_and_copies_are_for_tls() {
    let open = ConsoleSettings { attempts_per_minute: 1_000, ..ConsoleSettings::default() };
    for (public_url, secure) in [("https://ens.test", true), ("http://ens.test", false), ("", false)] {
        let gateway = GatewaySettings { public_url: public_url.into(), ..GatewaySettings::default() };
        let site = Site::reached_as(open.clone(), gateway).await;
        let mut browser = site.browser();
        let answer = browser.sign_in(KEY, SECRET).await;
        assert!(
            answer.headers("set-cookie").all(|cookie| cookie.contains("; Secure") == secure),
            "{answer:?}"
        );
        let form = "/console/explorer/ens/DescribeSecurityGroups";
        let signed = browser.fill_in(form, form, &[]).await;
        let scheme = if secure { "https" } else { "http" };
        signed.shows(&format!("{scheme}://console.test"));
    }
}
