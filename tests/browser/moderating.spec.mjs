// SPDX-License-Identifier: Apache-2.0
//
// What moderators do on the page, and that players see and fetch nothing of it: real
// tokens of each role, before a real cluster that decides.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Cluster, DESKTOP, PHONE, SMALL, axe, launchChromium, live, openPage, painted, screenAt,
         until } from "./support.mjs";

const LONG = 30000; // for what the cluster has to do on a busy machine

let browser, cluster;

before(async () => {
  browser = await launchChromium();
  cluster = await Cluster.up("--size", "100x80", "--cooldown", "0",
                             "--set", "two_person_pixels=5");
});
after(async () => {
  await browser?.close();
  await cluster?.down();
});

/// A page of somebody with a role, who was given their token by hand.
async function onPage(role, options, run) {
  const token = role && await cluster.roleToken(`the-${role}`, role);
  const fetched = [];
  const page = await openPage(browser, cluster.url, {
    ...DESKTOP, ...options,
    prepare: async (one, context) => {
      one.on("request", (request) => fetched.push(new URL(request.url()).pathname));
      if (token) await context.addInitScript((text) => {
        if (!localStorage.getItem("stipple.token")) localStorage.setItem("stipple.token", text);
      }, token);
      await options.prepare?.(one, context);
    },
  });
  try {
    await run(page, fetched);
    assert.deepEqual(page.problems, []);
  } finally {
    await page.context().close();
  }
}

/// Somebody who placed a pixel, with their page open, and their number.
async function onPlayer(options, at, run) {
  await onPage(null, { path: `/#${at.x},${at.y},24`, ...options }, async (page, fetched) => {
    const color = await page.evaluate(([x, y]) => {
      const wanted = (window.stipple.client.picture.get(x, y) + 1) % 16;
      window.stipple.client.place(x, y, wanted);
      return wanted;
    }, [at.x, at.y]);
    await until(page, ([x, y, wanted]) => window.stipple.client.picture.get(x, y) === wanted,
                [at.x, at.y, color], LONG);
    assert.ok(await cluster.shows(at.x, at.y, color));
    await run(page, (await cluster.pixel(at.x, at.y)).user, fetched);
  });
}

/// Until it is true; the cluster may be busy.
async function eventually(check) {
  for (const end = Date.now() + LONG; !await check();) {
    assert.ok(Date.now() < end, String(check));
    await new Promise((done) => setTimeout(done, 200));
  }
}

/// Opens the panel as a visitor does.
async function openPanel(page) {
  await page.locator("#tool-moderate").click();
  await page.locator("#moderate-people").waitFor();
}

const clean = async (page, what) => assert.deepEqual(await axe(page), [], what);

/// Says yes to what will be done, and waits until it is.
async function confirm(page, text) {
  await page.locator("#deed-text", { hasText: text }).waitFor();
  await clean(page, "the dialog");
  await page.locator("#deed-do").click();
  await page.locator("#deed").waitFor({ state: "detached", timeout: LONG });
}

test("a player sees no panel, and fetches nothing of it", () =>
  onPage(null, { path: "/#5,5,24" }, async (page, fetched) => {
    await page.evaluate(() => window.stipple.client.place(5, 5, 3));
    await until(page, () => window.stipple.client.picture.get(5, 5) === 3, null, LONG);
    assert.equal(await page.locator("#tool-moderate").isVisible(), false);
    await page.keyboard.press("m");
    await page.locator("#tool-layers").click();
    await page.locator("#sheet h3", { hasText: "Account" }).waitFor();
    assert.equal(await page.locator("#sheet button", { hasText: "Moderation" }).count(), 0);
    assert.deepEqual(fetched.filter((path) => /admin|moderat|deed|box/.test(path)), []);
  }));

