//! Devices and interfaces.

use dataplane::{Attachment, Begins, Binding, DataplaneError, Reason};
use model::{NetworkInterfaceId, address::Mac, rule::Direction};

use crate::{
    subject::{Bound, OWN, PEER, Subject, accepting, request, udp},
    support::{address, interface},
};

pub fn a_binding_is_closed_until_it_has_a_class_with_a_plan(subject: &mut dyn Subject) {
    let device = subject.add_device("v0");
    let binding = subject.dataplane().bind(&device, &interface(1)).unwrap();
    let out = udp(OWN, PEER, (1, 2));
    let closed = |subject: &mut dyn Subject| {
        for (direction, packet) in [(Direction::Ingress, request(80)), (Direction::Egress, out)] {
            let found = subject.send(&device, direction, &packet, Begins::Yes);
            assert_eq!(found, Some(Reason::Closed), "{direction:?}");
        }
    };
    closed(subject);
    let class = subject.dataplane().create_class(0).unwrap();
    subject.dataplane().assign(binding, Some(class)).unwrap();
    closed(subject);
    subject.dataplane().switch(class, dataplane::Generation(1), &accepting(&[80])).unwrap();
    assert_eq!(subject.send(&device, Direction::Ingress, &request(80), Begins::Yes), None);
    assert_eq!(subject.send(&device, Direction::Egress, &out, Begins::Yes), None);
    subject.dataplane().assign(binding, None).unwrap();
    closed(subject);
}

pub fn a_device_that_nobody_bound_is_closed_while_it_is_guarded(subject: &mut dyn Subject) {
    let device = subject.add_device("v0");
    subject.dataplane().guard(&device).unwrap();
    subject.dataplane().guard(&device).unwrap();
    let sent = subject.send(&device, Direction::Ingress, &request(80), Begins::Yes);
    assert_eq!(sent, Some(Reason::Unbound));
    assert_eq!(subject.dataplane().drops(None).unwrap().of(Reason::Unbound), 1);
    let binding = subject.dataplane().bind(&device, &interface(1)).unwrap();
    let refused = subject.dataplane().release(&device).unwrap_err();
    assert!(matches!(refused, DataplaneError::Bound { binding: found, .. } if found == binding));
    subject.dataplane().unbind(binding).unwrap();
    let sent = subject.send(&device, Direction::Ingress, &request(80), Begins::Yes);
    assert_eq!(sent, Some(Reason::Unbound), "what was bound stays closed");
    subject.dataplane().release(&device).unwrap();
    subject.dataplane().release(&device).unwrap();
}

pub fn a_binding_is_what_it_was_configured_to_be(subject: &mut dyn Subject) {
    let device = subject.add_device("v0");
    let mut wanted = interface(1);
    wanted.addresses.extend([address("10.0.0.7"), address("2001:db8::7")]);
    wanted.prefixes = vec!["10.9.0.0/16".parse().unwrap(), "2001:db8:9::/48".parse().unwrap()];
    wanted.flows_max = 77;
    let dataplane = subject.dataplane();
    let binding = dataplane.bind(&device, &wanted).unwrap();
    for round in 0..4u8 {
        let report = dataplane.read_back(binding).unwrap();
        let mut found = report.configuration.clone();
        for list in [&mut found.addresses, &mut wanted.addresses] {
            list.sort_unstable();
        }
        found.prefixes.sort_unstable();
        assert_eq!(found, wanted);
        assert_eq!((report.device, report.interface), (device.clone(), wanted.id));
        assert_eq!([report.from_instance, report.to_instance], [Attachment::First; 2]);
        assert!(report.present && report.class.is_none());
        assert!(dataplane.comes_first(binding).unwrap());
        wanted.mac = Mac([2, 0, 0, 0, 0, round]);
        wanted.addresses = vec![address("10.0.0.1"), [10, 0, 1, round].into()];
        wanted.prefixes.truncate(usize::from(3 - round.min(3)));
        wanted.source_check = round % 2 == 0;
        dataplane.configure(binding, &wanted).unwrap();
    }
}

