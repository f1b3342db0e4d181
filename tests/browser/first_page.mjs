// SPDX-License-Identifier: Apache-2.0
//
// Proves that the seventeen faults were faults: walks the steps of each on a page
// and says what came of it. It looks at what a visitor sees and at what goes over
// the wire, never into the page, so that it can be shown the first page as well as
// today's. By hand, since the first page is only in the history:
//
//     git worktree add /tmp/first e02a1c1 && make -C /tmp/first -j2 all
//     node tests/browser/first_page.mjs /tmp/first     # each line ends in FAULT
//     node tests/browser/first_page.mjs                # none does
//
// A number after the folder walks only the steps of that fault.
import { resolve } from "node:path";

import { Cluster, DESKTOP, PHONE, ROOT, colorAt, decodePng, launchChromium,
         openPage } from "./support.mjs";

const [folder = ROOT, only] = process.argv.slice(2);
const tree = { root: resolve(folder), bin: resolve(folder, "build") };
const browser = await launchChromium();

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/// Whether `check` holds within `ms`.
async function within(ms, check) {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(50))
    if (await check()) return true;
  return false;
}

const said = (page) => page.evaluate(() => document.body.innerText);
const says = (page, words, ms = 10000) =>
  within(ms, async () => words.test(await said(page)));
const button = (page) => page.locator("#place");
const buttonText = (page) => page.locator("#place-text").textContent();
const open = (url, options) => openPage(browser, url, { ...options, wait: false });
const opened = async (url, options = {}) => {
  const page = await open(url, options);
  if (!await says(page, /\bLive\b/, 20000)) throw new Error("the page is not live");
  return page;
};

/// A colour by name; a phone's palette may have to be opened first.
async function choose(page, name) {
  const swatch = page.locator(`#palette [aria-label^="${name}"]`).first();
  if (!await swatch.isVisible()) await button(page).click();
  await swatch.click();
}

/// Device pixels of about this colour, above the controls.
async function count(page, rgb) {
  const bottom = (await page.locator("#palette").boundingBox()).y - 60;
  const clip = { x: 0, y: 60, width: page.viewportSize().width, height: bottom - 60 };
  const { pixels, channels } = decodePng(await page.screenshot({ clip }));
  let found = 0;
  for (let at = 0; at < pixels.length; at += channels)
    if (rgb.every((value, n) => Math.abs(pixels[at + n] - value) < 24)) found++;
  return found;
}

const noSocket = () => {
  window.WebSocket = class { constructor() { throw new Error("blocked"); } };
};

/// A socket whose messages `change` sees: what it returns is handed on.
const between = (change) => (page) => page.routeWebSocket("**/api/v1/ws*", (socket) => {
  const server = socket.connectToServer();
  server.onMessage((data) => {
    const bytes = change(data);
    if (bytes) socket.send(bytes);
  });
});

const configured = (members) => (page) => page.route("**/api/v1/config", async (route) => {
  const answer = await route.fetch();
  await route.fulfill({ json: { ...await answer.json(), ...members } });
});

