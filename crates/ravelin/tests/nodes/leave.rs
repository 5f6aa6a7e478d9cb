//! What a change takes away ends before its answer, wherever it is; what it leaves loses nothing.

use traffic::Protocol::{Tcp, Udp};

use crate::{
    change::{enforce, goes_on, is_cut},
    ground::on_own_ground,
    site::Site,
};

#[test]
fn a_leave_cuts_real_flows_before_its_answer_and_no_others() {
    on_own_ground(|| {
        let (site, [client, server]) = &Site::of_two();
        let (web, telemetry) = (site.group(&[443]), site.group(&[9100]));
        assert!(!site.reaches(client, server.address, 443), "nobody gets in without a group");
        site.join(server, &web);
        site.join(server, &telemetry);
        let cut = [site.flow(client, server, Tcp, 443), site.flow(client, server, Udp, 443)];
        let kept = [site.flow(client, server, Tcp, 9100), site.flow(client, server, Udp, 9100)];

        let target = [("SecurityGroupId", web.as_str()), ("InstanceId", &server.id)];
        let left = enforce(&site.client, "LeaveSecurityGroup", &target);
        for flow in cut {
            is_cut("a flow of the group that was left", flow, &left);
        }
        for flow in &kept {
            goes_on("a flow of the other group", flow);
        }
        assert!(!site.reaches(client, server.address, 443), "a new connection is not admitted either");

        // Of the two nodes it concerned one.
        let generation = left.generation.to_string();
        let told = site.ravelin("DescribeEnforcement", &[("Generation", &generation)]);
        assert_eq!(told.text("/State"), "Confirmed");
        let (node, _) = site.node_of(server);
        let named: Vec<_> =
            told.list("/Nodes/Node").iter().map(|of| of["NodeId"].as_str().unwrap()).collect();
        assert_eq!(named, [&node.id]);
    });
}

#[test]
fn a_rule_that_is_deleted_cuts_its_flows_on_every_node() {
    on_own_ground(|| {
        let (site, [one, other]) = &Site::of_two();
        let group = site.group(&[443]);
        site.join(one, &group);
        site.join(other, &group);
        let cut = [site.flow(one, other, Udp, 443), site.flow(other, one, Udp, 443)];
        let kept = [site.flow(one, other, Tcp, 443), site.flow(other, one, Tcp, 443)];
        let rule = [
            ("SecurityGroupId", group.as_str()),
            ("IpProtocol", "udp"),
            ("PortRange", "443/443"),
            ("SourceCidrIp", "0.0.0.0/0"),
            ("Policy", "accept"),
            ("Priority", "1"),
        ];
        let deleted = enforce(&site.client, "RevokeSecurityGroup", &rule);
        for flow in cut {
            is_cut("a flow of the rule", flow, &deleted);
        }
        for flow in &kept {
            goes_on("a flow of another rule", flow);
        }
    });
}
