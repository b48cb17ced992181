/* Two colour scales that read without colour vision: brighter is more. */
(function (viewer) {
  "use strict";

  // dark blue to yellow, as in the pictures that training writes
  const SEQUENTIAL = [
    [38, 10, 84],
    [62, 66, 148],
    [38, 128, 146],
    [76, 190, 118],
    [178, 222, 60],
    [255, 236, 72],
  ];
  const DIVERGING = [
    [110, 190, 255],
    [44, 118, 200],
    [30, 60, 104],
    [40, 40, 46],
    [112, 62, 20],
    [206, 110, 24],
    [255, 176, 80],
  ];

  function mix(anchors, place) {
    const at = Math.min(1, Math.max(0, place)) * (anchors.length - 1);
    const i = Math.min(Math.floor(at), anchors.length - 2);
    return anchors[i].map((low, c) => Math.round(low + (anchors[i + 1][c] - low) * (at - i)));
  }

  /** Place of a value on its scale, 0 to 1: the root keeps small values, which are many, apart. */
  function placeOf(value, range) {
    if (range.signed) {
      const share = range.hi > 0 ? Math.max(-1, Math.min(1, value / range.hi)) : 0;
      return 0.5 + 0.5 * Math.sign(share) * Math.sqrt(Math.abs(share));
    }
    const width = range.hi - range.lo;
    return width > 0 ? Math.sqrt(Math.max(0, Math.min(1, (value - range.lo) / width))) : 0;
  }

  /** Colour at a place on a scale, as [r, g, b]. */
  function at(place, signed) {
    return mix(signed ? DIVERGING : SEQUENTIAL, place);
  }

  /** Colour of a value. */
  function of(value, range) {
    return at(placeOf(value, range), range.signed);
  }

  function css([r, g, b], alpha = 1) {
    return `rgba(${r}, ${g}, ${b}, ${alpha})`;
  }

  /** Black or white, whichever reads better on a colour. */
  function inkOn([r, g, b]) {
    return 0.299 * r + 0.587 * g + 0.114 * b > 130 ? "#000" : "#fff";
  }

  viewer.colours = { placeOf, at, of, css, inkOn };
})((window.__viewer = window.__viewer || {}));
