'use strict';

// A real `ravelin serve` process on ports of its own, with data of its own, for as long as the tests need it.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const REPOSITORY = path.resolve(__dirname, '..', '..', '..');
const BINARY = process.env.RAVELIN_BINARY || path.join(REPOSITORY, 'target', 'debug', 'ravelin');
const START_MILLISECONDS_MAX = 60_000;
const STATES = ['creating', 'image_downloading', 'starting', 'stopping', 'resetting', 'releasing'];

const root = { id: 'LTAI5tRootKeyOfTheTests', secret: 'SecretOfTheRootKeyOfTheTests00' };

/** Starts a server on which nothing takes time, with these settings besides, and with a listener for nodes where that is asked for.
 * Gives its addresses, its certificate, and a function that ends it. */
async function start(assignments = [], { nodes = false } = {}) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ravelin-'));
  const data = path.join(directory, 'data');
  const settings = [...STATES.map((state) => `timing.${state}_ms=0`), ...assignments].flatMap((one) => ['--set', one]);
  const addresses = ['--listen', '127.0.0.1:0', '--listen-tls', '127.0.0.1:0', ...(nodes ? ['--node-listen', '127.0.0.1:0'] : [])];
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('RAVELIN_'));
  const env = {
    ...Object.fromEntries(kept),
    RAVELIN_ACCESS_KEY_ID: root.id,
    RAVELIN_ACCESS_KEY_SECRET: root.secret,
  };
  const log = fs.openSync(path.join(directory, 'log'), 'w');
  const child = spawn(BINARY, ['serve', '--data', data, ...addresses, ...settings], {
    env,
    stdio: ['ignore', 'pipe', log],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));

  async function stop() {
    child.kill('SIGTERM');
    await ended;
    fs.rmSync(directory, { recursive: true, force: true });
  }

  const found = {};
  const ready = new Promise((resolve, reject) => {
    const said = () => fs.readFileSync(path.join(directory, 'log'), 'utf8');
    const timer = setTimeout(() => reject(new Error(`the server is not ready: ${said()}`)), START_MILLISECONDS_MAX);
    child.once('error', reject);
    ended.then(() => reject(new Error(`the server ended before it was ready: ${said()}`)));
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
      const [, scheme, address] = /^ready (https?(?=:)|nodes)(?::\/\/| )(\S+)$/.exec(line) || [];
      if (scheme) found[scheme] = address;
      if (found.http && found.https && (found.nodes || !nodes)) {
        clearTimeout(timer);
        resolve();
      }
    });
  });
  try {
    await ready;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const file = fs.readdirSync(data, { recursive: true }).find((name) => name.endsWith('tls-certificate.pem'));
  return { ...found, certificate: fs.readFileSync(path.join(data, file), 'utf8'), stop };
}

module.exports = { BINARY, root, start };
