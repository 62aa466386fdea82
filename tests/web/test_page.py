"""The page in a browser: what is on it, what follows what, and what it asks for."""

import re
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from tests.web.served import serving

import tunewell as tw
from tunewell.commands import Branch, Pause, Resume, Rewind, Set, Stop
from tunewell.space.values import Params
from tunewell.study.reader import StudyReader
from tunewell.trial import TrialState
from tunewell.web.keys import Role

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).parents[2]
expect = playwright.expect
PATIENCE = 120_000  # milliseconds that a browser may take on a machine that is busy
expect.set_options(timeout=PATIENCE)
HOSTILE = "<img src=x onerror=alert(1)>\"'& " + "名前" * 40 + "עברית" * 30 + "🚀" * 10 + "x" * 500


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM.exists():
        pytest.skip("no chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Open a tab in a browser of its own; what it complains of fails the test."""
    complaints, contexts = [], []

    def listen(page):
        # a server that has ended is no fault of the page's
        page.on("console", lambda message: "net::" in message.text or complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))

    def open_tab(served, place="#/", role=Role.STEER, width=1280):
        context = chromium.new_context(viewport={"width": width, "height": 900})
        context.set_default_timeout(PATIENCE)
        context.on("page", listen)
        contexts.append(context)
        page = context.new_page()
        page.goto(served.server.link(role))
        page.goto(f"{served.base}/{place}")
        return page

    open_tab.complaints = complaints
    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []


def searched(url, n_trials=40, name="searched", value=None):
    """Add a study of trials that have trained."""
    value = value or (lambda rate, epoch: abs(rate - 0.01) + 1.0 / epoch)
    space = tw.Space(
        learning_rate=tw.Float(1e-4, 1.0, scale="log", live=True),
        hidden=tw.Int(4, 64),
        optimizer=tw.Choice(["sgd", "adam"]),
    )
    budget = f"{n_trials}trials"
    with closing(
        tw.Study(space, metric="val_loss", max_epochs=4, budget=budget, scheduler="full", store=url, name=name)
    ) as study:
        while (step := study.ask()) is not None:
            for epoch in step.epochs:
                study.report(step.trial, epoch, val_loss=value(step.params["learning_rate"], epoch), train_loss=0.5)
            if step.trial % 7 == 3:
                study.tell(step.trial, error=ValueError("no memory left"))
            else:
                study.tell(step.trial)
    return url


def rows(page):
    """The numbers of the trials that the table shows, in order."""
    return [int(text) for text in page.locator(".trial-row .trial").all_inner_texts()]


def table_count(page):
    return page.locator(".table-tools p").inner_text()


@pytest.fixture
def found(tmp_path):
    with serving(searched(tmp_path / "tunewell.db")) as served:
        yield served


def test_a_study_is_found_sorted_and_filtered_and_a_reload_restores_all_of_it(found, visit):
    page = visit(found)
    page.get_by_role("link", name="searched").click()
    expect(page.locator(".trial-row").first).to_be_visible()
    reader = StudyReader.open(found.url)
    assert rows(page)[0] == reader.best.trial
    page.get_by_role("button", name="sort by learning_rate").or_(
        page.locator("[title='sort by learning_rate']")
    ).first.click()
    expect(page.locator("[aria-sort=ascending]")).to_have_text("learning_rate")
    page.get_by_role("button", name=re.compile("failed")).first.click()
    page.get_by_label("filter trials").fill("optimizer=sgd")
    wanted = sorted(
        (one for one in reader.trials if one.params["optimizer"] == "sgd" and one.state is TrialState.COMPLETE),
        key=lambda one: one.params["learning_rate"],
    )
    expect(page.locator(".table-tools p")).to_have_text(f"{len(wanted)} of 40 trials")
    seen = rows(page)
    assert seen == [one.number for one in wanted][: len(seen)]
    page.wait_for_timeout(400)  # until the URL has it
    page.reload()
    expect(page.locator(".table-tools p")).to_have_text(f"{len(wanted)} of 40 trials")
    assert rows(page)[: len(seen)] == seen
    assert page.get_by_label("filter trials").input_value() == "optimizer=sgd"


