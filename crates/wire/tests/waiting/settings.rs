//! Who says how long is waited: the request, or else the account, or else the server.

use crate::support::Site;

#[tokio::test]
async fn the_request_counts_before_the_account_and_the_account_before_the_server() {
    let site = Site::waiting(1).await;
    let waits = |answer: &crate::support::Answer| answer.code() == "ens.interface.error";
    let shown = async || {
        let shown = site.call("DescribeAccountEnforcement", &[], &[]).await.done();
        (shown.body["WaitSeconds"].as_u64(), shown.body["AccountWaitSeconds"].as_u64())
    };
    // The node never connects: whoever waits gets an error.
    assert!(waits(&site.leave(&[]).await.unwrap()), "as the server says");
    assert_eq!(shown().await, (Some(1), None));
    assert!(!waits(&site.join(&[("x-ravelin-wait", "0")]).await.unwrap()), "as the request says");
    site.call("ModifyAccountEnforcement", &[("WaitSeconds", "0")], &[]).await.done();
    assert_eq!(shown().await, (Some(0), Some(0)));
    assert!(!waits(&site.leave(&[]).await.unwrap()), "as the account says");
    assert!(waits(&site.join(&[("x-ravelin-wait", "1")]).await.unwrap()), "as the request says");
    site.call("ModifyAccountEnforcement", &[], &[]).await.done();
    assert_eq!(shown().await, (Some(1), None));
    assert!(waits(&site.leave(&[]).await.unwrap()), "as the server says");
}

#[tokio::test]
async fn a_server_that_does_not_wait_does_where_the_account_says_so() {
    let site = Site::waiting(0).await;
    site.leave(&[]).await.unwrap().done();
    site.call("ModifyAccountEnforcement", &[("WaitSeconds", "1")], &[]).await.done();
    assert_eq!(site.join(&[]).await.unwrap().code(), "ens.interface.error");
    let own = site.control.read(|state| state.enforcement_wait(site.account()).map(|own| own.seconds));
    assert_eq!(own.await.unwrap().value, Some(1));
}