pub fn an_address_that_is_taken_away_is_not_its_own_any_more(subject: &mut dyn Subject) {
    let bound = Bound::with(subject, &accepting(&[80]));
    let mut wanted = interface(1);
    wanted.addresses = vec![address("10.0.0.1"), address("10.0.0.9")];
    wanted.prefixes = vec!["10.7.0.0/16".parse().unwrap()];
    subject.dataplane().configure(bound.binding, &wanted).unwrap();
    for own in ["10.0.0.1", "10.0.0.9", "10.7.1.2"] {
        assert_eq!(bound.send(subject, Direction::Egress, &udp(own, PEER, (1, 2))), None, "{own}");
        assert_eq!(bound.send(subject, Direction::Ingress, &udp(PEER, own, (3, 80))), None, "{own}");
    }
    wanted.addresses = vec![address("10.0.0.9")];
    wanted.prefixes.clear();
    subject.dataplane().configure(bound.binding, &wanted).unwrap();
    for other in ["10.0.0.1", "10.7.1.2", "10.8.0.1"] {
        let sent = bound.send(subject, Direction::Egress, &udp(other, PEER, (1, 2)));
        assert_eq!(sent, Some(Reason::SpoofedAddress), "{other}");
        let sent = bound.send(subject, Direction::Ingress, &udp(PEER, other, (3, 80)));
        assert_eq!(sent, Some(Reason::Destination), "{other}");
    }
    wanted.source_check = false;
    subject.dataplane().configure(bound.binding, &wanted).unwrap();
    assert_eq!(bound.send(subject, Direction::Egress, &udp("10.8.0.1", PEER, (1, 2))), None);
}

pub fn what_cannot_be_bound_is_refused(subject: &mut dyn Subject) {
    use DataplaneError as Error;
    let device = subject.add_device("v0");
    let other = subject.other_device();
    let dataplane = subject.dataplane();
    let own = interface(1);
    let mut gone = device.clone();
    gone.ifindex = 99_999;
    assert!(matches!(dataplane.bind(&gone, &own), Err(Error::NoDevice { ifindex: 99_999, .. })));
    let renamed = dataplane::Device { name: "v9".into(), ..device.clone() };
    assert!(matches!(dataplane.bind(&renamed, &own), Err(Error::OtherName { .. })));
    assert!(matches!(dataplane.bind(&other, &own), Err(Error::NotEthernet { hardware: 772, .. })));
    for bad in ["::ffff:10.0.0.1", "224.0.0.1", "255.255.255.255", "ff02::1", "0.0.0.0", "::"] {
        let mut wrong = own.clone();
        wrong.addresses.push(address(bad));
        assert!(matches!(dataplane.bind(&device, &wrong), Err(Error::Address { .. })), "{bad}");
    }
    let binding = dataplane.bind(&device, &own).unwrap();
    assert!(matches!(dataplane.bind(&device, &own), Err(Error::Bound { .. })));
    let mut another = own.clone();
    another.id = NetworkInterfaceId::from_entropy(2);
    assert!(matches!(dataplane.configure(binding, &another), Err(Error::OtherInterface { .. })));
    let unknown = Binding(4711);
    assert!(matches!(dataplane.configure(unknown, &own), Err(Error::UnknownBinding(_))));
    assert!(matches!(dataplane.unbind(unknown), Err(Error::UnknownBinding(_))));
    assert!(matches!(dataplane.assign(unknown, None), Err(Error::UnknownBinding(_))));
    assert!(matches!(dataplane.read_back(unknown), Err(Error::UnknownBinding(_))));
    assert!(matches!(dataplane.flows(unknown, 1), Err(Error::UnknownBinding(_))));
    assert!(matches!(dataplane.drops(Some(unknown)), Err(Error::UnknownBinding(_))));
    assert_eq!(dataplane.bindings().unwrap().len(), 1);
}

