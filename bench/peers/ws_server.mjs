// SPDX-License-Identifier: Apache-2.0
// Node `ws`: a loop over all clients, RATE times a second.
// usage: node ws_server.mjs PORT FRAME_BYTES RATE [FRAMES_ON_OPEN]
import { WebSocketServer } from "ws";
const [port, bytes, rate, onOpen = 0] = process.argv.slice(2).map(Number);
const frame = new Uint8Array(bytes);
const server = new WebSocketServer({
  port, host: "127.0.0.1", perMessageDeflate: false, backlog: 4096,
});
server.on("connection", (socket) => {
  for (let i = 0; i < onOpen; i++) socket.send(frame);
  socket.on("error", () => {});
});
if (rate > 0)
  setInterval(() => {
    for (const socket of server.clients)
      if (socket.readyState === 1) socket.send(frame);
  }, 1000 / rate);
