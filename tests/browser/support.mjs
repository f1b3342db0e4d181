// SPDX-License-Identifier: Apache-2.0
//
// What the browser tests stand on: real clusters by ./stipple up, Debian's
// Chromium and Firefox without a head, and eyes for single pixels. Nothing here
// is fetched from elsewhere while tests run.

import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { inflateSync } from "node:zlib";

import { chromium, firefox } from "playwright-core";

export const ROOT = resolve(import.meta.dirname, "../..");
const BIN = process.env.STIPPLE_TEST_BIN ?? join(ROOT, "build");
const run = promisify(execFile);

// Clusters

/// A port nobody listens on, with some free ones behind it for the metrics.
async function freePort() {
  const isFree = (port) => new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
  for (;;) {
    const port = 11000 + Math.floor(Math.random() * 15000);
    if (await isFree(port)) return port;
  }
}

export class Cluster {
  /// Options of ./stipple up, such as "--size", "100x100".
  static up(...options) {
    return Cluster.upFrom({ root: ROOT, bin: BIN }, ...options);
  }

  /// Of another tree, built in its `bin`.
  static async upFrom({ root, bin }, ...options) {
    const cluster = new Cluster();
    Object.assign(cluster, { root, bin });
    cluster.folder = mkdtempSync(join(tmpdir(), "stipple-browser-"));
    cluster.data = join(cluster.folder, "data");
    cluster.port = await freePort();
    cluster.url = `http://127.0.0.1:${cluster.port}`;
    cluster.options = options;
    await cluster.start();
    return cluster;
  }

  stipple(...words) {
    return run(join(this.root, "stipple"), words,
               { env: { ...process.env, STIPPLE_BIN: this.bin } });
  }

  async start() {
    await this.stipple("up", "--detach", "--data", this.data, "--port",
                       String(this.port), ...this.options);
  }

  async stop() {
    await this.stipple("down", "--data", this.data);
  }

  async down() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  state() {
    return JSON.parse(readFileSync(join(this.data, "run/state.json"), "utf8"));
  }

  pid(name) {
    return this.state().processes.find((one) => one.name === name).pid;
  }

  kill(name, signal = "SIGKILL") {
    process.kill(this.pid(name), signal);
  }

  ctl(...words) {
    return run(join(this.bin, "stipplectl"), [
      "--brokers", "ipc://run/broker-1", "--key-file", "keys/operator.key", "--json", ...words,
    ], { cwd: this.data });
  }

  /// A helper's token, as an operator makes it.
  async roleToken(name, role) {
    const { stdout } = await run(join(this.bin, "stipplectl"),
                                 ["token", name, "--role", role], { cwd: this.data });
    return stdout.trim();
  }

  async token() {
    const answer = await fetch(`${this.url}/api/v1/session`, { method: "POST" });
    return (await answer.json()).token;
  }

  /// Somebody else places a pixel.
  async place(x, y, color) {
    this.other ??= await this.token();
    const answer = await fetch(`${this.url}/api/v1/pixels/${x}/${y}`, {
      method: "PUT", body: JSON.stringify({ color }),
      headers: { Authorization: `Bearer ${await this.token()}` },
    });
    if (!answer.ok) throw new Error(`placing: ${answer.status}`);
    return answer.json();
  }

  async pixel(x, y) {
    return (await fetch(`${this.url}/api/v1/pixels/${x}/${y}`)).json();
  }

  /// Whether a pixel's newest placement has this colour; a look-up may be some
  /// seconds late.
  async shows(x, y, color) {
    for (const end = Date.now() + 10000; Date.now() < end;) {
      if ((await this.pixel(x, y)).color === color) return true;
      await new Promise((done) => setTimeout(done, 100));
    }
    return false;
  }

