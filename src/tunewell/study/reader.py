"""The reader of a study: its trials, their reports, the best of them. Nothing here changes anything.

All of it comes from the log, so a study that another process runs is read in the same way.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tunewell.analysis.advisors import Advisor, advisors
from tunewell.analysis.bounds import AtBound, at_bounds
from tunewell.analysis.decisions import Decision, Outlook, decisions, outlook, since_extended
from tunewell.analysis.importance import Importances, importances
from tunewell.analysis.lineage import Segment, segments
from tunewell.analysis.twins import Difference, difference
from tunewell.analysis.waste import Waste, waste
from tunewell.arrays import Floats, own_numerics
from tunewell.checkpoint.folder import folder_in
from tunewell.commands import Command, Tag, Untag
from tunewell.errors import MissingExtra, NothingReported, RecordError, SettingError, StoreError, TrialNotFound
from tunewell.history import History
from tunewell.near_names import did_you_mean
from tunewell.proposals import PROPOSED, ProposalState, proposal_states, proposals
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.stores import MemoryStore, Session, Store, StudyRecord, open_store
from tunewell.study import provenance
from tunewell.study.aims import Aims
from tunewell.study.branches import TWIN
from tunewell.study.budget import Budget
from tunewell.study.confirmed import Confirmed, confirmed
from tunewell.study.damage import readable_budget, readable_study
from tunewell.study.front import FrontPoint, volume
from tunewell.study.log import Log
from tunewell.study.page import study_html
from tunewell.study.settings import confirms
from tunewell.study.table import trial_rows
from tunewell.trial import QUEUED, Checkpoint, Event, Report, Trial, TrialState, trial_number

if TYPE_CHECKING:
    import pandas as pd

    from tunewell.analysis.in_common import AllInCommon
    from tunewell.analysis.interactions import Interactions
    from tunewell.analysis.noise import Noise
    from tunewell.figures import Figures

_FEW_REVISIONS, _ALL_REVISIONS = 100, 2**62
_OfTrial = TypeVar("_OfTrial", Report, Event)


@dataclass(frozen=True, slots=True)
class Best:
    """The best report so far.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> study = tw.tune(train, {"rate": tw.Float(0.0, 1.0)}, metric="val_loss", budget=4, store="memory")
        >>> best = study.best
        >>> best.epoch, 0 <= best.params.rate <= 1, best.value < 0.5
        (3, True, True)
    """

    trial: int
    epoch: int
    value: float
    """The study's metric, as reported."""
    params: Params
    state: TrialState = TrialState.RUNNING
    """The trial's. It has failed, or diverged, only if no other has reported a finite value."""
    checkpoint: Path | None = None
    """The file that holds what the trial tracked, as it was at that epoch; None if there is none.
    `tunewell.checkpoint.load` fills a model from it."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The cost of a study so far."""

    epochs: int
    """Those that were trained, each once, and those that running steps were promised."""
    trials: int
    seconds: float
    """For how long processes have run the study, by clocks that do not jump; several at a time count once."""
    trained: int = 0
    """Epochs that were trained, each once."""
    retrained: int = 0
    """Epochs that were trained a second time, beside these: the budget does not pay for them."""
    fruitless: int = 0
    """Trials that failed before they had trained an epoch: each takes one from the budget."""


