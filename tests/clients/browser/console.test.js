'use strict';

// The console as people use it: the whole story of a Leave, every page, and somebody who may do nothing.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { groupsOf, seed, signIn, start, until, user } = require('./console.js');
const { pages } = require('./pages.js');

/** The most that the first page may weigh, with everything that it needs, in bytes. */
const FIRST_PAGE_BYTES_MAX = 150 * 1024;

let world;
let made;
let nobody;
before(async () => {
  world = await start();
  made = await seed(world);
  await user(world, 'reader', ['AliyunENSReadOnlyAccess']);
  nobody = await user(world, 'nobody');
});
after(() => world?.stop());

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const follow = (page, name) => page.getByRole('link', { name, exact: true }).first().click();

test('a browser that opens the address of the API is led to sign in', async () => {
  const tab = await world.stranger();
  await tab.go('/');
  assert.match(tab.page.url(), /\/console\/sign-in/);
  await tab.assertGoodEverywhere('signing in');
  await tab.page.getByLabel('Access key ID').fill('LTAI5tNobody');
  await tab.page.getByLabel('Access key secret').fill('wrong');
  await press(tab.page, 'Sign in');
  assert.match(await tab.page.getByRole('alert').textContent(), /not a key of this server/);
  await tab.assertGoodEverywhere('a wrong key');
  await tab.close();
});

test('the first page is small', async () => {
  const tab = await world.stranger();
  await tab.go('/console');
  await signIn(tab, require('../node/server.js').root);
  await tab.go('/console');
  await until(() => tab.bytes > 0, 'something was measured');
  assert.ok(tab.bytes < FIRST_PAGE_BYTES_MAX, `signing in and the first page are ${tab.bytes} bytes`);
  await tab.close();
});

test('a group is built, an instance joins it and leaves it, and each time it is told what that does', async () => {
  const tab = await world.tab();
  const { page } = tab;
  await tab.go('/console/groups/new');
  await page.getByLabel('Name').fill('shop');
  await page.getByRole('main').locator('button[type="submit"]').first().click();
  await page.waitForURL(/\/console\/(groups\/sg-|changes\/)/);
  const { SecurityGroups } = await world.call('DescribeSecurityGroups', { SecurityGroupName: 'shop' });
  const group = SecurityGroups.SecurityGroup[0].SecurityGroupId;

  await tab.go(`/console/groups/${group}/rules/new`);
  await page.getByLabel('Ports').fill('8443');
  await page.getByLabel('From or to').fill('0.0.0.0/0');
  await press(page, 'Preview');
  assert.match(await page.getByRole('main').textContent(), /8443/);
  await tab.assertGood('the preview of a rule');
  await press(page, 'Add the rule');
  await page.waitForURL(/\/console\/changes\/\d+/);

  await tab.go('/console/instances/new');
  await page.getByLabel('Name').fill('till-1');
  await page.locator('[name="EnsRegionId"]').selectOption('edge-1');
  await page.locator('[name="VSwitchId"]').selectOption(made.VSwitchId);
  await page.getByRole('main').locator('form button[type="submit"]').first().click();
  await page.waitForURL(/\/console\/changes\/\d+/);
  await page.getByText('In force everywhere.').or(page.getByText('It concerns no node')).first().waitFor();
  await follow(page, 'Go on');
  await page.waitForURL(/\/console\/instances\/i-/);
  await until(async () => (await find('till-1'))?.Status === 'Running', 'the instance runs');
  const { InstanceId } = await find('till-1');

  await tab.go(`/console/groups/${group}/join`);
  await page.getByLabel('Instance or network interface').fill(InstanceId);
  await press(page, 'Preview');
  await tab.assertGood('the preview of a Join');
  await press(page, 'Join');
  await page.waitForURL(/\/console\/changes\/\d+/);
  await page.getByText('In force everywhere.').or(page.getByText('It concerns no node')).first().waitFor();
  assert.deepEqual(await groupsOf(world, InstanceId), [group]);

  const explain = `/console/explain?From=198.51.100.7&To=${InstanceId}&Protocol=tcp&Port=8443`;
  await tab.go(explain);
  const allowed = await page.getByRole('main').textContent();
  assert.match(allowed, /Accept/);

  await tab.go(`/console/groups/${group}`);
  assert.match(await page.getByRole('main').textContent(), new RegExp(InstanceId));
  await tab.go(`/console/groups/${group}/leave?instance=${InstanceId}`);
  const preview = await page.getByRole('main').textContent();
  assert.match(preview, /8443/);
  assert.match(preview, /in no group/);
  await tab.assertGood('the preview of a Leave');
  await press(page, 'Leave');
  await page.waitForURL(/\/console\/changes\/\d+/);
  await page.getByText('In force everywhere.').or(page.getByText('It concerns no node')).first().waitFor();
  await tab.assertGood('the confirmation of a Leave');
  assert.deepEqual(await groupsOf(world, InstanceId), []);

  await tab.go(explain);
  const refused = await page.getByRole('main').textContent();
  assert.match(refused, /Drop/);
  assert.notEqual(refused, allowed);
  await tab.close();

  async function find(name) {
    const found = await world.call('DescribeInstances', { InstanceName: name });
    return found.Instances.Instance[0];
  }
});