@pytest.mark.slow
def test_what_is_brushed_in_one_figure_stands_out_in_all_and_is_in_the_table(found, visit):
    page = visit(found, "#/study/1")
    page.wait_for_function(
        "() => [...document.querySelectorAll('tw-figure')].filter((one) => one.drawings > 0).length >= 2"
    )
    box = page.locator("tw-figure-box[kind=history] tw-figure").first.bounding_box()
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 90, steps=4)
    page.mouse.up()
    chip = page.locator(".chip.brushed")
    expect(chip).to_be_visible()
    n = int(re.match(r"\d+", chip.inner_text())[0])
    assert 0 < n < 40
    expect(page.locator(".table-tools p")).to_have_text(f"{n} of 40 trials")
    marked = page.evaluate("() => document.querySelector('tw-figure-box[kind=curves] tw-figure').selected.length")
    assert marked == n
    page.wait_for_timeout(400)
    page.reload()
    expect(page.locator(".table-tools p")).to_have_text(f"{n} of 40 trials")
    page.keyboard.press("Escape")
    expect(page.locator(".table-tools p")).to_have_text("40 trials")
    assert page.evaluate("() => document.querySelector('tw-figure-box[kind=curves] tw-figure').selected") is None


@pytest.mark.slow
def test_the_table_is_walked_with_the_keys_and_trials_are_compared(found, visit):
    page = visit(found, "#/study/1/trials")
    page.locator(".trial-row").first.focus()
    page.keyboard.press("End")
    last = StudyReader.open(found.url)
    expect(page.locator(".trial-row:focus")).to_have_attribute("aria-rowindex", "41")
    page.keyboard.press("Space")
    page.keyboard.press("Home")
    expect(page.locator(".trial-row:focus")).to_have_attribute("aria-rowindex", "2")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Compare 3 trials")).to_be_visible()
    expect(page.locator("table.compare td.best").first).to_contain_text(f"{last.best.value:.4g}"[:5])
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.locator(".trial-row").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Trial {last.best.trial}")).to_be_visible()
    expect(page.locator(".settings")).to_contain_text("learning_rate")


@pytest.mark.slow
def test_remarks_and_orders_are_on_record(found, visit):
    page = visit(found, "#/study/1/trial/2")
    page.locator("[data-favourite]").click()
    expect(page.locator("[data-favourite]")).to_have_attribute("aria-pressed", "true")
    page.locator("[data-tag]").click()
    page.get_by_label("a tag").fill("baseline")
    page.keyboard.press("Enter")
    expect(page.locator(".tag-line .chip")).to_have_text("baseline")
    page.get_by_label("a note").fill("looks <b>odd</b>")
    page.get_by_role("button", name="Keep note").click()
    expect(page.locator(".notes li")).to_contain_text("looks <b>odd</b>")
    page.get_by_role("button", name="Like this, but").click()
    page.get_by_label("hidden", exact=True).fill("33")
    page.get_by_role("button", name="Queue it").click()
    expect(page.get_by_role("heading", name="Trial 40")).to_be_visible()
    page.goto(f"{found.base}/#/study/1")
    page.get_by_role("button", name="Budget").click()
    page.get_by_label("New budget").fill("77trials")
    page.get_by_role("button", name="Set budget").click()
    expect(page.locator(".key-numbers")).to_contain_text("77 trials")
    page.get_by_role("button", name="Edit space").click()
    page.get_by_label("high end of hidden").fill("128")
    page.evaluate("() => document.querySelector('tw-space-dialog').requestUpdate()")
    page.wait_for_timeout(300)
    page.keyboard.press("Tab")
    expect(page.locator(".preview pre")).to_contain_text("hidden")
    page.get_by_role("button", name="Search in it from now on").click()
    expect(page.locator("dialog")).to_have_count(0)
    page.locator("[data-share]").click()
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("[data-link]")).to_have_value(re.compile(rf"^{re.escape(found.base)}/\?token=[\w-]+$"))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Pause study").click()
    expect(page.get_by_role("button", name="Resume study")).to_be_visible()
    reader = StudyReader.open(found.url)
    assert set(reader.tags()[2]) == {"favourite", "baseline"}
    assert reader.trials[40].params == Params({**reader.trials[2].params, "hidden": 33})
    assert str(reader.budget) == "77trials"
    assert reader.is_paused
    assert reader.space.params["hidden"].high == 128
    assert "looks <b>odd</b>" in [getattr(one.action, "text", None) for one in reader.commands(2)]
    assert {one.by for one in reader.commands()} == {"web"}


