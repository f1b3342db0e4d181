// SPDX-License-Identifier: Apache-2.0
//
// Layers and settings: what lies on the board, how one is told, how it looks.

import { choice, el, toggle } from "../dom.js";
import { LANGUAGES, colorName, t } from "../strings.js";

const NOTICES = ["byTitle", "bySound", "byVibration", "byNotification"];
const NOTICE_TEXTS = ["by_title", "by_sound", "by_vibration", "by_notification"];

export function layersPanel(app) {
  const { settings, store, notice, view, sheet, client } = app;
  const set = (name) => (value) => settings.set(name, value);
  return {
    id: "layers", title: "layers",
    show(body) {
      const button = (text, onclick) => el("button", { type: "button", onclick }, text);
      const only = el("div");
      body.replaceChildren(
        ...["grid", "heat", "pulses", "minimap", "lock"].map((name) =>
          toggle(t(name), settings.get(name), set(name))),
        store.get("touch") ? "" : toggle(t("quick"), settings.get("quick"), set("quick")),
        only,
        el("div", { class: "buttons" },
           button(t("time"), () => sheet.show("time")),
           button(t("pixel"), () => sheet.show("pixel")),
           button(t("keys"), () => sheet.show("keys")),
           button(t("share"), app.share)),
        el("h3", {}, t("ready_notice")), ...notices(settings, notice, app),
        el("h3", {}, t("theme")),
        choice(t("theme"), { auto: t("theme_auto"), light: t("theme_light"),
                             dark: t("theme_dark") }, settings.get("theme"), set("theme")),
        choice(t("language"), { auto: t("theme_auto"), ...LANGUAGES },
               settings.get("language"), set("language")),
        el("h3", {}, t("account")), ...account(app),
        ...sheet.offered(client.session.roles()).filter(({ roles }) => roles)
          .map(({ id, title }) => el("div", { class: "buttons" },
                                     button(t(title), () => sheet.show(id)))),
        el("p", { class: "soft", id: "drawing" },
           `${t("drawing")}: ${t(view.renderer.kind)}. ` +
           (view.renderer.kind === "canvas" ? `${t("software")}.` : "")));
      return store.watch("only palette", (state) => {
        only.replaceChildren(choice(t("highlight"), {
          none: t("none"),
          ...Object.fromEntries(state.palette.map((_, index) =>
            [`c${index}`, colorName(state.palette, index)])),
        }, state.only === null ? "none" : `c${state.only}`, (value) =>
          store.set({ only: value === "none" ? null : Number(value.slice(1)) })));
      });
    },
  };
}

function notices(settings, notice, { toast }) {
  return NOTICES.map((name, n) => toggle(
    t(NOTICE_TEXTS[n]), settings.get(name), async (value, input) => {
      settings.set(name, value);
      if (!value) return;
      await notice.prepare();
      const denied = name === "byNotification" &&
        (!("Notification" in window) || Notification.permission !== "granted");
      if (!denied) return;
      settings.set(name, false);
      input.checked = false;
      toast(t("not_allowed"), "bad");
    }));
}

/// Helpers are given a token by hand (docs/moderation.md).
function tokenForm({ useToken }) {
  const input = el("input", { type: "password", id: "token", autocomplete: "off", class: "wide" });
  const wrong = el("p", { role: "alert", class: "soft" });
  return el("details", {}, el("summary", {}, t("token_have")), el("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      wrong.textContent = await useToken(input.value) ? "" : t("token_bad");
    },
  }, el("div", { class: "row" }, el("label", { for: "token" }, t("token")), input,
        el("button", { class: "button" }, t("token_use"))), wrong));
}

function account(app) {
  const { client, store, signIn, signOut } = app;
  const { token, user } = client.session;
  const { loginUrl } = store.state;
  const name = client.session.claims().name;
  return [
    el("p", { class: "soft" }, !token ? t("no_account")
      : name ?? t("anonymous", { user: (user ?? "").slice(0, 8) })),
    loginUrl ? el("div", { class: "buttons" }, el("button", {
      type: "button", onclick: name ? signOut : signIn,
    }, name ? t("sign_out") : t("sign_in"))) : "",
    tokenForm(app),
  ];
}
