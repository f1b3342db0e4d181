// SPDX-License-Identifier: Apache-2.0
//
// What a visitor likes, kept between visits if the browser lets us.

const KEY = "stipple.settings";

export const DEFAULTS = {
  color: null, grid: true, heat: false, pulses: true, minimap: false, lock: false,
  quick: false, theme: "auto", language: "auto", byTitle: true, bySound: false,
  byVibration: true, byNotification: false, dismissed: "",
};

export class Settings {
  /**
   * @param {Storage | null} storage
   * @param {(name: string, value: any) => void} changed
   */
  constructor(storage, changed = () => {}) {
    this.storage = storage;
    this.changed = changed;
    this.values = { ...DEFAULTS };
    try {
      const stored = JSON.parse(storage.getItem(KEY));
      for (const [name, value] of Object.entries(stored ?? {}))
        if (name in DEFAULTS && (DEFAULTS[name] === null ||
                                 typeof value === typeof DEFAULTS[name]))
          this.values[name] = value;
    } catch {
      // Nothing stored, nonsense, or forbidden: the defaults.
    }
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    if (Object.is(this.values[name], value)) return;
    this.values[name] = value;
    try {
      this.storage.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // Until the page is closed, then.
    }
    this.changed(name, value);
  }
}
