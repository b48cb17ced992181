/* Elements, whose text is always set as text. */
(function (viewer) {
  "use strict";

  // the page holds an empty picture, which knows the name space
  const SVG = document.getElementById("curves").namespaceURI;

  function fill(node, options, children) {
    for (const [name, value] of Object.entries(options.attrs || {})) {
      if (value !== null && value !== undefined) node.setAttribute(name, String(value));
    }
    for (const [event, act] of Object.entries(options.on || {})) node.addEventListener(event, act);
    if (options.class) node.setAttribute("class", options.class);
    if (options.text !== undefined) node.textContent = options.text;
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  /** Make an HTML element: its class, text, attrs and listeners (on), then its children. */
  function make(tag, options = {}, ...children) {
    return fill(document.createElement(tag), options, children);
  }

  /** Make an SVG element, likewise. */
  function draw(tag, options = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), options, children);
  }

  /** Make a select inside its label. */
  function select(label, id, onChange) {
    const node = make("select", { attrs: { id }, on: { change: () => onChange(node.value) } });
    const box = make(
      "label",
      { class: "field", attrs: { for: id } },
      make("span", { text: label }),
      node,
    );
    return { box, node };
  }

  /** Give a select its options, [value, text] each, touching the page only where they changed. */
  function setOptions(node, options, chosen) {
    const key = JSON.stringify(options);
    if (node.optionsKey !== key) {
      node.optionsKey = key;
      node.replaceChildren(
        ...options.map(([value, text]) => make("option", { text, attrs: { value } })),
      );
    }
    node.value = chosen;
    node.disabled = options.length < 2;
  }

  /** A bar of a share 0 to 1; a signed one, -1 to 1, grows from the middle. */
  function bar(share, { signed = false, kind = "" } = {}) {
    const full = make("span", { class: "bar-fill" });
    const part = Math.min(1, Math.abs(share)) * (signed ? 50 : 100);
    full.style.width = `${part}%`;
    full.style.marginLeft = signed ? `${share < 0 ? 50 - part : 50}%` : "0";
    const names = ["bar", kind, signed ? "signed" : "", share < 0 ? "negative" : ""];
    return make(
      "span",
      { class: names.filter(Boolean).join(" "), attrs: { "aria-hidden": "true" } },
      full,
    );
  }

  /** Write a number with three decimals, a missing one as a dash. */
  function number(value, digits = 3) {
    if (value === null || value === undefined) return "–";
    const text = value.toFixed(digits);
    return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
  }

  /** Write a share as per cent. */
  function percent(value) {
    return value === null || value === undefined ? "–" : `${Math.round(100 * value)} %`;
  }

  viewer.dom = { make, draw, select, setOptions, bar, number, percent };
})((window.__viewer = window.__viewer || {}));
