// SPDX-License-Identifier: Apache-2.0
//
// The keeper in a thread of its own, so that large boards and busy ones cost
// the page nothing. Hears {do: "message" | "resend", bytes}; {do: "fetch", path, cache,
// number}, which it answers with {type: "fetched" | "failed", number} before it tells of
// the board; and {do: "work", challenge, bits, number}, answered by {type: "worked" |
// "failed", number, nonce}: in slices, so that the board goes on meanwhile. It asks for
// the board before anybody told it to: that is what it is for. Last it finds out if the
// graphics are worth WebGL, which takes long where they are not.

import { Keeper } from "./keeper.js";
import { getParts } from "./net.js";

const SLICE_MS = 25;
const FIRST = "/api/v1/board";

const world = {
  fetch: (path, options) => fetch(path, options),
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (id) => clearTimeout(id),
};
const get = (path, cache) => getParts(world, path, { cache });
let ahead = get(FIRST, "default");
ahead.catch(() => {}); // told when it is asked for

/// Whether there is a WebGL2 that is not the processor's own work.
function hasGraphics() {
  const gl = globalThis.OffscreenCanvas &&
    new OffscreenCanvas(1, 1).getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

const keeper = new Keeper((event, transfer = []) =>
  self.postMessage(event, { transfer }));

async function fetchBoard({ path, cache, number }) {
  const early = path === FIRST && cache === "default" ? ahead : null;
  ahead = null;
  let parts;
  try {
    parts = await (early ?? get(path, cache));
  } catch (error) {
    self.postMessage({ type: "failed", number, text: String(error) });
    return;
  }
  self.postMessage({ type: "fetched", number });
  keeper.load(parts);
}

async function work({ challenge, bits, number }) {
  try {
    const { Work } = await import("./work.js");
    const one = new Work(challenge, bits);
    for (;;) {
      const nonce = one.search(SLICE_MS);
      if (nonce !== null) return self.postMessage({ type: "worked", number, nonce });
      await new Promise((go) => { setTimeout(go, 0); });
    }
  } catch (error) {
    self.postMessage({ type: "failed", number, text: String(error) });
  }
}

setTimeout(() => self.postMessage({ type: "graphics", good: hasGraphics() }), 0);
self.addEventListener("message", ({ data }) => {
  if (data.do === "fetch") fetchBoard(data);
  else if (data.do === "work") work(data);
  else keeper[data.do](data.bytes);
});
