//! Whose certificates are taken, and for how long.

use model::node::{Digest, NodeWish};
use protocol::node::{self, session_client::SessionClient};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls_pki_types::CertificateDer;
use tonic::{Code, Status};

use crate::{
    client::{Follow, Identity, request},
    world::{DAY_MS, World, until, within},
};

/// What a node gets that shows a certificate: a refusal while TLS begins is as good as one afterwards.
async fn refused(world: &World, identity: &Identity) -> Option<Status> {
    let channel = world.try_connect(identity).await?;
    let begun = Follow::begin(channel).await;
    Some(begun.err().expect("it is refused"))
}

impl World {
    async fn renew(&self, identity: &Identity) -> Result<Identity, Status> {
        let (key, certificate_signing_request) = request();
        let mut client = SessionClient::new(self.connect(identity).await);
        let renewed = within(client.renew(node::RenewRequest { certificate_signing_request })).await?;
        let node::RenewResponse { certificate, authority } = renewed.into_inner();
        Ok(Identity {
            chain: vec![CertificateDer::from(certificate)],
            key: key.serialize_der(),
            authority: CertificateDer::from(authority),
            ..identity.clone()
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_there_is_no_session() {
    let world = World::new().await;
    let status = Follow::begin(world.stranger().await).await.err().unwrap();
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    let certificate_signing_request = request().1;
    let mut client = SessionClient::new(world.stranger().await);
    let status = client.renew(node::RenewRequest { certificate_signing_request }).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_refused_for_want_of_a_certificate_may_not_go_on_on_the_connection() {
    let world = World::new().await;
    let channel = world.stranger().await;
    let ends = async {
        loop {
            let status = Follow::begin(channel.clone()).await.err().unwrap();
            if status.code() != Code::Unauthenticated {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    // Sooner than it would end because it took too long, or because nothing was asked for.
    tokio::time::timeout(std::time::Duration::from_secs(5), ends).await.expect("the connection ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_certificate_is_not_taken() {
    let world = World::new().await;
    let identity = world.node().await;
    let other = World::new().await;
    let of_other = other.node().await;
    // Of another control plane, with the very id of a node here.
    let stolen = Identity { authority: identity.authority.clone(), ..of_other };
    // Signed by itself.
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let own = parameters.self_signed(&key).unwrap();
    let self_signed =
        Identity { chain: vec![own.der().clone()], key: key.serialize_der(), ..identity.clone() };
    // Signed by a node, which is no authority.
    let issuer_key = KeyPair::try_from(identity.key.clone()).unwrap();
    let issuer = Issuer::new(CertificateParams::default(), issuer_key);
    let child = parameters.signed_by(&key, &issuer).unwrap();
    let by_node = Identity {
        chain: vec![child.der().clone(), identity.chain[0].clone()],
        key: key.serialize_der(),
        ..identity.clone()
    };
    // A node's certificate without its key.
    let without_key = Identity { key: key.serialize_der(), ..identity.clone() };
    for (what, foreign) in [("another's", stolen), ("its own", self_signed), ("a node's child", by_node)] {
        let status = refused(&world, &foreign).await;
        assert!(status.is_none_or(|status| status.code() != Code::Ok), "{what}");
    }
    let taken = std::panic::AssertUnwindSafe(async { world.try_connect(&without_key).await.is_some() });
    assert!(!futures_util::FutureExt::catch_unwind(taken).await.unwrap_or(false), "a key that is not its");
    assert_eq!(world.standing(identity.node).connection, None);
    world.follow(&identity, 0).await.told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_ends_when_it_is_revoked_and_so_does_the_session() {
    let world = World::new().await;
    let identity = world.node().await;
    let mut follow = world.follow(&identity, 0).await;
    follow.told().await;
    world.revoke(identity.node).await;
    let status = follow.end().await;
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    let status = refused(&world, &identity).await.expect("the authority did sign it");
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    assert!(status.message().contains("join again"), "{status:?}");
    let token = world.token_for(NodeWish::Again(identity.node)).await;
    let again = world.join(&token).await.unwrap();
    world.follow(&again, 0).await.told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_expires_by_the_clock_of_the_control_plane_and_so_does_the_session() {
    let world = World::new().await;
    let identity = world.node().await;
    let mut follow = world.follow(&identity, 0).await;
    follow.told().await;
    world.clock.move_by(90 * DAY_MS - 60_000);
    world.follow(&identity, 0).await.told().await;
    let mut follow = world.follow(&identity, 0).await;
    follow.told().await;
    world.clock.move_by(60_001);
    let status = follow.end().await;
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    assert!(status.message().contains("expired"), "{status:?}");
    let status = refused(&world, &identity).await;
    assert!(status.is_none_or(|status| status.code() != Code::Ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_and_the_one_before_stays_good_until_it_expires() {
    let world = World::new().await;
    let first = world.node().await;
    world.clock.move_by(60 * DAY_MS);
    let second = world.renew(&first).await.unwrap();
    assert_ne!(first.chain, second.chain);
    for identity in [&first, &second] {
        world.follow(identity, 0).await.told().await;
    }
    world.clock.move_by(31 * DAY_MS);
    let status = refused(&world, &first).await;
    assert!(status.is_none_or(|status| status.code() != Code::Ok));
    world.follow(&second, 0).await.told().await;
    let kept = world.control.read(|state| state.nodes().get(&first.node).unwrap().certificates.clone());
    let kept = kept.await.unwrap().value;
    assert_eq!(kept[0].fingerprint, Digest::of(&second.chain[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_needs_a_request_that_is_one() {
    let world = World::new().await;
    let identity = world.node().await;
    let mut client = SessionClient::new(world.connect(&identity).await);
    let certificate_signing_request = vec![1, 2, 3];
    let status = client.renew(node::RenewRequest { certificate_signing_request }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let mut renewals = Vec::new();
    for _ in 0..20 {
        renewals.push(world.renew(&identity).await.map_or_else(|status| status.code(), |_| Code::Ok));
    }
    assert!(renewals.contains(&Code::ResourceExhausted), "{renewals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_deleted_is_not_listened_to() {
    let world = World::new().await;
    let identity = world.node().await;
    let mut follow = world.follow(&identity, 0).await;
    follow.told().await;
    let delete = model::node::NodeCommand::Delete { node: identity.node, force: true };
    world.must(model::Command::Node(delete)).await;
    assert_eq!(follow.end().await.code(), Code::NotFound);
    let status = refused(&world, &identity).await.expect("the authority did sign it");
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_makes_its_own_certificate_anew_while_it_runs() {
    let world = World::new().await;
    let identity = world.node().await;
    for _ in 0..12 {
        // Each is good for a week.
        world.clock.move_by(6 * DAY_MS);
        world.follow(&identity, 0).await.told().await;
        world.until_disconnected(identity.node).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_is_replaced_and_nodes_learn_of_the_new_one_when_they_renew() {
    let world = World::new().await;
    let before = world.node().await;
    let unused = world.token().await;
    let replace = |overlap| {
        let (control, clock) = (world.control.clone(), world.clock.clone());
        tokio::task::spawn_blocking(move || {
            session::replace_blocking(&control, control::Clock::now(&clock), overlap).unwrap()
        })
    };
    let overlap = std::time::Duration::from_secs(90 * 86_400);
    let fingerprint = within(replace(Some(overlap))).await.unwrap();
    assert_eq!(fingerprint, model::node::AuthorityFingerprint::of(&world.authority().await));
    assert_eq!(world.join(&unused).await.err().unwrap().code(), Code::Unauthenticated);
    // A new node trusts the new one alone, an old one the old one alone: both are served.
    let new = world.node().await;
    world.follow(&new, 0).await.told().await;
    world.follow(&before, 0).await.told().await;
    let renewed = world.renew(&before).await.unwrap();
    assert_ne!(renewed.authority, before.authority);
    world.follow(&renewed, 0).await.told().await;
    world.clock.move_by(91 * DAY_MS);
    assert!(world.try_connect(&before).await.is_none(), "the overlap is over");
    assert!(!world.history().await.contains("PRIVATE KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_replaced_at_once_leaves_no_node() {
    let world = World::new().await;
    let before = world.node().await;
    let (control, clock) = (world.control.clone(), world.clock.clone());
    let replace = tokio::task::spawn_blocking(move || {
        session::replace_blocking(&control, control::Clock::now(&clock), None).map(|_| ())
    });
    within(replace).await.unwrap().unwrap();
    assert!(world.try_connect(&before).await.is_none());
    until("it is not connected", || world.standing(before.node).connection.is_none()).await;
    let token = world.token_for(NodeWish::Again(before.node)).await;
    let again = world.join(&token).await.unwrap();
    world.follow(&again, 0).await.told().await;
}
