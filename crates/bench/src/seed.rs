//! Data directories with a given number of instances, made by the control plane itself.

use std::{net::Ipv4Addr, path::Path, sync::Arc};

use anyhow::{Context as _, anyhow, bail};
use control::{Control, Settings, Submission, SystemClock};
use model::{
    AccountId, Actor, Command, InstanceId, NetworkId, Outcome, SecurityGroupId, UnixMillis, VSwitchId,
    address::Prefix,
    command::{
        AddressFamily, ChargeWish, DiskWish, InstanceCommand, InstanceWish, Ipv6Wish, NetworkCommand,
        Placement, SecurityGroupCommand,
    },
    ram::{KeyPair, RamCommand, RamOutcome, Secret},
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};

use crate::server::{KEY_ID, KEY_SECRET};

/// How many instances one command makes at the most.
const AT_ONCE: usize = 100;
/// How many instances one vSwitch takes; a /16 has room for a few more.
const IN_VSWITCH: usize = 65_000;
/// Where everything is.
pub const REGION: &str = "cn-hangzhou-telecom";

/// What was made.
pub struct Seeded {
    /// The groups.
    pub groups: Vec<SecurityGroupId>,
    /// The instances; instance `i` is in group `i * groups / instances`.
    pub instances: Vec<InstanceId>,
}

/// Makes a data directory with so many running instances, each a member of one of so many groups.
pub fn seed(data: &Path, instances: usize, groups: usize) -> anyhow::Result<Seeded> {
    seed_with_rules(data, instances, groups, 0)
}

/// The same, with so many rules in each group.
pub fn seed_with_rules(data: &Path, instances: usize, groups: usize, rules: usize) -> anyhow::Result<Seeded> {
    let mut settings = Settings::default();
    settings.limits.groups_per_account = usize::MAX;
    settings.limits.instances_per_account = usize::MAX;
    settings.limits.interfaces_per_group = usize::MAX;
    // Instances are to be Running at once: nothing passes while nothing is measured.
    let timing = &mut settings.timing;
    (timing.creating_ms, timing.image_downloading_ms, timing.starting_ms) = (0, 0, 0);
    let store = store::FjallStore::open(&data.join("store"), &store::Options::default())?;
    let control = Control::open(Box::new(store), settings, Arc::new(SystemClock), &mut |_| {})?.control;
    let seeded = Seeder { control: &control, actor: Actor::Operator, rules }.run(instances, groups);
    control.stop_blocking();
    seeded
}

/// One of the rules of a group: mostly prefixes and ports of its own, some that drop, a tenth for what goes out.
fn rule(group: usize, place: usize) -> Rule {
    let protocol = if place % 5 == 4 { Protocol::Udp } else { Protocol::Tcp };
    let octet = |number: usize| u8::try_from(number % 250).unwrap_or(0);
    let prefix =
        Prefix::ipv4(&format!("{}.{}.{}.0/24", 11 + octet(place) / 2, octet(group), octet(group / 250)));
    let port = u16::try_from(1 + (group * 131 + place * 17) % 60_000).unwrap_or(1);
    let (ingress, prefix) = (place % 10 != 9, prefix.ok());
    Rule {
        direction: if ingress { Direction::Ingress } else { Direction::Egress },
        protocol,
        policy: if place % 7 == 6 { Policy::Drop } else { Policy::Accept },
        priority: u8::try_from(1 + place % 100).unwrap_or(1),
        ports: PortRange::Ports { low: port, high: port.saturating_add(9) },
        source_ports: PortRange::default_for(protocol),
        source: prefix.clone().filter(|_| ingress),
        destination: prefix.filter(|_| !ingress),
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    }
}

struct Seeder<'a> {
    control: &'a Control,
    actor: Actor,
    /// Rules of each group.
    rules: usize,
}

