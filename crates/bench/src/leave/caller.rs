//! Who calls the control plane: the setting up of what is measured, and single changes that are waited for.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};
use model::{NetworkInterfaceId, SecurityGroupId, address::Mac};
use serde_json::Value;
use wire::catalogue::Product;

use super::{network::Interface, rules::Accept};
use crate::load::{self, Connection, Request};

/// An edge site that every server offers.
pub const REGION: &str = "cn-hangzhou-telecom";
/// The most instances of one call.
const AT_ONCE: usize = 100;
/// The most entries of one page.
const PAGE: usize = 100;
/// How long setting up may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How much longer for each interface that is bound.
const BINDING: Duration = Duration::from_millis(200);
/// Connections that set up.
const CONNECTIONS: usize = 32;
/// How long a change that is waited for may take, in seconds.
pub const WAIT_SECONDS: u32 = 30;

/// A change that was waited for.
#[derive(Debug, Clone, Copy)]
pub struct Confirmed {
    /// When it was asked for.
    pub asked_at: SystemTime,
    /// When its answer was read: every node that it concerns has confirmed it.
    pub answered_at: SystemTime,
    /// How long that took, by the clock that nobody sets.
    pub took: Duration,
}

/// A connection of its own to a control plane.
pub struct Caller {
    address: String,
    connection: Connection,
}

impl Caller {
    /// Connects.
    ///
    /// # Errors
    /// Nobody answers.
    pub async fn connect(address: &str) -> anyhow::Result<Self> {
        let connection = Connection::open(address).await?.waiting(WAIT_SECONDS);
        Ok(Self { address: address.to_owned(), connection })
    }

    /// Connects anew where the connection was closed meanwhile: it has a long rest while another site is made or measured.
    async fn ready(&mut self) -> anyhow::Result<&mut Connection> {
        if self.connection.is_closed() {
            self.connection = Connection::open(&self.address).await?.waiting(WAIT_SECONDS);
        }
        Ok(&mut self.connection)
    }

    /// Asks for a change, and waits until it is confirmed.
    ///
    /// # Errors
    /// It is refused, or not confirmed in time.
    pub async fn change(&mut self, request: &Request) -> anyhow::Result<Confirmed> {
        let connection = self.ready().await?;
        let asked_at = SystemTime::now();
        let (took, _) = connection.call(request).await?;
        Ok(Confirmed { asked_at, answered_at: SystemTime::now(), took })
    }

