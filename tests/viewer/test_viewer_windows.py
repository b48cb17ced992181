"""Windows of every length: none at all, one token a step, and 256 steps."""

import pytest
from viewer_browser import Shown
from viewer_samples import LAYERS, make_run
from viewer_strips import bars, check_table, panel
from viewer_windows import make_window_run, window, window_summary

from rl_attention.viewer import Replay

pytestmark = pytest.mark.slow


def test_a_run_that_reads_now_alone_has_no_strip(show, browser, tmp_path):
    assert show("with_frames").page.locator(".strip").is_hidden()
    mlp = make_run(4, name="mlp", env="Recall-8-v0", layers=[], kinds=("occlusion",), n_probes=0)
    path = tmp_path / "both.html"
    window().beside(Replay(title="", runs=[mlp])).save_html(path)
    shown = Shown(browser, path, "#step=9&past=-3")
    assert [one.is_visible() for one in shown.page.locator("#panels .strip").all()] == [True, False]
    assert shown.page.locator(".panel:nth-child(2) tr[data-ref]").count() == len(
        mlp.steps[9].entities
    )
    assert shown.errors == []
    shown.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_long_windows_scroll_with_all_bars_in_sight(width, browser, tmp_path):
    run = make_window_run(
        13, n_frames=256, lengths=(258,), summary=True, layers=LAYERS[2:3], n_probes=0, words=()
    )
    path = tmp_path / "long.html"
    Replay(title="", runs=[run]).save_html(path)
    shown = Shown(browser, path, "#step=257&past=-200", width=width)
    assert shown.overflow() <= 0
    assert len(bars(shown)) == 256
    inside = """(film) => {
      const chosen = film.querySelector("[aria-checked=true]").getBoundingClientRect();
      const { left, right } = film.getBoundingClientRect();
      return [chosen.left >= left && chosen.right <= right, film.scrollWidth > 10 * (right - left)];
    }"""
    assert shown.page.eval_on_selector("#panels .film", inside) == [True, True]
    shown.page.focus(panel(-200))
    shown.press("Home")
    assert shown.page.eval_on_selector("#panels .film", inside) == [True, True]
    check_table(shown, run, run.steps[257], -255)
    shown.page.evaluate("window.scrollTo(0, 0)")
    shown.page.evaluate("window.__viewer.store.set({ past: -100 })")
    assert shown.page.evaluate("window.scrollY") == 0  # the strip scrolls, and never the page
    assert shown.errors == []
    shown.close()


def test_the_summary_of_a_step_is_its_one_token(show):
    run = window_summary().runs[0]
    shown = show("window_summary", hash="#step=50&past=-20")
    assert len(bars(shown)) == 40
    check_table(shown, run, run.steps[50], -20)
