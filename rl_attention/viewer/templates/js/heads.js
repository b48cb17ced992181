/* Every layer and head at once, as small pictures; one of them can be chosen. */
(function (viewer) {
  "use strict";

  const { dom, data, colours } = viewer;
  const SMALL = 112;

  /** Where no key has a place in a picture, the keys are drawn as a row of cells. */
  function paintCells(canvas, values, range) {
    [canvas.width, canvas.height] = [SMALL, 28];
    const context = canvas.getContext("2d");
    context.fillStyle = "#26262c";
    context.fillRect(0, 0, canvas.width, canvas.height);
    values.forEach((value, i) => {
      const [x0, x1] = [i, i + 1].map((k) => Math.round((k * SMALL) / values.length));
      context.fillStyle = colours.css(colours.of(value, range));
      context.fillRect(x0, 0, Math.max(1, x1 - x0 - 1), canvas.height);
    });
  }

  /** Of past frames the steps are drawn, as the cells of a strip. */
  function paintSteps(canvas, run, scene, shown, scale) {
    const sums = viewer.windows.sums(scene, shown);
    const range = viewer.ranges.ofSums(run, shown, sums, scale);
    paintCells(
      canvas,
      sums.map(({ value }) => value || 0),
      range,
    );
  }

  function paint(canvas, run, scene, shown, scale, onReady) {
    const isWindow = viewer.windows.stepsOf(scene).length > 1;
    if (isWindow && viewer.windows.sums(scene, shown).some(({ value }) => value !== null)) {
      paintSteps(canvas, run, scene, shown, scale);
      return;
    }
    const { boxes } = viewer.geometry.of(run, scene);
    const refs = [...shown.values.keys()];
    if (!refs.length || refs.some((ref) => boxes.has(ref))) {
      viewer.frame.paint(canvas, run, scene, shown, { target: SMALL, onReady });
    } else {
      paintCells(canvas, [...shown.values.values()], shown.range);
    }
  }

  function caption(scene, shown) {
    const best = viewer.tags.top(shown);
    if (best === null) return ["nothing to read", ""];
    return [data.labelOf(scene, best), dom.number(shown.values.get(best), 2)];
  }

  function thumb(layer, head) {
    const name = head === "mean" ? "mean" : `head ${head}`;
    const canvas = dom.make("canvas", {
      class: "pixelated",
      attrs: { width: SMALL, height: SMALL, "aria-hidden": "true" },
    });
    const label = dom.make("span", { class: "thumb-most label" });
    const value = dom.make("span", { class: "thumb-value" });
    const button = dom.make(
      "button",
      {
        class: "thumb",
        attrs: { type: "button", "data-layer": layer.id, "data-head": head },
        on: { click: () => viewer.store.chooseWeights({ layer: layer.id, head }) },
      },
      dom.make("span", { class: "thumb-name", text: name }),
      canvas,
      label,
      value,
    );
    return { layer, head, name, button, canvas, label, value };
  }

  function row(run, layer) {
    const heads = [...Array(layer.heads).keys(), "mean"];
    const thumbs = heads.map((head) => thumb(layer, head));
    const grid = dom.make("div", { class: "thumbs" }, ...thumbs.map(({ button }) => button));
    grid.style.setProperty("--n", thumbs.length);
    const title = layer.title.startsWith(`${layer.id}:`)
      ? layer.title
      : `${layer.id}: ${layer.title}`;
    const asked = dom.make("span", { class: "faint" });
    const node = dom.make(
      "div",
      { class: "layer" },
      dom.make("h4", {}, dom.make("span", { class: "label", text: title }), asked),
      dom.make("div", { class: "box" }, grid),
    );
    return { node, thumbs, asked };
  }

  /** Make the small pictures of a run; `draw` shows a scene, be it a step or a probe. */
  function create(run, onReady) {
    const rows = run.layers.map((layer) => row(run, layer));
    const node = dom.make(
      "section",
      { class: "heads", attrs: { "aria-label": "Layers and heads" } },
      dom.make("h3", { text: "Layers and heads" }),
      ...rows.map((one) => one.node),
    );
    node.hidden = !rows.length;

    function drawOne(scene, one, state) {
      const options = { ...state, layer: one.layer.id, head: one.head };
      const shown = viewer.strengths.ofWeights(run, scene, options);
      paint(one.canvas, run, scene, shown, state.scale, onReady);
      const [label, value] = caption(scene, shown);
      one.label.textContent = label;
      one.value.textContent = value;
      const chosen =
        state.map === "weights" && one.layer.id === state.layer && one.head === state.head;
      one.button.setAttribute("aria-pressed", String(chosen));
      one.button.setAttribute("aria-label", `${one.layer.id} ${one.name}: most ${label} ${value}`);
      return shown;
    }

    function draw(scene, state) {
      for (const { thumbs, asked } of rows) {
        const shown = thumbs.map((one) => drawOne(scene, one, state));
        asked.textContent = ` ${shown[0].doing}`;
      }
    }

    return { node, draw };
  }

  viewer.heads = { create };
})((window.__viewer = window.__viewer || {}));
