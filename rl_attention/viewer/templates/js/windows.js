/* The steps that tokens are of: a network that reads past frames sees a window of its episode. */
(function (viewer) {
  "use strict";

  const { data } = viewer;
  const known = new WeakMap();
  const lengths = new WeakMap();
  const moments = new WeakMap();

  /** The steps of a scene, oldest first: {step, indices} each, `indices` into its entities. */
  function stepsOf({ entities }) {
    if (!known.has(entities)) {
      const oldest = entities.reduce((least, { step }) => Math.min(least, step), 0);
      const steps = [...Array(1 - oldest).keys()].map((i) => ({ step: oldest + i, indices: [] }));
      entities.forEach(({ step }, i) => steps[step - oldest].indices.push(i));
      known.set(entities, steps);
    }
    return known.get(entities);
  }

  /** How many steps the window of a run has at most; 1: it reads now alone. */
  function lengthOf(run) {
    if (!lengths.has(run)) {
      const scenes = [...run.steps, ...run.probes];
      lengths.set(
        run,
        scenes.reduce((most, scene) => Math.max(most, stepsOf(scene).length), 1),
      );
    }
    return lengths.get(run);
  }

  /** The entities of a scene that are there now. */
  function now({ entities }) {
    return entities.filter(({ step }) => step === 0);
  }

  /** Whether a token is an entity of a past frame. */
  function isPast(scene, ref) {
    if (ref[0] !== "e") return false;
    const number = Number(ref.slice(1));
    const entity = scene.entities.find(({ slot }) => slot === number);
    return entity !== undefined && entity.step < 0;
  }

  /**
   * What each step has of what is shown, oldest first: {step, indices, value, level}. The value is
   * the sum over its tokens, null where none has a number; the level is what it would be if all
   * tokens had the same.
   */
  function sums(scene, shown) {
    return stepsOf(scene).map(({ step, indices }) => {
      const refs = indices.map((i) => `e${scene.entities[i].slot}`);
      const values = refs.map((ref) => shown.values.get(ref)).filter((v) => v !== undefined);
      return {
        step,
        indices,
        value: values.length ? values.reduce((sum, value) => sum + value, 0) : null,
        level: values.length && shown.level ? shown.level.value * values.length : null,
      };
    });
  }

  /** The step with the largest sum, the oldest of equals; null where no step has a number. */
  function most(found) {
    const counted = found.filter(({ value }) => value !== null);
    const best = data.argmax(counted.map(({ value }) => value));
    return best < 0 ? null : counted[best].step;
  }

  /** The step whose tokens are listed: the chosen one if it is there, or else the largest. */
  function listed(found, chosen) {
    if (found.some(({ step }) => step === chosen)) return chosen;
    const best = most(found);
    return best === null ? 0 : best;
  }

  /** The earlier step of an episode that a step of the window is; null: the run does not have it. */
  function earlier(run, scene, step) {
    if (scene.episode === undefined) return step === 0 ? scene : null;
    if (!moments.has(run))
      moments.set(run, new Map(run.steps.map((one) => [`${one.episode}:${one.t}`, one])));
    return moments.get(run).get(`${scene.episode}:${scene.t + step}`) || null;
  }

  /**
   * What is shown of the tokens of a step, by the tokens of the scene when that step was now: the
   * frame is the same, and so are its tokens and their order. Returns [old ref, its ref now] each.
   */
  function pairs(scene, indices, then) {
    const before = now(then);
    if (before.length !== indices.length) return [];
    return indices.map((i, k) => [`e${before[k].slot}`, `e${scene.entities[i].slot}`]);
  }

  function name(step) {
    return step === 0 ? "now" : `−${-step}`;
  }

  viewer.windows = {
    stepsOf,
    lengthOf,
    now,
    isPast,
    sums,
    most,
    listed,
    earlier,
    pairs,
    name,
  };
})((window.__viewer = window.__viewer || {}));
