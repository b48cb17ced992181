/* What the overlay shows at a moment: a number for each token, its scale, and what to say of it. */
(function (viewer) {
  "use strict";

  const { data } = viewer;
  const INSTEAD =
    "Shown instead: occlusion, how far the decision moves when an entity is taken out.";

  /** The layer that is chosen, or else the last that is not over words alone. */
  function layerIndex(run, id) {
    const chosen = run.layers.findIndex((layer) => layer.id === id);
    if (chosen >= 0 || !run.layers.length) return chosen;
    const entities = run.layers.map((layer) => layer.id[0] === "l").lastIndexOf(true);
    return entities >= 0 ? entities : run.layers.length - 1;
  }

  function headOf(layer, head) {
    return head === "mean" || head >= layer.heads ? "mean" : head;
  }

  function headName(head) {
    return head === "mean" ? "mean of heads" : `head ${head}`;
  }

  /** Weights of one layer and head, as seen from a token. */
  function ofWeights(run, scene, { layer: id, head, query, scale }) {
    const index = layerIndex(run, id);
    const layer = run.layers[index];
    const seen = headOf(layer, head);
    const found = viewer.weights.read(scene.layers[index], layer.heads, seen, query);
    const asker = data.labelOf(scene, found.ref);
    const doing = found.reads ? `read by ${asker}` : `reading ${asker}`;
    const n = found.refs.length;
    return {
      kind: "weights",
      title: `${layer.id}, ${headName(seen)}, ${doing}`,
      doing,
      layer: index,
      head: seen,
      ref: found.ref,
      values: new Map(found.refs.map((ref, i) => [ref, found.values[i]])),
      range: viewer.ranges.ofWeights(found.values, scale),
      level: found.reads && n ? { value: 1 / n, label: `equal share 1/${n}` } : null,
      note: missing(scene, query, found.ref, asker),
    };
  }

  function missing(scene, query, found, asker) {
    if (query === found || query === null) return "";
    const wished = data.labelOf(scene, query);
    const there = wished !== query;
    const kept = viewer.windows.isPast(scene, query) ? "has no row in this layer" : null;
    const why = there ? kept || "reads nothing in this layer" : "is not here";
    return `${wished} ${why}: shown for ${asker}.`;
  }

  function ofMap(run, scene, map, scale, note) {
    const values = data.valuesOf(scene, map.id) || [];
    const n = values.length;
    const total = values.reduce((sum, value) => sum + value, 0);
    const range = viewer.ranges.ofMap(run, map, values, scale);
    const shared = n > 0 && !range.signed && range.lo === 0;
    return {
      kind: "map",
      title: map.title,
      map,
      values: new Map(scene.entities.slice(0, n).map(({ slot }, i) => [`e${slot}`, values[i]])),
      range,
      level: shared ? { value: total / n, label: `equal share 1/${n}` } : null,
      note,
    };
  }

  function nothing(note) {
    return {
      kind: "none",
      title: "frame alone",
      values: new Map(),
      range: null,
      level: null,
      note,
    };
  }

  /** Say why a run cannot show what is chosen. */
  function whyNot(run, wanted) {
    if (!run.layers.length)
      return `The arm ${run.arm} has no attention layers, so there are no weights to show`;
    return `This run has no map ${wanted}`;
  }

  /** What to show of a step, where a run may lack what is chosen. */
  function of(run, step, state) {
    if (state.map === "none") return nothing("");
    if (state.map === "weights" && run.layers.length) return ofWeights(run, step, state);
    const map = run.maps.find(({ id }) => id === state.map);
    if (map) return ofMap(run, step, map, state.scale, "");
    const occlusion = run.maps.find(({ id }) => id === "occlusion");
    if (!occlusion) return nothing(`${whyNot(run, state.map)}.`);
    return ofMap(run, step, occlusion, state.scale, `${whyNot(run, state.map)}. ${INSTEAD}`);
  }

  viewer.strengths = { of, ofWeights, layerIndex, headOf, headName };
})((window.__viewer = window.__viewer || {}));
