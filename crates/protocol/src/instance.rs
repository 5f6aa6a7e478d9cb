//! The instances of a lab node, and what it says of them, as messages.

use model::{
    InstanceId,
    node::{InstanceReport, ReportedState},
};
use policy::{DesiredInstance, DesiredInstanceInterface, WantedState};

use crate::{
    Malformed,
    desired::{id, mac, texts},
    node::{
        self,
        instance::Wanted,
        instance_state::{self, State},
    },
    text,
};

/// What a node says of its instances, as a message.
pub fn to_states(reports: &[InstanceReport]) -> node::InstanceStates {
    node::InstanceStates { states: reports.iter().map(state_to).collect() }
}

/// What a node says of its instances. Reasons are as [`text`] makes them.
///
/// # Errors
/// [`Malformed`].
pub fn from_states(message: &node::InstanceStates) -> Result<Vec<InstanceReport>, Malformed> {
    message.states.iter().map(state_from).collect()
}

fn state_to(report: &InstanceReport) -> node::InstanceState {
    let (state, message) = match &report.state {
        ReportedState::Running => (State::Running, ""),
        ReportedState::Stopped => (State::Stopped, ""),
        ReportedState::Gone => (State::Gone, ""),
        ReportedState::Failed(why) => (State::Failed, &**why),
    };
    node::InstanceState {
        instance_id: report.instance.to_string(),
        boots: report.boots,
        images: report.images,
        state: state.into(),
        message: message.into(),
    }
}

fn state_from(message: &node::InstanceState) -> Result<InstanceReport, Malformed> {
    let state = match message.state() {
        State::Running => ReportedState::Running,
        State::Stopped => ReportedState::Stopped,
        State::Gone => ReportedState::Gone,
        State::Failed => ReportedState::Failed(text(&message.message)),
        instance_state::State::Unspecified => {
            return Err(Malformed::new("state", message.state, "one that an instance can have"));
        }
    };
    let instance = id("instance_id", &message.instance_id)?;
    Ok(InstanceReport { instance, boots: message.boots, images: message.images, state })
}

pub(crate) fn instance_to(id: InstanceId, instance: &DesiredInstance) -> node::Instance {
    let wanted = match instance.wanted {
        WantedState::Running => Wanted::Running,
        WantedState::Stopped => Wanted::Stopped,
        WantedState::Gone => Wanted::Gone,
    };
    node::Instance {
        instance_id: id.to_string(),
        host_name: instance.host_name.to_string(),
        wanted: wanted.into(),
        boots: instance.boots,
        images: instance.images,
        interfaces: instance.interfaces.iter().map(interface_to).collect(),
    }
}

pub(crate) fn instance_from(message: &node::Instance) -> Result<(InstanceId, DesiredInstance), Malformed> {
    let wanted = match message.wanted() {
        Wanted::Running => WantedState::Running,
        Wanted::Stopped => WantedState::Stopped,
        Wanted::Gone => WantedState::Gone,
        Wanted::Unspecified => {
            return Err(Malformed::new("wanted", message.wanted, "how an instance can be"));
        }
    };
    let instance = DesiredInstance {
        host_name: message.host_name.as_str().into(),
        wanted,
        boots: message.boots,
        images: message.images,
        interfaces: message.interfaces.iter().map(interface_from).collect::<Result<_, _>>()?,
    };
    Ok((id("instance_id", &message.instance_id)?, instance))
}

fn interface_to(interface: &DesiredInstanceInterface) -> node::InstanceInterface {
    node::InstanceInterface {
        network_interface_id: interface.id.to_string(),
        network_id: interface.network.to_string(),
        mac: interface.mac.0.to_vec(),
        addresses: interface.addresses.iter().map(ToString::to_string).collect(),
        gateways: interface.gateways.iter().map(ToString::to_string).collect(),
        blocks: interface.blocks.iter().map(ToString::to_string).collect(),
    }
}

