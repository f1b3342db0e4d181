// SPDX-License-Identifier: Apache-2.0
//
// The timelapse: a slider over the moments that the server has kept.

import { Picture } from "../board.js";
import { el } from "../dom.js";
import { Past } from "../past.js";
import { currentLocale, t } from "../strings.js";

const STEP_MS = 500;

export function timePanel(app) {
  const { store, env, client, toast } = app;
  const past = new Past(env);
  return {
    id: "time", title: "time",
    show(body) {
      let open = true, playing = null, film = null;
      body.replaceChildren(el("p", { class: "soft" }, t("loading_more")));
      past.moments().then((moments) => {
        if (!open) return;
        if (!moments) {
          body.replaceChildren(el("p", { id: "time-none" }, t("time_none")));
          return;
        }
        build(moments);
      });

      function build(moments) {
        const label = el("p", { id: "time-label" }, t("now"));
        const slider = el("input", {
          type: "range", class: "wide", id: "time", min: 0, max: moments.length,
          step: 1, value: moments.length, "aria-labelledby": "time-label",
          oninput: () => go(),
        });
        const play = el("button", { type: "button", class: "main", onclick: () =>
          playing ? halt() : start() }, t("play"));
        body.replaceChildren(el("p", {}, t("time_intro")), slider, label,
                             el("div", { class: "buttons" }, play,
                                el("button", { type: "button", onclick: () => {
                                  slider.value = moments.length;
                                  go();
                                } }, t("to_now"))));
        const save = el("button", { type: "button", id: "save-part", onclick: async () => {
          save.disabled = true;
          const { savePart } = await import("./time_save.js");
          if (!open) return;
          film = savePart(app, { moments, first: () => Number(slider.value) % moments.length });
          save.replaceWith(film.element);
        } }, t("save_part"));
        body.append(el("div", { class: "buttons" }, save));
        let wanted = 0;

        async function go() {
          const number = Number(slider.value);
          const mine = ++wanted;
          film?.tell();
          if (number === moments.length) {
            label.textContent = t("now");
            store.set({ past: null });
            return;
          }
          const moment = moments[number];
          label.textContent = new Date(moment.taken_at)
            .toLocaleString(currentLocale());
          try {
            const board = await past.at(moment.seq, client.picture);
            if (mine !== wanted || !open) return;
            store.set({ past: new Picture({ ...board, pixels: board.pixels.slice() }) });
          } catch {
            toast(t("time_failed"), "bad");
          }
        }

        function start() {
          if (Number(slider.value) === moments.length) slider.value = 0;
          play.textContent = t("stop");
          playing = setInterval(() => {
            if (Number(slider.value) >= moments.length) return halt();
            slider.value = Number(slider.value) + 1;
            return go();
          }, STEP_MS);
          go();
        }

        function halt() {
          clearInterval(playing);
          playing = null;
          play.textContent = t("play");
        }
      }

      return () => {
        open = false;
        clearInterval(playing);
        film?.end();
        store.set({ past: null });
      };
    },
  };
}
