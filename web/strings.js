// SPDX-License-Identifier: Apache-2.0
//
// Every word of the page, by language. English is complete and what is missing
// elsewhere falls back to it; `{name}` is filled in. A key that ends in `_one` is
// taken if the plural rules say so for `count`.

export const en = {
  title: "Stipple",
  description: "One canvas, everybody's. Set a pixel.",
  board_label: "The canvas. Arrow keys choose a pixel, Shift with them moves by ten, plus and minus zoom, Home shows all, Enter goes to the colours.",
  announcement: "Announcement",
  needs_script: "Placing needs JavaScript. This is the canvas:",
  // Connection
  loading: "Loading the canvas…",
  away: "The server does not answer. Next try in {seconds} s.",
  connecting: "Connecting…",
  live: "Live",
  stale: "No news for {seconds} s",
  waiting: "Reconnecting in {seconds} s. You see the canvas as of {asOf}.",
  healing: "Catching up…",
  offline: "You are offline. You see the canvas as of {asOf}.",
  resting: "Resting while you were away",
  blocked: "Placing works; the picture is up to 10 s late, because this network blocks WebSockets.",
  resized: "The canvas now has {width} × {height} pixels.",
  software: "Drawn without WebGL",
  try_now: "Try now",
  viewers: "{count} viewers", viewers_one: "{count} viewer",
  short_loading: "Loading", short_away: "Away", short_connecting: "Connecting",
  short_live: "Live", short_stale: "Stale", short_waiting: "Reconnecting",
  short_healing: "Catching up", short_offline: "Offline", short_resting: "Resting",
  short_blocked: "Late",
  // Placing
  zoom_in: "Zoom in", paint_here: "Paint here", choose_pixel: "Choose a pixel",
  choose_color: "Choose a colour", place: "Place", place_color: "Place {color}",
  go_there: "Show it",
  place_in: "Place, in {clock}",
  sending: "Placing…", cancel: "Cancel",
  cooling: "You may place again in {clock}.",
  ready: "Ready to place", past: "You are looking at the past.",
  to_now: "Back to now",
  not_begun: "Not begun: it opens {opens}.", over: "It is over. Thank you for each pixel.",
  paused: "The canvas is paused.", paused_words: "Paused: {announcement}",
  banned: "You may not place here.", banned_reason: "You may not place here: {reason}",
  read_only: "You can look. To place, sign in.",
  sign_in: "Sign in", sign_out: "Sign out",
  tell_me: "Tell me", will_tell: "You will be told when you may place again.",
  short_paused: "Paused", short_banned: "Banned", short_read_only: "Read-only",
  short_not_begun: "Not yet", short_over: "Over", short_past: "The past",
  undo: "Undo ({seconds})", undone: "Undone.", undo_refused: "It can no longer be undone.",
  placed_there: "placed there now", you: "you", pixel_at: "({x}, {y})",
  by: "{ago} by {who}", nobody: "nobody yet", just_now: "just now",
  changed_now: "changed just now", unknown_who: "placed {ago}",
  minutes_ago: "{count} min ago", hours_ago: "{count} h ago",
  days_ago: "{count} days ago", days_ago_one: "{count} day ago",
  nudge_left: "One pixel to the left", nudge_right: "One pixel to the right",
  nudge_up: "One pixel up", nudge_down: "One pixel down",
  close: "Close", back: "Back",
  panel_failed: "That cannot be loaded right now.",
  // Verdicts
  ok: "Placed.", duplicate: "Placed.", cancelled: "No longer waiting. It may be placed all the same.",
  cooldown: "Not yet: your cooldown is still running.",
  out_of_bounds: "That is outside the canvas.",
  bad_color: "That colour is not on the palette.",
  unauthorized: "You are not signed in.", rate_limited: "Too fast. Please wait a moment.",
  unavailable: "Placing is not possible right now. Please try again soon.",
  protected: "This place is protected: it stays as it is.",
  too_late: "It was too late for that.",
  refused: "It was not placed.", unknown: "It was not placed.",
  // Tools
  fit: "Show the whole canvas", zoom_in_tool: "Zoom in", zoom_out_tool: "Zoom out",
  template: "Template", layers: "Layers and settings", time: "Timelapse",
  keys: "Keys", share: "Share this view", shared: "The link is copied.",
  share_here: "Copy the link to this view", goto: "Go to",
  goto_label: "Pixel, as x,y", goto_bad: "That is no pixel of this canvas.",
  pixel: "Pixel", colors: "Colours", recent: "Recent",
  color_and: "{name}, number {number}", key_for: "key {key}",
  // Pixel
  history: "History", no_history: "This server keeps no list of earlier placements here.",
  color_row: "Colour", who_row: "Placed by", when_row: "When", number_row: "Placement number",
  highlight: "Highlight", none: "None",
  highlight_this: "Highlight this colour", highlight_none: "Highlight none",
  highlighted: "Only {color} is shown in colour", take_color: "Take this colour",
  report: "Report", more: "Older",
  loading_more: "Loading…", lookup_failed: "Who placed it cannot be told right now.",
  // Template
  template_intro: "A picture to draw after. It stays on this device; nothing is uploaded.",
  choose_file: "Choose a picture", drop_or_paste: "or drop one on the canvas, or paste it.",
  template_link: "Link to a picture", load: "Load",
  template_bad: "That is no picture this page can read.",
  template_large: "That picture is too large.",
  template_host: "Pictures from there are not allowed on this server.",
  position: "Position", place_here: "To the middle", enlarged: "Enlarged by",
  show_as: "Show as", ghost: "Ghost", dots: "Dots", wrong: "Wrong only",
  one_color: "One colour", numbers: "Numbers", strength: "Strength",
  progress: "{done} of {total} pixels are right ({percent} %)",
  next_wrong: "Next wrong pixel", all_right: "All of it is right.",
  team_link: "Copy a link for the team", team_copied: "The link holds the template. Pass it on.",
  team_large: "This template is too large for a link. Share the file and the position.",
  team_file: "Save as a picture", remove: "Remove", by_color: "By colour",
  template_offered: "This link brings a template.", hidden: "Hidden",
  // Layers
  grid: "Grid", heat: "Heat map", pulses: "Pulses of new pixels", minimap: "Minimap",
  lock: "Lock the view", quick: "Quick mode: one click places",
  ready_notice: "When I may place again", by_title: "Show it in the title",
  by_sound: "Play a sound", by_vibration: "Vibrate", by_notification: "Notify me",
  not_allowed: "The browser does not allow it.",
  theme: "Appearance", theme_auto: "As the system", theme_light: "Light", theme_dark: "Dark",
  language: "Language", drawing: "Drawing", webgl: "WebGL", canvas: "Canvas",
  notice_title: "You may place again", account: "Account", anonymous: "Anonymous player {user}",
  no_account: "You get an identity with your first pixel.",
  token: "Token", token_have: "I have a token", token_use: "Use it", token_bad: "That is no token that counts.",
  moderate: "Moderation",
  // Time
  time_intro: "Slide back to see the canvas as it was.",
  time_none: "This server does not offer its past.",
  time_at: "{time}", now: "Now", time_failed: "That moment cannot be loaded right now.",
  play: "Play", stop: "Stop", save_part: "Save a part as a film",
  // Keys
  key_colors: "Colours", key_quick: "Quick mode", key_eyedropper: "Take the colour under the mouse",
  key_grid: "Grid", key_template: "Template", key_next: "Next wrong pixel", key_heat: "Heat map",
  key_lock: "Lock the view", key_goto: "Go to a pixel", key_help: "This list",
  key_back: "Back", key_moderate: "Moderation", key_arrows: "Choose a pixel; with Shift by ten", key_zoom: "Zoom",
  key_home: "Show all", key_place: "Place, or go to the colours",
  // Colours
  white: "white", light_grey: "light grey", grey: "grey", black: "black", pink: "pink",
  red: "red", orange: "orange", brown: "brown", yellow: "yellow",
  light_green: "light green", green: "green", cyan: "cyan", blue: "blue",
  dark_blue: "dark blue", magenta: "magenta", purple: "purple",
  event_opens: "Opens in {clock}", event_closes: "Closes in {clock}",
};

