/* The colour scale below a picture, with the level of an equal share. */
(function (viewer) {
  "use strict";

  const { dom, colours } = viewer;

  function ramp(signed) {
    const canvas = dom.make("canvas", {
      class: "ramp",
      attrs: { width: 128, height: 1, "aria-hidden": "true" },
    });
    const context = canvas.getContext("2d");
    for (let x = 0; x < 128; x += 1) {
      context.fillStyle = colours.css(colours.at(x / 127, signed));
      context.fillRect(x, 0, 1, 1);
    }
    return canvas;
  }

  function mark(place, text, kind) {
    const room = kind === "level" ? 0.28 : 0.15;
    const side = place < room ? " at-start" : place > 1 - room ? " at-end" : "";
    const node = dom.make("span", { class: `mark ${kind}${side}`, text });
    node.style.left = `${100 * place}%`;
    return node;
  }

  function ticks(range) {
    const ends = [
      [range.lo, dom.number(range.lo, 2)],
      [range.hi, dom.number(range.hi, 2)],
    ];
    const between = range.signed ? [[0, "0"]] : [];
    return [ends[0], ...between, ends[1]].map(([value, text]) =>
      mark(
        range.hi > range.lo ? colours.placeOf(value, range) : Number(value > range.lo),
        text,
        "tick",
      ),
    );
  }

  /** Make the scale of what is shown; its level, if it has one, stands above. */
  function make(shown) {
    if (shown.range === null) return dom.make("div", { class: "legend" });
    const { range, level } = shown;
    const inside = level && range.hi > range.lo && level.value <= range.hi;
    const above = inside
      ? [
          mark(
            colours.placeOf(level.value, range),
            `${level.label} = ${dom.number(level.value)}`,
            "level",
          ),
        ]
      : [];
    const title = dom.make("p", { class: "legend-title", text: shown.title });
    const scale = dom.make(
      "div",
      { class: "scale" },
      ...above,
      ramp(range.signed),
      ...ticks(range),
    );
    return dom.make("div", { class: `legend${inside ? " has-level" : ""}` }, title, scale);
  }

  viewer.legend = { make };
})((window.__viewer = window.__viewer || {}));
