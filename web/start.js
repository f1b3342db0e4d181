// SPDX-License-Identifier: Apache-2.0
//
// Begins the page. A network that changes under it, as a phone's does that leaves its
// Wi-Fi, fails some of its files, and a module that failed is not asked for again: the
// page is then loaded anew, once the server answers, and more and more seldom if that
// does not help.

const KEY = "stipple.starts";
const SELDOM_MS = 60000;

/// How often it failed in this tab before; some times if that cannot be told.
function failures(change) {
  try {
    const count = Number(sessionStorage.getItem(KEY)) || 0;
    sessionStorage.setItem(KEY, String(change(count)));
    return count;
  } catch {
    return 3;
  }
}

async function again(ms) {
  await new Promise((done) => { setTimeout(done, ms); });
  try {
    const answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (answer.ok) return location.reload();
  } catch {
    // Away, or offline.
  }
  return again(Math.min(SELDOM_MS, ms * 2));
}

import("./app.js").then(() => failures(() => 0), () => {
  const connection = document.getElementById("connection");
  if (connection) connection.textContent = "Reconnecting";
  again(Math.min(SELDOM_MS, 1000 * 2 ** failures((count) => count + 1)));
});
