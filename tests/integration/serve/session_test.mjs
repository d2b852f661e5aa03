// The page's session (dashboard/app.js) on WebSockets whose other end the test holds.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import test from 'node:test';

const sockets = [];
const timers = [];
const element = {dataset: {}, children: [], addEventListener() {}, append() {}, prepend() {}};

class FakeWebSocket {
  constructor() {
    this.sent = [];
    sockets.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  receive(message) { this.onmessage({data: JSON.stringify(message)}); }
}

// What the page finds in a browser, without WebTransport.
globalThis.browser = {
  document: {hidden: true, getElementById: () => element, createElement: () => element},
  window: {},
  location: {protocol: 'http:', host: 'hub'},
  fetch: async () => ({ok: false}),
  WebSocket: FakeWebSocket,
  setTimeout: (task) => timers.push(task),
  clearTimeout() {},
  setInterval() {},
};
const names = Object.keys(globalThis.browser).join(', ');
const page = readFileSync(new URL('../../../dashboard/app.js', import.meta.url), 'utf8').replace(/^import .*$/m, '');
await import(`data:text/javascript,${encodeURIComponent(`const {${names}} = globalThis.browser;${page}`)}`);

// The next session's socket, greeted, and the recovery that it asks for.
async function opened() {
  while (sockets.length === 0) await new Promise(setImmediate);
  const socket = sockets.shift();
  socket.receive({t: 'server_ready', p: {}});
  return {socket, recovery: socket.sent[0].p.recovery};
}

function answer(socket, state) {
  socket.receive({t: 'subscription_update', p: {success: true, recovery: {demo: {epoch: '0badcafe', ...state}}}});
}

function publish(socket, offset) {
  socket.receive({t: 'publication', tp: 'demo', e: '0badcafe', o: offset, p: 'x', ts: '2026-02-22T02:50:00.123Z'});
}

function cut(socket) {
  socket.onclose({code: 1006, reason: ''});
  timers.pop()();
}

test('a connection that is lost in a replay recovers what has not come of it', async () => {
  let {socket, recovery} = await opened();
  assert.equal(recovery, undefined);
  answer(socket, {offset: 1});
  cut(socket);
  ({socket, recovery} = await opened());
  assert.deepEqual(recovery, {demo: {epoch: '0badcafe', offset: 1}}, 'where it began');
  answer(socket, {offset: 4, recovered: true, count: 3});
  publish(socket, 2);
  cut(socket);
  ({socket, recovery} = await opened());
  assert.deepEqual(recovery, {demo: {epoch: '0badcafe', offset: 2}}, 'the last that came');
  answer(socket, {offset: 9, recovered: false, count: 0});
  cut(socket);
  ({recovery} = await opened());
  assert.deepEqual(recovery, {demo: {epoch: '0badcafe', offset: 9}}, 'nothing is to come');
});
