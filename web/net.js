// SPDX-License-Identifier: Apache-2.0
//
// Requests that end: each has a deadline, and a download one for its next bytes,
// since a large board may take its time if it only keeps coming.

export const ANSWER_MS = 8000;
const READING_MS = 5;

/**
 * The answer to a request, body included in the deadline through `read`.
 * Throws if there is none in `ms`.
 * @param {any} env
 * @param {string} path
 * @param {(answer: Response) => Promise<any>} read
 */
export async function ask(env, path, read, options = {}, ms = ANSWER_MS) {
  const abort = new AbortController();
  return inTime(env, ms, abort, async () =>
    read(await env.fetch(path, { ...options, signal: abort.signal })));
}

/// What `run` resolves to, unless `ms` pass first.
async function inTime(env, ms, abort, run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = env.setTimeout(() => {
      abort.abort();
      reject(new Error("no answer in time"));
    }, ms);
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    env.clearTimeout(timer);
  }
}

export function getJson(env, path, options) {
  return ask(env, path, async (answer) => {
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }, options);
}

/// A whole body in parts, as they came. `ms` is for the first bytes, and again for
/// each next ones.
export async function getParts(env, path, options = {}, ms = ANSWER_MS) {
  const abort = new AbortController();
  const step = (run) => inTime(env, ms, abort, run);
  const answer = await step(() =>
    env.fetch(path, { ...options, signal: abort.signal }));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  if (!answer.body) return [new Uint8Array(await step(() => answer.arrayBuffer()))];
  const reader = answer.body.getReader();
  let rested = env.now();
  for (const parts = []; ;) {
    const { done, value } = await step(() => reader.read());
    if (done) return parts;
    parts.push(value);
    // What is there already is read without a pause; a visitor's tap needs one.
    if (env.now() - rested < READING_MS) continue;
    await new Promise((go) => env.setTimeout(go, 0));
    rested = env.now();
  }
}

/// A large board's parts are joined where nobody waits: in the keeper.
export function joined(parts) {
  if (parts.length === 1) return parts[0];
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
