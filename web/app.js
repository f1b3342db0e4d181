// SPDX-License-Identifier: Apache-2.0
//
// The page: builds its parts and ties them together. What is shown is in the
// store; the client keeps it true, the panels show it.

import { Client } from "./client.js";
import { $, breathe, setText } from "./dom.js";
import { KeeperLink } from "./keeper_link.js";
import { Lookup } from "./lookup.js";
import { createDock } from "./panels/dock.js";
import { listenToKeys } from "./panels/keys.js";
import { Sheet } from "./panels/sheet.js";
import { createStatus } from "./panels/status.js";
import { createTools } from "./panels/tools.js";
import { Placing } from "./placing.js";
import { Settings } from "./settings.js";
import { Store } from "./store.js";
import { chooseLanguage, colorName, localize, t } from "./strings.js";
import { Templates } from "./templates.js";
import { BoardView } from "./view.js";
import { readLink, writeLink } from "./view_link.js";

const TOAST_MS = 4000;
const LINK_MS = 500; // Safari throws beyond 100 changes in 10 s

/// Storage that throws at the first touch is none.
function openStorage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

await breathe();
const keeper = new KeeperLink(); // first: it asks for the board
await breathe();
const storage = openStorage(); // its first use waits for the disk
await breathe();
const env = {
  fetch: (path, options) => fetch(path, options),
  get WebSocket() { return window.WebSocket; },
  storage, keeper, breathe,
  // Without locks (an old browser, or no secure context) tabs may differ once.
  locks: (name, run) => navigator.locks ? navigator.locks.request(name, run) : run(),
  now: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (id) => clearTimeout(id),
  origin: location.origin,
};

const settings = new Settings(storage, (name) => applySetting(name));
const narrow = matchMedia("(pointer: coarse), (max-width: 700px), (max-height: 480px)");
const store = new Store({
  connection: "stopped", retryAt: 0, now: performance.now(), stamp: 0, config: null,
  picture: null, palette: [], online: null, selected: null, hover: null, spoken: null,
  color: null, recent: [], painting: false, pending: null, verdict: null, reason: null,
  author: null, past: null, only: null, template: null, wanted: null, scale: 1,
  sees: false, banned: false, message: "", refusedSession: false, noticeWanted: false,
  loginUrl: null, touch: narrow.matches, grid: settings.get("grid"), language: "",
  askNotice: null, askSignIn: null,
});
const client = new Client(env);
await breathe();
const wantedRenderer = new URLSearchParams(location.search).get("renderer") ?? "auto";
const view = new BoardView($("board"), wantedRenderer);
await breathe();
const placing = new Placing({ client, view, store, settings });

/// Fetched when somebody wants to be told.
const notice = {
  get: () => notice.loaded ??= import("./notice.js").then((m) =>
    new m.ReadyNotice(settings, t)),
  loaded: null,
  prepare: async () => (await notice.get()).prepare(),
  tell: async () => (await notice.get()).tell(),
};
/** @type {import("./minimap.js").Minimap | null} */
let minimap = null; // fetched when it is first wanted
const lookup = new Lookup(env, (author) => store.set({
  author: author && { ...author, own: author.own ??
    Boolean(author.user && author.user === client.session.user) },
}));
const sheet = new Sheet(() => layout(), () => toast(t("panel_failed"), "bad"));

// Telling

let toastTimer;

function toast(text, kind = "") {
  const box = $("toast");
  box.textContent = text;
  box.dataset.kind = kind;
  box.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.classList.remove("shown"), TOAST_MS);
}

// Layout: what the controls cover is not part of the view.

let dockHeight = 0;

