/* Attention weights, decoded when they are first looked at. */
(function (viewer) {
  "use strict";

  const decoded = new WeakMap();

  function bytesOf(weights) {
    let bytes = decoded.get(weights);
    if (!bytes) {
      const text = atob(weights.weights);
      bytes = new Uint8Array(text.length);
      for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
      decoded.set(weights, bytes);
    }
    return bytes;
  }

  /** One weight, 0 to 1, of a head or of the mean of all. */
  function weight(weights, heads, head, query, key) {
    const bytes = bytesOf(weights);
    const n = weights.keys.length;
    const of = (h) => bytes[(h * weights.queries.length + query) * n + key] / 255;
    if (head !== "mean") return of(Math.min(head, heads - 1));
    let sum = 0;
    for (let h = 0; h < heads; h += 1) sum += of(h);
    return sum / heads;
  }

  /** What a query reads: its row. */
  function rowOf(weights, heads, head, query) {
    return weights.keys.map((_, key) => weight(weights, heads, head, query, key));
  }

  /** Who reads a key: its column. */
  function columnOf(weights, heads, head, key) {
    return weights.queries.map((_, query) => weight(weights, heads, head, query, key));
  }

  /**
   * What a token reads, or where it is a word that reads nothing, who reads it. A token that is
   * not there gives way to the read-out, the first query.
   */
  function read(weights, heads, head, ref) {
    const query = weights.queries.indexOf(ref);
    const key = weights.keys.indexOf(ref);
    if (query < 0 && key >= 0 && ref[0] === "w") {
      return {
        ref,
        reads: false,
        refs: weights.queries,
        values: columnOf(weights, heads, head, key),
      };
    }
    if (!weights.queries.length) return { ref, reads: true, refs: [], values: [] };
    const row = Math.max(query, 0);
    return {
      ref: weights.queries[row],
      reads: true,
      refs: weights.keys,
      values: rowOf(weights, heads, head, row),
    };
  }

  viewer.weights = { read, rowOf, columnOf };
})((window.__viewer = window.__viewer || {}));
