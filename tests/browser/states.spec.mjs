// SPDX-License-Identifier: Apache-2.0
//
// Each state of the page can be reached, says its sentence, and is fit for
// assistive technology (axe finds nothing).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Cluster, DESKTOP, PHONE, SMALL, axe, launchChromium, live, openPage,
         until } from "./support.mjs";

let browser, cluster;

before(async () => {
  browser = await launchChromium();
  cluster = await Cluster.up("--size", "100x100", "--cooldown", "60000");
});
after(async () => {
  await browser?.close();
  await cluster?.down();
});

const sentence = (page, text, timeout = 12000) =>
  page.locator("#sentence-text", { hasText: text }).waitFor({ timeout });
const reason = (page, text) =>
  page.locator("#reason", { hasText: text }).waitFor({ timeout: 12000 });

/// Opens a page, has `run` bring it into a state, and asks axe.
async function inState(options, run, url = cluster.url) {
  const page = await openPage(browser, url, options);
  try {
    await run(page);
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(page.problems, []);
  } finally {
    await page.context().close();
  }
}

/// The config with other members, as an operator might set them.
const configured = (members) => (page) =>
  page.route("**/api/v1/config", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ json: { ...await answer.json(), ...members } });
  });

/// No socket, and PUT answers with a problem.
const refusing = (status, body) => async (page) => {
  await page.addInitScript(() => {
    window.WebSocket = class { constructor() { throw new Error("blocked"); } };
  });
  await page.route("**/api/v1/pixels/5/5", (route) =>
    route.request().method() === "PUT"
      ? route.fulfill({ status, contentType: "application/problem+json",
                        body: JSON.stringify(body) }) : route.continue());
};

test("loading", () => inState({
  ...PHONE, wait: false,
  prepare: (page) => page.route("**/api/v1/board", () => {}),
}, (page) => sentence(page, "Loading the canvas")));

test("away", () => inState({
  ...PHONE, wait: false,
  prepare: (page) => page.route("**/api/v1/**", (route) => route.abort()),
}, (page) => sentence(page, "does not answer")));

test("live, on each kind of screen, with each panel", async () => {
  for (const device of [PHONE, SMALL, DESKTOP])
    await inState({ ...device, path: "/#5,5,24" }, async (page) => {
      assert.equal(await page.locator("#connection").textContent(), "Live");
      assert.equal(await page.locator("#sentence").isVisible(), false);
      for (const panel of ["pixel", "template", "layers", "time", "keys"]) {
        await page.evaluate((id) => window.stipple.sheet.show(id), panel);
        assert.deepEqual(await axe(page), [], panel);
        const sheet = await page.locator("#sheet").boundingBox();
        assert.ok(sheet.x >= 0 && sheet.x + sheet.width <= device.viewport.width + 1);
      }
      await page.keyboard.press("Escape");
      await page.evaluate(() => window.stipple.store.set({ painting: true }));
    });
});

