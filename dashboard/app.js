// The page: one session to the hub (spec/protocol.md), over WebTransport where browser and server have it, else over
// WebSocket; and the server's counters once a second.

import {WebTransportSocket} from './webtransport.js';

const TOPIC = 'demo';
const MESSAGES_SHOWN_MAX = 200;
const SECONDS_PLOTTED = 120;
const RECONNECT_MS_MIN = 250;
const RECONNECT_MS_MAX = 8000;
const REFUSALS_MIN = 3;  // in a row, before the token is blamed: a browser does not say why an opening failed
const WEBTRANSPORT_MS_MAX = 3000;
const TIMER_MS = 100;

const element = (id) => document.getElementById(id);

function show(state, text) {
  element('status').dataset.state = state;
  element('status').textContent = text;
}

function notify(text) {
  element('notice').textContent = text;
  element('notice').hidden = text === '';
}

// --- The session ---------------------------------------------------------------------------------------------------

class HubSession {
  constructor(onPublication, onGap) {
    this.onPublication = onPublication;
    this.onGap = onGap;
    this.position = null;
    this.requests = 0;
    this.delay = RECONNECT_MS_MIN;
    this.attempts = 0;
    this.refusals = 0;
    this.hasToken = false;  // a visitor's, or a cookie that a server in production has taken
    this.tryWebTransport = 'WebTransport' in window;
  }

  // One session at a time: what an earlier call has opened, or still opens, is closed without a word to the page.
  async connect() {
    show('connecting', 'connecting');
    const attempt = ++this.attempts;
    this.ready = false;
    this.greeted = false;
    this.abandon(this.socket);
    this.socket = null;
    const socket = await this.open().catch(() => null);
    if (attempt !== this.attempts) return this.abandon(socket);
    if (!socket) return this.retry();
    this.socket = socket;
    this.wire = socket.start ? 'WebTransport' : 'WebSocket';
    socket.start?.();
  }

  // A development server hands out tokens as a cookie, since a browser's WebSocket sends no other field. Others answer
  // 404, and the cookie is made from what the visitor pastes. 403 says under which names the page must be opened. Any
  // other status will pass: a proxy whose server is being started, too many requests.
  async open() {
    const answer = await fetch('/dev/token', {cache: 'no-store'});
    if (answer.status === 403) notify(`refused: ${(await answer.text()).trim()}`);
    if (!answer.ok && answer.status !== 404) throw new Error(`/dev/token: ${answer.status}`);
    this.development = answer.ok;
    return (answer.ok && await this.openWebTransport(await answer.json())) || this.openWebSocket();
  }

  abandon(socket) {
    if (!socket) return;
    socket.onmessage = socket.onclose = () => {};
    socket.close();
  }

