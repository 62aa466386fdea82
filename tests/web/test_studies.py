"""What is answered of studies and trials: the numbers of the record, of odd studies too."""

import csv
import io
import json
import math
from contextlib import closing

import pytest
from tests.web.served import SPACE, a_study, serving

import tunewell as tw
from tunewell.figures.figure import unpacked
from tunewell.stores import open_store
from tunewell.study import StudyReader
from tunewell.web.routes import ROUTES

FIGURES = [
    "history",
    "curves",
    "parallel",
    "slices",
    "contour",
    "importance",
    "timeline",
    "ranks",
    "distribution",
    "space",
    "confirmed",
    "front",
]
OF_A_STUDY = ["", "/trials", "/lineage", "/plan", "/export.csv", "/export.json", "/compare?trials=0", "/trials/0"]
OF_A_STUDY += ["/trials/0/diagnosis", *(f"/figures/{kind}" for kind in FIGURES)]


def columns(browser, study=1):
    answer = browser.get(f"/api/studies/{study}/trials")
    assert answer.status_code == 200, answer.text
    return {one["name"]: unpacked(one["values"]) for one in answer.json()["table"]["columns"]}


def all_is_answered(browser, study=1, *, but=()):
    """All that can be read of a study is answered, as JSON that any browser reads."""
    for path in OF_A_STUDY:
        answer = browser.get(f"/api/studies/{study}{path}")
        assert answer.status_code == 200 or path in but, (path, answer.status_code, answer.text[:300])
        if not path.endswith(".csv"):
            json.loads(answer.content, parse_constant=pytest.fail)


def test_the_list_of_studies(store, browser):
    a_study(store, "other", value=lambda trial, epoch: float(trial + epoch))
    a_study(store, "digits-confirmed-1-of-0,1")
    found = browser.get("/api/studies").json()
    assert (found["role"], found["by"], found["store"]) == ("steer", "web", str(store))
    assert [one["name"] for one in found["studies"]] == ["digits", "other", "digits-confirmed-1-of-0,1"]
    assert [one["confirms"] for one in found["studies"]] == [None, None, "digits"]
    first = found["studies"][0]
    assert (first["metric"], first["direction"], first["trials"]) == ("val_loss", "minimize", 3)
    assert first["best"] == {"trial": 2, "epoch": 4, "value": 1 / 6}
    assert first["spent"]["trained"] == 12
    assert (first["is_run"], first["is_paused"], first["damage"]) == (False, False, None)


def test_the_table_has_the_numbers_of_the_record(store, browser):
    found = columns(browser)
    reader = StudyReader.open(store, "digits")
    assert found["trial"] == [0, 1, 2]
    assert found["state"] == ["complete"] * 3
    assert found["value"] == [pytest.approx(reader.best_of(n)[1], rel=1e-6) for n in range(3)]
    assert found["best_epoch"] == [4, 4, 4]
    for name in SPACE.names:
        recorded = [trial.params[name] for trial in reader.trials]
        assert found[f"param:{name}"] == (recorded if name != "learning_rate" else pytest.approx(recorded, rel=1e-4))


