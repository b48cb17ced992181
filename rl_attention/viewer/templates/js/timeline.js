/* The whole replay at a glance: values, rewards, episodes, and where maps disagree. */
(function (viewer) {
  "use strict";

  const { dom, data } = viewer;
  const [WIDTH, HEIGHT, TOP, BOTTOM] = [1000, 110, 14, 78];
  const ROWS = [88, 98];

  function x(slot) {
    return ((slot + 0.5) / data.slots.length) * WIDTH;
  }

  /** The slots at which a run really steps: [slot, step] each. */
  function stepsOf(runIndex) {
    return data.slots
      .map((_, slot) => [slot, data.at(runIndex, slot)])
      .filter(([, found]) => found && !found.ended)
      .map(([slot, found]) => [slot, found.step]);
  }

  function valueRange() {
    const values = data.runs.flatMap((run) =>
      run.steps.map(({ value }) => value).filter((value) => value !== null),
    );
    if (!values.length) return null;
    return values.reduce(
      ([lo, hi], value) => [Math.min(lo, value), Math.max(hi, value)],
      [Infinity, -Infinity],
    );
  }

  function curve(runIndex, [lo, hi]) {
    const y = (value) =>
      hi > lo ? BOTTOM - ((value - lo) / (hi - lo)) * (BOTTOM - TOP) : (TOP + BOTTOM) / 2;
    const parts = [];
    let episode = null;
    for (const [slot, step] of stepsOf(runIndex)) {
      if (step.value === null) continue;
      parts.push(
        `${step.episode === episode ? "L" : "M"}${x(slot).toFixed(1)} ${y(step.value).toFixed(1)}`,
      );
      if (step.episode !== episode) parts.push(`l0.1 0`);
      episode = step.episode;
    }
    return dom.draw("path", {
      class: `curve run${runIndex}`,
      attrs: { d: parts.join(" "), "vector-effect": "non-scaling-stroke" },
    });
  }

  function boundaries() {
    const firsts = data.slots
      .map((slot, i) => [slot, i])
      .filter(([slot, i]) => i > 0 && slot.episode !== data.slots[i - 1].episode);
    return firsts.map(([, i]) =>
      dom.draw("line", {
        class: "boundary",
        attrs: {
          x1: (i / data.slots.length) * WIDTH,
          x2: (i / data.slots.length) * WIDTH,
          y1: 0,
          y2: HEIGHT,
          "vector-effect": "non-scaling-stroke",
        },
      }),
    );
  }

  /** Whether the first map and occlusion name different entities first. */
  function disagree(run, step) {
    const first = run.maps[0];
    if (!first || first.id === "occlusion") return false;
    const tops = [first.id, "occlusion"].map((id) => data.argmax(data.valuesOf(step, id) || []));
    return tops.every((top) => top >= 0) && tops[0] !== tops[1];
  }

  function tick(slot, y, kind, told) {
    const width = Math.min(6, Math.max(1.5, WIDTH / data.slots.length - 1));
    const node = dom.draw("rect", {
      class: kind,
      attrs: { x: x(slot) - width / 2, y, width, height: 8, "data-slot": slot },
    });
    node.append(dom.draw("title", { text: told }));
    return node;
  }

  function marks(runIndex) {
    const run = data.runs[runIndex];
    const found = [];
    for (const [slot, step] of stepsOf(runIndex)) {
      if (step.reward !== 0)
        found.push(
          tick(
            slot,
            runIndex ? TOP - 4 : 1,
            `reward ${step.reward > 0 ? "plus" : "minus"}`,
            `reward ${dom.number(step.reward)}`,
          ),
        );
      if (disagree(run, step))
        found.push(
          tick(
            slot,
            ROWS[runIndex],
            `disagree run${runIndex}`,
            `${run.name}: ${run.maps[0].title} and occlusion name different entities first`,
          ),
        );
    }
    return found;
  }

  function key(kind, text) {
    return dom.make(
      "li",
      {},
      dom.make("span", { class: `key ${kind}`, attrs: { "aria-hidden": "true" } }),
      text,
    );
  }

  function curveKeys([lo, hi]) {
    const span = `${dom.number(lo, 2)} to ${dom.number(hi, 2)}`;
    return data.runs.map((run, i) => {
      const whose = data.runs.length > 1 ? ` of ${run.name}` : "";
      return key(`curve run${i}`, `${run.value_name || "value"}${whose}, ${span}`);
    });
  }

  /** What the marks mean, of those that there are. */
  function keyList(range) {
    const steps = data.runs.flatMap((run) => run.steps.map((step) => [run, step]));
    const rows = data.runs.length > 1 ? " (a row for each run)" : "";
    const found = [
      [steps.some(([, { reward }]) => reward > 0), "reward plus", "reward"],
      [steps.some(([, { reward }]) => reward < 0), "reward minus", "negative reward"],
      [
        steps.some(([run, step]) => disagree(run, step)),
        "disagree",
        `first map and occlusion name different entities first${rows}`,
      ],
      [
        data.slots.some(({ episode }) => episode !== data.slots[0].episode),
        "boundary",
        "new episode",
      ],
    ];
    const marked = found.filter(([is]) => is).map(([, kind, text]) => key(kind, text));
    return dom.make("ul", { class: "legend-list" }, ...(range ? curveKeys(range) : []), ...marked);
  }

  function tell(slot) {
    const { episode, t } = data.slots[slot];
    return `step ${slot + 1} of ${data.slots.length}, episode ${episode}, t ${t}`;
  }

  function create() {
    const range = valueRange();
    const cursor = dom.draw("rect", { class: "cursor", attrs: { y: 0, height: HEIGHT } });
    const indexes = data.runs.map((_, i) => i);
    const picture = document.getElementById("curves");
    picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    picture.append(
      cursor,
      ...boundaries(),
      ...(range ? indexes.map((i) => curve(i, range)) : []),
      ...indexes.flatMap(marks),
    );
    const node = dom.make(
      "div",
      {
        class: "track",
        attrs: {
          role: "slider",
          tabindex: 0,
          "aria-label": "Step",
          "aria-valuemin": 1,
          "aria-valuemax": data.slots.length,
        },
      },
      picture,
    );

    function jump(event) {
      const { left, width } = node.getBoundingClientRect();
      const slot = Math.floor(((event.clientX - left) / width) * data.slots.length);
      viewer.store.set({ step: slot, playing: false });
    }

    node.addEventListener("pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      jump(event);
    });
    node.addEventListener("pointermove", (event) => event.buttons && jump(event));

    function draw(state) {
      const width = WIDTH / data.slots.length;
      const shown = Math.max(width, 3);
      cursor.setAttribute("x", x(state.step) - shown / 2);
      cursor.setAttribute("width", shown);
      node.setAttribute("aria-valuenow", state.step + 1);
      node.setAttribute("aria-valuetext", tell(state.step));
    }

    return { nodes: [node, keyList(range)], draw };
  }

  viewer.timeline = { create, tell };
})((window.__viewer = window.__viewer || {}));
