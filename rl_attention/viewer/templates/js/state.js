/* What is chosen, and the address that keeps it. */
(function (viewer) {
  "use strict";

  const { runs, slots } = viewer.data;
  const SPEEDS = [0.5, 1, 2, 4, 8, 16];
  const listeners = [];

  const layers = new Map();
  const maps = new Map();
  for (const run of runs) {
    for (const layer of run.layers) {
      const known = layers.get(layer.id);
      if (!known || known.heads < layer.heads) layers.set(layer.id, layer);
    }
    for (const map of run.maps) if (!maps.has(map.id)) maps.set(map.id, map);
  }
  const probes = [...new Set(runs.flatMap(viewer.data.probeNames))];

  /** A run's probe of that name; undefined: it has none. */
  function probeOf(run, probe) {
    return run.probes[viewer.data.probeNames(run).indexOf(probes[probe])];
  }

  /** Steps of the training at which some run has a snapshot of a probe. */
  function momentsOf(probe) {
    const found = runs.map((run) => probeOf(run, probe)).filter(Boolean);
    const steps = found.flatMap((one) => one.moments.map(({ step }) => step));
    return [...new Set(steps)].sort((a, b) => a - b);
  }

  /** What the overlay can show: [id, title]. */
  function choices() {
    const found = [...maps.values()].map(({ id, title }) => [id, title]);
    if (layers.size) found.push(["weights", "weights of a head"]);
    return [...found, ["none", "frame alone"]];
  }

  const oldest = 1 - Math.max(...runs.map(viewer.windows.lengthOf));

  function firstLayer() {
    const run = runs.find((one) => one.layers.length);
    return run ? run.layers[viewer.strengths.layerIndex(run, null)].id : null;
  }

  const state = {
    step: 0,
    layer: firstLayer(),
    head: "mean",
    query: null,
    map: choices()[0][0],
    scale: "replay",
    past: null,
    playing: false,
    speed: 2,
    probe: 0,
    moment: Math.max(0, momentsOf(0).length - 1),
    hovered: null,
  };

  function headsOf(id) {
    return layers.has(id) ? layers.get(id).heads : 0;
  }

  function clamp(value, length) {
    return Math.min(Math.max(value, 0), Math.max(length - 1, 0));
  }

  /** Change what is chosen; whatever does not exist gives way to what does. */
  function set(patch) {
    Object.assign(state, patch);
    state.step = clamp(state.step, slots.length);
    state.probe = clamp(state.probe, probes.length);
    state.moment = clamp(state.moment, momentsOf(state.probe).length);
    if (state.past !== null && (state.past < oldest || oldest === 0)) state.past = null;
    if (!layers.has(state.layer)) state.layer = firstLayer();
    if (state.head !== "mean" && !(state.head < headsOf(state.layer))) state.head = "mean";
    if (!choices().some(([id]) => id === state.map)) state.map = choices()[0][0];
    listeners.forEach((listen) => listen(patch));
  }

  /** Choose a layer, a head or a query token: the overlay then shows the weights. */
  function chooseWeights(patch) {
    set(layers.size ? { ...patch, map: "weights" } : {});
  }

  function listen(act) {
    listeners.push(act);
  }

  /** The address of what is chosen. */
  function toHash() {
    const parts = [
      ["step", state.step],
      ["map", state.map],
    ];
    if (layers.size) parts.push(["layer", state.layer], ["head", state.head]);
    if (state.query !== null) parts.push(["query", state.query]);
    if (state.scale !== "replay") parts.push(["scale", state.scale]);
    if (state.past !== null) parts.push(["past", state.past]);
    if (probes.length) parts.push(["probe", state.probe], ["moment", state.moment]);
    return `#${new URLSearchParams(parts)}`;
  }

  function whole(text) {
    return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  }

  const READERS = {
    step: whole,
    map: (text) => (choices().some(([id]) => id === text) ? text : undefined),
    layer: (text) => (layers.has(text) ? text : undefined),
    head: (text) => (text === "mean" ? text : whole(text)),
    query: (text) => (/^(g|q|[ewt]\d{1,6})$/.test(text) ? text : undefined),
    scale: (text) => (["replay", "step"].includes(text) ? text : undefined),
    past: (text) => (/^(0|-[1-9]\d{0,5})$/.test(text) ? Number(text) : undefined),
    probe: whole,
    moment: whole,
  };

  /** Read an address; what it does not say, or says wrongly, stays as it is. */
  function fromHash(hash) {
    const patch = {};
    for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
      const value = Object.hasOwn(READERS, name) ? READERS[name](text) : undefined;
      if (value !== undefined) patch[name] = value;
    }
    const weights = ["layer", "head", "query"].some((name) => name in patch);
    if (weights && !("map" in patch) && layers.size) patch.map = "weights";
    return patch;
  }

  viewer.state = state;
  viewer.store = {
    SPEEDS,
    layers,
    maps,
    probes,
    probeOf,
    momentsOf,
    choices,
    headsOf,
    set,
    chooseWeights,
    listen,
    toHash,
    fromHash,
  };
})((window.__viewer = window.__viewer || {}));
