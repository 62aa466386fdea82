"""The clock of the search benchmark, its results and its report, on curves that are known; no surrogate is needed."""

import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "search" / "lcbench"


@pytest.fixture(scope="module", autouse=True)
def lcbench():
    """The scripts of the folder import each other by their bare names, which are nobody else's business."""
    known = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))
    for name in set(sys.modules) - known:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


class Script:
    """A method that hands out jobs as they are written down, and keeps what it was told and when it was asked."""

    def __init__(self, jobs, stops=()):
        self.jobs, self.stops = list(jobs), set(stops)
        self.log = []

    def next(self):
        self.log.append("next")
        return self.jobs.pop(0) if self.jobs else None

    def report(self, trial, epoch, accuracy):
        self.log.append((trial, epoch, accuracy))
        return (trial, epoch) not in self.stops

    def done(self, trial):
        self.log.append(("done", trial))


def job(trial, first, last):
    from simulation import Job

    return Job(trial, {"level": trial}, range(first, last + 1))


def rising(setting):
    """Accuracies by epoch, in sixty-fourths, so that floats are exact: eight a trial's number, one an epoch."""
    return (8 * setting["level"] + np.arange(1, 11)) / 64


def simulate(*args, **kwargs):
    from simulation import simulate

    return simulate(*args, **kwargs)


def test_one_worker_trains_one_job_after_the_other():
    script = Script([job(1, 1, 2), job(2, 1, 1)])
    outcome = simulate(script, rising, epochs=3)
    assert script.log == [
        "next", (1, 1, 9 / 64), (1, 2, 10 / 64), ("done", 1), "next", (2, 1, 17 / 64), ("done", 2)
    ]  # fmt: skip
    assert (64 * outcome.best).tolist() == [9, 10, 17]
    assert (outcome.trials, outcome.decisions, outcome.idle) == (2, 2, 0)


def test_a_decision_knows_what_had_been_reported_when_its_worker_became_free_and_no_more():
    script = Script([job(1, 1, 1), job(2, 1, 2), job(3, 1, 1)])
    simulate(script, rising, epochs=4, workers=2)
    asked = [i for i, entry in enumerate(script.log) if entry == "next"]
    # both first decisions are made before anything is reported, the third after the whole first tick
    assert asked[:2] == [0, 1]
    assert [entry[:2] for entry in script.log[2 : asked[2]]] == [(1, 1), ("done", 1), (2, 1)]


def test_workers_together_spend_as_many_epochs_as_one_alone():
    outcome = simulate(Script([job(n, 1, 5) for n in range(1, 9)]), rising, epochs=20, workers=8)
    # two ticks of eight epochs; of the third, the first four workers, none of which has the best
    assert (64 * outcome.best).tolist() == [9, 17, 25, 33, 41, 49, 57, *[65] * 8, *[66] * 5]


def test_what_looks_best_is_judged_by_its_truth():
    script = Script([job(1, 1, 1), job(2, 1, 1), job(3, 1, 1)])
    reports, truths = {1: 0.5, 2: 0.9, 3: 0.7}, {1: 0.6, 2: 0.4, 3: 0.8}

    def of(known):
        return lambda setting: np.full(1, known[setting["level"]])

    assert simulate(script, of(reports), truth=of(truths), epochs=3).best.tolist() == [0.6, 0.4, 0.4]


def test_a_trial_that_goes_on_starts_where_it_stopped():
    script = Script([job(1, 1, 2), job(2, 1, 1), job(1, 3, 4)])
    simulate(script, rising, epochs=5)
    assert [entry[:2] for entry in script.log if entry[0] == 1] == [(1, 1), (1, 2), (1, 3), (1, 4)]


def test_a_trial_that_is_stopped_frees_its_worker():
    script = Script([job(1, 1, 10), job(2, 1, 1)], stops=[(1, 3)])
    outcome = simulate(script, rising, epochs=4)
    assert ("done", 1) in script.log
    assert 64 * outcome.best[-1] == 17


def test_a_worker_that_waits_idles_and_spends_nothing():
    class Alone(Script):
        """Lets nothing train beside a job."""

        busy = False

        def next(self):
            if self.busy:
                return None
            self.busy = bool(self.jobs)
            return super().next()

        def done(self, trial):
            self.busy = False
            super().done(trial)

    outcome = simulate(Alone([job(1, 1, 2), job(2, 1, 2)]), rising, epochs=4, workers=4)
    assert (64 * outcome.best).tolist() == [9, 10, 17, 18]
    assert outcome.idle == 0.75


def test_a_search_with_nothing_left_keeps_its_best_to_the_end():
    assert (64 * simulate(Script([job(1, 1, 2)]), rising, epochs=5).best).tolist() == [9, 10, 10, 10, 10]


