'use strict';

// Makes pictures of every page of the console: node screenshots.js DIRECTORY. `cargo xtask screenshots` runs it. Where a lab node can
// be started its pages are among them; else it is said that they are left out.

const fs = require('node:fs');
const path = require('node:path');

const browser = require('./browser.js');
const { start } = require('./console.js');
const labs = require('./lab.js');
const { nodePages, pages } = require('./pages.js');
const scene = require('./scene.js');

/** A screen on which a page must not fall apart, and the pages that are looked at on it. */
const WIDE = { width: 2560, height: 1440 };
const WIDE_PAGES = ['overview', 'groups', 'group', 'leave', 'map', 'map-group', 'explain', 'instances', 'interface', 'activity', 'operation', 'traffic'];

async function main(directory) {
  fs.mkdirSync(directory, { recursive: true });
  const world = await start({ nodes: labs.isPossible() });
  let lab;
  try {
    if (labs.isPossible()) lab = await labs.start(world, scene.REGION);
    else console.log('pages that show what a node does are left out: they need root, and network namespaces');
    const made = await scene.build(world, lab);
    const addresses = { ...pages(made), ...(lab && nodePages(made)) };
    for (const scheme of browser.SCHEMES) {
      for (const screen of Object.keys(browser.SCREENS)) {
        await all(world, addresses, { directory, scheme, screen });
      }
    }
    await wide(world, addresses, directory);
    for (const scheme of browser.SCHEMES) {
      for (const screen of Object.keys(browser.SCREENS)) await acts(world, { directory, scheme, screen }, made);
    }
  } catch (error) {
    if (lab) console.error(lab.log());
    throw error;
  } finally {
    await lab?.stop();
    await world.stop();
  }
}

/** Every page on one screen in one scheme. */
async function all(world, addresses, where) {
  const stranger = await world.stranger(where);
  await shoot(stranger, where, 'sign-in', '/console/sign-in');
  await stranger.close();
  const tab = await world.tab(where);
  for (const [name, address] of Object.entries(addresses)) await shoot(tab, where, name, address);
  await tab.close();
}

/** What no address shows alone: what comes of a button. Last, because something is made each time. */
async function acts(world, where, made) {
  const tab = await world.tab(where);
  const { page } = tab;
  const press = (name) => page.getByRole('button', { name, exact: true }).first().click();
  await tab.go('/console/groups/new');
  await page.getByLabel('Name').fill('1');
  await press('Create the group');
  await picture(tab, where, 'refusal');
  const UserName = `clerk-${where.screen}-${where.scheme}`;
  await world.call('CreateUser', { UserName }, 'ram');
  await tab.go(`/console/users/${UserName}`);
  await press('Create an access key');
  await picture(tab, where, 'key');
  await tab.go('/console/nodes/new');
  await page.locator('[name="EnsRegionId"]').selectOption(scene.REGION);
  await press('Make a token');
  await picture(tab, where, 'token');
  await call(world, tab, where, made);
  await tab.go('/console');
  if (where.screen === 'phone') {
    await page.locator('.side > summary').click();
    await picture(tab, where, 'navigation');
  }
  await page.locator('.menu > summary').click();
  await picture(tab, where, 'menu');
  await tab.close();
}

/** A Leave by the explorer: the question, and the answer. The instance joins again. */
async function call(world, tab, where, made) {
  const { page } = tab;
  const { SecurityGroupId, InstanceId } = made;
  await tab.go('/console/explorer/ens/LeaveSecurityGroup');
  await page.locator('[name="SecurityGroupId"]').fill(SecurityGroupId);
  await page.locator('[name="InstanceId"]').fill(InstanceId);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await picture(tab, where, 'call');
  await page.getByRole('button', { name: 'Call LeaveSecurityGroup' }).click();
  await page.locator('#answer-body').waitFor();
  await picture(tab, where, 'answer');
  await world.call('JoinSecurityGroup', { SecurityGroupId, InstanceId });
}

async function wide(world, addresses, directory) {
  const where = { directory, scheme: 'light', screen: 'wide' };
  const tab = await world.tab({});
  await tab.page.setViewportSize(WIDE);
  for (const name of WIDE_PAGES.filter((name) => addresses[name])) await shoot(tab, where, name, addresses[name]);
  await tab.close();
}

async function shoot(tab, where, name, address) {
  await tab.go(address);
  await picture(tab, where, name);
}

/** A picture of the whole page as it is, with nothing under the mouse. */
async function picture(tab, { directory, scheme, screen }, name) {
  await tab.page.mouse.move(0, 0);
  await tab.page.evaluate(() => window.scrollTo(0, 0));
  const file = path.join(directory, `${name}-${screen}-${scheme}.png`);
  await tab.page.screenshot({ path: file, fullPage: true });
  console.log(file);
}

main(process.argv[2] || 'screenshots').catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
