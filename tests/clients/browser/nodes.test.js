'use strict';

// The console with a node behind it: what it shows of the node, of flows and drops; and a Leave that the node's kernel confirms.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { groupsOf, start } = require('./console.js');
const labs = require('./lab.js');
const { nodePages } = require('./pages.js');
const scene = require('./scene.js');

const skip = !labs.isPossible() && 'it needs root, and network namespaces';

let world;
let lab;
let made;
before(async () => {
  if (skip) return;
  world = await start({ nodes: true });
  lab = await labs.start(world, scene.REGION);
  made = await scene.build(world, lab);
});
after(async () => {
  await lab?.stop();
  await world?.stop();
});

const press = (page, name) => page.getByRole('button', { name, exact: true }).first().click();

test('pages of a node and of its traffic are accessible in both colour schemes, and fit a telephone', { skip }, async () => {
  const tab = await world.tab();
  const wrong = [];
  for (const [name, address] of Object.entries(nodePages(made))) {
    try {
      assert.equal(await tab.go(address), 200, name);
      await tab.assertGoodEverywhere(name);
    } catch (error) {
      wrong.push(error.message);
    }
  }
  assert.deepEqual(wrong, []);
  await tab.close();
});

test('the preview of a Leave tells of the flows that it cuts, and the node confirms it', { skip }, async () => {
  const tab = await world.tab();
  const { page } = tab;
  await tab.go(`/console/groups/${made.SecurityGroupId}/leave?instance=${made.InstanceId}`);
  const preview = await page.getByRole('main').textContent();
  const { SecurityGroupId, InstanceId } = made;
  const { CutFlowCount, Nodes } = await world.call('PreviewLeaveSecurityGroup', { SecurityGroupId, InstanceId }, 'api');
  assert.ok(CutFlowCount >= 1, JSON.stringify(Nodes));
  assert.match(preview, new RegExp(`${CutFlowCount}\\s*would be cut`));
  await tab.assertGood('the preview of a Leave that cuts flows');
  await press(page, 'Leave');
  await page.waitForURL(/\/console\/changes\/\d+/);
  await page.getByText('In force everywhere.').first().waitFor();
  assert.match(await page.getByRole('main').textContent(), /edge-host-1/);
  await tab.assertGood('the confirmation by a node');
  const groups = await groupsOf(world, made.InstanceId);
  assert.ok(!groups.includes(made.SecurityGroupId), JSON.stringify(groups));
  await tab.close();
});
