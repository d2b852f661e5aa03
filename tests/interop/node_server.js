// An echo server on a free port with Debian's ws; DEFLATE has the options of perMessageDeflate. "/script" fragments,
// pings, waits for the pong and closes; "/terminate" cuts the connection.
'use strict';

const {WebSocketServer} = require('ws');

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  maxPayload: 8 << 20,
  perMessageDeflate: process.env.DEFLATE ? JSON.parse(process.env.DEFLATE) : false,
});

function script(socket) {
  socket.send('one', {fin: false});
  socket.ping('between');
  socket.once('pong', (data) => {
    socket.send('two', {fin: true});
    socket.send(Buffer.alloc(0), {binary: true});
    socket.send(String(data) === 'between' ? 'pong' : 'wrong');
    socket.close(4003, 'finished');
  });
}

server.on('connection', (socket, request) => {
  if (request.url === '/script') return script(socket);
  if (request.url === '/terminate') return socket.terminate();
  socket.on('message', (data, isBinary) => socket.send(data, {binary: isBinary}));
});

server.on('listening', () => console.log(`listening ws://127.0.0.1:${server.address().port}/`));
