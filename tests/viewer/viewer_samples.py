"""Replays made up from a seed: every kind that the page has to show."""

from viewer_maker import ACTIONS, Maker

from rl_attention.viewer import Interval, Layer, MapMeta, Replay, Run, Score, Verdict

MISSION = "go to the red ball"
NASTY = [
    "<script>window.hacked = 1</script>",
    "</script><img src=x onerror='window.hacked = 2'>",
    "\u202eright to left\u2028new line\u2029&amp;",
    "&lt;b&gt;" + "long" * 40,
    "__proto__",
]


def map_metas(*kinds, title=None):
    known = {
        "attention": ("attention: mean of heads, l2", False, 0.62),
        "attention_l1h1": ("attention: l1, head 1", False, 0.41),
        "occlusion": ("occlusion", False, 1.0),
        "gradient": ("gradient × input", True, 0.35),
    }
    return [
        MapMeta(
            id=kind,
            title=title or known[kind][0],
            signed=known[kind][1],
            summary=Score(
                F=Interval(
                    mean=known[kind][2], low=known[kind][2] - 0.2, high=known[kind][2] + 0.1
                ),
                top1_hit=0.64,
                top1_chance=0.21,
                flip=0.31,
                flip_random=0.12,
                n_states=240,
            ),
        )
        for kind in kinds
    ]


LAYERS = [
    Layer(id="l0", title="entities read entities", heads=4),
    Layer(id="l1", title="entities read entities", heads=4),
    Layer(id="l2", title="pooling", heads=2),
    Layer(id="w0", title="agent and entities read words", heads=4),
]


def make_run(
    seed=0,
    *,
    name="attention_ppo_s0",
    arm="attention",
    layers=LAYERS,
    kinds=("attention", "occlusion", "gradient", "attention_l1h1"),
    lengths=(14, 10),
    env="BabyAI-GoToLocal-v0",
    n_probes=2,
    continuous=False,
    title=None,
    maker=Maker,
    **options,
):
    maps = map_metas(*kinds, title=title)
    options = {"words": MISSION.split(), **options}
    maker = maker(seed, layers=layers, maps=maps, continuous=continuous, **options)
    steps = [
        maker.step(episode, t, t == length - 1)
        for episode, length in enumerate(lengths)
        for t in range(length)
    ]
    probes = [
        maker.probe(f"probe {i:02d}", [0, 10_000, 50_000, 200_000, 300_000])
        for i in range(n_probes)
    ]
    text = f"{kinds[0]}: weak on 240 states: its order is better than a random one, F 0.62"
    return Run(
        name=name,
        env=env,
        arm=arm,
        seed=7,
        actions=[] if continuous else ACTIONS,
        value_name="V(s)",
        frames=maker.frames,
        layers=list(layers),
        maps=maps,
        verdict=Verdict(word="weak", text=text, map=kinds[0]),
        steps=steps,
        probes=probes,
    )


def with_frames():
    return Replay(title="attention_ppo_s0 on BabyAI-GoToLocal-v0", runs=[make_run()])


def without_frames():
    run = make_run(1, frames=False, env="intersection-v0", words=(), layers=LAYERS[:3])
    return Replay(title="No frames, entities have places", runs=[run])


def on_a_circle():
    run = make_run(2, frames=False, places=False, words=(), layers=LAYERS[:3], n_probes=0)
    return Replay(title="No frames and no places", runs=[run])


def two_runs():
    mlp = make_run(
        4,
        name="mlp_ppo_s0",
        arm="mlp",
        layers=[],
        kinds=("occlusion", "gradient"),
        lengths=(9, 16),
        n_probes=0,
    )
    return with_frames().beside(Replay(title="mlp", runs=[mlp]))


def continuous():
    run = make_run(5, continuous=True, frames=False, words=(), layers=LAYERS[:3], n_probes=0)
    return Replay(title="Continuous actions", runs=[run])


def nasty():
    run = make_run(6, words=NASTY[:3], labels=NASTY, lengths=(6,), name=NASTY[1], title=NASTY[0])
    run = run.model_copy(update={"actions": [NASTY[1], *ACTIONS[1:]]})
    return Replay(title=NASTY[0], runs=[run])


def nothing_in_sight():
    """Every third step has no entity at all, and the run has no verdict and no critic."""
    run = make_run(9, n_entities=2, lengths=(6,), n_probes=1)
    run = run.model_copy(update={"verdict": None, "value_name": None})
    return Replay(title="Nothing in sight", runs=[run])


def two_hundred_steps():
    layers = [Layer(id=f"l{i}", title="entities read entities", heads=4) for i in range(2)]
    words = ["put", "the", "red", "ball", "next", "to"]
    run = make_run(8, layers=layers, lengths=(80, 70, 50), n_entities=11, words=words)
    return Replay(title="Two hundred steps", runs=[run])


SAMPLES = {
    "with_frames": with_frames,
    "without_frames": without_frames,
    "on_a_circle": on_a_circle,
    "two_runs": two_runs,
    "continuous": continuous,
    "nasty": nasty,
    "nothing_in_sight": nothing_in_sight,
    "two_hundred_steps": two_hundred_steps,
}