for (const [name, device, at] of [["desktop", DESKTOP, { x: 20, y: 20 }],
                                  ["phone", PHONE, { x: 40, y: 40 }]])
  test(`a moderator bans a user who is told and refused: ${name}`, () =>
    onPlayer(device, at, (player, user) => onPage("moderator", {
      ...device, path: `/#${at.x},${at.y},24`,
    }, async (page) => {
      if (device === DESKTOP)
        await page.evaluate(({ x, y }) => window.stipple.placing.select({ x, y }), at);
      await openPanel(page);
      await page.locator("#sheet .list button", { hasText: user.slice(0, 8) }).first().click();
      await page.locator("#moderate-who", { hasText: user }).waitFor();
      await page.locator("#sheet .list button", { hasText: `(${at.x}, ${at.y})` }).first()
        .waitFor();
      await clean(page, "a user");
      await page.locator("#ban-end").selectOption("in_1h");
      await page.locator("#ban-reason").fill("griefing");
      await page.locator("#ban").click();
      await page.locator("#deed button", { hasText: "Cancel" }).click();
      await page.locator("#ban").click();
      await confirm(page, user);
      await page.locator("#ban-state", { hasText: "Banned until" }).waitFor();

      await player.locator("#reason", { hasText: /may not place here.*griefing/ })
        .waitFor({ timeout: LONG });
      const before = await player.evaluate(({ x, y }) =>
        window.stipple.client.picture.get(x, y), at);
      const refused = await player.evaluate(({ x, y, color }) => new Promise((done) => {
        window.stipple.client.listen("verdict", ({ status }) => done(status));
        window.stipple.client.place(x, y, color);
      }), { ...at, color: (before + 1) % 16 });
      assert.equal(refused, "banned");

      await page.locator("#sheet button", { hasText: "Let play again" }).click();
      await confirm(page, user);
      await page.locator("#ban").waitFor();
      await until(player, () => !window.stipple.store.get("banned"), null, LONG);
    })));

const cornersOf = (page) => page.evaluate(() =>
  [...document.querySelectorAll("[data-corner]")].map((one) => one.value).join());
const boxTab = async (page) => {
  await openPanel(page);
  await page.locator("#moderate-box").click();
};

test("a box is drawn with the mouse, by two clicks, by keys and by numbers", () =>
  onPage("operator", { path: "/#30,30,12" }, async (page) => {
    await boxTab(page);
    assert.ok(await page.locator("#protect").isDisabled());
    const from = await screenAt(page, 24, 26), to = await screenAt(page, 33, 30);
    await page.locator("#draw-box").click();
    await page.locator("#draw-bar", { hasText: "Press at one corner" }).waitFor();
    await clean(page, "drawing");
    const centre = await page.evaluate(() => window.stipple.view.camera.centre());
    await page.mouse.move(to.x, to.y);
    await page.mouse.down();
    await page.mouse.move(from.x, from.y, { steps: 4 });
    await page.mouse.up();
    await page.locator("#draw-bar").waitFor({ state: "detached" });
    assert.equal(await cornersOf(page), "24,26,33,30");
    assert.deepEqual(await page.evaluate(() => window.stipple.view.camera.centre()), centre,
                     "the board did not move");
    assert.deepEqual(await page.evaluate(() => window.stipple.store.get("selected")),
                     { x: 30, y: 30 }, "and nothing else was chosen");
    await page.locator("#box-size", { hasText: "10 × 5 pixels" }).waitFor();

    await page.locator("#draw-box").click();
    await page.mouse.click(from.x, from.y);
    await page.locator("#draw-bar", { hasText: "opposite corner" }).waitFor();
    await page.mouse.click(from.x + 24, from.y + 12);
    await page.locator("#draw-bar").waitFor({ state: "detached" });
    assert.equal(await cornersOf(page), "24,26,26,27");

    await page.locator("#draw-box").focus();
    await page.keyboard.press("Enter");
    await page.locator("#draw-bar").waitFor();
    await page.keyboard.press("ArrowRight"); // a pixel is chosen
    const chosen = await page.evaluate(() => window.stipple.store.get("selected"));
    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    await page.locator("#draw-bar").waitFor({ state: "detached" });
    assert.equal(await cornersOf(page),
                 [chosen.x - 1, chosen.y, chosen.x, chosen.y + 10].join());
    assert.equal(await page.evaluate(() => document.activeElement.id), "draw-box");

    await page.keyboard.press("Enter");
    await page.locator("#draw-bar").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#draw-bar").waitFor({ state: "detached" });
    assert.ok(await page.locator("#sheet").isVisible(), "only the drawing was given up");

    await page.locator("#draw-box").click();
    await page.locator("#draw-box").click(); // begins anew
    assert.equal(await page.locator("#draw-bar").count(), 1);
    await page.locator("#moderate-people").click();
    await page.locator("#draw-bar").waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => window.stipple.view.grip), null);
    await page.locator("#moderate-box").click();

    await page.locator("[data-corner=x1]").fill("100");
    await page.locator("#sheet [role=alert]", { hasText: "no box" }).waitFor();
    assert.ok(await page.locator("#protect").isDisabled());
    await page.locator("[data-corner=x1]").fill("99");
    assert.ok(await page.locator("#protect").isEnabled());
  }));

