// Peer: npm ws. /echo returns each message, /fanout sends it to everybody else. Usage: node_ws_server.js PORT
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  maxPayload: 0,
  perMessageDeflate: {
    // when offered
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    threshold: 0,
    zlibDeflateOptions: { level: 1 }, // as plait
  },
});
const subscribers = new Set();

server.on("connection", (socket, request) => {
  socket.on("error", () => {}); // the generator ends its connections with RST
  if (!request.url.startsWith("/fanout")) {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    return;
  }
  subscribers.add(socket);
  socket.on("close", () => subscribers.delete(socket));
  socket.on("message", (data, isBinary) => {
    for (const other of subscribers) {
      if (other !== socket) other.send(data, { binary: isBinary });
    }
  });
});
