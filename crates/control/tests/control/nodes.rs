//! Nodes, bindings and enforcements on their way to the store and back.

use control::records;
use model::{
    AccountId, Entity, NetworkInterfaceId, NodeId, UnixMillis,
    node::{
        Binding, Device, Digest, Enforcement, EnforcementWait, Node, NodeAuthority, NodeCertificate,
        NodeStatus, NodeToken, PreviousAuthority,
    },
    ram::Secret,
};

const ACCOUNT: AccountId = AccountId(1_000_000_000_000_001);

fn node() -> Node {
    let certificate = |number| NodeCertificate {
        fingerprint: Digest([number; 32]),
        expires_at: UnixMillis(9),
        revoked_at: (number == 2).then_some(UnixMillis(8)),
    };
    Node {
        id: NodeId::from_entropy(1),
        account: ACCOUNT,
        serial: 7,
        region: "edge-1".into(),
        name: "host-1".into(),
        status: NodeStatus::Ready,
        lab: true,
        created_at: UnixMillis(1),
        joined_at: Some(UnixMillis(2)),
        token: Some(NodeToken { digest: Digest([9; 32]), expires_at: UnixMillis(3), used_at: None }),
        certificates: [certificate(1), certificate(2)].into(),
    }
}

#[test]
fn what_is_kept_of_nodes_reads_back_as_it_was_written() {
    let interface = NetworkInterfaceId::from_entropy(2);
    let binding = |device| Binding {
        interface,
        account: ACCOUNT,
        serial: 8,
        node: NodeId::from_entropy(1),
        device,
        adopt_seconds: 30,
        created_at: UnixMillis(4),
    };
    let prefixes = ["10.9.0.0/16", "fd00::/8"].map(|text| text.parse().unwrap());
    let enforcement = Enforcement {
        interface,
        account: ACCOUNT,
        serial: 9,
        source_check: false,
        allowed_prefixes: prefixes.into(),
    };
    let previous = PreviousAuthority {
        certificate: [2].into(),
        cross_certificate: [3, 4].into(),
        until: UnixMillis(10),
    };
    let authority = |previous| NodeAuthority {
        certificate: [1; 300].into(),
        key: Secret::new("key"),
        created_at: UnixMillis(5),
        previous,
    };
    let entities: [Entity; 7] = [
        node().into(),
        binding(Device::Aliased).into(),
        binding(Device::Named("vnet0".parse().unwrap())).into(),
        enforcement.into(),
        authority(None).into(),
        authority(Some(previous)).into(),
        EnforcementWait { account: ACCOUNT, seconds: 7 }.into(),
    ];
    for entity in entities {
        let key = records::entity_key(&entity.key());
        let read = records::entity(&key, &records::entity_value(&entity).unwrap()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{entity:?}"));
    }
}
