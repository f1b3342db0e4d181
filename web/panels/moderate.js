// SPDX-License-Identifier: Apache-2.0
//
// Moderators' panel: people, a box, everybody. The leader decides what a role may do;
// this only offers it. Fetched when a moderator first opens it.

import { Admin } from "../admin.js";
import { el } from "../dom.js";
import { addWords, t } from "../strings.js";
import words from "../strings/moderating.js";
import { confirmDeed } from "./deed.js";
import { boxPart } from "./moderate_box.js";
import { everybodyPart } from "./moderate_everybody.js";
import { peoplePart } from "./moderate_people.js";

const PARTS = { people: peoplePart, box: boxPart, everybody: everybodyPart };

export function moderatePanel(app) {
  addWords(words);
  const admin = new Admin(app.env, () => app.client.token);
  // Kept while the panel is closed.
  const desk = {
    app, admin, part: "people", user: null, box: null,

    /// Asks, does, tells; true if it was done.
    async deed({ text, label, done, method, path, body = null }) {
      const run = admin.action(method, path, body);
      const answer = await confirmDeed({ text, label, run });
      if (answer) app.toast(t(done), "good");
      return Boolean(answer);
    },
    /** @param {string} _part */
    show(_part) {},
  };
  return {
    id: "moderate", title: "moderate",
    show(body) {
      let ending = null;
      const tabs = el("div", { class: "buttons tabs", role: "group", "aria-label": t("moderate") });
      const room = el("div");
      desk.show = (part) => {
        ending?.();
        desk.part = part;
        tabs.replaceChildren(...Object.keys(PARTS).map((name) => el("button", {
          type: "button", "aria-pressed": String(name === part), id: `moderate-${name}`,
          onclick: () => {
            desk.show(name);
            document.getElementById(`moderate-${name}`)?.focus();
          },
        }, t(name))));
        room.replaceChildren();
        ending = PARTS[part](room, desk);
      };
      body.replaceChildren(tabs, room);
      desk.show(desk.part);
      return () => {
        ending?.();
        app.view.show({ boxes: [] });
      };
    },
  };
}
