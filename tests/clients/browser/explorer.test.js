'use strict';

// "Try it now": what is shown is what is signed, what is sent is sent, and each copy works when it is run.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { environment, groupsOf, instance, run, seed, start, until, user } = require('./console.js');
const server = require('../node/server.js');
const { WAIT_MILLISECONDS_MAX } = require('./browser.js');

const PYTHON = process.env.RAVELIN_PYTHON || 'python3';
const LEAVE = '/console/explorer/ens/LeaveSecurityGroup';

let world;
let made;
let tab;
before(async () => {
  world = await start();
  made = await seed(world);
  tab = await world.tab();
});
after(() => world?.stop());

const text = (tab, id) => tab.page.locator(`#${id}`).textContent();

async function fill(tab, address, values) {
  assert.equal(await tab.go(address), 200, address);
  for (const [name, value] of Object.entries(values)) {
    const field = tab.page.locator(`[name="${name}"]`);
    const isChoice = await field.evaluate((element) => element.tagName === 'SELECT');
    await (isChoice ? field.selectOption(value) : field.fill(value));
  }
}

/** Presses "Send", and the button that asks whether one is sure. */
async function send(tab, operation) {
  await tab.page.getByRole('button', { name: 'Send', exact: true }).click();
  await tab.page.getByRole('button', { name: `Call ${operation}` }).click();
  await tab.page.locator('#answer-body').waitFor();
}

