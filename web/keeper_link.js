// SPDX-License-Identifier: Apache-2.0
//
// The page's end of the keeper's worker.

import { breathe } from "./dom.js";

const START_MS = 8000;
const WORKER_URL = new URL("./worker.js", import.meta.url).href;

/// Under `require-trusted-types-for 'script'` the one script that may be
/// started is named here.
function trusted(url) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  if (!types) return url;
  return types.createPolicy("stipple", {
    createScriptURL: (wanted) => {
      if (wanted !== WORKER_URL) throw new TypeError("not our worker");
      return wanted;
    },
  }).createScriptURL(url);
}

let address = null;

export class KeeperLink {
  constructor() {
    /** @type {Promise<any>} */
    this.line = Promise.resolve();
    this.asked = new Map(); // who waits for an answer: {done, failed}
    this.number = 0; // of the last question
    /** @type {Worker | null} */
    this.worker = null;
    this.begin();
  }

  begin() {
    address ??= trusted(WORKER_URL);
    const worker = this.worker = new Worker(address, { type: "module" });
    // One that cannot be loaded never says a word: the next fetch begins another.
    let dumb = setTimeout(() => this.broken(worker), START_MS);
    worker.addEventListener("error", () => {
      clearTimeout(dumb);
      if (dumb) this.broken(worker);
    });
    worker.addEventListener("message", ({ data }) => {
      clearTimeout(dumb);
      dumb = 0;
      // A whole board is much to take over: what is done with it has its own task.
      if (data.type === "board") this.line = this.line.then(breathe);
      this.line = this.line.then(() => this.told(data)).catch(reportError);
    });
  }

  broken(worker) {
    worker.terminate();
    this.worker = null;
    for (const { failed } of this.asked.values()) failed(new Error("no worker"));
    this.asked.clear();
  }

  told(event) {
    const { done, failed } = this.asked.get(event.number) ?? {};
    this.asked.delete(event.number);
    if (event.type === "fetched" || event.type === "worked") done?.(event.nonce);
    else if (event.type === "failed") failed?.(new Error(event.text));
    else this.hear(event);
  }

  /// Set by the client.
  hear(_event) {}

  /// Has the board fetched, and resolves once it is there; `hear` gets it then.
  fetch(path, cache) {
    return this.ask({ do: "fetch", path, cache });
  }

  /// The nonce that solves an identity's challenge, after some seconds of work.
  work(challenge, bits) {
    return this.ask({ do: "work", challenge, bits });
  }

  ask(question) {
    if (!this.worker) this.begin();
    const number = ++this.number;
    this.worker.postMessage({ ...question, number });
    return new Promise((done, failed) => { this.asked.set(number, { done, failed }); });
  }

  message(bytes) {
    this.worker?.postMessage({ do: "message", bytes }, [bytes.buffer]);
  }

  resend() {
    this.worker?.postMessage({ do: "resend" });
  }
}
