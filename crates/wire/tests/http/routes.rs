//! What is where.

use std::sync::atomic::Ordering;

use crate::support::{Answer, Connection, Running, local};

async fn get(connection: &mut Connection, target: &str) -> Answer {
    connection.ask(format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n")).await
}

#[tokio::test]
async fn an_operator_sees_how_the_server_is() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    assert_eq!(get(&mut connection, "/readyz").await.body, "serving\n");
    server.application.recovering.store(true, Ordering::Relaxed);
    let answer = get(&mut connection, "/readyz").await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "recovering\n"));
    assert_eq!(get(&mut connection, "/healthz").await.body, "ok\n");
    let metrics = get(&mut connection, "/metrics").await;
    assert_eq!(metrics.body, "# EOF\n");
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
}

#[tokio::test]
async fn pages_run_nothing_and_escape_what_they_were_asked() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    for target in [
        "/errors",
        "/errors/NoPermission?product=Ens&requestId=1",
        "/release-notes",
        "/reference",
        "/reference/ens/LeaveSecurityGroup",
    ] {
        let page = get(&mut connection, target).await;
        assert_eq!(page.status, 200, "{target}");
        assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(!page.body.contains("<script") && !page.body.contains("style="));
    }
    let page = get(&mut connection, "/errors/%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.body.contains("<script"));
    assert_eq!(
        get(&mut connection, "/style.css").await.header("content-type"),
        Some("text/css; charset=utf-8")
    );
}

#[tokio::test]
async fn a_browser_at_the_address_of_the_api_gets_a_page_and_programs_the_api() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    let browser = "accept: text/html,application/xhtml+xml\r\nhost: ens.example:8080";
    let page = connection.ask(format!("GET / HTTP/1.1\r\n{browser}\r\n\r\n")).await;
    assert!(page.body.contains("endpoint=\"ens.example:8080\", protocol=\"http\""), "{page:?}");
    for request in [
        format!("GET /?Action=X HTTP/1.1\r\n{browser}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{browser}\r\nx-acs-action: X\r\n\r\n"),
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        format!("POST / HTTP/1.1\r\n{browser}\r\n\r\n"),
    ] {
        assert!(connection.ask(&request).await.body.contains(" / query="), "{request}");
    }
}

#[tokio::test]
async fn a_browser_at_an_address_that_there_is_not_gets_a_page() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    let page = connection.ask("GET /nope?a=b HTTP/1.1\r\naccept: text/html\r\nhost: x\r\n\r\n").await;
    assert_eq!((page.status, page.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("<h1>Not found</h1>") && !page.body.contains("nope"));
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_the_callers_format() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    get(&mut connection, "/nothing").await.refuses(404, "InvalidAction.NotFound");
    get(&mut connection, "//").await.refuses(404, "InvalidAction.NotFound");
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let request = format!("{method} / HTTP/1.1\r\nhost: x\r\n\r\n");
        connection.ask(request).await.refuses(400, "UnsupportedHTTPMethod");
    }
    connection
        .ask("POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab")
        .await
        .refuses(400, "UnsupportedHTTPMethod");
    let options = connection.ask("OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, HEAD, POST, OPTIONS")));
}

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    connection.send("HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).ends_with("serving\n") {
        let read =
            crate::support::patiently(tokio::io::AsyncReadExt::read_buf(&mut connection.stream, &mut text));
        assert_ne!(read.await.unwrap(), 0);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && !text.contains("ok\n"), "{text}");
}
