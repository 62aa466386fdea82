"""Pages of figures: what is in them, and what a browser makes of them."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.figures.studies import SPACE, a_source, synthetic

from tunewell import figures
from tunewell.figures.figure import Axis, Figure, Layer, Panel, Table
from tunewell.figures.page import figure_page, script

ROOT = Path(__file__).parents[2]
HOSTILE = "</script><script>alert(1)</script><!--" + "名前" * 300 + "עברית" * 100 + "\u2028'\"&<b>"


class Parsed(HTMLParser):
    """The elements of a page, and the text of each script."""

    def __init__(self, text):
        super().__init__()
        self.found, self.scripts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data


def hostile():
    x = np.arange(3.0)
    panel = Panel(
        Axis(HOSTILE, 0.0, 2.0, ((0.0, HOSTILE), (1.0, "b"), (2.0, HOSTILE)), "category"),
        Axis(HOSTILE, 0.0, 2.0, ((0.0, HOSTILE), (1.0, "1")), "category"),
        (Layer("points", "ended", x, x, label=HOSTILE, rows=np.arange(3)),),
        title=HOSTILE,
    )
    return Figure("slices", HOSTILE, HOSTILE, (panel,), Table({HOSTILE: [HOSTILE, "a", None]}))


def test_a_page_has_everything_in_it_and_its_policy_forbids_all_else():
    text = figure_page(figures.history(synthetic(12)))
    page = Parsed(text)
    assert not [attrs for _, attrs in page.found if {"src", "href", "srcset", "style", "onload"} & set(attrs)]
    policy = next(attrs["content"] for tag, attrs in page.found if attrs.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(
        r"^\s*import\b|await import\(|\bfetch\(|XMLHttpRequest|\beval\(|new Function\(", script(), re.MULTILINE
    )
    assert len(text) < 650_000


def test_names_of_any_letters_end_no_script_and_come_back_as_they_are():
    text = figure_page(hostile())
    page = Parsed(text)
    assert [tag for tag, _ in page.found].count("script") == 2
    assert json.loads(page.scripts[0])["title"] == HOSTILE
    assert "</script" not in script().lower()
    assert "<!--" not in script()


def test_a_notebook_shows_the_page_in_a_frame_that_cannot_reach_it():
    figure = hostile()
    (tag, attrs), *others = Parsed(figure._repr_mimebundle_()["text/html"]).found
    assert (tag, others, attrs["sandbox"]) == ("iframe", [], "allow-scripts")
    assert attrs["srcdoc"] == figure_page(figure)


def test_the_modules_of_figures_share_no_name(tmp_path):
    """They are one script in a page; node, where there is one, finds what is declared twice."""
    if not shutil.which("node"):
        pytest.skip("no node")
    path = tmp_path / "figures.mjs"
    path.write_text(script(), encoding="utf-8")
    subprocess.run(["node", "--check", path], check=True)


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """What a browser makes of each kind of figure."""
    if not Path("/usr/bin/chromium").exists() or not (ROOT / "web/node_modules/playwright-core").is_dir():
        pytest.skip("no chromium, or `npm ci` has not been run in web/")
    folder = tmp_path_factory.mktemp("pages")
    study, large = synthetic(60), synthetic(10_000)
    names = ("history", "curves", "parallel", "slices", "contour", "importance", "timeline", "ranks", "distribution")
    made = {name: getattr(figures, name)(study) for name in (*names, "space", "confirmed")}
    made |= {
        "hostile": hostile(),
        "large-parallel": figures.parallel(large, 8),
        "large-history": figures.history(large),
    }
    made |= {"none": figures.history(a_source(SPACE, [], [], [])), "large-curves": figures.curves(large)}
    paths = [figure.save(folder / f"{name}.html") for name, figure in made.items()]
    examples = sorted((Path(__file__).parent / "examples").glob("*.json"))
    for example in examples:
        data = example.read_text(encoding="utf-8").replace("<", "\\u003c")
        text = figure_page(hostile())
        begin = text.index('<script type="application/json">') + len('<script type="application/json">')
        path = folder / f"example-{example.stem}.html"
        path.write_text(text[:begin] + data + text[text.index("</script>", begin) :], encoding="utf-8")
        paths.append(path)
    done = subprocess.run(
        ["node", ROOT / "web/browser.mjs", *paths],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {(Path(one["file"]).stem, one["colorScheme"]): one for one in json.loads(done.stdout)}


@pytest.mark.slow
def test_every_figure_is_drawn_in_light_and_dark_without_a_complaint(used):
    assert {key: one["complaints"] for key, one in used.items() if one["complaints"]} == {}
    assert [key for key, one in used.items() if one["colors"] < 4] == []
    assert used["hostile", "light"]["title"] == HOSTILE
    assert used["hostile", "light"]["label"] == f"{HOSTILE}. {HOSTILE}"
    assert used["large-history", "light"]["rows"] == 200


@pytest.mark.slow
@pytest.mark.parametrize("name", ["history", "curves", "parallel", "slices", "contour", "timeline"])
def test_trials_are_brushed_let_go_and_picked(used, name):
    one = used[name, "light"]
    assert any(rows for rows in one["brushed"][:-1])
    assert one["brushed"][-1] is None
    assert one["picked"] == [0]
    assert one["tip"] or name == "curves"  # where the pointer rests there may be no curve