/** Runs a copy as people do who paste it; `key` is whose environment it is. */
async function paste(kind, copy, key) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ravelin-paste-'));
  const PATH = `${path.dirname(server.BINARY)}:${process.env.PATH}`;
  const env = { ...environment(key), PATH, HOME: directory };
  const [program, argument] = kind === 'copy-python' ? [PYTHON, '-c'] : ['sh', '-c'];
  try {
    const { stdout } = await run(program, [argument, copy], { env, cwd: directory, timeout: WAIT_MILLISECONDS_MAX });
    return stdout;
  } finally {
    assert.deepEqual(fs.readdirSync(directory), [], 'nothing of it makes a file');
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

test('what is shown is what is signed, and holds no secret', async () => {
  await fill(tab, LEAVE, { SecurityGroupId: made.SecurityGroupId, InstanceId: made.InstanceId });
  await tab.page.getByRole('button', { name: 'Sign and show' }).click();
  await tab.page.locator('#canonical-request').waitFor();
  const [canonical, toSign, request] = [
    await text(tab, 'canonical-request'),
    await text(tab, 'string-to-sign'),
    await text(tab, 'request'),
  ];
  const digest = crypto.createHash('sha256').update(canonical).digest('hex');
  assert.equal(toSign, `ACS3-HMAC-SHA256\n${digest}`);
  const signature = crypto.createHmac('sha256', server.root.secret).update(toSign).digest('hex');
  assert.ok(request.includes(`Signature=${signature}`), request);
  assert.ok(!(await tab.page.content()).includes(server.root.secret));
  // Nothing was sent.
  assert.deepEqual(await groupsOf(world, made.InstanceId), [made.SecurityGroupId]);
  await tab.assertGood('signed and shown');
});

test('an instance leaves its group, and each copy does the same', async () => {
  const { SecurityGroupId, InstanceId } = made;
  await fill(tab, LEAVE, { SecurityGroupId, InstanceId });
  await send(tab, 'LeaveSecurityGroup');
  assert.match(await tab.page.locator('.answer-line').textContent(), /200 OK in [\d.]+ (µs|ms|s)/);
  assert.match(await text(tab, 'answer-headers'), /x-ravelin-generation: \d+/);
  assert.deepEqual(Object.keys(JSON.parse(await text(tab, 'answer-body'))), ['RequestId']);
  assert.deepEqual(await groupsOf(world, InstanceId), []);
  await tab.assertGood('an answer');
  for (const kind of ['copy-command', 'copy-python', 'copy-curl']) {
    const copy = await text(tab, kind);
    assert.ok(!copy.includes(server.root.secret), copy);
    await world.call('JoinSecurityGroup', { SecurityGroupId, InstanceId });
    assert.match(await paste(kind, copy), /RequestId/, kind);
    assert.deepEqual(await groupsOf(world, InstanceId), [], kind);
    // A second time it is told what the service says to that.
    await assert.rejects(paste(kind, copy), (error) => /InvalidParameter/.test(error.stdout + error.stderr), kind);
  }
  await world.call('JoinSecurityGroup', { SecurityGroupId, InstanceId });
});

test('values that a shell or Python would run stay values', async () => {
  const Description = 'It\'s "$(touch hostile)" `touch hostile` \\ ${HOME} \' + open("hostile", "w") + \' é';
  await fill(tab, '/console/explorer/ens/CreateSecurityGroup', { Description });
  await send(tab, 'CreateSecurityGroup');
  const ids = [JSON.parse(await text(tab, 'answer-body')).SecurityGroupId];
  for (const kind of ['copy-command', 'copy-python', 'copy-curl']) {
    const [id] = /sg-[a-z0-9]+/.exec(await paste(kind, await text(tab, kind)));
    ids.push(id);
  }
  assert.equal(new Set(ids).size, 4);
  for (const SecurityGroupId of ids) {
    const shown = await world.call('DescribeSecurityGroupAttribute', { SecurityGroupId });
    assert.equal(shown.Description, Description);
    await world.call('DeleteSecurityGroup', { SecurityGroupId });
  }
});

test('lists, objects, XML and waiting are copied too', async () => {
  await fill(tab, '/console/explorer/ens/TagResources', {
    ResourceType: 'instance',
    ResourceId: made.InstanceId,
    Tag: JSON.stringify([{ Key: 'team', Value: 'a, b' }, { Key: 'tier', Value: '$1' }]),
    format: 'xml',
    wait: '5',
  });
  await send(tab, 'TagResources');
  assert.match(await text(tab, 'answer-body'), /<TagResourcesResponse>/);
  for (const kind of ['copy-command', 'copy-python', 'copy-curl']) {
    assert.match(await paste(kind, await text(tab, kind)), /RequestId/, kind);
  }
  const tags = await world.call('ListTagResources', { ResourceType: 'instance', 'ResourceId.1': made.InstanceId });
  const shown = tags.TagResources.map((tag) => `${tag.TagKey}=${tag.TagValue}`).sort();
  assert.deepEqual(shown, ['team=a, b', 'tier=$1']);
});

test('a password is sent, and is in no page', async () => {
  const password = 'Never-shown-1';
  const { InstanceId } = made;
  const reach = (status) => until(async () => (await instance(world, InstanceId)).Status === status, status);
  await world.call('StopInstance', { InstanceId });
  await reach('Stopped');
  await fill(tab, '/console/explorer/ens/ModifyInstanceAttribute', { InstanceId });
  await tab.page.locator('.more > summary').click();
  await tab.page.locator('[name="Password"]').fill(password);
  await tab.page.getByRole('button', { name: 'Send', exact: true }).click();
  assert.equal(await tab.page.locator('[name="Password"]').inputValue(), '');
  await tab.page.locator('[name="Password"]').fill(password);
  await tab.page.getByRole('button', { name: 'Call ModifyInstanceAttribute' }).click();
  assert.match(await tab.page.locator('.answer-line').textContent(), /200 OK/);
  assert.ok(!(await tab.page.content()).includes(password));
  assert.match(await text(tab, 'copy-command'), /--Password "\$RAVELIN_INSTANCE_PASSWORD"/);
  await world.call('StartInstance', { InstanceId });
  await reach('Running');
});

test('what cannot be sent is told beside the form', async () => {
  await fill(tab, '/console/explorer/ens/CreateSecurityGroup', { Permissions: '[{' });
  await tab.page.getByRole('button', { name: 'Send', exact: true }).click();
  assert.match(await tab.page.getByRole('alert').textContent(), /Permissions.*not JSON/);
  assert.equal(await tab.page.locator('[name="Permissions"]').inputValue(), '[{');
});

for (const script of [true, false]) {
  test(`operations are found, ${script ? 'with' : 'without'} script`, async () => {
    const reader = await world.tab({ script });
    await reader.go('/console/explorer');
    await reader.page.locator('[name="q"]').fill('leave group');
    await reader.page.getByRole('button', { name: 'Show', exact: true }).click();
    await reader.page.getByRole('link', { name: 'LeaveSecurityGroup', exact: true }).click();
    await reader.page.getByRole('link', { name: 'Fill in the example' }).click();
    await reader.page.getByRole('button', { name: 'Sign and show' }).click();
    assert.match(await text(reader, 'copy-command'), /^ravelin ens LeaveSecurityGroup \\\n  --endpoint http:/);
    await reader.close();
  });
}

describe('somebody without permission', () => {
  test('gets the refusal of the service, as the API gives it', async () => {
    const key = await user(world, 'nobody');
    const asked = await world.tab({}, key);
    await fill(asked, LEAVE, { SecurityGroupId: made.SecurityGroupId, InstanceId: made.InstanceId });
    await send(asked, 'LeaveSecurityGroup');
    assert.match(await asked.page.locator('.answer-line').textContent(), /400 Bad Request/);
    assert.equal(JSON.parse(await text(asked, 'answer-body')).Code, 'NoPermission');
    assert.deepEqual(await groupsOf(world, made.InstanceId), [made.SecurityGroupId]);
    await asked.assertGood('a refusal');
    await asked.close();
  });
});
