'use strict';

// Makes pictures of every page of the console: node screenshots.js DIRECTORY. `cargo xtask screenshots` runs it.

const fs = require('node:fs');
const path = require('node:path');

const browser = require('./browser.js');
const { seed, start, user } = require('./console.js');
const { pages } = require('./pages.js');

async function main(directory) {
  fs.mkdirSync(directory, { recursive: true });
  const world = await start();
  try {
    const made = await seed(world);
    made.generation = 1;
    await user(world, 'reader', ['AliyunENSReadOnlyAccess']);
    for (const scheme of browser.SCHEMES) {
      for (const screen of Object.keys(browser.SCREENS)) {
        const tab = await world.stranger({ scheme, screen });
        await shoot(tab, directory, 'sign-in', '/console/sign-in', scheme, screen);
        await tab.close();
        const signedIn = await world.tab({ scheme, screen });
        for (const [name, address] of Object.entries(pages(made))) {
          await shoot(signedIn, directory, name, address, scheme, screen);
        }
        await signedIn.close();
      }
    }
  } finally {
    await world.stop();
  }
}

async function shoot(tab, directory, name, address, scheme, screen) {
  await tab.go(address);
  const file = path.join(directory, `${name}-${screen}-${scheme}.png`);
  await tab.page.screenshot({ path: file, fullPage: true });
  console.log(file);
}

main(process.argv[2] || 'screenshots').catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
