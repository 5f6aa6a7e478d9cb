//! What `guard` should not name: devices by which the host itself reaches its networks.
//!
//! That is not what the agent knows as the way to its control plane, which it leaves open: a default route may lead elsewhere,
//! and before the control plane was reached by its name once, nobody knows where the way to it leads.

use std::fs;

use agent::{NamePattern, settings::Settings};

/// Where the kernel lists the routes of this network namespace.
const ROUTES: [(&str, usize, usize); 2] = [("/proc/net/route", 1, 0), ("/proc/net/ipv6_route", 0, 9)];

/// What to say about `guard`, where it closes what the host needs.
pub(super) fn warning(settings: &Settings) -> Option<String> {
    let uplinks = ROUTES.iter().flat_map(|(path, destination, device)| {
        uplinks(&fs::read_to_string(path).unwrap_or_default(), *destination, *device)
    });
    about(&settings.guard, &uplinks.collect::<Vec<_>>())
}

fn about(guard: &[String], uplinks: &[String]) -> Option<String> {
    for pattern in guard {
        if pattern == "*" {
            return Some(
                "guard is \"*\", which is EVERY DEVICE of this host: its own are closed too, and the host is cut off, but for the \
                 way to the control plane where that is known. Name devices of instances alone, as in guard = [\"vnet*\"]"
                    .to_owned(),
            );
        }
        let named = NamePattern::parse(pattern);
        let closed = uplinks.iter().find(|name| named.as_ref().is_some_and(|named| named.matches(name)));
        if let Some(device) = closed {
            return Some(format!(
                "guard has {pattern:?}, which closes {device}: THE HOST ITSELF IS CUT OFF, since its default route goes by \
                 that device, unless the control plane is known to be reached over it. Name devices of instances alone, as in \
                 guard = [\"vnet*\"]"
            ));
        }
    }
    None
}

/// The devices of default routes, of a table whose columns say where a route leads and by which device.
fn uplinks(table: &str, destination: usize, device: usize) -> Vec<String> {
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let is_default = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit == b'0');
    let rows = rows.filter(|row| row.get(destination).is_some_and(|text| is_default(text)));
    let names = rows.filter_map(|row| row.get(device).map(|name| (*name).to_owned()));
    // The kernel writes routes that lead nowhere as such by the loopback device.
    names.filter(|name| name != "lo").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_closes_the_uplink_is_warned() {
        let table = "Iface\tDestination\tGateway\nens3\t00000000\t0100A8C0\nens3\t0000A8C0\t00000000\n";
        let found = uplinks(table, 1, 0);
        assert_eq!(found, ["ens3"]);
        let said = |guard: &str| about(&[guard.to_owned()], &found);
        assert!(said("*").unwrap().contains("EVERY DEVICE"));
        assert!(said("en*").unwrap().contains("closes ens3"));
        assert_eq!(said("vnet*"), None);
        let six = "00000000000000000000000000000000 00 0 00 0 0 1 0 200200       lo\n";
        assert_eq!(uplinks(six, 0, 9), Vec::<String>::new());
    }
}
