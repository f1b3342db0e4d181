// SPDX-License-Identifier: Apache-2.0
//
// The page's numbers, measured and printed. A machine that is busy with other
// things may make a measurement bad, never good: each is repeated a few times and
// the best one counts against the bar.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { getPriority, setPriority } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { Cluster, DESKTOP, PHONE, ROOT, launchChromium, live, openPage,
         until } from "./support.mjs";

let browser;

before(async () => {
  // Who may, lets the browser go before what else this machine does.
  const own = getPriority();
  try { setPriority(-15); } catch {}
  browser = await launchChromium("--enable-precise-memory-info");
  try { setPriority(own); } catch {}
});
after(async () => {
  await browser?.close();
});

const TRIES = 4;

/// The best of some tries; stops at the first that holds the bar.
async function best(t, name, unit, bar, better, measure, tries = TRIES) {
  let result = null;
  for (let n = 0; n < tries; n++) {
    const value = await measure(n);
    if (result === null || better(value, result)) result = value;
    if (better(result, bar) || result === bar) break;
  }
  t.diagnostic(`measured: ${name} ${Number(result.toFixed(2))} ${unit} (bar ${bar})`);
  assert.ok(better(result, bar) || result === bar, `${name}: ${result} ${unit}`);
}

const less = (a, b) => a < b;
const more = (a, b) => a > b;

/// A file's path, without the version that the edge puts before it.
const plain = (url) => new URL(url).pathname.replace(/^\/_\/[0-9a-f]+/, "");

function scripts(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? scripts(path)
      : name.endsWith(".js") ? [path] : [];
  });
}

test("the script of a visit is small, and preloaded", async (t) => {
  const cluster = await Cluster.up("--size", "50x50");
  try {
    const loaded = new Set();
    const page = await openPage(browser, cluster.url, {
      prepare: (one) => one.on("request", (request) =>
        request.url().endsWith(".js") && loaded.add(plain(request.url()))),
    });
    const named = (await page.evaluate(() => [...document.querySelectorAll(
      "link[rel=modulepreload], script[src]")].map((one) => one.href || one.src)))
      .map(plain);
    const workers = new Set(["/worker.js", "/keeper.js"]);
    assert.deepEqual([...loaded].filter((path) => !workers.has(path)).toSorted(),
                     named.toSorted());
    await page.context().close();
    const size = (path) => gzipSync(readFileSync(join(ROOT, "web", path)),
                                    { level: 9 }).length;
    const bytes = [...loaded].reduce((sum, path) => sum + size(path), 0);
    const all = scripts(join(ROOT, "web")).reduce((sum, path) =>
      sum + gzipSync(readFileSync(path), { level: 9 }).length, 0);
    t.diagnostic(`measured: all scripts, every panel and language, ${all / 1000} KB`);
    await best(t, "script, compressed", "KB", 60, less, () => bytes / 1000);
  } finally {
    await cluster.down();
  }
});

test("first board on fast 3G", async (t) => {
  const cluster = await Cluster.up("--size", "1000x1000", "--cooldown", "0");
  const link = await slowLink(cluster.port);
  try {
    const stop = cluster.load(3000, 8);
    await new Promise((done) => setTimeout(done, 8000));
    await stop();
    await best(t, "first board on fast 3G", "s", 3.5, less, async () => {
      let started = 0;
      const page = await openPage(browser, link.url, {
        ...PHONE, wait: false,
        prepare: () => { started = Date.now(); },
      });
      await page.waitForFunction(() => {
        const app = window.stipple;
        return app?.view.picture && app.store.get("palette").length > 0 &&
          !app.view.frame;
      }, null, { timeout: 60000, polling: 20 });
      const seconds = (Date.now() - started) / 1000;
      await page.context().close();
      return seconds;
    });
  } finally {
    link.close();
    await cluster.down();
  }
});

/// Fast 3G before a port of this machine: 1.6 Mbit/s down and 750 kbit/s up for all
/// connections together, 150 ms there and back, and as much to connect. In between
/// the browser and the edge, so that it holds for the page's worker, too.
async function slowLink(port) {
  const way = (rate) => {
    let free = 0;
    return (from, to) => from.on("data", (data) => {
      for (let at = 0; at < data.length; at += 1400) {
        const part = data.subarray(at, at + 1400);
        free = Math.max(free, performance.now()) + part.length * 1000 / rate;
        setTimeout(() => to.destroyed || to.write(part), free - performance.now() + 75);
      }
    });
  };
  const down = way(1.6e6 / 8), up = way(750e3 / 8);
  const server = createServer((near) => setTimeout(() => {
    const far = connect(port, "127.0.0.1");
    up(near, far);
    down(far, near);
    for (const [one, other] of [[near, far], [far, near]])
      one.on("error", () => {}).on("close", () => setTimeout(() => other.destroy(), 1000));
  }, 150));
  const open = new Set();
  server.on("connection", (socket) => open.add(socket));
  await new Promise((done) => { server.listen(0, "127.0.0.1", () => done()); });
  return {
    url: `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

test("4000 x 4000: no long task on a slow phone, and little memory", async (t) => {
  const cluster = await Cluster.up("--size", "4000x4000", "--cooldown", "0");
  try {
    const kinds = new Map();
    let slow = 1;
    try {
      await best(t, "longest task at 6x, 4000 x 4000", "ms of the bar's processor", 50,
                 less, async () => {
                   const before = loops();
                   const tasks = await longestTasks(cluster);
                   slow = slowness([...before, ...loops()]);
                   return longestOf(kinds, tasks, slow);
                 }, 8);
    } finally {
      t.diagnostic(`measured: this processor was ${slow.toFixed(2)} times as slow as the bar's`);
      for (const [kind, ms] of [...kinds].toSorted((a, b) => b[1] - a[1]).slice(0, 5))
        t.diagnostic(`measured: ${ms.toFixed(1)} ms ${kind}`);
    }
    await best(t, "memory at 4000 x 4000", "MB", 200, less, () => memory(cluster));
  } finally {
    await cluster.down();
  }
});

