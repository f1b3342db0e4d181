// SPDX-License-Identifier: Apache-2.0
//
// Draws docs/pictures: ten states of the page, before a board that this script
// paints itself. Run by hand after a change of the page, and look at what it made:
//
//     node tests/browser/pictures.mjs [FOLDER]
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { Cluster, DESKTOP, PHONE, ROOT, launchChromium, openPage, painted,
         until } from "./support.mjs";

const OUT = process.argv[2] ?? join(ROOT, "docs/pictures");
const SIDE = 1000; // of the drawing
const SHARE = 4; // the board has a pixel for so many of the drawing, each way

// A landscape: sky, sun, hills, a lake, a house, letters.

const LETTERS = {
  S: "0111110000011100000111110", T: "1111100100001000010000100",
  I: "0111000100001000010001110", P: "1111010001111101000010000",
  L: "1000010000100001000011111", E: "1111110000111001000011111",
};

function landscape() {
  const at = (x, y) => y * SIDE + x;
  const board = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) board[at(x, y)] = ground(x, y);
  [..."STIPPLE"].forEach((letter, n) => {
    for (let cell = 0; cell < 25; cell++) {
      if (LETTERS[letter][cell] !== "1") continue;
      const left = 200 + n * 62 + cell % 5 * 10, top = 120 + Math.floor(cell / 5) * 10;
      for (let y = 0; y < 10; y++)
        for (let x = 0; x < 10; x++) board[at(left + x, top + y)] = 13;
    }
  });
  house(board, at);
  return board;
}

function ground(x, y) {
  const sun = Math.hypot(x - 780, y - 210);
  if (sun < 70) return 8;
  if (sun < 84 && Math.floor(Math.atan2(y - 210, x - 780) * 8) % 2) return 6;
  const far = 470 + 46 * Math.sin(x / 90) + 20 * Math.sin(x / 31);
  const near = 600 + 60 * Math.sin(x / 140 + 2) + 12 * Math.sin(x / 23);
  if (y > near) {
    const lake = ((x - 330) / 190) ** 2 + ((y - 790) / 62) ** 2;
    if (lake < 1) return (x + 3 * y) % 23 < 3 ? 11 : 12;
    if (lake < 1.12) return 8;
    return (x * 7 + y * 13) % 37 < 3 ? 9 : (x * 5 + y * 11) % 97 < 2 ? 4 : 10;
  }
  if (y > far) return (x + y) % 5 ? 9 : 10;
  const band = y / 110 + ((x + y) % 2) * 0.35;
  return band < 1 ? 12 : band < 3 ? 11 : band < 4 ? 1 : 0;
}

function house(board, at) {
  for (let y = 0; y < 70; y++)
    for (let x = 0; x < 96; x++) board[at(620 + x, 690 + y)] = y % 8 === 7 ? 7 : 0;
  for (let y = 0; y < 46; y++)
    for (let x = Math.round(-1.3 * y); x <= 1.3 * y; x++) board[at(668 + x, 645 + y)] = 5;
  for (let y = 0; y < 36; y++)
    for (let x = 0; x < 20; x++) board[at(658 + x, 724 + y)] = 7;
  for (const left of [632, 690])
    for (let y = 0; y < 16; y++)
      for (let x = 0; x < 16; x++)
        board[at(left + x, 704 + y)] = x === 8 || y === 8 ? 3 : 11;
}

/// Places all of it, a few hundred at a time, through a page's own socket.
async function paint(browser, cluster, board) {
  const pixels = [];
  for (let y = 0; y < SIDE / SHARE; y++)
    for (let x = 0; x < SIDE / SHARE; x++) {
      const color = board[SHARE * (y * SIDE + x)];
      if (color) pixels.push([x, y, color]);
    }
  const page = await openPage(browser, cluster.url);
  await page.evaluate(([list, token]) => new Promise((done, failed) => {
    const socket = new WebSocket(`ws://${location.host}/api/v1/ws?token=${token}`,
                                 "stipple.v1.json");
    let sent = 0, answered = 0;
    const more = () => {
      for (; sent < list.length && sent - answered < 400; sent++) {
        const [x, y, color] = list[sent];
        socket.send(JSON.stringify({ type: "place", request: sent, x, y, color }));
      }
    };
    socket.onmessage = ({ data }) => {
      const { type, status } = JSON.parse(data);
      if (type === "hello") more();
      if (type !== "verdict") return;
      if (status !== "ok") failed(new Error(status));
      if (++answered === list.length) done();
      more();
    };
    socket.onclose = ({ code }) => failed(new Error(String(code)));
  }), [pixels, await cluster.token()]);
  await page.context().close();
}