  /// Placements a second all over the board, until the returned function is
  /// called.
  load(rate, seconds) {
    // The first tree had one secret for all.
    const key = existsSync(join(this.data, "keys/tokens.key"))
      ? ["--token-key-file", "keys/tokens.key"] : ["--secret-file", "secret"];
    const child = spawn(join(this.bin, "stipple-load"), [
      "--url", this.url, "--viewers", "0", "--placers", "20", "--rate", String(rate),
      "--duration", String(seconds), "--board-check", "off", "--shared", "on",
      ...key, "--processes", "1", "--grace-ms", "500",
    ], { cwd: this.data, stdio: "ignore" });
    const ended = new Promise((done) => child.once("exit", done));
    return async () => {
      child.kill("SIGTERM");
      await ended;
    };
  }
}

// Browsers

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
  "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

export function launchChromium(...more) {
  return chromium.launch({
    executablePath: "/usr/bin/chromium", args: [...FLAGS, ...more],
  });
}

/// Debian's own Firefox, over WebDriver BiDi.
export function launchFirefox() {
  return firefox.launch({
    channel: "moz-firefox", executablePath: "/usr/bin/firefox-esr", timeout: 60000,
  });
}

export const PHONE = {
  viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true,
  hasTouch: true, locale: "en-GB",
};
export const SMALL = { ...PHONE, viewport: { width: 320, height: 568 } };
export const DESKTOP = { viewport: { width: 1440, height: 900 }, locale: "en-GB" };

/// A page on a cluster. Errors that nobody caught, and complaints of the content
/// policy, are collected in page.problems.
export async function openPage(browser, url, options = {}) {
  const { path = "/", prepare, wait = true, ...device } = options;
  const context = await browser.newContext({ ...DESKTOP, ...device });
  const page = await context.newPage();
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    if (/content security policy|trusted/i.test(message.text()))
      page.problems.push(message.text());
  });
  await prepare?.(page, context);
  await page.goto(url + path);
  if (wait) await live(page);
  return page;
}

export const live = (page) => page.waitForFunction(
  () => window.stipple?.client.state === "live" &&
    window.stipple.store.get("palette").length > 0, null, { timeout: 20000 });

/// Waits until `check` is true in the page.
export const until = (page, check, argument, timeout = 10000) =>
  page.waitForFunction(check, argument, { timeout });

/// Two frames: what was changed is on the screen.
export const painted = (page) => page.evaluate(() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done()))));

// Eyes

/// Where a pixel of the board is on the screen; (dx, dy) within it, 0 … 1.
export const screenAt = (page, x, y, dx = 0.5, dy = 0.5) => page.evaluate(
  ([px, py]) => window.stipple.view.camera.toScreen(px, py), [x + dx, y + dy]);

/// "#RRGGBB" at a point of the screen.
export async function colorAt(page, { x, y }) {
  const clip = { x: Math.floor(x), y: Math.floor(y), width: 2, height: 2 };
  const { pixels } = decodePng(await page.screenshot({ clip }));
  return "#" + [0, 1, 2].map((n) =>
    pixels[n].toString(16).padStart(2, "0")).join("").toUpperCase();
}

/// 8-bit RGB(A) PNGs, as browsers write them.
export function decodePng(bytes) {
  const parts = [];
  let width, height, channels;
  for (let at = 8; at < bytes.length;) {
    const size = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    const data = bytes.subarray(at + 8, at + 8 + size);
    if (type === "IHDR") {
      width = data.readUInt32BE(0);
      height = data.readUInt32BE(4);
      channels = data[9] === 6 ? 4 : 3;
    } else if (type === "IDAT") {
      parts.push(data);
    }
    at += 12 + size;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const row = width * channels;
  const pixels = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)];
    for (let n = 0; n < row; n++) {
      const left = n >= channels ? pixels[y * row + n - channels] : 0;
      const up = y ? pixels[(y - 1) * row + n] : 0;
      const corner = y && n >= channels ? pixels[(y - 1) * row + n - channels] : 0;
      pixels[y * row + n] = raw[y * (row + 1) + 1 + n] +
        [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
    }
  }
  return { width, height, channels, pixels };
}

function paeth(a, b, c) {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

// Accessibility

const AXE = readFileSync(join(import.meta.dirname,
                              "node_modules/axe-core/axe.min.js"), "utf8");

/// What axe finds: a line per violation.
export async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
