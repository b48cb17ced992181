/* How far a map can be trusted: its test on many states, and on this one. */
(function (viewer) {
  "use strict";

  const { dom, data } = viewer;

  /**
   * The map whose test speaks of what is shown: {map, exact}. The maps called attention are the
   * read-out rows of the last layer over entities: the mean, and each head.
   */
  function testedMap(run, step, shown) {
    if (shown.map) return { map: shown.map, exact: true };
    const first = run.maps[0] || null;
    if (shown.kind !== "weights") return { map: first, exact: false };
    const layer = run.layers[shown.layer].id;
    const readOut = step.layers[shown.layer].queries[0] === shown.ref;
    const isLast = shown.layer === viewer.strengths.layerIndex(run, null);
    const name = shown.head === "mean" ? isLast && "attention" : `attention_${layer}h${shown.head}`;
    const own = run.maps.find(({ id }) => id === name);
    return own && readOut ? { map: own, exact: true } : { map: first, exact: false };
  }

  function interval(found) {
    if (!found) return "n/a";
    const ends =
      found.low === null || found.high === null
        ? ""
        : ` [${dom.number(found.low, 2)}, ${dom.number(found.high, 2)}]`;
    return dom.number(found.mean, 2) + ends;
  }

  function beside(value, name, other) {
    return (
      dom.percent(value) +
      (other === null || other === undefined ? "" : ` (${name} ${dom.percent(other)})`)
    );
  }

  function states(n) {
    return `${n.toLocaleString("en")} ${n === 1 ? "state" : "states"}`;
  }

  function hereF(score) {
    if (!score) return "not measured";
    return score.F === null
      ? "n/a: removing any entity changes too little"
      : dom.number(score.F, 2);
  }

  function hereHit(score) {
    if (!score || score.hit === null) return "";
    return score.hit ? "; here: yes" : "; here: no";
  }

  function facts(map, score) {
    const summary = map.summary;
    const rows = [];
    if (summary) rows.push([`F over ${states(summary.n_states)}`, interval(summary.F), "F"]);
    rows.push(["F of this step", hereF(score), "F-step"]);
    const hit = summary ? beside(summary.top1_hit, "chance", summary.top1_chance) : "–";
    rows.push(["Top entity right", hit + hereHit(score), "hit"]);
    if (summary)
      rows.push([
        "Flips without it",
        beside(summary.flip, "random entity", summary.flip_random),
        "flip",
      ]);
    return rows.map(([name, value, id]) =>
      dom.make(
        "div",
        { class: id === "F-step" ? "fact roomy" : "fact" },
        dom.make("dt", { text: name }),
        dom.make("dd", { text: value, attrs: { "data-of": id } }),
      ),
    );
  }

  function verdictOf(run) {
    if (!run.verdict)
      return [dom.make("span", { class: "faint", text: "No verdict was asked for." })];
    const { word, text } = run.verdict;
    return [
      dom.make("strong", { class: `badge ${word.replace(" ", "-")}`, text: word }),
      " ",
      dom.make("span", { class: "label", text }),
    ];
  }

  function caveat(run, tested, shown) {
    if (tested.exact) return "";
    const own = shown.kind === "weights" ? "This row of weights has no test of its own. " : "";
    return `${own}The numbers are those of “${tested.map.title}”.`;
  }

  function openAbout(event) {
    event.preventDefault();
    viewer.main.openAbout();
  }

  function create(run) {
    const title = dom.make("h3");
    const note = dom.make("p", { class: "faint caption" });
    const list = dom.make("dl", { class: "facts" });
    const verdict = dom.make("p", { class: "verdict" }, ...verdictOf(run));
    const link = dom.make("a", {
      text: "What do these numbers mean?",
      attrs: { href: "#about" },
      on: { click: openAbout },
    });
    const node = dom.make(
      "section",
      { class: "honesty", attrs: { "aria-label": "Test of the map" } },
      title,
      note,
      list,
      verdict,
      dom.make("p", { class: "more" }, link),
    );

    function draw(step, shown) {
      const tested = testedMap(run, step, shown);
      title.textContent = tested.map
        ? `Test of “${tested.map.title}”`
        : "No map of this run was tested";
      note.textContent = tested.map ? caveat(run, tested, shown) : "";
      list.replaceChildren(
        ...(tested.map ? facts(tested.map, data.scoreOf(step, tested.map.id)) : []),
      );
    }

    return { node, draw };
  }

  viewer.honesty = { create };
})((window.__viewer = window.__viewer || {}));
