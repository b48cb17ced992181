/* Names on a picture, and what stands in it in words. */
(function (viewer) {
  "use strict";

  const { dom, data } = viewer;
  // of the picture's width and height: a letter, the padding, and a line
  const [LETTER, PADDING, LINE] = [0.0165, 0.02, 0.058];

  /** The token with the largest number, among those that count. */
  function top(shown, counts = () => true) {
    const entries = [...shown.values].filter(([ref]) => counts(ref));
    const best = data.argmax(entries.map(([, value]) => value));
    return best < 0 ? null : entries[best][0];
  }

  /** Where a name goes: below its token, or above it at the lower rim; shares of the picture. */
  function placeOf(geometry, ref, text) {
    const [x0, y0, x1, y1] = geometry.boxes.get(ref);
    const middle = (x0 + x1) / 2 / geometry.width;
    const below = geometry.drawn || y1 / geometry.height < 0.9;
    const side = middle < 0.25 ? "at-start" : middle > 0.75 ? "at-end" : "";
    const edge = { "at-start": x0, "at-end": x1, "": (x0 + x1) / 2 }[side];
    const x = Math.max(0, Math.min(edge / geometry.width, 1));
    const width = Math.min(0.48, text.length * LETTER + PADDING);
    const left = x - { "at-start": 0, "at-end": width, "": width / 2 }[side];
    return { ref, text, side, below, x, y: (below ? y1 : y0) / geometry.height, left, width };
  }

  function overlaps(a, b) {
    return a.left < b.left + b.width && b.left < a.left + a.width && Math.abs(a.y - b.y) < LINE;
  }

  /** Move names down until none lies on another, as far as the picture goes. */
  function spread(places) {
    const done = [];
    for (const place of [...places].sort((a, b) => a.y - b.y)) {
      let y = place.y;
      while (y < 1 - 2 * LINE && done.some((other) => overlaps({ ...place, y }, other)))
        y += LINE / 4;
      done.push({ ...place, y });
    }
    return done;
  }

  function tag({ ref, text, side, below, x, y }, hovered) {
    const names = ["tag", side, below ? "" : "above", ref === hovered ? "hovered" : ""];
    const node = dom.make("span", { class: names.filter(Boolean).join(" "), text });
    node.style.left = `${100 * x}%`;
    node.style.top = `${100 * y}%`;
    return node;
  }

  function textOf(scene, shown, ref) {
    const value = shown.values.get(ref);
    return data.labelOf(scene, ref) + (value === undefined ? "" : ` ${dom.number(value, 2)}`);
  }

  /** Names of the largest token, of the one pointed at, and of all where there is no frame. */
  function make(geometry, scene, shown, hovered) {
    const best = top(shown, (ref) => geometry.boxes.has(ref));
    const named = [...geometry.boxes.keys()].filter(
      (ref) => ref === hovered || ref === best || geometry.drawn,
    );
    const places = named.map((ref) => placeOf(geometry, ref, textOf(scene, shown, ref)));
    return spread(places).map((place) => tag(place, hovered));
  }

  /** What has a number and no place in the picture, in words; the strip has what is past. */
  function elsewhere(geometry, scene, shown) {
    const away = [...shown.values].filter(
      ([ref]) => !geometry.boxes.has(ref) && !viewer.windows.isPast(scene, ref),
    );
    if (!away.length) return "";
    const largest = away.sort((a, b) => b[1] - a[1]).slice(0, 6);
    const told = largest.map(([ref]) => textOf(scene, shown, ref)).join(", ");
    return `Not in the picture: ${told}${away.length > 6 ? ", …" : ""}.`;
  }

  /** The picture in one line. */
  function describe(scene, shown) {
    const best = top(shown);
    const most = best === null ? "" : `; most: ${textOf(scene, shown, best)}`;
    return `Frame with ${shown.title}${most}. The table has the numbers.`;
  }

  viewer.tags = { top, make, elsewhere, describe };
})((window.__viewer = window.__viewer || {}));