  openWebSocket() {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/wse`);
    socket.onmessage = (event) => this.handleMessage(JSON.parse(event.data));
    socket.onclose = (event) => this.handleClose(event);
    return socket;
  }

  // Null where there is none. What fails once (UDP is blocked, say) is not tried again.
  async openWebTransport({token}) {
    if (!this.tryWebTransport) return null;
    const offer = await fetch('/dev/certificate', {cache: 'no-store'}).catch(() => null);
    if (!offer?.ok) return null;
    return WebTransportSocket.open({
      ...await offer.json(),
      token,
      milliseconds: WEBTRANSPORT_MS_MAX,
      onmessage: (event) => this.handleMessage(JSON.parse(event.data)),
      onclose: (event) => this.handleClose(event),
    }).catch(() => {
      this.tryWebTransport = false;
      return null;
    });
  }

  send(type, payload) {
    this.socket.send(JSON.stringify({c: 'U', t: type, p: payload, cid: String(++this.requests), v: 1}));
  }

  // Whether it was sent.
  publish(data) {
    if (this.ready) this.send('publish', {topic: TOPIC, data});
    return this.ready;
  }

  handleMessage(message) {
    const handlers = {
      server_ready: () => this.subscribe(),
      subscription_update: () => this.handleSubscribed(message.p),
      publication: () => this.handlePublication(message),
      gap: () => this.onGap(message.p.missed),
      error: () => notify(`${message.p.code}: ${message.p.message}`),
    };
    handlers[message.t]?.();
  }

  // After a reconnection the server fills the gap, or says that it cannot.
  subscribe() {
    this.greeted = true;
    if (!this.development) this.hasToken = true;
    this.refusals = 0;
    const request = {action: 'subscribe', topics: [TOPIC]};
    if (this.position) Object.assign(request, {recover: true, recovery: {[TOPIC]: this.position}});
    this.send('subscription_update', request);
  }

  handleSubscribed(update) {
    if (!update.success) {
      return notify(update.failed_topics.map((topic) => `${topic.topic}: ${topic.error}`).join(', '));
    }
    const state = update.recovery?.[TOPIC];
    // What is replayed is still to come, and each of it brings its own position.
    if (state && !(state.count > 0)) this.position = {epoch: state.epoch, offset: state.offset};
    if (state?.recovered === false) this.onGap();
    this.ready = true;
    this.delay = RECONNECT_MS_MIN;
    notify('');
    element('token-form').hidden = true;
    show('open', `connected over ${this.wire}`);
  }

  handlePublication(message) {
    this.position = {epoch: message.e, offset: message.o};
    this.onPublication(message);
  }

  handleClose(event) {
    this.ready = false;
    if (event.reason) notify(`${event.code}: ${event.reason}`);
    if (!this.greeted && !this.development) {
      this.askForToken();
      if (!this.hasToken) return show('closed', 'needs an access token');  // no cookie of an earlier visit does
    }
    this.retry();
  }

  // It may be the token, and it may be a limit or a proxy, which will pass.
  askForToken() {
    ++this.refusals;
    if (this.token && this.refusals >= REFUSALS_MIN) notify('the server has probably refused this access token');
    element('token-form').hidden = false;
  }

  retry() {
    const wait = this.delay * (0.75 + Math.random() / 2);
    show('closed', `not connected, next try in ${(wait / 1000).toFixed(1)} s`);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait);
    this.delay = Math.min(this.delay * 2, RECONNECT_MS_MAX);
  }

  connectNow() {
    clearTimeout(this.timer);
    this.connect();
  }
}

// --- Messages ------------------------------------------------------------------------------------------------------

function addRow(time, offset, text, className) {
  const row = document.createElement('li');
  for (const [tag, name, content] of [['time', 'time', time], ['span', 'offset', offset], ['span', className, text]]) {
    const cell = document.createElement(tag);
    cell.className = name;
    cell.textContent = content;
    row.append(cell);
  }
  const list = element('messages');
  list.prepend(row);
  while (list.children.length > MESSAGES_SHOWN_MAX) list.lastChild.remove();
  element('empty').hidden = true;
}

function showPublication(message) {
  const text = typeof message.p === 'string' ? message.p : JSON.stringify(message.p);
  addRow(new Date(message.ts).toLocaleTimeString(), `#${message.o}`, text, 'data');
  element('position').textContent = `at ${message.e}:${message.o}`;
}

function showGap(missed) {
  addRow(new Date().toLocaleTimeString(), '', `${missed ?? 'some'} messages were missed`, 'gap');
}

// --- Counters ------------------------------------------------------------------------------------------------------

const history = {in: [], out: []};
let previous = null;
let beats = 0;
let secondsBetween = 1;  // more where the server takes fewer requests, for the page is not to use them all up

function formatCount(count) {
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(1)} k`;
  return String(Math.round(count));
}

function formatUptime(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}

function plot() {
  const max = Math.max(1, ...history.in, ...history.out);
  for (const [name, values] of Object.entries(history)) {
    const first = SECONDS_PLOTTED - values.length;
    const points = values.map((value, i) => `${first + i},${(31 - (30 * value) / max).toFixed(2)}`);
    element(`plot-${name}`).setAttribute('points', points.join(' '));
  }
  element('plot-max').textContent = `messages a second, at most ${formatCount(max)}`;
}

function showRates(stats) {
  const seconds = stats.uptime_seconds - previous.uptime_seconds;
  const since = (counter) => stats.server[counter] - previous.server[counter];
  const counters = {in: 'messages_received', out: 'messages_sent'};
  // The server was started again, maybe long ago: a hidden page asks for nothing.
  if (seconds <= 0 || Object.values(counters).some((counter) => since(counter) < 0)) return;
  for (const [name, counter] of Object.entries(counters)) {
    const rate = since(counter) / seconds;
    history[name].push(rate);
    if (history[name].length > SECONDS_PLOTTED) history[name].shift();
    element(`rate-${name}`).textContent = formatCount(rate);
  }
  plot();
}

async function updateCounters() {
  if (document.hidden) return;
  const answer = await fetch('/stats', {cache: 'no-store'}).catch(() => null);
  if (answer?.status === 429) secondsBetween = Math.min(2 * secondsBetween, 64);
  if (!answer?.ok) return;
  const stats = await answer.json();
  if (previous) showRates(stats);
  previous = stats;
  element('sessions').textContent = formatCount(stats.server.sessions_open);
  element('subscriptions').textContent = formatCount(stats.hub.subscriptions_open);
  element('loops').textContent = stats.loops;
  element('uptime').textContent = formatUptime(stats.uptime_seconds);
}

// --- Controls ------------------------------------------------------------------------------------------------------

const session = new HubSession(showPublication, showGap);
let ticking = null;
let ticks = 0;

function setTicking(timer) {
  if (ticking) clearInterval(ticking);
  ticking = timer;
  element('timer').textContent = ticking ? 'Stop' : '10 a second';
  element('timer').toggleAttribute('data-running', ticking !== null);
}

function publishTick() {
  if (session.publish({tick: ticks + 1, wave: Math.sin((ticks + 1) / 10).toFixed(3)})) return ++ticks;
  setTicking(null);
  notify('not connected: the ticks have stopped');
}

element('publish').addEventListener('submit', (event) => {
  event.preventDefault();
  if (element('text').value === '') return;
  if (!session.publish(element('text').value)) return notify('not connected: nothing was sent');
  element('text').value = '';
});

element('timer').addEventListener('click', () => {
  if (ticking) return setTicking(null);
  setTicking(setInterval(publishTick, TIMER_MS));
});

element('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  session.token = encodeURIComponent(element('token').value.trim());
  session.hasToken = true;
  session.refusals = 0;
  session.delay = RECONNECT_MS_MIN;
  document.cookie = `access_token=${session.token}; Path=/wse; SameSite=Strict${secure}`;
  session.connectNow();
});

const hubUrl = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
element('example').textContent = `plait pub ${TOPIC} '{"hello":"world"}' --url ${hubUrl}`;
session.connect();
updateCounters();
setInterval(() => ++beats % secondsBetween === 0 && updateCounters(), 1000);
