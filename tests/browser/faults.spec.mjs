// SPDX-License-Identifier: Apache-2.0
//
// The faults that were found in the first page, each by its steps. Their numbers
// are issue 16's.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Cluster, DESKTOP, PHONE, SMALL, colorAt, launchChromium, launchFirefox, live, openPage,
         painted, screenAt, until } from "./support.mjs";

let browser, cluster;

before(async () => {
  browser = await launchChromium();
  cluster = await Cluster.up("--size", "1000x1000", "--cooldown", "4000",
                             "--set", "place_rate=0");
});
after(async () => {
  await browser?.close();
  await cluster?.down();
});

const button = (page) => page.locator("#place");
const label = (page) => page.locator("#place-text").textContent();

async function closing(page, run) {
  try {
    await run();
    assert.deepEqual(page.problems, []);
  } finally {
    await page.context().close();
  }
}

test("1: a wish is drawn as a wish, the truth around it as the truth", async () => {
  const page = await openPage(browser, cluster.url, { path: "/#420,430,24" });
  await closing(page, async () => {
    await page.keyboard.press("6");
    await painted(page);
    const border = await screenAt(page, 420, 430, 0.5, 0.08);
    assert.equal(await colorAt(page, border), "#FFFFFF");
    await cluster.place(420, 430, 13);
    await until(page, () => window.stipple.client.picture.get(420, 430) === 13);
    await painted(page);
    assert.equal(await colorAt(page, border), "#0000EA");
    const middle = await page.screenshot({ clip: { ...await screenAt(page, 420, 430, 0.25, 0.25),
      width: 12, height: 12 } });
    assert.ok(middle.length > 0);
    assert.match(await page.locator("#coordinates").textContent(), /dark blue/);
    const scene = await page.evaluate(() => window.stipple.view.scene.ghost);
    assert.equal(scene, 5);
    await button(page).click();
    await until(page, () => window.stipple.client.picture.get(420, 430) === 5);
    await painted(page);
    assert.equal(await colorAt(page, border), "#E50000");
  });
});

test("2: nothing can be placed at overview scale", async () => {
  for (const device of [PHONE, DESKTOP]) {
    const page = await openPage(browser, cluster.url, device);
    await closing(page, async () => {
      await page.evaluate(() => window.stipple.placing.chooseColor(5));
      assert.equal(await label(page), "Zoom in");
      const at = await screenAt(page, 700, 300);
      if (device.hasTouch) await page.touchscreen.tap(at.x, at.y);
      else await page.mouse.click(at.x, at.y);
      await until(page, () => window.stipple.view.camera.scale === 24);
      assert.ok(await page.evaluate(() => {
        const { x, y } = window.stipple.view.camera.centre();
        return Math.abs(x - 700) < 4 && Math.abs(y - 300) < 4;
      }));
      await page.evaluate(() => window.stipple.view.fit());
      await painted(page);
      assert.equal(await label(page), "Zoom in");
    });
  }
});

test("3: 256 colours fit every screen", async () => {
  const wide = await Cluster.up("--size", "64x64", "--bits", "8", "--set",
                                `palette=${palette(256)}`);
  try {
    for (const device of [PHONE, SMALL, DESKTOP]) {
      const page = await openPage(browser, wide.url, { ...device, path: "/#5,5,24" });
      await closing(page, async () => {
        if (device.hasTouch) await button(page).tap();
        const dock = await page.locator("#dock").boundingBox();
        assert.ok(dock.y > device.viewport.height * 0.35, `${dock.y}`);
        await page.locator("[data-color='255']").scrollIntoViewIfNeeded();
        await page.locator("[data-color='255']").click();
        assert.equal(await page.evaluate(() => window.stipple.store.get("color")), 255);
        assert.ok(await page.locator("#recent .swatch").count() === 1);
        await button(page).click();
        await until(page, () => window.stipple.client.picture.get(5, 5) === 255);
        await wide.place(5, 5, 0);
      });
    }
  } finally {
    await wide.down();
  }
});

const palette = (count) => Array.from({ length: count }, (_, n) =>
  "#" + (n * 65793 % 0xffffff).toString(16).padStart(6, "0").toUpperCase()).join(",");

test("4: a fetch that never answers is told, and tried again", async () => {
  for (const path of ["board", "config"]) {
    let hanging = true;
    const page = await openPage(browser, cluster.url, {
      wait: false,
      prepare: (one) => one.route(`**/api/v1/${path}`, (route) =>
        hanging ? undefined : route.continue()),
    });
    await closing(page, async () => {
      await until(page, () => window.stipple?.client.state === "waiting", null, 15000);
      hanging = false;
      await live(page);
    });
  }
});

