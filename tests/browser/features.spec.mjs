// SPDX-License-Identifier: Apache-2.0
//
// What players do with the page: links, keys, layers, panels. Templates have a file of
// their own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { Cluster, DESKTOP, PHONE, axe, colorAt, launchChromium, live, openPage, painted,
         screenAt, until } from "./support.mjs";

let browser, cluster;

before(async () => {
  browser = await launchChromium();
  cluster = await Cluster.up("--size", "200x120", "--cooldown", "0",
    "--set", "report_url=https://id.example/report?board=1");
});
after(async () => {
  await browser?.close();
  await cluster?.down();
});

async function onPage(options, run) {
  const page = await openPage(browser, cluster.url, { ...DESKTOP, ...options });
  try {
    await run(page);
    assert.deepEqual(page.problems, []);
  } finally {
    await page.context().close();
  }
}

test("an identity that costs work is paid for beside the page", async () => {
  const costly = await Cluster.up("--size", "50x50", "--cooldown", "0",
    "--set", "session_work_bits=16");
  const page = await openPage(browser, costly.url, { ...DESKTOP, path: "/#5,5,24" });
  try {
    const asked = [];
    page.on("request", (request) => request.url().endsWith("/api/v1/session") &&
      asked.push(request.postDataJSON()));
    await page.keyboard.press("6");
    await page.locator("#place").click();
    await until(page, () => window.stipple.client.picture.get(5, 5) === 5, null, 30000);
    assert.equal(asked.length, 2);
    assert.ok(!asked[0] && Number.isInteger(asked[1].nonce));
    // By the worker: the page's own thread never had it.
    assert.deepEqual(await page.evaluate(() => performance.getEntriesByType("resource")
      .filter(({ name }) => name.endsWith("/work.js"))), []);
  } finally {
    await page.context().close();
    await costly.down();
  }
});

test("keys of a desktop", () => onPage({ path: "/#60,60,24" }, async (page) => {
  const color = () => page.evaluate(() => window.stipple.store.get("color"));
  await page.keyboard.press("1");
  assert.equal(await color(), 0);
  await page.keyboard.press("0");
  assert.equal(await color(), 9);
  await page.keyboard.press("f");
  assert.equal(await color(), 15);
  await cluster.place(61, 60, 6);
  await until(page, () => window.stipple.client.picture.get(61, 60) === 6);
  const at = await screenAt(page, 61, 60);
  await page.mouse.move(at.x, at.y);
  await page.keyboard.press("i");
  assert.equal(await color(), 6);
  await page.locator("#board").focus();
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("ArrowDown");
  assert.deepEqual(await page.evaluate(() => window.stipple.store.get("selected")),
                   { x: 70, y: 61 });
  assert.match(await page.locator("#speech").textContent(), /^70, 61, white$/);
  await page.keyboard.press("Enter");
  await until(page, () => window.stipple.client.picture.get(70, 61) === 6);
  await page.keyboard.press("g");
  assert.equal(await page.evaluate(() => window.stipple.store.get("grid")), false);
  await page.keyboard.press("q");
  await until(page, () => window.stipple.placing.button().act === "place");
  const quick = await screenAt(page, 72, 62);
  await page.mouse.click(quick.x, quick.y);
  await until(page, () => window.stipple.client.picture.get(72, 62) === 6);
  await page.keyboard.press("/");
  await page.locator("#goto:focus").waitFor();
  await page.keyboard.type("5,7");
  await page.keyboard.press("Enter");
  await until(page, () => window.stipple.store.get("selected")?.x === 5 &&
    window.stipple.view.camera.centre().y === 7);
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.locator("#sheet-title", { hasText: "Keys" }).waitFor();
}));

test("with the keyboard alone, from the overview on", () => onPage({}, async (page) => {
  await page.locator("#board").focus();
  await page.keyboard.press("Enter"); // nearer, and a pixel is chosen
  await until(page, () => window.stipple.view.camera.scale >= 8);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter"); // the colours
  await page.locator("#palette .swatch:focus").waitFor();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await until(page, () => window.stipple.client.picture.get(101, 60) === 2);
}));

