/* The film strip: the steps of the window, of which one is chosen. */
(function (viewer) {
  "use strict";

  const { dom, windows, store } = viewer;
  const SMALL = 96;
  const MANY = 64;

  /** The numbers that the strip sums up: those of the picture, or weights where it shows none. */
  function shownFor(run, step, state, shown) {
    if (shown.kind !== "none" || !run.layers.length) return shown;
    return viewer.strengths.ofWeights(run, step, state);
  }

  function makePanel(onChoose, onKey) {
    const canvas = dom.make("canvas", {
      class: "pixelated",
      attrs: { width: SMALL, height: SMALL, "aria-hidden": "true" },
    });
    const panel = { canvas, step: 0 };
    panel.name = dom.make("span", { class: "strip-name" });
    panel.bar = dom.make("span", { class: "strip-bar", attrs: { "aria-hidden": "true" } });
    panel.value = dom.make("span", { class: "strip-value" });
    panel.node = dom.make(
      "button",
      {
        class: "strip-panel",
        attrs: { type: "button", role: "radio" },
        on: { click: () => onChoose(panel.step), keydown: (event) => onKey(event, panel) },
      },
      panel.name,
      canvas,
      panel.bar,
      panel.value,
    );
    return panel;
  }

  function share(value, { lo, hi }) {
    return hi > lo ? Math.min(1, Math.max(0, (value - lo) / (hi - lo))) : 0;
  }

  /** A bar in the colour of its sum, with a tick where an equal share would end. */
  function fillBar(panel, one, span, range) {
    const parts = [];
    if (one.value !== null && range !== null) {
      const fill = dom.make("span", { class: "strip-fill" });
      const ends = [0, one.value].map((value) => share(value, span)).sort((a, b) => a - b);
      fill.style.left = `${100 * ends[0]}%`;
      fill.style.width = `${100 * (ends[1] - ends[0])}%`;
      fill.style.backgroundColor = viewer.colours.css(viewer.colours.of(one.value, range));
      parts.push(fill);
      if (one.level !== null && span.hi > 0) {
        const tick = dom.make("span", { class: "strip-level" });
        tick.style.left = `${100 * share(one.level, span)}%`;
        parts.push(tick);
      }
    }
    panel.bar.replaceChildren(...parts);
    panel.value.textContent = dom.number(one.value);
  }

  function tellPanel(one, best) {
    const n = one.indices.length;
    const parts = [`step ${windows.name(one.step)}`, dom.number(one.value)];
    parts.push(`${n} ${n === 1 ? "token" : "tokens"}`);
    if (one.step === best) parts.push("most");
    return parts.join(", ");
  }

  /** Draw the frame of a step with the tokens that it has in the window. */
  function paint(panel, run, scene, one, shown, hovered, onReady) {
    const then = windows.earlier(run, scene, one.step);
    panel.node.classList.toggle("blank", then === null);
    if (then === null) {
      panel.canvas.getContext("2d").clearRect(0, 0, panel.canvas.width, panel.canvas.height);
      return;
    }
    const pairs = windows.pairs(scene, one.indices, then);
    const values = new Map(
      pairs
        .filter(([, ref]) => shown.values.has(ref))
        .map(([old, ref]) => [old, shown.values.get(ref)]),
    );
    const found = pairs.find(([, ref]) => ref === hovered);
    const marks = { hovered: found ? found[0] : null };
    viewer.frame.paint(panel.canvas, run, then, { values, range: shown.range }, {
      target: SMALL,
      marks,
      onReady,
    });
  }

  const MOVES = {
    ArrowLeft: (at) => at - 1,
    ArrowUp: (at) => at - 1,
    ArrowRight: (at) => at + 1,
    ArrowDown: (at) => at + 1,
    Home: () => 0,
    End: (at, n) => n - 1,
  };

  function makeParts(act) {
    const told = dom.make("span", { class: "strip-told" });
    const follow = dom.make("button", {
      text: "Follow the largest",
      attrs: {
        type: "button",
        class: "follow",
        title: "Always choose the step with the largest sum",
      },
      on: { click: () => store.set({ past: null }) },
    });
    const bars = viewer.bars.create(act.run, act.choose);
    const film = dom.make("div", {
      class: "film",
      attrs: { role: "radiogroup", "aria-label": "Steps of the window" },
    });
    const of = dom.make("span", { class: "faint" });
    const note = dom.make("p", { class: "note" });
    const node = dom.make(
      "section",
      { class: "strip", attrs: { "aria-label": "Steps of the window" } },
      dom.make("h3", {}, "Steps of the window", of),
      dom.make("div", { class: "strip-head" }, told, follow),
      bars.node,
      film,
      note,
    );
    return { node, told, follow, bars, film, of, note };
  }

  /** Make the strip of a run; one that reads now alone has none. */
  function create(run, onReady) {
    const panels = [];
    const choose = (step) => store.set({ past: step });
    const parts = makeParts({ run, choose });
    const { node, film } = parts;
    node.hidden = windows.lengthOf(run) < 2;
    let last = null;
    let repaint = () => {};

    function onKey(event, panel) {
      if (!Object.hasOwn(MOVES, event.key)) return;
      event.preventDefault();
      const shown = panels.filter((one) => !one.node.hidden);
      const at = MOVES[event.key](shown.indexOf(panel), shown.length);
      const next = shown[Math.min(Math.max(at, 0), shown.length - 1)];
      choose(next.step);
      next.node.focus({ preventScroll: true });
    }

    /** As many panels as there are steps; those of an earlier draw are used again. */
    function hold(count) {
      while (panels.length < count) {
        panels.push(makePanel(choose, onKey));
        film.append(panels[panels.length - 1].node);
      }
      panels.forEach((panel, i) => (panel.node.hidden = i >= count));
      film.classList.toggle("many", count > MANY);
    }

    function inSight({ node: panel }) {
      const [left, right] = [film.scrollLeft, film.scrollLeft + film.clientWidth];
      return panel.offsetLeft < right && panel.offsetLeft + panel.offsetWidth > left;
    }

    /** Scroll the strip, never the page, to the chosen panel. */
    function reveal({ node: panel }) {
      const [start, end] = [panel.offsetLeft, panel.offsetLeft + panel.offsetWidth];
      if (start < film.scrollLeft || end > film.scrollLeft + film.clientWidth)
        film.scrollLeft = (start + end - film.clientWidth) / 2;
    }

    film.addEventListener("scroll", () => repaint());

    function fill(found, range, chosen) {
      const best = windows.most(found);
      const span = viewer.ranges.ofWindow(found, range);
      found.forEach((one, i) => {
        const panel = panels[i];
        panel.step = one.step;
        panel.name.textContent = windows.name(one.step) + (one.step === best ? " ▾" : "");
        panel.node.dataset.step = one.step;
        panel.node.setAttribute("aria-checked", String(one.step === chosen));
        panel.node.setAttribute("aria-label", tellPanel(one, best));
        panel.node.tabIndex = one.step === chosen ? 0 : -1;
        fillBar(panel, one, span, range);
      });
    }

    function tell(found, chosen, state) {
      const best = windows.most(found);
      const value = best === null ? null : found.find(({ step }) => step === best).value;
      parts.told.textContent =
        best === null
          ? "No step has a number here."
          : `Largest: ${windows.name(best)}, ${dom.number(value)}`;
      parts.follow.setAttribute("aria-pressed", String(state.past === null));
      const lost = state.past !== null && state.past !== chosen;
      parts.note.hidden = !lost;
      parts.note.textContent = lost
        ? `Step ${windows.name(state.past)} is from before this episode: shown for ${windows.name(chosen)}.`
        : "";
    }

    /** Draw the window of a step; returns the step whose tokens are listed. */
    function draw(scene, state, of, hovered) {
      if (node.hidden) return null;
      const shown = shownFor(run, scene, state, of);
      const found = windows.sums(scene, shown);
      const range = viewer.ranges.ofSums(run, shown, found, state.scale);
      const chosen = windows.listed(found, state.past);
      parts.of.textContent = `, ${shown.title}: the sum of each step`;
      hold(found.length);
      fill(found, range, chosen);
      parts.bars.draw(found, range, chosen);
      tell(found, chosen, state);
      const key = `${scene.episode}:${scene.t}:${chosen}`;
      if (key !== last) reveal(panels[found.findIndex(({ step }) => step === chosen)]);
      last = key;
      repaint = () =>
        found.forEach((one, i) => {
          if (inSight(panels[i])) paint(panels[i], run, scene, one, of, hovered, onReady);
        });
      repaint();
      return chosen;
    }

    return { node, draw };
  }

  viewer.strip = { create };
})((window.__viewer = window.__viewer || {}));