@pytest.mark.slow
def test_who_may_only_look_has_no_controls(found, visit):
    page = visit(found, "#/study/1", role=Role.VIEW)
    expect(page.locator(".chip.role")).to_have_text("view only")
    expect(page.locator(".trial-row").first).to_be_visible()
    assert page.locator(".study-actions").count() == 0
    page.goto(f"{found.base}/#/study/1/trial/2")
    expect(page.get_by_role("heading", name="View only")).to_be_visible()
    for name in ("Pause", "Stop", "Branch", "Keep note", "Tag", "Like this, but"):
        assert page.get_by_role("button", name=name, exact=True).count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("width", [375, 1280])
def test_names_of_any_letters_are_text_and_break_no_line(tmp_path, visit, width):
    long_name = ("lr_" + "名前" * 60 + "עברית" * 40 + "x" * 600)[:900]
    space = tw.Space(
        {
            long_name: tw.Float(1e-4, 1.0, live=True),
            "שלום": tw.Choice(["</script><script>alert(1)</script>", "א" * 300]),
            **{f"p{i}": tw.Float(0.0, 1.0) for i in range(200)},
        }
    )
    url = tmp_path / "tunewell.db"
    study = tw.Study(
        space, metric="val_loss", max_epochs=2, budget="6trials", scheduler="full", store=url, name=HOSTILE, max_tier=4
    )
    with closing(study):
        while (step := study.ask()) is not None:
            for epoch in step.epochs:
                study.report(
                    step.trial, epoch, val_loss=float("nan") if step.trial == 1 else 1.0 / epoch, **{HOSTILE: 1.0}
                )
            study.tell(step.trial)
    with serving(url) as served:
        page = visit(served, width=width)
        expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
        for place in (
            "",
            "/trials",
            "/params",
            "/timeline",
            "/lineage",
            "/plan",
            "/trial/0",
            "/trial/1",
            "/compare/0,1,2",
        ):
            page.goto(f"{served.base}/#/study/1{place}")
            page.wait_for_timeout(1500)
            assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0, place
            assert page.evaluate("() => document.querySelectorAll('img, script:not([src])').length") == 0
            assert page.evaluate("() => document.querySelectorAll('*').length") < 2000
        page.goto(f"{served.base}/#/study/1")
        assert page.locator("h1").first.inner_text().replace("\xa0", " ") == HOSTILE


@pytest.mark.slow
def test_a_server_that_comes_back_is_found_again_and_a_study_that_is_gone_is_told(tmp_path, visit):
    url = searched(tmp_path / "tunewell.db", 5)
    with serving(url) as served:
        page = visit(served, "#/study/1")
        expect(page.locator(".feed.live")).to_be_visible()
        moved = url.with_name("moved.db")
        url.rename(moved)
        expect(page.locator(".top-banner")).to_contain_text("cannot be reached")
        moved.rename(url)
        expect(page.locator(".top-banner")).to_have_count(0)
        visit.complaints.clear()


LETTERS = {
    "Latin": "x" * 1000,
    "Arabic": "تجربة" * 200,
    "Hindi": "परीक्षण" * 142 + "प" * 6,
    "Chinese": "实验名称" * 250,
    "emoji": "👩‍🔬🚀" * 250,
    "combined": "e\u0301\u0323" * 333 + "e",
}