/// Processor time of a fixed loop on the machine that the bars were set on.
const LOOP_US = 48600;

/// Processor time of some of them now. What else the machine does at the same time
/// slows a core that is shared, or clocked down, as it slows the page.
function loops() {
  return Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    let hash = 1;
    for (let n = 0; n < 3e7; n++) hash = Math.imul(hash ^ n, 0x85ebca6b) ^ hash >>> 13;
    assert.notEqual(hash, 0.5); // it is needed
    return process.cpuUsage(start).user;
  });
}

/// How many times slower than the bar's this machine's processor was around a
/// measurement: by the median of its loops; at least 1.
function slowness(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(1, sorted[Math.floor(sorted.length / 2)] / LOOP_US);
}

/// The longest task of each kind in the best of the runs so far, and the longest of
/// them: what others do meanwhile hits another task in each run, while a task that is
/// long by itself is long in all.
function longestOf(kinds, tasks, slow) {
  if (!kinds.size) for (const [kind, ms] of tasks) kinds.set(kind, ms / slow);
  for (const [kind, ms] of kinds) kinds.set(kind, Math.min(ms, (tasks.get(kind) ?? 0) / slow));
  return Math.max(...kinds.values());
}

/// The longest task of each kind on the page's own thread by the processor's time, so
/// that others on this machine do not count; while it loads, pans and zooms.
async function longestTasks(cluster) {
  const page = await openPage(browser, cluster.url, {
    ...PHONE, wait: false,
    prepare: async (one, context) => {
      const session = await context.newCDPSession(one);
      await session.send("Emulation.setCPUThrottlingRate", { rate: 6 });
      await session.send("Tracing.start", {
        transferMode: "ReportEvents",
        traceConfig: { includedCategories: [
          "disabled-by-default-devtools.timeline", "devtools.timeline", "v8"], excludedCategories: ["*"] },
      });
      one.session = session;
      one.events = [];
      session.on("Tracing.dataCollected", ({ value }) => one.events.push(...value));
    },
  });
  await live(page);
  await page.evaluate(async () => {
    const { view } = window.stipple;
    const frame = () => new Promise(requestAnimationFrame);
    for (let n = 0; n < 12; n++) {
      view.move((camera) => camera.zoom(n < 6 ? 1.6 : 0.7, 200, 400));
      await frame();
      view.move((camera) => camera.pan(25, 15));
      await frame();
    }
  });
  const ended = new Promise((done) => page.session.once("Tracing.tracingComplete", done));
  await page.session.send("Tracing.end");
  await ended;
  const tasks = mainTasks(page.events);
  await page.context().close();
  return tasks;
}

/// Milliseconds of processor time of the longest task of each kind, as the throttled
/// page spends it, from its first script on. Without what `Commit` takes: here the
/// processor copies whole canvases in it, which is a graphics card's work; and
/// without tasks of this test's own, which playwright evaluates in the page (a
/// script without an address).
function mainTasks(events) {
  const key = ({ pid, tid }) => `${pid}/${tid}`;
  const mains = new Set(events.filter(({ name, args }) => name === "thread_name" &&
    args.name === "CrRendererMain").map(key));
  const ours = events.filter((one) => one.tdur > 0 && mains.has(key(one)));
  // The browser has pages of its own: ours is where our view paints.
  const home = ours.find(({ name, args }) => name === "FunctionCall" &&
    args?.data?.url?.endsWith("/view.js"));
  assert.ok(home, "the page painted");
  const script = ours.filter((one) => one.name === "v8.evaluateModule" &&
    key(one) === key(home));
  assert.ok(script.length, "the page's script was seen");
  const page = key(script[0]), start = script[0].ts;
  const commits = ours.filter((one) => one.name === "Commit" && key(one) === page);
  const injected = ours.filter(({ name, args }) =>
    name === "EvaluateScript" && !args?.data?.url);
  const holds = ({ ts, dur }) => (one) => one.ts >= ts && one.ts < ts + dur;
  const tasks = ours.filter((one) => one.name === "RunTask" && key(one) === page &&
    one.ts + one.dur >= start && !injected.some(holds(one)));
  assert.ok(tasks.length > 10, `${events.length} events, ${tasks.length} tasks`);
  const longest = new Map();
  for (const task of tasks) {
    const parts = ours.filter((one) => key(one) === page && one !== task && holds(task)(one));
    const ms = (task.tdur - commits.filter(holds(task))
      .reduce((sum, one) => sum + one.tdur, 0)) / 1000;
    const kind = kindOf(parts);
    longest.set(kind, Math.max(ms, longest.get(kind) ?? 0));
  }
  return longest;
}

