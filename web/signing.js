// SPDX-License-Identifier: Apache-2.0
//
// The way to the operator's identity provider and back: it is told where to return
// to and a state, and sends the visitor back with the token in the fragment.

const LOGIN_KEY = "stipple.login";

export function signIn({ store }) {
  const url = new URL(store.get("loginUrl"));
  const state = crypto.getRandomValues(new Uint32Array(4)).join("-");
  try {
    sessionStorage.setItem(LOGIN_KEY, JSON.stringify({ state, hash: location.hash }));
  } catch {
    // Then its answer cannot be told from a forged one, and is not taken.
  }
  url.searchParams.set("return_to", location.origin + location.pathname);
  url.searchParams.set("state", state);
  location.assign(url.href);
}

export function takeToken({ client }) {
  const values = new URLSearchParams(location.hash.slice(1));
  const token = values.get("token");
  if (!token) return;
  let stored = {};
  try {
    stored = JSON.parse(sessionStorage.getItem(LOGIN_KEY)) ?? {};
    sessionStorage.removeItem(LOGIN_KEY);
  } catch {
    // None was asked for.
  }
  history.replaceState(null, "", stored.hash || location.pathname + location.search);
  if (!stored.state || stored.state !== values.get("state")) return;
  client.session.adopt(token, String(client.session.claims().user ?? ""));
}

/// One that somebody was given by hand, as helpers are; false if it cannot count.
export function useToken({ client }, text) {
  const token = text.trim();
  const before = client.session.token;
  client.session.token = token;
  const { exp, sub, user } = client.session.claims();
  client.session.token = before;
  if (token.split(".").length !== 3 || !sub || !(exp * 1000 > Date.now())) return false;
  client.session.adopt(token, String(user ?? ""));
  location.reload();
  return true;
}

export function signOut({ client }) {
  client.session.forget();
  location.reload();
}
