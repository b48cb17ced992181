/* A frame with its tokens tinted. */
(function (viewer) {
  "use strict";

  const { colours } = viewer;
  const TARGET = 480;

  /** Pixels of the canvas per pixel of the frame. */
  function zoomOf(geometry, target) {
    const zoom = target / Math.max(geometry.width, geometry.height);
    return zoom >= 1 ? Math.floor(zoom) : zoom;
  }

  function drawBox(context, box, colour, isRound) {
    const [x0, y0, x1, y1] = box.map(Math.round);
    const width = Math.max(x1 - x0, 2);
    const height = Math.max(y1 - y0, 2);
    context.beginPath();
    if (isRound)
      context.ellipse(x0 + width / 2, y0 + height / 2, width / 2, height / 2, 0, 0, 2 * Math.PI);
    else context.rect(x0, y0, width, height);
    context.fillStyle = colours.css(colour, isRound ? 1 : 0.55);
    context.fill();
    const edge = Math.min(3, Math.max(1, width / 8));
    context.lineWidth = edge;
    context.strokeStyle = colours.css(colour);
    context.stroke();
  }

  function outline(context, box, dash) {
    const [x0, y0, x1, y1] = box.map(Math.round);
    for (const [style, width] of [
      ["#000", 4],
      ["#fff", 2],
    ]) {
      context.setLineDash(dash);
      context.lineWidth = width;
      context.strokeStyle = style;
      context.strokeRect(x0 - 1, y0 - 1, x1 - x0 + 2, y1 - y0 + 2);
    }
    context.setLineDash([]);
  }

  /**
   * Draw a scene with its strengths on a canvas; marks are outlined: {query, hovered}, refs.
   * Where the frame is not decoded yet, `onReady` is called when it is.
   */
  function paint(canvas, run, scene, shown, { target = TARGET, marks = {}, onReady }) {
    const geometry = viewer.geometry.of(run, scene);
    const zoom = zoomOf(geometry, target);
    const size = [geometry.width, geometry.height].map((length) =>
      Math.max(1, Math.round(length * zoom)),
    );
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = zoom < 1;
    context.fillStyle = "#26262c";
    context.fillRect(0, 0, ...size);
    const image = viewer.geometry.imageOf(run, scene.frame, onReady);
    if (image) context.drawImage(image, 0, 0, ...size);
    const tinted = shown.range !== null;
    if (tinted && scene.frame !== null) {
      context.fillStyle = "rgba(16, 16, 22, 0.35)";
      context.fillRect(0, 0, ...size);
    }
    const scaled = new Map(
      [...geometry.boxes].map(([ref, box]) => [ref, box.map((edge) => edge * zoom)]),
    );
    for (const [ref, box] of scaled) {
      const value = shown.values.get(ref);
      if (tinted && value !== undefined)
        drawBox(context, box, colours.of(value, shown.range), geometry.drawn);
      else if (geometry.drawn) drawBox(context, box, [96, 96, 106], true);
    }
    if (scaled.has(marks.query)) outline(context, scaled.get(marks.query), [4, 4]);
    if (scaled.has(marks.hovered)) outline(context, scaled.get(marks.hovered), []);
    return geometry;
  }

  /** The token at a place of the picture, the smallest where several lie there. */
  function tokenAt(geometry, x, y) {
    let found = null;
    let least = Infinity;
    for (const [ref, [x0, y0, x1, y1]] of geometry.boxes) {
      const area = (x1 - x0) * (y1 - y0);
      if (x >= x0 && x < x1 && y >= y0 && y < y1 && area < least) [found, least] = [ref, area];
    }
    return found;
  }

  viewer.frame = { paint, tokenAt };
})((window.__viewer = window.__viewer || {}));