/// What a task is for: the longest of its calls into a script, or, without one, of
/// the browser's own steps.
function kindOf(parts) {
  const longer = (a, b) => b.tdur > a.tdur ? b : a;
  const calls = parts.filter(({ name, args }) => name === "FunctionCall" && args?.data?.url);
  if (calls.length) {
    const { url, functionName, lineNumber } = calls.reduce(longer).args.data;
    return `${plain(url)} ${functionName || lineNumber}`;
  }
  const steps = parts.filter(({ name }) => name !== "Commit");
  return steps.length ? steps.reduce(longer).name : "without a name";
}

/// All of the page's heaps, its worker's too, and what canvases hold.
async function memory(cluster) {
  const page = await openPage(browser, cluster.url, PHONE);
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.enable");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
  const held = await workerHeap(session);
  const canvases = await page.evaluate(() => [...document.querySelectorAll("canvas")]
    .reduce((sum, { width, height }) => sum + width * height * 4, 0));
  await page.context().close();
  return (usedSize + backingStorageSize + held + canvases) / 1e6;
}

/// The keeper's own heap, which the page's does not count.
async function workerHeap(session) {
  const attached = new Promise((done) => session.once("Target.attachedToTarget", done));
  await session.send("Target.setAutoAttach", {
    autoAttach: true, waitForDebuggerOnStart: false, flatten: false,
  });
  const { sessionId, targetInfo } = await attached;
  assert.equal(targetInfo.type, "worker");
  let number = 0;
  const ask = async (method) => {
    const id = ++number;
    const answered = new Promise((done) => session.on("Target.receivedMessageFromTarget",
      ({ message }) => JSON.parse(message).id === id && done(JSON.parse(message).result)));
    await session.send("Target.sendMessageToTarget", {
      sessionId, message: JSON.stringify({ id, method }),
    });
    return answered;
  };
  await ask("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await ask("Runtime.getHeapUsage");
  assert.ok(backingStorageSize >= 16e6, "it holds the board");
  return usedSize + backingStorageSize;
}

test("1,000 pixels a second in view", async (t) => {
  const cluster = await Cluster.up("--size", "100x100", "--cooldown", "0");
  try {
    await best(t, "frames under load, of idle's", "x", 0.85, more, async () => {
      const page = await openPage(browser, cluster.url, { ...DESKTOP, path: "/#50,50,20" });
      const idle = await frames(page);
      const stop = cluster.load(1000, 20);
      await until(page, () => window.stipple.client.picture.seq > 200, null, 15000);
      const before = await page.evaluate(() => window.stipple.client.picture.seq);
      const busy = await frames(page);
      const placed = await page.evaluate(() => window.stipple.client.picture.seq) - before;
      await stop();
      await page.context().close();
      t.diagnostic(`measured: ${idle.toFixed(1)} fps idle, ${busy.toFixed(1)} fps at ` +
        `${Math.round(placed / 3)} pixels per second`);
      return busy >= 50 ? 1 : busy / idle;
    });
  } finally {
    await cluster.down();
  }
});

/// Frames per second over three seconds.
const frames = (page) => page.evaluate(() => new Promise((done) => {
  const start = performance.now();
  let count = 0;
  const next = (now) => {
    count++;
    if (now - start < 3000) requestAnimationFrame(next);
    else done(count * 1000 / (now - start));
  };
  requestAnimationFrame(next);
}));

test("a hidden tab costs nothing on a busy board", async (t) => {
  const cluster = await Cluster.up("--size", "200x200", "--cooldown", "0");
  let stop = null;
  try {
    stop = cluster.load(500, 60);
    await best(t, "hidden tab on a busy board", "B/s", 30, less, async () => {
      let bytes = 0;
      const page = await openPage(browser, cluster.url);
      const session = await page.context().newCDPSession(page);
      await session.send("Network.enable");
      for (const name of ["Network.webSocketFrameReceived", "Network.dataReceived"])
        session.on(name, ({ response, dataLength }) => {
          bytes += response ? response.payloadData.length : dataLength;
        });
      await page.evaluate(() => {
        Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      });
      await until(page, () => window.stipple.client.state === "resting", null, 40000);
      bytes = 0;
      await page.waitForTimeout(5000);
      const rate = bytes / 5;
      await page.evaluate(() => {
        Object.defineProperty(document, "hidden", { get: () => false, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      });
      await live(page);
      await page.context().close();
      return rate;
    });
  } finally {
    await stop?.();
    await cluster.down();
  }
});