test("a tablet: arrows, and a colour is enough to begin", () => onPage({
  ...PHONE, viewport: { width: 820, height: 1180 }, path: "/#110,60,24",
}, async (page) => {
  await page.locator("#nudge-right").tap();
  await page.locator("[data-color='5']").tap();
  await page.locator("#place-text", { hasText: /^Place$/ }).waitFor();
  await page.locator("#place").tap();
  await until(page, () => window.stipple.client.picture.get(111, 60) === 5);
}));

test("a name in another writing, or a long one, spoils nothing", () => onPage({
  path: "/#60,60,24", prepare: (page) => page.route("**/api/v1/pixels/60/60", (route) =>
    route.fulfill({ json: { x: 60, y: 60, color: 5, seq: 5, placed_at: Date.now(),
      user: "0123456789abcdef", name: `\u202e<b>\u05d0</b>${"W".repeat(80)}` } })),
}, async (page) => {
  const width = (await page.locator("#dock").boundingBox()).width;
  await page.locator("#author", { hasText: "WWW" }).waitFor();
  assert.match(await page.locator("#author").textContent(), /by \u2068\u202e<b>.*\u2069$/);
  assert.equal((await page.locator("#dock").boundingBox()).width, width);
  await page.locator("#where").click();
  await page.locator("#sheet bdi", { hasText: "WWW" }).waitFor();
}));

test("ready: told by title, sound, vibration and notification, as chosen", () => onPage({
  prepare: (page) => page.addInitScript(() => {
    window.told = [];
    navigator.vibrate = () => Boolean(window.told.push("vibration"));
    const sound = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function () {
      window.told.push("sound");
      sound.call(this);
    };
    window.Notification = class {
      static permission = "granted";
      static requestPermission = async () => "granted";
      constructor(text) { window.told.push(text); }
    };
    window.hide = (hidden) => {
      Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    };
  }),
}, async (page) => {
  const ready = (ways) => page.evaluate(async (chosen) => {
    const { settings, client, store } = window.stipple;
    window.told.length = 0;
    for (const way of ["Title", "Sound", "Vibration", "Notification"])
      settings.set(`by${way}`, chosen.includes(way));
    store.set({ noticeWanted: true });
    client.session.setCooldown(400);
    window.hide(true);
  }, ways);
  const title = () => page.evaluate(() => document.title);
  await ready(["Title", "Sound", "Vibration", "Notification"]);
  await until(page, () => window.told.length === 3 && document.title.startsWith("●"));
  assert.deepEqual(await page.evaluate(() => window.told),
                   ["sound", "vibration", "You may place again"]);
  await page.evaluate(() => window.hide(false));
  assert.equal(await title(), "Stipple");
  await ready(["Vibration"]);
  await until(page, () => window.told.length === 1);
  assert.equal(await title(), "Stipple");
}));

