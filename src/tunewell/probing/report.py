"""`probe`: train as it is, experiment, and diagnose with their results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis import LABELS, Diagnosis, Finding, NextChange, Possible, examine
from tunewell.diagnosis.causes import line_of
from tunewell.diagnosis.goal import goal_of
from tunewell.diagnosis.readers.trial import record_of
from tunewell.diagnosis.rules import Sign
from tunewell.diagnosis.run_record import read_record
from tunewell.display.formatting import counted
from tunewell.inspection import Mistake, inspect_training
from tunewell.inspection.mistakes import KINDS
from tunewell.probing.probes import PROBES, ProbeResult, most_epochs, new_case
from tunewell.probing.short_training import checked
from tunewell.space.space import SpaceLike
from tunewell.space.values import Value
from tunewell.training.run import Train
from tunewell.trial import OPEN_END

_NAMED, _CLEARED = 4.0, 1 / 6
"""The factors of a cause's odds, where an experiment points to it and where it rules it out. They are reasoned, not
fitted: a probe is wrong now and then, and several that say the same are not independent."""
_AHEAD = 1.2
"""So much likelier than the others is what experiments have shown, and less likely than the next what they rule out."""
_SEEN = 0.95
"""The confidence of a cause that was seen in the program itself."""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """The results of experiments with a training, and its diagnosis with regard to them."""

    diagnosis: Diagnosis
    """Of the run as it is, with regard to the probes."""
    probes: tuple[ProbeResult, ...]
    mistakes: tuple[Mistake, ...]
    """What was seen in the program itself."""
    epochs: int
    """The cost of all of it, with the run as it is."""

    @property
    def findings(self) -> list[Finding]:
        """The likeliest cause first."""
        return self.diagnosis.findings


def probe(
    train: Train,
    space: SpaceLike,
    *,
    epochs: int | None = None,
    setting: Mapping[str, Value] | None = None,
    about: Mapping[str, Any] | None = None,
    mistakes: Sequence[Mistake] | None = None,
    target: float | None = None,
    metric: str | None = None,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> ProbeReport:
    """Train as it is and experiment, the cheapest first, to find out what holds the training back.

    Args:
        train: a function of one argument, the `Run`; one that passes its training rows through `run.data` can be probed
            with a single batch, and with labels at random.
        space: the parameters that it takes.
        epochs: of the training as it is; a full one if None.
        setting: the values that are not the defaults.
        about: the rest of the training's record besides its curves, as docs/diagnose.md has it.
        mistakes: what `tunewell.inspection` has seen in the program, ahead of all that curves and experiments show; if
            None, the function is looked at, in its source and while its first steps run.
        target: what is known to be possible.
        metric: of what; validation accuracy if None, or what else there is.
        seed: of each training.
        say: called with a line at each experiment.

    Raises:
        SettingError: a setting or the learning rate cannot be used.
        ProbeFailed: the training fails, or reports nothing.

    Example:
        >>> def train(run):
        ...     weight = 1.0
        ...     for epoch in run.epochs(9):
        ...         weight -= run.params.learning_rate * 2 * weight  # of the loss weight ** 2
        ...         run.report(train_loss=weight**2, val_loss=weight**2)
        >>> found = tw.probe(train, {"learning_rate": tw.learning_rate(default=1e-4)}, metric="val_loss")
        >>> found.findings[0].label
        'lr_too_low'
    """
    case = new_case(train, space, setting or {}, seed, about)
    if mistakes is None:
        mistakes = inspect_training(train, case.setting, seed=seed).mistakes
        for one in mistakes:
            say(f"{one.place}: {one.kind}: {one.seen}")
    done: list[ProbeResult] = []
    for experiment in (one for one in PROBES if not one.needs_as_is):
        done.append(experiment.run(case))
        say(f"{done[-1].name}: {done[-1].found}")
        if len(done) == 1 and case.start is not None:
            n = epochs or case.start.max_epochs
            if n is not None:
                say(f"at most {counted(most_epochs(case, n), 'epoch')} in all")
    n = epochs or (case.start.max_epochs if case.start else None)
    case.as_is = checked(case.short(n or OPEN_END, {}))
    say(f"as it is: trained {counted(len(case.as_is.reports), 'epoch')}")
    for experiment in (one for one in PROBES if one.needs_as_is):
        done.append(experiment.run(case))
        say(f"{done[-1].name}: {done[-1].found}")
    record = record_of(case.setting, case.as_is.reports, case.as_is.max_epochs, about or {})
    known = _possible(done, record, target, metric)
    diagnosis = examine(record, possible=known, weigh=lambda chances: weighed(chances, done))
    diagnosis = _ahead(mistakes, _with_regard_to(done, diagnosis))
    return ProbeReport(diagnosis, tuple(done), tuple(mistakes), sum(case.costs))


def weighed(chances: Floats, done: Sequence[ProbeResult]) -> Floats:
    """Return the probabilities of the causes, (K,), with regard to experiments.

    A training of which one names a cause is less likely healthy. A cause that two point to comes first; one that an
    experiment has shown comes first of the causes; one that is ruled out, and to which none points, never does.
    """
    pointing = Counter(label for one in done for label in one.points_to)
    cleared = {label for one in done for label in one.rules_out} - set(pointing)
    odds = dict(zip(LABELS, chances.tolist(), strict=True))
    for label in pointing:
        sharpest = min(len(one.points_to) for one in done if label in one.points_to)
        odds[label] *= max(1.5, _NAMED / max(1, sharpest))
    for label in (*cleared, *(["healthy"] if pointing else [])):
        odds[label] *= _CLEARED
    contested = {label for one in done for label in one.rules_out}
    _put_behind(odds, cleared)
    _put_ahead(odds, {label for one in done if one.decides for label in one.points_to} - contested, but=("healthy",))
    _put_ahead(odds, {label for label, n in pointing.items() if n > 1} - contested)
    values = np.array([odds[label] for label in LABELS])
    result: Floats = values / values.sum()
    return result


def _put_behind(odds: dict[str, float], labels: Collection[str]) -> None:
    """Lower some until the likeliest of the others is ahead of them."""
    most = max((value for label, value in odds.items() if label not in labels), default=0.0)
    for label in labels:
        odds[label] = min(odds[label], most / _AHEAD)


def _put_ahead(odds: dict[str, float], labels: Collection[str], but: Collection[str] = ()) -> None:
    """Raise some, by one factor, until they are as likely as all the others together, but for some of these."""
    others = sum(value for label, value in odds.items() if label not in (*labels, *but))
    own = sum(odds[label] for label in labels)
    if own > 0:
        factor = max(1.0, _AHEAD * others / own)
        odds |= {label: odds[label] * factor for label in labels}


def _possible(
    done: Sequence[ProbeResult], record: Mapping[str, Any], target: float | None, metric: str | None
) -> Possible | None:
    """Return what is known to be possible: as somebody knows, or else as a simple model shows."""
    if target is not None:
        return Possible(target, metric)
    shown = next((one.possible for one in done if one.possible is not None), None)
    has_metric = shown is not None and any(shown.metric in row for row in record["epochs"])
    # a run that is ahead of simple models is not thereby as good as it can be
    return shown if shown is not None and has_metric and goal_of(read_record(record), shown).falls_short else None


def _with_regard_to(done: list[ProbeResult], diagnosis: Diagnosis) -> Diagnosis:
    """Put the numbers of a probe as the evidence of the causes that it names."""

    def with_probe(finding: Finding) -> Finding:
        own = [one for one in done if finding.label in one.points_to]
        if not own:
            return finding
        chosen = min(own, key=lambda one: len(one.points_to))  # the one that points most clearly
        goal = diagnosis.goal
        short = f"{goal.in_words}; " if goal and goal.falls_short and finding is diagnosis.findings[0] else ""
        change = finding.next
        if chosen.next is not None:
            change = replace(chosen.next, line=line_of(chosen.next, diagnosis.run))
        return replace(finding, evidence=f"{short}{chosen.name}: {chosen.found}", next=change)

    return replace(diagnosis, findings=[with_probe(finding) for finding in diagnosis.findings])


def _ahead(mistakes: Sequence[Mistake], diagnosis: Diagnosis) -> Diagnosis:
    """Put the causes that were seen in the program before all others, which share what is left of certainty."""
    seen: dict[str, Mistake] = {}
    for one in mistakes:
        if one.label is not None:
            seen.setdefault(one.label, one)
    if not seen:
        return diagnosis
    first = [
        Finding(
            label,
            _SEEN,
            f"{one.place}: {one.seen}" if one.place else one.seen,
            NextChange("code", "fix", why=one.mend),
            KINDS[one.kind].meaning,
            KINDS[one.kind].check,
            KINDS[one.kind].otherwise,
        )
        for label, one in seen.items()
    ]
    pairs = zip(diagnosis.findings, diagnosis.signs, strict=True)
    others = [(finding, sign) for finding, sign in pairs if finding.label not in seen]
    rest = [replace(finding, confidence=round(finding.confidence * (1 - _SEEN), 3)) for finding, _ in others]
    signs = [Sign(1.0, finding.evidence) for finding in first] + [sign for _, sign in others]
    return replace(diagnosis, findings=first + rest, signs=signs)