def odd_studies(url, monkeypatch):
    """Add studies that have little, or odd things, to show; what ends the one that runs."""
    space = tw.Space(rate=tw.Float(1e-4, 1.0, scale="log", live=True), kind=tw.Choice(["a", "b"]))
    real = time.time

    @contextmanager
    def study(name, n):
        with closing(
            tw.Study(space, metric="loss", max_epochs=3, budget=f"{n}trials", scheduler="full", store=url, name=name)
        ) as made:
            yield made

    with study("no trial", 3):
        pass
    with study("one trial", 1) as one:
        train_as(one, lambda epoch: 1.0 / epoch)
    with study("all failed", 4) as failed:
        while (step := failed.ask()) is not None:
            failed.tell(step.trial, error=RuntimeError(f"no memory left in {step.trial}"))
    with study("a curve of NaN", 2) as broken:
        for _ in range(2):
            train_as(broken, lambda epoch: float("nan"))
    with study("a clock that jumps", 3) as jumped:
        for jump in (0, -400 * 86_400, 400 * 86_400):
            monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
            train_as(jumped, lambda epoch: 1.0 / epoch)
        monkeypatch.setattr(time, "time", real)
    for name, letters in LETTERS.items():
        with study(letters, 1) as named:
            train_as(named, lambda epoch: 1.0 / epoch)
            assert len(letters) == 1000, name
    silent = ExitStack()
    silent.enter_context(study("no report", 2)).ask()  # and it runs
    return silent


def train_as(study, value):
    step = study.ask()
    for epoch in step.epochs:
        study.report(step.trial, epoch, loss=value(epoch))
        if value(epoch) != value(epoch):
            break
    study.tell(step.trial)


@pytest.mark.slow
@pytest.mark.parametrize("width", [375, 1280])
def test_studies_with_little_or_odd_things_to_show_are_shown(tmp_path, visit, width, monkeypatch):
    url = tmp_path / "tunewell.db"
    silent = odd_studies(url, monkeypatch)
    names = [one.name for one in StudyReader.open(url, "no trial").others()]
    with silent, serving(url) as served:
        page = visit(served, width=width)
        expect(page.locator(".study-card")).to_have_count(len(names) + 1)
        for study in range(1, len(names) + 2):
            for place in ("", "/params", "/timeline", "/plan", *(["/trial/0"] if study > 1 else [])):
                page.goto(f"{served.base}/#/study/{study}{place}")
                expect(page.locator("main")).not_to_be_empty()
                page.wait_for_timeout(500)
                over = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
                assert over <= 0, (study, place)
                assert page.locator(".banner.top-banner").count() == 0, (study, place)


@pytest.mark.slow
def test_a_study_that_is_deleted_while_it_is_looked_at_is_told_and_another_goes_on(tmp_path, visit):
    url = searched(tmp_path / "tunewell.db", 3)
    searched(url, 2, name="other")
    with serving(url) as served:
        page = visit(served, "#/study/1")
        expect(page.locator(".feed.live")).to_be_visible()
        delete_study(url, 1)
        expect(page.locator(".top-banner")).to_contain_text("is gone")
        expect(page.locator(".trial-row").first).to_be_visible()  # what was known stays
        page.locator(".top-banner").get_by_role("link").click()
        expect(page.locator(".study-card")).to_have_count(1)
        page.get_by_role("link", name="other").click()
        expect(page.locator(".feed.live")).to_be_visible()
        visit.complaints.clear()  # of what is not there any more


def delete_study(url, number):
    with closing(sqlite3.connect(url, timeout=60)) as database, database:
        database.execute("PRAGMA foreign_keys = OFF")
        for table in ("reports", "steps", "events", "commands", "checkpoints", "trials", "spaces", "sessions"):
            database.execute(f"DELETE FROM {table} WHERE study_id = ?", (number,))
        database.execute("DELETE FROM studies WHERE id = ?", (number,))