test("sharing copies a link that is the view", () => onPage({
  path: "/#60,61,24", permissions: ["clipboard-read", "clipboard-write"],
}, async (page) => {
  await page.evaluate(() => window.stipple.sheet.show("layers"));
  await page.locator("#sheet").getByText("Share this view").click();
  await page.locator("#toast", { hasText: "copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()),
               `${cluster.url}/#60,61,24`);
}));

test("hover tells coordinates and colour", () => onPage({}, async (page) => {
  const at = await screenAt(page, 10, 11);
  await page.mouse.move(at.x, at.y);
  await page.locator("#coordinates", { hasText: "(10, 11) white" }).waitFor();
}));

test("heat, minimap and one colour alone", () => onPage({}, async (page) => {
  await page.evaluate(() => {
    for (const name of ["heat", "minimap"]) window.stipple.settings.set(name, true);
  });
  await cluster.place(150, 100, 5);
  await until(page, () => window.stipple.client.picture.get(150, 100) === 5);
  await page.locator("#minimap").waitFor();
  await until(page, () => window.stipple.view.scene.heat !== null);
  const box = await page.locator("#minimap").boundingBox();
  await page.mouse.click(box.x + box.width * 0.75, box.y + box.height * 0.5);
  await until(page, () => Math.abs(window.stipple.view.camera.x - 150) < 3);
  await page.evaluate(() => {
    window.stipple.settings.set("heat", false);
    window.stipple.settings.set("pulses", false);
    window.stipple.store.set({ only: 5, selected: null });
    window.stipple.view.flyTo(150.5, 100.5, 24);
  });
  await until(page, () => window.stipple.view.camera.scale === 24);
  await page.waitForTimeout(0);
  await until(page, () => window.stipple.view.overlay.pulses.length === 0);
  await painted(page);
  assert.equal(await colorAt(page, await screenAt(page, 150, 100)), "#E50000");
  assert.notEqual(await colorAt(page, await screenAt(page, 153, 100)), "#FFFFFF");
}));

test("a flight moves the board, not only what lies on it", () =>
  onPage({ path: "/#20,20,2", reducedMotion: "no-preference" }, async (page) => {
    const scales = await page.evaluate(() => new Promise((done) => {
      const { view } = window.stipple;
      const seen = new Set(), draw = view.renderer.draw.bind(view.renderer);
      view.renderer.draw = (camera, ...more) => {
        seen.add(camera.scale);
        return draw(camera, ...more);
      };
      view.addEventListener("arrived", () => done([...seen]), { once: true });
      view.flyTo(100.5, 60.5, 24);
    }));
    assert.ok(scales.some((scale) => scale > 2.01 && scale < 23.9), scales.join());
  }));

test("a coarse picture becomes exact once the view stands", () =>
  onPage({ path: "/?renderer=canvas" }, async (page) => {
    await page.evaluate(() => window.stipple.settings.set("pulses", false));
    for (const [x, color] of [[151, 5], [152, 13], [153, 5]])
      await cluster.place(x, 31, color);
    await until(page, () => window.stipple.client.picture.get(153, 31) === 5);
    const coarse = await page.evaluate(() => new Promise((done) => {
      const { view } = window.stipple;
      const { renderer } = view;
      const sample = renderer.sample.bind(renderer);
      renderer.sample = (camera) => {
        sample(camera);
        done(renderer.window.step > renderer.finer?.step);
      };
      renderer.rate = 300; // as on a slow machine
      view.fit();
    }));
    assert.ok(coarse, "it began coarse");
    await until(page, () => !window.stipple.view.renderer.finer);
    await painted(page);
    const seen = [];
    for (const x of [151, 152, 153])
      seen.push(await colorAt(page, await screenAt(page, x, 31)));
    assert.deepEqual(seen, ["#E50000", "#0000EA", "#E50000"]);
  }));

test("a phone: reticle, arrows, drag, two fingers' worth of zoom", () =>
  onPage({ ...PHONE, path: "/#100,60,24" }, async (page) => {
    const centre = () => page.evaluate(() => window.stipple.store.get("selected"));
    assert.deepEqual(await centre(), { x: 100, y: 60 });
    await page.locator("#nudge-right").tap();
    await page.locator("#nudge-up").tap();
    assert.deepEqual(await centre(), { x: 101, y: 59 });
    const at = await screenAt(page, 103, 62);
    await page.touchscreen.tap(at.x, at.y);
    await until(page, () => window.stipple.store.get("selected")?.x === 103 &&
      !window.stipple.view.flying);
    await page.locator("#place").tap();
    await until(page, () => document.body.classList.contains("painting"));
    // The palette covers more: the pixel stays in the middle of what is left.
    await until(page, () => {
      const { y } = window.stipple.view.camera.toScreen(103.5, 62.5);
      const { top } = document.querySelector("#dock").getBoundingClientRect();
      return y < top && Math.abs(y - (46 + top) / 2) < 14;
    });
    for (const name of ["#chip", "#place", "#nudge-up", "#tool-fit", "#tool-layers"]) {
      const box = await page.locator(name).boundingBox();
      assert.ok(box.width >= 44 && box.height >= 44, name);
    }
  }));

test("pixel panel: who placed it, and what was there", () =>
  onPage({ path: "/#80,80,24" }, async (page) => {
    await cluster.place(80, 80, 7);
    await until(page, () => window.stipple.client.picture.get(80, 80) === 7);
    await page.locator("#where").click();
    await page.locator("#sheet dd", { hasText: "brown (7)" }).waitFor();
    await page.locator("#sheet h3", { hasText: "History" }).waitFor();
    const report = new URL(await page.locator("#sheet a", { hasText: "Report" })
      .getAttribute("href"));
    assert.equal(report.origin + report.pathname, "https://id.example/report");
    const { seq } = await cluster.pixel(80, 80);
    assert.deepEqual([...report.searchParams],
                     [["board", "1"], ["x", "80"], ["y", "80"], ["seq", String(seq)]]);
  }));

test("pixel panel: its history, page after page", async () => {
  const users = [];
  for (let n = 0; n < 25; n++) {
    await cluster.place(90, 80, n % 16);
    users.unshift(n % 16);
  }
  await cluster.shows(90, 80, users[0]);
  await onPage({ path: "/#90,80,24" }, async (page) => {
    await until(page, () => window.stipple.store.get("selected")?.x === 90);
    const rows = page.locator("#sheet ul.list li");
    // What the edge told another may be a second old.
    for (let n = 0; n < 10; n++) {
      await page.locator("#where").click();
      await rows.first().waitFor();
      if (await rows.count() === 20) break;
      await page.keyboard.press("Escape");
    }
    assert.equal(await rows.count(), 20);
    await page.locator("#sheet button.button", { hasText: "Older" }).click();
    await until(page, () => document.querySelectorAll("#sheet ul.list li").length === 25);
  });
});

test("undo brings back what was there, once and not for others", () =>
  onPage({ path: "/#95,80,24" }, async (page) => {
    await cluster.place(95, 80, 6);
    await until(page, () => window.stipple.client.picture.get(95, 80) === 6);
    await page.evaluate(() => window.stipple.client.place(95, 80, 5));
    await until(page, () => window.stipple.client.picture.get(95, 80) === 5);
    await page.locator("#undo").click();
    await until(page, () => window.stipple.client.picture.get(95, 80) === 6);
    await page.locator("#toast", { hasText: "Undone." }).waitFor();
    await page.evaluate(() => window.stipple.client.place(95, 80, 5));
    await until(page, () => window.stipple.client.picture.get(95, 80) === 5);
    await cluster.place(95, 80, 9);
    await until(page, () => window.stipple.client.picture.get(95, 80) === 9);
    await page.locator("#undo").click();
    await page.locator("#toast", { hasText: "no longer be undone" }).waitFor();
    assert.equal(await page.evaluate(() => window.stipple.client.picture.get(95, 80)), 9);
  }));

/// A part of the board as a film, which the browser itself can play.
async function savesFilms(page) {
  const film = async (id, ending) => {
    const [download] = await Promise.all([
      page.waitForEvent("download", { timeout: 60000 }), page.locator(id).click(),
    ]);
    assert.equal(download.suggestedFilename(), `timelapse-4-4-7-5.${ending}`);
    return [...readFileSync(await download.path())];
  };
  await page.locator("#save-part").click();
  assert.ok(await page.locator("#save-gif").isDisabled());
  for (const [name, value] of Object.entries({ x0: 4, y0: 4, x1: 7, y1: 5 }))
    await page.locator(`[data-corner=${name}]`).fill(String(value));
  await page.locator("#save-facts", { hasText: /frames of 480 × 240/ }).waitFor();
  assert.deepEqual(await axe(page), [], "saving a part");
  const gif = await page.evaluate(async (bytes) => {
    const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
    const decoder = new window.ImageDecoder({ data: new Uint8Array(bytes), type: "image/gif" });
    await decoder.tracks.ready;
    await decoder.completed;
    const { frameCount } = decoder.tracks.selectedTrack;
    const last = (await decoder.decode({ frameIndex: frameCount - 1 })).image;
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(last, 0, 0);
    const [red, green, blue] = context.getImageData(180, 180, 1, 1).data;
    return { width: image.width, height: image.height, frameCount, pixel: [red, green, blue] };
  }, await film("#save-gif", "gif"));
  assert.deepEqual([gif.width, gif.height], [480, 240]);
  assert.ok(gif.frameCount >= 2, `${gif.frameCount} frames`);
  assert.deepEqual(gif.pixel, [0xa0, 0x6a, 0x42], "the last frame is now");
  await page.locator("#toast", { hasText: "Saved." }).waitFor({ state: "attached" });
  await page.locator("#sheet select").selectOption("20");
  const bytes = await film("#save-video", "webm");
  const blank = await page.context().newPage(); // the page's own policy plays nothing
  const video = await blank.evaluate((all) => new Promise((done) => {
    const player = document.createElement("video");
    player.onerror = () => done("broken");
    player.onloadeddata = () => done([player.videoWidth, player.videoHeight].join());
    player.muted = true;
    player.src = URL.createObjectURL(new Blob([new Uint8Array(all)], { type: "video/webm" }));
  }), bytes);
  assert.equal(video, "480,240");
}

test("time: the slider shows the board as it was", async () => {
  const past = await Cluster.up("--size", "40x40", "--cooldown", "0",
                                "--set", "snapshot_ms=1000");
  try {
    const list = async () =>
      (await (await fetch(`${past.url}/api/v1/snapshots`)).json()).snapshots ?? [];
    const kept = async (seq) => {
      for (const end = Date.now() + 60000; Date.now() < end;) {
        if ((await list()).some((one) => one.seq >= seq)) return;
        await new Promise((done) => setTimeout(done, 200));
      }
      assert.fail(`no snapshot at ${seq}`);
    };
    await kept((await past.place(5, 5, 3)).seq);
    await kept((await past.place(5, 5, 7)).seq);
    const page = await openPage(browser, past.url, { path: "/#5,5,24" });
    await page.evaluate(() => window.stipple.sheet.toggle("time"));
    const slider = page.locator("#time");
    await slider.waitFor();
    const seen = [];
    const count = Number(await slider.getAttribute("max"));
    for (let n = 0; n < count; n++) {
      await slider.fill(String(n));
      await until(page, () => window.stipple.store.get("past"));
      await until(page, (before) => window.stipple.store.get("past") !== before ||
        !before, null);
      seen.push(await page.evaluate(() => window.stipple.store.get("past").get(5, 5)));
      await page.evaluate(() => window.stipple.store.set({ past: null }));
    }
    assert.equal(seen.at(-1), 7);
    assert.ok(seen.every((color) => [0, 3, 7].includes(color)), seen.join());
    assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
    await slider.fill(String(count));
    await until(page, () => !window.stipple.store.get("past"));
    await savesFilms(page);
    assert.deepEqual(page.problems, []);
    await page.context().close();
  } finally {
    await past.down();
  }
});

test("settings last: language, theme, colour", () => onPage({}, async (page) => {
  await page.evaluate(() => {
    window.stipple.settings.set("language", "de");
    window.stipple.settings.set("theme", "dark");
    window.stipple.placing.chooseColor(3);
  });
  await page.reload();
  await live(page);
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  assert.equal(await page.evaluate(() => window.stipple.store.get("color")), 3);
}));

test("panels with roles are for those who have them", () => onPage({}, async (page) => {
  const offered = (claims) => page.evaluate((c) => {
    const { sheet, client } = window.stipple;
    if (!sheet.panels.has("bans"))
      sheet.add({ id: "bans", title: "report", roles: ["moderator"], show() {} });
    client.session.token = `x.${btoa(JSON.stringify(c))}.y`;
    return sheet.offered(client.session.roles()).some(({ id }) => id === "bans");
  }, claims);
  assert.equal(await offered({ sub: "a" }), false);
  assert.equal(await offered({ sub: "a", roles: "player" }), false);
  assert.equal(await offered({ sub: "a", roles: "moderator" }), true);
  assert.equal(await offered({ sub: "a", roles: ["moderator"] }), true);
}));

test("boards of odd shapes: 1 x 1, and one row of 65535", async () => {
  for (const size of ["1x1", "65535x1"]) {
    const odd = await Cluster.up("--size", size, "--cooldown", "0");
    try {
      for (const renderer of ["canvas", "webgl"]) {
        const page = await openPage(browser, odd.url, {
          viewport: { width: 480, height: 500 }, path: `/?renderer=${renderer}#0,0,32` });
        await page.keyboard.press("6");
        await page.evaluate(() => window.stipple.placing.select({ x: 0, y: 0 }));
        await page.evaluate(() => window.stipple.client.place(0, 0, 5));
        await until(page, () => window.stipple.client.picture.get(0, 0) === 5);
        await until(page, () => !window.stipple.view.overlay.effects.length &&
          !window.stipple.view.overlay.pulses.length, null, 20000);
        await painted(page);
        // WebGL may be one step off where it rounds.
        assert.match(await colorAt(page, await screenAt(page, 0, 0, 0.5, 0.08)),
                     /^#E[45]0000$/);
        await page.evaluate(() => window.stipple.view.fit());
        await painted(page);
        assert.deepEqual(page.problems, []);
        await page.context().close();
        await odd.place(0, 0, 0);
      }
    } finally {
      await odd.down();
    }
  }
});