pub fn an_interface_without_addresses_has_its_link_local_one_alone(subject: &mut dyn Subject) {
    let bound = Bound::with(subject, &accepting(&[80]));
    let mut wanted = interface(1);
    wanted.addresses.clear();
    subject.dataplane().configure(bound.binding, &wanted).unwrap();
    assert_eq!(subject.dataplane().read_back(bound.binding).unwrap().configuration, wanted);
    let sent = bound.send(subject, Direction::Egress, &udp(OWN, PEER, (1, 2)));
    assert_eq!(sent, Some(Reason::SpoofedAddress));
    assert_eq!(bound.request(subject, 80), Some(Reason::Destination));
    let own = wanted.link_local().to_string();
    assert_eq!(bound.send(subject, Direction::Egress, &udp(&own, "fe80::2", (1, 2))), None);
}

pub fn interfaces_with_one_mac_are_two(subject: &mut dyn Subject) {
    let bound = Bound::with(subject, &accepting(&[80]));
    let device = subject.add_device("v1");
    let mut other = interface(2);
    other.addresses = vec![address("10.0.0.3")];
    assert_eq!(other.mac, interface(1).mac);
    let binding = subject.dataplane().bind(&device, &other).unwrap();
    subject.dataplane().assign(binding, Some(bound.class)).unwrap();
    let sent = subject.send(&device, Direction::Egress, &udp(OWN, PEER, (1, 2)), Begins::Yes);
    assert_eq!(sent, Some(Reason::SpoofedAddress));
    let sent = subject.send(&device, Direction::Egress, &udp("10.0.0.3", PEER, (1, 2)), Begins::Yes);
    assert_eq!(sent, None);
    assert_eq!(bound.request(subject, 80), None);
    assert_eq!(subject.dataplane().flows(binding, 9).unwrap().len(), 1);
    subject.dataplane().unbind(binding).unwrap();
    assert_eq!(subject.dataplane().flows(bound.binding, 9).unwrap().len(), 1);
}

pub fn adoption_may_last_for_ever(subject: &mut dyn Subject) {
    let device = subject.add_device("v0");
    let mut wanted = interface(1);
    wanted.adopt = std::time::Duration::MAX;
    wanted.flows_max = 0;
    let binding = subject.dataplane().bind(&device, &wanted).unwrap();
    subject.dataplane().configure(binding, &wanted).unwrap();
    assert!(!subject.dataplane().read_back(binding).unwrap().configuration.adopt.is_zero());
}

pub fn a_device_made_anew_has_no_rights_of_the_old_one(subject: &mut dyn Subject) {
    let bound = Bound::with(subject, &accepting(&[80]));
    assert_eq!(bound.request(subject, 80), None);
    subject.remove_device(&bound.device);
    let report = subject.dataplane().read_back(bound.binding).unwrap();
    assert!(!report.present && !report.enforced());
    assert!(!subject.dataplane().comes_first(bound.binding).unwrap());
    let anew = subject.add_device("v0");
    assert_ne!(anew.ifindex, bound.device.ifindex);
    let binding = subject.dataplane().bind(&anew, &interface(2)).unwrap();
    assert_ne!(binding, bound.binding);
    assert_eq!(subject.dataplane().bindings().unwrap().len(), 1, "the old one's binding is gone");
    let sent = subject.send(&anew, Direction::Ingress, &request(80), Begins::Yes);
    assert_eq!(sent, Some(Reason::Closed));
    assert!(subject.dataplane().flows(binding, 10).unwrap().is_empty());
}

pub fn numbers_of_bindings_are_never_used_again(subject: &mut dyn Subject) {
    let device = subject.add_device("v0");
    let mut numbers = Vec::new();
    for round in 0..6 {
        let binding = subject.dataplane().bind(&device, &interface(round)).unwrap();
        assert!(!numbers.contains(&binding));
        numbers.push(binding);
        subject.dataplane().unbind(binding).unwrap();
        subject.kill();
    }
}
