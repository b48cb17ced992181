/* One small chart with a bar for every step of a window, all of them in sight. */
(function (viewer) {
  "use strict";

  const { dom, colours, windows } = viewer;
  const HEIGHT = 100;
  // of a column; where there are many steps a gap would eat the bars
  const [GAP, MOST_WITH_GAPS] = [0.2, 64];

  /** The place of a number on the chart, from the top. */
  function y(value, { lo, hi }) {
    return hi > lo ? HEIGHT * (1 - Math.min(1, Math.max(0, (value - lo) / (hi - lo)))) : HEIGHT;
  }

  function rect(kind, x, width, [top, bottom], attrs = {}) {
    const height = Math.max(0, bottom - top);
    return dom.draw("rect", { class: kind, attrs: { x, y: top, width, height, ...attrs } });
  }

  function bar(one, x, width, span, range) {
    const [top, bottom] = [y(one.value, span), y(0, span)].sort((a, b) => a - b);
    const node = rect("step-bar", x, width, [Math.min(top, HEIGHT - 1), Math.max(bottom, top + 1)], {
      "data-step": one.step,
      "data-value": one.value,
    });
    node.style.fill = colours.css(colours.of(one.value, range));
    return node;
  }

  /** The level of an equal share, dark between light so that it reads on every colour. */
  function level(one, x, width, span) {
    const at = y(one.level, span);
    return [
      rect("step-level-rim", x, width, [at - 1.9, at + 1.9]),
      rect("step-level", x, width, [at - 0.9, at + 0.9], { "data-step": one.step }),
    ];
  }

  /** Make a chart of a run; `onChoose` is told of the step that is pressed, if it is given. */
  function create(run, onChoose = null) {
    const length = windows.lengthOf(run);
    const picture = dom.draw("svg", {
      attrs: {
        viewBox: `0 0 ${length} ${HEIGHT}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
      },
    });
    const mark = dom.make("span", { class: "most-mark", text: "▾" });
    const chart = dom.make("div", { class: "chart", attrs: { role: "img" } }, picture, mark);
    const top = dom.make("span");
    const [first, last] = [1 - length, 0].map((step) =>
      dom.make("span", { text: windows.name(step) }),
    );
    const node = dom.make(
      "div",
      { class: "step-chart" },
      chart,
      dom.make(
        "div",
        { class: "chart-ends faint", attrs: { "aria-hidden": "true" } },
        first,
        top,
        last,
      ),
    );
    if (onChoose) {
      chart.classList.add("choosable");
      chart.addEventListener("click", (event) => {
        const { left, width } = chart.getBoundingClientRect();
        const column = Math.floor(((event.clientX - left) / width) * length);
        onChoose(Math.min(column, length - 1) + 1 - length);
      });
    }

    function tell(found, best) {
      if (best === null) return "No step has a number here.";
      const { value } = found.find(({ step }) => step === best);
      return `${found.length} steps, most ${windows.name(best)} with ${dom.number(value)}`;
    }

    /**
     * Draw sums in the colours of a scale, as high as the largest of them; `chosen` is the step
     * that stands out, null: none does.
     */
    function draw(found, range, chosen) {
      const span = viewer.ranges.ofWindow(found, range);
      const gap = length > MOST_WITH_GAPS ? 0 : GAP;
      const parts = [];
      for (const one of found) {
        const column = one.step + length - 1;
        const [x, width] = [column + gap / 2, 1 - gap];
        if (one.step === chosen) parts.push(rect("step-chosen", column, 1, [0, HEIGHT]));
        if (one.value === null || range === null) continue;
        parts.push(bar(one, x, width, span, range));
        if (one.level !== null) parts.push(...level(one, x, width, span));
      }
      picture.replaceChildren(...parts);
      const best = range === null ? null : windows.most(found);
      mark.hidden = best === null;
      mark.style.left = `${(100 * ((best || 0) + length - 0.5)) / length}%`;
      top.textContent = range === null || best === null ? "" : `bars up to ${dom.number(span.hi)}`;
      chart.setAttribute("aria-label", tell(found, best));
    }

    return { node, draw };
  }

  viewer.bars = { create };
})((window.__viewer = window.__viewer || {}));
