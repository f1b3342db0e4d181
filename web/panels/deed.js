// SPDX-License-Identifier: Apache-2.0
//
// Before what hurts: a dialog that says what will be done, does it, and tells in words
// if it was not. Trying again is the same action once more.

import { mayTryAgain } from "../admin.js";
import { el } from "../dom.js";
import { t } from "../strings.js";

/// Why not, in words.
export function refusalText({ code, detail }) {
  switch (code) {
  case "role_too_low": return [t("no_role"), detail].filter(Boolean).join(" ");
  case "unauthorized": return t("no_token");
  case "unanswered": return t("no_answer");
  case "unavailable": return t("no_leader");
  case "rate_limited": return t("rate_limited");
  default: return detail ? t("no_sense", { detail }) : t("refused");
  }
}

/**
 * Resolves to the answer if it was done, to null if it was given up.
 * @param {{text: string, label: string,
 *          run: (tell: (how: string) => void) => Promise<any>}} deed  `tell` says how far it is
 */
export function confirmDeed({ text, label, run }) {
  const before = /** @type {HTMLElement} */ (document.activeElement);
  return new Promise((done) => {
    let result = null;
    const wrong = el("p", { role: "alert", class: "wrong" });
    const far = el("p", { role: "status", class: "soft" });
    const yes = el("button", { type: "button", class: "main", id: "deed-do" }, label);
    const no = el("button", { type: "button", onclick: () => box.close() }, t("cancel"));
    const box = el("dialog", {
      id: "deed", "aria-labelledby": "deed-text",
      onkeydown: (event) => event.stopPropagation(), // keys are not the board's here
      oncancel: (event) => yes.disabled && event.preventDefault(), // Escape, meanwhile
      onclose: () => {
        box.remove();
        if (before?.isConnected) before.focus({ preventScroll: true });
        done(result);
      },
    }, el("p", { id: "deed-text" }, text), far, wrong, el("div", { class: "buttons" }, yes, no));
    yes.addEventListener("click", async () => {
      yes.disabled = no.disabled = true;
      yes.textContent = t("working");
      wrong.textContent = "";
      const answer = await run((how) => { far.textContent = how; });
      if (answer.ok) {
        result = answer;
        box.close();
        return;
      }
      far.textContent = "";
      wrong.textContent = refusalText(answer);
      yes.textContent = t("do_again");
      yes.disabled = no.disabled = false;
      yes.hidden = !mayTryAgain(answer);
      (yes.hidden ? no : yes).focus();
    });
    document.body.append(box);
    box.showModal();
    no.focus(); // what hurts is not what Enter does first
  });
}