test("an operator protects a box on a phone, and lets it go", () =>
  onPlayer(DESKTOP, { x: 62, y: 40 }, (player, user) => onPage("operator", {
    ...PHONE, path: "/#60,40,16",
  }, async (page) => {
    await boxTab(page);
    await page.locator("#draw-box").tap();
    await page.locator("#draw-bar", { hasText: "Tap one corner" }).waitFor();
    assert.equal(await page.locator("#sheet").isVisible(), false, "out of the way");
    await clean(page, "drawing");
    const before = await page.evaluate(() => window.stipple.view.camera.centre());
    for (const [x, y] of [[58, 38], [65, 42]]) {
      const at = await screenAt(page, x, y);
      await page.touchscreen.tap(at.x, at.y);
      await painted(page);
      await until(page, () => !window.stipple.view.flying);
    }
    await page.locator("#draw-bar").waitFor({ state: "detached" });
    assert.equal(await cornersOf(page), "58,38,65,42");
    assert.deepEqual(await page.evaluate(() => window.stipple.view.camera.centre()), before);

    await page.locator("#box-who").tap();
    await page.locator("#sheet .list button", { hasText: user.slice(0, 8) }).first().waitFor();
    await page.locator("#box-reason").fill("a flag");
    await page.locator("#protect").tap();
    await confirm(page, "(58, 38) to (65, 42)");
    const row = page.locator("#regions li", { hasText: "(58, 38) to (65, 42)" });
    await row.waitFor();
    await clean(page, "a protected box");
    const color = (await cluster.pixel(62, 40)).color;
    const verdict = () => player.evaluate((wanted) => new Promise((done) => {
      window.stipple.client.listen("verdict", ({ status }) => done(status));
      window.stipple.client.place(62, 40, wanted);
    }), (color + 1) % 16);
    assert.equal(await verdict(), "protected");
    await row.locator("button", { hasText: "Let go" }).tap();
    await confirm(page, "(58, 38) to (65, 42)");
    await page.locator("#sheet", { hasText: "No box is protected." }).waitFor();
    assert.equal(await verdict(), "ok");
  })));

test("a role that is too low is told in words", () =>
  onPage("moderator", { path: "/#30,30,12" }, async (page) => {
    await boxTab(page);
    await page.locator("#sheet", { hasText: "an operator's" }).waitFor();
    assert.equal(await page.locator("#protect").count(), 0);
    await page.evaluate(() => { // as if the token said so
      window.stipple.client.session.roles = () => ["operator"];
    });
    await page.locator("#moderate-box").click();
    for (const [name, value] of Object.entries({ x0: 1, y0: 2, x1: 3, y1: 4 }))
      await page.locator(`[data-corner=${name}]`).fill(String(value));
    await page.locator("#protect").click();
    await page.locator("#deed-do").click();
    await page.locator("#deed [role=alert]", { hasText: "Your role may not do that." })
      .waitFor({ timeout: LONG });
    assert.equal(await page.locator("#deed-do").isVisible(), false, "again would not help");
    await clean(page, "a refusal");
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#sheet").isVisible(), "only the dialog is closed");
    await eventually(async () => { // the store is a moment behind
      await page.locator("#moderate-everybody").click();
      await page.locator("#audit").waitFor({ timeout: LONG });
      return await page.locator("#audit li", { hasText: "protect refused" }).count() > 0;
    });
  }));

test("what nobody answered is tried again, and done once", () =>
  onPage("moderator", { path: "/#30,30,12" }, async (page) => {
    const keys = [];
    await page.route("**/api/v1/admin/notice", async (route) => {
      keys.push(route.request().headers()["idempotency-key"]);
      if (keys.length === 1) {
        await route.fetch(); // it is done, and the answer is lost
        await route.abort();
      } else {
        await route.continue();
      }
    });
    await openPanel(page);
    await page.locator("#moderate-everybody").click();
    await page.locator("#notice").fill("Ten minutes left.");
    await page.locator("#send-notice").click();
    await page.locator("#deed-do").click();
    await page.locator("#deed [role=alert]", { hasText: "it is done once" })
      .waitFor({ timeout: LONG });
    await page.locator("#deed-do", { hasText: "Try again" }).click();
    await page.locator("#deed").waitFor({ state: "detached", timeout: LONG });
    await page.locator("#announcement", { hasText: "Ten minutes left." }).waitFor();
    assert.equal(keys.length, 2);
    assert.equal(keys[0], keys[1]);
    const token = await cluster.roleToken("who-counts", "moderator");
    const notices = async () => {
      const audit = await (await fetch(`${cluster.url}/api/v1/admin/audit`, {
        headers: { Authorization: `Bearer ${token}` } })).json();
      return audit.actions.filter(({ verb }) => verb === "notice").length;
    };
    await eventually(async () => await notices() > 0);
    assert.equal(await notices(), 1);
  }));

