// SPDX-License-Identifier: Apache-2.0
//
// The dock: the colours, the chosen pixel and the one button.

import { $, el, setText } from "../dom.js";
import { inkOn } from "../renderer/overlay.js";
import { agoText, clockText, colorName, currentLocale, t } from "../strings.js";

const FEW = 16;
const MANY = 32;
const CAPS = "1234567890abcdef";

export function createDock({ store, placing, sheet, client }) {
  $("place").addEventListener("click", () => placing.press());
  $("chip").addEventListener("click", () => {
    if (store.get("touch")) store.set({ painting: !store.get("painting") });
    else focusPalette();
  });
  $("where").addEventListener("click", () => sheet.toggle("pixel"));
  $("palette").addEventListener("keydown", (event) => onPaletteKey(event, store, placing));

  store.watch("palette language", ({ palette }) => showPalette(palette, placing));
  store.watch("color palette recent wanted language", (state) => {
    showChoice(state);
    showRecent(state, placing);
  });
  store.watch("painting", ({ painting }) =>
    document.body.classList.toggle("painting", painting));
  store.watch("selected author picture stamp hover language", showWhere);
  store.watch("now scale sees selected painting color pending config past reason " +
    "touch banned noticeWanted stamp refusedSession language",
              () => showButton(placing, store, client));
}

// Colours

function swatch(palette, index, placing) {
  const name = colorName(palette, index);
  return el("button", {
    type: "button", class: "swatch", role: "radio", "aria-checked": "false",
    "aria-label": t("color_and", { name, number: index }), title: name,
    "data-color": index, tabindex: -1, style: { "background-color": palette[index] },
    onclick: () => placing.chooseColor(index),
  }, index < CAPS.length && palette.length <= FEW
    ? el("span", { class: "cap", "aria-hidden": "true",
                   style: { color: inkOn(palette[index]) } }, CAPS[index]) : null);
}

function showPalette(palette, placing) {
  $("palette").replaceChildren(...palette.map((_, index) =>
    swatch(palette, index, placing)));
  for (const id of ["palette", "recent"]) {
    $(id).classList.toggle("few", palette.length <= FEW);
    $(id).classList.toggle("many", palette.length > MANY);
  }
}

function showChoice({ color, palette, wanted }) {
  for (const button of $("palette").children) {
    const index = Number(button.dataset.color);
    button.setAttribute("aria-checked", String(index === color));
    button.tabIndex = index === (color ?? 0) ? 0 : -1;
    button.classList.toggle("wanted", index === wanted);
  }
  $("chip").style.background = color === null ? "" : palette[color] ?? "";
}

/// Of a large palette, the eight last used come first.
function showRecent({ palette, recent, color }, placing) {
  const shown = palette.length > MANY ? recent.filter((c) => c < palette.length) : [];
  $("recent").hidden = !shown.length;
  $("recent").replaceChildren(...shown.map((index) => {
    const button = swatch(palette, index, placing);
    button.removeAttribute("role");
    button.removeAttribute("aria-checked");
    button.setAttribute("aria-pressed", String(index === color));
    button.tabIndex = 0;
    return button;
  }));
}

export function focusPalette() {
  $("palette").querySelector("[tabindex='0']")?.focus();
}

function onPaletteKey(event, store, placing) {
  const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
  const step = steps[event.key];
  if (event.key === "Enter") {
    placing.press();
  } else if (step) {
    const { palette, color } = store.state;
    placing.chooseColor(((color ?? 0) + step + palette.length) % palette.length);
    focusPalette();
  } else {
    return;
  }
  event.preventDefault();
}

// The chosen pixel

function showWhere({ selected, hover, picture, palette, author, touch }) {
  const at = selected ?? (touch ? null : hover);
  if (!at || !picture || !picture.contains(at.x, at.y)) {
    setText($("coordinates"), t("choose_pixel"));
    setText($("author"), "");
    return;
  }
  const name = colorName(palette, picture.get(at.x, at.y));
  setText($("coordinates"), `${t("pixel_at", at)} ${name}`);
  setText($("author"), at === selected ? authorText(author) : "");
}

/// "3 min ago by you"
export function authorText(author) {
  if (!author || author.failed) return "";
  if (author.changed) return t("changed_now");
  if (!author.seq) return t("nobody");
  const ago = agoText(Math.max(0, Date.now() - author.placed_at));
  const who = author.own ? t("you")
    : author.name ? `\u2068${author.name}\u2069` // its writing is its own
      : author.user?.slice(0, 8);
  return who ? t("by", { ago, who }) : t("unknown_who", { ago });
}

// The button

function showButton(placing, store, client) {
  const button = placing.button();
  const sentence = placing.sentence();
  const text = button.label === "clock" ? clockText(button.values.ms) : t(button.label);
  setText($("place-text"), text);
  const { color, palette, selected } = store.state;
  const label = button.label === "clock"
    ? `${t("place_in", { clock: text })}${button.enabled ? `. ${t("tell_me")}` : ""}`
    : button.label === "place" && selected
      ? `${t("place_color", { color: colorName(palette, color) })} ` +
        t("pixel_at", selected) : text;
  if ($("place").getAttribute("aria-label") !== label)
    $("place").setAttribute("aria-label", label);
  $("place").disabled = !button.enabled || !store.get("picture");
  $("place").dataset.act = button.act;
  const left = client.cooldownLeft();
  const whole = store.get("config")?.cooldown_ms || left;
  $("place-bar").style.transform =
    `scaleX(${left && whole ? Math.max(0, 1 - left / whole) : 0})`;
  showReason(store.state, sentence);
}

/// Why it was refused, or why it cannot be done at all.
function showReason({ reason }, sentence) {
  const blocking = ["not_begun", "over", "paused", "banned", "read_only"];
  const [text, tone] = blocking.includes(sentence.id)
    ? [t(sentence.key ?? sentence.id, {
      ...sentence.values,
      opens: new Date(sentence.values?.opens ?? 0).toLocaleString(currentLocale()),
    }), sentence.tone]
    : reason ? [[t(reason.status), reason.text].filter(Boolean).join(" "), "bad"]
      : ["", ""];
  $("reason").hidden = !text;
  $("reason").dataset.tone = tone;
  $("reason").dataset.id = sentence.id;
  setText($("reason"), text);
}
