// Peer: Socket.IO over WebSocket; each "message" event comes back. Usage: socket_io_server.js PORT
const { Server } = require("socket.io");

const server = new Server({ transports: ["websocket"], maxHttpBufferSize: 1e9, serveClient: false });
server.on("connection", (socket) => socket.on("message", (data) => socket.emit("message", data)));
server.listen(Number(process.argv[2]));
