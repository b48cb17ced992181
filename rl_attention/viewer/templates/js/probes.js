/* The same state at several moments of the training. */
(function (viewer) {
  "use strict";

  const { dom, data, store } = viewer;
  const EXPLAINED =
    "The same fixed state, looked at again and again. " +
    "Layer, head and query token are those chosen above.";

  /** The last snapshot of a probe that was taken by then; the first where all came later. */
  function momentAt(probe, step) {
    const before = probe.moments.filter((moment) => moment.step <= step);
    return before.length ? before[before.length - 1] : probe.moments[0];
  }

  function view(run, onReady) {
    const act = { hover: () => {}, choose: (ref) => ref && store.chooseWeights({ query: ref }) };
    const told = dom.make("p", { class: "faint label" });
    const picture = viewer.panel.makePicture(run, act, onReady);
    const heads = viewer.heads.create(run, onReady);
    const isWindow = viewer.windows.lengthOf(run) > 1;
    const bars = viewer.bars.create(run);
    bars.node.hidden = !isWindow;
    const name = data.runs.length > 1 ? [dom.make("h3", { class: "label", text: run.name })] : [];
    const body = dom.make(
      "div",
      { class: "panel-body" },
      dom.make("div", { class: "left" }, picture.node, bars.node),
      dom.make("div", { class: "right" }, heads.node),
    );
    const node = dom.make("article", { class: "panel" }, ...name, told, body);

    function draw(state, at) {
      const probe = store.probeOf(run, state.probe);
      body.hidden = !probe || !run.layers.length;
      told.textContent = probe ? probe.mission : "This run has no such probe.";
      if (body.hidden) {
        if (probe)
          told.textContent = `The arm ${run.arm} has no attention layers to follow in training.`;
        return;
      }
      const scene = { ...probe, layers: momentAt(probe, at).layers };
      const shown = viewer.strengths.ofWeights(run, scene, state);
      picture.draw(scene, shown, null);
      const sums = viewer.windows.sums(scene, shown);
      bars.draw(sums, viewer.ranges.ofSums(run, shown, sums, state.scale), null);
      heads.draw(scene, state);
    }

    return { node, draw };
  }

  function controls() {
    const select = dom.select("Probe", "probe", (value) =>
      store.set({ probe: Number(value), moment: store.momentsOf(Number(value)).length - 1 }),
    );
    const slider = dom.make("input", {
      attrs: {
        type: "range",
        id: "moment",
        min: 0,
        step: 1,
        "aria-label": "Snapshot of the training",
      },
      on: { input: () => store.set({ moment: Number(slider.value) }) },
    });
    const told = dom.make("output", { attrs: { for: "moment" } });
    const box = dom.make(
      "div",
      { class: "bar-of-controls" },
      select.box,
      dom.make(
        "label",
        { class: "field wide", attrs: { for: "moment" } },
        dom.make("span", { text: "Training" }),
        slider,
      ),
      told,
    );
    return { box, select: select.node, slider, told };
  }

  /** Fill the section; without probes it stays away. */
  function create(section, onReady) {
    if (!store.probes.length) return { draw: () => {} };
    section.hidden = false;
    const bar = controls();
    const views = data.runs.map((run) => view(run, onReady));
    const panels = dom.make(
      "div",
      { class: views.length > 1 ? "panels two" : "panels" },
      ...views.map(({ node }) => node),
    );
    section.append(
      dom.make("h2", { text: "During training", attrs: { id: "training-title" } }),
      dom.make("p", {
        class: "faint",
        text: EXPLAINED,
      }),
      bar.box,
      panels,
    );
    dom.setOptions(
      bar.select,
      store.probes.map((name, i) => [String(i), name]),
      "0",
    );

    function draw(state) {
      const moments = store.momentsOf(state.probe);
      bar.select.value = String(state.probe);
      bar.slider.max = moments.length - 1;
      bar.slider.value = state.moment;
      bar.slider.disabled = moments.length < 2;
      const text = `${moments[state.moment].toLocaleString("en")} frames`;
      bar.told.textContent = text;
      bar.slider.setAttribute("aria-valuetext", text);
      views.forEach((one) => one.draw(state, moments[state.moment]));
    }

    return { draw };
  }

  viewer.probes = { create };
})((window.__viewer = window.__viewer || {}));
