// The page's session (dashboard/app.js) on WebSockets whose other end the test holds.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import test from 'node:test';

const sockets = [];
const timers = [];
let answerToken = async () => ({ok: false});
const element = {dataset: {}, children: [], addEventListener() {}, append() {}, prepend() {}};

class FakeWebSocket {
  constructor() {
    this.sent = [];
    sockets.push(this);
  }
  close() {}
  send(text) { this.sent.push(JSON.parse(text)); }
  receive(message) { this.onmessage({data: JSON.stringify(message)}); }
}

// What the page finds in a browser, without WebTransport.
globalThis.browser = {
  document: {hidden: true, getElementById: () => element, createElement: () => element},
  window: {},
  location: {protocol: 'http:', host: 'hub'},
  fetch: () => answerToken(),
  WebSocket: FakeWebSocket,
  setTimeout: (task) => timers.push(task),
  clearTimeout() {},
  setInterval() {},
};
const names = Object.keys(globalThis.browser).join(', ');
const page = readFileSync(new URL('../../../dashboard/app.js', import.meta.url), 'utf8').replace(/^import .*$/m, '');
const script = `const {${names}} = globalThis.browser;${page};globalThis.browser.session = session;`;
await import(`data:text/javascript,${encodeURIComponent(script)}`);
const {session} = globalThis.browser;

async function connecting() {
  while (sockets.length === 0) await new Promise(setImmediate);
  return sockets.shift();
}

// The next session's socket, greeted, and the recovery that it asks for.
async function opened() {
  const socket = await connecting();
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

test('a socket that was replaced is closed and says nothing more', async () => {
  session.connect();
  const first = await connecting();
  let closed = false;
  first.close = () => { closed = true; };
  session.connectNow();
  const {socket: second} = await opened();
  answer(second, {offset: 9});
  assert.ok(closed);
  first.onclose({code: 1006, reason: ''});
  assert.deepEqual(timers, [], 'a refusal of the first is no end of the second');
  publish(first, 10);
  assert.equal(session.position.offset, 9);
  session.publish('x');
  assert.equal(second.sent.at(-1).t, 'publish');
});

test('an answer that is cut off is asked for again', async () => {
  answerToken = async () => ({ok: true, json: async () => { throw new TypeError('cut off'); }});
  await session.connect();
  assert.equal(timers.length, 1);
  answerToken = async () => ({ok: false});
  timers.pop()();
  await opened();
});

test('what fails after a later attempt has begun is that attempt\'s no more', async () => {
  let fail;
  answerToken = () => new Promise((resolve, reject) => { fail = reject; });
  const superseded = session.connect();
  answerToken = async () => ({ok: false});
  session.connectNow();
  const {socket} = await opened();
  answer(socket, {offset: 9});
  fail(new TypeError('cut off'));
  await superseded;
  assert.deepEqual(timers, []);
  assert.ok(session.ready);
});