test('every page is accessible in both colour schemes, and fits a telephone', async () => {
  const tab = await world.tab();
  const wrong = [];
  for (const [name, address] of Object.entries(pages(made))) {
    try {
      assert.equal(await tab.go(address), name === 'not-found' ? 404 : 200, name);
      await tab.assertGoodEverywhere(name);
    } catch (error) {
      wrong.push(error.message);
    }
  }
  assert.deepEqual(wrong, []);
  await tab.close();
});

test('pages can be read without script', async () => {
  const tab = await world.tab({ script: false });
  for (const name of ['overview', 'groups', 'group', 'instance', 'activity', 'explorer', 'reference-operation']) {
    const address = pages(made)[name];
    assert.equal(await tab.go(address), 200, name);
    assert.ok((await tab.page.getByRole('main').textContent()).length > 100, name);
    assert.ok(await tab.page.getByRole('link', { name: 'Security groups' }).first().isVisible(), name);
  }
  tab.assertClean('without script');
  await tab.close();
});

test('all of it can be used by keyboard', async () => {
  const tab = await world.tab();
  await tab.go('/console/groups');
  await tab.page.keyboard.press('Tab');
  assert.equal(await tab.page.evaluate(() => document.activeElement.textContent), 'Skip to content');
  await tab.page.keyboard.press('Enter');
  assert.equal(await tab.page.evaluate(() => document.activeElement.id), 'content');
  await tab.page.keyboard.press('/');
  assert.equal(await tab.page.evaluate(() => document.activeElement.name), 'q');
  await tab.page.keyboard.type('web');
  await tab.page.keyboard.press('Enter');
  await tab.page.waitForURL(/q=web/);
  await tab.close();
});

test('somebody without permission is refused everywhere', async () => {
  const tab = await world.tab({}, nobody);
  const open = ['overview', 'access', 'explorer', 'operation', 'explain', 'reference', 'reference-operation'];
  const read = ['errors', 'error', 'release-notes', 'not-found'];
  const asked = ['user-delete', 'policy-delete', 'key-delete', 'detach'];
  const forms = ['group-new', 'network-new', 'node-new', 'user-new', 'policy-new', 'instance-new', ...asked];
  for (const [name, address] of Object.entries(pages(made))) {
    const status = await tab.go(address);
    const text = await tab.page.getByRole('main').textContent();
    for (const secret of [made.InstanceId, 'counter-1', '10.20.1.']) {
      const asked = decodeURIComponent(address).includes(secret);
      assert.ok(asked || !text.includes(secret), `${name} tells of ${secret}`);
    }
    if (![...open, ...read, ...forms].includes(name)) {
      assert.ok(status >= 400, `${name}: ${status}`);
      assert.match(text, /Permission denied|NoPermission|not authorized/i, name);
    }
  }
  await tab.close();
});