@pytest.mark.slow
def test_a_report_is_drawn_over_a_figure_of_thousands_and_its_trial_that_fails_is_told(tmp_path, visit):
    url = tmp_path / "tunewell.db"
    subprocess.run([sys.executable, ROOT / "benchmarks/web/large_study.py", url, "3000", "5"], check=True)
    study = tw.Study.open(url, "large")
    study.set_budget("9000trials")
    with closing(study), serving(url) as served:
        page = visit(served, "#/study/1")
        drawn = "() => [...document.querySelectorAll('tw-figure')].filter((one) => one.drawings > 0).length >= 2"
        page.wait_for_function(drawn)
        expect(page.locator(".feed.live")).to_be_visible()
        before = page.evaluate("() => [...document.querySelectorAll('tw-figure')].map((one) => one.drawings)")
        step = study.ask()
        study.report(step.trial, 1, val_loss=2.0, train_loss=1.5)
        live = "() => [...document.querySelectorAll('tw-figure')].map((one) => one.live.length)"
        page.wait_for_function(f"() => ({live})().slice(0, 2).every((n) => n === 1)")
        study.tell(step.trial, error=RuntimeError("no memory left"))
        expect(page.locator(".said")).to_contain_text(f"trial {step.trial} failed")
        after = page.evaluate("() => [...document.querySelectorAll('tw-figure')].map((one) => one.drawings)")
        assert after == before  # nothing was drawn anew


@pytest.mark.slow
def test_two_tabs_agree_share_one_stream_and_lose_no_command(found, visit):
    one = visit(found, "#/study/1/trial/2")
    other = one.context.new_page()
    other.goto(f"{found.base}/#/study/1/trial/2")
    for page in (one, other):
        expect(page.locator(".feed.live")).to_be_visible()
        expect(page.get_by_role("heading", name="Trial 2")).to_be_visible()
    assert sum(len(feed._listeners) for feed in found.server.pages.feeds._feeds.values()) == 1
    for i in range(16):
        for page, name in ((one, "one"), (other, "other")):
            page.get_by_label("a note").fill(f"{name} {i}")
            page.get_by_role("button", name="Keep note").click()
            expect(page.get_by_label("a note")).to_have_value("")
    for page in (one, other):
        expect(page.locator(".notes li")).to_have_count(32)
    notes = [command.action.text for command in StudyReader.open(found.url).commands(2)]
    assert sorted(notes) == sorted(f"{name} {i}" for name in ("one", "other") for i in range(16))
    one.close()  # which led
    other.get_by_label("a note").fill("alone")
    other.get_by_role("button", name="Keep note").click()
    expect(other.locator(".notes li")).to_have_count(33)


