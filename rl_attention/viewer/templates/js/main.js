/* Puts the page together, draws it when something changes, and plays. */
(function (viewer) {
  "use strict";

  const { dom, data, store, state } = viewer;
  const byId = (id) => document.getElementById(id);
  let timer = null;
  let waiting = false;

  function openAbout() {
    const about = byId("about");
    about.open = true;
    about.scrollIntoView();
    about.querySelector("summary").focus({ preventScroll: true });
  }

  /** Pictures that were not decoded yet are drawn again, once for all that arrive together. */
  function onReady() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  }

  function build() {
    const { replay, runs } = data;
    document.title = replay.title;
    byId("title").textContent = replay.title;
    const n = data.slots.length;
    byId("subtitle").textContent = `${n} ${n === 1 ? "step" : "steps"}, ${runs
      .map((run) => run.env)
      .filter((env, i, all) => all.indexOf(env) === i)
      .join(", ")}`;
    const panels = runs.map((run, i) => viewer.panel.create(run, i, onReady));
    byId("panels").classList.add("panels", ...(runs.length > 1 ? ["two"] : []));
    byId("panels").append(...panels.map(({ node }) => node));
    const timeline = viewer.timeline.create();
    byId("timeline").append(...timeline.nodes);
    return [
      viewer.controls.create(byId("controls")),
      timeline,
      ...panels,
      viewer.probes.create(byId("training"), onReady),
    ];
  }

  const parts = build();

  function draw() {
    parts.forEach((part) => part.draw(state));
    decodeAhead();
  }

  /** Decode the next frames, so that playing does not wait for them. */
  function decodeAhead() {
    data.runs.forEach((run, i) => {
      for (let slot = state.step; slot < Math.min(state.step + 6, data.slots.length); slot += 1) {
        const found = data.at(i, slot);
        if (found) viewer.geometry.imageOf(run, found.step.frame, () => {});
      }
    });
  }

  function advance() {
    const last = data.slots.length - 1;
    store.set({ step: state.step + 1, playing: state.step + 1 < last });
  }

  function keepTime(patch) {
    if (!("playing" in patch) && !("speed" in patch)) return;
    clearInterval(timer);
    timer = state.playing ? setInterval(advance, 1000 / state.speed) : null;
  }

  /** Keep what is chosen in the address; not while playing, where browsers limit how often. */
  function keepAddress(patch) {
    const passing = Object.keys(patch).every((name) => name === "hovered");
    if (state.playing || passing || window.location.protocol === "about:") return;
    history.replaceState(null, "", store.toHash());
  }

  function fromAddress() {
    if (window.location.hash === "#about") openAbout();
    else store.set({ ...store.fromHash(window.location.hash), playing: false });
  }

  const start = store.fromHash(window.location.hash);
  Object.assign(state, start);
  store.listen(keepTime);
  store.listen(draw);
  store.set({ hovered: null });
  store.listen(keepAddress);
  window.addEventListener("hashchange", fromAddress);
  if (window.location.hash === "#about") openAbout();
  viewer.main = { openAbout };
  viewer.drawnAt = performance.now();
})((window.__viewer = window.__viewer || {}));
