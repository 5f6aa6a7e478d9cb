'use strict';

// The console without a mouse, and without script: a Leave with its preview, the map, the menus, the explorer.

const assert = require('node:assert/strict');
const { after, afterEach, before, beforeEach, test } = require('node:test');

const { groupsOf, seed, start } = require('./console.js');

/** The most that somebody has to press a key to get to something. */
const PRESSES_MAX = 150;

let world;
let made;
let tab;
before(async () => {
  world = await start();
  made = await seed(world);
});
after(() => world?.stop());
beforeEach(async () => {
  tab = undefined;
  const { SecurityGroupId, InstanceId } = made;
  if (!(await groupsOf(world, InstanceId)).length) await world.call('JoinSecurityGroup', { SecurityGroupId, InstanceId });
});
afterEach(() => tab?.close());

/** Goes to an element with the Tab key alone, and fails where it is not seen that it has the focus. */
async function reach(target) {
  const { page } = tab;
  const wanted = await target.elementHandle();
  for (let presses = 0; presses < PRESSES_MAX; presses += 1) {
    await page.keyboard.press('Tab');
    if (await wanted.evaluate((element) => element === document.activeElement)) {
      const seen = await wanted.evaluate((element) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
        return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
      });
      assert.ok(seen, 'it is not seen what has the focus');
      return;
    }
  }
  assert.fail(`not reached by ${PRESSES_MAX} presses of Tab: ${target}`);
}

async function pressEnterAt(target) {
  await reach(target);
  await tab.page.keyboard.press('Enter');
}

const main = () => tab.page.getByRole('main');
const button = (name) => main().getByRole('button', { name, exact: true }).first();

test('an instance leaves a group by keyboard alone', async () => {
  tab = await world.tab();
  await tab.go(`/console/groups/${made.SecurityGroupId}`);
  const leave = main().locator(`a[href*="/leave?"]`).first();
  await pressEnterAt(leave);
  await tab.page.waitForURL(/\/leave\?/);
  assert.match(await main().textContent(), /443/);
  await pressEnterAt(button('Leave'));
  await tab.page.waitForURL(/\/console\/changes\/\d+/);
  assert.deepEqual(await groupsOf(world, made.InstanceId), []);
});

test('a rule is written by keyboard alone', async () => {
  tab = await world.tab();
  const { page } = tab;
  await tab.go(`/console/groups/${made.SecurityGroupId}/rules/new`);
  await reach(page.getByLabel('Ports'));
  await page.keyboard.type('9090');
  await reach(page.getByLabel('From or to'));
  await page.keyboard.type('10.0.0.0/8');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/rules\/add\?/);
  assert.match(await main().textContent(), /9090/);
  await pressEnterAt(button('Add the rule'));
  await page.waitForURL(/\/console\/changes\/\d+/);
});

test('the map is followed by keyboard alone', async () => {
  tab = await world.tab();
  await tab.go('/console/map');
  const box = main().locator('svg a').first();
  const leads = (await box.getAttribute('href')).replaceAll('&amp;', '&');
  await pressEnterAt(box);
  await tab.page.waitForURL((url) => `${url.pathname}${url.search}` === leads || url.href.endsWith(leads));
});

test('menus open, and one signs out, by keyboard alone', async () => {
  tab = await world.tab();
  const { page } = tab;
  await tab.go('/console/groups');
  await pressEnterAt(page.locator('.menu > summary'));
  await pressEnterAt(page.getByRole('button', { name: 'Sign out', exact: true }));
  await page.waitForURL(/sign-in/);
});

test('an operation is called from the explorer by keyboard alone', async () => {
  tab = await world.tab();
  const { page } = tab;
  await tab.go('/console/explorer/ens/LeaveSecurityGroup');
  for (const name of ['SecurityGroupId', 'InstanceId']) {
    await reach(page.locator(`[name="${name}"]`));
    await page.keyboard.type(made[name]);
  }
  await pressEnterAt(page.getByRole('button', { name: 'Send', exact: true }));
  await pressEnterAt(page.getByRole('button', { name: 'Call LeaveSecurityGroup' }));
  await page.locator('#answer-body').waitFor();
  assert.deepEqual(await groupsOf(world, made.InstanceId), []);
});

test('an instance leaves a group, and the map and an explanation are read, without script', async () => {
  tab = await world.tab({ script: false });
  const { page } = tab;
  await tab.go('/console/map');
  assert.ok(await main().locator('svg').first().isVisible());
  await tab.go(`/console/explain?From=198.51.100.7&To=${made.InstanceId}&Protocol=tcp&Port=443`);
  assert.match(await main().textContent(), /Accept/);
  await tab.go(`/console/groups/${made.SecurityGroupId}/leave?instance=${made.InstanceId}`);
  assert.match(await main().textContent(), /443/);
  await button('Leave').click();
  await page.waitForURL(/\/console\/changes\/\d+/);
  assert.match(await main().textContent(), /LeaveSecurityGroup|It concerns no node|In force/);
  assert.deepEqual(await groupsOf(world, made.InstanceId), []);
  tab.assertClean('without script');
});
