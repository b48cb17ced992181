/* The mission: who reads its words, and what they read. */
(function (viewer) {
  "use strict";

  const { dom, data, colours } = viewer;
  const MOST = 8;

  function indexesOf(scene, axes) {
    return scene.layers
      .map((_, i) => i)
      .filter((i) => axes.some((axis) => scene.layers[i][axis].some((ref) => ref[0] === "w")));
  }

  /** The layer that the words are read in: the chosen one, if it is among those that may be. */
  function prefer(run, indexes, chosen) {
    const found = indexes.find((i) => run.layers[i].id === chosen);
    return found === undefined ? indexes[0] : found;
  }

  function weightsOf(run, scene, index, head, ref) {
    const layer = run.layers[index];
    const seen = viewer.strengths.headOf(layer, head);
    const found = viewer.weights.read(scene.layers[index], layer.heads, seen, ref);
    const values = new Map(found.refs.map((key, i) => [key, found.values[i]]));
    return { ...found, values, told: `${layer.id}, ${viewer.strengths.headName(seen)}` };
  }

  /** What a token, be it an entity or the agent, reads of the words. */
  function ofReader(run, scene, state, ref) {
    const indexes = indexesOf(scene, ["keys"]);
    const able = indexes.filter((i) => scene.layers[i].queries.includes(ref));
    const index = prefer(run, able.length ? able : indexes, state.layer);
    const found = weightsOf(run, scene, index, state.head, ref);
    const asker = data.labelOf(scene, found.ref);
    const other = ref && ref !== found.ref ? ` (${data.labelOf(scene, ref)} reads no words)` : "";
    return {
      values: found.values,
      caption: `Weight of each word when ${asker} reads: ${found.told}${other}.`,
      list: [],
    };
  }

  function ranked(scene, values) {
    return [...values]
      .sort((a, b) => b[1] - a[1])
      .slice(0, MOST)
      .map(([ref, value]) => [data.labelOf(scene, ref), value]);
  }

  function readersOf(run, scene, state, ref) {
    const indexes = indexesOf(scene, ["keys"]).filter((i) => scene.layers[i].keys.includes(ref));
    if (!indexes.length) return null;
    const index = prefer(run, indexes, state.layer);
    const [layer, weights] = [run.layers[index], scene.layers[index]];
    const head = viewer.strengths.headOf(layer, state.head);
    const column = viewer.weights.columnOf(weights, layer.heads, head, weights.keys.indexOf(ref));
    const values = new Map(weights.queries.map((query, i) => [query, column[i]]));
    return [
      `Who reads ${data.labelOf(scene, ref)}: ${layer.id}, ${viewer.strengths.headName(head)}`,
      ranked(scene, values),
    ];
  }

  function readBy(run, scene, state, ref) {
    const indexes = scene.layers
      .map((_, i) => i)
      .filter((i) => scene.layers[i].queries.includes(ref));
    if (!indexes.length) return null;
    const found = weightsOf(run, scene, prefer(run, indexes, state.layer), state.head, ref);
    return [`What ${data.labelOf(scene, ref)} reads: ${found.told}`, ranked(scene, found.values)];
  }

  /** Who reads a word, and what it reads, whichever there is. */
  function ofWord(run, scene, state, ref) {
    const list = [readersOf, readBy].map((of) => of(run, scene, state, ref)).filter(Boolean);
    const caption = list.length ? "" : `${data.labelOf(scene, ref)} is read by nothing.`;
    return { values: new Map(), caption, list };
  }

  function find(run, scene, state, ref) {
    const there = ref && ref[0] === "w" ? Number(ref.slice(1)) < scene.words.length : true;
    const asked = there ? ref : null;
    if (!indexesOf(scene, ["keys", "queries"]).length)
      return { values: new Map(), caption: "No layer of this run reads words.", list: [] };
    if (asked && asked[0] === "w") return ofWord(run, scene, state, asked);
    if (!indexesOf(scene, ["keys"]).length)
      return { values: new Map(), caption: "Choose a word to see what it reads.", list: [] };
    return ofReader(run, scene, state, asked);
  }

  function chip(run, scene, i, value, range, chosen, act) {
    const ref = `w${i}`;
    const node = dom.make(
      "button",
      {
        class: "chip",
        attrs: { type: "button", "data-ref": ref, "aria-pressed": String(chosen) },
        on: { click: () => act(ref) },
      },
      dom.make("span", { class: "label", text: scene.words[i] }),
      dom.make("span", {
        class: "chip-value",
        text: value === undefined ? "" : dom.number(value, 2),
      }),
    );
    node.disabled = !run.layers.length;
    if (value !== undefined) {
      const shade = colours.of(value, range);
      node.style.backgroundColor = colours.css(shade);
      node.style.color = colours.inkOn(shade);
    }
    return node;
  }

  function listOf([title, rows]) {
    return dom.make(
      "div",
      { class: "readers" },
      dom.make("p", { class: "faint", text: title }),
      dom.make(
        "ul",
        {},
        ...rows.map(([name, value]) =>
          dom.make(
            "li",
            {},
            dom.make("span", { class: "label", text: name }),
            dom.bar(value),
            dom.make("span", { class: "value", text: dom.number(value) }),
          ),
        ),
      ),
    );
  }

  function create(run) {
    const text = dom.make("p", { class: "mission label" });
    const chips = dom.make("div", {
      class: "chips",
      attrs: { role: "group", "aria-label": "Words of the mission" },
    });
    const caption = dom.make("p", { class: "faint caption" });
    const lists = dom.make("div", { class: "lists" });
    const node = dom.make(
      "section",
      { class: "words", attrs: { "aria-label": "Mission" } },
      text,
      chips,
      caption,
      lists,
    );

    /** Choose a word, in a layer that has words. */
    function choose(scene, state, ref) {
      const indexes = indexesOf(scene, ["keys", "queries"]);
      viewer.store.chooseWeights(
        indexes.length
          ? { query: ref, layer: run.layers[prefer(run, indexes, state.layer)].id }
          : {},
      );
    }

    function draw(scene, state, hovered) {
      node.hidden = !scene.words.length && !scene.mission;
      text.textContent = scene.mission;
      const plain = scene.words.join(" ").toLowerCase() === scene.mission.toLowerCase();
      text.hidden = plain || !scene.mission;
      const found = find(run, scene, state, hovered || state.query);
      const range = viewer.ranges.ofWeights([...found.values.values()], state.scale);
      const focused = chips.contains(document.activeElement)
        ? document.activeElement.dataset.ref
        : null;
      chips.replaceChildren(
        ...scene.words.map((_, i) =>
          chip(run, scene, i, found.values.get(`w${i}`), range, state.query === `w${i}`, (ref) =>
            choose(scene, state, ref),
          ),
        ),
      );
      if (focused) (chips.querySelector(`[data-ref="${focused}"]`) || chips).focus();
      caption.textContent = scene.words.length ? found.caption : "";
      lists.replaceChildren(...found.list.map(listOf));
    }

    return { node, draw };
  }

  viewer.words = { create };
})((window.__viewer = window.__viewer || {}));
