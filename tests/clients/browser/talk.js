'use strict';

// One end of conversations in an instance of a lab: node talk.js listen PORT... or node talk.js say ADDRESS:PORT...
// Who says something says it over and over, and tries again where nobody answers.

const net = require('node:net');

const EVERY_MILLISECONDS = 200;

function listen(port) {
  net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  }).listen(port, '0.0.0.0');
}

function say(address, port) {
  const socket = net.connect({ host: address, port });
  const timer = setInterval(() => socket.write('a line of the conversation\n'), EVERY_MILLISECONDS);
  socket.on('error', () => {});
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(() => say(address, port), EVERY_MILLISECONDS);
  });
  socket.resume();
}

const [what, ...ends] = process.argv.slice(2);
for (const end of ends) {
  if (what === 'listen') listen(Number(end));
  else say(...end.split(':'));
}
