'use strict';

// What tests of the console share: a server, somebody who is signed in, and the command line to make and look at things
// beside the pages.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');

const browser = require('./browser.js');
const server = require('../node/server.js');

const run = promisify(execFile);

/** A server, to which nodes can come where that is asked for, and Chromium. Give them back with `stop()`. */
async function start(options) {
  const settings = ['console.attempts_per_minute=6000'];
  const [chromium, served] = await Promise.all([browser.start(), server.start(settings, options)]);
  const origin = `http://${served.http}`;
  return {
    origin,
    nodes: served.nodes,
    /** A window in which somebody is signed in. */
    async tab(options, key = server.root) {
      const tab = await chromium.tab(origin, options);
      await signIn(tab, key);
      return tab;
    },
    /** A window in which nobody is. */
    stranger: (options) => chromium.tab(origin, options),
    call: (operation, parameters, product, key) => call(origin, operation, parameters, product, key),
    stop: () => Promise.all([chromium.stop(), served.stop()]),
  };
}

async function signIn(tab, key) {
  await tab.go('/console/sign-in');
  await tab.page.getByLabel('Access key ID').fill(key.id);
  await tab.page.getByLabel('Access key secret').fill(key.secret);
  await tab.page.getByRole('button', { name: 'Sign in' }).click();
  // On a narrow screen it is there, and closed.
  await tab.page.locator('nav[aria-label="Main"]').waitFor({ state: 'attached' });
}

/** The environment of a command that is run by somebody with this key. */
function environment(key = server.root) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('RAVELIN_'));
  return {
    ...Object.fromEntries(kept),
    RAVELIN_ACCESS_KEY_ID: key.id,
    RAVELIN_ACCESS_KEY_SECRET: key.secret,
  };
}

/** Calls an operation with the command line. Gives its answer; throws where it is refused. */
async function call(origin, operation, parameters = {}, product = 'ens', key = server.root) {
  const given = Object.entries(parameters).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const { stdout } = await run(server.BINARY, [product, operation, '--endpoint', origin, ...given], {
    env: environment(key),
    timeout: browser.WAIT_MILLISECONDS_MAX,
  });
  return JSON.parse(stdout);
}

/** Makes a network, a group with rules, and an instance that runs in it. */
async function seed(world) {
  const { NetworkId } = await world.call('CreateNetwork', { EnsRegionId: 'edge-1', CidrBlock: '10.20.0.0/16', NetworkName: 'shop' });
  const { VSwitchId } = await world.call('CreateVSwitch', {
    EnsRegionId: 'edge-1',
    NetworkId,
    CidrBlock: '10.20.1.0/24',
    VSwitchName: 'front',
  });
  const rule = (port, cidr) => ({
    Direction: 'ingress',
    IpProtocol: 'TCP',
    Policy: 'Accept',
    PortRange: `${port}/${port}`,
    Priority: 1,
    SourceCidrIp: cidr,
  });
  const { SecurityGroupId } = await world.call('CreateSecurityGroup', {
    SecurityGroupName: 'web',
    Description: 'Web servers',
    Permissions: JSON.stringify([rule(443, '0.0.0.0/0'), rule(22, '10.0.0.0/8')]),
  });
  const { InstanceIds } = await world.call('RunInstances', { EnsRegionId: 'edge-1', Amount: 1, InstanceName: 'counter-1', VSwitchId });
  const [InstanceId] = InstanceIds;
  await until(async () => (await instance(world, InstanceId)).Status === 'Running', 'the instance runs');
  await world.call('JoinSecurityGroup', { SecurityGroupId, InstanceId });
  const shown = await instance(world, InstanceId);
  const { NetworkInterfaceId } = shown.NetworkInterfaces.NetworkInterfaces[0];
  const PolicyName = await policy(world);
  const generation = await newest(world);
  return { NetworkId, VSwitchId, SecurityGroupId, InstanceId, NetworkInterfaceId, PolicyName, generation };
}

/** Makes a policy of the account. Gives its name. */
async function policy(world) {
  const PolicyName = 'members-of-groups';
  const Action = ['ens:JoinSecurityGroup', 'ens:LeaveSecurityGroup'];
  const PolicyDocument = JSON.stringify({ Version: '1', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] });
  await world.call('CreatePolicy', { PolicyName, PolicyDocument, Description: 'Who is in which group' }, 'ram');
  return PolicyName;
}

/** The number of the newest change. */
async function newest(world) {
  const { Events } = await world.call('ListEvents', { MaxResults: 1 }, 'api');
  return Events.Event[0].Generation;
}

async function instance(world, InstanceId) {
  const found = await world.call('DescribeInstances', { InstanceId });
  return found.Instances.Instance[0];
}

/** The groups that an instance is in. */
async function groupsOf(world, InstanceId) {
  return (await instance(world, InstanceId)).SecurityGroupIds.SecurityGroupId;
}

/** A RAM user with a key, and these policies of the system. */
async function user(world, UserName, policies = []) {
  await world.call('CreateUser', { UserName }, 'ram');
  for (const PolicyName of policies) {
    await world.call('AttachPolicyToUser', { UserName, PolicyName, PolicyType: 'System' }, 'ram');
  }
  const { AccessKey } = await world.call('CreateAccessKey', { UserName }, 'ram');
  return { id: AccessKey.AccessKeyId, secret: AccessKey.AccessKeySecret };
}

async function until(ask, what) {
  const deadline = Date.now() + browser.WAIT_MILLISECONDS_MAX;
  while (!(await ask())) {
    assert.ok(Date.now() < deadline, `still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

module.exports = { environment, groupsOf, instance, newest, policy, run, seed, signIn, start, until, user };
