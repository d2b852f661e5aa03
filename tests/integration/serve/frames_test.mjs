// The page's frames (dashboard/frames.js) against the vectors that all implementations share, but for the open frames.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import test from 'node:test';

// As the browser takes it, a module, whatever this version of node makes of its name.
const source = readFileSync(new URL('../../../dashboard/frames.js', import.meta.url), 'utf8');
const {
  FrameDecoder, FrameError, MESSAGE_BYTES_MAX, TYPE, decodeClose, decodeText, encodeFrame, encodeText,
} = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const OPEN = '010d504c5431052f6563686f000000';
const vectors = JSON.parse(readFileSync(new URL('../../../spec/vectors/frames.json', import.meta.url)));
const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (bytes) => Buffer.from(bytes).toString('hex');

// What the page reports of a frame; parts it leaves alone, since the hub sends none.
function read({type, payload}) {
  const hex = hexOf(payload);
  if (type === TYPE.text) {
    return {kind: 'message', message_kind: 'text', hex: hexOf(new TextEncoder().encode(decodeText(payload)))};
  }
  if (type === TYPE.binary) return {kind: 'message', message_kind: 'binary', hex};
  if (type === TYPE.close) return {kind: 'close', ...decodeClose(payload)};
  return {kind: type === TYPE.ping ? 'ping' : 'pong', hex};
}

function decode(bytes, pieceBytes) {
  const decoder = new FrameDecoder();
  const events = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    decoder.push(bytes.subarray(at, at + pieceBytes));
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      events.push(read(frame));
      if (frame.type === TYPE.close) return events;
    }
  }
  return events;
}

const concerns = ({hex, section}) => hex.startsWith(OPEN) && section !== '2.1';
const afterOpen = ({hex}) => bytesOf(hex.slice(OPEN.length));

test('valid vectors, whole and byte by byte', () => {
  const valid = vectors.valid.filter(concerns);
  assert.ok(valid.length > 8);
  for (const vector of valid) {
    for (const pieceBytes of [1, 3, 1 << 20]) {
      assert.deepEqual(decode(afterOpen(vector), pieceBytes), vector.events.slice(1), vector.name);
    }
  }
});

test('invalid vectors name the rule and its close code', () => {
  const invalid = vectors.invalid.filter(concerns);
  assert.ok(invalid.length > 15);
  for (const vector of invalid) {
    assert.throws(() => decode(afterOpen(vector), 1 << 20),
                  (error) => error instanceof FrameError && error.message === vector.error &&
                      error.closeCode === vector.close_code, vector.name);
  }
});

test('what is encoded is decoded, on both sides of each length', () => {
  for (const size of [0, 63, 64, 16383, 16384, MESSAGE_BYTES_MAX]) {
    const decoder = new FrameDecoder();
    decoder.push(encodeFrame(TYPE.binary, new Uint8Array(size).fill(7)));
    const {type, payload} = decoder.next();
    assert.equal(type, TYPE.binary);
    assert.equal(payload.length, size);
    assert.equal(decoder.next(), null);
  }
  assert.equal(hexOf(encodeText('hi')), '02026869');
});
