// node_client.js TEST URL: one test with Debian's ws as the client; throws when something is not as it should be.
'use strict';

const assert = require('assert');
const {once} = require('events');
const WebSocket = require('ws');

const kSizes = [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20, 5 << 20];

async function connect(url, options) {
  const socket = new WebSocket(url, {perMessageDeflate: false, maxPayload: 8 << 20, ...options});
  await once(socket, 'open');
  return socket;
}

async function exchange(socket, message) {
  const answered = once(socket, 'message');
  socket.send(message);
  const [data, isBinary] = await answered;
  assert.strictEqual(isBinary, typeof message !== 'string');
  assert(data.equals(Buffer.from(message)), `a wrong answer to ${message.length} bytes`);
}

async function close(socket, code, reason) {
  const closed = once(socket, 'close');
  socket.close(code, reason);
  return closed;
}

async function echo(url, options, sizes = kSizes) {
  const socket = await connect(url + '/echo', options);
  for (const size of sizes) {
    const word = (_, i) => (i * 2654435761 % 4294967296).toString(16).padStart(8, '0');
    const text = Array.from({length: Math.ceil(size / 8)}, word).join('').slice(0, size);
    await exchange(socket, text);
    await exchange(socket, Buffer.from(text));
  }
  assert.strictEqual((await close(socket, 1000))[0], 1000);
  return socket;
}

const tests = {
  sizes: (url) => echo(url, {}),
  tls: (url) => echo(url, {ca: require('fs').readFileSync(process.argv[4])}),

  async fragments(url) {
    const socket = await connect(url + '/echo');
    const answered = once(socket, 'message');
    socket.send('one ', {fin: false});
    socket.ping('between');
    socket.send('', {fin: false});
    socket.send('two', {fin: true});
    const [[pong], [message]] = await Promise.all([once(socket, 'pong'), answered]);
    assert.deepStrictEqual([String(pong), String(message)], ['between', 'one two']);
    socket.close();
  },

  async pings(url) {
    const socket = await connect(url + '/rtt');
    await once(socket, 'ping');  // answered before the event
    const answered = once(socket, 'message');
    socket.send('?');
    assert.strictEqual(String((await answered)[0]), 'ponged');
    socket.close();
  },

  async closes(url) {
    assert.strictEqual((await close(await connect(url + '/echo'), 4001, 'enough'))[0], 4001);
    const socket = await connect(url + '/close');
    const closed = once(socket, 'close');
    socket.send('1012 restart');
    const [code, reason] = await closed;
    assert.deepStrictEqual([code, String(reason)], [1012, 'restart']);
  },

  async deflate(url) {
    for (const options of [{}, {serverNoContextTakeover: true}, {clientNoContextTakeover: true},
                           {serverMaxWindowBits: 9, clientMaxWindowBits: 10, threshold: 0}]) {
      const socket = await echo(url, {perMessageDeflate: options}, [0, 1, 512, 65536, 200000, 200000]);
      assert.match(socket.extensions, /^permessage-deflate/);
    }
  },

  async hundred(url) {
    await Promise.all(Array.from({length: 100}, async (_, i) => {
      const socket = await connect(url + '/echo');
      await exchange(socket, `number ${i}`);
      await close(socket, 1000);
    }));
  },

  async terminate(url) {
    const socket = await connect(url + '/echo');
    await exchange(socket, 'before');
    socket.terminate();
    await once(socket, 'close');
  },

  async refusal(url) {
    const socket = new WebSocket(url + '/refuse');
    const [, response] = await once(socket, 'unexpected-response');
    assert.strictEqual(response.statusCode, 401);
    socket.on('error', () => {});
    socket.terminate();
  },
};

tests[process.argv[2]](process.argv[3]).then(() => console.log('passed'));
