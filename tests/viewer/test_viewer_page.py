import base64
import hashlib
import html
import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import viewer_browser
from viewer_samples import NASTY, SAMPLES, nasty, two_hundred_steps, with_frames

import rl_attention.viewer
from rl_attention.recording.drawing.colours import colour
from rl_attention.viewer import Replay, render_html
from rl_attention.viewer.page import SCRIPTS

TEMPLATES = Path(rl_attention.viewer.__file__).parent / "templates"
SOURCES = sorted((TEMPLATES / "js").glob("*.js"))


class Parsed(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.elements, self.within, self.text = [], [], {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.within.append(len(self.elements) - 1)

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.within.pop()

    def handle_data(self, data):
        if self.within:
            place = self.within[-1]
            self.text[place] = self.text.get(place, "") + data

    def of(self, tag):
        """Attributes and text of each such element."""
        found = enumerate(self.elements)
        return [(attrs, self.text.get(i, "")) for i, (name, attrs) in found if name == tag]


@pytest.fixture(scope="module", params=SAMPLES)
def page(request):
    return render_html(SAMPLES[request.param]())


def sources(policy, name):
    (rule,) = (rule for rule in policy.split("; ") if rule.startswith(name))
    return set(rule.split()[1:])


def digest(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_page_asks_nothing_of_any_network(page):
    parsed = Parsed(page)
    for _, attrs in parsed.elements:
        assert not any(name.startswith("on") or name in ("style", "srcset") for name in attrs)
        for name in ("src", "href", "action", "data"):
            assert attrs.get(name, "#").startswith(("#", "data:"))
    tags = {tag for tag, _ in parsed.elements}
    assert not tags & {"iframe", "object", "embed", "form", "base", "img", "video", "audio"}
    ((icon, _),) = parsed.of("link")
    assert icon == {"rel": "icon", "href": "data:,"}
    (style,) = (text for _, text in parsed.of("style"))
    assert "url(" not in style
    assert "@import" not in style
    assert "://" not in page


def test_the_policy_lets_only_our_own_scripts_and_style_run(page):
    parsed = Parsed(page)
    (policy,) = (a["content"] for a, _ in parsed.of("meta") if "http-equiv" in a)
    assert sources(policy, "default-src") == {"'none'"}
    assert sources(policy, "img-src") == {"data:"}
    scripts = [text for attrs, text in parsed.of("script") if "type" not in attrs]
    assert len(scripts) == len(SCRIPTS)
    assert sources(policy, "script-src") == {digest(text) for text in scripts}
    assert sources(policy, "style-src") == {digest(text) for _, text in parsed.of("style")}
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", SAMPLES)
def test_the_data_lies_in_the_page_whole_and_holds_no_markup(name):
    replay = SAMPLES[name]()
    ((attrs, text),) = [
        (attrs, text) for attrs, text in Parsed(render_html(replay)).of("script") if "type" in attrs
    ]
    assert attrs == {"type": "application/json", "id": "replay"}
    assert not re.search("[<>&\u2028\u2029]", text)
    assert Replay.model_validate_json(text) == replay


def test_no_text_of_the_data_stands_in_the_markup():
    page = render_html(nasty())
    for text in NASTY[:2]:
        assert text not in page
        assert html.escape(text) not in page
    assert "\\u003cscript\\u003e" in page
    assert page.count("</script>") == len(SCRIPTS) + 1


def test_the_same_replay_gives_the_same_page():
    assert render_html(with_frames()) == render_html(with_frames())


def test_two_hundred_steps_stay_below_three_megabytes(tmp_path):
    replay = two_hundred_steps()
    assert sum(len(run.steps) for run in replay.runs) == 200
    start = time.perf_counter()
    replay.save_html(tmp_path / "replay.html")
    assert time.perf_counter() - start < 5
    assert (tmp_path / "replay.html").stat().st_size < 3e6


def test_a_notebook_gets_the_whole_page_in_a_closed_frame():
    replay = nasty()
    shown = Parsed(replay._repr_html_())
    ((attrs, _),) = shown.of("iframe")
    assert len(shown.elements) == 1
    assert attrs["srcdoc"] == render_html(replay)
    assert attrs["sandbox"] == "allow-scripts"
    assert attrs["title"] == NASTY[0]


def test_every_script_is_in_the_page_and_small():
    assert {path.stem for path in SOURCES} == set(SCRIPTS)
    assert len(set(SCRIPTS)) == len(SCRIPTS)
    for path in SOURCES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_script_is_strict_keeps_its_names_and_puts_text_in_as_text(path):
    source = path.read_text(encoding="utf-8")
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL).strip()
    assert code.startswith('(function (viewer) {\n  "use strict";')
    assert code.endswith("})((window.__viewer = window.__viewer || {}));")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in code
    for word in ("fetch(", "XMLHttpRequest", "import(", "http", "WebSocket", "sendBeacon"):
        assert word not in code
    assert "</" not in source


def test_the_page_has_the_colours_of_all_other_pictures():
    source = (TEMPLATES / "js" / "colours.js").read_text(encoding="utf-8")
    anchors = json.loads(
        re.sub(r",(\s*\])", r"\1", re.search(r"SEQUENTIAL = (\[.*?\]);", source, re.DOTALL)[1])
    )
    stops = np.linspace(0, 1, len(anchors))
    assert [colour(stop**2) for stop in stops] == [tuple(anchor) for anchor in anchors]


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [
        ({}, pytest.skip.Exception),
        ({"CI": "true"}, pytest.fail.Exception),
        ({"RL_ATTENTION_BROWSER": "required"}, pytest.fail.Exception),
    ],
)
def test_a_missing_browser_is_passed_over_at_home_and_not_in_ci(environment, outcome, monkeypatch):
    for name in ("CI", "RL_ATTENTION_BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(viewer_browser, "CHROMIUM", Path("/nowhere/chromium"))
    with pytest.raises(outcome):
        viewer_browser.load_playwright()
