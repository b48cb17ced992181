/* What the agent is about to do, and what it would do without one entity. */
(function (viewer) {
  "use strict";

  const { dom } = viewer;

  function pair(now, without, taken) {
    return dom.make(
      "span",
      { class: "pair" },
      dom.bar(now, { kind: taken ? "now taken" : "now" }),
      dom.bar(without === null ? 0 : without, {
        kind: without === null ? "without absent" : "without",
      }),
    );
  }

  function discreteRow(name, now, without, taken) {
    const label = dom.make("span", { class: "action-name label", text: name });
    if (taken) label.append(dom.make("span", { class: "mark-taken", text: " taken" }));
    return dom.make(
      "li",
      { class: taken ? "action taken" : "action" },
      label,
      pair(now, without, taken),
      dom.make("span", { class: "value now-value", text: dom.number(now) }),
      dom.make("span", {
        class: "value without-value",
        text: without === null ? "" : dom.number(without),
      }),
    );
  }

  function discrete(run, step, without) {
    return step.probabilities.map((now, i) =>
      discreteRow(
        run.actions[i],
        now,
        without ? without.probabilities[i] : null,
        step.action === i,
      ),
    );
  }

  const reaches = new WeakMap();

  function endsOf(step, i) {
    const spread = step.std ? step.std[i] : 0;
    return Math.max(Math.abs(step.action[i]), Math.abs(step.mean[i]) + spread);
  }

  /** How far each number of a run's actions goes, either way. */
  function reachesOf(run) {
    if (!reaches.has(run)) {
      const most = (i) => run.steps.reduce((sofar, step) => Math.max(sofar, endsOf(step, i)), 1e-9);
      reaches.set(
        run,
        run.steps[0].mean.map((_, i) => 1.05 * most(i)),
      );
    }
    return reaches.get(run);
  }

  /** Mean and standard deviation on a line that goes as far as any such action of the run. */
  function whisker(mean, std, reach, kind) {
    const at = (x) => 50 + (50 * x) / reach;
    const line = dom.make("span", { class: "spread" });
    line.style.left = `${at(mean - std)}%`;
    line.style.width = `${at(mean + std) - at(mean - std)}%`;
    const dot = dom.make("span", { class: "dot" });
    dot.style.left = `${at(mean)}%`;
    return dom.make(
      "span",
      { class: `whisker ${kind}`, attrs: { "aria-hidden": "true" } },
      line,
      dot,
    );
  }

  function tellGaussian({ mean, std }, i) {
    return std ? `${dom.number(mean[i])} ± ${dom.number(std[i])}` : dom.number(mean[i]);
  }

  function continuousRow(run, step, without, i) {
    const reach = reachesOf(run)[i];
    const now = whisker(step.mean[i], step.std ? step.std[i] : 0, reach, "now");
    const took = dom.make("span", { class: "took" });
    took.style.left = `${50 + (50 * step.action[i]) / reach}%`;
    now.append(took);
    const then = without
      ? whisker(without.mean[i], without.std ? without.std[i] : 0, reach, "without")
      : dom.make("span", { class: "whisker without absent" });
    return dom.make(
      "li",
      { class: "action continuous" },
      dom.make(
        "span",
        { class: "action-name", text: `action ${i}` },
        dom.make("span", { class: "mark-taken", text: ` took ${dom.number(step.action[i])}` }),
      ),
      dom.make("span", { class: "pair" }, now, then),
      dom.make(
        "span",
        { class: "values" },
        dom.make("span", { class: "value now-value", text: tellGaussian(step, i) }),
        dom.make("span", {
          class: "value without-value",
          text: without ? tellGaussian(without, i) : "",
        }),
      ),
    );
  }

  function rows(run, step, without) {
    if (step.mean) return step.mean.map((_, i) => continuousRow(run, step, without, i));
    return discrete(run, step, without);
  }

  function fact(name, value, id) {
    return dom.make(
      "div",
      { class: "fact" },
      dom.make("dt", { text: name }),
      dom.make("dd", { text: value, attrs: { "data-of": id } }),
    );
  }

  function outcome(step) {
    if (!step.done) return [];
    const word = step.success === null ? "the episode ends" : step.success ? "success" : "failure";
    return [fact("end", word, "end")];
  }

  function facts(run, step, without) {
    const value =
      run.value_name === null || step.value === null
        ? []
        : [fact(run.value_name, dom.number(step.value), "value")];
    const now = [...value, fact("reward", dom.number(step.reward), "reward"), ...outcome(step)];
    if (!without) return now;
    const then = [
      fact("divergence", `${dom.number(without.kl)} nats`, "kl"),
      fact("drop", dom.number(without.drop), "drop"),
    ];
    if (value.length && without.value !== null)
      then.unshift(fact(`${run.value_name} without`, dom.number(without.value), "value-without"));
    if (without.value_change !== null)
      then.push(fact("value lost", dom.number(without.value_change), "value-change"));
    return [...now, ...then, fact("flip", without.flip ? "yes" : "no", "flip")];
  }

  function title(step, entity, without) {
    if (!step.entities.length) return "There is no entity to take out.";
    if (!step.without.length) return "The decision without an entity was not measured.";
    if (!without) return "Point at an entity to see the decision without it.";
    return `Without ${entity.label || entity.type}: the lower, striped bars.`;
  }

  function create(run) {
    const head = dom.make("h3", {
      text: run.actions.length
        ? "Decision: probability of each action"
        : "Decision: mean ± standard deviation",
    });
    const told = dom.make("p", { class: "without-title faint" });
    const list = dom.make("ul", { class: "actions" });
    const table = dom.make("dl", { class: "facts" });
    const node = dom.make("section", { class: "decision" }, head, told, list, table);

    /** Draw a step's decision; `hovered` is a token, and may be one that is not there. */
    function draw(step, hovered) {
      const i = step.entities.findIndex(({ slot }) => `e${slot}` === hovered);
      const without = i < 0 ? null : step.without[i] || null;
      told.textContent = title(step, step.entities[i], without);
      list.replaceChildren(...rows(run, step, without));
      table.replaceChildren(...facts(run, step, without));
      node.classList.toggle("compared", without !== null);
    }

    return { node, draw };
  }

  viewer.decision = { create };
})((window.__viewer = window.__viewer || {}));