class StudyReader:
    """A study as it is on record. Every method may be called from any thread."""

    def __init__(self, store: Store, record: StudyRecord, *, seconds: Callable[[float], float] = float) -> None:
        """Read a study of a store.

        Args:
            store: that has the study.
            record: of the study.
            seconds: for how long processes have run the study, by how long they have as far as that is on record.
        """
        self.store = store
        self.record = record
        self.metric: str = record.metric
        self.maximize: bool = record.direction == "maximize"
        self.requested_budget: Budget | None = None
        """The budget that this process goes on with, as long as it is not on record."""
        self.lock: threading.RLock = threading.RLock()
        """Held by whoever reads what is to fit together, or runs the study."""
        self.log: Log = Log(store, record)
        self._seconds = seconds
        self._is_still = False

    @classmethod
    def open(cls, store: str | Path | Store, name: str | None = None) -> StudyReader:
        """Return a study that a store has, to be read.

        If `name` is None, it is the newest one that has an epoch on record and does not confirm another.

        Raises:
            StoreError: there is no such store.
            StudyNotFound: it has no such study.
        """
        return cls(*find_study(store, name))

    @property
    def name(self) -> str:
        """The study's name in its store."""
        return self.record.name

    @property
    def url(self) -> str:
        """The store, as the user would name it, with no password in it."""
        return self.store.url

    @property
    def budget(self) -> Budget:
        """The amount that may be spent, as this process has seen it last."""
        return self.requested_budget or readable_budget(self.log.budget)

    @property
    def budget_in_epochs(self) -> int | None:
        """The epochs that the budget comes to at most; None if it is a time, or nobody knows how long a training is."""
        budget, longest = self.budget, self.max_epochs
        if budget.unit == "trials":
            return None if longest is None else math.ceil(budget.amount) * longest
        return budget.epochs(longest or 1) if longest is not None or budget.unit == "epochs" else None

    @property
    def is_paused(self) -> bool:
        """True if somebody has paused the study: nothing of it trains until it goes on."""
        with self.lock:
            self.look()
            return self.log.is_paused

    @property
    def awaited_s(self) -> float:
        """For how many seconds a database that went away has been waited for; 0 if none is."""
        waited: float = getattr(
            self.store, "awaited_s", 0.0
        )  # a store in memory, or of somebody's own, is always there
        return waited

    @property
    def space(self) -> Space:
        """The parameters that may be tuned; of a study that was extended, as they are since."""
        return self.log.versions.space

    @property
    def max_epochs(self) -> int | None:
        """The number of epochs of a full training; None until the first training tells."""
        return self.log.max_epochs

    @property
    def checkpoint_folder(self) -> Path | None:
        """The folder of this study's checkpoints; None if its store is in memory.

        Raises:
            StoreError: a link stands in its place.
        """
        place = self.store.folder
        return None if place is None else folder_in(place, self.record.uuid)

    @property
    def best(self) -> Best:
        """The trial, epoch and value of the best report so far, of a sound trial if one has any: it did not fail.

        Raises:
            NothingReported: no finite value has been reported yet.
        """
        found = self.best_so_far
        if found is None:
            raise NothingReported(f"study {self.record.name!r} has {self.nothing_found}")
        return found

    @property
    def aims(self) -> Aims:
        """The metrics of the study, and the limits on what is reported."""
        return self.log.aims

    @property
    def nothing_found(self) -> str:
        """The reason why there is no best report, in words: `no finite 'val_loss' on record yet`."""
        if self.aims.limits and bool(np.isfinite(self.history.lowest).any()):
            return f"nothing on record that meets {' and '.join(map(str, self.aims.limits))}"
        return f"no finite {' and '.join(map(repr, self.aims.metrics))} on record yet"

    @own_numerics
    def front(self) -> list[FrontPoint]:
        """Return the reports that no other betters in all metrics, by the first metric, the best first.

            for point in study.front():
                print(point.trial, dict(point.values), "<- proposed" if point.is_knee else "")

        Reports of trials that failed, and those that broke a limit, are not on it. With one metric it is the best one.
        """
        with self.lock:
            self.look()
            found, trials, signs = self.log.front(), self.log.trials, list(self.aims.signs.items())
            points = []
            for place, (trial, epoch) in enumerate(zip(found.trials.tolist(), found.epochs.tolist(), strict=True)):
                values = {name: sign * float(found.values[place, k]) for k, (name, sign) in enumerate(signs)}
                known = trials[trial]
                saved = self._checkpoint_of(trial, epoch)
                points.append(FrontPoint(trial, epoch, values, known.params, known.state, place == found.knee, saved))
            return points

    @property
    def directions(self) -> dict[str, str]:
        """The direction of each metric that is optimized: `minimize` or `maximize`."""
        return {name: "minimize" if sign > 0 else "maximize" for name, sign in self.aims.signs.items()}

    @own_numerics
    def metric_values(self) -> dict[str, Floats]:
        """Return each metric that is optimized, as reported, (trials, epochs).

        A metric that was not reported at an epoch has the value that it had last; NaN before the first.
        """
        with self.lock:
            self.look()
            return {name: self.log.outcomes.of(name) for name in self.aims.signs}

    @own_numerics
    def hypervolume(self, reference: Mapping[str, float] | None = None) -> float:
        """Return how much of what is better than a reference the front betters or equals: larger is better.

        reference: a value of each metric, as reported, that is worse than all that counts; the worst that was reported,
            if None, so that it is only comparable within a study as it is now.

        Raises:
            SettingError: it lacks a metric.
        """
        if reference is not None and (missing := [name for name in self.aims.metrics if name not in reference]):
            raise SettingError(f"the reference needs a value of {missing[0]!r} too")
        with self.lock:
            self.look()
            signs = self.aims.signs
            worst = None if reference is None else np.array([sign * reference[name] for name, sign in signs.items()])
            return volume(self.log.front(), self.log.outcomes, worst)

    def doubts(self) -> list[str]:
        """Return what is odd about the metrics and limits, a line each: one that was never reported, a front of one."""
        with self.lock:
            self.look()
            aims = self.aims
            if (not aims.are_several and not aims.limits) or not np.isfinite(self.history.lowest).any():
                return []
            outcomes = self.log.outcomes
        lines = []
        for name in aims.names:
            if name in outcomes.reported:
                continue
            near = did_you_mean(name, outcomes.all_names, listed="reported are")
            limits = [str(limit) for limit in aims.limits if limit.metric == name]
            so = f", so {' and '.join(limits)} was never checked" if limits else ", so nothing was searched for in it"
            lines.append(f"{name!r} was never reported{so}; {near}")
        if aims.are_several and not lines and len(self.log.front().trials) == 1 and len(self.log.trials) > 1:
            lines.append(
                "the front is one report: it is best in every metric, which then do not pull against each other"
            )
        return lines

    @property
    @own_numerics
    def best_so_far(self) -> Best | None:
        """The best report so far; None if no finite value has been reported yet."""
        with self.lock:
            self.look()
            found = self.log.best()
            if found is None:
                return None
            trial, epoch, value = found
            known = self.log.trials[trial]
            return Best(trial, epoch, value, known.params, known.state, self._checkpoint_of(trial, epoch))

    def _checkpoint_of(self, trial: int, epoch: int) -> Path | None:
        """Return the file with a trial's state after an epoch, if it is there."""
        saved = next((one for one in self.checkpoints(trial) if one.epoch == epoch), None)
        if saved is None or self.checkpoint_folder is None:
            return None
        path = self.checkpoint_folder / saved.path
        return path if path.is_file() else None

    @property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        with self.lock:
            self.look()
            return list(self.log.trials)

    @property
    @own_numerics
    def history(self) -> History:
        """All trials as arrays, as samplers and schedulers see them: lower is better."""
        with self.lock:
            self.look()
            return self.log.history.view()

    @own_numerics
    def best_of(self, trial: int) -> tuple[int, float] | None:
        """Return the epoch and value of a trial's best report; None if it has no finite one."""
        trial = trial_number(trial)
        with self.lock:
            self.look()
            return self.log.best_of(trial)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Keep the trials and their history as they are now inside the block, so that what is read fits together.

        For readers of a study that another process runs.
        """
        self.look()
        self._is_still = True
        try:
            yield
        finally:
            self._is_still = False

    def reports(self, trial: int | None = None) -> list[Report]:
        """Return every report, or a trial's, with all its metrics, oldest first."""
        return self._known(self.store.reports(self.record.id, None if trial is None else trial_number(trial)))

    def sessions(self) -> list[Session]:
        """Return every process that has run the study, oldest first."""
        return self.store.sessions(self.record.id)

    def session_of(self, trial: Trial) -> Session | None:
        """Return the process that ran a trial's last step; None if that is not on record."""
        return next((one for one in self.sessions() if one.id == trial.session), None)

    def is_run(self) -> bool:
        """Return True if a process runs the study; one of another machine is taken to until its session has ended."""
        there = [one for one in self.sessions() if one.ended_at is None]
        return any(one.host != provenance.host() or provenance.is_running(one.pid, one.process) for one in there)

    def checkpoints(self, trial: int | None = None) -> list[Checkpoint]:
        """Return every checkpoint, or a trial's, by trial and epoch."""
        return [one for one in self.store.checkpoints(self.record.id) if trial in (None, one.trial)]

    def others(self) -> list[StudyReader]:
        """Return the other studies of the store, oldest first."""
        known = [one for one in self.store.studies() if one.id != self.record.id]
        return [StudyReader(self.store, readable_study(self.store, one)) for one in known]

    @property
    def spent(self) -> Spent:
        """The cost of the study so far."""
        with self.lock:
            self.look()
            log = self.log
            return Spent(
                log.epochs_spent(),
                len(log.trials),
                self._seconds(log.seconds),
                log.epochs_trained(),
                log.epochs_retrained(),
                log.n_fruitless,
            )

    @property
    def is_in_memory(self) -> bool:
        """True if no other process finds it, and nothing of it is left when this one ends."""
        return isinstance(self.store, MemoryStore)

    def events(self, trial: int | None = None) -> list[Event]:
        """Return every event, or a trial's, oldest first."""
        return self._known(self.store.events(self.record.id, None if trial is None else trial_number(trial)))

    def proposals(self) -> list[ProposalState]:
        """Return what was proposed, oldest first, and what became of each: a trial, nothing yet, or never."""
        with self.lock:
            self.look()
            known = proposals(self.store.study_events(self.record.id, PROPOSED))
            return proposal_states(known, self.log.trials, self.log.versions)

    @own_numerics
    def advisors(self) -> list[Advisor]:
        """Return what each author's proposals were worth, after the search's own starts; empty if nobody proposed.

        for one in study.advisors():
            print(one.by, one.started, one.better)
        """
        with self.lock:
            known = self.proposals()
            if not known:
                return []
            queued = {event.trial for event in self.events() if event.kind == QUEUED}
            first: dict[int, int] = {}
            for step in self.store.contents(self.record.id).steps:
                first.setdefault(step.trial, step.until)
            return advisors(self.log.trials, self.history, known, first, queued, maximize=self.maximize)

    @own_numerics
    def why(self, trial: int) -> list[Decision]:
        """Return why a trial was started, and resumed each time: what the scheduler's model expected of it.

        Empty for one of the first settings, before a model knows anything, and for schedulers without a model.
        """
        return decisions(self.events(trial), maximize=self.maximize)

    @own_numerics
    def outlook(self) -> Outlook | None:
        """Return what one more training is expected to bring; None until a model made ten decisions in this space."""
        return outlook(decisions(since_extended(self.events()), maximize=self.maximize))

    def trust(self) -> float | None:
        """Return the chance that what past studies expect holds here, as the newest decision has it.

        None with no past studies, and before a model has decided anything.
        """
        known = decisions(since_extended(self.events()), maximize=self.maximize)
        return known[-1].trust if known else None

    def schedule(self, trial: int) -> list[Segment]:
        """Return the values of a trial's parameters by epochs, from the first one on, with those it branched from.

        Raises:
            TrialNotFound: there is no such trial.
        """
        trials, trial = self.trials, trial_number(trial)
        if not 0 <= trial < len(trials):
            raise TrialNotFound(trial, len(trials))
        return segments(trials, self.commands(), trial, int(self.history.epochs[trial]))

    def commands(self, trial: int | None = None) -> list[Command]:
        """Return the commands to all trials, or to one, oldest first, with what came of them."""
        return [one for one in self.store.commands(self.record.id) if trial in (None, one.trial)]

    def tags(self) -> dict[int, tuple[str, ...]]:
        """Return, by trial, the tags that somebody gave it, in the order in which they came."""
        found: dict[int, dict[str, None]] = {}
        for one in self.commands():
            match one.action:
                case Tag(name) if one.is_done:
                    found.setdefault(one.trial, {})[name] = None
                case Untag(name) if one.is_done:
                    found.get(one.trial, {}).pop(name, None)
        return {trial: tuple(names) for trial, names in found.items() if names}

    @own_numerics
    def twins(self) -> dict[int, Difference]:
        """Return, by the twin's number, what the change that it did not make did to the trial that did, if known."""
        curves = self.history.curves
        found = {}
        for trial in self.trials:
            if TWIN in trial.note and trial.parent is not None:
                one = difference(curves[trial.parent], curves[trial.number], int(trial.parent_epoch or 0))
                if one is not None:
                    found[trial.number] = one
        return found

    def run_record(self, trial: int) -> dict[str, Any]:
        """Return a trial as the record of a run, for `tunewell.diagnose`: reports by epoch, the setting as config.

        Raises:
            TrialNotFound: there is no such trial.
            RecordError: it has reported nothing yet.
        """
        from tunewell.diagnosis.readers import of_trial  # noqa: PLC0415  its rules are many, and few programs ask

        trials, trial = self.trials, trial_number(trial)
        if not 0 <= trial < len(trials):
            raise TrialNotFound(trial, len(trials))
        reports = self.reports(trial)
        if not reports:
            raise RecordError(f"trial {trial} of study {self.record.name!r} has reported nothing yet; try another")
        return of_trial(trials[trial], reports, self.max_epochs)

    def importance(self) -> Importances:
        """Return by how much each tuned parameter mattered, most important first (PED-ANOVA), with 90 % intervals.

            for one in study.importance():
                print(f"{one.name}: {one.share:.0%} ({one.low:.0%} to {one.high:.0%})")

        With too few trials it has no parameters, and says why: `study.importance().too_few`.
        """
        return importances(self.history)

    def interactions(self) -> Interactions:
        """Return the pairs of parameters that must be chosen together (functional ANOVA), the strongest first.

        for pair in study.interactions().sure:
            print(*pair.names, f"{pair.share:.0%}")
        """
        from tunewell.analysis.interactions import interactions  # noqa: PLC0415  its special functions are slow to import

        return interactions(self.history)

    def in_common(self) -> AllInCommon:
        """Return the values that the best quarter of the trials have in common, against all of them.

        for one in study.in_common().sure:
            print(one.name, one.low, "to", one.high)
        """
        from tunewell.analysis.in_common import in_common  # noqa: PLC0415  its special functions are slow to import

        return in_common(self.history)

    def waste(self) -> Waste:
        """Return the epochs that the study could have done without, as it turned out.

        print(f"{study.waste().share:.0%}")
        """
        with self.lock:
            return waste(self.history, self.trials)

    def noise(self) -> Noise:
        """Return by how much a new seed changes the metric, and from what that was estimated.

        best = study.noise().best
        if best is not None:
            print(f"{best.sd:.2g}, from {best.learned_from}")
        """
        from tunewell.analysis.noise import noise  # noqa: PLC0415  its special functions are slow to import

        return noise(self.history, [one.values for one in self.confirmed()])

    def confirmed(self) -> list[Confirmed]:
        """Return what the newest confirmation of this study has found; empty if no training of it has ended yet."""
        return confirmed(self)

    @property
    def figures(self) -> Figures:
        """The figures of this study: `study.figures.history().save("history.png")`."""
        from tunewell.figures import Figures  # noqa: PLC0415  few programs draw

        return Figures(self)

    @own_numerics
    def at_bounds(self) -> list[AtBound]:
        """Return the parameters whose best values lie at an end of their range, and how far to extend it."""
        return [] if self.log.has_lost_space else at_bounds(self.history)

    def trials_dataframe(self) -> pd.DataFrame:
        """Return a row for each trial: number, state, value and epoch of its best report, epochs, parameters, times.

        Raises:
            MissingExtra: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415  an extra, and slow to import
        except ImportError:
            raise MissingExtra("pandas", "pandas", "trials_dataframe()") from None
        return pd.DataFrame(self.trial_rows())

    @own_numerics
    def trial_rows(self) -> list[dict[str, object]]:
        """Return the trials as flat rows, the same columns in each: what tables and exports show.

        A parameter or metric with the name of another column goes by `param_...` or `metric_...`.
        """
        with self.lock:
            self.look()
            return trial_rows(self.log, self.metric, self.space.names)

    def _repr_html_(self) -> str:
        """Return it as a notebook shows it."""
        with self.lock:
            self.look()
            found, trials, history = self.best_so_far, list(self.log.trials), self.log.history.view()
        best = None if found is None else f"{found.value:.4g}, trial {found.trial}, epoch {found.epoch}"
        title = f"study {self.name}: {self.record.direction} {self.metric}"
        return study_html(title, best, trials, history, self.metric, maximize=self.maximize)

    def look(self) -> None:
        """Read what the log has gained, unless it is to stay still."""
        if not self._is_still:
            self.log.refresh()

    def _known(self, records: list[_OfTrial]) -> list[_OfTrial]:
        """Return the records without those of trials that came after `still` began."""
        if not self._is_still:
            return records
        return [record for record in records if record.trial is None or 0 <= record.trial < len(self.log.trials)]


def find_study(store: str | Path | Store, name: str | None) -> tuple[Store, StudyRecord]:
    """Return a study of a store.

    If `name` is None, the newest one that does not confirm another: of those with an epoch on record, if there are any,
    since the others have nothing to show.

    Raises:
        StoreError: there is no such store, or it is empty.
        StudyNotFound: it has no such study.
    """
    opened = open_store(store, create=False) if isinstance(store, str | Path) else store
    if name is not None:
        return opened, readable_study(opened, opened.study(name))
    records = opened.studies()
    if not records:
        raise StoreError(f"{opened.url} has no study yet; `tunewell tune` makes one")
    newest = [known for known in reversed(records) if not confirms(known.name)] or records[::-1]
    found = next((known for known in newest if _has_epoch(opened, known.id)), newest[0])
    return opened, readable_study(opened, found)


def _has_epoch(store: Store, study_id: int) -> bool:
    parts = [0, _FEW_REVISIONS, _ALL_REVISIONS]  # nearly always the first few have one
    return any(len(part) for since, until in pairwise(parts) for part in store.values(study_id, since, until))


def newer_studies(study: StudyReader) -> list[str]:
    """Return the names of the studies of its store that are newer, and confirm no other."""
    known = study.store.studies()
    return [one.name for one in known if one.id > study.record.id and not confirms(one.name)]
