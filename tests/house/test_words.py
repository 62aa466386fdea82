"""The words of the source: functions promise something in a sentence that opens with a verb, and some words are barred.

    def seed_of(self, trial: int) -> int:
        \"""Return the seed of a trial's training.\"""

A new verb is welcome: add it to `VERBS`. Classes, modules and properties may open with a noun phrase, but with
no fragment of a sentence ("What ...", "Of ..."), which says nothing without the name above it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tunewell"

VERBS = frozenset(
    """
    Accept Add Adopt Advance Advise Allow Appear Append Apply Arrange Ask Assert Assign Attach Average Await
    Begin Bind Block Bound Branch Break Bring Build
    Calculate Call Cancel Capture Change Check Choose Clamp Clean Clear Close Collect Combine Commit Compare Compile
    Complain Complete Compute Confirm Connect Continue Convert Copy Count Create Cut
    Deactivate Decide Declare Decode Decrement Delete Deliver Derive Describe Detach Detect Diagnose Disable Discard
    Display Distribute Divide Do Draw Drop
    Embed Empty Enable Encode End Enqueue Ensure Enter Estimate Evaluate Exclude Execute Exit Expand Expect Explain
    Export Extend Extract
    Fail Feed Fetch Fill Filter Find Finish Fit Flush Follow Forget Format Forward Free
    Gather Generate Get Give Go Group Guard Guess
    Hand Handle Have Hide Hold
    Ignore Implement Import Include Increase Increment Inform Initialize Insert Inspect Install Interrupt Invert Issue
    Join Judge Jump
    Keep Kill
    Launch Lead Learn Leave Let Limit List Listen Load Lock Log Look Loop Lower
    Make Map Mark Match Measure Merge Migrate Move Multiply
    Name Normalize Note Notify
    Offer Open Order Override
    Pack Pad Parse Pass Pause Perform Permute Pick Place Plan Plot Poll Pop Post Predict Prepare Prevent Print Probe
    Process Produce Promise Propagate Propose Prove Provide Pull Push Put
    Queue Quit Quote
    Raise Rank Reach Read Receive Recommend Reconnect Record Redact Reduce Refill Refit Refuse Register Reject Release
    Remember Remove Render Repeat Replace Replay Report Request Require Reserve Reset Reshape Resolve Restart Restore
    Resume Retrain Retry Return Revert Rewind Rewrite Roll Round Run
    Sample Save Scale Schedule Search Seed Select Send Separate Serve Set Share Shift Show Shuffle Shut Signal
    Simulate Skip Sleep Smooth Solve Sort Split Spread Standardize Start State Steer Step Stop Store Stretch Submit
    Subtract Suggest Sum Summarize Support Suppress Switch
    Take Test Throw Tick Time Touch Track Train Transform Translate Treat Trim Truncate Try Tune Turn
    Undo Unlock Unpack Untrack Unwind Update Upgrade Use
    Validate Verify Visit
    Wait Wake Walk Warm Warn Watch Weigh Widen Work Wrap Write
    Yield
    """.split()  # noqa: SIM905  a list of that length is not read
)

FRAGMENTS = frozenset("As By Did How Of What When Where Whether Which Who Whose Why".split())  # noqa: SIM905

BARRED = {
    "answered": "returned, sent back",
    "answers": "returns",
    "asked": "requested",
    "desk": "coordinator",
    "doctor": "the rescue's scheduler",
    "house": "the placement of workers",
    "innocent": "killed_externally",
    "manners": "advisory",
    "patient": "the training that is treated",
    "said": "parsed, given",
    "standing": "state, progress",
    "standings": "values",
    "told": "message, reported, notified",
    "verdict": "directive, result",
}
"""Words, and parts of names, that stand for something else elsewhere, with what to say here."""

_NOUN_PHRASE = "say what it is, in a noun phrase: 'The values of ...'"
_VERB = "open with a verb of VERBS: 'Return ...', 'Check ...', 'Implement `Observer.on_step`'"


@dataclass(frozen=True)
class Fault:
    file: str
    line: int
    mend: str

    def __str__(self) -> str:
        return f"src/tunewell/{self.file}:{self.line}: {self.mend}"


def faults(file: Path, root: Path = SOURCE) -> list[Fault]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    name = file.relative_to(root).as_posix()
    return sorted(
        {Fault(name, line, mend) for line, mend in [*_openings(tree), *_barred(tree)]},
        key=lambda one: (one.line, str(one)),
    )


def _openings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        text = (ast.get_docstring(node) or "").split()
        if not text:
            continue
        line, first = node.body[0].lineno, text[0].rstrip(".,:;")
        if isinstance(node, ast.Module | ast.ClassDef) or _is_property(node):
            if first in FRAGMENTS:
                yield line, f"{_named(node)} opens with {first!r}; {_NOUN_PHRASE}"
        elif first not in VERBS or text[1:2] == ["of"]:
            yield line, f"{_named(node)} opens with {' '.join(text[:3])!r}; {_VERB}"


def _named(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return "the module" if isinstance(node, ast.Module) else f"the docstring of {node.name}"


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    marks = {getattr(mark, "id", getattr(mark, "attr", "")) for mark in node.decorator_list}
    return bool(marks & {"property", "cached_property", "setter"})


def _barred(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for offset, text in enumerate(node.value.value.splitlines()):
                for word in _words(text):
                    yield node.lineno + offset, f"a docstring has {word!r}: {BARRED[word]}"
            continue
        for attribute in ("id", "name", "asname", "attr", "arg", "module"):
            identifier = getattr(node, attribute, None)
            if isinstance(identifier, str):
                for word in _words(identifier):
                    line = getattr(node, "lineno", 1)
                    yield line, f"the name {identifier!r} has {word!r}: {BARRED[word]}"


def _words(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text) if word.lower() in BARRED]


def test_the_source_keeps_to_its_words() -> None:
    found = [str(fault) for file in sorted(SOURCE.rglob("*.py")) for fault in faults(file)]
    assert not found, f"{len(found)} faults\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("source", "mend"),
    [
        ('def f():\n    """What it is."""', "opens with 'What it is.'"),
        ('def f():\n    """(n,): their sum."""', "opens with '(n,): their"),
        ('def f():\n    """Record of a run."""', "opens with 'Record of a'"),
        ('class A:\n    def __init__(self):\n        """`a`: one."""', "opens with '`a`: one.'"),
        ('class A:\n    @property\n    def f(self):\n        """Whether it is."""', "opens with 'Whether'"),
        ('class A:\n    """Of a run."""', "opens with 'Of'"),
        ('"""How it is done."""', "the module opens with 'How'"),
        ("class TheVerdict: ...", "the name 'TheVerdict' has 'verdict'"),
        ("was_told = 1", "the name 'was_told' has 'told'"),
        ("def f(asked): ...", "the name 'asked' has 'asked'"),
        ("import a.told", "the name 'a.told' has 'told'"),
        ('class A:\n    a: int\n    """Who is told."""', "a docstring has 'told'"),
    ],
)
def test_a_fault_is_found(source: str, mend: str, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(source, encoding="utf-8")
    [fault] = faults(file, tmp_path)
    assert mend in str(fault)


@pytest.mark.parametrize(
    "source",
    [
        '"""The sum of two numbers."""',
        'class A:\n    """A sum."""\n    a: int\n    """What is added."""',
        'def f():\n    """Return the sum."""',
        'class A:\n    @property\n    def f(self):\n        """True if it is one."""',
        'def f():\n    return "told"',
        "folded = retold = 1",
    ],
)
def test_what_is_well_said_is_no_fault(source: str, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(source, encoding="utf-8")
    assert not faults(file, tmp_path)
