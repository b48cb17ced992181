/* Where things are: boxes in the frame, or places of their own where there is none. */
(function (viewer) {
  "use strict";

  const SIDE = 320;
  const MARGIN = 36;
  const HALF = 13;
  const images = new WeakMap();
  const bounds = new WeakMap();

  /** The decoded picture of a frame; null while it is not ready, then `onReady` is called. */
  function imageOf(run, index, onReady) {
    if (index === null || index === undefined) return null;
    if (!images.has(run)) images.set(run, new Map());
    const loaded = images.get(run);
    if (!loaded.has(index)) {
      const image = new Image();
      image.src = `data:image/png;base64,${run.frames[index]}`;
      loaded.set(index, image);
    }
    const image = loaded.get(index);
    if (image.complete && image.naturalWidth) return image;
    // the same listener counts once, however often it is added
    image.addEventListener("load", onReady, { once: true });
    return null;
  }

  /** Width and height of a frame, from the header of its PNG file. */
  function sizeOf(run, index) {
    const head = atob(run.frames[index].slice(0, 32));
    const at = (i) => [0, 1, 2, 3].reduce((sum, k) => sum * 256 + head.charCodeAt(i + k), 0);
    return { width: at(16), height: at(20) };
  }

  function boundsOf(run) {
    if (!bounds.has(run)) {
      const places = [...run.steps, ...run.probes].flatMap((scene) =>
        scene.entities.filter(({ place }) => place).map(({ place }) => place),
      );
      const along = (i) => places.map((place) => place[i]);
      const low = [0, 1].map((i) => along(i).reduce((a, b) => Math.min(a, b), Infinity));
      const high = [0, 1].map((i) => along(i).reduce((a, b) => Math.max(a, b), -Infinity));
      bounds.set(run, { low, high });
    }
    return bounds.get(run);
  }

  /** A canvas that fits all places of the run, and how a place gets there. */
  function plan(run) {
    const { low, high } = boundsOf(run);
    const span = [0, 1].map((i) => high[i] - low[i]);
    const most = Math.max(...span);
    const room = SIDE - 2 * MARGIN;
    const zoom = most > 0 ? room / most : 0;
    const height = Math.max(SIDE / 2, span[1] * zoom + 2 * MARGIN);
    const spare = [(room - span[0] * zoom) / 2, (height - 2 * MARGIN - span[1] * zoom) / 2];
    const put = (place) => [0, 1].map((i) => MARGIN + spare[i] + (place[i] - low[i]) * zoom);
    return { width: SIDE, height, put };
  }

  function around([x, y], half = HALF) {
    return [x - half, y - half, x + half, y + half];
  }

  function onPlan(run, scene) {
    const { width, height, put } = plan(run);
    const boxes = new Map();
    for (const { slot, place } of viewer.windows.now(scene))
      if (place) boxes.set(`e${slot}`, around(put(place)));
    return { width, height, boxes, drawn: true };
  }

  function onCircle(scene) {
    const boxes = new Map([["g", around([SIDE / 2, SIDE / 2])]]);
    const entities = viewer.windows.now(scene);
    const n = entities.length;
    entities.forEach(({ slot }, i) => {
      const angle = (2 * Math.PI * i) / n - Math.PI / 2;
      const radius = SIDE / 2 - MARGIN;
      const centre = [SIDE / 2 + radius * Math.cos(angle), SIDE / 2 + radius * Math.sin(angle)];
      boxes.set(`e${slot}`, around(centre));
    });
    return { width: SIDE, height: SIDE, boxes, drawn: true };
  }

  /** The agent's box, drawn in where an entity has the same place. */
  function beside(agent, boxes) {
    const taken = boxes.some((box) => box.every((edge, i) => edge === agent[i]));
    const inset = taken ? Math.max(1, Math.floor((agent[2] - agent[0]) / 5)) : 0;
    return [agent[0] + inset, agent[1] + inset, agent[2] - inset, agent[3] - inset];
  }

  function inFrame(run, scene) {
    const boxes = new Map();
    for (const { slot, box } of viewer.windows.now(scene)) {
      if (box && box[2] > box[0] && box[3] > box[1]) boxes.set(`e${slot}`, box);
    }
    if (scene.agent_box) boxes.set("g", beside(scene.agent_box, [...boxes.values()]));
    return { ...sizeOf(run, scene.frame), boxes, drawn: false };
  }

  /** Size of the picture, and the box of each token that has a place in it; the past has none. */
  function of(run, scene) {
    if (scene.frame !== null) return inFrame(run, scene);
    return viewer.windows.now(scene).some(({ place }) => place) ? onPlan(run, scene) : onCircle(scene);
  }

  viewer.geometry = { of, imageOf };
})((window.__viewer = window.__viewer || {}));