/// Measures first and changes last, so that styles are computed once.
function layout() {
  const dock = $("dock").getBoundingClientRect();
  const side = $("sheet").getBoundingClientRect();
  const bar = $("bar").getBoundingClientRect();
  const height = innerHeight;
  const beside = sheet.open && side.left > 0;
  const bottom = height - (sheet.open && !beside ? Math.min(side.top, dock.top) : dock.top);
  view.setInsets({
    top: bar.bottom, left: 0,
    right: beside ? innerWidth - side.left : 0, bottom,
  });
  placing.follow();
  const covered = Math.round(height - dock.top);
  if (covered === dockHeight) return;
  dockHeight = covered;
  // On those who use it: on the root, every element's style would be computed anew.
  for (const name of ["tools", "pad", "toast", "undo"])
    $(name).style.setProperty("--dock-height", `${covered}px`);
}

const sizes = new ResizeObserver(layout);
for (const name of ["dock", "sheet"]) sizes.observe($(name));

narrow.addEventListener("change", () => {
  store.set({ touch: narrow.matches, painting: false });
  layout();
});

// Appearance and words

async function applyLanguage() {
  const wished = settings.get("language");
  const language = await chooseLanguage(
    wished === "auto" ? [...navigator.languages ?? ["en"]] : [wished]);
  document.documentElement.lang = language;
  document.title = t("title");
  localize(document);
  store.set({ language });
  sheet.refresh();
}

function applyTheme() {
  const theme = settings.get("theme");
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const style = getComputedStyle(document.documentElement);
  view.setColors({
    ground: style.getPropertyValue("--ground").trim(),
    checker: style.getPropertyValue("--checker").trim(),
  });
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);

function applySetting(name) {
  switch (name) {
  case "language": return applyLanguage();
  case "theme": return applyTheme();
  case "grid": return store.set({ grid: settings.get("grid") });
  case "heat": return showHeat();
  case "minimap": return showMinimap();
  case "lock":
    view.locked = settings.get("lock");
    return undefined;
  case "quick":
    return toast(`${t("quick")}: ${settings.get("quick") ? "✓" : "–"}`);
  default: return undefined;
  }
}

async function showMinimap() {
  if (!minimap && settings.get("minimap")) {
    const { Minimap } = await import("./minimap.js");
    minimap ??= new Minimap($("minimap"), view);
  }
  minimap?.show(settings.get("minimap"));
}

// Heat: fetched when it is first wanted.

let heat = null;

async function showHeat() {
  if (!heat && !settings.get("heat")) return;
  heat ??= new (await import("./heat_layer.js")).HeatLayer(app);
  heat.show(settings.get("heat"));
}

// What the client tells

client.listen("state", ({ state, retryAt }) => {
  store.set({ connection: state, retryAt, stamp: store.get("stamp") + 1 });
});

client.listen("config", (config) => {
  const palette = config.palette ?? [];
  if (palette.join() !== store.get("palette").join()) {
    store.set({ palette });
    view.setPalette(palette);
    const wished = store.get("color") ?? settings.get("color");
    store.set({ color: wished !== null && wished < palette.length ? wished : null });
    templates.layer?.measure();
  }
  store.set({ config, loginUrl: loginUrl(config) });
});

client.listen("board", ({ picture }) => {
  const before = store.get("picture");
  const resized = before &&
    (before.width !== picture.width || before.height !== picture.height);
  store.set({ picture, stamp: store.get("stamp") + 1 });
  if (!store.get("past")) view.setPicture(picture);
  if (!before) openLink();
  if (!resized) return;
  toast(t("resized", picture));
  store.set({ selected: null });
});

client.listen("pixels", ({ indices, before }) => {
  const { picture, selected, past } = store.state;
  const now = performance.now();
  heat?.add(indices, now);
  if (!past) {
    view.changed(indices);
    if (settings.get("pulses")) {
      const news = [...indices].filter((index, n) =>
        before[n] !== picture.pixels[index]);
      view.overlay.pulse(news.slice(0, 50), picture.width, now);
    }
  }
  if (!selected || !indices.includes(selected.y * picture.width + selected.x)) return;
  store.set({ stamp: store.get("stamp") + 1 });
  lookup.changed(ownAt(selected));
});

/// A change of this visitor's own needs no asking.
function ownAt({ x, y }) {
  const one = client.pending ?? store.get("verdict");
  return one && one.x === x && one.y === y && performance.now() - one.since < 15000
    ? { seq: one.seq || 1, placed_at: Date.now(), user: client.session.user, own: true }
    : null;
}