    /// Makes a call that does nothing, so many times.
    ///
    /// # Errors
    /// It fails.
    pub async fn nothing(&mut self, times: usize) -> anyhow::Result<Vec<Duration>> {
        let nothing = (Product::Sts, "GetCallerIdentity", Vec::new());
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            took.push(self.ready().await?.call(&nothing).await?.0);
        }
        Ok(took)
    }

    /// Makes a call and gives its answer.
    ///
    /// # Errors
    /// It is refused.
    pub async fn call(
        &mut self,
        product: Product,
        action: &'static str,
        parameters: Vec<(&'static str, String)>,
    ) -> anyhow::Result<Value> {
        let (_, body) = self.ready().await?.call(&(product, action, parameters)).await?;
        Ok(serde_json::from_slice(&body)?)
    }

    async fn id(
        &mut self,
        action: &'static str,
        parameters: Vec<(&'static str, String)>,
        field: &str,
    ) -> anyhow::Result<String> {
        let answer = self.call(Product::Ens, action, parameters).await?;
        text(&answer, field).map(str::to_owned)
    }

    /// Makes calls of one kind, many at a time, and does not wait for what follows from them.
    ///
    /// # Errors
    /// One is refused.
    pub async fn all(&self, requests: Vec<Request>) -> anyhow::Result<()> {
        let count = requests.len();
        let source: load::Source = std::sync::Arc::new(move |number| requests.get(number).cloned());
        let done = load::run(&self.address, CONNECTIONS, PATIENCE, source).await?;
        ensure!(done.latencies.len() == count, "setting up takes longer than {} s", PATIENCE.as_secs());
        Ok(())
    }

    /// Makes a network with one vSwitch; gives the vSwitch.
    ///
    /// # Errors
    /// A call is refused.
    pub async fn make_network(&mut self) -> anyhow::Result<String> {
        let region = || ("EnsRegionId", REGION.to_owned());
        let block = vec![region(), ("CidrBlock", "10.0.0.0/8".to_owned())];
        let network = self.id("CreateNetwork", block, "NetworkId").await?;
        let part = vec![region(), ("CidrBlock", "10.0.0.0/16".to_owned()), ("NetworkId", network)];
        self.id("CreateVSwitch", part, "VSwitchId").await
    }

    /// Makes a group.
    ///
    /// # Errors
    /// The call is refused.
    pub async fn make_group(&mut self, name: &str, rules: &[Accept]) -> anyhow::Result<SecurityGroupId> {
        let permissions: Value = rules.iter().map(Accept::permission).collect();
        let mut parameters = vec![("SecurityGroupName", name.to_owned())];
        if !rules.is_empty() {
            parameters.push(("Permissions", permissions.to_string()));
        }
        let id = self.id("CreateSecurityGroup", parameters, "SecurityGroupId").await?;
        id.parse().map_err(|_| anyhow::anyhow!("{id} is no id of a group"))
    }

    /// Makes instances in a group, and gives their interfaces when all run.
    ///
    /// # Errors
    /// A call is refused; the instances do not come to run.
    pub async fn run_instances(
        &mut self,
        count: usize,
        vswitch: &str,
        group: SecurityGroupId,
    ) -> anyhow::Result<Vec<Interface>> {
        let mut left = count;
        while left > 0 {
            let amount = left.min(AT_ONCE);
            let parameters = vec![
                ("EnsRegionId", REGION.to_owned()),
                ("Amount", amount.to_string()),
                ("VSwitchId", vswitch.to_owned()),
                ("SecurityId", group.to_string()),
            ];
            self.call(Product::Ens, "RunInstances", parameters).await?;
            left -= amount;
        }
        self.wait_until_running(count).await?;
        self.interfaces(group).await
    }

    /// Waits until every node has confirmed everything that was changed: so many interfaces are bound in all. How long that
    /// may take grows with them: the kernel waits for all CPUs twice for each device that it attaches programs to, and does
    /// so for one device at a time, whatever namespace it is in.
    ///
    /// # Errors
    /// A node cannot put something in force; it takes too long.
    pub async fn wait_until_confirmed(&mut self, nodes: usize, interfaces: usize) -> anyhow::Result<()> {
        let patience = PATIENCE + BINDING * u32::try_from(interfaces)?;
        let begun = Instant::now();
        loop {
            let parameters = vec![("PageSize", PAGE.to_string())];
            let answer = self.call(Product::Ravelin, "DescribeNodes", parameters).await?;
            let shown = answer["Nodes"]["Node"].as_array().context("an answer without nodes")?;
            ensure!(shown.len() == nodes, "there are {} nodes, and not {nodes}", shown.len());
            for node in shown {
                let troubles = ["NotInForce", "Refused"].map(|trouble| &node[trouble]);
                let trouble = troubles.into_iter().find(|trouble| !trouble.is_null());
                ensure!(trouble.is_none(), "{}: {}", node["NodeId"], trouble.unwrap_or(&Value::Null));
            }
            let behind: Vec<&Value> = shown.iter().filter(|node| !has_confirmed(node)).collect();
            let Some(first) = behind.first() else { return Ok(()) };
            ensure!(
                begun.elapsed() < patience,
                "{} nodes have not confirmed what is bound to them within {} s: {first}",
                behind.len(),
                patience.as_secs()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn wait_until_running(&mut self, count: usize) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let parameters = vec![("Status", "Running".to_owned()), ("PageSize", "1".to_owned())];
            let running = self.call(Product::Ens, "DescribeInstances", parameters).await?;
            if running["TotalCount"].as_u64() == Some(count as u64) {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "the instances do not come to run: {}",
                running["TotalCount"]
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The interfaces in a group.
    async fn interfaces(&mut self, group: SecurityGroupId) -> anyhow::Result<Vec<Interface>> {
        let mut found = Vec::new();
        for page in 1.. {
            let parameters = vec![
                ("SecurityGroupId", group.to_string()),
                ("PageNumber", page.to_string()),
                ("PageSize", PAGE.to_string()),
            ];
            let answer = self.call(Product::Ens, "DescribeNetworkInterfaces", parameters).await?;
            let shown = &answer["NetworkInterfaceSets"]["NetworkInterfaceSet"];
            let shown = shown.as_array().context("an answer without interfaces")?;
            for interface in shown {
                found.push(read_interface(interface)?);
            }
            if shown.len() < PAGE {
                break;
            }
        }
        Ok(found)
    }
}

/// Whether a node is there, has all its devices, and has confirmed all that it was told.
fn has_confirmed(node: &Value) -> bool {
    let caught_up = node["GenerationsBehind"] == 0 && node["ConfirmedGeneration"].is_u64();
    node["Connected"] == true && caught_up && node["AbsentNetworkInterfaceCount"] == 0
}

fn text<'a>(answer: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    answer[field].as_str().with_context(|| format!("an answer without {field}: {answer}"))
}

fn read_interface(shown: &Value) -> anyhow::Result<Interface> {
    let id = text(shown, "NetworkInterfaceId")?;
    let id: NetworkInterfaceId = id.parse().ok().with_context(|| format!("{id} is no id of an interface"))?;
    let mac = text(shown, "MacAddress")?;
    let mac = read_mac(mac).with_context(|| format!("{mac} is no MAC"))?;
    Ok(Interface { id, mac, address: text(shown, "PrimaryIp")?.parse()? })
}

fn read_mac(text: &str) -> Option<Mac> {
    let parts = text.split(':').map(|part| u8::from_str_radix(part, 16));
    Some(Mac(parts.collect::<Result<Vec<u8>, _>>().ok()?.try_into().ok()?))
}

/// That an interface leaves a group.
pub fn leave(interface: NetworkInterfaceId, group: SecurityGroupId) -> Request {
    membership("LeaveSecurityGroup", interface, group)
}

/// That an interface joins a group.
pub fn join(interface: NetworkInterfaceId, group: SecurityGroupId) -> Request {
    membership("JoinSecurityGroup", interface, group)
}

fn membership(action: &'static str, interface: NetworkInterfaceId, group: SecurityGroupId) -> Request {
    let parameters =
        vec![("NetworkInterfaceId", interface.to_string()), ("SecurityGroupId", group.to_string())];
    (Product::Ens, action, parameters)
}

/// That a rule is removed from a group.
pub fn revoke(group: SecurityGroupId, rule: &Accept) -> Request {
    of_rule("RevokeSecurityGroup", group, rule)
}

/// That a rule is added to a group.
pub fn authorize(group: SecurityGroupId, rule: &Accept) -> Request {
    of_rule("AuthorizeSecurityGroup", group, rule)
}

fn of_rule(action: &'static str, group: SecurityGroupId, rule: &Accept) -> Request {
    let mut parameters = vec![("SecurityGroupId", group.to_string())];
    parameters.extend(rule.parameters());
    (Product::Ens, action, parameters)
}

/// That an interface is bound to the device of a node that has its alias.
pub fn bind(interface: NetworkInterfaceId, node: &str) -> Request {
    let parameters = vec![("NetworkInterfaceId", interface.to_string()), ("NodeId", node.to_owned())];
    (Product::Ravelin, "BindNetworkInterface", parameters)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_node_has_confirmed_when_it_is_there_and_nothing_is_open() {
        let node = |connected: bool, behind: u64, absent: u64| {
            serde_json::json!({ "Connected": connected, "GenerationsBehind": behind, "ConfirmedGeneration": 7,
                                "AbsentNetworkInterfaceCount": absent })
        };
        assert!(has_confirmed(&node(true, 0, 0)));
        for not in [node(false, 0, 0), node(true, 1, 0), node(true, 0, 1), serde_json::json!({})] {
            assert!(!has_confirmed(&not), "{not}");
        }
    }

    #[test]
    fn an_interface_is_read_from_its_answer() {
        let shown = serde_json::json!({
            "NetworkInterfaceId": "eni-5f6533jbifugr5fo2j1wabcde",
            "MacAddress": "02:00:0a:00:FF:05",
            "PrimaryIp": "10.0.0.5",
        });
        let interface = read_interface(&shown).unwrap();
        assert_eq!(interface.id.to_string(), "eni-5f6533jbifugr5fo2j1wabcde");
        assert_eq!(interface.mac, Mac([2, 0, 10, 0, 255, 5]));
        assert_eq!(interface.address, Ipv4Addr::new(10, 0, 0, 5));
        for wrong in ["02:00:0a:00:ff", "02:00:0a:00:ff:05:06", "2:0:a:0:f:x", ""] {
            assert_eq!(read_mac(wrong), None, "{wrong}");
        }
    }
}
