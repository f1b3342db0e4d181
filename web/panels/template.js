// SPDX-License-Identifier: Apache-2.0
//
// The template panel: a template's source, its progress, how it is shown.

import { $, choice, el, tint } from "../dom.js";
import { colorName, t } from "../strings.js";

const MODES = ["ghost", "dots", "wrong", "one_color", "numbers"];

export function templatePanel(app) {
  return {
    id: "template", title: "template",
    show(body) {
      let had = null;
      /** @type {any} */
      let parts = {};
      return app.store.watch("template color", () => {
        const has = Boolean(app.templates.template);
        if (has !== had) parts = build(body, app, has);
        had = has;
        if (has) update(parts, app);
      });
    },
  };
}

function build(body, app, has) {
  const { templates } = app;
  const url = el("input", {
    type: "url", id: "template-url", placeholder: "https://…", class: "wide" });
  const choose = el("button", {
    type: "button", class: has ? null : "main", onclick: () => $("file").click(),
  }, t("choose_file"));
  const source = [
    el("div", { class: "buttons" }, choose),
    el("p", { class: "soft" }, t("drop_or_paste")),
    el("form", { onsubmit: (event) => {
      event.preventDefault();
      templates.openUrl(url.value);
    } }, el("label", { for: "template-url" }, t("template_link")),
       el("div", { class: "row" }, url, el("button", { class: "button" }, t("load")))),
  ];
  if (!has) {
    body.replaceChildren(el("p", {}, t("template_intro")), ...source);
    return {};
  }
  const parts = {
    text: el("p", { id: "template-progress" }),
    bar: el("progress", { max: 1, value: 0, "aria-labelledby": "template-progress" }),
    colors: el("ul", { class: "list" }), x: number("x", app), y: number("y", app),
  };
  body.replaceChildren(
    parts.text, parts.bar,
    el("div", { class: "buttons" },
       el("button", { type: "button", class: "main", id: "next-wrong",
                      onclick: app.nextWrong }, t("next_wrong")),
       el("button", { type: "button", onclick: app.shareTemplate }, t("team_link"))),
    modes(app), strength(app), place(app, parts),
    el("h3", {}, t("by_color")), parts.colors,
    el("div", { class: "buttons" },
       el("button", { type: "button", onclick: () => templates.save() }, t("team_file")),
       el("button", { type: "button", onclick: () => templates.remove() }, t("remove"))),
    ...source);
  return parts;
}

function update({ text, bar, colors, x, y }, { templates, store }) {
  const { palette } = store.state;
  const { total, done, colors: each } = templates.template.progress();
  const percent = total ? Math.floor(100 * done / total) : 100;
  text.textContent = t("progress", { done, total, percent });
  bar.value = total ? done / total : 1;
  if (document.activeElement !== x) x.value = templates.template.x;
  if (document.activeElement !== y) y.value = templates.template.y;
  colors.replaceChildren(...each.map((one) => el(
    "li", {}, tint(palette[one.color]),
    el("span", {}, colorName(palette, one.color)), `${one.done} / ${one.total}`)));
}

function number(axis, { templates }) {
  return el("input", {
    type: "number", step: 1, "aria-label": axis, value: templates.template[axis],
    onchange: (event) => {
      const value = Math.trunc(Number(event.target.value));
      if (!Number.isFinite(value)) return;
      const { x, y } = templates.template;
      templates.move(axis === "x" ? value : x, axis === "y" ? value : y);
    },
  });
}

function modes({ templates }) {
  const row = choice(t("show_as"), Object.fromEntries(MODES.map((mode) => [mode, t(mode)])),
                     templates.mode, (mode) => {
                       templates.mode = mode;
                       templates.paint();
                     });
  row.querySelector("select").id = "template-mode";
  return row;
}

function strength({ templates }) {
  return el("label", { class: "row" }, el("span", {}, t("strength")), el("input", {
    type: "range", min: 0.15, max: 1, step: 0.05, value: templates.alpha,
    oninput: (event) => {
      templates.alpha = Number(event.target.value);
      templates.paint();
    },
  }));
}

function place({ templates }, parts) {
  const enlarged = el("input", {
    type: "number", min: 1, max: 64, step: 1, value: templates.enlarged,
    onchange: (event) => {
      templates.enlarged = Math.min(64, Math.max(1, Math.trunc(event.target.value) || 1));
      templates.snap();
    },
  });
  return el("div", {},
    el("div", { class: "row" }, el("span", {}, t("position")), parts.x, parts.y),
    el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => {
      const { x, y } = templates.middle(templates.template);
      templates.move(x, y);
    } }, t("place_here"))),
    templates.source ? el("label", { class: "row" }, el("span", {}, t("enlarged")),
                          enlarged) : null);
}