store.watch("past", ({ past, picture }) => {
  if (picture) view.setPicture(past ?? picture);
});
store.watch("selected", ({ selected }) => lookup.select(selected));
store.watch("only", ({ only, palette }) => {
  view.show({ only });
  if (only !== null) toast(t("highlighted", { color: colorName(palette, only) }));
});
store.watch("spoken", ({ spoken, picture, palette }) => {
  if (!spoken) return;
  const name = colorName(palette, picture.get(spoken.x, spoken.y));
  setText($("speech"), `${spoken.x}, ${spoken.y}, ${name}`);
});

client.listen("graphics", ({ good }) => {
  if (good && wantedRenderer === "auto") view.upgrade();
});
client.listen("banned", ({ banned, reason: text = "" }) => store.set({
  banned, reason: banned ? { status: "banned", text } : null,
}));
client.listen("message", ({ text }) => store.set({ message: text }));
client.listen("online", ({ online }) => store.set({ online }));
client.listen("pending", () =>
  store.set({ pending: client.pending, now: performance.now() }));
client.listen("player", ({ readOnly }) => {
  if (!readOnly) store.set({ refusedSession: false });
});

client.listen("verdict", (verdict) => {
  const good = verdict.status === "ok" || verdict.status === "duplicate";
  store.set({ pending: null, now: performance.now() });
  toast(t(verdict.status), good ? "good" : verdict.status === "cancelled" ? "" : "bad");
  if (!good) return;
  const { selected } = store.state;
  if (selected?.x === verdict.x && selected?.y === verdict.y)
    lookup.changed(ownAt(verdict));
  if (client.config?.undo_ms)
    import("./undo.js").then((m) => m.offerUndo(app, verdict)).catch(() => {});
});

// Cooldown and notice

let wasCooling = false;

client.listen("cooldown", () => tick());

function tick() {
  const left = client.cooldownLeft();
  if (wasCooling && left <= 0 && store.get("noticeWanted")) {
    notice.tell();
    toast(t("notice_title"), "good");
    store.set({ noticeWanted: false });
  }
  wasCooling = left > 0;
  if (!store.get("noticeWanted") && left > 10000 &&
      (settings.get("bySound") || settings.get("byNotification")))
    store.set({ noticeWanted: true });
  store.set({ now: performance.now() });
  minimap?.update(performance.now());
}

/// Four times a second is enough for a clock; hidden pages are slowed down by
/// the browser anyhow.
setInterval(tick, 250);

store.watch("askNotice", ({ askNotice }) => {
  if (!askNotice) return;
  notice.prepare();
  store.set({ noticeWanted: true });
  toast(t("will_tell"), "good");
});

// The link is the view

const templates = new Templates({ store, view, client, toast }, () => toast(t("panel_failed"), "bad"));
let linkTimer = null;
let teamText = null;

function viewLink(template = teamText) {
  const { camera } = view;
  return writeLink({ ...camera.centre(), scale: camera.scale, template });
}

function writeHash() {
  linkTimer = null;
  if (!store.get("picture") || view.flying) return;
  const hash = viewLink();
  if (hash === location.hash) return;
  try {
    history.replaceState(null, "", hash);
  } catch {
    // Too many in a short time, some browsers say.
  }
}

view.addEventListener("arrived", () => {
  linkTimer ??= setTimeout(writeHash, LINK_MS);
});

/// The place of a shared link, and its template.
function openLink() {
  const { picture, touch } = store.state;
  const link = readLink(location.hash, picture);
  if (link.x !== null) {
    view.move((camera) => camera.moveTo(link.x + 0.5, link.y + 0.5, link.scale));
    if (!touch && link.scale >= 8) store.set({ selected: { x: link.x, y: link.y } });
  }
  if (link.template && link.template !== teamText) {
    teamText = link.template;
    templates.useText(link.template);
  }
}

addEventListener("hashchange", () => store.get("picture") && openLink());