test("a worker or a script that does not come is asked for again", async () => {
  const failing = {
    "worker.js": (route) => route.abort(),
    "keeper.js": () => undefined, // never answers
    "store.js": (route) => route.abort("failed"),
  };
  for (const [name, fail] of Object.entries(failing)) {
    let broken = true;
    const page = await openPage(browser, cluster.url, {
      wait: false,
      prepare: (one) => one.route(`**/${name}`, (route) =>
        broken ? fail(route) : route.continue()),
    });
    await closing(page, async () => {
      const told = name === "store.js" ? "#connection" : "#sentence-text";
      await page.locator(told, { hasText: /Reconnecting|does not answer/ })
        .waitFor({ timeout: 20000 });
      broken = false;
      await live(page);
    });
  }
});

test("5: a wall clock set back freezes nothing", async () => {
  const page = await openPage(browser, cluster.url, {
    path: "/#10,10,24",
    prepare: (one) => one.addInitScript(() => {
      const real = Date.now.bind(Date);
      window.setBack = 0;
      Date.now = () => real() - window.setBack;
    }),
  });
  await closing(page, async () => {
    await page.evaluate(() => { window.setBack = 3600000; });
    await page.evaluate(() => {
      window.stipple.client.refetch(true);
    });
    await live(page);
    await cluster.place(10, 10, 7);
    await until(page, () => window.stipple.client.picture.get(10, 10) === 7);
  });
});

test("6: two tabs are one player with one cooldown", () => twoTabs(browser));

test("6: in Firefox, too", async () => {
  const fox = await launchFirefox();
  try {
    await twoTabs(fox);
  } finally {
    await fox.close();
  }
});

async function twoTabs(program) {
  const page = await openPage(program, cluster.url, { path: "/#20,20,24" });
  await closing(page, async () => {
    const other = await page.context().newPage();
    await other.goto(`${cluster.url}/#21,20,24`);
    await live(other);
    await Promise.all([page, other].map((tab, n) => tab.evaluate((color) => {
      const { placing, client } = window.stipple;
      const { x, y } = window.stipple.store.get("selected");
      placing.chooseColor(color);
      client.place(x, y, color);
    }, n + 3)));
    await Promise.all([page, other].map((tab) =>
      until(tab, () => window.stipple.client.pending === null)));
    const tokens = await Promise.all([page, other].map((tab) =>
      tab.evaluate(() => window.stipple.client.token)));
    assert.equal(tokens[0], tokens[1]);
    const verdicts = await Promise.all([page, other].map((tab) =>
      tab.evaluate(() => window.stipple.store.get("verdict").status)));
    assert.deepEqual(verdicts.toSorted(), ["cooldown", "ok"]);
    await until(page, () => window.stipple.client.cooldownLeft() === 0);
    // The server's clock may be some milliseconds behind.
    await until(page, () => {
      const { client, store } = window.stipple;
      if (!client.pending && !client.cooldownLeft()) client.place(22, 20, 3);
      return store.get("verdict").status === "ok" && client.cooldownLeft() > 3000;
    });
    await until(other, () => window.stipple.client.cooldownLeft() > 3000);
  });
}

test("7: blocked WebSockets leave placing and a picture", async () => {
  const block = {
    throws: () => { window.WebSocket = class { constructor() { throw new Error("no"); } }; },
    fails: () => {
      window.WebSocket = class {
        constructor() { setTimeout(() => this.onclose?.({ code: 1006 }), 50); }
        close() {}
      };
    },
  };
  for (const kind of Object.values(block)) {
    const page = await openPage(browser, cluster.url, {
      path: "/#30,30,24", wait: false,
      prepare: (one) => one.addInitScript(kind),
    });
    await closing(page, async () => {
      await until(page, () => window.stipple?.client.state === "blocked", null, 15000);
      assert.match(await page.locator("#sentence-text").textContent(), /placing works/i);
      await page.keyboard.press("6");
      await button(page).click();
      await until(page, () => window.stipple.client.picture.get(30, 30) === 5, null, 20000);
      assert.equal(await cluster.shows(30, 30, 5), true);
    });
    await cluster.place(30, 30, 0);
  }
});

test("8: a server that is away is told, not black", async () => {
  const page = await openPage(browser, cluster.url, {
    wait: false,
    prepare: (one) => one.route("**/api/v1/**", (route) => route.abort()),
  });
  await closing(page, async () => {
    await page.locator("#sentence-text", { hasText: "does not answer" }).waitFor();
    await painted(page);
    const colors = new Set();
    for (const end = Date.now() + 20000; colors.size !== 2 && Date.now() < end;) {
      colors.clear();
      for (const dx of [0, 16])
        colors.add(await colorAt(page, { x: 720 + dx, y: 400 }));
    }
    assert.equal(colors.size, 2, [...colors].join());
    await page.unroute("**/api/v1/**");
    await page.locator("#sentence-act").click();
    await live(page);
  });
});

