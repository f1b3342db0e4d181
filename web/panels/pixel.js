// SPDX-License-Identifier: Apache-2.0
//
// The pixel panel: what is there, who placed it, and what was there before.

import { el, tint } from "../dom.js";
import { ask } from "../net.js";
import { agoText, colorName, currentLocale, t } from "../strings.js";

export function pixelPanel({ store, env, placing, share }) {
  return {
    id: "pixel", title: "pixel",
    show(body) {
      let shown = null;
      const facts = el("div"), history = el("div");
      body.append(facts, gotoForm(store, placing), history);
      const draw = (state) => {
        facts.replaceChildren(...describe(state, placing, store, share));
        const key = state.selected && `${state.selected.x},${state.selected.y}`;
        if (key === shown) return;
        shown = key;
        history.replaceChildren();
        if (state.selected) showHistory(history, state, env);
      };
      return store.watch("selected author stamp only", draw);
    },
  };
}

function describe(state, placing, store, share) {
  const { selected, picture, palette, author, config, only } = state;
  if (!selected) return [el("p", { class: "soft" }, t("choose_pixel"))];
  const color = picture.get(selected.x, selected.y);
  const rows = [
    [t("pixel"), t("pixel_at", selected)],
    [t("color_row"), [tint(palette[color]), ` ${colorName(palette, color)} (${color})`]],
  ];
  if (author?.seq) {
    rows.push([t("who_row"), author.own ? t("you")
      : el("bdi", {}, author.name ?? author.user ?? "")],
              [t("when_row"), agoText(Math.max(0, Date.now() - author.placed_at))],
              [t("number_row"), author.seq.toLocaleString(currentLocale())]);
  } else if (author?.changed) {
    rows.push([t("when_row"), t("changed_now")]);
  } else if (author && !author.failed) {
    rows.push([t("who_row"), t("nobody")]);
  }
  const list = el("dl");
  for (const [name, value] of rows)
    list.append(el("dt", {}, name), el("dd", {}, ...[value].flat()));
  const report = config?.report_url && author?.seq ? el("a", {
    class: "button", target: "_blank", rel: "noreferrer",
    href: safeUrl(config.report_url, { ...selected, seq: author.seq }),
  }, t("report")) : null;
  return [
    list, author?.failed ? el("p", { class: "soft" }, t("lookup_failed")) : "",
    el("div", { class: "buttons" },
       el("button", { type: "button", onclick: () => placing.chooseColor(color) },
          t("take_color")),
       el("button", {
         type: "button", "aria-pressed": String(only === color),
         onclick: () => store.set({ only: only === color ? null : color }),
       }, only === color ? t("highlight_none") : t("highlight_this")),
       el("button", { type: "button", onclick: share }, t("share_here")), report),
  ].filter(Boolean);
}

function safeUrl(base, values) {
  try {
    const url = new URL(base, location.href);
    if (!/^https?:$/.test(url.protocol)) return "#";
    for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
    return url.href;
  } catch {
    return "#";
  }
}

/// A page of its earlier placements, newest first: {placements, before}, or null
/// if there is no answer.
function fetchHistory(env, { x, y }, before = null) {
  const query = before ? `?before=${before}` : "";
  return ask(env, `/api/v1/pixels/${x}/${y}/history${query}`, (answer) =>
    answer.ok ? answer.json() : null).catch(() => null);
}

async function showHistory(box, { selected, palette }, env) {
  box.append(el("h3", {}, t("history")), el("p", { class: "soft" }, t("loading_more")));
  const first = await fetchHistory(env, selected);
  if (!first) {
    box.replaceChildren(el("h3", {}, t("history")),
                        el("p", { class: "soft" }, t("no_history")));
    return;
  }
  const list = el("ul", { class: "list" });
  box.replaceChildren(el("h3", {}, t("history")), list);
  const add = (page) => {
    for (const one of page.placements)
      list.append(el("li", {}, tint(palette[one.color]),
                     el("span", {}, one.name ?? one.user?.slice(0, 8) ?? ""),
                     agoText(Math.max(0, Date.now() - one.placed_at))));
    if (!page.before) return;
    const more = el("button", { type: "button", class: "button", onclick: async () => {
      more.remove();
      const next = await fetchHistory(env, selected, page.before);
      if (next) add(next);
      else box.append(more);
    } }, t("more"));
    box.append(more);
  };
  add(first);
}

function gotoForm(store, placing) {
  const input = el("input", {
    type: "text", id: "goto", inputmode: "text", autocomplete: "off",
    placeholder: "490,500", "aria-label": t("goto_label"), size: 11,
  });
  const wrong = el("p", { role: "alert", class: "soft" });
  return el("form", {
    onsubmit: (event) => {
      event.preventDefault();
      const [x, y] = input.value.trim().split(/[\s,;]+/).map(Number);
      const { picture } = store.state;
      const ok = picture?.contains(x, y);
      wrong.textContent = ok ? "" : t("goto_bad");
      if (ok) placing.goTo({ x, y });
    },
  }, el("div", { class: "row" }, el("label", { for: "goto" }, t("goto")), input,
        el("button", { class: "button" }, "→")), wrong);
}
