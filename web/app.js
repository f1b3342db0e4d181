// SPDX-License-Identifier: Apache-2.0
//
// The page: ties the client (connection, board, cooldown) to the view and to
// the controls. All words a visitor reads are here and in index.html.

import { Client } from "./client.js";
import { View } from "./view.js";

const COLOR_KEY = "stipple.color";
const THEME_KEY = "stipple.theme";
const TOAST_MS = 4000;
const LOOK_UP_MS = 350;

const STATES = {
  stopped: "Stopped", loading: "Loading", connecting: "Connecting",
  live: "Live", healing: "Catching up", waiting: "Reconnecting",
};

const VERDICTS = {
  ok: "Placed.",
  duplicate: "Placed.",
  cooldown: "Not yet: your cooldown is still running.",
  out_of_bounds: "That is outside the canvas.",
  bad_color: "That colour is not on the palette.",
  banned: "You may not place here.",
  paused: "The canvas is paused.",
  unauthorized: "You are not signed in. Please try again.",
  rate_limited: "Too fast. Please wait a moment.",
  unavailable: "Placing is not possible right now. Please try again soon.",
};

// The names that people give to r/place's colours.
const NAMES = {
  "#FFFFFF": "white", "#E4E4E4": "light grey", "#888888": "grey",
  "#222222": "black", "#000000": "black", "#FFA7D1": "pink", "#E50000": "red",
  "#E59500": "orange", "#A06A42": "brown", "#E5D900": "yellow",
  "#94E044": "light green", "#02BE01": "green", "#00D3DD": "cyan",
  "#0083C7": "blue", "#0000EA": "dark blue", "#CF6EE4": "magenta",
  "#820080": "purple",
};

const $ = (id) => document.getElementById(id);

/// localStorage, or memory where the browser forbids it.
function openStorage() {
  try {
    localStorage.setItem("stipple.test", "1");
    localStorage.removeItem("stipple.test");
    return localStorage;
  } catch {
    const held = new Map();
    return {
      getItem: (key) => held.get(key) ?? null,
      setItem: (key, value) => held.set(key, value),
      removeItem: (key) => held.delete(key),
    };
  }
}

const storage = openStorage();
const client = new Client({
  fetch: (...args) => fetch(...args),
  WebSocket,
  storage,
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (...args) => setTimeout(...args),
  clearTimeout: (id) => clearTimeout(id),
  origin: location.origin,
});
const view = new View($("canvas"));

let color = Number(storage.getItem(COLOR_KEY) ?? NaN);
let palette = [];
let paused = false;

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

function say(text) {
  $("speech").textContent = text;
}

function colorName(index) {
  const hex = palette[index];
  return NAMES[hex?.toUpperCase()] ?? hex ?? "unknown";
}

function clockText(ms) {
  const seconds = Math.ceil(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return (hours ? `${hours}:${two(minutes)}` : String(minutes)) +
    `:${two(seconds % 60)}`;
}

function agoText(ms) {
  const minutes = Math.floor(ms / 60000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return `${Math.floor(minutes / 1440)} days ago`;
}

// The palette

function chooseColor(index, focus = false) {
  if (!(index >= 0 && index < palette.length)) return;
  color = index;
  storage.setItem(COLOR_KEY, String(index));
  $("palette").childNodes.forEach((swatch, i) => {
    swatch.setAttribute("aria-checked", String(i === index));
    swatch.tabIndex = i === index ? 0 : -1;
    if (i === index && focus) swatch.focus();
  });
  view.setPreview(index);
  showButton();
}

function showPalette(colors) {
  if (colors.join() === palette.join()) return;
  palette = colors;
  view.setPalette(palette);
  const swatches = palette.map((hex, i) => {
    const swatch = document.createElement("button");
    swatch.type = "button";
    swatch.className = "swatch";
    swatch.style.backgroundColor = hex;
    swatch.setAttribute("role", "radio");
    swatch.setAttribute("aria-checked", "false");
    swatch.setAttribute("aria-label", colorName(i));
    swatch.title = colorName(i);
    swatch.tabIndex = i === 0 ? 0 : -1;
    swatch.addEventListener("click", () => chooseColor(i));
    return swatch;
  });
  $("palette").replaceChildren(...swatches);
  $("palette").classList.toggle("many", palette.length > 16);
  if (color < palette.length) chooseColor(color);
}

$("palette").addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
  const step = steps[event.key];
  if (event.key === "Enter") {
    place();
  } else if (step) {
    const from = color >= 0 ? color : 0;
    chooseColor((from + step + palette.length) % palette.length, true);
  } else {
    return;
  }
  event.preventDefault();
});

// The button