impl Seeder<'_> {
    fn run(mut self, instances: usize, groups: usize) -> anyhow::Result<Seeded> {
        self.actor = Actor::Root(self.account()?);
        let network = self.network()?;
        let groups = (0..groups).map(|number| self.group(number)).collect::<anyhow::Result<Vec<_>>>()?;
        let in_group = (instances / groups.len()).clamp(1, AT_ONCE);
        let mut made = Vec::with_capacity(instances);
        let mut vswitch = self.vswitch(network, 0)?;
        while made.len() < instances {
            if !made.is_empty() && made.len() % IN_VSWITCH == 0 {
                vswitch = self.vswitch(network, made.len() / IN_VSWITCH)?;
            }
            let room = IN_VSWITCH - made.len() % IN_VSWITCH;
            let amount = in_group.min(room).min(instances - made.len());
            let group = groups[made.len() * groups.len() / instances];
            made.extend(self.run_instances(vswitch, group, amount)?);
        }
        self.wait_until_running(*made.last().context("there are no instances")?)?;
        Ok(Seeded { groups, instances: made })
    }

    fn submit(&self, operation: &'static str, command: Command) -> anyhow::Result<Outcome> {
        let submission = Submission {
            actor: self.actor,
            command,
            operation,
            request_id: "bench".into(),
            source: None,
            nonce: None,
        };
        Ok(self
            .control
            .submit_blocking(submission)
            .map_err(|failure| anyhow!("{operation}: {failure:?}"))?
            .outcome)
    }

    fn account(&self) -> anyhow::Result<AccountId> {
        let key = KeyPair { id: KEY_ID.into(), secret: Secret::new(KEY_SECRET) };
        let command = Command::Ram(RamCommand::CreateAccount { name: "default".into(), key: Some(key) });
        match self.submit("CreateAccount", command)? {
            Outcome::Ram(RamOutcome::Account(account, _)) => Ok(account),
            _ => bail!("there is no account"),
        }
    }

    fn network(&self) -> anyhow::Result<NetworkId> {
        let command = NetworkCommand::Create {
            region: REGION.into(),
            cidr: "10.0.0.0/8".parse()?,
            name: "".into(),
            description: "".into(),
            tags: Vec::new(),
            ipv6: false,
            ipv6_isp: "".into(),
        };
        match self.submit("CreateNetwork", Command::Network(command))? {
            Outcome::Network(network) => Ok(network),
            _ => bail!("there is no network"),
        }
    }

    fn vswitch(&self, network: NetworkId, number: usize) -> anyhow::Result<VSwitchId> {
        let second = u8::try_from(number)?;
        let command = NetworkCommand::CreateVSwitch {
            region: REGION.into(),
            network: Some(network),
            cidr: format!("{}/16", Ipv4Addr::new(10, second, 0, 0)).parse()?,
            name: "".into(),
            description: "".into(),
            tags: Vec::new(),
            ipv6: Ipv6Wish::Off,
        };
        match self.submit("CreateVSwitch", Command::Network(command))? {
            Outcome::VSwitch(vswitch) => Ok(vswitch),
            _ => bail!("there is no vSwitch"),
        }
    }

    fn group(&self, number: usize) -> anyhow::Result<SecurityGroupId> {
        let command = SecurityGroupCommand::Create {
            name: format!("group-{number}").into(),
            description: "".into(),
            rules: (0..self.rules).map(|place| rule(number, place)).collect(),
        };
        match self.submit("CreateSecurityGroup", Command::SecurityGroup(command))? {
            Outcome::SecurityGroup(group) => Ok(group),
            _ => bail!("there is no group"),
        }
    }

    fn run_instances(
        &self,
        vswitch: VSwitchId,
        group: SecurityGroupId,
        amount: usize,
    ) -> anyhow::Result<Vec<InstanceId>> {
        let disk = DiskWish { size_gib: None, category: None, encrypted: false, key_id: "".into() };
        let wish = InstanceWish {
            amount,
            placement: Placement::Region(REGION.into()),
            image: None,
            instance_type: None,
            name: None,
            host_name: None,
            unique_suffix: false,
            vswitch: Some(vswitch),
            network: None,
            address: None,
            family: AddressFamily::Ipv4,
            ipv6_count: 0,
            group: Some(group),
            charge: ChargeWish::PostPaid,
            auto_release_at: None,
            deletion_protection: false,
            key_pair: None,
            user_data: None,
            public_address: false,
            internet_bandwidth_mbps: 0,
            system_disk: disk,
            data_disks: Vec::new(),
            tags: Vec::new(),
        };
        match self.submit("RunInstances", Command::Instance(InstanceCommand::Run(Box::new(wish))))? {
            Outcome::Instances(instances) => Ok(instances),
            _ => bail!("there are no instances"),
        }
    }

    /// Waits until the clock has brought every instance to `Running`.
    fn wait_until_running(&self, last: InstanceId) -> anyhow::Result<()> {
        let begun = std::time::Instant::now();
        loop {
            let running = self.control.read_blocking(|state| {
                let there = state.instances().get(&last);
                there.is_some_and(|instance| instance.passage.is_none()) && state.next_due().is_none()
            })?;
            if running.value {
                return Ok(());
            }
            if begun.elapsed().as_secs() > 600 {
                bail!("the instances do not come to run");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}