export const LANGUAGES = { en: "English", de: "Deutsch" };

/// Tables that are there; others are fetched when they are chosen.
const tables = { en };
/** @type {Record<string, Record<string, string>>} */
const added = {};

/// The words of a part that was fetched later: {en: {…}, de: {…}}.
export function addWords(words) {
  for (const tag of Object.keys(words)) added[tag] = { ...added[tag], ...words[tag] };
}

let language = "en";
let plural = new Intl.PluralRules("en");

/// The first of the wished languages that there is; English if its table cannot
/// be had right now.
export async function chooseLanguage(wished) {
  const chosen = wished.map((tag) => tag.slice(0, 2))
    .find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? "en";
  try {
    tables[chosen] ??= (await import(`./strings/${chosen}.js`)).default;
    language = chosen;
  } catch {
    language = "en";
  }
  plural = new Intl.PluralRules(language);
  return language;
}

/// For numbers and times: the visitor's own kind of that language.
export const currentLocale = () =>
  navigator.language?.startsWith(language) ? navigator.language : language;

const find = (key) => tables[language][key] ?? added[language]?.[key];

/**
 * The text of a key, filled in; a value may be a function that makes it.
 * @param {string} key
 * @param {Record<string, any>} values
 */
export function t(key, values = {}) {
  const one = "count" in values && plural.select(values.count) === "one"
    ? find(`${key}_one`) : undefined;
  const text = one ?? find(key) ?? en[key] ?? added.en?.[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = typeof values[name] === "function" ? values[name]() : values[name];
    // The first use of a locale costs much: not for numbers that need none.
    return value >= 1000 ? value.toLocaleString(currentLocale()) : String(value ?? "");
  });
}

