"""The members of a study's parts that it offers as its own, with signatures that editors and checkers read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tunewell.analysis.advisors import Advisor
from tunewell.analysis.bounds import AtBound
from tunewell.analysis.decisions import Decision, Outlook
from tunewell.analysis.importance import Importances
from tunewell.analysis.in_common import AllInCommon
from tunewell.analysis.interactions import Interactions
from tunewell.analysis.lineage import Segment
from tunewell.analysis.noise import Noise
from tunewell.analysis.twins import Difference
from tunewell.analysis.waste import Waste
from tunewell.arrays import Floats
from tunewell.commands import Action, Command
from tunewell.figures import Figures
from tunewell.history import History
from tunewell.proposals import Proposal, ProposalState
from tunewell.schedulers import Scheduler
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.stores import Session, Store, StudyRecord
from tunewell.study.aims import Aims
from tunewell.study.budget import Budget
from tunewell.study.confirmed import Confirmed
from tunewell.study.control import Control
from tunewell.study.decider import Decider
from tunewell.study.front import FrontPoint
from tunewell.study.reader import Best, Spent, StudyReader
from tunewell.study.steering import Steering
from tunewell.trial import Checkpoint, Event, Report, Trial

if TYPE_CHECKING:
    import pandas as pd

_Member = TypeVar("_Member", bound=Callable[..., Any])


def _documented_by(original: object) -> Callable[[_Member], _Member]:
    """Return what gives a member the documentation of the part's own."""

    def documented(member: _Member) -> _Member:
        member.__doc__ = original.__doc__
        return member

    return documented