const steps = {
  async 1({ cluster }) {
    const page = await opened(cluster.url, { path: "/#420,430,24" });
    await choose(page, "red");
    await cluster.place(420, 430, 13);
    if (!await says(page, /dark blue/)) throw new Error("the change was not told");
    await sleep(1500);
    const blue = await count(page, [0, 0, 0xea]);
    return [blue < 40, `the truth shows on ${blue} pixels of the screen`];
  },

  async 2({ cluster }) {
    const page = await opened(cluster.url, PHONE);
    const swatch = page.locator("#palette [aria-label^=red]").first();
    if (await swatch.isVisible()) await swatch.click();
    await page.touchscreen.tap(195, 350);
    await sleep(1500);
    const scale = Number((await page.evaluate(() => location.hash)).split(",")[2]);
    const text = await buttonText(page), enabled = await button(page).isEnabled();
    return [scale < 8 && text === "Place" && enabled,
            `at ${scale} CSS pixels a pixel the button says ${text}`];
  },

  async 3() {
    const palette = Array.from({ length: 256 }, (_, n) =>
      "#" + (n * 65793 % 0xffffff).toString(16).padStart(6, "0").toUpperCase()).join();
    return onCluster(["--size", "64x64", "--bits", "8", "--set", `palette=${palette}`],
                     async (cluster) => {
      const page = await opened(cluster.url, { ...PHONE, path: "/#5,5,24" });
      const first = page.locator("#palette > *").first();
      if (!await first.isVisible()) await button(page).click();
      const { y } = await page.locator("#palette").evaluate((one) =>
        one.parentElement.getBoundingClientRect().toJSON());
      return [y < 100, `the colours begin ${Math.round(y)} CSS pixels below the top of 844`];
    });
  },

  async 4({ cluster }) {
    let hanging = true;
    const page = await open(cluster.url, {
      prepare: (one) => one.route("**/api/v1/board", (route) =>
        hanging ? undefined : route.continue()),
    });
    await sleep(12000);
    hanging = false;
    const live = await says(page, /\bLive\b/, 25000);
    return [!live, live ? "asked again, and live" : "37 s later still loading"];
  },

  async 5({ cluster }) {
    let lie = false;
    const page = await opened(cluster.url, {
      path: "/#10,10,24",
      prepare: async (one) => {
        await one.addInitScript(() => {
          const real = Date.now.bind(Date);
          window.setBack = 0;
          Date.now = () => real() - window.setBack;
        });
        await between((data) => {
          if (!lie || data[0] !== 0x04) return data;
          lie = false;
          const forged = Buffer.from(data);
          forged[9] ^= 1; // the digest
          return forged;
        })(one);
      },
    });
    await page.evaluate(() => { window.setBack = 3600000; });
    lie = true;
    await within(5000, () => !lie);
    await sleep(8000);
    await cluster.place(10, 10, 7);
    const seen = await says(page, /brown/);
    return [!seen, seen ? "the next pixel came" : "18 s later the next pixel has not come"];
  },

  async 6({ cluster }) {
    const page = await opened(cluster.url, { path: "/#20,20,24" });
    const other = await page.context().newPage();
    await other.goto(`${cluster.url}/#21,20,24`);
    await says(other, /\bLive\b/);
    await Promise.all([choose(page, "red"), choose(other, "red")]);
    await Promise.all([page, other].map((tab) => button(tab).click()));
    const ends = /Placed\.|cooldown is still running/;
    await Promise.all([page, other].map((tab) => says(tab, ends)));
    const placed = (await Promise.all([page, other].map((tab) =>
      says(tab, /Placed\./, 1000)))).filter(Boolean).length;
    return [placed === 2, `${placed} of two were placed inside one cooldown`];
  },

  async 7({ cluster }) {
    const page = await open(cluster.url, {
      path: "/#30,30,24", prepare: (one) => one.addInitScript(noSocket),
    });
    await page.locator("#palette [aria-label^=red]").waitFor();
    await sleep(4000);
    await choose(page, "red");
    await button(page).click({ timeout: 10000 });
    const done = await cluster.shows(30, 30, 5);
    return [!done, done ? "placed by PUT" : `10 s later: ${await buttonText(page)}`];
  },

  async 8({ cluster }) {
    const page = await open(cluster.url, {
      prepare: (one) => one.route("**/api/v1/**", (route) => route.abort()),
    });
    await sleep(5000);
    const color = await colorAt(page, { x: 720, y: 400 });
    return [color === "#000000", `the middle of the page is ${color}`];
  },

  async 9({ cluster }) {
    let silent = false;
    const page = await opened(cluster.url, {
      prepare: between((data) => silent ? null : data),
    });
    silent = true;
    const told = await says(page, /No news|Reconnecting|offline/i, 5000);
    return [!told, told ? "told within 5 s" : "after 5 s of silence it says Live"];
  },

  async 10() {
    return onCluster(["--size", "100x100", "--cooldown", "0"], async (cluster) => {
      let bytes = 0;
      const page = await opened(cluster.url, {
        ...DESKTOP, path: "/#50,50,20",
        prepare: (one) => one.on("websocket", (socket) =>
          socket.on("framereceived", ({ payload }) => { bytes += payload.length; })),
      });
      const idle = await frames(page);
      const stop = cluster.load(1000, 20);
      await within(10000, () => bytes > 10000);
      bytes = 0;
      const busy = await frames(page);
      await stop();
      if (bytes < 6000) throw new Error(`only ${bytes} bytes of diffs in 3 s`);
      return [busy < Math.min(50, 0.85 * idle),
              `${busy.toFixed(1)} frames a second of ${idle.toFixed(1)}`];
    });
  },

  async 11() {
    return onCluster(["--size", "4000x4000"], async (cluster) => {
      const page = await open(cluster.url, {
        ...PHONE, prepare: async (one, context) => {
          await one.addInitScript(() => {
            window.longest = 0;
            new PerformanceObserver((list) => {
              for (const { duration } of list.getEntries())
                window.longest = Math.max(window.longest, duration);
            }).observe({ type: "longtask", buffered: true });
          });
          const session = await context.newCDPSession(one);
          await session.send("Emulation.setCPUThrottlingRate", { rate: 6 });
        },
      });
      await says(page, /\bLive\b/, 60000);
      await sleep(5000);
      const longest = await page.evaluate(() => window.longest);
      return [longest > 500, `the longest task took ${longest} ms of the clock`];
    });
  },

  async 12({ cluster }) {
    const page = await opened(cluster.url, {
      path: "/#500,500,24",
      prepare: (one) => one.addInitScript(() => {
        window.writes = 0;
        const real = history.replaceState;
        history.replaceState = function (...words) {
          window.writes++;
          return real.apply(this, words);
        };
      }),
    });
    await page.locator("#board, #canvas").first().focus();
    for (let n = 0; n < 60; n++) await page.keyboard.press("ArrowRight");
    const writes = await page.evaluate(() => window.writes);
    const before = await page.evaluate(() => location.hash);
    await page.mouse.move(700, 300);
    await page.mouse.down();
    for (let n = 1; n < 10; n++) await page.mouse.move(700 - 30 * n, 300);
    await page.mouse.up();
    const moved = await within(4000, async () =>
      await page.evaluate(() => location.hash) !== before);
    return [!moved || writes > 50, `${writes} writes for 60 keys, the link ` +
      `${moved ? "follows" : "does not follow"} a drag`];
  },

  async 13({ cluster }) {
    const faults = [];
    const page = await opened(cluster.url, {
      path: "/#1.5,2.5,8",
      prepare: async (one) => {
        await one.addInitScript(() => {
          localStorage.setItem("stipple.cooldown_until", String(Date.now() + 1e9));
          localStorage.setItem("stipple.color", "15");
          localStorage.setItem("stipple.settings", JSON.stringify({ color: 15 }));
        });
        await configured({ palette: ["#FFFFFF", "#222222", "#E50000", "#0000EA"] })(one);
      },
    });
    const clock = await buttonText(page);
    if (/\d+:\d\d:\d\d/.test(clock)) faults.push(`a cooldown of ${clock}`);
    if (/unknown/.test(await said(page))) faults.push("a half pixel is unknown");
    const full = await opened(cluster.url, {
      path: "/#40,40,24",
      prepare: (one) => one.addInitScript(() => {
        Storage.prototype.setItem = () => {
          throw new DOMException("full", "QuotaExceededError");
        };
      }),
    });
    await choose(full, "red");
    await button(full).click();
    if (!await says(full, /Placed\./)) faults.push("a full storage ends placing");
    return [faults.length > 0, faults.join(", ") || "none of it harms"];
  },

  async 14() {
    return onCluster(["--size", "64x64", "--set", "anonymous=off"], async (cluster) => {
      const page = await opened(cluster.url, {
        path: "/#5,5,24",
        prepare: configured({ anonymous: false, login_url: "/sign-in" }),
      });
      await choose(page, "red").catch(() => {});
      if (await button(page).isEnabled() && await buttonText(page) === "Place")
        await button(page).click();
      await sleep(2000);
      const way = await page.getByRole("button", { name: /sign in/i })
        .or(page.getByRole("link", { name: /sign in/i })).count();
      const words = /not signed in[^\n]*/i.exec(await said(page))?.[0] ?? "";
      return [way === 0, way ? "a button signs in" : `no way in; it says: ${words}`];
    });
  },

  async 15({ cluster }) {
    const page = await opened(cluster.url, { path: "/#600,600,24" });
    // The one look into the page: something in its memory has to be changed.
    await page.evaluate(async () => {
      const script = /** @type {HTMLScriptElement} */ (
        document.querySelector("script[type=module]"));
      const { Board } = await import(script.src.replace(/[^/]+$/, "board.js"));
      const { apply } = Board.prototype;
      Board.prototype.apply = function (...words) {
        window.held = this;
        return apply.apply(this, words);
      };
    });
    await cluster.place(601, 601, 3);
    const held = () => page.evaluate(() =>
      (window.stipple?.client.picture ?? window.held)?.pixels[601 * 1000 + 601]);
    if (!await within(10000, async () => await held() === 3)) throw new Error("not seen");
    await page.evaluate(() => {
      (window.stipple?.client.picture ?? window.held).pixels[600 * 1000 + 601] = 9;
    });
    const mended = await within(15000, () => page.evaluate(() =>
      (window.stipple?.client.picture ?? window.held).pixels[600 * 1000 + 601] === 0));
    return [!mended, mended ? "mended" : "15 s later it is still wrong"];
  },

  async 16({ cluster }) {
    let asked = 0;
    const page = await opened(cluster.url, {
      path: "/#70,70,24",
      prepare: (one) => one.route("**/api/v1/pixels/70/70", (route) => {
        asked++;
        return route.continue();
      }),
    });
    if (!await says(page, /nobody/)) throw new Error("not looked up");
    for (let n = 1; n <= 6; n++) {
      await cluster.place(70, 70, n);
      await sleep(700);
    }
    return [asked > 4, `${asked} look-ups for one selection and 6 changes`];
  },

  async 17({ cluster }) {
    const page = await open(cluster.url, { path: "/icon.svg" });
    const status = await page.evaluate((url) =>
      fetch(`${url}/api/v1/session`, { method: "POST" })
        .then((answer) => answer.status, () => "refused"),
    cluster.url.replace("127.0.0.1", "localhost"));
    return [status !== "refused", `another origin's POST /session: ${status}`];
  },
};

const frames = (page) => page.evaluate(() => new Promise((done) => {
  const start = performance.now();
  let seen = 0;
  const next = (now) => {
    seen++;
    if (now - start < 3000) requestAnimationFrame(next);
    else done(seen * 1000 / (now - start));
  };
  requestAnimationFrame(next);
}));

async function onCluster(options, run) {
  const cluster = await Cluster.upFrom(tree, ...options);
  try {
    return await run(cluster);
  } finally {
    await cluster.down();
  }
}

const faults = await onCluster(["--size", "1000x1000", "--cooldown", "4000"],
                               async (cluster) => {
  let found = 0;
  for (const [number, run] of Object.entries(steps)) {
    if (only && only !== number) continue;
    const [fault, seen] = await run({ cluster }).catch((error) =>
      [null, `could not be walked: ${error.message.split("\n")[0]}`]);
    if (fault ?? true) found++;
    process.stdout.write(`${number}: ${seen}${fault ? " FAULT" : ""}\n`);
    for (const context of browser.contexts()) await context.close();
  }
  return found;
});
await browser.close();
process.stdout.write(`${faults} faults, or steps that could not be walked\n`);
process.exitCode = faults ? 1 : 0;