def test_a_large_table_has_them_too(tmp_path):
    """Packed as it is: the metric to seven digits, also among some values that are enormous."""
    url = tmp_path / "tunewell.db"
    a_study(url, n_trials=1200, epochs=1, value=lambda trial, _: 1e9 if trial % 50 == 0 else -1.0 + trial * 1e-5)
    with serving(url) as served, served.browser() as browser:
        found = columns(browser)
        assert found["trial"] == list(range(1200))
        for trial in (1, 2, 777, 1199):
            assert found["value"][trial] == pytest.approx(-1.0 + trial * 1e-5, abs=1e-7)
        whole = browser.get("/api/studies/1/trials", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in whole.headers
        packed = browser.get("/api/studies/1/trials", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.json() == whole.json()


def test_a_trial_in_full(store, browser):
    found = browser.get("/api/studies/1/trials/1").json()
    table = {one["name"]: one["values"] for one in found["reports"]["columns"]}
    assert table["metric:val_loss"] == pytest.approx([1 / 2, 1 / 3, 1 / 4, 1 / 5], rel=1e-4)
    assert table["epoch"] == [1, 2, 3, 4]
    assert found["schedule"] == [{"trial": 1, "first": 1, "last": 4, "values": found["params"]}]
    assert found["provenance"]["versions"]["tunewell"]
    assert (found["actions"]["note"], found["actions"]["branch"]) == (None, None)
    assert "ended" in found["actions"]["pause"]


def test_trials_side_by_side(browser):
    found = browser.get("/api/studies/1/compare", params={"trials": "2,0"}).json()
    assert [one["trial"] for one in found["trials"]] == [2, 0]
    named = {one["name"] for one in found["differs"]} | {one["name"] for one in found["same"]}
    assert named == set(SPACE.names)
    assert found["curves"]["kind"] == "curves"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/studies/99", 404),
        ("/api/studies/1/trials/99", 404),
        ("/api/studies/1/trials/99999999999999999999", 404),
        ("/api/studies/99999999999999999999/trials", 404),
        ("/api/studies/1/trials/99/diagnosis", 404),
        ("/api/studies/1/compare", 422),
        ("/api/studies/1/compare?trials=0,99", 404),
        ("/api/studies/1/compare?trials=0,x", 400),
        ("/api/studies/1/compare?trials=" + ",".join(map(str, range(21))), 422),
        ("/api/studies/1/figures/nothing", 404),
        ("/api/studies/1/figures/__class__", 404),
        ("/api/studies/1/figures/curves?trials=99", 404),
        ("/api/studies/1/figures/curves?trials=0;1", 400),
        ("/api/studies/1/figures/parallel?most=0", 400),
        ("/api/studies/1/figures/parallel?most=1000", 400),
        ("/api/studies/1/figures/history?path=/etc/passwd", 400),
        ("/api/studies/1/figures/contour?x=hidden&x=hidden", 400),
        ("/api/studies/1/figures/contour?x=nothing", 422),
        ("/static/nothing.js", 404),
        ("/nothing", 404),
        ("/api", 404),
        ("/api/studies/x", 404),
        ("/api/studies/-1", 404),
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(browser, path, status):
    answer = browser.get(path)
    assert (answer.status_code, list(answer.json())) == (status, ["error"]), answer.text


def test_figures_are_those_that_the_library_makes(store, browser):
    reader = StudyReader.open(store, "digits")
    for kind in FIGURES:
        answer = browser.get(f"/api/studies/1/figures/{kind}").json()
        own = json.loads(json.dumps(getattr(reader.figures, kind)().as_dict()))
        assert {name: value for name, value in answer.items() if name != "revision"} == own
        assert browser.get(f"/api/studies/1/figures/{kind}?table=none").json()["table"] is None


def test_modules_and_data_have_their_kinds_and_are_not_sent_twice(browser):
    answer = browser.get("/static/figures/tw-figure.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    again = browser.get("/static/figures/tw-figure.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert browser.get("/").headers["content-type"].startswith("text/html")
    assert browser.get("/api/studies").headers["cache-control"] == "no-store"


def test_a_download_runs_no_formula(tmp_path):
    url = tmp_path / "tunewell.db"
    a_study(url, space=tw.Space(word=tw.Choice(["=cmd()", "+1"]), x=tw.Float(0, 1)))
    with serving(url) as served, served.browser() as browser:
        answer = browser.get("/api/studies/1/export.csv")
        assert answer.headers["content-disposition"] == 'attachment; filename="study-1.csv"'
        words = {row["word"] for row in csv.DictReader(io.StringIO(answer.text))}
        assert words <= {"'=cmd()", "'+1"}
        assert json.loads(browser.get("/api/studies/1/export.json").content)["study"] == "digits"


# --- odd studies


def begun(url, space=SPACE, name="digits", metric="val_loss", **named):
    store = open_store(url)
    return tw.Study(space, metric=metric, max_epochs=4, budget=50, scheduler="full", store=store, name=name, **named)


def test_a_study_without_a_trial(tmp_path):
    url = tmp_path / "tunewell.db"
    begun(url).store.close()
    with serving(url) as served, served.browser() as browser:
        all_is_answered(browser, but=("/trials/0", "/trials/0/diagnosis", "/compare?trials=0"))
        assert columns(browser)["trial"] == []


def test_a_store_without_a_study(tmp_path):
    url = tmp_path / "tunewell.db"
    open_store(url).close()
    with serving(url) as served, served.browser() as browser:
        assert browser.get("/api/studies").json()["studies"] == []


def test_a_trial_without_a_report(tmp_path):
    url = tmp_path / "tunewell.db"
    study = begun(url)
    study.ask()
    with serving(url) as served, served.browser() as browser:
        all_is_answered(browser)
        assert "nothing yet" in browser.get("/api/studies/1/trials/0/diagnosis").json()["note"]
    study.store.close()


def test_all_failed(tmp_path):
    url = tmp_path / "tunewell.db"
    study = begun(url)
    for n in range(3):
        study.tell(study.ask().trial, error=f"ValueError: <b>{n}</b>")
    with serving(url) as served, served.browser() as browser:
        all_is_answered(browser)
        assert columns(browser)["reason"] == [f"ValueError: <b>{n}</b>" for n in range(3)]
        assert browser.get("/api/studies").json()["studies"][0]["best"] is None
    study.store.close()


def test_curves_that_are_not_finite(tmp_path):
    url = tmp_path / "tunewell.db"
    study = begun(url)
    for value in (math.nan, math.inf, -math.inf):
        step = study.ask()
        study.report(step.trial, 1, val_loss=0.5, odd=value)
        study.report(step.trial, 2, val_loss=value)
        study.tell(step.trial)
    with serving(url) as served, served.browser() as browser:
        all_is_answered(browser)
        assert columns(browser)["state"] == ["diverged"] * 3
        reports = {
            one["name"]: one["values"] for one in browser.get("/api/studies/1/trials/0").json()["reports"]["columns"]
        }
        assert reports["metric:val_loss"] == [0.5, None]
    study.store.close()


def test_one_trial(tmp_path):
    url = tmp_path / "tunewell.db"
    a_study(url, n_trials=1)
    with serving(url) as served, served.browser() as browser:
        all_is_answered(browser)


def test_two_hundred_parameters(tmp_path):
    url = tmp_path / "tunewell.db"
    a_study(url, n_trials=12, space=tw.Space({f"p{n}": tw.Float(0, 1) for n in range(200)}))
    with serving(url) as served, served.browser() as browser:
        all_is_answered(browser)
        assert sum(name.startswith("param:") for name in columns(browser)) == 200


NAMES = {
    "long": "x" * 1000,
    "Chinese": "学习率" * 300,
    "Arabic": "معدل التعلم " * 80,
    "emoji": "🚀" * 500,
    "markup": "</script><img src=x onerror=alert(1)>" * 20,
    "path": "../../etc/passwd",
    "marks": "a\u202eb\u0000c\nd\t\"'`${x}",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_in_any_script(tmp_path, name):
    url = tmp_path / "tunewell.db"
    parameter = "".join(letter if letter.isalnum() else "_" for letter in name).lstrip("_") or "p"
    space = tw.Space({parameter: tw.Float(0, 1, live=True), "word": tw.Choice([name, "b"])})
    a_study(url, name, n_trials=12, space=space)
    with serving(url) as served, served.browser() as browser:
        all_is_answered(browser)
        with closing(open_store(url)) as store:
            assert browser.get("/api/studies").json()["studies"][0]["name"] == store.studies()[0].name
        found = browser.get("/api/studies/1").json()
        assert [one["name"] for one in found["space"]] == [parameter, "word"]
        assert set(columns(browser)["param:word"]) <= {name, "b"}
        answer = browser.get("/api/studies/1/figures/contour", params={"x": parameter, "y": "word"})
        assert answer.status_code == 200


def test_a_study_that_is_damaged_is_shown_and_said_to_be(tmp_path):
    import sqlite3

    url = tmp_path / "tunewell.db"
    a_study(url)
    with closing(sqlite3.connect(url)) as database, database:
        database.execute("UPDATE studies SET space = '{}', budget = 7")
        database.execute("UPDATE trials SET params = 'nonsense' WHERE number = 1")
    with serving(url) as served, served.browser() as browser:
        row = browser.get("/api/studies").json()["studies"][0]
        assert "damaged" in row["damage"]
        assert columns(browser)["trial"] == [0, 1, 2]
        assert browser.get("/api/studies/1/trials/1").status_code == 200


def test_maximized_values_keep_their_sign(tmp_path):
    url = tmp_path / "tunewell.db"
    with closing(open_store(url)) as store:
        study = tw.Study(SPACE, metric="accuracy", max_epochs=2, budget=9, scheduler="full", store=store)
        step = study.ask()
        for epoch, value in ((1, 0.5), (2, 0.75)):
            study.report(step.trial, epoch, accuracy=value)
        study.tell(step.trial)
        study.close()
    with serving(url) as served, served.browser() as browser:
        row = browser.get("/api/studies").json()["studies"][0]
        assert (row["direction"], row["best"]["value"]) == ("maximize", 0.75)
        assert columns(browser)["value"] == [0.75]


def test_lineage(store, browser):
    with closing(open_store(store)) as opened:
        study = tw.Study.open(opened, "digits")
        study.steer(1, tw.commands.Branch(0, {"hidden": 8}))
        study.begin_session()
        study.reader.look()
        study.steering.poll_at_rest()
        study.close()
    found = browser.get("/api/studies/1/lineage").json()["trials"]
    assert [(one["trial"], one["depth"], one["kind"]) for one in found] == [(1, 0, "root"), (3, 1, "branch")]
    children = browser.get("/api/studies/1/trials/1").json()["children"]
    assert children == [3]


def test_a_diagnosis_has_a_fix_that_can_be_sent(tmp_path):
    url = tmp_path / "tunewell.db"
    a_study(url, n_trials=1, epochs=20, value=lambda _, epoch: 2.3 - 0.0005 * epoch)
    with serving(url) as served, served.browser() as browser:
        found = browser.get("/api/studies/1/trials/0/diagnosis").json()["findings"]
        assert found[0]["confidence"] >= found[-1]["confidence"]
        assert found[0]["figure"]["kind"] == "evidence"
        fixes = [one["fix"] for one in found if one["fix"] is not None]
        assert fixes
        fix = fixes[0]
        assert fix["action"] == "queue"
        order = {"params": fix["params"], "like": fix["like"], "why": found[0]["title"]}
        assert browser.post("/api/studies/1/queue", json=order).status_code == 201


@pytest.mark.parametrize(("low", "is_named"), [(1e-4, True), (0.5, False)])
def test_a_fix_does_what_the_text_beside_it_says_or_says_what_it_does_instead(tmp_path, low, is_named):
    """Of a rate and a momentum that are both high, the button is that of the one which is written about."""
    url = tmp_path / "tunewell.db"
    space = tw.Space(lr=tw.Float(low, 1.0, scale="log", default=0.5), momentum=tw.Float(0.5, 0.995, default=0.99))
    with closing(open_store(url)) as store:
        study = tw.Study(space, metric="val_loss", max_epochs=9, budget=3, scheduler="full", store=store, name="high")
        trial = study.queue({"lr": 0.5, "momentum": 0.99})
        step = study.ask()
        assert step.trial == trial.number
        for epoch, loss in enumerate((2.3, 8.0, 90.0, 4e3, 1e6, 1e9, 1e12), 1):
            study.report(step.trial, epoch, val_loss=loss, train_loss=loss)
        study.tell(step.trial, error=ValueError("it diverged"))
        study.close()
    with serving(url) as served, served.browser() as browser:
        found = browser.get(f"/api/studies/1/trials/{trial.number}/diagnosis").json()["findings"]
        one = next(one for one in found if one["cause"] == "lr_too_high")
    assert one["change"]["param"] == "lr"
    if is_named:
        assert list(one["fix"]["params"]) == ["lr"]
        assert one["fix"]["params"]["lr"] < 0.5
    else:  # the rate is at the lower end of its range
        assert list(one["fix"]["params"]) == ["momentum"]
        assert one["fix"]["instead"] == "lr cannot be moved that way; momentum may mend the same"


def test_answers_are_those_of_the_newest_revision(store, browser):
    """What is kept is kept only as long as nothing changes, or as it is dear to make."""
    before = browser.get("/api/studies/1/trials").json()["revision"]
    assert browser.get("/api/studies/1/trials").json()["revision"] == before
    with closing(open_store(store)) as opened:
        tw.Study.open(opened, "digits").steer(0, tw.commands.Note("x"))
    row = browser.get("/api/studies/1/trials/0").json()
    assert (row["revision"], row["trial"]["notes"]) == (before + 2, 1)


def test_each_route_says_what_it_is_for():
    assert all(route.about for route in ROUTES)


def test_who_has_changed_something_sees_it_at_once(store, browser, monkeypatch):
    """However dear it was to make what is kept."""
    monkeypatch.setattr("tunewell.web.responses._REST", 1e6)
    assert columns(browser)["notes"] == [0, 0, 0]
    assert browser.get("/api/studies/1").json()["is_paused"] is False
    note = {"trial": 1, "kind": "note", "text": "seen"}
    assert browser.post("/api/studies/1/commands", json=note).status_code == 201
    assert columns(browser)["notes"] == [0, 1, 0]
    with closing(open_store(store)) as opened:  # what others change may wait
        tw.Study.open(opened, "digits").steer(2, tw.commands.Note("x"))
    assert columns(browser)["notes"] == [0, 1, 0]
    assert browser.post("/api/studies/1/pause", json={}).status_code == 200
    assert columns(browser)["notes"] == [0, 1, 1]
    assert browser.get("/api/studies/1").json()["is_paused"] is True
