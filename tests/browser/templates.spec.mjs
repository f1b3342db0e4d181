// SPDX-License-Identifier: Apache-2.0
//
// Templates: brought in each way, followed by the board, handed on in a link, and what
// the content policy allows of it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { deflateSync } from "node:zlib";

import { Cluster, DESKTOP, colorAt, launchChromium, openPage, painted, screenAt,
         until } from "./support.mjs";

let browser, cluster, pictures, elsewhere;

before(async () => {
  browser = await launchChromium();
  pictures = createServer((_, response) => response.writeHead(200, {
    "Access-Control-Allow-Origin": "*", "Content-Type": "image/png" }).end(PICTURE));
  await new Promise((done) => { pictures.listen(0, "127.0.0.1", () => done()); });
  elsewhere = `http://127.0.0.1:${/** @type {any} */ (pictures.address()).port}`;
  cluster = await Cluster.up("--size", "200x120", "--cooldown", "0",
    "--set", `template_origins=${elsewhere}`);
});
after(async () => {
  await browser?.close();
  await cluster?.down();
  pictures?.close();
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

/// A PNG of rows of [r, g, b, a].
function png(rows) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(8 + body.length);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), 4 + body.length);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(rows[0].length, 0);
  head.writeUInt32BE(rows.length, 4);
  head.set([8, 6, 0, 0, 0], 8);
  const data = deflateSync(Buffer.from(rows.flatMap((row) => [0, ...row.flat()])));
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), chunk("IHDR", head),
                        chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let n = 0; n < 8; n++) value = value >>> 1 ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

const RED = [229, 0, 0, 255], BLUE = [0, 0, 230, 255], NONE = [0, 0, 0, 0];
const PICTURE = png([[RED, RED, BLUE], [RED, NONE, BLUE]]);

const choose = (page, buffer = PICTURE) => page.locator("#file").setInputFiles({
  name: "template.png", mimeType: "image/png", buffer });

const progress = (page) => page.evaluate(() => {
  const { total, done } = window.stipple.templates.template.progress();
  return [done, total];
});

test("template: progress follows the board, and leads to the next wrong pixel",
  () => onPage({ path: "/#50,50,24" }, async (page) => {
    await page.keyboard.press("t");
    await choose(page);
    await until(page, () => window.stipple.templates.template?.total === 5);
    assert.deepEqual(await progress(page), [0, 5]);
    const { x, y } = await page.evaluate(() => {
      const { x: left, y: top } = window.stipple.templates.template;
      return { x: left, y: top };
    });
    await cluster.place(x, y, 5);
    await until(page, () => window.stipple.templates.template.done === 1);
    await page.locator("#template-progress", { hasText: "1 of 5" }).waitFor();
    await cluster.place(x, y, 8);
    await until(page, () => window.stipple.templates.template.done === 0);
    await page.locator("#next-wrong").click();
    await until(page, () => window.stipple.store.get("wanted") !== null);
    const wanted = await page.evaluate(() => window.stipple.store.get("color"));
    assert.ok([5, 13].includes(wanted));
    for (const mode of ["ghost", "dots", "wrong", "one_color", "numbers"]) {
      await page.locator("#template-mode").selectOption(mode);
      await painted(page);
    }
    await page.evaluate(() => window.stipple.view.flyTo(50.5, 50.5, 40));
    await until(page, () => window.stipple.view.camera.scale === 40);
    await painted(page);
    const at = await screenAt(page, x + 2, y, 0.5, 0.25);
    assert.equal(await colorAt(page, at), "#0000EA");
  }));

test("template: a link for the team brings it, and nothing is uploaded", () =>
  onPage({ path: "/#20,20,24", permissions: ["clipboard-read", "clipboard-write"] },
         async (page) => {
    const sent = [];
    page.on("request", (request) =>
      request.method() !== "GET" && sent.push(request.url()));
    await page.keyboard.press("t");
    await choose(page);
    await until(page, () => window.stipple.templates.template);
    await page.getByText("Copy a link for the team").click();
    await until(page, () => location.hash.includes("&template="));
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(link, /#\d+,\d+,[\d.]+&template=[\w.-]+$/);
    await onPage({ path: new URL(link).hash ? `/${new URL(link).hash}` : "/" },
                 async (other) => {
      await until(other, () => window.stipple.templates.template?.total === 5);
    });
    assert.deepEqual(sent, []);
  }));

test("template: dropped and pasted pictures, and what is none", () =>
  onPage({ path: "/#20,20,24" }, async (page) => {
    const give = (type, bytes) => page.evaluate(([kind, list]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(list)], "x.png", { type: "image/png" }));
      document.dispatchEvent(kind === "drop"
        ? new DragEvent("drop", { dataTransfer: data, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: data }));
    }, [type, [...bytes]]);
    await give("drop", PICTURE);
    await until(page, () => window.stipple.templates.template?.total === 5);
    await page.evaluate(() => window.stipple.templates.layer.remove());
    await give("paste", PICTURE);
    await until(page, () => window.stipple.templates.template?.total === 5);
    await give("drop", Buffer.from("no picture"));
    await page.locator("#toast", { hasText: "no picture this page can read" }).waitFor();
    assert.deepEqual(await progress(page), [0, 5]);
  }));

test("template: only from here, or from where the operator allows", () =>
  onPage({ path: "/#20,20,24" }, async (page) => {
    await page.route("**/mine.png", (route) => route.fulfill({ body: PICTURE }));
    await page.evaluate(() => window.stipple.templates.use((layer) => layer.openUrl("/mine.png")));
    await until(page, () => window.stipple.templates.template?.total === 5);
    await page.evaluate(() =>
      window.stipple.templates.layer.openUrl("https://elsewhere.example/x.png"));
    await page.locator("#toast", { hasText: "not allowed on this server" }).waitFor();
    await page.evaluate(() => window.stipple.templates.layer.remove());
    await page.keyboard.press("t");
    await page.locator("#template-url").fill(`${elsewhere}/x.png`);
    await page.locator("#sheet").getByText("Load", { exact: true }).click();
    await until(page, () => window.stipple.templates.template?.total === 5);
  }));

test("the edge's content policy is strict, and the page lives with it", () =>
  onPage({ path: "/#20,20,24" }, async (page) => {
    const policy = (await fetch(cluster.url)).headers.get("content-security-policy");
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.match(policy, /require-trusted-types-for 'script'/);
    assert.equal(await page.evaluate(() => {
      try {
        return Boolean(new Worker("/app.js"));
      } catch {
        return false;
      }
    }), false);
    await page.keyboard.press("t");
    await choose(page);
    await until(page, () => window.stipple.templates.template?.total === 5);
    page.problems.length = 0; // the worker that was refused
  }));