def test_an_order_that_comes_again_goes_on_where_it_stopped_and_is_answered_at_once_if_it_was_trained_as_far():
    from peers.orders import Order, Ordered

    class Thrice:
        def __init__(self):
            self.orders = [Order("a", {"level": 1}, until, until) for until in (2, 2, 5)]
            self.told = []

        def ask(self):
            return self.orders.pop(0)

        def tell(self, order, accuracy):
            self.told.append((order.ticket, accuracy))

    search = Thrice()
    outcome = simulate(Ordered(search), rising, epochs=5)
    assert search.told == [(2, 10 / 64), (2, 10 / 64), (5, 13 / 64)]
    assert outcome.trials == 1


def test_an_order_for_a_trial_that_is_being_trained_waits_until_it_is_done():
    from peers.orders import Order, Ordered

    class Impatient:
        def __init__(self):
            self.orders = [Order(key, {"level": 1}, until, until) for key, until in (("a", 1), ("a", 3), ("b", 4))]
            self.told = []

        def ask(self):
            return self.orders.pop(0)

        def tell(self, order, accuracy):
            self.told.append((order.key, order.until))

    search = Impatient()
    simulate(Ordered(search), rising, epochs=6, workers=2)
    assert search.told == [("a", 1), ("a", 3)]


def test_a_study_of_ours_spends_its_epochs_with_eight_workers():
    from methods import METHODS
    from problem import EPOCHS

    def curve(setting):
        return np.linspace(0.1, setting["max_dropout"], EPOCHS)

    outcome = simulate(METHODS["tunewell hyperband"].begin(0, 4), curve, epochs=4 * EPOCHS, workers=8)
    assert outcome.decisions > outcome.trials >= 8
    assert outcome.best[-1] > outcome.best[0]


def a_run(method, task, seed, gains, workers=1, version="1", outlooks=()):
    from results import Key, Run

    key = Key(method, task, seed, workers)
    return Run(key, version, 30 * 52, gains, trials=3, decisions=10, seconds=0.02, idle=0.0, outlooks=list(outlooks))


def test_a_run_is_read_as_it_was_written(tmp_path):
    from results import gains, read_runs, write_run

    best = np.repeat([0.0, 0.25, 0.5], [1, 2, 30 * 52 - 3])
    run = a_run("Tuner, with a comma", "a", 3, gains(best))
    write_run(tmp_path, run)
    assert list(read_runs(tmp_path)) == [run]
    assert (run.best == best).all()


def test_runs_that_were_watched_are_kept_apart_with_what_was_expected(tmp_path):
    from results import read_runs, watched, write_run

    run = a_run("tunewell auto", "a", 0, [(1, 0.5)], outlooks=[(40, 0.25, 0.5), (52, 0.125, 0.25)])
    write_run(watched(tmp_path), run)
    assert list(read_runs(tmp_path)) == []
    assert list(read_runs(watched(tmp_path))) == [run]


def test_the_version_of_a_run_is_known_only_if_it_is_kept(tmp_path):
    from results import kept_version, write_run

    run = a_run("Tuner", "a", 0, [(1, 0.5)], version="2.0")
    assert kept_version(run.key.path(tmp_path)) is None
    write_run(tmp_path, run)
    assert kept_version(run.key.path(tmp_path)) == "2.0"


def test_regret_is_counted_from_the_best_that_any_run_has_seen():
    from regret import regrets
    from results import Reference

    runs = [
        a_run("poor", "a", 0, [(1, 0.5), (100, 0.7)]),
        a_run("poor", "a", 1, [(1, 0.5), (200, 0.9)]),
        a_run("good", "a", 0, [(1, 1.0)]),
    ]
    found = regrets(runs, {"a": Reference(median=0.5, best=0.8, corner=False)}, ["a"])
    assert found["poor"].mean[[0, 98, 99, 199]].tolist() == pytest.approx([1, 1, 0.8, 0.4])
    assert found["good"].mean[-1] == 0
    assert found["poor"].needed(0.8) == 100 / 52
    assert found["poor"].needed(0.1) is None
    assert found["poor"].milliseconds == 2


def test_the_standard_error_is_of_the_means_of_tasks():
    from regret import regrets
    from results import Reference

    references = {task: Reference(median=0.0, best=1.0, corner=False) for task in "ab"}
    runs = [a_run("one", task, seed, [(1, best)]) for task, best in (("a", 0.2), ("b", 0.6)) for seed in (0, 1)]
    found = regrets(runs, references, ["a", "b"])["one"]
    assert found.mean[0] == pytest.approx(0.6)
    assert found.error[0] == pytest.approx(0.2)  # a deviation of 0.4 / sqrt(2), over the square root of two tasks
    assert found.seeds == 2


def test_a_method_that_lacks_a_task_is_left_out_and_named(capsys):
    from regret import regrets
    from results import Reference

    references = {task: Reference(0.0, 1.0, corner=False) for task in "ab"}
    runs = [a_run("whole", "a", 0, [(1, 0.5)]), a_run("whole", "b", 0, [(1, 0.5)]), a_run("half", "a", 0, [(1, 0.9)])]
    assert list(regrets(runs, references, ["a", "b"])) == ["whole"]
    assert "half: left out, since it has run on 1 of 2 tasks" in capsys.readouterr().err


