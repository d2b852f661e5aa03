// Messages over a byte stream (spec/frames.md §2), without the open frames: HTTP has opened the session.

export const TYPE = Object.freeze({text: 2, binary: 3, part: 4, ping: 5, pong: 6, close: 7});
export const MESSAGE_BYTES_MAX = 16 << 20;
const CONTROL_BYTES_MAX = 125;

export class FrameError extends Error {
  constructor(name, closeCode = 1002) {
    super(name);
    this.closeCode = closeCode;
  }
}

// RFC 9000 §16, of at most 2^30 - 1.
function encodeVarint(value) {
  if (value < 0x40) return [value];
  if (value < 0x4000) return [0x40 | (value >> 8), value & 0xff];
  return [0x80 | (value >> 24), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
}

export function encodeFrame(type, payload) {
  const head = [type, ...encodeVarint(payload.length)];
  const frame = new Uint8Array(head.length + payload.length);
  frame.set(head);
  frame.set(payload, head.length);
  return frame;
}

export const encodeText = (text) => encodeFrame(TYPE.text, new TextEncoder().encode(text));

// Frames out of bytes that come in pieces of any size.
export class FrameDecoder {
  constructor() {
    this.bytes = new Uint8Array(0);
    this.used = 0;
  }

  push(piece) {
    const rest = this.bytes.subarray(this.used);
    this.bytes = new Uint8Array(rest.length + piece.length);
    this.bytes.set(rest);
    this.bytes.set(piece, rest.length);
    this.used = 0;
  }

  // {type, payload}, or null while it is not whole. Throws FrameError.
  next() {
    const bytes = this.bytes.subarray(this.used);
    if (bytes.length === 0) return null;
    const type = bytes[0];
    if (type === 1) throw new FrameError('open_repeated');
    if (type < TYPE.text || type > TYPE.close) throw new FrameError('unknown_type');
    const length = FrameDecoder.readVarint(bytes.subarray(1));
    if (length === null) return null;
    if (type >= TYPE.ping && length.value > CONTROL_BYTES_MAX) throw new FrameError('control_too_big');
    if (length.value > MESSAGE_BYTES_MAX) throw new FrameError('message_too_big', 1009);
    const begin = 1 + length.size;
    if (bytes.length - begin < length.value) return null;
    this.used += begin + length.value;
    return {type, payload: bytes.slice(begin, begin + length.value)};
  }

  static readVarint(bytes) {
    const size = bytes.length === 0 ? 1 : 1 << (bytes[0] >> 6);
    if (bytes.length < size) return null;
    let value = bytes[0] & 0x3f;
    for (let i = 1; i < size; ++i) value = value * 256 + bytes[i];
    if (size > 1 && value < 2 ** (8 * (size / 2) - 2)) throw new FrameError('length_not_minimal');
    return {value, size};
  }
}

// {code, reason} of a close frame's payload.
export function decodeClose(payload) {
  if (payload.length === 0) return {code: 1005, reason: ''};
  if (payload.length === 1) throw new FrameError('close_truncated');
  const code = payload[0] * 256 + payload[1];
  const registered = code >= 1000 && code < 1015 && (code < 1004 || code > 1006);
  if (!registered && (code < 3000 || code > 4999)) throw new FrameError('close_code_invalid');
  return {code, reason: decodeText(payload.subarray(2), 'close_reason_not_utf8')};
}

export function decodeText(payload, error = 'text_not_utf8') {
  try {
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(payload);
  } catch {
    throw new FrameError(error, 1007);
  }
}