test("9: silence is told within 4 s, offline at once", async () => {
  let silent = false;
  const page = await openPage(browser, cluster.url, {
    wait: false,
    prepare: (one) => one.routeWebSocket("**/api/v1/ws*", (socket) => {
      const server = socket.connectToServer();
      server.onMessage((data) => silent || socket.send(data));
    }),
  });
  await closing(page, async () => {
    await live(page);
    silent = true;
    await page.locator("#sentence-text", { hasText: /No news for \d+ s/ })
      .waitFor({ timeout: 4500 });
    silent = false;
    await live(page);
    await page.context().setOffline(true);
    await page.locator("#sentence-text", { hasText: "offline" }).waitFor({ timeout: 1500 });
    await page.context().setOffline(false);
    await live(page);
  });
});

test("12: the link is the view, and is written rarely", async () => {
  const page = await openPage(browser, cluster.url, { path: "/#500,500,24" });
  await closing(page, async () => {
    await page.evaluate(() => {
      window.writes = 0;
      const real = history.replaceState.bind(history);
      history.replaceState = (...words) => {
        window.writes++;
        real(...words);
      };
    });
    for (let n = 0; n < 60; n++) {
      await page.mouse.move(700, 400);
      await page.mouse.wheel(0, n % 2 ? 60 : -60);
    }
    await page.evaluate(() => window.stipple.placing.goTo({ x: 123, y: 456 }));
    await until(page, () => location.hash.startsWith("#123,456,"));
    await page.mouse.move(700, 300);
    await page.mouse.down();
    for (let n = 0; n < 10; n++) await page.mouse.move(700 + 60 * n, 300);
    await page.mouse.up();
    await until(page, () => !location.hash.startsWith("#123,456,"));
    assert.ok(await page.evaluate(() => window.writes) < 30);
    const hash = await page.evaluate(() => location.hash);
    const again = await openPage(browser, cluster.url, { path: `/${hash}` });
    await closing(again, async () => {
      const views = await Promise.all([page, again].map((one) => one.evaluate(() => {
        const { x, y, scale } = window.stipple.view.camera;
        return [Math.floor(x), Math.floor(y), Math.round(scale)];
      })));
      assert.deepEqual(views[0], views[1]);
    });
  });
});

test("13: nonsense that was stored or linked harms nothing", async () => {
  const page = await openPage(browser, cluster.url, {
    path: "/#1.5,2.5,8",
    prepare: (one) => one.addInitScript(() => {
      localStorage.setItem("stipple.cooldown_until", String(Date.now() + 1e9));
      localStorage.setItem("stipple.settings", JSON.stringify({ color: 99, grid: "x" }));
    }),
  });
  await closing(page, async () => {
    assert.match(await page.locator("#coordinates").textContent(), /\(1, 2\) white/);
    assert.ok(await page.evaluate(() => window.stipple.client.cooldownLeft()) <= 4000);
    assert.equal(await page.evaluate(() => window.stipple.store.get("color")), null);
    await until(page, () => window.stipple.client.cooldownLeft() === 0);
    await page.locator("#place-text", { hasText: "Choose a colour" }).waitFor();
  });
  const full = await openPage(browser, cluster.url, {
    path: "/#40,40,24",
    prepare: (one) => one.addInitScript(() => {
      Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
    }),
  });
  await closing(full, async () => {
    await full.keyboard.press("6");
    await button(full).click();
    await until(full, () => window.stipple.client.picture.get(40, 40) === 5);
  });
});

test("13: a palette shortened while one looks", async () => {
  const page = await openPage(browser, cluster.url, { path: "/#50,50,24" });
  const before = await page.evaluate(() => window.stipple.store.get("palette").join());
  await closing(page, async () => {
    await page.keyboard.press("f");
    await cluster.ctl("set", "palette", "#000000,#FFFFFF,#FF0000,#00FF00");
    try {
      await until(page, () => window.stipple.store.get("palette").length === 4);
      assert.equal(await page.locator("#palette .swatch").count(), 4);
      assert.equal(await label(page), "Choose a colour");
      await painted(page);
      assert.equal(await colorAt(page, await screenAt(page, 52, 52)), "#000000");
    } finally {
      await cluster.ctl("set", "palette", before);
    }
  });
});

