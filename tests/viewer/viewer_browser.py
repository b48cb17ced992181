"""Chromium, driven over file://, that tells of every request and every error."""

import base64
import io
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CHROMIUM = Path("/usr/bin/chromium")


def is_required():
    """Whether a missing browser is a failure: in CI, or where somebody asks for it."""
    return bool(os.environ.get("CI")) or os.environ.get("RL_ATTENTION_BROWSER") == "required"


def load_playwright():
    """Return playwright's starter; skip, or fail where it is required, if there is no browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing = "playwright is not installed"
    else:
        if CHROMIUM.exists():
            return sync_playwright
        missing = f"{CHROMIUM} is not there"
    if is_required():
        pytest.fail(f"the browser tests cannot run: {missing}")
    return pytest.skip(f"{missing}; install both to run the browser tests")


class Shown:
    """A page that is open, with all that it asked for and complained of.

    Args:
        browser: Chromium.
        path: The file.
        hash: Behind its address.
        width: Of the window in pixels.
        options: Further ones of the context.
    """

    def __init__(self, browser, path, hash="", width=1280, **options):
        viewport = {"width": width, "height": 900}
        self.context = browser.new_context(viewport=viewport, **options)
        self.page = self.context.new_page()
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.url = path.as_uri()
        self.page.goto(self.url + hash)
        self.wait_until("window.__viewer && window.__viewer.drawnAt")
        self.settle()

    def settle(self):
        """Wait until the frames that were asked for are decoded and drawn."""
        self.page.evaluate(
            "new Promise((done) => setTimeout(() => requestAnimationFrame(done), 60))"
        )

    def wait_until(self, expression, seconds=5):
        """Wait until something holds in the page, whose policy keeps playwright from polling."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, f"{expression} does not come true"
            self.page.wait_for_timeout(20)

    def state(self, name=None):
        """What is chosen: all of it, or one thing."""
        state = self.page.evaluate("JSON.parse(JSON.stringify(window.__viewer.state))")
        return state if name is None else state[name]

    def hash(self):
        """What the address says behind #, as a dict."""
        text = self.page.evaluate("window.location.hash").removeprefix("#")
        return dict(part.split("=", 1) for part in text.split("&")) if text else {}

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def texts(self, selector):
        """Text of every such element, with a plain minus."""
        found = self.page.locator(selector).all_inner_texts()
        return [text.strip().replace("−", "-") for text in found]

    def pixels(self, selector):
        """All pixels of a canvas, rows of columns of red, green, blue and alpha."""
        address = self.page.eval_on_selector(selector, "(canvas) => canvas.toDataURL('image/png')")
        with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as image:
            return np.asarray(image.convert("RGBA"))

    def overflow(self):
        """By how many pixels the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    def close(self):
        self.context.close()


def check_without(shown, step, i):
    """The bars and numbers are those of the decision without an entity."""
    data = step.without[i]
    assert shown.texts(".without-value") == [f"{p:.3f}" for p in data.probabilities]
    assert shown.texts(".now-value") == [f"{p:.3f}" for p in step.probabilities]
    widths = shown.page.eval_on_selector_all(
        ".bar.without .bar-fill", "(bars) => bars.map((bar) => parseFloat(bar.style.width))"
    )
    assert widths == pytest.approx([100 * p for p in data.probabilities], abs=0.01)
    assert shown.texts("#panels [data-of=value-without]") == [f"{data.value:.3f}"]
    assert shown.texts("#panels [data-of=value-change]") == [f"{data.value_change:.3f}"]


def boxes(shown, selector):
    return [node.bounding_box() for node in shown.page.locator(selector).all()]
