//! Two virtual machines on one Linux bridge: tap devices, with user-space peers in the place of their guests.
#![allow(unsafe_code, reason = "a tap device is made by an ioctl")]

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr},
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    time::Duration,
};

use dataplane::{Dataplane, Device, Generation, Reason};
use model::address::Mac;

use crate::{
    conversation::Conversation,
    endpoint::{Endpoint, Stamp},
    namespace::Namespace,
    support::{Host, enter_namespace, frame, may_test_the_kernel, wait_until},
    topology::{
        Family::V4,
        Shape::{self, Bridge},
        mac,
    },
    world::{Groups, Moment, options, plan},
};

/// A guest: its end of a tap device, and its address.
struct Guest {
    tap: File,
    number: u8,
}

fn address(number: u8) -> Ipv4Addr {
    match Bridge.address(number, V4) {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => unreachable!("it is asked for IPv4"),
    }
}

impl Guest {
    /// Makes the device, in this thread's namespace.
    fn new(number: u8) -> Self {
        let tap = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")
            .expect("/dev/net/tun");
        // SAFETY: all zero is a value of it.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(format!("tap{number}").bytes()) {
            *to = from.cast_signed();
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI).try_into().unwrap();
        // SAFETY: one request is read and written.
        let result = unsafe { libc::ioctl(tap.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
        assert_eq!(result, 0, "TUNSETIFF: {}", io::Error::last_os_error());
        Self { tap, number }
    }

    fn send(&self, frame: &[u8]) -> bool {
        (&self.tap).write(frame).is_ok()
    }

    fn receive(&self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 2048];
        let length = (&self.tap).read(&mut buffer).ok()?;
        buffer.truncate(length);
        Some(buffer)
    }

    /// Asks who has an address.
    fn ask(&self, who: u8) {
        let everybody = Mac([0xff; 6]);
        self.send(&frame::arp(
            everybody,
            1,
            (mac(self.number), address(self.number)),
            (Mac([0; 6]), address(who)),
        ));
    }

    /// The MAC of a guest that answers a question.
    fn answer_of(&self, who: u8) -> Option<Mac> {
        let frame = self.receive()?;
        let is_answer = frame.len() >= 42 && frame[12..14] == [8, 6] && frame[20..22] == [0, 2];
        (is_answer && frame[28..32] == address(who).octets()).then(|| Mac(frame[22..28].try_into().unwrap()))
    }

    /// Answers a question.
    fn answer(&self) {
        let Some(question) = self.receive() else { return };
        let own = address(self.number);
        if question.len() >= 42 && question[12..14] == [8, 6] && question[38..42] == own.octets() {
            let asker = Mac(question[22..28].try_into().unwrap());
            let of = Ipv4Addr::from(<[u8; 4]>::try_from(&question[28..32]).unwrap());
            self.send(&frame::arp(asker, 2, (mac(self.number), own), (asker, of)));
        }
    }
}

/// A guest that sends UDP to another one.
struct Talker {
    guest: Guest,
    peer: (u8, Mac),
    ports: (u16, u16),
    /// Whether it speaks: a server does when it has heard its client.
    speaks: bool,
}

impl Endpoint for Talker {
    fn send(&mut self, stamp: Stamp) -> bool {
        if !self.speaks {
            return false;
        }
        let payload = frame::udp(self.ports.0, self.ports.1, &stamp.to_bytes());
        let (from, to) = (address(self.guest.number), address(self.peer.0));
        let packet = frame::ip(from.into(), to.into(), frame::UDP, &payload);
        self.guest.send(&frame::ethernet(mac(self.guest.number), self.peer.1, &packet))
    }

    fn receive(&mut self, take: &mut dyn FnMut(Stamp)) {
        while let Some(frame) = self.guest.receive() {
            let is_udp = frame.len() > 42 && frame[12..14] == [8, 0] && frame[23] == frame::UDP;
            if let Some(stamp) = is_udp.then(|| Stamp::read(&frame[42..])).flatten() {
                self.speaks = true;
                take(stamp);
            }
        }
    }
}

#[test]
fn two_guests_on_one_bridge() {
    if !may_test_the_kernel() {
        return;
    }
    enter_namespace();
    let namespace = Namespace::current();
    let guests = [Guest::new(1), Guest::new(2)];
    namespace.batch(
        "link add br0 type bridge
         link set br0 up
         link set tap1 master br0 up
         link set tap2 master br0 up",
    );
    let mut host = Host::new(options());
    let bound = [1, 2].map(|number: u8| {
        let device = Device::named(&format!("tap{number}")).unwrap();
        let binding = host.bind(&device, &Shape::Bridge.interface(number)).unwrap();
        let class = host.create_class(0).unwrap();
        host.assign(binding, Some(class)).unwrap();
        (binding, class)
    });
    let mut generation = 0;
    let mut groups = |host: &mut Host, number: usize, groups: Groups| {
        generation += 1;
        host.switch(bound[number - 1].1, Generation(generation), &plan(groups)).unwrap();
        Moment::now()
    };
    groups(&mut host, 1, &[]);
    groups(&mut host, 2, &[&["ingress accept udp from 10.0.0.1 to port 5000"]]);

    // Who has whose address is asked and answered through both devices; no other guest's answer is.
    guests[1].send(&frame::arp(mac(1), 2, (mac(2), address(3)), (mac(1), address(1))));
    guests[0].ask(2);
    let mut peer = None;
    wait_until("a question is answered", || {
        guests[1].answer();
        peer = guests[0].answer_of(2);
        peer.is_some()
    });
    assert_eq!(peer, Some(mac(2)));
    assert_eq!(host.drops(Some(bound[1].0)).unwrap().of(Reason::SpoofedArp), 1);

    let [one, other] = guests;
    let client = Talker { guest: one, peer: (2, mac(2)), ports: (4000, 5000), speaks: true };
    let server = Talker { guest: other, peer: (1, mac(1)), ports: (5000, 4000), speaks: false };
    let (calls, answers) = (namespace.clone(), namespace.clone());
    let conversation = Conversation::of(
        "UDP between two guests".to_owned(),
        (calls, Box::new(move || Box::new(client))),
        (answers, Box::new(move || Box::new(server))),
    );
    conversation.wait_both_ways();
    let since = groups(&mut host, 2, &[&["ingress accept udp from 10.0.0.9 to port 5000"]]);
    conversation.assert_cut(since, Duration::from_millis(300));
    groups(&mut host, 2, &[&["ingress accept udp from 10.0.0.0/29 to port 5000"]]);
    conversation.wait_both_ways();
    assert!(host.drops(Some(bound[1].0)).unwrap().of(Reason::DeadFlow) > 0);
}
