"""The screen of `tunewell babysit`: the state of a run, and a key for each command to it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from tunewell.babysit.chart import SEVERAL, chart, color_of, marks_of
from tunewell.babysit.snapshot import Snapshot, snapshot
from tunewell.commands import KINDS, Action, Branch, Command, Note, Pause, Resume, Rewind, Set, Stop
from tunewell.diagnosis.readers.names import parameter_of
from tunewell.display.formatting import clipped, short
from tunewell.display.safe_text import SafeText
from tunewell.errors import SettingError, TunewellError
from tunewell.space.parse_settings import parse_settings
from tunewell.study import Study
from tunewell.study.commands import describe
from tunewell.trial import TrialState

FACTOR = math.sqrt(10)
"""The factor by which a key raises or lowers the learning rate."""
_LOOK_S = 0.25
_RATE_HEIGHT = 7  # lines
_LEAST_HEIGHT = 6  # of the other charts
_OTHER_LINES = 4
_NARROW = 60  # columns, below which the values stand under the curves
_HELP = """\
p       pause, and go on
s       one epoch, then pause
+ -     raise, lower the rate
v       set: dropout 0.3
r       rewind: 12 dropout=0.3
b       branch: 12 dropout=0.3
n       a note
t       the next trial
x x     stop the trial
q       leave, as ctrl-c does
ctrl-z  suspend; fg goes on"""
_CONFIRM_S = 5.0
_MARKS = {"pause": "p", "resume": "p", "set": "v", "rewind": "r", "branch": "b", "note": "n", "stop": "x"}
"""The key of each kind of command."""


class Keys(ModalScreen[None]):
    """The list of the keys and what each does; any key closes it."""

    def compose(self) -> ComposeResult:
        """Yield the list."""
        listed = Static(SafeText(_HELP))
        if self.app.size.height > _HELP.count("\n") + 3:
            listed.styles.border = ("round", "white")
        else:
            listed.styles.width = "100%"
        yield listed

    def on_key(self, event: Key) -> None:
        """Close it."""
        event.stop()
        self.dismiss()


class Babysitter(App[None]):
    """An app that shows one study of one run, and steers it."""

    TITLE = "tunewell babysit"
    ENABLE_COMMAND_PALETTE = False  # its key would take the place of the last ones of ours
    AUTO_FOCUS = None  # keys are for the run, until a line is asked for
    CSS = """
    #curves { width: 2fr; padding: 0 1; }
    #side { width: 1fr; padding: 0 1; border-left: solid $primary; }
    #snapshot { height: 1; background: $primary; color: $text; padding: 0 1; }
    #prompt { display: none; }
    #message { height: 1; padding: 0 1; }
    .narrow #body { layout: vertical; }
    .narrow #curves { width: 1fr; height: auto; }
    .narrow #side { width: 1fr; height: 1fr; border-left: none; }
    .low #accuracy { display: none; }
    .lower #rate { display: none; }
    Keys { align: center middle; }
    Keys Static { width: auto; max-width: 100%; height: auto; max-height: 100%; padding: 0 1; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "pause"),
        Binding("s", "step", "step"),
        Binding("plus,equals_sign", "faster", "rate", key_display="+ -"),
        Binding("minus", "slower", "rate", show=False),
        Binding("v", "prompt('set', 'NAME VALUE')", "set"),
        Binding("r", "prompt('rewind', 'EPOCH [NAME=VALUE ...]')", "rewind"),
        Binding("b", "prompt('branch', '[EPOCH] [NAME=VALUE ...]')", "branch"),
        Binding("n", "prompt('note', 'TEXT')", "note"),
        Binding("t", "other", "trial"),
        Binding("x", "stop", "stop"),
        Binding("q", "quit", "quit"),
        Binding("question_mark,h", "keys", "help", show=False),
        Binding("ctrl+c,ctrl+d", "quit", "quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, priority=True),
    ]

    def __init__(self, study: Study, *, by: str = "user", gone: Callable[[], str | None] = lambda: None) -> None:
        """Prepare the app of a study, which is read and steered, not run.

        Args:
            study: the study to show.
            by: the name on record of whoever steers.
            gone: returns how the process that trains it has ended; None while it has not.
        """
        super().__init__()
        self._gone = gone
        self._study, self._by = study, by
        self._prompted = ""
        self._chosen: int | None = None
        self._stop_pressed_at = -_CONFIRM_S
        self.snapshot: Snapshot = snapshot(study.reader)

    def compose(self) -> ComposeResult:
        """Yield the widgets."""
        yield Static(id="snapshot")
        with Horizontal(id="body"):
            with Vertical(id="curves"):
                yield Static(id="loss")
                yield Static(id="accuracy")
                yield Static(id="rate")
            yield Static(id="side")
        yield Static(id="message")
        yield Input(id="prompt")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begin to look."""
        self._show_message("? lists the keys")
        self.look()
        self.set_interval(_LOOK_S, self.look)

    def look(self) -> None:
        """Read the study and draw it."""
        try:
            self.snapshot = snapshot(self._study.reader, self._chosen)
        except TunewellError as error:
            with suppress(NoMatches):
                self._show_message(str(error))
            return
        with suppress(NoMatches):  # the keys are listed, or the timer ticks while the screen is taken down
            self._draw(self.snapshot)

    def _draw(self, shown: Snapshot) -> None:
        ended = self._gone()
        self.query_one("#snapshot", Static).update(SafeText(shown.line if ended is None else f"{shown.line}; {ended}"))
        is_narrow, room = self.size.width < _NARROW, self.size.height - _OTHER_LINES
        is_low, is_lower = room < _RATE_HEIGHT + 2 * _LEAST_HEIGHT, is_narrow or room < _RATE_HEIGHT + _LEAST_HEIGHT
        for name, holds in (("narrow", is_narrow), ("low", is_low), ("lower", is_lower)):
            self.screen_stack[0].set_class(holds, name)
        width = self.size.width - 4 if is_narrow else self.size.width * 2 // 3 - 4
        height = max(
            _LEAST_HEIGHT, (room - (0 if is_lower else _RATE_HEIGHT)) // (1 if is_low and not is_narrow else 2)
        )
        if is_narrow and is_low:
            height = _LEAST_HEIGHT
        until = shown.max_epochs or max((branch.epoch for branch in shown.branches), default=1)
        marked = _marks(shown.commands)
        losses, shares = ["train_loss", "val_loss"], ["train_accuracy", "val_accuracy"]
        if shown.metric not in (*losses, *shares):
            shares.append(shown.metric)
        self.query_one("#loss", Static).update(chart(shown.branches, losses, width, height, marked, until, ratios=True))
        self.query_one("#accuracy", Static).update(chart(shown.branches, shares, width, height, marked, until))
        self.query_one("#rate", Static).update(
            chart(shown.branches, ["lr"], width, _RATE_HEIGHT, marked, until, ratios=True)
        )
        self.query_one("#side", Static).update(self._side(shown))

    def action_pause(self) -> None:
        """Pause the trial, or let it go on."""
        held = self.snapshot.branch is not None and self.snapshot.branch.state == TrialState.HELD
        self._steer(Resume() if held else Pause())

    def action_step(self) -> None:
        """Train one epoch, and pause again."""
        if self.snapshot.branch is not None and self.snapshot.branch.state == TrialState.HELD:
            self._steer(Resume())
        self._steer(Pause())

    def action_keys(self) -> None:
        """List what each key does."""
        self.push_screen(Keys())

    def on_key(self, event: Key) -> None:
        """Show that a key is none of ours, and the nearest."""
        if event.character is None or not event.is_printable:
            return
        known = {key for binding in self.BINDINGS if isinstance(binding, Binding) for key in binding.key.split(",")}
        if event.key in known or self.focused is not None:
            return
        near = event.character.lower()
        meant = f"did you mean {near}?" if near in known else "? lists the keys"
        self._show_message(f"{event.character} is no key here; {meant}")

    def action_faster(self) -> None:
        """Raise the learning rate by half a decade."""
        self._scale_rate(FACTOR)

    def action_slower(self) -> None:
        """Lower the learning rate by half a decade."""
        self._scale_rate(1 / FACTOR)

    def action_other(self) -> None:
        """Let the keys be for the next of the trials that have not ended."""
        going = [trial.number for trial in self._study.trials if not trial.state.ended]
        if not going:
            self._show_message("every trial has ended")
            return
        later = [number for number in going if number > self.snapshot.current]
        self._chosen = later[0] if later else going[0]
        self._show_message(f"the keys are for trial {self._chosen}")
        self.look()

    def action_stop(self) -> None:
        """End the trial, at the second press: what is stopped by mistake may have been dear."""
        now = time.monotonic()
        if now - self._stop_pressed_at > _CONFIRM_S:
            self._stop_pressed_at = now
            self._show_message(f"x again ends trial {self.snapshot.current}")
            return
        self._stop_pressed_at = -_CONFIRM_S
        self._steer(Stop())

    def action_prompt(self, kind: str, wanted: str) -> None:
        """Show the prompt for what a command needs."""
        self._prompted = kind
        line = self.query_one("#prompt", Input)
        line.placeholder, line.value = f"{kind}: {wanted}  (escape: never mind)", ""
        line.styles.display = "block"
        self.set_focus(line)  # now: keys that come before a later one would be commands

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the command with what was typed."""
        self._hide_prompt()
        text = event.value.strip()
        try:
            self._steer(self._command(self._prompted, text))
        except TunewellError as error:
            self._show_message(f"{self._prompted}: {error}")

    def key_escape(self) -> None:
        """Cancel the prompt."""
        self._hide_prompt()

    def _hide_prompt(self) -> None:
        line = self.query_one("#prompt", Input)
        line.styles.display = "none"
        self.set_focus(None)

    def _command(self, kind: str, text: str) -> Action:
        words, space = text.replace("=", " ", 1).split() if kind == "set" else text.split(), self._study.space
        match kind:
            case "set" if len(words) != 2:
                raise SettingError(f"it takes NAME VALUE, such as {self._example()}; got {text or 'nothing'}")
            case "set":
                return Set(words[0], parse_settings(["=".join(words)], space)[words[0]])
            case "note":
                return Note(text)
        settings = [word for word in words if "=" in word]
        epochs = [word for word in words if "=" not in word]
        if len(epochs) > 1 or not all(word.isdigit() for word in epochs):
            raise SettingError(f"it takes an epoch and NAME=VALUE, such as 12 {self._example('=')}; got {text}")
        epoch, params = int(epochs[0]) if epochs else None, parse_settings(settings, space)
        if kind == "branch":
            return Branch(epoch, params)
        if epoch is None:
            raise SettingError("rewind needs an epoch; 0 is the beginning")
        return Rewind(epoch, params)

    def _example(self, between: str = " ") -> str:
        name, value = next(iter(self.snapshot.values.items()), ("dropout", 0.3))
        return f"{name}{between}{short(value)}"

    def _scale_rate(self, factor: float) -> None:
        name = parameter_of("lr", self.snapshot.values)
        if name is None:
            self._show_message("no parameter is called as a learning rate is; set it by name (v)")
            return
        param, now = self._study.space.params[name], self.snapshot.values[name]
        low, high = getattr(param, "low", None), getattr(param, "high", None)
        if not isinstance(now, float) or low is None or high is None:
            self._show_message(f"{name} is no number that can be multiplied")
            return
        self._steer(Set(name, float(f"{min(max(now * factor, low), high):.6g}")))

    def _steer(self, action: Action) -> None:
        try:
            if isinstance(action, Stop):
                self._study.steering.stop_at_once(self.snapshot.current, by=self._by)
            else:
                self._study.steer(self.snapshot.current, action, by=self._by)
        except TunewellError as refusal:
            self._show_message(str(refusal))
            return
        self._show_message(f"sent: {KINDS[type(action)]}")

    def _show_message(self, text: str) -> None:
        self.query_one("#message", Static).update(SafeText(text, style="bold"))

    def _side(self, shown: Snapshot) -> SafeText:
        values, branches = self._values_text(shown), self._branches_text(shown)
        # where there is little room, what moves comes first
        text = branches.append(values) if self.size.width < _NARROW else values.append("\n").append(branches)
        text.append("\n")
        for command in reversed(shown.commands):  # the newest are seen, however low the screen
            line = clipped(f"{describe(command)} ({command.by})")
            text.append(f"{line}\n", style="dim" if command.refused else "")
        return text

    def _values_text(self, shown: Snapshot) -> SafeText:
        text = SafeText()
        for name, value in shown.values.items():
            text.append(f"{name} = {short(value)}", style="bold" if name in shown.live else "dim")
            text.append("\n")
        return text

    def _branches_text(self, shown: Snapshot) -> SafeText:
        text = SafeText()
        for place, branch in enumerate(shown.branches):
            now = "▶ " if branch.trial == shown.current else "  "
            curve = branch.curves[shown.metric]
            value = short(float(curve[-1])) if len(curve) else "-"
            marks = f"{''.join(marks_of(place))} " if len(shown.branches) > 1 else ""
            text.append(
                f"{now}{marks}trial {branch.trial}, {branch.state}, epoch {branch.epoch}: {value}\n",
                style=color_of(place),
            )
            if branch.reason:
                text.append(f"  {clipped(branch.reason)}\n", style="dim")
        return text


def _marks(commands: Sequence[Command]) -> dict[int, str]:
    """Return, by epoch, the key of the command after it."""
    found: dict[int, str] = {}
    for command in commands:
        if command.epoch is not None and command.refused is None:
            mark = _MARKS.get(command.kind, "c")
            found[command.epoch] = mark if found.get(command.epoch, mark) == mark else SEVERAL
    return found
