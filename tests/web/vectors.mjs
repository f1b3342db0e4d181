// SPDX-License-Identifier: Apache-2.0
//
// Reads tests/vectors: a name's bytes and decoded members.
import { readFileSync, readdirSync } from "node:fs";

const folder = new URL("../vectors/", import.meta.url);

export function names(under = "") {
  return readdirSync(new URL(under, folder))
    .filter((file) => file.endsWith(".hex"))
    .map((file) => under + file.slice(0, -4));
}

export function load(name) {
  const hex = readFileSync(new URL(name + ".hex", folder), "utf8")
    .split("\n").filter((line) => !line.startsWith("#"))
    .join(" ").trim().split(/\s+/);
  return {
    bytes: Uint8Array.from(hex, (digits) => parseInt(digits, 16)),
    members: JSON.parse(readFileSync(new URL(name + ".json", folder), "utf8")),
  };
}