// The names that people give to r/place's colours.
const NAMES = {
  "#FFFFFF": "white", "#E4E4E4": "light_grey", "#888888": "grey", "#222222": "black",
  "#000000": "black", "#FFA7D1": "pink", "#E50000": "red", "#E59500": "orange",
  "#A06A42": "brown", "#E5D900": "yellow", "#94E044": "light_green",
  "#02BE01": "green", "#00D3DD": "cyan", "#0083C7": "blue", "#0000EA": "dark_blue",
  "#CF6EE4": "magenta", "#820080": "purple",
};

/// A colour's name; its hex value if it has none.
export function colorName(palette, index) {
  const hex = palette[index];
  if (!hex) return t("hidden");
  const name = NAMES[hex.toUpperCase()];
  return name ? t(name) : hex;
}

export function clockText(ms) {
  const seconds = Math.ceil(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return (hours ? `${hours}:${two(minutes)}` : String(minutes)) +
    `:${two(seconds % 60)}`;
}

export function agoText(ms) {
  const minutes = Math.floor(ms / 60000);
  if (minutes < 1) return t("just_now");
  if (minutes < 60) return t("minutes_ago", { count: minutes });
  if (minutes < 48 * 60) return t("hours_ago", { count: Math.floor(minutes / 60) });
  return t("days_ago", { count: Math.floor(minutes / 1440) });
}

/// Fills every [data-t] and [data-t-label] below `root`.
export function localize(root) {
  for (const element of root.querySelectorAll("[data-t]"))
    element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-label]")) {
    const text = t(element.dataset.tLabel);
    element.setAttribute("aria-label", text);
    if (element.matches("button")) element.title = text;
  }
}
