// SPDX-License-Identifier: Apache-2.0
//
// All of r/place 2017 behind an open page: five million placements, as fast as the
// cluster takes them, and the page ends with the board that Reddit's ended with. The
// record is read where ../shared/data (or STIPPLE_SHARED_DATA) has it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { Cluster, ROOT, launchChromium, openPage, until } from "./support.mjs";

const DATA = join(process.env.STIPPLE_SHARED_DATA ?? join(ROOT, "../shared/data"),
                  "rplace2017");
const RECORD = join(DATA, "rplace2017_netdelta.bin.xz");
const FINAL = join(DATA, "rplace2017_final_4bpp.bin.xz");
const run = promisify(execFile);

let browser;

before(async () => { browser = await launchChromium(); });
after(async () => { await browser?.close(); });

/// One byte a pixel of the board that 2017 ended with.
async function finalBoard() {
  const { stdout } = await run("xz", ["-dc", FINAL],
                               { encoding: "buffer", maxBuffer: 1 << 20 });
  return Buffer.from([...stdout].flatMap((byte) => [byte >> 4, byte & 15]));
}

/// What the page has drawn from, one byte a pixel.
async function pagesBoard(page) {
  const text = await page.evaluate(() => {
    const { pixels } = window.stipple.client.picture;
    let bytes = "";
    for (let at = 0; at < pixels.length; at += 8192)
      bytes += String.fromCharCode(...pixels.subarray(at, at + 8192));
    return btoa(bytes);
  });
  return Buffer.from(text, "base64");
}

/// Plays the record; what stipple-load reports.
async function play(cluster) {
  const { stdout } = await run(join(cluster.bin, "stipple-load"), [
    "--url", cluster.url, "--token-key-file", "keys/tokens.key", "--json",
    "--viewers", "0", "--placers", "100", "--duration", "600", "--replay", RECORD,
    "--expect", FINAL,
  ], { cwd: cluster.data, maxBuffer: 1 << 24 });
  return JSON.parse(stdout);
}

test("r/place 2017 is watched to its end", {
  skip: existsSync(RECORD) ? false : "r/place 2017 (../shared/data) is not here",
  timeout: 400000,
}, async (t) => {
  const cluster = await Cluster.up("--cooldown", "0");
  try {
    const page = await openPage(browser, cluster.url);
    await page.evaluate(() => {
      window.seen = { states: new Set(), seqs: new Set() };
      setInterval(() => {
        window.seen.states.add(window.stipple.client.state);
        window.seen.seqs.add(window.stipple.client.picture.seq);
      }, 100);
    });
    const began = performance.now();
    const report = await play(cluster);
    t.diagnostic(`measured: r/place 2017 behind a page ` +
      `${((performance.now() - began) / 1000).toFixed(0)} s`);
    assert.ok(report.ok && report.expect_equal, JSON.stringify(report));
    const { seq } = JSON.parse((await cluster.ctl("status")).stdout);
    await until(page, (end) => window.stipple.client.picture.seq === end, seq, 30000);
    assert.ok((await pagesBoard(page)).equals(await finalBoard()));
    const { states, moved } = await page.evaluate(() => ({ // gone by a reload
      states: [...window.seen.states], moved: window.seen.seqs.size,
    }));
    t.diagnostic(`measured: it was ${states.join(", ")}, and moved ${moved} times`);
    assert.ok(moved > 30);
    assert.deepEqual(page.problems, []);
    await page.context().close();
  } finally {
    await cluster.down();
  }
});
