// A session over WebTransport with the face of a WebSocket: text messages on the first bidirectional stream, framed.

import {FrameDecoder, TYPE, decodeClose, decodeText, encodeFrame, encodeText} from './frames.js';

const fromHex = (hex) => Uint8Array.from(hex.match(/../g), (digits) => parseInt(digits, 16));

export class WebTransportSocket {
  // Throws when the session does not open in time. `certificates`: as /dev/certificate names them. `token`: browsers
  // send no cookie and no field of ours with WebTransport, so it is one of the offered protocols.
  static async open({url, certificates, token, milliseconds, onmessage, onclose}) {
    const transport = new WebTransport(url, {
      serverCertificateHashes: certificates.map(({algorithm, hash}) => ({algorithm, value: fromHex(hash)})),
      protocols: ['plait.v1', `bearer.${token}`],
    });
    transport.closed.catch(() => {});
    const timer = setTimeout(() => transport.close(), milliseconds);
    try {
      await transport.ready;
      return new WebTransportSocket(transport, await transport.createBidirectionalStream(), onmessage, onclose);
    } finally {
      clearTimeout(timer);
    }
  }

  constructor(transport, stream, onmessage, onclose) {
    this.transport = transport;
    this.onmessage = onmessage;
    this.onclose = onclose;
    this.writer = stream.writable.getWriter();
    this.readable = stream.readable;
    this.peerClose = null;
  }

  // Nothing is reported before.
  start() {
    this.transport.closed.then(
        ({closeCode, reason}) => this.finish(closeCode || 1005, reason),
        () => this.finish(1006, ''));
    this.read().catch((error) => this.close(error.closeCode ?? 1011, error.message));
    this.write(encodeFrame(TYPE.ping, new Uint8Array(0)));  // the server hears of a stream by its first bytes
  }

  send(text) {
    this.write(encodeText(text));
  }

  close(code = 1000, reason = '') {
    this.transport.close({closeCode: code, reason});
  }

  write(bytes) {
    this.writer.write(bytes).catch(() => {});  // `closed` tells
  }

  async read() {
    const reader = this.readable.getReader();
    const decoder = new FrameDecoder();
    for (;;) {
      const {value, done} = await reader.read();
      if (done) return;
      decoder.push(value);
      for (let frame = decoder.next(); frame; frame = decoder.next()) this.handle(frame);
    }
  }

  handle({type, payload}) {
    if (type === TYPE.text) this.onmessage({data: decodeText(payload)});
    if (type === TYPE.ping) this.write(encodeFrame(TYPE.pong, payload));
    if (type === TYPE.close) this.peerClose = decodeClose(payload);
  }

  finish(code, reason) {
    this.onclose(this.peerClose ?? {code, reason});
  }
}