async function copy(text, done) {
  try {
    if (navigator.share && store.get("touch")) {
      await navigator.share({ url: text });
      return;
    }
    await navigator.clipboard.writeText(text);
    toast(t(done), "good");
  } catch {
    toast(text);
  }
}

const pageUrl = (hash) => location.origin + location.pathname + hash;
const share = () => copy(pageUrl(viewLink()), "shared");

async function shareTemplate() {
  const text = await templates.layer?.text();
  if (!text) return;
  teamText = text;
  writeHash();
  await copy(pageUrl(viewLink(text)), "team_copied");
}

store.watch("template", ({ template }) => {
  if (!template) teamText = null;
});

function nextWrong() {
  const at = templates.layer?.next();
  if (!at) return;
  store.set({ selected: at, wanted: at.color });
  placing.chooseColor(at.color);
  view.flyTo(at.x + 0.5, at.y + 0.5);
}

// Signing in is the operator's identity provider's: it sends the visitor back
// with the token in the fragment, and with the state that we gave it.

function loginUrl({ login_url: text }) {
  if (!text) return null;
  try {
    const url = new URL(text, location.href);
    return /^https?:$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/// Fetched when somebody signs in or out, or comes back from it.
const signing = async (what, ...more) =>
  (await import("./signing.js"))[what](app, ...more);
const signIn = () => signing("signIn");
const signOut = () => signing("signOut");
const useToken = (text) => signing("useToken", text);

store.watch("askSignIn", ({ askSignIn }) => askSignIn && signIn());
store.watch("loginUrl refusedSession config stamp", ({ loginUrl: url, config }) => {
  $("sign-in").hidden = !url || Boolean(client.token) && config?.anonymous !== false;
});

// Panels

const app = {
  store, env, client, view, settings, placing, sheet, notice, templates, toast, share,
  shareTemplate, nextWrong, signIn, signOut, useToken,
};

// Fetched when they are first opened.
sheet.add({ id: "pixel", title: "pixel", load: () =>
  import("./panels/pixel.js").then((m) => m.pixelPanel(app)) });
sheet.add({ id: "template", title: "template", load: () =>
  Promise.all([import("./panels/template.js"), templates.get()])
    .then(([m, layer]) => m.templatePanel({ ...app, templates: layer })) });
sheet.add({ id: "layers", title: "layers", load: () =>
  import("./panels/layers.js").then((m) => m.layersPanel(app)) });
sheet.add({ id: "time", title: "time", load: () =>
  import("./panels/time.js").then((m) => m.timePanel(app)) });
sheet.add({ id: "keys", title: "keys", load: () =>
  import("./panels/key_list.js").then((m) => m.keysPanel(app)) });
sheet.add({ id: "moderate", title: "moderate", roles: ["moderator", "operator", "owner"],
            load: () => import("./panels/moderate.js").then((m) => m.moderatePanel(app)) });

function act(action) {
  if (action === "try_now") client.wake();
  else if (action === "to_now") store.set({ past: null });
  else if (action === "sign_in") signIn();
}

await breathe();
createStatus({ client, store, settings, act });
await breathe();
createDock({ store, placing, sheet, client });
await breathe();
listenToKeys({ settings, placing, sheet, store, nextWrong, view, client });

createTools({ store, placing, view, sheet, client });
await breathe();

// The world

addEventListener("storage", ({ key, newValue }) => {
  if (key) client.session.heard(key, newValue);
});
addEventListener("offline", () => client.offline());
addEventListener("online", () => client.wake());
document.addEventListener("visibilitychange", () => client.setHidden(document.hidden));
addEventListener("pageshow", (event) => event.persisted && client.wake());

store.set({ color: settings.get("color") });
if (location.hash.includes("token=")) await signing("takeToken");
await breathe();
await applyLanguage();
applyTheme();
await breathe();
for (const name of ["lock", "minimap", "heat"]) applySetting(name);
layout();
await breathe();
client.start();
if (navigator.onLine === false) client.offline();

// For tests and the curious: reading it is harmless, the edge decides.
Object.assign(window, { stipple: app });
