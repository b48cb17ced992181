"""One Chromium for each file of tests, and the samples as pages."""

import pytest
from viewer_browser import CHROMIUM, Shown, load_playwright
from viewer_samples import SAMPLES, with_frames
from viewer_windows import WINDOWS


@pytest.fixture(scope="module")
def browser():
    with load_playwright()() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, make in {**SAMPLES, **WINDOWS}.items():
        make().save_html(folder / f"{name}.html")
    return folder


@pytest.fixture
def show(browser, files):
    """Open samples; whatever the test does, nothing is asked for and nothing is complained of."""
    shown = []

    def open_it(name="with_frames", hash="", **options):
        shown.append(Shown(browser, files / f"{name}.html", hash, **options))
        return shown[-1]

    yield open_it
    for one in shown:
        asked = [url for url in one.requests if not url.startswith("data:")]
        assert {url.split("#")[0] for url in asked} <= {one.url}
        assert len(asked) == 1
        assert one.errors == []
        one.close()


@pytest.fixture(scope="module")
def run():
    return with_frames().runs[0]
