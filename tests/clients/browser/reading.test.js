'use strict';

// The pages that everybody may read: the reference, the error codes, the release notes.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const browser = require('./browser.js');
const server = require('../node/server.js');

const PAGES = ['/reference/', '/reference/ens/LeaveSecurityGroup', '/errors/NoPermission'];

let chromium;
let served;
before(async () => {
  [chromium, served] = await Promise.all([browser.start(), server.start()]);
});
after(() => Promise.all([chromium?.stop(), served?.stop()]));

test('pages to read are accessible in both colour schemes, and fit a telephone', async () => {
  const tab = await chromium.tab(`http://${served.http}`);
  for (const page of PAGES) {
    assert.equal(await tab.go(page), 200, page);
    await tab.assertGoodEverywhere(page);
  }
  await tab.close();
});
