'use strict';

// Chromium as people have it, watched: whatever a page asks of somebody else, or says to the console as a complaint, is a fault.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const axe = require('axe-core');
const { chromium } = require('playwright-core');

const PROGRAM = process.env.RAVELIN_CHROMIUM || '/usr/bin/chromium';
const WAIT_MILLISECONDS_MAX = 30_000;

// Nothing of its own accord: no updates, no look at who else is there. The sandbox needs user namespaces, which root in a
// container does not always have, and the pages are our own.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const SCHEMES = ['light', 'dark'];
const SCREENS = { desktop: { width: 1280, height: 900 }, phone: { width: 360, height: 740 } };

/** Starts Chromium with a directory of its own. Gives `tab(options)` and `stop()`. */
async function start() {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'ravelin-browser-'));
  const browser = await chromium.launch({
    executablePath: PROGRAM,
    args: FLAGS,
    // Where Chromium keeps settings and crash reports besides its profile, which the library makes anew.
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    timeout: WAIT_MILLISECONDS_MAX,
  });
  return {
    tab: (origin, options) => Tab.open(browser, origin, options),
    async stop() {
      await browser.close();
      fs.rmSync(home, { recursive: true, force: true });
    },
  };
}

/** One window with cookies of its own, at one server. */
class Tab {
  static async open(browser, origin, { scheme = 'light', screen = 'desktop', script = true } = {}) {
    const context = await browser.newContext({
      baseURL: origin,
      colorScheme: scheme,
      viewport: SCREENS[screen],
      javaScriptEnabled: script,
      locale: 'en-GB',
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(WAIT_MILLISECONDS_MAX);
    return new Tab(context, await context.newPage(), origin);
  }

  constructor(context, page, origin) {
    this.context = context;
    this.page = page;
    this.faults = [];
    this.bytes = 0;
    const told = (message) => {
      // A page that is refused is a line in the console of every browser, and what these tests ask for on purpose.
      const status = /the server responded with a status of (4\d\d)/.test(message.text());
      if (['error', 'warning'].includes(message.type()) && !status) this.faults.push(`console: ${message.text()}`);
    };
    context.on('console', told);
    context.on('weberror', (error) => this.faults.push(`script: ${error.error()}`));
    context.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) this.faults.push(`asked of another: ${url}`);
    });
    context.on('requestfinished', async (request) => {
      const sizes = await request.sizes().catch(() => undefined);
      if (sizes) this.bytes += sizes.responseBodySize + sizes.responseHeadersSize;
    });
  }

  /** Opens a page; gives its HTTP status. */
  async go(address) {
    const answer = await this.page.goto(address, { waitUntil: 'load' });
    return answer.status();
  }

  /** What axe finds here, by these rules or all, one line each. */
  async violations(rules) {
    await this.page.evaluate(`window.axe || (() => { ${axe.source} })()`);
    const options = { preload: false, resultTypes: ['violations'], ...(rules && { runOnly: rules }) };
    const found = await this.page.evaluate((chosen) => window.axe.run(document, chosen), options);
    return found.violations.flatMap((violation) =>
      violation.nodes.map((node) => `${violation.id}: ${node.target.join(' ')}: ${node.failureSummary}`),
    );
  }

  /** Fails where axe finds something, where the page is wider than the screen, or where there was a fault. */
  async assertGood(what) {
    assert.deepEqual(await this.violations(), [], `axe: ${what}`);
    await this.assertFits(what);
    this.assertClean(what);
  }

  /** The same in both colour schemes, of which the second differs in nothing but colours; and on a telephone. */
  async assertGoodEverywhere(what) {
    for (const colorScheme of [...SCHEMES].reverse()) {
      await this.page.emulateMedia({ colorScheme });
      assert.deepEqual(await this.violations(colorScheme === 'dark' && ['color-contrast']), [], `${what}, ${colorScheme}`);
    }
    for (const [screen, size] of Object.entries(SCREENS).reverse()) {
      await this.page.setViewportSize(size);
      await this.assertFits(`${what}, ${screen}`);
    }
    this.assertClean(what);
  }

  /** Fails where the page is wider than the screen. */
  async assertFits(what) {
    const wider = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wider <= 0, `${what} is ${wider} pixels wider than the screen`);
  }

  assertClean(what) {
    assert.deepEqual(this.faults, [], what);
  }

  async close() {
    await this.context.close();
  }
}

module.exports = { SCHEMES, SCREENS, WAIT_MILLISECONDS_MAX, start };
