/* One run: its picture, decision, maps and their test. */
(function (viewer) {
  "use strict";

  const { dom, data } = viewer;

  /** A picture with its names, notes and colour scale; `act` says what pointing at a token does. */
  function makePicture(run, act, onReady) {
    const canvas = dom.make("canvas", { class: "frame pixelated", attrs: { role: "img" } });
    const tags = dom.make("div", { class: "tags", attrs: { "aria-hidden": "true" } });
    const stage = dom.make("div", { class: "stage" }, canvas, tags);
    const notes = dom.make("div", { class: "notes" });
    const legend = dom.make("div");
    const node = dom.make("div", { class: "picture" }, stage, legend, notes);
    let geometry = null;

    function tokenUnder(event) {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      if (!geometry || !width || !height) return null;
      const [x, y] = [(event.clientX - left) / width, (event.clientY - top) / height];
      return viewer.frame.tokenAt(geometry, x * geometry.width, y * geometry.height);
    }

    canvas.addEventListener("mousemove", (event) => act.hover(tokenUnder(event)));
    canvas.addEventListener("mouseleave", () => act.hover(null));
    canvas.addEventListener("click", (event) => act.choose(tokenUnder(event)));

    function draw(scene, shown, hovered) {
      const marks = { query: shown.ref, hovered };
      geometry = viewer.frame.paint(canvas, run, scene, shown, { marks, onReady });
      canvas.setAttribute("aria-label", viewer.tags.describe(scene, shown));
      tags.replaceChildren(...viewer.tags.make(geometry, scene, shown, hovered));
      legend.replaceChildren(viewer.legend.make(shown));
      const told = [shown.note, viewer.tags.elsewhere(geometry, scene, shown)].filter(Boolean);
      notes.replaceChildren(...told.map((text) => dom.make("p", { class: "note label", text })));
    }

    return { node, draw };
  }

  function headOf(run) {
    const told = [run.env, `arm ${run.arm}`, `seed ${run.seed}`].join(" · ");
    return dom.make(
      "header",
      {},
      dom.make("h2", { class: "label", text: run.name }),
      dom.make("p", { class: "faint label", text: told }),
    );
  }

  function hoverOf(runIndex) {
    return (ref) => {
      const { hovered } = viewer.state;
      const same = hovered ? hovered.run === runIndex && hovered.ref === ref : ref === null;
      if (!same) viewer.store.set({ hovered: ref && { run: runIndex, ref } });
    };
  }

  /** Make the panel of a run. */
  function create(run, runIndex, onReady) {
    const act = {
      hover: hoverOf(runIndex),
      choose: (ref) => ref && viewer.store.chooseWeights({ query: ref }),
    };
    const parts = {
      words: viewer.words.create(run),
      picture: makePicture(run, act, onReady),
      decision: viewer.decision.create(run),
      honesty: viewer.honesty.create(run),
      heads: viewer.heads.create(run, onReady),
      strip: viewer.strip.create(run, onReady),
      table: viewer.table.create(run, runIndex),
    };
    const where = dom.make("p", { class: "where faint" });
    const left = dom.make(
      "div",
      { class: "left" },
      parts.words.node,
      parts.picture.node,
      parts.decision.node,
    );
    const right = dom.make(
      "div",
      { class: "right" },
      parts.honesty.node,
      parts.strip.node,
      parts.table.node,
      parts.heads.node,
    );
    const body = dom.make("div", { class: "panel-body" }, left, right);
    const node = dom.make(
      "article",
      { class: "panel", attrs: { "aria-label": run.name } },
      headOf(run),
      where,
      body,
    );

    function draw(state) {
      const found = data.at(runIndex, state.step);
      body.hidden = !found;
      where.textContent = found ? tellWhere(found) : "This run has no such episode.";
      if (!found) return;
      const { step } = found;
      const hovered = state.hovered && state.hovered.run === runIndex ? state.hovered.ref : null;
      const shown = viewer.strengths.of(run, step, state);
      parts.words.draw(step, state, hovered);
      parts.picture.draw(step, shown, hovered);
      parts.decision.draw(step, hovered);
      parts.honesty.draw(step, shown);
      parts.heads.draw(step, state);
      const past = parts.strip.draw(step, state, shown, hovered);
      parts.table.draw(step, shown, hovered, state.scale, past);
    }

    return { node, draw };
  }

  function tellWhere({ step, ended }) {
    const over = ended ? ": the episode of this run has ended, its last step stays" : "";
    return `Episode ${step.episode}, step ${step.t}${over}`;
  }

  viewer.panel = { create, makePicture };
})((window.__viewer = window.__viewer || {}));