fn interface_from(message: &node::InstanceInterface) -> Result<DesiredInstanceInterface, Malformed> {
    Ok(DesiredInstanceInterface {
        id: id("network_interface_id", &message.network_interface_id)?,
        network: id("network_id", &message.network_id)?,
        blocks: texts("blocks", &message.blocks, "a prefix")?,
        mac: mac(&message.mac)?,
        addresses: texts("addresses", &message.addresses, "an IP address with the length of its prefix")?,
        gateways: texts("gateways", &message.gateways, "an IP address")?,
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use model::{NetworkId, NetworkInterfaceId, address::Mac};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn address() -> impl Strategy<Value = IpNet> {
        (any::<IpAddr>(), any::<u8>()).prop_map(|(address, length)| {
            let length = length % if address.is_ipv4() { 33 } else { 129 };
            IpNet::new(address, length).unwrap()
        })
    }

    fn interface() -> impl Strategy<Value = DesiredInstanceInterface> {
        let ids = (any::<u128>(), any::<u128>(), any::<[u8; 6]>());
        (ids, vec(address(), 0..3), vec(any::<IpAddr>(), 0..3), vec(address(), 0..3)).prop_map(
            |((id, network, mac), addresses, gateways, blocks)| DesiredInstanceInterface {
                id: NetworkInterfaceId::from_entropy(id),
                network: NetworkId::from_entropy(network),
                blocks: blocks.into(),
                mac: Mac(mac),
                addresses: addresses.into(),
                gateways: gateways.into(),
            },
        )
    }

    fn instance() -> impl Strategy<Value = (InstanceId, DesiredInstance)> {
        let wanted =
            prop::sample::select(vec![WantedState::Running, WantedState::Stopped, WantedState::Gone]);
        (any::<u128>(), any::<String>(), wanted, any::<(u64, u64)>(), vec(interface(), 0..3)).prop_map(
            |(id, host_name, wanted, (boots, images), interfaces)| {
                let host_name = host_name.into();
                let interfaces = interfaces.into();
                (
                    InstanceId::from_entropy(id),
                    DesiredInstance { host_name, wanted, boots, images, interfaces },
                )
            },
        )
    }

    fn report() -> impl Strategy<Value = InstanceReport> {
        let state = prop_oneof![
            Just(ReportedState::Running),
            Just(ReportedState::Stopped),
            Just(ReportedState::Gone),
            "\\PC{0,500}".prop_map(|why| ReportedState::Failed(why.into())),
        ];
        (any::<u128>(), any::<(u64, u64)>(), state).prop_map(|(id, (boots, images), state)| InstanceReport {
            instance: InstanceId::from_entropy(id),
            boots,
            images,
            state,
        })
    }

    proptest! {
        #[test]
        fn an_instance_is_what_it_was_made_of((id, instance) in instance()) {
            prop_assert_eq!(instance_from(&instance_to(id, &instance)), Ok((id, instance)));
        }

        #[test]
        fn what_a_node_says_of_its_instances_is_what_it_was_made_of(reports in vec(report(), 0..4)) {
            prop_assert_eq!(from_states(&to_states(&reports)), Ok(reports));
        }
    }

    #[test]
    fn instances_that_say_nothing_sensible_are_refused_by_name() {
        let id = InstanceId::from_number(1);
        let interface = node::InstanceInterface {
            network_interface_id: NetworkInterfaceId::from_number(2).to_string(),
            network_id: NetworkId::from_number(3).to_string(),
            mac: vec![2; 6],
            addresses: vec!["10.0.0.5/24".into()],
            gateways: vec!["10.0.0.1".into()],
            blocks: vec!["10.0.0.0/16".into()],
        };
        let message = node::Instance {
            instance_id: id.to_string(),
            wanted: Wanted::Running.into(),
            interfaces: vec![interface],
            ..node::Instance::default()
        };
        assert!(instance_from(&message).is_ok());
        let refused = |change: &dyn Fn(&mut node::Instance)| {
            let mut wrong = message.clone();
            change(&mut wrong);
            instance_from(&wrong).unwrap_err().field
        };
        assert_eq!(refused(&|of| of.instance_id = "eni-1".into()), "instance_id");
        assert_eq!(refused(&|of| of.wanted = 0), "wanted");
        assert_eq!(refused(&|of| of.wanted = 99), "wanted");
        assert_eq!(refused(&|of| of.interfaces[0].network_interface_id.clear()), "network_interface_id");
        assert_eq!(refused(&|of| of.interfaces[0].network_id.clear()), "network_id");
        assert_eq!(refused(&|of| of.interfaces[0].mac.clear()), "mac");
        assert_eq!(refused(&|of| of.interfaces[0].addresses[0] = "10.0.0.5".into()), "addresses");
        assert_eq!(refused(&|of| of.interfaces[0].gateways[0] = "10.0.0.1/24".into()), "gateways");
        assert_eq!(refused(&|of| of.interfaces[0].blocks[0] = "all".into()), "blocks");
        let mut state = state_to(&InstanceReport {
            instance: id,
            boots: 1,
            images: 1,
            state: ReportedState::Failed(format!("no\n\u{1b}[2J{}", "x".repeat(crate::TEXT_MAX)).into()),
        });
        let ReportedState::Failed(why) = state_from(&state).unwrap().state else { panic!("{state:?}") };
        assert_eq!(why.len(), crate::TEXT_MAX, "it is cut short");
        assert!(why.starts_with("no  [2Jxx"), "it is of one line: {why}");
        state.state = 0;
        assert_eq!(state_from(&state).unwrap_err().field, "state");
        state.instance_id.clear();
        state.state = State::Gone.into();
        assert_eq!(state_from(&state).unwrap_err().field, "instance_id");
    }
}