function showButton() {
  const left = client.cooldownLeft();
  const text = client.pending ? "Placing…"
    : paused ? "Paused"
      : left ? clockText(left) : "Place";
  if ($("place-text").textContent !== text) $("place-text").textContent = text;
  $("place").setAttribute("aria-label", left && !client.pending
    ? `Place, in ${clockText(left)}` : text);
  $("place").disabled = !view.cursor || !(color >= 0) || left > 0 ||
    Boolean(client.pending) || paused;
  const whole = client.config?.cooldown_ms || left;
  $("place-bar").style.transform =
    `scaleX(${left ? Math.max(0, 1 - left / whole) : 0})`;
}

let countdown;

/// Counts down only while there is something to count.
function runCountdown() {
  clearTimeout(countdown);
  showButton();
  const left = client.cooldownLeft();
  if (left) countdown = setTimeout(runCountdown, left % 250 || 250);
}

function place() {
  if ($("place").disabled) return;
  const { x, y } = view.cursor;
  client.place(x, y, color);
  showButton();
}

$("place").addEventListener("click", place);

// The chosen pixel

let lookUp;

async function showHistory(x, y) {
  $("history").textContent = "";
  try {
    const answer = await fetch(`/api/v1/pixels/${x}/${y}`);
    if (!answer.ok || view.cursor?.x !== x || view.cursor?.y !== y) return;
    const pixel = await answer.json();
    $("history").textContent = pixel.seq
      ? `${agoText(Date.now() - pixel.placed_at)} by ${pixel.user.slice(0, 8)}`
      : "nobody yet";
  } catch {
    // Who placed a pixel is a courtesy: without it the line stays short.
  }
}

function showCursor({ x, y, how }) {
  const name = colorName(client.board.get(x, y));
  $("coordinates").textContent = `(${x}, ${y}) ${name}`;
  if (how === "key") say(`${x}, ${y}, ${name}`);
  history.replaceState(null, "", `#${x},${y},${view.scale.toFixed(2)}`);
  clearTimeout(lookUp);
  lookUp = setTimeout(showHistory, LOOK_UP_MS, x, y);
  showButton();
}

view.addEventListener("select", ({ detail }) => showCursor(detail));

/// "#x,y" or "#x,y,scale" of a shared link.
function readHash() {
  const [x, y, scale] = location.hash.slice(1).split(",").map(Number);
  if (!client.board?.contains(x, y)) return;
  view.centre(x + 0.5, y + 0.5, scale > 0 ? scale : 16);
  view.select({ x, y });
}

window.addEventListener("hashchange", readHash);

$("canvas").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    const chosen = $("palette").querySelector("[tabindex='0']");
    if (event.key === "Enter") chosen?.focus();
    else place();
  }
});

// The other controls

$("zoom-in").addEventListener("click", () => view.zoom(2));
$("zoom-out").addEventListener("click", () => view.zoom(0.5));
$("fit").addEventListener("click", () => view.fit());

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  requestAnimationFrame(() => view.draw());
}

$("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement)
    .getPropertyValue("--ground").trim() === "#12151c";
  const theme = dark ? "light" : "dark";
  storage.setItem(THEME_KEY, theme);
  setTheme(theme);
});

matchMedia("(prefers-color-scheme: dark)")
  .addEventListener("change", () => setTheme());

// What the client tells

client.listen("state", ({ state, text }) => {
  $("connection").dataset.state = state;
  $("connection").title = text;
  $("connection-text").textContent = STATES[state];
  showButton();
});

client.listen("config", (config) => {
  paused = config.paused;
  showPalette(config.palette);
  runCountdown();
});

let readHashOnce = readHash;

client.listen("board", ({ board }) => {
  view.insets = {
    top: document.querySelector(".bar").getBoundingClientRect().bottom,
    bottom: window.innerHeight -
      document.querySelector(".dock").getBoundingClientRect().top,
  };
  view.setBoard(board);
  readHashOnce();
  readHashOnce = () => {};
});

client.listen("pixels", ({ indices }) => {
  view.changed(indices);
  const at = view.cursor;
  if (!at || !indices.includes(at.y * client.board.width + at.x)) return;
  showCursor({ ...at, how: "change" });
});

client.listen("online", ({ online }) => {
  $("online").hidden = false;
  $("online-count").textContent = online.toLocaleString();
});

client.listen("cooldown", runCountdown);
client.listen("pending", showButton);

client.listen("verdict", ({ status }) => {
  const good = status === "ok" || status === "duplicate";
  toast(VERDICTS[status] ?? "Not placed.", good ? "good" : "bad");
  runCountdown();
});

window.addEventListener("online", () => client.wake());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) client.wake();
});

setTheme(storage.getItem(THEME_KEY));
client.start();