test("dark, and in German", () => inState({
  ...DESKTOP, colorScheme: "dark", locale: "de-DE", path: "/#5,5,24",
}, async (page) => {
  await page.locator("#place-text", { hasText: "Farbe wählen" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
}));

test("stale, waiting, and back", async () => {
  let silent = false, away = false;
  await inState({
    ...PHONE, path: "/#5,5,24", wait: false,
    prepare: async (page) => {
      await page.route("**/api/v1/board", (route) =>
        away ? route.abort() : route.continue());
      await page.routeWebSocket("**/api/v1/ws*", (socket) => {
        if (away) {
          socket.close({ code: 1013 });
          return;
        }
        const server = socket.connectToServer();
        server.onMessage((data) => silent || socket.send(data));
      });
    },
  }, async (page) => {
    await live(page);
    silent = true;
    await sentence(page, /No news for \d+ s/);
    assert.deepEqual(await axe(page), []);
    away = true;
    await sentence(page, /Reconnecting in \d+ s.*as of \d/);
    await page.locator("#sentence-act", { hasText: "Try now" }).waitFor();
    assert.ok(await page.evaluate(() => document.body.classList.contains("dimmed")));
    assert.deepEqual(await axe(page), []);
    silent = away = false;
    await page.evaluate(() => window.stipple.client.wake());
    await live(page);
  });
});

test("offline", () => inState({ ...PHONE, path: "/#5,5,24" }, async (page) => {
  await page.context().setOffline(true);
  await sentence(page, /You are offline.*as of \d/);
}));

test("catching up ends, even if the board does not come", async () => {
  let hanging = false;
  await inState({
    ...DESKTOP, path: "/#5,5,24",
    prepare: (page) => page.route("**/api/v1/board", (route) =>
      hanging ? undefined : route.continue()),
  }, async (page) => {
    hanging = true;
    await page.evaluate(() => { window.stipple.client.refetch(true); });
    await sentence(page, "Catching up");
    assert.deepEqual(await axe(page), []);
    await until(page, () => window.stipple.client.state !== "healing", null, 15000);
    hanging = false;
    await live(page);
  });
});

test("WebSockets blocked", () => inState({
  ...PHONE, path: "/#5,5,24", wait: false, prepare: refusing(500, {}),
}, (page) => sentence(page, "10 s late")));

test("sending, and cancelled", () => inState({
  ...PHONE, path: "/#5,5,24", wait: false,
  prepare: async (page) => {
    await page.routeWebSocket("**/api/v1/ws*", (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((data) => data[0] === 0x81 || server.send(data));
    });
  },
}, async (page) => {
  await live(page);
  await page.locator("#place").tap();
  await page.locator("[data-color='5']").tap();
  await page.locator("#place").tap();
  await page.locator("#place-text", { hasText: "Placing…" }).waitFor();
  assert.deepEqual(await axe(page), []);
  await page.locator("#place-text", { hasText: "Cancel" }).waitFor({ timeout: 8000 });
  await page.locator("#place").tap();
  await page.locator("#toast", { hasText: "No longer waiting" }).waitFor();
}));

test("waiting for the cooldown, with a notice; then ready", () => inState({
  ...DESKTOP, path: "/#7,7,24",
}, async (page) => {
  await page.keyboard.press("6");
  await page.locator("#place-text", { hasText: /^Place$/ }).waitFor();
  await page.locator("#place").click();
  await page.locator("#place-text", { hasText: /^\d:\d\d$/ }).waitFor();
  await page.locator("#author", { hasText: "just now by you" }).waitFor();
  await page.locator("#place").click();
  await page.locator("#toast", { hasText: "You will be told" }).waitFor();
  assert.deepEqual(await axe(page), []);
  await page.evaluate(() => window.stipple.client.session.setCooldown(600));
  await page.locator("#toast", { hasText: "You may place again" }).waitFor();
}));

test("paused, in the operator's words", async () => {
  await cluster.ctl("set", "paused", "on");
  try {
    await inState({ ...PHONE, path: "/#5,5,24" }, async (page) => {
      await reason(page, "The canvas is paused.");
      assert.equal(await page.locator("#place-text").textContent(), "Paused");
    });
    await inState({
      ...DESKTOP, path: "/#5,5,24",
      prepare: configured({ event: { name: "Spring", announcement: "Back at noon." } }),
    }, async (page) => {
      await reason(page, "Paused: Back at noon.");
      await page.locator("#announcement-text", { hasText: "Back at noon." }).waitFor();
      await page.locator("#announcement-close").click();
      assert.equal(await page.locator("#announcement").isVisible(), false);
    });
  } finally {
    await cluster.ctl("set", "paused", "off");
  }
});

test("a long announcement fits a small phone, and can be closed", () => inState({
  ...SMALL, path: "/#5,5,24",
  prepare: configured({ event: { name: "W".repeat(60), announcement:
    "הודעה ארוכה " + "Donaudampfschifffahrtsgesellschaftskapitänsmützen ".repeat(9) } }),
}, async (page) => {
  await page.locator("#announcement-text", { hasText: "Donau" }).waitFor();
  assert.deepEqual(await axe(page), []);
  const close = await page.locator("#announcement-close").boundingBox();
  assert.ok(close.x + close.width <= SMALL.viewport.width, `${close.x}`);
  const event = await page.locator("#bar").boundingBox();
  assert.ok(event.x + event.width <= SMALL.viewport.width, `${event.x}`);
  await page.locator("#announcement-close").tap();
  assert.equal(await page.locator("#announcement").isVisible(), false);
}));

test("read-only, with a way in", () => inState({
  ...PHONE, path: "/#5,5,24",
  prepare: configured({ anonymous: false, login_url: "/sign-in" }),
}, async (page) => {
  await reason(page, /sign in/i);
  await page.locator("#place-text", { hasText: "Sign in" }).waitFor();
}));

test("not begun, and over", async () => {
  const hour = 3600000;
  await inState({
    ...PHONE, path: "/#5,5,24",
    prepare: configured({ event: { name: "Spring", opens_at: Date.now() + hour } }),
  }, async (page) => {
    await reason(page, "Not begun");
    await page.locator("#event", { hasText: "Opens in" }).waitFor();
  });
  await inState({
    ...DESKTOP, path: "/#5,5,24",
    prepare: configured({ event: { name: "Spring", closes_at: Date.now() - hour } }),
  }, (page) => reason(page, "It is over"));
});

test("banned with a reason, and protected here", async () => {
  const cases = [
    [403, { code: "banned", detail: "Vandalism." }, /may not place here.*Vandalism/],
    [403, { code: "protected" }, "protected"],
  ];
  for (const [status, body, text] of cases)
    await inState({
      ...DESKTOP, path: "/#5,5,24", wait: false, prepare: refusing(status, body),
    }, async (page) => {
      await until(page, () => window.stipple?.client.state === "blocked");
      await page.keyboard.press("6");
      await page.locator("#place").click();
      await reason(page, text);
      assert.equal(await page.evaluate(() => window.stipple.store.get("color")), 5);
    });
});

test("resized", () => inState({ ...DESKTOP, path: "/#5,5,24" }, async (page) => {
  // No beat may correct the lie.
  await page.evaluate(() => { window.stipple.client.keeper.hear = () => {}; });
  await page.evaluate(() => window.stipple.client.kept({
    type: "board", width: 30, height: 20, bits: 4, seq: 0, epoch: 1,
    pixels: new Uint8Array(600),
  }));
  await page.locator("#toast", { hasText: "30 × 20 pixels" }).waitFor();
}));

test("without WebGL, and with it", async () => {
  for (const kind of ["canvas", "webgl"])
    await inState({ ...SMALL, path: `/?renderer=${kind}#5,5,24` }, async (page) => {
      await page.evaluate(() => window.stipple.sheet.show("layers"));
      const text = await page.locator("#drawing").textContent();
      assert.match(text, kind === "canvas" ? /without WebGL/ : /WebGL\. $/);
    });
  await inState({ ...SMALL, path: "/#5,5,24" }, async (page) => {
    await page.evaluate(() => window.stipple.view.upgrade());
    assert.equal(await page.evaluate(() => window.stipple.view.renderer.kind), "webgl");
  });
});
