// npm's ws at one end of a WebSocket: `peer.mjs server` is the echo server that ours.c describes and
// prints its port first; `peer.mjs client PORT` checks ours, from a frame cut in two to each breach.
// `peer.mjs server FOLDER` serves over TLS with the server.pem, server.key and ca.pem there, to clients with a
// certificate of that CA.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';

// Installed beside the build, not beside this file.
const { WebSocket, WebSocketServer } = createRequire(process.argv[2] + '/')('ws');
const MESSAGE_MAX = 400000;
const MIXED = 'gr\u00fc\u00df \u20ac \u{1f600}';
const WAIT_MS = 20000;

setTimeout(() => fail('not done after 60 s'), 60000).unref();

function fail(why) {
  console.error(`peer.mjs: ${why}`);
  process.exit(1);
}

function expect(holds, why) {
  if (!holds) fail(why);
}

function sendFragments(socket, text) {
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i++)
    socket.send(bytes.subarray(i, i + 1), { binary: false, fin: i + 1 === bytes.length });
}

function tlsServer(folder) {
  const read = (name) => readFileSync(`${folder}/${name}`);
  return createServer({
    cert: read('server.pem'),
    key: read('server.key'),
    ca: read('ca.pem'),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
  }).listen(0, '127.0.0.1');
}

function serve(folder) {
  const over = folder ? { server: tlsServer(folder) } : { host: '127.0.0.1', port: 0 };
  const server = new WebSocketServer({
    ...over,
    maxPayload: MESSAGE_MAX,
    handleProtocols: (offered) => (offered.has('cordon.v1') ? 'cordon.v1' : false),
  });
  server.on('listening', () => console.log(server.address().port));
  server.on('connection', (socket) => {
    socket.on('error', () => {}); // a breach: ws closes with its code by itself
    socket.on('pong', (data) => socket.send(`pong: ${data}`));
    socket.on('message', (data, binary) => {
      const text = binary ? '' : data.toString();
      const words = text.split(' ');
      if (text === 'ping') socket.ping('are you there');
      else if (words[0] === 'fragments') sendFragments(socket, text.slice(10));
      else if (text === 'close') socket.close();
      else if (words[0] === 'close') socket.close(Number(words[1]), words.slice(2).join(' '));
      else socket.send(data, { binary });
    });
  });
}

async function open(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'cordon.v1', { perMessageDeflate: false });
  socket.inbox = [];
  for (const name of ['message', 'ping', 'pong', 'close'])
    socket.on(name, (data, more) => {
      socket.inbox.push({ name, data, more });
      socket.emit('inbox');
    });
  socket.on('error', (e) => fail(`the codec sent what ws refuses: ${e.message}`));
  await once(socket, 'open', { signal: AbortSignal.timeout(WAIT_MS) });
  return socket;
}

async function next(socket, name, what) {
  while (socket.inbox.length === 0)
    await once(socket, 'inbox', { signal: AbortSignal.timeout(WAIT_MS) });
  const got = socket.inbox.shift();
  expect(got.name === name, `${what}: got ${got.name}`);
  return got;
}

async function expectEcho(socket, data, binary, what) {
  const got = await next(socket, 'message', what);
  expect(got.more === binary && Buffer.from(data).equals(got.data), `${what}: another message`);
}

async function checkMessages(port) {
  const socket = await open(port);
  for (const size of [0, 1, 125, 126, 127, 1000, 65535, 65536, 300000]) {
    socket.send('x'.repeat(size));
    await expectEcho(socket, 'x'.repeat(size), false, `a text of ${size}`);
    socket.send(Buffer.alloc(size, 0xff));
    await expectEcho(socket, Buffer.alloc(size, 0xff), true, `${size} bytes`);
  }
  sendFragments(socket, MIXED);
  await expectEcho(socket, MIXED, false, 'fragments');
  socket.send(Buffer.from('first '), { binary: false, fin: false });
  socket.ping('in between');
  expect((await next(socket, 'pong', 'the pong')).data.toString() === 'in between', 'another pong');
  socket.send(Buffer.from('second'), { binary: false, fin: true });
  await expectEcho(socket, 'first second', false, 'fragments around a ping');
  socket.send(`fragments ${MIXED}`);
  await expectEcho(socket, MIXED, false, 'what came in fragments');
  socket.send('ping'); // ws answers by itself
  await next(socket, 'ping', 'the ping');
  await expectEcho(socket, 'pong: are you there', false, 'the answer to the pong');
  socket.send('close');
  expect((await next(socket, 'close', 'a close without a code')).data === 1005, 'another code');
}

async function checkCloses(port) {
  let socket = await open(port);
  socket.send('close 4001 because');
  let got = await next(socket, 'close', 'a close from there');
  expect(got.data === 4001 && got.more.toString() === 'because', `closed with ${got.data}`);
  socket = await open(port);
  socket.close(1000, 'bye');
  got = await next(socket, 'close', 'the answer to a close');
  expect(got.data === 1000, `closed with ${got.data}`);
}

const MASK = [1, 2, 3, 4];
const BREACHES = [
  ['not masked', [0x81, 1, 0x7a], 1002],
  ['opcode 3', [0x83, 0x80, ...MASK], 1002],
  ['RSV1', [0xc1, 0x80, ...MASK], 1002],
  ['a stray continuation', [0x80, 0x80, ...MASK], 1002],
  ['a fragmented ping', [0x09, 0x80, ...MASK], 1002],
  ['a long ping', [0x89, 0xfe, 0, 0x7e, ...MASK], 1002],
  ['a length not in its shortest form', [0x81, 0xfe, 0, 1, ...MASK], 1002],
  ['a length with its highest bit', [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, ...MASK], 1002],
  ['half a close code', [0x88, 0x81, ...MASK, 2], 1002],
  ['close code 1005', [0x88, 0x82, ...MASK, 0x02, 0xef], 1002],
  ['no UTF-8', [0x81, 0x82, ...MASK, 0xc2, 0x2a], 1007],
  ['too large', [0x82, 0xff, 0, 0, 0, 0, 0, 6, 0x1a, 0x81, ...MASK], 1009],
];

async function checkBreaches(port) {
  for (const [what, bytes, code] of BREACHES) {
    const socket = await open(port);
    socket._socket.write(Buffer.from(bytes));
    const got = await next(socket, 'close', what);
    expect(got.data === code, `${what}: closed with ${got.data}, expected ${code}`);
  }
}

if (process.argv[3] === 'server') {
  serve(process.argv[4]);
} else {
  const port = Number(process.argv[4]);
  await checkMessages(port);
  await checkCloses(port);
  await checkBreaches(port);
  process.exit(0);
}