test("an operator locks the canvas and opens it, in German, with a small phone", () =>
  onPage("operator", { ...SMALL, locale: "de-DE", path: "/#30,30,12" }, async (page) => {
    await openPanel(page);
    for (const name of ["people", "box", "everybody"]) {
      await page.locator(`#moderate-${name}`).tap();
      await clean(page, name);
      const wide = await page.evaluate(() => {
        const body = document.querySelector("#sheet-body");
        return body.scrollWidth - body.clientWidth;
      });
      assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
    }
    await page.locator("#lock", { hasText: "Leinwand sperren" }).tap();
    await confirm(page, "Die Leinwand sperren?");
    await page.locator("#lock-state", { hasText: "ist gesperrt" }).waitFor();
    await page.locator("#lock", { hasText: "Öffnen" }).tap();
    await confirm(page, "öffnen?");
    await page.locator("#lock-state", { hasText: "ist offen" }).waitFor();
  }));

test("a token is given by hand; one that cannot count is not taken", () =>
  onPage(null, { path: "/#30,30,12" }, async (page) => {
    const give = async (text) => {
      await page.locator("#tool-layers").click();
      await page.locator("#sheet summary").click();
      await page.locator("#token").fill(text);
      await clean(page, "a token");
      await page.locator("#token").press("Enter");
    };
    await give("a.b.c");
    await page.locator("#sheet [role=alert]", { hasText: "no token that counts" }).waitFor();
    await page.keyboard.press("Escape");
    await give(await cluster.roleToken("the-helper", "moderator"));
    await page.locator("#tool-moderate").waitFor({ timeout: LONG });
    await live(page);
    await page.locator("#board").focus();
    await page.keyboard.press("m");
    await page.locator("#moderate-people").waitFor();
    await page.locator("#moderate-user").fill("nobody");
    await page.locator("#moderate-user").press("Enter");
    await page.locator("#sheet [role=alert]", { hasText: "16 digits" }).waitFor();
  }));

test("no row of a list is wider than the panel", () =>
  onPage("operator", { viewport: { width: 1280, height: 800 }, path: "/#30,30,12" },
         async (page) => {
           for (let n = 0; n < 3; n++) await cluster.place(90 + n, 70, 5);
           await boxTab(page);
           for (const [name, value] of Object.entries({ x0: 90, y0: 70, x1: 99, y1: 79 }))
             await page.locator(`[data-corner=${name}]`).fill(String(value));
           await eventually(async () => { // the store is a moment behind the board
             await page.locator("#box-who").click();
             await page.locator("#sheet .list .when").nth(2).waitFor({ timeout: 5000 })
               .catch(() => {}); // then it is asked once more
             return await page.locator("#sheet .list .when").count() >= 3;
           });
           const wide = await page.evaluate(() => {
             const body = document.querySelector("#sheet-body");
             return body.scrollWidth - body.clientWidth;
           });
           assert.ok(wide <= 0, `${wide} px too wide`);
         }));

const colorOf = (page, x, y) => page.evaluate(([px, py]) =>
  window.stipple.client.picture.get(px, py), [x, y]);
const becomes = (page, x, y, color) => until(page, ([px, py, wanted]) =>
  window.stipple.client.picture.get(px, py) === wanted, [x, y, color], LONG);

/// With the mouse, from one pixel to another.
async function drawBox(page, [x0, y0], [x1, y1]) {
  const from = await screenAt(page, x0, y0), to = await screenAt(page, x1, y1);
  await page.locator("#draw-box").click();
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 3 });
  await page.mouse.up();
}

test("a moderator takes back what was placed in a drawn box, and undoes that", async () => {
  for (const [x, y] of [[10, 60], [11, 60], [12, 61]]) await cluster.place(x, y, 5);
  await onPage("moderator", { path: "/#12,60,16" }, async (page) => {
    await becomes(page, 12, 61, 5);
    await boxTab(page);
    await drawBox(page, [10, 60], [12, 61]);
    await page.locator("#rollback").click();
    await page.locator("#deed-text", { hasText: "no longer count: 3. " +
      "Pixels that change: 3." }).waitFor({ timeout: LONG });
    await page.locator("#deed button", { hasText: "Cancel" }).click();
    assert.equal(await colorOf(page, 10, 60), 5, "nothing was done");
    await page.locator("#rollback").click();
    await confirm(page, "(10, 60) to (12, 61)");
    for (const [x, y] of [[10, 60], [11, 60], [12, 61]]) await becomes(page, x, y, 0);
    await page.locator("#moderate-everybody").click();
    const row = page.locator("#rollbacks li", { hasText: "(10, 60) to (12, 61)" });
    await row.waitFor();
    await clean(page, "what was taken back");
    await row.locator("button").click();
    await confirm(page, "as if it had not been");
    for (const [x, y] of [[10, 60], [11, 60], [12, 61]]) await becomes(page, x, y, 5);
    await row.waitFor({ state: "detached" });
  });
});

