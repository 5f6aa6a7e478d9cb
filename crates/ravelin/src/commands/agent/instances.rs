//! The instances that a lab node has made on this host: what a removal takes away.

use agent::identity::Identity;
use host::{Netlink, in_namespace, namespace};
use model::InstanceId;

/// What the names of namespaces of instances begin with; the id follows.
const NAMESPACE: &str = "ravelin-";

/// How many instances of this node there are on the host. What cannot be looked into is not counted.
pub(super) fn count(identity: &Identity) -> usize {
    let mark = format!("ravelin:{} ", identity.node);
    let names = namespace::list().unwrap_or_default();
    let of_instances = names
        .iter()
        .filter(|name| name.strip_prefix(NAMESPACE).is_some_and(|id| id.parse::<InstanceId>().is_ok()));
    of_instances.filter(|name| is_marked(name, &mark)).count()
}

/// Whether its loopback device says who made it, and that it was this node.
fn is_marked(name: &str, mark: &str) -> bool {
    let aliases = in_namespace(name, || {
        let links = Netlink::open().and_then(|netlink| netlink.links()).unwrap_or_default();
        links.into_iter().any(|link| link.name == "lo" && link.alias.starts_with(mark))
    });
    aliases.unwrap_or(false)
}

/// `1 instance`, `2 instances`.
pub(super) fn named(count: usize) -> String {
    if count == 1 { "1 instance".to_owned() } else { format!("{count} instances") }
}
