// SPDX-License-Identifier: Apache-2.0
//
// Elements in one expression. Text is only ever text: nothing here parses HTML.

/**
 * el("button", {class: "x", onclick: f, "aria-label": "y", style: {…}}, …)
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style")
      for (const [key, text] of Object.entries(value))
        element.style.setProperty(key, text);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/// Ends a task here, so that none is long: a visitor's tap comes in between.
export const breathe = () => new Promise((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    done();
  };
  port2.postMessage(0);
});

/** @returns {any} */
export const $ = (id) => document.getElementById(id);

/// What had the focus is gone, say because its list was drawn anew: it goes on here.
export function takeFocus(element) {
  if (!document.activeElement || document.activeElement === document.body)
    element?.focus({ preventScroll: true });
}

/// Sets text only if it is another, so that screen readers and layout rest.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/// A labelled switch.
export function toggle(label, checked, onchange) {
  return el("label", { class: "row" },
            el("span", {}, label),
            el("input", {
              type: "checkbox", checked, role: "switch",
              onchange: (event) => onchange(event.target.checked, event.target),
            }));
}

/// A labelled choice of {value: text}.
export function choice(label, options, value, onchange) {
  const select = el("select", { onchange: (event) => onchange(event.target.value) },
                    ...Object.entries(options).map(([key, text]) =>
                      el("option", { value: key }, text)));
  select.value = value;
  return el("label", { class: "row" }, el("span", {}, label), select);
}

/// A small square of a colour.
export const tint = (hex) => el("span", { class: "tint", style: { background: hex } });
