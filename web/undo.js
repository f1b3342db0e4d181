// SPDX-License-Identifier: Apache-2.0
//
// Taking one's own last pixel back, for as long as the server lets. Fetched when
// the first pixel is placed.

import { $, setText } from "./dom.js";
import { ask } from "./net.js";
import { t } from "./strings.js";

let timer;

/// Offers it for a placement that was just accepted.
export function offerUndo(app, verdict) {
  const end = performance.now() + app.client.config.undo_ms;
  const button = $("undo");
  const show = () => {
    const left = end - performance.now();
    button.hidden = left <= 0;
    setText(button, t("undo", { seconds: Math.ceil(left / 1000) }));
    clearTimeout(timer);
    if (left > 0) timer = setTimeout(show, 200);
  };
  button.onclick = async () => {
    clearTimeout(timer);
    button.hidden = true;
    const good = await undo(app, verdict.seq).catch(() => false);
    app.toast(good ? t("undone") : t("undo_refused"), good ? "good" : "bad");
  };
  show();
}

function undo({ client, env }, seq) {
  return ask(env, "/api/v1/undo", async (answer) => {
    if (!answer.ok) return false;
    const { cooldown_ms: ms } = await answer.json();
    client.session.setCooldown(ms);
    return true;
  }, {
    method: "POST", body: JSON.stringify({ seq }),
    headers: {
      Authorization: `Bearer ${client.token}`, "Content-Type": "application/json",
    },
  });
}
