"""What a replay is made of: tokens, steps and probes, each checked within itself."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rl_attention.viewer.checks import check_scene, check_step

Box = Annotated[list[float], Field(min_length=4, max_length=4)]
Place = Annotated[list[float], Field(min_length=2, max_length=2)]
Ref = Annotated[str, Field(pattern=r"^(g|q|[ewt][0-9]{1,6})$")]
MapId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
LayerId = Annotated[str, Field(pattern=r"^[lw][0-9]{1,3}$")]
Count = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """A frozen part of a replay that refuses unknown keys and wrong types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Interval(Part):
    """A mean and the ends of its interval; None where there is too little to tell.

    Attributes:
        mean: The mean.
        low: Lower end.
        high: Upper end.
    """

    mean: float
    low: float | None = None
    high: float | None = None


class Score(Part):
    """What a map is worth over many states.

    Attributes:
        F: Faithfulness: 0 as good as a random order of removals, 1 as good as the order by effect.
        top1_hit: Share of states where its top entity is the one whose removal changes most.
        top1_chance: That share for a random map.
        flip: Share of states where removing its top entity changes the likeliest action.
        flip_random: That share for a random entity.
        n_states: States measured.
    """

    F: Interval | None = None
    top1_hit: float | None = None
    top1_chance: float | None = None
    flip: float | None = None
    flip_random: float | None = None
    n_states: Count


class MapMeta(Part):
    """A kind of map.

    Attributes:
        id: Name in `values` and `scores` of the steps, such as `attention`.
        title: What people read.
        signed: Whether its numbers can speak against the action.
        summary: What it is worth.
    """

    id: MapId
    title: str
    signed: bool
    summary: Score | None = None


class Verdict(Part):
    """Whether a map explains the decisions.

    Attributes:
        word: One of three.
        text: One sentence with the numbers.
        map: The map that it is about.
    """

    word: Literal["supported", "weak", "not supported"]
    text: str
    map: MapId


class Layer(Part):
    """An attention layer of a run.

    Attributes:
        id: `l0`, `l1`, ...; `w0`, ... over words alone.
        title: Who reads whom.
        heads: Number of heads.
    """

    id: LayerId
    title: str
    heads: Annotated[int, Field(ge=1, le=256)]


class Weights(Part):
    """The weights of one layer at one moment.

    Attributes:
        queries: Who reads: `g` the global token, `q` a learned query, `e3` the entity of slot 3,
            `w0` word 0, `t5` anything else. The first is the read-out.
        keys: Who is read, likewise.
        weights: Base64 of unsigned bytes, heads x queries x keys in C order, 255 for 1.
    """

    queries: list[Ref]
    keys: list[Ref]
    weights: str


class Entity(Part):
    """A real entity of a state.

    Attributes:
        slot: Its row in the observation.
        label: What people call it.
        type: Its kind.
        box: `x0 y0 x1 y1`, pixels in the frame; None: not in the picture.
        place: `x y` in any unit, `y` downwards, where there is no frame.
        step: Of past frames, how long ago it was there: 0 is now, -3 three steps before.
    """

    slot: Count
    label: str
    type: str
    box: Box | None = None
    place: Place | None = None
    step: Annotated[int, Field(le=0)] = 0


class Decision(Part):
    """What a policy would do.

    Attributes:
        probabilities: Of discrete actions; empty for continuous ones.
        mean: Of continuous actions.
        std: Likewise.
        value: What the critic expects.
    """

    probabilities: list[float] = []
    mean: list[float] | None = None
    std: list[float] | None = None
    value: float | None = None


class Without(Decision):
    """The decision without one entity.

    Attributes:
        kl: Divergence from the decision with it, in nats.
        js: Bounded distance from it.
        drop: How much less likely the chosen action is.
        value_change: How much lower the value is.
        flip: Whether another action is likeliest.
    """

    kl: float
    js: float | None = None
    drop: float
    value_change: float | None = None
    flip: bool


class StepScore(Part):
    """What a map is worth in one state.

    Attributes:
        F: Faithfulness; None: removing any entity changes too little to tell.
        hit: Whether its top entity is the one whose removal changes most.
    """

    F: float | None = None
    hit: bool | None = None


class Scene(Part):
    """What can be attended to at one moment.

    Attributes:
        frame: Index into the frames of the run.
        mission: What the agent was told; empty: nothing.
        words: The words that the network reads.
        entities: The real ones alone.
        agent_box: `x0 y0 x1 y1` of the agent, pixels in the frame.
    """

    frame: Count | None = None
    mission: str = ""
    words: list[str] = []
    entities: list[Entity]
    agent_box: Box | None = None


class Step(Scene, Decision):
    """One decision.

    Attributes:
        episode: Number of the episode.
        t: Step within it.
        layers: Weights of each layer of the run, in its order.
        values: Of each map one number per entity, in the order of `entities`.
        action: What was done: the index of a discrete action, the numbers of a continuous one.
        reward: What came of it.
        done: Whether the episode ended.
        success: Whether it ended well; on the last step of an episode alone.
        without: The decision without each entity, in the order of `entities`; empty: not measured.
        scores: What each map is worth here.
    """

    episode: Count
    t: Count
    layers: list[Weights] = []
    values: dict[MapId, list[float]] = {}
    action: int | list[float]
    reward: float
    done: bool
    success: bool | None = None
    without: list[Without] = []
    scores: dict[MapId, StepScore] = {}

    @model_validator(mode="after")
    def _fits(self) -> "Step":
        check_scene(self, self.layers)
        check_step(self)
        return self


class Moment(Part):
    """The weights on a probe at one moment of the training.

    Attributes:
        step: Frames trained so far.
        layers: Weights of each layer of the run, in its order.
    """

    step: Count
    layers: list[Weights]


class Probe(Scene):
    """A fixed state, looked at again and again in training.

    Attributes:
        name: What it shows.
        moments: Snapshots, earliest first.
    """

    name: str
    moments: Annotated[list[Moment], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> "Probe":
        for moment in self.moments:
            check_scene(self, moment.layers)
        return self
