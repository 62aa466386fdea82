"""What is handed over by mistake: every public entry says so in one line, with the mend, before anything is trained."""

import functools

import pytest

import tunewell as tw
from tunewell.errors import SettingError, SpaceError, TunewellError
from tunewell.probing import repeatable
from tunewell.rescue import rescue

SPACE = {"learning_rate": tw.Float(0, 1)}


def train(run):
    for _ in run.epochs(2):
        run.report(val_loss=run.params.learning_rate)


class Training:
    def __call__(self, run):
        train(run)

    def fit(self, run):
        train(run)


def search(train, space, **settings):
    return tw.tune(train, space, metric="val_loss", budget="1trials", store="memory", **settings)


ENTRIES = {
    "tune": search,
    "lr_find": tw.lr_find,
    "probe": tw.probe,
    "check": repeatable,
    "rescue": lambda train, space: rescue(train, space, metric="val_loss", store="memory", budget="1trials"),
}
of_all = pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES.keys())


@of_all
def test_a_dict_of_parameters_is_a_space(entry):
    assert entry(train, SPACE)


@of_all
@pytest.mark.parametrize(
    ("space", "said"),
    [
        (
            {"learning_rate": [1e-4, 1e-1]},
            'write tw.Float(0.0001, 0.1, scale="log"), to choose among values write tw.Ch',
        ),
        (None, "space must be a tw.Space, got None; write tw.Space("),
        (tw.Float(0, 1), "a parameter needs a name"),
        (lambda trial: trial, "got the function <lambda>; what may be tuned is known before"),
        (tw.Space, "got the class Space"),
        ("space.toml", "tw.Space.from_toml("),
        ([1], "space must be a tw.Space, got [1]"),
        ({}, "a space needs at least one parameter"),
    ],
    ids=str,
)
def test_what_is_no_space_is_refused_with_the_mend(entry, space, said):
    with pytest.raises(SpaceError) as raised:
        entry(train, space)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


async def asynchronous(run):
    train(run)


async def asynchronous_generator(run):
    yield train(run)


def generator(run):
    yield train(run)


class Asynchronous:
    async def __call__(self, run):
        train(run)


@of_all
@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            asynchronous,
            "is a coroutine (async def), and a call of it trains nothing; write def train(run): asyncio.run(",
        ),
        (functools.partial(asynchronous), "is a coroutine (async def)"),
        (Asynchronous(), "is a coroutine (async def)"),
        (generator, "is a generator (it yields), and a call of it trains nothing; call run.report(...) where"),
        (asynchronous_generator, "is a generator (it yields)"),
    ],
    ids=str,
)
def test_a_function_a_call_of_which_trains_nothing_is_refused(entry, function, said):
    with pytest.raises(SettingError) as raised:
        entry(function, SPACE)
    assert said in str(raised.value)


def test_what_a_short_training_returns_is_its_report():
    def returning(run):
        return run.params.learning_rate + run.rng.normal()

    assert repeatable(returning, SPACE).seed.name == "exact"
    assert tw.lr_find(lambda run: -run.params.learning_rate, SPACE).suggestion
    assert tw.lr_find(returning, SPACE, metric="accuracy").metric == "accuracy"


@of_all
@pytest.mark.parametrize(
    ("function", "said"),
    [
        (SPACE, "the function comes first, then the space"),
        (tw.Space(SPACE), "the function comes first, then the space"),
        (None, "got None"),
        (Training, "got the class Training; give an instance with a method __call__(self, run)"),
        (lambda: 0, "the function <lambda> does not take the run alone: too many positional arguments"),
        (lambda learning_rate, hidden: 0, "missing a required argument: 'hidden'; its setting is in run.params"),
    ],
    ids=str,
)
def test_what_is_no_training_function_is_refused_with_the_mend(entry, function, said):
    with pytest.raises(SettingError) as raised:
        entry(function, train if callable(function) is False else SPACE)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_study_takes_a_dict_of_parameters_too():
    study = tw.Study(SPACE, metric="val_loss")
    assert study.space == tw.Space(SPACE)
    assert study.extend({"learning_rate": tw.Float(0, 2)})
    with pytest.raises(SpaceError, match=r"space must be a tw\.Space, got None"):
        tw.Study(None, metric="val_loss")


@pytest.mark.parametrize("function", [Training(), Training().fit, lambda run, n=2: train(run)], ids=str)
def test_whatever_takes_a_run_is_a_training_function(function):
    assert search(function, SPACE).best.epoch


@pytest.mark.parametrize("metric", [["val_loss", "val_accuracy"], ("val_loss",), train, 3, {"val_loss": "minimize"}])
def test_a_metric_is_the_name_of_one_number(metric):
    for entry in (lambda: tw.tune(train, SPACE, metric=metric, store="memory"), lambda: tw.Study(SPACE, metric=metric)):
        with pytest.raises(SettingError, match="metric is the name of one reported number"):
            entry()


def test_nothing_is_written_where_something_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for function, space, metric in [(None, SPACE, "val_loss"), (train, None, "val_loss"), (train, SPACE, ["val_loss"])]:
        with pytest.raises(TunewellError):
            tw.tune(function, space, metric=metric)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("suggest_float", "drawn from the space before: run.params.learning_rate"),
        ("should_prune", "the loop over run.epochs(n) waits and ends by itself"),
        ("reports_", "did you mean 'reports'?"),
        ("log", "it has checkpoint, data, epochs"),
    ],
)
def test_what_a_run_does_not_have_is_said_with_what_it_has(name, said):
    with pytest.raises(AttributeError) as raised:
        getattr(tw.Run({}), name)
    assert said in str(raised.value)
