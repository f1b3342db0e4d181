// SPDX-License-Identifier: Apache-2.0
//
// Fingers and the mouse as a state machine without a DOM: pointer events in,
// what they mean out.
//
//     idle ─down─▶ pressed ─far─▶ dragging      two down ─▶ pinching
//
// `handle` returns a list of {do: "pan", dx, dy} | {do: "zoom", factor, x, y} |
// {do: "tap", x, y, touch} | {do: "hold", x, y} | {do: "hover", x, y} |
// {do: "rest"}, the last when all pointers are gone after a move.

const SLOP = { mouse: 4, pen: 8, touch: 10 };
const TAP_MS = 700; // longer is no tap
const WHEEL_MOST = 240;

export class Input {
  constructor() {
    this.pointers = new Map();
    this.state = "idle";
    this.press = null;
  }

  handle(event) {
    switch (event.type) {
    case "down": return this.down(event);
    case "move": return this.move(event);
    case "up": return this.up(event, true);
    case "cancel": return this.up(event, false);
    case "wheel": return wheel(event);
    default: return [];
    }
  }

  down({ id, x, y, time, kind }) {
    this.pointers.set(id, { x, y });
    if (this.pointers.size === 1) {
      this.press = { x, y, time, kind };
      this.state = "pressed";
    } else {
      this.state = "pinching";
    }
    return [];
  }

  move({ id, x, y }) {
    const before = this.pointers.get(id);
    if (!before) return this.pointers.size ? [] : [{ do: "hover", x, y }];
    const actions = this.state === "pinching" ? this.pinch(id, before, { x, y })
      : this.drag(before, { x, y });
    this.pointers.set(id, { x, y });
    return actions;
  }

  drag(before, at) {
    const { press } = this;
    if (this.state === "pressed") {
      const slop = SLOP[press.kind] ?? SLOP.touch;
      if (Math.hypot(at.x - press.x, at.y - press.y) <= slop) return [];
      this.state = "dragging";
      // From where the finger came down: the board does not lag behind it.
      before = press;
    }
    return [{ do: "pan", dx: at.x - before.x, dy: at.y - before.y }];
  }

  pinch(id, before, at) {
    const entry = [...this.pointers].find(([key]) => key !== id);
    if (!entry) return [];
    const other = entry[1];
    const was = Math.hypot(before.x - other.x, before.y - other.y);
    const is = Math.hypot(at.x - other.x, at.y - other.y);
    /** @type {any[]} */
    const actions = [
      { do: "pan", dx: (at.x - before.x) / 2, dy: (at.y - before.y) / 2 },
    ];
    if (was > 0 && is > 0) actions.push({
      do: "zoom", factor: is / was, x: (at.x + other.x) / 2, y: (at.y + other.y) / 2,
    });
    return actions;
  }

  up({ id, x, y, time }, meant) {
    if (!this.pointers.delete(id)) return [];
    if (this.pointers.size) {
      // One finger of two remains: it drags on, and never taps.
      if (this.pointers.size === 1) this.state = "dragging";
      return [];
    }
    const { state, press } = this;
    this.state = "idle";
    if (state !== "pressed") return [{ do: "rest" }];
    if (!meant) return [];
    const touch = press.kind !== "mouse";
    return [{ do: time - press.time > TAP_MS ? "hold" : "tap", x, y, touch }];
  }
}

function wheel({ x, y, delta, lines }) {
  const most = Math.max(-WHEEL_MOST, Math.min(WHEEL_MOST, delta * (lines ? 16 : 1)));
  return [{ do: "zoom", factor: Math.exp(-most / WHEEL_MOST), x, y }, { do: "rest" }];
}
