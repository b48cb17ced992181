/* Buttons, selects and keys. */
(function (viewer) {
  "use strict";

  const { dom, data, store } = viewer;

  function button(text, label, id, act) {
    return dom.make("button", {
      text,
      attrs: { type: "button", id, "aria-label": label, title: label },
      on: { click: act },
    });
  }

  function go(step) {
    store.set({ step, playing: false });
  }

  function toggle() {
    const { state } = viewer;
    const atEnd = state.step === data.slots.length - 1;
    store.set(state.playing ? { playing: false } : { playing: true, step: atEnd ? 0 : state.step });
  }

  /** The value after one in a list, going round. */
  function after(list, value, by = 1) {
    const at = list.indexOf(value);
    return list[(Math.max(at, by > 0 ? -1 : 0) + by + list.length) % list.length];
  }

  function headsList(state) {
    return [...Array(store.headsOf(state.layer)).keys(), "mean"];
  }

  /** Tokens that can be asked in the chosen layer now: [ref, text] each. */
  function queryOptions(state) {
    const found = new Map();
    data.runs.forEach((run, i) => {
      const place = data.at(i, state.step);
      if (!place || !run.layers.length) return;
      const weights = place.step.layers[viewer.strengths.layerIndex(run, state.layer)];
      const words = weights.keys.filter((ref) => ref[0] === "w");
      for (const ref of [...weights.queries, ...words]) {
        const label = data.nameOf(place.step, ref);
        if (!found.has(ref)) found.set(ref, ref[0] === "e" ? `${label} (${ref})` : label);
      }
    });
    return [...found];
  }

  /** The token that is asked in truth, which is the read-out where the chosen one is not there. */
  function askedOf(state, refs) {
    return refs.includes(state.query) ? state.query : (refs[0] ?? null);
  }

  function onQuery(state) {
    const refs = queryOptions(state).map(([ref]) => ref);
    if (refs.length) store.chooseWeights({ query: after(refs, askedOf(state, refs)) });
  }

  const KEYS = {
    " ": () => toggle(),
    ArrowLeft: (state) => go(state.step - 1),
    ArrowRight: (state) => go(state.step + 1),
    Home: () => go(0),
    End: () => go(data.slots.length - 1),
    m: (state) =>
      store.set({
        map: after(
          store.choices().map(([id]) => id),
          state.map,
        ),
      }),
    l: (state) =>
      store.layers.size &&
      store.chooseWeights({ layer: after([...store.layers.keys()], state.layer) }),
    q: onQuery,
    "[": (state) =>
      store.layers.size && store.chooseWeights({ head: after(headsList(state), state.head, -1) }),
    "]": (state) =>
      store.layers.size && store.chooseWeights({ head: after(headsList(state), state.head) }),
  };

  /** Whether an element does something of its own with a key. */
  function takes(target, key) {
    if (target.closest("select, input, textarea")) return true;
    return key === " " && target.closest("button, summary, a") !== null;
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!Object.hasOwn(KEYS, event.key) || takes(event.target, event.key)) return;
    event.preventDefault();
    KEYS[event.key](viewer.state);
  }

  function makeButtons() {
    return {
      first: button("|‹", "First step (Home)", "first", () => go(0)),
      back: button("‹", "Step back (left arrow)", "back", () => go(viewer.state.step - 1)),
      play: button("Play", "Play (space)", "play", toggle),
      next: button("›", "Step on (right arrow)", "next", () => go(viewer.state.step + 1)),
      last: button("›|", "Last step (End)", "last", () => go(data.slots.length - 1)),
    };
  }

  function makeSelects() {
    return {
      speed: dom.select("Speed", "speed", (value) => store.set({ speed: Number(value) })),
      map: dom.select("Map (m)", "map", (value) => store.set({ map: value })),
      layer: dom.select("Layer (l)", "layer", (value) => store.chooseWeights({ layer: value })),
      head: dom.select("Head ([ ])", "head", (value) =>
        store.chooseWeights({ head: value === "mean" ? value : Number(value) }),
      ),
      query: dom.select("Query token (q)", "query", (value) =>
        store.chooseWeights({ query: value }),
      ),
      scale: dom.select("Colours", "scale", (value) => store.set({ scale: value })),
    };
  }

  function fillSelects(selects, state) {
    const { node } = selects.speed;
    dom.setOptions(
      node,
      store.SPEEDS.map((speed) => [String(speed), `${speed} a second`]),
      String(state.speed),
    );
    dom.setOptions(selects.map.node, store.choices(), state.map);
    dom.setOptions(
      selects.scale.node,
      [
        ["replay", "same all along"],
        ["step", "of each step"],
      ],
      state.scale,
    );
    if (!store.layers.size) return;
    dom.setOptions(
      selects.layer.node,
      [...store.layers.values()].map(({ id, title }) => [
        id,
        title.startsWith(`${id}:`) ? title : `${id}: ${title}`,
      ]),
      state.layer,
    );
    dom.setOptions(
      selects.head.node,
      headsList(state).map((head) => [String(head), head === "mean" ? "mean" : `head ${head}`]),
      String(state.head),
    );
    const queries = queryOptions(state);
    dom.setOptions(
      selects.query.node,
      queries,
      askedOf(
        state,
        queries.map(([ref]) => ref),
      ),
    );
  }

  /** Fill the bar; keys work from then on. */
  function create(section) {
    const buttons = makeButtons();
    const selects = makeSelects();
    const status = dom.make("p", { class: "status", attrs: { role: "status" } });
    if (!store.layers.size)
      for (const name of ["layer", "head", "query"]) selects[name].box.hidden = true;
    const playing = dom.make(
      "div",
      { class: "buttons", attrs: { role: "group", "aria-label": "Playing" } },
      ...Object.values(buttons),
    );
    section.append(
      dom.make(
        "div",
        { class: "bar-of-controls" },
        playing,
        ...Object.values(selects).map(({ box }) => box),
      ),
      status,
    );
    document.addEventListener("keydown", onKey);

    function draw(state) {
      buttons.play.textContent = state.playing ? "Pause" : "Play";
      buttons.play.setAttribute("aria-label", state.playing ? "Pause (space)" : "Play (space)");
      // a disabled button would lose the focus
      for (const [name, off] of [
        ["first", state.step === 0],
        ["back", state.step === 0],
        ["next", isLast(state)],
        ["last", isLast(state)],
      ]) {
        buttons[name].setAttribute("aria-disabled", String(off));
      }
      status.setAttribute("aria-live", state.playing ? "off" : "polite");
      status.textContent = viewer.timeline.tell(state.step);
      fillSelects(selects, state);
    }

    return { draw };
  }

  function isLast(state) {
    return state.step === data.slots.length - 1;
  }

  viewer.controls = { create };
})((window.__viewer = window.__viewer || {}));