test("14: without anonymous players there is a way in", async () => {
  const closed = await Cluster.up("--size", "64x64", "--set", "anonymous=off");
  try {
    const page = await openPage(browser, closed.url, {
      path: "/#5,5,24",
      prepare: (one) => one.route("**/api/v1/config", async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ json: {
          ...await answer.json(), login_url: "/sign-in", anonymous: false } });
      }),
    });
    await closing(page, async () => {
      assert.match(await page.locator("#reason").textContent(), /sign in/i);
      assert.equal(await label(page), "Sign in");
      await page.route("**/sign-in*", (route) => route.fulfill({ body: "provider" }));
      await button(page).click();
      await page.waitForURL(/sign-in\?return_to=.*&state=/);
      const back = new URL(page.url());
      const state = back.searchParams.get("state");
      await page.goto(`${back.searchParams.get("return_to")}#token=forged&state=1-2-3-4`);
      await live(page);
      assert.equal(await page.evaluate(() => window.stipple.client.token), null);
      assert.ok(state);
    });
    const refused = await openPage(browser, closed.url, { path: "/#5,5,24" });
    await closing(refused, async () => {
      // Its config says that there are no anonymous players, and names no way in.
      assert.equal(await button(refused).isDisabled(), true);
      await refused.locator("#reason", { hasText: /sign in/i }).waitFor();
    });
  } finally {
    await closed.down();
  }
});

test("15: a pixel changed in memory is mended", async () => {
  const page = await openPage(browser, cluster.url, { path: "/#600,600,24" });
  await closing(page, async () => {
    await page.evaluate(() => {
      const { picture } = window.stipple.client;
      picture.pixels[600 * 1000 + 601] = 9;
      window.stipple.view.changed([600 * 1000 + 601]);
    });
    await until(page, () =>
      window.stipple.client.picture.get(601, 600) === 0, null, 15000);
    await painted(page);
    assert.equal(await colorAt(page, await screenAt(page, 601, 600)), "#FFFFFF");
  });
});

test("16: a contested pixel is not asked after at each change", async () => {
  let asked = 0;
  const page = await openPage(browser, cluster.url, {
    path: "/#70,70,24",
    prepare: (one) => one.route("**/api/v1/pixels/70/70", (route) => {
      asked++;
      return route.continue();
    }),
  });
  await closing(page, async () => {
    await page.locator("#author", { hasText: "nobody" }).waitFor();
    for (let n = 1; n <= 8; n++) {
      await cluster.place(70, 70, n);
      await until(page, (color) =>
        window.stipple.client.picture.get(70, 70) === color, n);
    }
    await page.locator("#author", { hasText: "changed just now" }).waitFor();
    assert.ok(asked <= 2, `${asked}`);
  });
});

test("17: a page of another origin can look, and neither play nor listen", async () => {
  const page = await openPage(browser, cluster.url, { path: "/icon.svg", wait: false });
  const other = cluster.url.replace("127.0.0.1", "localhost");
  const tried = await page.evaluate(async (url) => {
    const status = (path, options) => fetch(url + path, options)
      .then((answer) => answer.status, () => "refused");
    const listening = new Promise((done) => {
      const socket = new WebSocket(url.replace("http", "ws") + "/api/v1/ws", "stipple.v1");
      socket.addEventListener("open", () => done("open"));
      socket.addEventListener("error", () => done("refused"));
    });
    return {
      look: await status("/api/v1/config"),
      play: await status("/api/v1/session", { method: "POST" }),
      undo: await status("/api/v1/undo", { method: "POST", body: "{}" }),
      place: await status("/api/v1/pixels/1/1", { method: "PUT", body: "{}" }),
      listen: await listening,
    };
  }, other);
  assert.deepEqual(tried, { look: 200, play: "refused", undo: "refused",
                            place: "refused", listen: "refused" });
  await page.context().close();
});

test("a frozen tab catches up when it is thawed", async () => {
  const page = await openPage(browser, cluster.url, { path: "/#40,40,24" });
  await closing(page, async () => {
    const session = await page.context().newCDPSession(page);
    await session.send("Page.enable");
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    await cluster.place(40, 40, 5);
    await cluster.shows(40, 40, 5);
    await session.send("Page.setWebLifecycleState", { state: "active" });
    await until(page, () => window.stipple.client.picture.get(40, 40) === 5, null, 30000);
    await live(page);
    await until(page, () => {
      const { client, store } = window.stipple;
      if (!client.pending && !client.cooldownLeft()) client.place(41, 40, 3);
      return store.get("verdict")?.status === "ok";
    }, null, 30000);
  });
});
