//! A node that holds a newer generation than the server ever gave, as callers see it.

use control::Told;

use crate::support::Site;

#[tokio::test]
async fn a_regressed_node_is_shown_and_readmitted() {
    let site = Site::waiting(0).await;
    let id = site.node.to_string();
    let node = [("NodeId", id.as_str())];
    let refused = site.call("ReadmitNode", &node, &[]).await;
    assert_eq!((refused.status, refused.code()), (400, "InvalidOperation.NodeNotRegressed"), "{refused:?}");
    let mut host = site.follow(1_000);
    let shown = site.call("DescribeNodes", &node, &[]).await.done();
    assert_eq!(shown.body["Nodes"]["Node"][0]["Regression"]["Generation"], 1_000);
    let answer = site.leave(&[("x-ravelin-wait", "1")]).await.unwrap();
    assert_eq!(answer.code(), "ens.interface.error");
    assert!(answer.message().contains("generation 1000") && answer.message().contains("ReadmitNode"));
    assert!(matches!(host.obey().await, Told::Snapshot { obey_regression: false, .. }));
    let readmitted = site.call("ReadmitNode", &node, &[]).await.done();
    assert!(readmitted.generation.is_some(), "it stands in the history");
    assert!(matches!(host.obey().await, Told::Snapshot { obey_regression: true, .. }));
    host.confirm();
    let shown = site.call("DescribeNodes", &node, &[]).await.done();
    assert!(shown.body["Nodes"]["Node"][0].get("Regression").is_none(), "{shown:?}");
}
