/* From where to where a colour scale goes: over the whole replay, or over one step. */
(function (viewer) {
  "use strict";

  const known = new WeakMap();
  const windowed = new WeakMap();

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

  function overWindows(run, map) {
    if (!windowed.has(run)) windowed.set(run, new Map());
    const ranges = windowed.get(run);
    if (!ranges.has(map.id)) {
      const all = run.steps.flatMap((step) => {
        const values = viewer.data.valuesOf(step, map.id) || [];
        return viewer.windows
          .stepsOf(step)
          .map(({ indices }) => indices.reduce((sum, i) => sum + (values[i] || 0), 0));
      });
      ranges.set(map.id, span(all, map.signed));
    }
    return ranges.get(map.id);
  }

  /** Range of the colours of sums over the tokens of each step of a window; null where nothing is shown. */
  function ofSums(run, shown, sums, scale) {
    if (shown.range === null) return null;
    const values = sums.map(({ value }) => value || 0);
    if (shown.kind === "map" && scale !== "step") return overWindows(run, shown.map);
    if (scale === "step") return span(values, shown.range.signed);
    // what several tokens read of one word can be more than 1 in all
    return span([1, ...values], false);
  }

  /** From where to where the bars of a window go: to its largest sum, or 256 of them look flat. */
  function ofWindow(sums, range) {
    return span(
      sums.map(({ value }) => value || 0),
      range !== null && range.signed,
    );
  }

  viewer.ranges = { ofMap, ofWeights, ofSums, ofWindow };
})((window.__viewer = window.__viewer || {}));
