//! A node that the server does not reach.

use traffic::Protocol::{Tcp, Udp};

use crate::{
    change::{Changed, goes_on, is_cut, waiting},
    common::wait_until,
    ground::on_own_ground,
    site::Site,
};

#[test]
fn a_node_that_is_cut_off_is_named_and_catches_up_when_it_is_back() {
    on_own_ground(|| {
        let (site, [client, server]) = &Site::of_two();
        let (web, telemetry) = (site.group(&[443]), site.group(&[9100]));
        site.join(server, &web);
        site.join(server, &telemetry);
        let flow = site.flow(client, server, Udp, 443);
        let kept = site.flow(client, server, Tcp, 9100);
        let (node, _) = site.node_of(server);
        node.cut();

        let target = [("SecurityGroupId", web.as_str()), ("InstanceId", &server.id)];
        let refused = waiting(&site.client, "LeaveSecurityGroup", &target, "1");
        assert_eq!(refused.code(), "ens.interface.error", "{:?}", refused.body);
        assert!(refused.text("/Message").contains(&node.id), "{:?}", refused.body);
        let generation = refused.generation.expect("the change stays made");
        let described = || site.ravelin("DescribeEnforcement", &[("Generation", &generation.to_string())]);
        let told = described();
        assert_eq!((told.text("/State"), told.text("/Nodes/Node/0/NodeId")), ("Pending", node.id.as_str()));
        assert_ne!(told.text("/Nodes/Node/0/Reason"), "", "{:?}", told.body);
        let members = site.ens("DescribeInstances", &[("SecurityGroupId", &web)]);
        assert_eq!(members.body["TotalCount"], 0, "the change stays made");

        // What it enforced before stays: it does not know better.
        goes_on("a flow that the node still permits", &flow);
        assert!(!site.reaches(client, server.address, 444), "and it is as closed as before");
        wait_until("the server notices", || (!site.is_connected(node)).then_some(()));
        goes_on("a flow that the node still permits", &flow);

        node.heal();
        wait_until("it catches up", || (described().text("/State") == "Confirmed").then_some(()));
        let caught_up = Changed { generation, answered: std::time::SystemTime::now() };
        is_cut("the flow that was taken away meanwhile", flow, &caught_up);
        goes_on("a flow of the other group", &kept);
        assert!(site.is_connected(node));
    });
}
