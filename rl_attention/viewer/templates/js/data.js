/* The data of the page, and how the steps of two runs stand beside each other. */
(function (viewer) {
  "use strict";

  const replay = JSON.parse(document.getElementById("replay").textContent);
  const runs = replay.runs;

  /** Points in time at which some run has a step, by episode and t. */
  function listSlots() {
    const found = new Map();
    for (const run of runs) {
      for (const { episode, t } of run.steps) found.set(`${episode}:${t}`, { episode, t });
    }
    return [...found.values()].sort((a, b) => a.episode - b.episode || a.t - b.t);
  }

  /** For each slot the step of a run that holds then: {index, ended}, or null. */
  function align(run, slots) {
    const last = new Map(run.steps.map((step) => [step.episode, step.t]));
    let next = 0;
    return slots.map(({ episode, t }) => {
      while (next < run.steps.length && !isAfter(run.steps[next], episode, t)) next += 1;
      const index = next - 1;
      if (index < 0 || run.steps[index].episode !== episode) return null;
      return { index, ended: t > last.get(episode) };
    });
  }

  function isAfter(step, episode, t) {
    return step.episode > episode || (step.episode === episode && step.t > t);
  }

  const slots = listSlots();
  const aligned = runs.map((run) => align(run, slots));

  /** The step of a run at a slot: {step, index, ended}, or null where its episode has none. */
  function at(runIndex, slot) {
    const place = aligned[runIndex][slot];
    return place && { ...place, step: runs[runIndex].steps[place.index] };
  }

  /** Names of a run's probes, in order; of those with the same name the later ones get a number. */
  function probeNames(run) {
    return run.probes.map(({ name }, i) => {
      const before = run.probes.slice(0, i).filter((probe) => probe.name === name).length;
      return before ? `${name} (${before + 1})` : name;
    });
  }

  /** What a token is called; where two have the same name, with the number of its slot. */
  function labelOf(scene, ref) {
    const name = nameOf(scene, ref);
    const same = scene.entities.filter((entity) => (entity.label || entity.type) === name);
    return ref[0] === "e" && same.length > 1 ? `${name} (${ref})` : name;
  }

  function nameOf(scene, ref) {
    if (ref === "g") return "agent";
    if (ref === "q") return "learned query";
    const number = Number(ref.slice(1));
    if (ref[0] === "w") return `“${scene.words[number]}”`;
    if (ref[0] === "t") return `token ${number}`;
    const entity = scene.entities.find(({ slot }) => slot === number);
    return entity ? entity.label || entity.type || ref : ref;
  }

  /** The numbers of a map at a step, in the order of its entities; null: it has none. */
  function valuesOf(step, map) {
    return step.values && Object.hasOwn(step.values, map) ? step.values[map] : null;
  }

  /** The test of a map at a step, or null. */
  function scoreOf(step, map) {
    return Object.hasOwn(step.scores, map) ? step.scores[map] : null;
  }

  /** Where the largest number stands; -1: nowhere. The first of equals. */
  function argmax(values) {
    let best = -1;
    values.forEach((value, i) => {
      if (best < 0 || value > values[best]) best = i;
    });
    return best;
  }

  viewer.data = { replay, runs, slots, at, labelOf, nameOf, valuesOf, scoreOf, argmax, probeNames };
})((window.__viewer = window.__viewer || {}));
