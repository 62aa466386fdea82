"""Every sampler keeps the contract, and what each promises of its own."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.stats import qmc

from tunewell import samplers
from tunewell.errors import SettingError, SpaceError
from tunewell.history import History
from tunewell.samplers import FirstSampler, GridSampler, RandomSampler, SobolSampler
from tunewell.space.params import Choice, Float, Int
from tunewell.space.space import Space
from tunewell.testing import SamplerContract
from tunewell.testing.samplers import add_running, suggestions
from tunewell.testing.spaces import SPACES

MIXED = SPACES["mixed"]
RNG = np.random.default_rng(0)


class TestEverySampler(SamplerContract):
    """Each that is made by its name; one that is added is among them."""

    @pytest.fixture(params=samplers.NAMES)
    def sampler(self, request):
        return samplers.by_name(request.param, seed=4)


class TestFirstSampler(SamplerContract):
    @pytest.fixture
    def sampler(self, space):
        return FirstSampler([space.defaults()], SobolSampler())

    @pytest.fixture(params=list(SPACES.values()), ids=list(SPACES))
    def space(self, request):
        return request.param

    # these two laws are about one space, which its settings have to fit
    @pytest.mark.parametrize("space", [MIXED], ids=["mixed"])
    def test_running_trials_are_taken_into_account(self, sampler):
        super().test_running_trials_are_taken_into_account(sampler)

    @pytest.mark.parametrize("space", [SPACES["only choices"]], ids=["only choices"])
    def test_an_exhausted_sampler_stays_exhausted(self, sampler):
        super().test_an_exhausted_sampler_stays_exhausted(sampler)


def running(space, settings):
    history = History(space, max_epochs=5)
    for setting in settings:
        add_running(history, setting)
    return history


# --- Sobol


def test_sobol_fills_the_cube_more_evenly_than_random():
    sobol = MIXED.encode_many(suggestions(SobolSampler(), MIXED, 64))[:, :3]
    random = MIXED.encode_many(suggestions(RandomSampler(), MIXED, 64))[:, :3]
    assert qmc.discrepancy(sobol) < 0.2 * qmc.discrepancy(random)


def test_a_sobol_point_is_the_same_whatever_was_asked_before():
    many = running(MIXED, [MIXED.defaults()] * 300)
    far = SobolSampler(seed=11).suggest(MIXED, many, RNG)
    samplers.sobol._points.cache_clear()
    in_order = suggestions(SobolSampler(seed=11), MIXED, 301)
    assert in_order[300] == far


def test_sobol_answers_several_threads_alike():
    histories = [running(MIXED, [MIXED.defaults()] * n) for n in (0, 63, 64, 65, 200)]
    alone = [SobolSampler(seed=12).suggest(MIXED, history, RNG) for history in histories]
    samplers.sobol._points.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda h: SobolSampler(seed=12).suggest(MIXED, h, RNG), histories * 8))
    assert together == alone * 8


def test_another_seed_gives_another_sobol_sequence():
    assert suggestions(SobolSampler(1), MIXED, 4) != suggestions(SobolSampler(2), MIXED, 4)


# --- grid


def test_a_grid_has_both_ends_of_each_scale_and_every_choice():
    space = Space(x=Float(0.01, 1.0, scale="log"), act=Choice(["relu", "tanh"]))
    assert [tuple(setting.values()) for setting in GridSampler(3).settings(space)] == [
        (0.01, "relu"),
        (0.01, "tanh"),
        (0.1, "relu"),
        (0.1, "tanh"),
        (1.0, "relu"),
        (1.0, "tanh"),
    ]


def test_the_size_of_a_grid_is_known_before_it_starts_and_each_setting_is_tried_once():
    sampler = GridSampler({"learning_rate": 4, "momentum": 1, "dropout": [0.0, 0.5], "hidden": 2})
    settings = sampler.settings(MIXED)
    assert len(settings) == 4 * 1 * 2 * 2 * 3 * 3
    assert suggestions(sampler, MIXED, 1000) == settings


def test_one_level_is_the_default_or_else_the_middle():
    space = Space(x=Float(0.0, 1.0, default=0.2), y=Float(0.0, 1.0))
    assert GridSampler(1).settings(space) == [{"x": 0.2, "y": 0.5}]


def test_a_short_range_of_whole_numbers_has_no_more_levels_than_numbers():
    assert GridSampler(5).settings(Space(n=Int(1, 2))) == [{"n": 1}, {"n": 2}]


def test_settings_that_differ_only_in_inactive_parameters_are_tried_once():
    settings = GridSampler(2).settings(SPACES["conditional"])
    assert len(settings) == len({tuple(setting.items()) for setting in settings}) == 2 * 2 * 2
    assert suggestions(GridSampler(2), SPACES["conditional"], 100) == settings


def test_a_grid_goes_on_after_other_trials_and_does_not_repeat_them():
    space = SPACES["only choices"]
    first, second, *rest = GridSampler().settings(space)
    history = running(space, [second])
    assert GridSampler().suggest(space, history, RNG) == first
    add_running(history, first)
    assert GridSampler().suggest(space, history, RNG) == rest[0]


def test_equal_looking_choices_of_other_types_keep_their_types():
    zero = GridSampler().settings(Space(flag=Choice([0, 1])))[0]["flag"]
    false = GridSampler().settings(Space(flag=Choice([False, True])))[0]["flag"]
    assert (type(zero), type(false)) == (int, bool)


def test_an_absurdly_large_grid_is_refused_with_its_size_before_it_is_built():
    with pytest.raises(SettingError, match=r"the grid has 855,000,000 settings \(100 x 100 x 100 x 95 x 3 x 3\)"):
        GridSampler(100).settings(MIXED)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (0, "levels must be a whole number of at least 1, got 0"),
        (True, "levels must be a whole number of at least 1, got True"),
        (2.5, "levels must be a whole number of at least 1, got 2.5"),
        ({"dropout": 0}, "levels of 'dropout' must be a whole number"),
        ({"dropout": []}, "levels of 'dropout' is empty"),
        ({"dropout": "0.1"}, "levels of 'dropout' must be a whole number"),
        ({"dropout": [3.0]}, "levels of 'dropout': the value must be from 0.0 to 0.6, got 3.0"),
        ({"drop_out": 3}, "levels names 'drop_out', which is not in the space"),
    ],
)
def test_levels_that_cannot_be_used_are_named(levels, message):
    with pytest.raises(SettingError, match=message):
        GridSampler(levels).settings(MIXED)


# --- first


def test_given_settings_come_first_in_their_order_then_the_other_sampler():
    space = SPACES["one parameter"]
    sampler = FirstSampler([{"x": 0.5}, {"x": -0.5}], GridSampler(3))
    assert [setting["x"] for setting in suggestions(sampler, space, 10)] == [0.5, -0.5, -1.0, 0.0, 1.0]


def test_a_grid_below_does_not_repeat_the_given_settings():
    space = SPACES["one parameter"]
    sampler = FirstSampler([{"x": 0.0}], GridSampler(3))
    assert [setting["x"] for setting in suggestions(sampler, space, 10)] == [0.0, -1.0, 1.0]


def test_a_given_setting_that_does_not_fit_the_space_is_refused():
    sampler = FirstSampler([{"x": 7.0}], RandomSampler())
    with pytest.raises(SpaceError, match="x: the value must be from -1"):
        sampler.suggest(SPACES["one parameter"], running(SPACES["one parameter"], []), RNG)


# --- names and records


def test_a_sampler_is_made_by_its_name_with_the_seed_where_it_has_one():
    assert samplers.by_name("sobol", seed=5) == SobolSampler(5)
    assert samplers.by_name("grid", seed=5) == GridSampler()


def test_a_sampler_that_has_to_be_told_something_is_not_made_by_its_name():
    assert {"grid", "random", "sobol"} <= set(samplers.NAMES)
    with pytest.raises(SettingError, match="there is no sampler 'first'"):
        samplers.by_name("first", seed=0)


def test_each_sampler_has_a_name():
    classes = [part for part in map(vars(samplers).get, samplers.__all__) if hasattr(part, "suggest")]
    assert [part.__name__ for part in classes if not hasattr(part, "name") and part is not samplers.Sampler] == []


def test_each_sampler_that_has_to_be_told_something_has_a_contract_here():
    classes = {name: make.__name__ for name, make in samplers._CLASSES.items() if name not in samplers.NAMES}
    assert [name for name in classes.values() if f"Test{name}" not in globals()] == []


def test_an_unknown_sampler_is_refused_with_those_there_are():
    there_are = ", ".join(sorted(samplers.NAMES))
    with pytest.raises(SettingError, match=f"there is no sampler 'no such'; choose one of {there_are}$"):
        samplers.by_name("no such", seed=0)


def test_a_record_holds_settings_as_plain_data():
    sampler = FirstSampler(({"x": 0.5},), GridSampler({"x": (0.1, 0.2)}))
    assert samplers.describe(sampler) == {
        "name": "first",
        "settings": [{"x": 0.5}],
        "then": {"name": "grid", "levels": {"x": [0.1, 0.2]}},
    }


def test_a_record_that_is_not_understood_is_refused():
    with pytest.raises(SettingError, match="sampler 'sobol' has no setting 'depth'"):
        samplers.build({"name": "sobol", "depth": 3})
    with pytest.raises(SettingError, match="there is no sampler None"):
        samplers.build({"seed": 3})
    with pytest.raises(SettingError, match="seed must be a whole number of at least 0, got -1"):
        samplers.build({"name": "sobol", "seed": -1})
