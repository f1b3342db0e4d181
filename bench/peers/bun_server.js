// SPDX-License-Identifier: Apache-2.0
// Bun (uWebSockets): one topic, published RATE times a second.
// usage: bun bun_server.js PORT FRAME_BYTES RATE [FRAMES_ON_OPEN]
const [port, bytes, rate, onOpen = 0] = process.argv.slice(2).map(Number);
const frame = new Uint8Array(bytes);
const server = Bun.serve({
  port,
  hostname: "127.0.0.1",
  fetch(request, self) {
    if (!self.upgrade(request)) return new Response("", { status: 400 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      for (let i = 0; i < onOpen; i++) socket.send(frame);
      socket.subscribe("all");
    },
    message() {},
  },
});
if (rate > 0) setInterval(() => server.publish("all", frame), 1000 / rate);