def test_the_report_has_the_tasks_outside_the_corner_apart_and_tells_of_mixed_versions():
    from report import pages
    from results import Reference

    references = {"a": Reference(0.0, 1.0, corner=False), "b": Reference(0.0, 1.0, corner=True)}
    runs = [a_run("random search", task, 0, [(1, level)]) for task, level in (("a", 0.5), ("b", 0.1))]
    runs += [a_run("random search", "a", 1, [(1, 0.5)], version="2")]
    text = list(pages(runs, references))
    assert "## One worker, all tasks (2)" in text
    assert "## One worker, tasks whose best known setting is not in the corner (1)" in text
    assert any(line.startswith("| random search | 0.70 ± 0.20 |") for line in text)
    assert any(line.startswith("| random search | 0.50 ± nan |") for line in text)
    assert "Mixed: random search has runs of 1, 2." in text


def test_searches_with_past_studies_have_a_table_of_their_own():
    from report import pages
    from results import Reference

    references = {"a": Reference(0.0, 1.0, corner=False)}
    levels = {"random search": 0.5, "tunewell auto": 0.75, "tunewell auto, past studies": 1.0}
    text = list(pages([a_run(name, "a", 0, [(1, level)]) for name, level in levels.items()], references))
    first, second, *_ = (i for i, line in enumerate(text) if line.startswith("| regret after"))
    assert [line.split(" | ")[0] for line in text[first + 2 : first + 4]] == ["| tunewell auto", "| random search"]
    assert [line.split(" | ")[0] for line in text[second + 2 : second + 4]] == [
        "| tunewell auto",
        "| tunewell auto, past studies",
    ]


def test_a_forecast_is_held_against_what_came_after_the_decision_that_made_it():
    from calibration import Forecast, forecasts

    outlooks = [(100, 0.5, 0.9), (250, 0.02, 0.3), (261, 0.03, 0.4)]
    gains = [(1, 0.5), (250, 0.6), (302, 0.625), (303, 0.75), (510, 0.875), (511, 1.0)]
    found = list(forecasts([a_run("tunewell auto", "a", 0, gains, outlooks=outlooks)]))
    assert found[0] == Forecast("a", 5, 2.0, 0.3, (2.5, 27.5))
    assert [one.gain for one in found[1:]] == [3.0] * 4


def test_a_study_that_could_not_say_made_no_forecast():
    from calibration import forecasts

    assert not list(forecasts([a_run("tunewell auto", "a", 0, [(1, 0.5)], outlooks=[(1301, 0.5, 0.9)])]))


def test_a_search_stops_at_the_first_decision_that_expects_too_little():
    from calibration import stop

    def stopped(*outlooks):
        return stop(a_run("tunewell auto", "a", 0, [(1, 0.5)], outlooks=outlooks), 0.3)

    assert stopped((52, 0.5, 0.9), (80, 0.002, 0.1), (200, 0.002, 0.1), (340, 0.002, 0.1), (400, 0.5, 0.9)) == 340
    assert stopped((80, 0.002, 0.1), (200, 0.5, 0.9), (340, 0.002, 0.1)) == 30 * 52


def test_what_stopping_costs_is_read_from_how_the_search_went_on():
    from calibration import stops
    from results import Reference

    runs = [
        a_run("tunewell auto", "a", 0, [(1, 0.5), (1000, 0.75)], outlooks=[(260, 0.002, 0.1), (520, 0.002, 0.1)]),
        a_run("tunewell auto", "b", 0, [(1, 0.5), (1100, 1.0)], outlooks=[(260, 0.004, 0.1), (520, 0.004, 0.1)]),
    ]
    references = {task: Reference(0.0, 1.0, corner=False) for task in "ab"}
    rows = list(stops(runs, references, {"a": 1.0, "b": 1.0}))
    # at 0.3 points the first stops after 10 trainings and the second never does: each would have 20
    regrets = "0.25 ± 0.25 | 0.38 ± 0.12 | 0.12 ± 0.12"
    missed = "12.50 ± 12.50 | 25.00 ± 25.00 | 25.00"
    assert rows[3] == f"| 0.3 | 50% | 20.0 (10.0 to 30.0) | {regrets} | {missed} |"


def test_an_error_counts_the_tasks_and_not_how_often_each_was_seen():
    from calibration import standard_error

    assert standard_error([1, 3], ["a", "b"]) == pytest.approx(1)
    assert standard_error([1, 1, 1, 3, 3, 3], [*"aaabbb"]) == pytest.approx(1)


def test_a_peer_that_is_not_installed_has_no_version():
    from methods import Contestant

    assert Contestant("no-such-package-of-anybody", lambda *_: None).version is None
