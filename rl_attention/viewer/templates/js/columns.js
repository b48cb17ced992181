/* The columns of the table of entities: the map that counts, what removal does, all other maps. */
(function (viewer) {
  "use strict";

  const { dom, data } = viewer;

  function shareOf(run, map, values, value, scale) {
    const range = viewer.ranges.ofMap(run, map, values, scale);
    if (range.signed) return range.hi ? value / range.hi : 0;
    return range.hi > range.lo ? (value - range.lo) / (range.hi - range.lo) : 0;
  }

  /** A bar, as long as the number is large on the colour scale, and the number. */
  function fillMap(run, map, step, i, scale) {
    const values = data.valuesOf(step, map.id);
    if (!values) return "–";
    const bar = dom.bar(shareOf(run, map, values, values[i], scale), { signed: map.signed });
    const text = dom.make("span", { class: "value", text: dom.number(values[i]) });
    return dom.make("span", { class: "cell" }, bar, text);
  }

  function ofMap(run, map) {
    return {
      title: map.title,
      told: null,
      attrs: { "data-map": map.id },
      fill: (step, i, scale) => fillMap(run, map, step, i, scale),
    };
  }

  const EFFECTS = [
    {
      title: "drop",
      told: "How much less likely the chosen action is without the entity",
      attrs: { "data-of": "drop" },
      fill: (step, i) => (step.without[i] ? dom.number(step.without[i].drop) : "–"),
    },
    {
      title: "flip",
      told: "Whether another action is likeliest without the entity",
      attrs: { "data-of": "flip" },
      fill: (step, i) => (step.without[i] ? (step.without[i].flip ? "yes" : "no") : "–"),
    },
  ];

  /** List the columns of a run: {title, told, attrs, fill(step, i, scale)}. */
  function of(run) {
    const isOcclusion = ({ id }, i) => i > 0 && id === "occlusion";
    const first = run.maps.slice(0, 1);
    const occlusion = run.maps.filter(isOcclusion);
    const others = run.maps.filter((map, i) => i > 0 && !isOcclusion(map, i));
    const columns = (maps) => maps.map((map) => ofMap(run, map));
    return [...columns(first), ...columns(occlusion), ...EFFECTS, ...columns(others)];
  }

  viewer.columns = { of };
})((window.__viewer = window.__viewer || {}));