/// A small template: a boat on the lake.
const BOAT = [
  "......0......", "......00.....", "......000....", "......0000...",
  "......00000..", "......7......", "777777777777.", ".7777777777..",
];

async function useBoat(page) {
  await page.evaluate(async (rows) => {
    const { templates } = window.stipple;
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: rows[0].length, height: rows.length });
    const context = canvas.getContext("2d");
    rows.forEach((row, y) => [...row].forEach((cell, x) => {
      if (cell === ".") return;
      context.fillStyle = window.stipple.store.get("palette")[Number(cell)];
      context.fillRect(x, y, 1, 1);
    }));
    await templates.open(await new Promise((done) => canvas.toBlob(done)));
    templates.layer.move(79, 193);
  }, BOAT);
  await page.evaluate(() => window.stipple.sheet.show("template"));
  await page.keyboard.press("8");
  await page.locator("#template-mode").selectOption("numbers");
}

const small = { ...PHONE, deviceScaleFactor: 1.5 };

async function shoot(browser, url, name, options, prepare = async () => {}) {
  const page = await openPage(browser, url, options);
  await page.locator("#viewers").waitFor();
  await prepare(page);
  await until(page, () => !window.stipple.view.flying);
  await until(page, () => !window.stipple.view.renderer.finer); // drawn to its end
  await painted(page);
  await page.screenshot({ path: join(OUT, `${name}.png`) });
  await page.context().close();
}

mkdirSync(OUT, { recursive: true });
const browser = await launchChromium();
const cluster = await Cluster.up("--size", `${SIDE / SHARE}x${SIDE / SHARE}`, "--cooldown", "0", "--set",
                                 "place_rate=0");
try {
  await paint(browser, cluster, landscape());
  await cluster.ctl("set", "cooldown_ms", "300000");
  const { url } = cluster;
  await shoot(browser, url, "board", { ...DESKTOP, viewport: { width: 1280, height: 800 } });
  await shoot(browser, url, "phone-overview", small);
  await shoot(browser, url, "phone-aim", { ...small, path: "/#167,165,22" });
  await shoot(browser, url, "phone-wish", { ...small, path: "/#167,165,22" },
              async (page) => {
                await page.locator("#place").tap();
                await page.locator("[data-color='14']").tap();
              });
  await shoot(browser, url, "phone-placed", { ...small, path: "/#167,165,22" },
              async (page) => {
                await page.locator("#place").tap();
                await page.locator("[data-color='14']").tap();
                await page.locator("#place").tap();
                await page.locator("#author", { hasText: "by you" }).waitFor();
              });
  await shoot(browser, url, "desktop-template", {
    ...DESKTOP, viewport: { width: 1280, height: 800 }, path: "/#85,197,30",
  }, useBoat);
  await shoot(browser, url, "desktop-dark", {
    ...DESKTOP, viewport: { width: 1280, height: 800 }, colorScheme: "dark",
    path: "/#165,175,12",
  }, async (page) => {
    await page.evaluate(async () => {
      window.stipple.settings.set("minimap", true);
      await window.stipple.sheet.show("layers");
    });
  });
  const asRole = async (role) => {
    const token = await cluster.roleToken("ada", role);
    return (page, context) => context.addInitScript((text) =>
      localStorage.setItem("stipple.token", text), token);
  };
  await shoot(browser, url, "phone-ban", {
    ...small, path: "/#167,165,22", prepare: await asRole("moderator"),
  }, async (page) => {
    await page.locator("#tool-moderate").tap();
    await page.locator("#sheet .list button").first().tap();
    await page.locator("#ban-reason").fill("griefing");
    await page.locator("#sheet .list li").first().waitFor();
  });
  await shoot(browser, url, "desktop-box", {
    ...DESKTOP, viewport: { width: 1000, height: 640 }, path: "/#165,175,10",
    prepare: await asRole("operator"),
  }, async (page) => {
    await page.locator("#tool-moderate").click();
    await page.locator("#moderate-box").click();
    for (const [name, value] of Object.entries({ x0: 153, y0: 160, x1: 182, y1: 192 }))
      await page.locator(`[data-corner=${name}]`).fill(String(value));
    await page.locator("#box-reason").fill("the house stays");
    await page.locator("#box-who").click();
    await page.locator("#sheet .list li").first().waitFor();
  });
  await shoot(browser, url, "phone-reconnecting", { ...small, path: "/#167,175,8" },
              async (page) => {
                await page.route("**/api/v1/**", (route) => route.abort());
                await page.evaluate(() => window.stipple.client.lost());
                await page.evaluate(() => { window.WebSocket = class { constructor() { throw new Error("no"); } }; });
                await page.locator("#sentence-act", { hasText: "Try now" }).waitFor();
              });
} finally {
  await browser.close();
  await cluster.down();
}
