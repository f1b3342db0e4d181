// SPDX-License-Identifier: Apache-2.0
//
// Somebody who never saw the page, with a phone, places the pixel they meant
// within ten seconds. The script acts on what is on the screen only: it reads the
// words on the controls, looks for the mark it wants to paint on in the picture,
// and taps there. Pictures of each step go to build/journey.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Cluster, PHONE, ROOT, decodePng, launchChromium, launchFirefox, live,
         openPage, until } from "./support.mjs";

const OUT = join(ROOT, "build/journey");
const MARK = [0x02, 0xbe, 0x01]; // the one green pixel
const LIMIT_MS = 10000;

let browser, cluster;

before(async () => {
  mkdirSync(OUT, { recursive: true });
  browser = await launchChromium();
  cluster = await Cluster.up("--size", "1000x1000", "--cooldown", "300000");
  await cluster.place(690, 410, 10);
});
after(async () => {
  await browser?.close();
  await cluster?.down();
});

/// What the eye sees: the middle of the green, and how wide it is, in CSS pixels.
async function look(page, name) {
  const picture = await page.screenshot({
    path: join(OUT, `${name}.png`), scale: "css" });
  const { width, height, channels, pixels } = decodePng(picture);
  let count = 0, sumX = 0, sumY = 0, left = width, right = 0;
  for (let y = 100; y < height * 0.85; y++)
    for (let x = 0; x < width * 0.85; x++) {
      const at = (y * width + x) * channels;
      if (MARK.some((value, n) => Math.abs(pixels[at + n] - value) > 40)) continue;
      count++;
      sumX += x;
      sumY += y;
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
  const ratio = width / PHONE.viewport.width;
  return count ? { x: sumX / count / ratio, y: sumY / count / ratio,
                   width: (right - left + 1) / ratio } : null;
}

/// What the eye sees once it stands still, and is `ready`.
async function steady(page, name, ready = () => true) {
  for (let before = null; ;) {
    const seen = await look(page, name);
    if (seen && before && ready(seen) && Math.abs(seen.x - before.x) < 0.6 &&
        Math.abs(seen.y - before.y) < 0.6 && seen.width === before.width) return seen;
    before = seen;
  }
}

/// The button with these words, as it is on the screen.
const tapWords = (page, words) =>
  page.getByRole("button", { name: words }).filter({ visible: true }).first().tap();

test("a stranger places the pixel they mean within ten seconds", async (t) => {
  // The board at overview shows one pixel as less than a screen's: the stranger is
  // told where to look, as one is by a friend: a link.
  const page = await openPage(browser, cluster.url, {
    ...PHONE, path: "/#685,415,6", wait: false });
  await page.getByText("Live", { exact: true }).waitFor();
  const started = performance.now();
  let step = 0;
  const small = await steady(page, `${++step}-arrived`);
  // Too small to hit: tapping there brings it near.
  await page.touchscreen.tap(small.x, small.y);
  const near = await steady(page, `${++step}-near`, ({ width }) => width > 2 * small.width);
  // The pixel right of it is meant.
  await page.touchscreen.tap(near.x + near.width, near.y);
  await steady(page, `${++step}-aimed`, ({ x }) => x < near.x - near.width / 2);
  await tapWords(page, /^Paint here/);
  await page.getByRole("radio", { name: /^red/ }).tap();
  await look(page, `${++step}-wished`);
  await tapWords(page, /^Place red/);
  await page.getByText("Placed.", { exact: true }).waitFor();
  const ms = performance.now() - started;
  await look(page, `${++step}-placed`);
  t.diagnostic(`measured: a pixel placed on a phone in ${(ms / 1000).toFixed(1)} s`);
  assert.ok(ms < LIMIT_MS, `${ms}`);
  assert.equal(await cluster.shows(691, 410, 5), true);
  await page.context().close();
});

test("Firefox and Chromium see each other's pixels", async () => {
  const fox = await launchFirefox();
  try {
    const context = await fox.newContext({ viewport: { width: 1000, height: 700 } });
    const other = await context.newPage();
    await other.goto(`${cluster.url}/#300,300,24`);
    await live(other);
    const page = await openPage(browser, cluster.url, { path: "/#301,300,24" });
    for (const [tab, x, color] of [[other, 300, 5], [page, 301, 8]]) {
      await tab.locator("#board").focus();
      await tab.keyboard.press(color === 5 ? "6" : "9");
      await tab.locator("#place-text", { hasText: /^Place$/ }).waitFor();
      await tab.locator("#place").click();
      for (const seen of [other, page])
        await until(seen, ([at, wanted]) =>
          window.stipple.client.picture.get(at, 300) === wanted, [x, color]);
    }
    await page.context().close();
  } finally {
    await fox.close();
  }
});

test("kill -9 of each process under a placement", async () => {
  const own = await Cluster.up("--size", "100x100", "--cooldown", "0");
  try {
    const page = await openPage(browser, own.url, { path: "/#5,5,24" });
    await page.evaluate(() => window.stipple.client.place(1, 1, 1));
    await until(page, () => window.stipple.client.picture.get(1, 1) === 1);
    let n = 2;
    for (const name of ["edge-1", "broker-1", "redis", "persister-1"]) {
      own.kill(name);
      await page.evaluate((at) => window.stipple.client.place(at, 1, 5), n);
      await until(page, (at) => window.stipple.client.picture.get(at, 1) === 5 &&
        !window.stipple.client.pending, n, 60000);
      n++;
    }
    const seq = await page.evaluate(() => window.stipple.client.picture.seq);
    assert.equal(seq, 5);
    await page.context().close();
  } finally {
    await own.down();
  }
});
