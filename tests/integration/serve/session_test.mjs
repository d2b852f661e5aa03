// The page's session and counters (dashboard/app.js), on WebSockets and statistics that the test makes up.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import test from 'node:test';

const TURNS_MAX = 1000;  // nothing here waits for anything but promises, so a few would do
const sockets = [];
const timers = [];
const notFound = async () => ({ok: false, status: 404});
let answerToken = notFound;
let stats;
let statsStatus = 200;
let statsAsked = 0;
let everySecond;
let everyTick;
const elements = {};

class FakeElement {
  dataset = {};
  children = [];
  listeners = {};
  addEventListener(name, listener) { this.listeners[name] = listener; }
  append() {}
  prepend() {}
  setAttribute() {}
  toggleAttribute() {}
}

const element = (id) => elements[id] ??= new FakeElement();

function answerStats() {
  ++statsAsked;
  return {ok: statsStatus === 200, status: statsStatus, json: async () => stats};
}

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
  document: {hidden: true, getElementById: element, createElement: () => new FakeElement()},
  window: {},
  location: {protocol: 'http:', host: 'hub'},
  fetch: async (path) => path === '/stats' ? answerStats() : answerToken(),
  WebSocket: FakeWebSocket,
  setTimeout: (task) => timers.push(task),
  clearTimeout() {},
  setInterval: (task, milliseconds) => {
    if (milliseconds !== 1000) return everyTick = task;
    everySecond = task;
  },
  clearInterval() {},
};
const names = Object.keys(globalThis.browser).join(', ');
const page = readFileSync(new URL('../../../dashboard/app.js', import.meta.url), 'utf8').replace(/^import .*$/m, '');
const script = `const {${names}} = globalThis.browser;${page};Object.assign(globalThis.browser, {session, updateCounters});`;
await import(`data:text/javascript,${encodeURIComponent(script)}`);
const {session, updateCounters} = globalThis.browser;

async function connecting() {
  for (let turns = 0; sockets.length === 0; ++turns) {
    assert.ok(turns < TURNS_MAX, 'the page opens no WebSocket');
    await new Promise(setImmediate);
  }
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
  answerToken = notFound;
  timers.pop()();
  await opened();
});

test('a server that is not there for a moment is asked again, and for no token', async () => {
  element('token-form').hidden = true;
  for (const status of [429, 500, 502, 503]) {
    answerToken = async () => ({ok: false, status});
    await session.connect();
    assert.deepEqual([timers.length, sockets.length, element('token-form').hidden], [1, 0, true], String(status));
    timers.pop();
  }
  answerToken = notFound;
  session.connectNow();
  await opened();
});

test('without a token there is one opening, in which an earlier cookie may go, and no more', async () => {
  session.hasToken = false;
  element('token-form').hidden = true;
  session.connectNow();
  const socket = await connecting();
  socket.onclose({code: 1006, reason: ''});
  assert.deepEqual([timers.length, element('token-form').hidden], [0, false]);
  assert.equal(element('status').textContent, 'needs an access token');
});

test('a session that is refused is tried again, and the token is blamed after some times only', async () => {
  element('token-form').hidden = true;
  element('token').value = 'garbage';
  element('token-form').listeners.submit({preventDefault() {}});
  const said = [];
  for (let times = 0; times < 3; ++times) {
    const socket = await connecting();
    socket.onclose({code: 1006, reason: ''});
    assert.deepEqual([timers.length, element('token-form').hidden], [1, false]);
    said.push(/refused this access token/.test(element('notice').textContent));
    timers.pop()();
  }
  assert.deepEqual(said, [false, false, true]);
  const {socket} = await opened();
  answer(socket, {offset: 9});
  assert.deepEqual([element('token-form').hidden, element('notice').hidden], [true, true]);
});

test('a server that knows the page by other names only is quoted', async () => {
  answerToken = async () => ({ok: false, status: 403, text: async () => 'open it as localhost\n'});
  await session.connect();
  assert.deepEqual([timers.length, element('notice').textContent], [1, 'refused: open it as localhost']);
  timers.pop();
  answerToken = notFound;
  session.connectNow();
  await opened();
});

test('what fails after a later attempt has begun is that attempt\'s no more', async () => {
  let fail;
  answerToken = () => new Promise((resolve, reject) => { fail = reject; });
  const superseded = session.connect();
  answerToken = notFound;
  session.connectNow();
  const {socket} = await opened();
  answer(socket, {offset: 9});
  fail(new TypeError('cut off'));
  await superseded;
  assert.deepEqual(timers, []);
  assert.ok(session.ready);
});

test('what cannot be sent stays in its field, and the page says so', async () => {
  const submit = () => element('publish').listeners.submit({preventDefault() {}});
  session.connectNow();
  const {socket} = await opened();
  element('text').value = 'hello';
  submit();
  assert.deepEqual([element('text').value, element('notice').hidden], ['hello', false]);
  assert.match(element('notice').textContent, /not connected/);
  answer(socket, {offset: 9});
  submit();
  assert.deepEqual([element('text').value, element('notice').hidden], ['', true]);
  assert.deepEqual(socket.sent.at(-1).p, {topic: 'demo', data: 'hello'});
});

test('ticks stop with the connection, and the page says so', async () => {
  const click = element('timer').listeners.click;
  session.connectNow();
  const {socket} = await opened();
  answer(socket, {offset: 9});
  click();
  everyTick();
  assert.deepEqual([element('timer').textContent, socket.sent.at(-1).p.data.tick], ['Stop', 1]);
  session.ready = false;
  everyTick();
  assert.equal(element('timer').textContent, '10 a second');
  assert.match(element('notice').textContent, /ticks have stopped/);
});

test('a server that was started again while the page was hidden has no negative rates', async () => {
  globalThis.browser.document.hidden = false;
  const count = async (uptime_seconds, messages_received, messages_sent) => {
    stats = {uptime_seconds, loops: 1, hub: {subscriptions_open: 0},
             server: {sessions_open: 0, messages_received, messages_sent}};
    await updateCounters();
    return [element('rate-in').textContent, element('rate-out').textContent];
  };
  await count(10, 1000, 1000);
  assert.deepEqual(await count(11, 1005, 1007), ['5', '7']);
  assert.deepEqual(await count(2, 1, 1), ['5', '7'], 'it runs for a shorter time than before');
  assert.deepEqual(await count(3, 3, 2), ['2', '1']);
  assert.deepEqual(await count(20, 5, 1), ['2', '1'], 'it has sent less, in a longer time');
  assert.deepEqual(await count(21, 8, 5), ['3', '4']);
});

test('statistics are asked for less and less often while they are too many requests', async () => {
  const asked = async (seconds) => {
    statsAsked = 0;
    for (let i = 0; i < seconds; ++i) {
      everySecond();
      await new Promise(setImmediate);
    }
    return statsAsked;
  };
  assert.equal(await asked(10), 10);
  statsStatus = 429;
  assert.ok(await asked(64) <= 8);
  statsStatus = 200;
  assert.ok(await asked(64) <= 1);
});
