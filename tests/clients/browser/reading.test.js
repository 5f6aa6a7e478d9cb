'use strict';

// The pages that everybody may read: the reference, the error codes, the release notes.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const browser = require('./browser.js');
const server = require('../node/server.js');

const PAGES = ['/reference/', '/reference/ens/LeaveSecurityGroup', '/errors', '/errors/NoPermission', '/release-notes'];

let chromium;
let served;
before(async () => {
  [chromium, served] = await Promise.all([browser.start(), server.start()]);
});
after(() => Promise.all([chromium?.stop(), served?.stop()]));

for (const scheme of browser.SCHEMES) {
  for (const screen of Object.keys(browser.SCREENS)) {
    test(`pages to read are in order: ${scheme}, ${screen}`, async () => {
      const tab = await chromium.tab(`http://${served.http}`, { scheme, screen });
      for (const page of PAGES) {
        assert.equal(await tab.go(page), 200, page);
        await tab.assertGood(page);
      }
      await tab.close();
    });
  }
}