class Offered:
    """The members of a study's parts that are the study's own too. A test holds their signatures together."""

    reader: StudyReader
    decider: Decider
    steering: Steering
    control: Control

    @property
    @_documented_by(StudyReader.name)
    def name(self) -> str:
        """The study's name in its store."""
        return self.reader.name

    @property
    def record(self) -> StudyRecord:
        """The record of the study as a whole."""
        return self.reader.record

    @property
    def store(self) -> Store:
        """The store that has its record."""
        return self.reader.store

    @property
    @_documented_by(StudyReader.url)
    def url(self) -> str:
        """The store, as the user would name it, with no password in it."""
        return self.reader.url

    @property
    @_documented_by(StudyReader.is_in_memory)
    def is_in_memory(self) -> bool:
        """True if no other process finds it, and nothing of it is left when this one ends."""
        return self.reader.is_in_memory

    @property
    def metric(self) -> str:
        """The number that is optimized."""
        return self.reader.metric

    @property
    def maximize(self) -> bool:
        """More of the metric is better."""
        return self.reader.maximize

    @property
    @_documented_by(StudyReader.space)
    def space(self) -> Space:
        """The parameters that may be tuned; of a study that was extended, as they are since."""
        return self.reader.space

    @property
    @_documented_by(StudyReader.max_epochs)
    def max_epochs(self) -> int | None:
        """The number of epochs of a full training; None until the first training tells."""
        return self.reader.max_epochs

    @property
    @_documented_by(StudyReader.budget_in_epochs)
    def budget_in_epochs(self) -> int | None:
        """The epochs that the budget comes to at most; None if it is a time, or nobody knows how long a training is."""
        return self.reader.budget_in_epochs

    @property
    @_documented_by(StudyReader.checkpoint_folder)
    def checkpoint_folder(self) -> Path | None:
        """The folder of this study's checkpoints; None if its store is in memory."""
        return self.reader.checkpoint_folder

    @property
    @_documented_by(StudyReader.best)
    def best(self) -> Best:
        """The trial, epoch and value of the best report so far, of a sound trial if one has any: it did not fail."""
        return self.reader.best

    @property
    @_documented_by(StudyReader.best_so_far)
    def best_so_far(self) -> Best | None:
        """The best report so far; None if no finite value has been reported yet."""
        return self.reader.best_so_far

    @_documented_by(StudyReader.best_of)
    def best_of(self, trial: int) -> tuple[int, float] | None:
        """Return the epoch and value of a trial's best report; None if it has no finite one."""
        return self.reader.best_of(trial)

    @property
    @_documented_by(StudyReader.trials)
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        return self.reader.trials

    @property
    @_documented_by(StudyReader.history)
    def history(self) -> History:
        """All trials as arrays, as samplers and schedulers see them: lower is better."""
        return self.reader.history

    @property
    @_documented_by(StudyReader.spent)
    def spent(self) -> Spent:
        """The cost of the study so far."""
        return self.reader.spent

    @_documented_by(StudyReader.still)
    def still(self) -> AbstractContextManager[None]:
        """Keep the trials and their history as they are now inside the block, so that what is read fits together."""
        return self.reader.still()

    @_documented_by(StudyReader.reports)
    def reports(self, trial: int | None = None) -> list[Report]:
        """Return every report, or a trial's, with all its metrics, oldest first."""
        return self.reader.reports(trial)

    @_documented_by(StudyReader.events)
    def events(self, trial: int | None = None) -> list[Event]:
        """Return every event, or a trial's, oldest first."""
        return self.reader.events(trial)

    @_documented_by(StudyReader.commands)
    def commands(self, trial: int | None = None) -> list[Command]:
        """Return the commands to all trials, or to one, oldest first, with what came of them."""
        return self.reader.commands(trial)

    @_documented_by(StudyReader.tags)
    def tags(self) -> dict[int, tuple[str, ...]]:
        """Return, by trial, the tags that somebody gave it, in the order in which they came."""
        return self.reader.tags()

    @_documented_by(StudyReader.checkpoints)
    def checkpoints(self, trial: int | None = None) -> list[Checkpoint]:
        """Return every checkpoint, or a trial's, by trial and epoch."""
        return self.reader.checkpoints(trial)

    @_documented_by(StudyReader.sessions)
    def sessions(self) -> list[Session]:
        """Return every process that has run the study, oldest first."""
        return self.reader.sessions()

    @_documented_by(StudyReader.session_of)
    def session_of(self, trial: Trial) -> Session | None:
        """Return the process that ran a trial's last step; None if that is not on record."""
        return self.reader.session_of(trial)

    @_documented_by(StudyReader.others)
    def others(self) -> list[StudyReader]:
        """Return the other studies of the store, oldest first."""
        return self.reader.others()

    @property
    @_documented_by(StudyReader.awaited_s)
    def awaited_s(self) -> float:
        """For how many seconds a database that went away has been waited for; 0 if none is."""
        return self.reader.awaited_s

    @_documented_by(StudyReader.is_run)
    def is_run(self) -> bool:
        """Return True if a process runs the study; one of another machine is taken to until its session has ended."""
        return self.reader.is_run()

    @_documented_by(StudyReader.why)
    def why(self, trial: int) -> list[Decision]:
        """Return why a trial was started, and resumed each time: what the scheduler's model expected of it."""
        return self.reader.why(trial)

    @_documented_by(StudyReader.trust)
    def trust(self) -> float | None:
        """Return the chance that what past studies expect holds here, as the newest decision has it."""
        return self.reader.trust()

    @_documented_by(StudyReader.outlook)
    def outlook(self) -> Outlook | None:
        """Return what one more training is expected to bring; None until a model made ten decisions in this space."""
        return self.reader.outlook()

    @_documented_by(StudyReader.schedule)
    def schedule(self, trial: int) -> list[Segment]:
        """Return the values of a trial's parameters by epochs, from the first one on, with those it branched from."""
        return self.reader.schedule(trial)

    @_documented_by(StudyReader.twins)
    def twins(self) -> dict[int, Difference]:
        """Return, by the twin's number, what the change that it did not make did to the trial that did, if known."""
        return self.reader.twins()

    @_documented_by(StudyReader.run_record)
    def run_record(self, trial: int) -> dict[str, Any]:
        """Return a trial as the record of a run, for `tunewell.diagnose`: reports by epoch, the setting as config."""
        return self.reader.run_record(trial)

    @_documented_by(StudyReader.proposals)
    def proposals(self) -> list[ProposalState]:
        """Return what was proposed, oldest first, and what became of each: a trial, nothing yet, or never."""
        return self.reader.proposals()

    @_documented_by(StudyReader.advisors)
    def advisors(self) -> list[Advisor]:
        """Return what each author's proposals were worth, after the search's own starts; empty if nobody proposed."""
        return self.reader.advisors()

    @_documented_by(StudyReader.importance)
    def importance(self) -> Importances:
        """Return by how much each tuned parameter mattered, most important first (PED-ANOVA), with 90 % intervals."""
        return self.reader.importance()

    @_documented_by(StudyReader.interactions)
    def interactions(self) -> Interactions:
        """Return the pairs of parameters that must be chosen together (functional ANOVA), the strongest first."""
        return self.reader.interactions()

    @_documented_by(StudyReader.in_common)
    def in_common(self) -> AllInCommon:
        """Return the values that the best quarter of the trials have in common, against all of them."""
        return self.reader.in_common()

    @property
    @_documented_by(StudyReader.aims)
    def aims(self) -> Aims:
        """The metrics of the study, and the limits on what is reported."""
        return self.reader.aims

    @_documented_by(StudyReader.front)
    def front(self) -> list[FrontPoint]:
        """Return the reports that no other betters in all metrics, by the first metric, the best first."""
        return self.reader.front()

    @property
    @_documented_by(StudyReader.directions)
    def directions(self) -> dict[str, str]:
        """The direction of each metric that is optimized: `minimize` or `maximize`."""
        return self.reader.directions

    @_documented_by(StudyReader.metric_values)
    def metric_values(self) -> dict[str, Floats]:
        """Return each metric that is optimized, as reported, (trials, epochs)."""
        return self.reader.metric_values()

    @_documented_by(StudyReader.hypervolume)
    def hypervolume(self, reference: Mapping[str, float] | None = None) -> float:
        """Return how much of what is better than a reference the front betters or equals."""
        return self.reader.hypervolume(reference)

    @_documented_by(StudyReader.doubts)
    def doubts(self) -> list[str]:
        """Return what is odd about the metrics and limits, a line each."""
        return self.reader.doubts()

    @property
    @_documented_by(StudyReader.nothing_found)
    def nothing_found(self) -> str:
        """The reason why there is no best report, in words."""
        return self.reader.nothing_found

    @_documented_by(StudyReader.waste)
    def waste(self) -> Waste:
        """Return the epochs that the study could have done without, as it turned out."""
        return self.reader.waste()

    @_documented_by(StudyReader.noise)
    def noise(self) -> Noise:
        """Return by how much a new seed changes the metric, and from what that was estimated."""
        return self.reader.noise()

    @_documented_by(StudyReader.confirmed)
    def confirmed(self) -> list[Confirmed]:
        """Return what the newest confirmation of this study has found; empty if no training of it has ended yet."""
        return self.reader.confirmed()

    @property
    @_documented_by(StudyReader.figures)
    def figures(self) -> Figures:
        """The figures of this study: `study.figures.history().save("history.png")`."""
        return self.reader.figures

    @_documented_by(StudyReader.at_bounds)
    def at_bounds(self) -> list[AtBound]:
        """Return the parameters whose best values lie at an end of their range, and how far to extend it."""
        return self.reader.at_bounds()

    @_documented_by(StudyReader.trials_dataframe)
    def trials_dataframe(self) -> pd.DataFrame:
        """Return a row for each trial: number, state, value and epoch of its best report, epochs, parameters, times."""
        return self.reader.trials_dataframe()

    @_documented_by(StudyReader.trial_rows)
    def trial_rows(self) -> list[dict[str, object]]:
        """Return the trials as flat rows, the same columns in each: what tables and exports show."""
        return self.reader.trial_rows()

    @_documented_by(StudyReader._repr_html_)
    def _repr_html_(self) -> str:
        """Return it as a notebook shows it."""
        return self.reader._repr_html_()

    @property
    @_documented_by(Decider.scheduler)
    def scheduler(self) -> Scheduler:
        """The scheduler; built from the record when it is first needed, since a study can be read without it."""
        return self.decider.scheduler

    @property
    def min_delta(self) -> float:
        """The gain on average below which one more training ends the search; 0: nothing ends it early."""
        return self.decider.min_delta

    @property
    @_documented_by(Decider.out_of_time)
    def out_of_time(self) -> bool:
        """True if the budget is a time, and it is over."""
        return self.decider.out_of_time

    @property
    @_documented_by(Decider.flat)
    def flat(self) -> bool:
        """True if no step of the last five trainings' worth was expected to improve the metric by `min_delta`."""
        return self.decider.flat

    @_documented_by(Steering.values)
    def values(self, trial: int) -> dict[str, Value]:
        """Return a trial's parameters as they are now, with what was set while it trained."""
        return self.steering.values(trial)

    @_documented_by(Steering.live)
    def live(self, trial: int) -> tuple[tuple[int, str, Value], ...]:
        """Return the values that were set while a trial trained: epoch, parameter, value, each from the next epoch."""
        return self.steering.live(trial)

    @_documented_by(Steering.send)
    def steer(self, trial: int, action: Action, *, by: str = "user", why: str = "") -> Command:
        """Send a command to a trial; the process that runs the study takes it up at the trial's next epoch."""
        return self.steering.send(trial, action, by=by, why=why)

    @_documented_by(Steering.set_with_twin)
    def set_with_twin(
        self, trial: int, name: str, value: Value, *, epochs: int, by: str = "user", why: str = ""
    ) -> tuple[Command, Command]:
        """Set a live value, and let a twin go on without it for so many epochs, where a worker is free."""
        return self.steering.set_with_twin(trial, name, value, epochs=epochs, by=by, why=why)

    @property
    @_documented_by(StudyReader.is_paused)
    def is_paused(self) -> bool:
        """True if somebody has paused the study: nothing of it trains until it goes on."""
        return self.reader.is_paused

    @_documented_by(Control.pause)
    def pause(self, *, by: str = "user", why: str = "") -> None:
        """Pause the study: trainings pause after their epoch, and no step is given out until it goes on."""
        self.control.pause(by=by, why=why)

    @_documented_by(Control.resume)
    def resume(self, *, by: str = "user", why: str = "") -> None:
        """Let a study that was paused go on; trials that paused in the middle of a step come first."""
        self.control.resume(by=by, why=why)

    @_documented_by(Control.bound)
    def bound(self, author: str, share: float, *, by: str = "user", why: str = "") -> None:
        """Bound what an author may have trained by commands and ordered trials, to a share of the budget."""
        self.control.bound(author, share, by=by, why=why)

    @_documented_by(Control.set_budget)
    def set_budget(self, budget: str | float, *, by: str = "user", why: str = "") -> Budget:
        """Give the study another budget, larger or smaller, in which what was spent so far counts."""
        return self.control.set_budget(budget, by=by, why=why)

    @_documented_by(Control.queue)
    def queue(
        self,
        params: Mapping[str, Value],
        *,
        like: int | None = None,
        epochs: int | None = None,
        by: str = "user",
        why: str = "",
    ) -> Trial:
        """Add a trial with a setting of one's own, which is trained before the scheduler's next."""
        return self.control.queue(params, like=like, epochs=epochs, by=by, why=why)

    @_documented_by(Control.propose)
    def propose(
        self, params: Mapping[str, Value], *, like: int | None = None, by: str = "user", why: str = ""
    ) -> Proposal:
        """Propose a setting: a candidate, which has a first look when it is its turn, and marked as its author's."""
        return self.control.propose(params, like=like, by=by, why=why)
