/* The entities of a step with every map in numbers, largest of the first map first. */
(function (viewer) {
  "use strict";

  const { dom, data } = viewer;

  /** Indices of the entities of a step of the window, or of all; sorted by the first map. */
  function order(run, step, past) {
    const values = run.maps.length ? data.valuesOf(step, run.maps[0].id) : null;
    const all = step.entities.map((_, i) => i);
    const indices = past === null ? all : all.filter((i) => step.entities[i].step === past);
    return values ? indices.sort((a, b) => values[b] - values[a] || a - b) : indices;
  }

  function makeRow(columns, step, i, scale, listeners) {
    const entity = step.entities[i];
    const ref = `e${entity.slot}`;
    const name = dom.make(
      "th",
      { attrs: { scope: "row" } },
      dom.make("span", { class: "label", text: entity.label || entity.type }),
      dom.make("span", { class: "ref", text: ref }),
    );
    const cells = columns.map(({ attrs, fill }) => dom.make("td", { attrs }, fill(step, i, scale)));
    const attrs = { tabindex: -1, "data-ref": ref };
    return dom.make("tr", { attrs, on: listeners(ref) }, name, ...cells);
  }

  function makeHead(columns) {
    const cells = columns.map(({ title, told, attrs }) =>
      dom.make("th", {
        class: "label",
        text: title,
        attrs: { ...attrs, scope: "col", title: told },
      }),
    );
    const first = dom.make("th", { text: "entity", attrs: { scope: "col" } });
    return dom.make("thead", {}, dom.make("tr", {}, first, ...cells));
  }

  function create(run, runIndex) {
    const body = dom.make("tbody");
    const columns = viewer.columns.of(run);
    const head = makeHead(columns);
    const title = dom.make("span", { text: "Entities" });
    const empty = dom.make("p", { class: "faint", text: "No entity is in sight at this step." });
    const table = dom.make("table", { class: "entities" }, head, body);
    const told = run.maps.length ? `, sorted by ${run.maps[0].title}` : "";
    const box = dom.make("div", { class: "box" }, table);
    const node = dom.make(
      "section",
      { class: "table" },
      dom.make("h3", {}, title, dom.make("span", { class: "faint", text: told })),
      box,
      empty,
    );
    // room for the most entities of any step, so that what lies below stays where it is
    const most = run.steps
      .flatMap(viewer.windows.stepsOf)
      .reduce((n, { indices }) => Math.max(n, indices.length), 0);
    node.style.minHeight = `${Math.min(34, 5.5 + 1.85 * most)}rem`;
    let drawn = {};
    let rebuilding = false;

    function hover(ref) {
      // a row that goes away loses the focus, which nobody meant
      if (!rebuilding) viewer.store.set({ hovered: ref && { run: runIndex, ref } });
    }

    const choose = (ref) => viewer.store.chooseWeights({ query: ref });
    body.addEventListener("mouseleave", () => hover(null));

    function listeners(ref) {
      return {
        mouseenter: () => hover(ref),
        focus: () => hover(ref),
        blur: () => hover(null),
        click: () => choose(ref),
        keydown: (event) => onKey(event, ref),
      };
    }

    function onKey(event, ref) {
      const row = event.currentTarget;
      const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[
        event.key
      ];
      if (event.key === "Enter") choose(ref);
      if (next) next.focus();
      if (next || event.key === "Enter") event.preventDefault();
    }

    function rebuild(step, scale, past) {
      const focused = body.contains(document.activeElement)
        ? document.activeElement.dataset.ref
        : null;
      rebuilding = true;
      body.replaceChildren(
        ...order(run, step, past).map((i) => makeRow(columns, step, i, scale, listeners)),
      );
      const again = focused && (rowOf(focused) || body.firstElementChild);
      if (again) again.focus({ preventScroll: true });
      rebuilding = false;
      if (again && again.dataset.ref !== focused) queueMicrotask(() => hover(again.dataset.ref));
      title.textContent = past === null ? "Entities" : `Tokens of step ${viewer.windows.name(past)}`;
      box.hidden = !body.children.length;
      empty.hidden = !box.hidden;
    }

    function rowOf(ref) {
      return [...body.children].find((row) => row.dataset.ref === ref);
    }

    /** Draw the table; `past` is the step of the window whose tokens are listed, null: all are. */
    function draw(step, shown, hovered, scale, past) {
      if (drawn.step !== step || drawn.scale !== scale || drawn.past !== past) {
        drawn = { step, scale, past };
        rebuild(step, scale, past);
      }
      const stop = rowOf(hovered) || body.firstElementChild;
      for (const row of body.children) {
        row.classList.toggle("hovered", row.dataset.ref === hovered);
        row.tabIndex = row === stop ? 0 : -1;
      }
      const chosen = shown.map ? shown.map.id : null;
      for (const cell of head.querySelectorAll("th"))
        cell.classList.toggle("chosen", Boolean(chosen) && cell.dataset.map === chosen);
    }

    return { node, draw };
  }

  viewer.table = { create };
})((window.__viewer = window.__viewer || {}));
