import base64
import random
import shutil
import time
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from suites_for_tests import (
    BAD,
    GOOD,
    LAYER,
    PROBES,
    RUN,
    SCRIPT,
    WEIGHTS,
    arm,
    large_suite,
    outcome,
    write_map_folder,
)

from rl_attention.comparison.figures import styles_of
from rl_attention.comparison.maps import MapFigure, draw_maps
from rl_attention.comparison.report import render_report
from rl_attention.comparison.suite import summarise_suite


class Parsed(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, *tags):
        return [attrs for tag, attrs in self.elements if tag in tags]


def page_of(*runs, **options):
    return render_report(summarise_suite([run for part in runs for run in part]), **options)


def check_offline(page):
    """Nothing runs, and nothing is fetched."""
    parsed = Parsed(page)
    assert not parsed.all("script", "iframe", "object", "embed", "link", "form", "base")
    for _, attrs in parsed.elements:
        assert not any(name.startswith("on") for name in attrs)
        for name in ("src", "href", "srcset", "action", "style"):
            value = attrs.get(name, "#")
            assert value.startswith(("#", "data:image/svg+xml;base64,")), value[:80]
    assert "url(" not in page
    assert "@import" not in page
    for attrs in parsed.all("img"):
        svg = base64.b64decode(attrs["src"].split(",")[1]).decode()
        assert "<script" not in svg
        assert attrs["alt"]
    return parsed


def test_the_page_is_the_same_in_whatever_order_the_runs_come():
    runs = large_suite(2, 3, 3)
    shuffled = random.Random(0).sample(runs, len(runs))
    assert page_of(runs) == page_of(shuffled)


def test_the_page_asks_nothing_of_any_network():
    tests = {"bigger": outcome(0.5), "shuffled": None}
    page = page_of(arm("attention", GOOD, zero_shot=tests), arm("mlp", BAD, zero_shot=tests))
    parsed = check_offline(page)
    policy = next(a for a in parsed.all("meta") if "http-equiv" in a)["content"]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert len(parsed.all("img")) == 3
    assert all(attrs.get("scope") in ("col", "row") for attrs in parsed.all("th"))
    assert len(parsed.all("caption")) == len(parsed.all("table"))


def test_every_entry_of_the_contents_leads_somewhere():
    parsed = Parsed(page_of(arm("mlp", GOOD)))
    targets = {attrs["id"] for attrs in parsed.all("section")}
    assert {attrs["href"][1:] for attrs in parsed.all("a")} == targets


def test_hostile_text_is_shown_as_text():
    runs = arm("attention", GOOD, versions={SCRIPT: SCRIPT, "x": "\ud800\x1b[2J"})
    runs = [
        replace(run, settings={**run.settings, SCRIPT: {SCRIPT: SCRIPT}, "deep": [[SCRIPT]]})
        for run in runs
    ]
    # no file can name these, but a program may
    named = arm(SCRIPT, BAD, task="<b>$x_1$</b>", zero_shot={SCRIPT: outcome(0.1)})
    page = page_of(runs, named, title=SCRIPT, command=f"run {SCRIPT}\nand\x1b[2J more")
    parsed = check_offline(page)
    assert parsed.text.count(SCRIPT) > 5
    assert "\x1b" not in page
    page.encode()


def test_few_seeds_warn_and_enough_do_not():
    assert "only 4 seeds in an arm" in Parsed(page_of(arm("mlp", GOOD[:4]))).text
    assert "only" not in Parsed(page_of(arm("mlp", GOOD))).text.split("All tasks together")[2]


@pytest.mark.parametrize(
    "runs",
    [
        [RUN],
        arm("mlp", GOOD),
        [*arm("mlp", [0.5]), *arm("attention", [0.5])],
        arm("attention", GOOD, curve=[]),
        arm("attention", GOOD, curve=[[5, 0.5]]),
        arm("attention", GOOD, curve=[[2**53, 1.0]], mean_reward=-(2.0**53), fps=0.001),
        large_suite(2, 1, 1),
    ],
    ids=["one run", "one arm", "one seed", "no curve", "one point", "large numbers", "two tasks"],
)
@pytest.mark.parametrize("metric", ["success_rate", "mean_reward"])
def test_little_is_enough(runs, metric):
    check_offline(render_report(summarise_suite(runs, metric=metric)))


def test_a_large_suite_is_quick_and_small():
    began = time.process_time()
    page = page_of(large_suite())
    assert time.process_time() - began < 40
    assert len(page.encode()) < 2 << 20
    check_offline(page)


def test_an_arm_has_one_style_and_no_two_arms_share_one():
    names = [str(i) for i in range(28)]
    assert len({*styles_of(names).values()}) == 28


def test_figures_leave_the_settings_of_matplotlib_alone():
    import matplotlib

    with matplotlib.rc_context({"font.size": 31}):
        before = page_of(arm("mlp", GOOD))
        assert matplotlib.rcParams["font.size"] == 31
    assert page_of(arm("mlp", GOOD)) == before


@pytest.fixture
def folder(tmp_path):
    return write_map_folder(tmp_path / "run")


def maps_of(folder):
    return draw_maps(arm("attention", [0.5], path=folder))


def test_maps_are_drawn_at_the_first_a_middle_and_the_last_snapshot(folder):
    maps = maps_of(folder)
    assert isinstance(maps, MapFigure)
    assert "seed 0, on its first probe after 0, 200 and 3,000 frames" in maps.caption
    assert maps_of(folder) == maps
    parsed = check_offline(page_of(arm("attention", [0.5], path=folder)))
    assert SCRIPT in parsed.text
    assert len(parsed.all("img")) == 4


def test_the_map_is_of_the_lowest_seed_that_has_a_folder(folder):
    runs = arm("attention", [0.5] * 3)
    runs[1], runs[2] = replace(runs[1], path=folder), replace(runs[2], path=folder)
    assert "seed 1" in draw_maps(runs).caption


def test_the_weights_decide_the_picture(folder):
    before = maps_of(folder)
    np.savez(folder / "attention" / "step_000003000.npz", **{**LAYER, "l0/weights": WEIGHTS / 2})
    assert maps_of(folder).image != before.image


def test_masked_keys_and_the_place_of_the_global_token(folder):
    wide = np.zeros((2, 4, 2, 4), np.float32)
    wide[:, :, 0, 0] = 1.0  # the first query looks at the agent
    layers = {**LAYER, "l0/weights": wide, "l0/keys": np.array(["global", "entities"])}
    layers["l0/key_mask"] = np.ones((2, 4), bool)
    for path in (folder / "attention").iterdir():
        np.savez(path, **layers)
    seen = maps_of(folder)
    layers["l0/key_mask"] = np.zeros((2, 4), bool)
    for path in (folder / "attention").iterdir():
        np.savez(path, **layers)
    assert maps_of(folder).image != seen.image


def test_without_maps_the_report_says_why(folder):
    assert "no arm has attention" in draw_maps(arm("mlp", [0.5]))
    kept = arm("attention", [0.5], path=folder / "a.result.json")
    assert "maps need the run folders" in page_of(kept)
    np.savez(folder / "probes.npz", observations=np.zeros((2, 3)))
    assert "no pictures" in maps_of(folder)
    np.savez(folder / "probes.npz", **PROBES)
    for path in (folder / "attention").iterdir():
        np.savez(path, **{**LAYER, "l0/keys": np.array(["latents"])})
    assert "reads entities" in maps_of(folder)
    shutil.rmtree(folder / "attention")
    assert "no maps" in maps_of(folder)
