// SPDX-License-Identifier: Apache-2.0
//
// Signing in with a real OpenID Connect provider (oidc-provider) on this machine.
// The page knows nothing of OpenID Connect: login_url is a small relying party,
// here as an operator would have it, that goes to the provider and comes back
// with the ID token. The edge knows the provider's keys (jwks_file).
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import Provider from "oidc-provider";

import { Cluster, launchChromium, live, openPage, until } from "./support.mjs";

const CLIENT = "stipple";
const servers = [];
let browser, cluster, folder;

async function listen(handler) {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return `http://127.0.0.1:${server.address().port}`;
}

/// The provider: whoever gives a name is who they say.
async function startProvider(callback, jwk) {
  let handle = null;
  const issuer = await listen((request, response) => handle(request, response));
  const provider = new Provider(issuer, {
    clients: [{
      client_id: CLIENT, redirect_uris: [callback], response_types: ["code"],
      grant_types: ["authorization_code"], token_endpoint_auth_method: "none",
      id_token_signed_response_alg: "ES256",
    }],
    jwks: { keys: [jwk] },
    cookies: { keys: ["of this test alone"] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
  });
  handle = provider.callback();
  return issuer;
}

/// The relying party behind login_url.
async function startParty() {
  const waiting = new Map(); // state at the provider: who waits
  const party = { issuer: "", url: "" };
  const begin = (url, response) => {
    const state = randomBytes(16).toString("hex");
    const verifier = randomBytes(32).toString("base64url");
    waiting.set(state, {
      verifier, back: url.searchParams.get("return_to"), mine: url.searchParams.get("state"),
    });
    const query = new URLSearchParams({
      client_id: CLIENT, response_type: "code", scope: "openid", state,
      redirect_uri: `${party.url}/callback`, code_challenge_method: "S256",
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    });
    response.writeHead(302, { Location: `${party.issuer}/auth?${query}` }).end();
  };
  const finish = async (url, response) => {
    const { verifier, back, mine } = waiting.get(url.searchParams.get("state"));
    const answer = await fetch(`${party.issuer}/token`, {
      method: "POST", body: new URLSearchParams({
        client_id: CLIENT, grant_type: "authorization_code", code_verifier: verifier,
        code: url.searchParams.get("code"), redirect_uri: `${party.url}/callback`,
      }),
    });
    const { id_token: token } = await answer.json();
    const hash = new URLSearchParams({ token, state: mine });
    response.writeHead(302, { Location: `${back}#${hash}` }).end();
  };
  party.url = await listen((request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    if (url.pathname === "/login") begin(url, response);
    else finish(url, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  return party;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "stipple-signing-"));
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const named = (key) => ({ ...key.export({ format: "jwk" }), kid: "1", use: "sig", alg: "ES256" });
  writeFileSync(join(folder, "jwks.json"), JSON.stringify({ keys: [named(publicKey)] }));
  const party = await startParty();
  party.issuer = await startProvider(`${party.url}/callback`, named(privateKey));
  browser = await launchChromium();
  cluster = await Cluster.up("--size", "64x64", "--cooldown", "0", "--set", "anonymous=off",
    "--set", `jwks_file=${join(folder, "jwks.json")}`,
    "--set", `login_url=${party.url}/login`);
});

after(async () => {
  await browser?.close();
  await cluster?.down();
  for (const server of servers) server.close().closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

test("a visitor signs in with the operator's provider, and plays", async () => {
  const page = await openPage(browser, cluster.url, { path: "/#5,5,24" });
  await page.locator("#place", { hasText: "Sign in" }).click();
  await page.locator("input[name=login]").fill("dora");
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  await page.waitForLoadState();
  const agree = page.locator("button[type=submit]");
  await agree.waitFor();
  await agree.click();
  await live(page);
  assert.equal(new URL(page.url()).hash.includes("token"), false);
  await until(page, () => Boolean(window.stipple.client.token));
  await page.evaluate(() => window.stipple.client.place(5, 5, 6));
  await until(page, () => window.stipple.client.picture.get(5, 5) === 6);
  const user = createHash("sha256").update("dora").digest("hex").slice(0, 16);
  assert.ok(await cluster.shows(5, 5, 6));
  assert.equal((await cluster.pixel(5, 5)).user, user);
  await page.reload();
  await live(page);
  assert.ok(await page.evaluate(() => window.stipple.client.token), "it is kept");
  assert.deepEqual(page.problems, []);
  await page.context().close();
});
