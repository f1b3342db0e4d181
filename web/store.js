// SPDX-License-Identifier: Apache-2.0
//
// What the panels show, in one object: whoever changes something says set(), and
// those who watch one of its keys are called, once, with the whole.

export class Store {
  constructor(initial) {
    this.state = { ...initial };
    this.watchers = [];
  }

  get(key) {
    return this.state[key];
  }

  /**
   * Returns what ends it.
   * @param {string} keys with blanks between
   * @param {(state: any) => void} handler
   */
  watch(keys, handler) {
    const watcher = { keys: keys.split(" "), handler };
    this.watchers.push(watcher);
    handler(this.state);
    return () => {
      this.watchers = this.watchers.filter((other) => other !== watcher);
    };
  }

  set(patch) {
    const changed = Object.keys(patch).filter((key) =>
      !Object.is(this.state[key], patch[key]));
    if (!changed.length) return;
    Object.assign(this.state, patch);
    for (const { keys, handler } of this.watchers)
      if (keys.some((key) => changed.includes(key))) handler(this.state);
  }
}
