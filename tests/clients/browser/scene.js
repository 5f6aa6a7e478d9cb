'use strict';

// What the pictures show: a small shop with web servers, an application and a database, each in its groups.

const { instance, newest, policy, until, user } = require('./console.js');

const REGION = 'edge-1';

const rule = (port, peer, more = {}) => ({
  Direction: 'ingress',
  IpProtocol: 'TCP',
  Policy: 'Accept',
  PortRange: `${port}/${port}`,
  Priority: 10,
  SourceCidrIp: peer,
  ...more,
});

const GROUPS = {
  web: {
    Description: 'Web servers: reached by everybody',
    Permissions: [
      rule(443, '0.0.0.0/0', { Description: 'HTTPS' }),
      rule(80, '0.0.0.0/0', { Description: 'Redirects to HTTPS' }),
      rule(443, '203.0.113.0/24', { Policy: 'Drop', Priority: 1, Description: 'Abuse, see ticket 4711' }),
    ],
  },
  application: { Description: 'Reached by web servers', Permissions: [rule(8080, '10.20.1.0/24')] },
  database: {
    Description: 'Reached by the application',
    Permissions: [
      rule(5432, '10.20.2.0/24'),
      { Direction: 'egress', IpProtocol: 'TCP', Policy: 'Drop', PortRange: '25/25', Priority: 1, DestCidrIp: '0.0.0.0/0' },
    ],
  },
  administration: { Description: 'SSH from inside', Permissions: [rule(22, '10.0.0.0/8'), rule(22, '10.20.9.0/24')] },
  forgotten: { Description: 'A trial of last year', Permissions: [rule(3389, '0.0.0.0/0')] },
};

const INSTANCES = {
  'customer-1': { vswitch: 'front', groups: [] },
  'web-1': { vswitch: 'front', groups: ['web', 'administration'] },
  'web-2': { vswitch: 'front', groups: ['web'] },
  'application-1': { vswitch: 'back', groups: ['application', 'administration'] },
  'database-1': { vswitch: 'back', groups: ['database'] },
};

/** Builds the shop, with conversations where there is a lab. Gives the ids that `pages` wants. */
async function build(world, lab) {
  const { NetworkId } = await world.call('CreateNetwork', { EnsRegionId: REGION, CidrBlock: '10.20.0.0/16', NetworkName: 'shop' });
  const vswitches = {};
  for (const [name, CidrBlock] of [['front', '10.20.1.0/24'], ['back', '10.20.2.0/24']]) {
    const wish = { EnsRegionId: REGION, NetworkId, CidrBlock, VSwitchName: name };
    vswitches[name] = (await world.call('CreateVSwitch', wish)).VSwitchId;
  }
  const groups = {};
  for (const [SecurityGroupName, { Description, Permissions }] of Object.entries(GROUPS)) {
    const wish = { SecurityGroupName, Description, Permissions: JSON.stringify(Permissions) };
    groups[SecurityGroupName] = (await world.call('CreateSecurityGroup', wish)).SecurityGroupId;
  }
  const made = {};
  for (const [InstanceName, { vswitch }] of Object.entries(INSTANCES)) {
    const wish = { EnsRegionId: REGION, Amount: 1, InstanceName, VSwitchId: vswitches[vswitch] };
    made[InstanceName] = (await world.call('RunInstances', wish)).InstanceIds[0];
  }
  for (const [name, { groups: wanted }] of Object.entries(INSTANCES)) {
    await until(async () => (await instance(world, made[name])).Status === 'Running', `${name} runs`);
    for (const group of wanted) {
      await world.call('JoinSecurityGroup', { SecurityGroupId: groups[group], InstanceId: made[name], ...(lab && { wait: 20 }) });
    }
  }
  const generation = await newest(world);
  await user(world, 'reader', ['AliyunENSReadOnlyAccess']);
  const PolicyName = await policy(world);
  const shown = await instance(world, made['web-1']);
  const { NetworkInterfaceId } = shown.NetworkInterfaces.NetworkInterfaces[0];
  if (lab) await talk(world, lab, made, NetworkInterfaceId);
  return {
    NetworkId,
    VSwitchId: vswitches.front,
    SecurityGroupId: groups.web,
    OtherGroupId: groups.application,
    rule: 'Direction=ingress&IpProtocol=TCP&Policy=Accept&PortRange=443%2F443&Priority=10&SourceCidrIp=0.0.0.0%2F0',
    InstanceId: made['web-1'],
    NetworkInterfaceId,
    NodeId: lab?.NodeId,
    PolicyName,
    generation,
  };
}

/** Lets the instances of the shop talk, and waits until that is seen: what passes, and what is dropped. */
async function talk(world, lab, made, NetworkInterfaceId) {
  const address = async (name) => (await instance(world, made[name])).InnerIpAddress.IpAddress[0];
  const [web, application, database] = await Promise.all(['web-1', 'application-1', 'database-1'].map(address));
  lab.converse(made['web-1'], 'listen', '443', '22');
  lab.converse(made['application-1'], 'listen', '8080');
  lab.converse(made['database-1'], 'listen', '5432');
  lab.converse(made['customer-1'], 'say', `${web}:443`, `${web}:443`, `${web}:3306`, `${web}:8443`, `${database}:5432`);
  lab.converse(made['web-1'], 'say', `${application}:8080`);
  lab.converse(made['application-1'], 'say', `${database}:5432`);
  const ask = (operation) => world.call(operation, { NetworkInterfaceId }, 'api');
  await until(async () => (await ask('DescribeNetworkInterfaceFlows')).TotalCount >= 3, 'flows are seen');
  await until(async () => (await ask('DescribeNetworkInterfaceDrops')).Drops.Drop.length >= 3, 'drops are seen');
}

module.exports = { REGION, build };
