// SPDX-License-Identifier: Apache-2.0
// The usual cloud design: stateless `ws` servers, each subscribed to Redis
// pub/sub; a placement is a BITFIELD SET and a PUBLISH of one JSON message,
// which every server sends to every client.
// usage: node rediscast.mjs PORT REDIS_PORT
import { createClient } from "redis";
import { WebSocketServer } from "ws";
const [port, redisPort] = process.argv.slice(2).map(Number);
const url = `redis://127.0.0.1:${redisPort}`;
const commands = await createClient({ url }).connect();
const feed = await createClient({ url }).connect();
const server = new WebSocketServer({
  port, host: "127.0.0.1", perMessageDeflate: false, backlog: 4096,
});
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", async (data) => {
    const place = JSON.parse(data);
    const offset = `#${place.y * 1000 + place.x}`;
    await commands.sendCommand(
      ["BITFIELD", "board", "SET", "u4", offset, String(place.color)]);
    await commands.publish("pixels", JSON.stringify(place));
  });
});
await feed.subscribe("pixels", (message) => {
  for (const socket of server.clients)
    if (socket.readyState === 1) socket.send(message);
});