/** Every form that changes something, with what it needs to be taken for one. */
function forms({ SecurityGroupId, InstanceId, NetworkInterfaceId, NetworkId, VSwitchId, PolicyName }) {
  const rule = { Direction: 'ingress', Policy: 'Accept', IpProtocol: 'TCP', ports: '22', peer: '10.0.0.0/8', Priority: '1' };
  const group = `/groups/${SecurityGroupId}`;
  const document = JSON.stringify({ Version: '1', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
  return [
    ['/groups/new', { SecurityGroupName: 'forbidden' }],
    [`${group}/edit`, { SecurityGroupName: 'forbidden' }],
    [`${group}/delete`],
    [`${group}/rules/add`, rule],
    [`${group}/rules/remove`, { ...rule, PortRange: '22/22', SourceCidrIp: '10.0.0.0/8' }],
    [`${group}/join`, { instance: InstanceId }],
    [`${group}/leave`, { instance: InstanceId }],
    ['/instances/new', { EnsRegionId: 'edge-1', ImageId: 'ubuntu_22_04', InstanceType: 'ens.sn1.small', VSwitchId }],
    ...['start', 'stop', 'reboot', 'release'].map((act) => [`/instances/${InstanceId}/${act}`]),
    [`/interfaces/${NetworkInterfaceId}/bind`, { NodeId: 'node-5qk3n8y4laeb2ii9zxxltlvzi', Device: 'vnet0' }],
    [`/interfaces/${NetworkInterfaceId}/unbind`],
    ['/networks/new', { EnsRegionId: 'edge-1', CidrBlock: '10.90.0.0/16' }],
    [`/networks/${NetworkId}/vswitches/new`, { CidrBlock: '10.20.7.0/24' }],
    [`/networks/${NetworkId}/vswitches/${VSwitchId}/delete`],
    [`/networks/${NetworkId}/delete`],
    ['/nodes/new', { EnsRegionId: 'edge-1', Lab: 'false' }],
    ['/nodes/node-5qk3n8y4laeb2ii9zxxltlvzi/readmit'],
    ['/nodes/node-5qk3n8y4laeb2ii9zxxltlvzi/delete'],
    ['/users/new', { UserName: 'forbidden' }],
    ['/users/reader/keys'],
    ['/users/nobody/policies', { policy: 'System:AdministratorAccess' }],
    ['/users/reader/policies/detach', { policy: 'System:AliyunENSReadOnlyAccess' }],
    ['/users/reader/delete'],
    ['/policies/new', { PolicyName: 'forbidden', PolicyDocument: document }],
    [`/policies/Custom/${PolicyName}/version`, { PolicyDocument: document }],
    [`/policies/Custom/${PolicyName}/delete`],
  ];
}

test('what somebody without permission sends is refused, whatever the form, and changes nothing', async () => {
  const tab = await world.tab({}, nobody);
  const { Events } = await world.call('ListEvents', { Outcome: 'Applied', MaxResults: 1 }, 'api');
  await tab.go('/console/groups/new');
  const token = await tab.page.locator('[name="form-token"]').first().inputValue();
  const send = ([address, fields = {}]) =>
    tab.page.evaluate(
      async ([to, body]) => {
        const answer = await fetch(to, { method: 'POST', body: new URLSearchParams(body) });
        return { status: answer.status, text: await answer.text() };
      },
      [`/console${address}`, { ...fields, 'form-token': token, 'form-id': address, sure: 'yes' }],
    );
  for (const form of forms(made)) {
    const { status, text } = await send(form);
    const main = text.slice(text.indexOf('<main'));
    assert.ok(status >= 400 && /Permission denied|NoPermission/.test(main), `${form[0]}: ${status}: ${main}`);
  }
  const after = await world.call('ListEvents', { Outcome: 'Applied', MaxResults: 1 }, 'api');
  assert.deepEqual(after.Events, Events);
  await tab.close();
});

test('signing out ends the session', async () => {
  const tab = await world.tab();
  const cookies = await tab.context.cookies();
  const session = cookies.find((cookie) => cookie.name === 'ravelin-session');
  assert.ok(session.httpOnly && ['Strict', 'Lax'].includes(session.sameSite), JSON.stringify(session));
  await tab.page.locator('.menu > summary').click();
  await press(tab.page, 'Sign out');
  await tab.page.waitForURL(/sign-in/);
  await tab.context.addCookies([session]);
  await tab.go('/console/groups');
  assert.match(tab.page.url(), /sign-in/);
  await tab.close();
});
