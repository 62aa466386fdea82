"""`probe`: train as it is, experiment, and diagnose with their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewell.diagnosis import Diagnosis, Finding, NextChange, examine
from tunewell.diagnosis.readers.trial import record_of
from tunewell.diagnosis.rules import Sign
from tunewell.display.formatting import counted
from tunewell.inspection import Mistake
from tunewell.probing.probes import PROBES, ProbeResult, most_epochs, new_case
from tunewell.probing.short_training import checked
from tunewell.space.space import SpaceLike
from tunewell.space.values import Value
from tunewell.training.run import Train
from tunewell.trial import OPEN_END

_NAMED, _CLEARED = 4.0, 1 / 6
"""The factors of a cause's odds, where an experiment points to it and where it rules it out. They are reasoned, not
fitted: a probe is wrong now and then, and several that say the same are not independent."""
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
    mistakes: Sequence[Mistake] = (),
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
        mistakes: what `tunewell.inspection` has seen in the program: ahead of all that curves and experiments show.
        seed: of each training.
        say: called with a line at each experiment.

    Raises:
        SettingError: a setting or the learning rate cannot be used.
        ProbeFailed: the training fails, or reports nothing.
    """
    case = new_case(train, space, setting or {}, seed)
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
    diagnosis = _ahead(mistakes, _with_regard_to(done, examine(record, _factors(done))))
    return ProbeReport(diagnosis, tuple(done), tuple(mistakes), sum(case.costs))


def _factors(done: list[ProbeResult]) -> dict[str, float]:
    """Return the factors of each cause's odds; a training of which a probe names a cause is not healthy."""
    named = {label for one in done for label in one.points_to}
    cleared = {label for one in done for label in one.rules_out} - named
    shared = {
        label: _NAMED / max(1, min(len(one.points_to) for one in done if label in one.points_to)) for label in named
    }
    factors = {label: max(1.5, factor) for label, factor in shared.items()} | dict.fromkeys(cleared, _CLEARED)
    return factors | ({"healthy": _CLEARED} if named else {})


def _with_regard_to(done: list[ProbeResult], diagnosis: Diagnosis) -> Diagnosis:
    """Put the numbers of a probe as the evidence of the causes that it names."""

    def with_probe(finding: Finding) -> Finding:
        own = [one for one in done if finding.label in one.points_to]
        if not own:
            return finding
        chosen = min(own, key=lambda one: len(one.points_to))  # the one that points most clearly
        return replace(finding, evidence=f"{chosen.name}: {chosen.found}", next=chosen.next or finding.next)

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
            label, _SEEN, f"{one.place}: {one.seen}" if one.place else one.seen, NextChange("code", "fix", why=one.mend)
        )
        for label, one in seen.items()
    ]
    pairs = zip(diagnosis.findings, diagnosis.signs, strict=True)
    others = [(finding, sign) for finding, sign in pairs if finding.label not in seen]
    rest = [replace(finding, confidence=round(finding.confidence * (1 - _SEEN), 3)) for finding, _ in others]
    signs = [Sign(1.0, finding.evidence) for finding in first] + [sign for _, sign in others]
    return replace(diagnosis, findings=first + rest, signs=signs)
