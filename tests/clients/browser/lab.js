'use strict';

// A lab node: an agent on this host, and conversations between the instances that it runs. It needs root, and a place of its own:
// namespaces for network and mounts in which this process is.

const { execFile, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');

const { WAIT_MILLISECONDS_MAX } = require('./browser.js');
const { environment } = require('./console.js');
const server = require('../node/server.js');

const run = promisify(execFile);

const NAME = 'edge-host-1';

/** Whether this process is in such a place: whoever starts it says so. */
const isPossible = () => Boolean(process.env.RAVELIN_LAB);

/** Starts the agent of a new lab node. Gives `converse(instance, ...)` and `stop()`. */
async function start(world, EnsRegionId) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ravelin-lab-'));
  const at = (name) => path.join(directory, name);
  const wish = { EnsRegionId, NodeName: NAME, Lab: 'true' };
  const { NodeId, Token } = await world.call('CreateNodeToken', wish, 'api');
  fs.writeFileSync(at('token'), Token);
  fs.writeFileSync(
    at('agent.toml'),
    `directory = "${at('state')}"\nsocket = "${at('agent.sock')}"\n` +
      '[dataplane]\nname = "pictures"\nflows_max = 4096\narena_words = 65536\n',
  );
  const settings = ['--config', at('agent.toml')];
  const where = ['--server', world.nodes, '--token-file', at('token'), '--directory', at('state'), '--name', NAME];
  try {
    await run(server.BINARY, ['agent', 'join', ...settings, ...where], { env: environment(), timeout: WAIT_MILLISECONDS_MAX });
  } catch (error) {
    fs.rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  const log = fs.openSync(at('log'), 'w');
  const children = [];
  const begin = (command, args) => {
    const child = spawn(command, args, { env: environment(), stdio: ['ignore', log, log] });
    children.push({ child, ended: new Promise((resolve) => child.once('exit', resolve)) });
  };
  begin(server.BINARY, ['agent', 'run', ...settings]);
  return {
    NodeId,
    /** Lets an instance listen, or say something: see talk.js. */
    converse(instance, what, ...ends) {
      const talk = [process.execPath, path.join(__dirname, 'talk.js'), what, ...ends];
      begin('nsenter', [`--net=/run/netns/ravelin-${instance}`, ...talk]);
    },
    log: () => fs.readFileSync(at('log'), 'utf8'),
    async stop() {
      for (const { child, ended } of children.reverse()) {
        child.kill('SIGKILL');
        await ended;
      }
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}

module.exports = { isPossible, start };