@contextmanager
def training(url, seconds):
    """A process that trains, until the test is over."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("trained.py"), url, str(seconds)], stdout=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 150
        while not has_reported(url):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def has_reported(url):
    if not url.exists():
        return False
    try:
        return bool(StudyReader.open(url).reports(0))
    except tw.errors.TunewellError:
        return False


@pytest.mark.slow
def test_a_training_is_watched_and_steered_from_two_tabs_and_the_record_agrees(tmp_path, visit):
    url = tmp_path / "tunewell.db"
    with training(url, 0.3), serving(url) as served:
        page = visit(served, "#/study/1/trial/0")
        other = page.context.new_page()
        other.goto(f"{served.base}/#/study/1/trial/0")
        facts = page.locator(".trial-facts")
        expect(facts).to_contain_text(re.compile(r"\d+ of 200 epochs"))
        before = facts.inner_text()
        expect(facts).not_to_have_text(before)  # it is live

        rate = page.get_by_label("learning_rate", exact=True)
        rate.fill("0.02")
        page.evaluate("() => document.querySelector('tw-app').study.refresh()")  # as it does now and then
        page.wait_for_timeout(500)
        expect(rate).to_have_value("0.02")
        rate.press("Tab")
        page.locator("[data-set]").click()
        for tab in (page, other):
            done = tab.locator(".commands li").last
            expect(done).to_have_attribute("data-state", "taken")
            expect(done).to_contain_text("0.02")
            expect(done).to_contain_text(re.compile(r"taken up at epoch \d+"))
        expect(page.locator(".settings")).to_contain_text(re.compile(r"→ 0.02 from epoch \d+"))

        page.get_by_label("a parameter to change").select_option("optimizer")
        page.get_by_label("optimizer", exact=True).select_option(label="sgd")
        page.get_by_label("from which epoch").select_option("1")
        page.get_by_role("button", name="Branch", exact=True).click()
        branch = page.locator(".commands li", has_text="branched as")
        expect(branch).to_have_attribute("data-state", "taken")
        expect(branch.get_by_role("link")).to_be_visible()

        page.get_by_label("from which epoch").select_option("1")
        page.get_by_role("button", name="Rewind", exact=True).click()
        rewound = page.locator(".commands li", has_text="rewound to")
        expect(rewound).to_have_attribute("data-state", "taken")
        rewound.get_by_role("link").click()
        expect(page.locator(".trial-facts")).to_contain_text("branch of trial 0")
        child = int(re.search(r"/trial/(\d+)", page.url)[1])
        expect(other.locator(".trial-head-line .state")).to_have_text("stopped")

        number = running(url)
        for tab in (page, other):
            tab.goto(f"{served.base}/#/study/1/trial/{number}")
        state = page.locator(".trial-head-line .state")
        expect(state).to_have_text("running")
        page.get_by_role("button", name="Pause", exact=True).click()
        expect(state).to_have_text("held")
        expect(other.locator(".trial-head-line .state")).to_have_text("held")
        other.get_by_role("button", name="Resume", exact=True).click()
        expect(state).to_have_text(re.compile("running|paused"))
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_role("button", name="Stop trial").click()
        expect(state).to_have_text("stopped")
        page.goto(f"{served.base}/#/study/1/lineage")
        expect(page.locator(".tree-node.rewind")).to_contain_text("rewound")

        reader = StudyReader.open(url)
        assert all(one.is_done and one.by == "web" for one in reader.commands())
        set_, branched, rewind = reader.commands(0)
        assert set_.action == Set("learning_rate", 0.02)
        twig = reader.trials[branched.branch]
        assert (twig.parent, twig.parent_epoch, twig.params["optimizer"]) == (0, 1, "sgd")
        assert (type(branched.action), type(rewind.action), rewind.branch) == (Branch, Rewind, child)
        assert [type(one.action) for one in reader.commands(number)] == [Pause, Resume, Stop]
        assert reader.trials[number].state is TrialState.STOPPED


def running(url):
    """The number of the trial that trains."""
    reader, end = StudyReader.open(url), time.monotonic() + 60
    while True:
        for one in reader.trials:
            if one.state is TrialState.RUNNING:
                return one.number
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.slow
def test_ten_thousand_trials_are_few_bytes_and_few_elements(tmp_path, visit):
    url = tmp_path / "tunewell.db"
    subprocess.run([sys.executable, ROOT / "benchmarks/web/large_study.py", url, "10000", "20"], check=True)
    with serving(url) as served:
        page = visit(served)
        expect(page.locator(".study-card")).to_be_visible()
        page.close()
        page = page.context.new_page()
        session = page.context.new_cdp_session(page)
        sizes = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        page.goto(f"{served.base}/#/study/1")
        expect(page.locator(".table-tools p")).to_have_text("10,000 trials")
        page.wait_for_function(
            "() => [...document.querySelectorAll('tw-figure')].filter((one) => one.drawings > 0).length >= 2"
        )
        page.wait_for_timeout(1000)
        assert sum(sizes) < 620_000
        assert len(page.locator("*").all()) < 2000
        page.locator(".trial-row").first.focus()
        page.keyboard.press("End")
        expect(page.locator(".trial-row:focus")).to_have_attribute("aria-rowindex", "10001")
        assert len(page.locator(".trial-row").all()) < 60