test("a large rollback waits for a second moderator, who approves it", async () => {
  const row = [...Array(6).keys()].map((n) => [50 + n, 70]);
  for (const [x, y] of row) await cluster.place(x, y, 5);
  await onPage("moderator", { path: "/#52,70,16" }, async (page) => {
    await becomes(page, 55, 70, 5);
    await boxTab(page);
    await drawBox(page, [50, 70], [55, 70]);
    await page.locator("#rollback").click();
    await confirm(page, "(50, 70) to (55, 70)");
    await page.locator("#toast.shown", { hasText: "a second person has to approve it" }).waitFor();
    await page.locator("#moderate-everybody").click();
    const own = page.locator("#proposals li", { hasText: "(50, 70) to (55, 70)" });
    await own.waitFor();
    assert.equal(await own.locator("button").count(), 0, "nobody approves their own");
    assert.equal(await colorOf(page, 50, 70), 5, "nothing was done");
  });
  await onPage("operator", { path: "/#52,70,16" }, async (page) => {
    await openPanel(page);
    await page.locator("#moderate-everybody").click();
    const other = page.locator("#proposals li", { hasText: "(50, 70) to (55, 70)" });
    await other.waitFor();
    await clean(page, "what waits for a second person");
    await other.locator("button").click();
    await confirm(page, "Pixels that change: about 6.");
    for (const [x, y] of row) await becomes(page, x, y, 0);
    await other.waitFor({ state: "detached" });
  });
});

test("a moderator takes back what one user placed, on a phone; others' pixels stay", () =>
  onPlayer(DESKTOP, { x: 30, y: 60 }, async (player, user) => {
    await player.evaluate(() => window.stipple.client.place(31, 60, 7));
    await becomes(player, 31, 60, 7);
    await cluster.place(31, 60, 9); // somebody else, later
    await becomes(player, 31, 60, 9);
    await onPage("moderator", { ...PHONE, path: "/#30,60,24" }, async (page) => {
      await openPanel(page);
      await page.locator("#moderate-user").fill(user);
      await page.locator("#moderate-user").press("Enter");
      await page.locator("#rollback-since").selectOption("since_1d");
      await page.locator("#rollback").tap();
      await page.locator("#deed-text", { hasText: "placed there later: 1." }).waitFor({ timeout: LONG });
      await confirm(page, "no longer count: 2");
      await becomes(page, 30, 60, 0);
      assert.equal(await colorOf(page, 31, 60), 9);
      await page.locator("#rollback").tap();
      await page.locator("#sheet .wrong", { hasText: "That was refused" })
        .waitFor({ timeout: LONG });
    });
  }));

test("a ban with the keyboard alone", () =>
  onPlayer(DESKTOP, { x: 70, y: 20 }, (player, user) => onPage("moderator", {
    path: "/#70,20,24",
  }, async (page) => {
    /// Tab after Tab, as somebody without a mouse does.
    const tabTo = async (selector) => {
      for (let n = 0; n < 60; n++) {
        await page.keyboard.press("Tab");
        if (await page.evaluate((one) => document.activeElement.matches(one), selector)) return;
      }
      assert.fail(`no way to ${selector}`);
    };
    const row = page.locator("#sheet .list button", { hasText: user.slice(0, 8) });
    await page.locator("#board").focus();
    await page.keyboard.press("m");
    await row.first().waitFor({ timeout: LONG });
    await tabTo("#sheet .list button");
    await page.keyboard.press("Enter");
    await page.locator("#moderate-who:focus", { hasText: user }).waitFor();
    await page.locator("#ban").waitFor({ timeout: LONG });
    await tabTo("#ban-reason");
    await page.keyboard.type("griefing");
    await page.keyboard.press("Enter");
    await page.locator("#deed button:focus", { hasText: "Cancel" }).waitFor();
    await page.keyboard.press("Shift+Tab");
    await page.locator("#deed-do:focus").waitFor();
    await page.keyboard.press("Enter");
    await page.locator("#ban-state").waitFor({ timeout: LONG });
    await page.locator("#moderate-who:focus").waitFor();
    await player.locator("#reason", { hasText: "griefing" }).waitFor({ timeout: LONG });
  })));
