//! Instances on lab nodes: stopped, started and released, and interfaces attached and detached.

use traffic::Protocol::{Tcp, Udp};

use crate::{change::goes_on, common::wait_until, ground::on_own_ground, site::Site};

#[test]
fn what_is_stopped_is_silent_and_what_is_started_keeps_its_groups() {
    on_own_ground(|| {
        let site = Site::with_nodes(1);
        let instances = site.run();
        let [client, server, other] = &instances;
        let group = site.group(&[443]);
        site.join(server, &group);
        site.join(other, &group);
        let flows = [site.flow(client, server, Tcp, 443), site.flow(client, server, Udp, 443)];
        let elsewhere = site.flow(client, other, Udp, 443);
        site.ens("StopInstance", &[("InstanceId", &server.id)]);
        site.wait(&server.id, "Stopped");
        for flow in flows {
            let then = flow.seen();
            let enough = then.sent + 300;
            let seen = flow.wait(std::time::Duration::from_secs(2), |seen| seen.sent >= enough);
            assert!(seen.sent > then.sent, "there was something to receive");
            assert_eq!(seen.there.received, then.there.received, "what is stopped receives nothing");
        }
        assert!(!site.reaches(client, server.address, 443));
        goes_on("a flow of another instance", &elsewhere);

        site.ens("StartInstance", &[("InstanceId", &server.id)]);
        site.wait(&server.id, "Running");
        goes_on("a flow after the start", &site.flow(client, server, Tcp, 443));
        assert!(!site.reaches(client, server.address, 444), "and nothing else gets in");
        goes_on("a flow of another instance", &elsewhere);
        drop(elsewhere);
        site.release(&instances);
    });
}

#[test]
fn an_interface_that_is_detached_is_reached_no_more() {
    on_own_ground(|| {
        let site = Site::with_nodes(1);
        let instances = site.run();
        let [client, server] = &instances;
        let group = site.group(&[443]);
        let found = site.ens("DescribeInstances", &[("InstanceId", &server.id)]);
        let vswitch = found.text("/Instances/Instance/0/NetworkAttributes/VSwitchId").to_owned();
        let groups = serde_json::json!([group]).to_string();
        let wish = [("VSwitchId", vswitch.as_str()), ("SecurityGroupIds", &groups)];
        let made = site.ens("CreateNetworkInterface", &wish);
        let interface = made.text("/NetworkInterfaceIds/0").to_owned();
        let described = || site.ens("DescribeNetworkInterfaces", &[("NetworkInterfaceId", &interface)]);
        let address =
            described().text("/NetworkInterfaceSets/NetworkInterfaceSet/0/PrimaryIp").parse().unwrap();
        let status = |wanted: &str| {
            wait_until(wanted, || {
                let found = described();
                (found.text("/NetworkInterfaceSets/NetworkInterfaceSet/0/Status") == wanted).then_some(())
            });
        };
        let target = [("NetworkInterfaceId", interface.as_str()), ("InstanceId", &server.id)];
        let instance = [("InstanceId", server.id.as_str())];
        let again = |action: &str, wanted: &str| {
            site.ens("StopInstance", &instance);
            site.wait(&server.id, "Stopped");
            site.ens(action, &target);
            status(wanted);
            site.ens("StartInstance", &instance);
            site.wait(&server.id, "Running");
        };
        again("AttachNetworkInterface", "InUse");
        goes_on("a flow to it", &site.flow_to(client, server, address, Tcp, 443));
        assert!(!site.reaches(client, server.address, 443), "its group is not that of the first interface");
        again("DetachNetworkInterface", "Available");
        assert!(!site.reaches(client, address, 443), "nobody has its address any more");
        site.release(&instances);
    });
}
