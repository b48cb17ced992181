/* From where to where a colour scale goes: over the whole replay, or over one step. */
(function (viewer) {
  "use strict";

  const known = new WeakMap();

  function span(values, signed) {
    let lo = 0;
    let hi = 0;
    for (const value of values) {
      lo = Math.min(lo, value);
      hi = Math.max(hi, value);
    }
    if (!signed) return { lo, hi, signed };
    const most = Math.max(hi, -lo);
    return { lo: -most, hi: most, signed };
  }

  function overReplay(run, map) {
    if (!known.has(run)) known.set(run, new Map());
    const ranges = known.get(run);
    if (!ranges.has(map.id)) {
      const all = run.steps.flatMap((step) => viewer.data.valuesOf(step, map.id) || []);
      ranges.set(map.id, span(all, map.signed));
    }
    return ranges.get(map.id);
  }

  /** Range of a map: that of its numbers, 0 among them. */
  function ofMap(run, map, values, scale) {
    return scale === "step" ? span(values, map.signed) : overReplay(run, map);
  }

  /** Range of weights: 0 to 1, so that a colour means the same in every head. */
  function ofWeights(values, scale) {
    return scale === "step" ? span(values, false) : { lo: 0, hi: 1, signed: false };
  }

  viewer.ranges = { ofMap, ofWeights };
})((window.__viewer = window.__viewer || {}));
