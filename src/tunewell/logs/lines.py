r"""Curves in the lines that a training prints.

`Epoch 3/10 - loss: 0.31 - val_accuracy: 0.91`, `epoch 3 loss 0.42 acc 0.71`, progress bars of Keras and tqdm, printed
dicts, lines of `logging`. All have in common that a number stands behind its name. So numbers are looked for, and the
name is what stands between a number and the one before. What says where in the training it is (epochs, steps) and what
is no measurement (times, bars, rates of steps) is taken out first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tunewell.logs.names import is_bare, meaning, says_split, split_of, words_of
from tunewell.logs.rows import Bar, Log, Row
from tunewell.logs.shapes import Positions, Shape, shape_of

EXAMPLES = (
    "Epoch 3/10 - loss: 0.31 - val_accuracy: 0.91",
    "epoch 3 train loss 0.42, val acc 71.3%",
    "{'loss': 0.69, 'epoch': 0.5}",
    "[3, 200] loss: 1.2",
)
"""Lines that are understood, for messages."""

_SEPARATOR = " | "
_FLAGS = re.IGNORECASE
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:nan|inf|infinity)"
_WRAPPED = re.compile(
    rf"(?:np\.|numpy\.|jnp\.|torch\.)?(?:float\d*|tensor|array|Array|<tf\.Tensor[^>]*numpy=)\(\s*\[?\s*({_NUMBER})\s*\]?"
    r"(?:\s*,[^()]*(?:\([^()]*\)[^()]*)?)?\)",
    _FLAGS,
)
"""A number as arrays of a framework print it: `tensor(0.31, device='cuda:0', grad_fn=<...>)`."""

# what is no measurement
_STAMP = re.compile(
    r"\d{4}[-/]\d\d?[-/]\d\d?(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b[IWED]\d{4}\s+[\d:.]+\s+\d+\s+\S+\]"
    r"|\b(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b:?(?:[\w.]+:(?=\s*\S))?"
    r"|^\s*\[[^\[\]]*\s[\w.]+:\d+\]|(?<=\s)[\w/]+\.py:\d+:?|(?<![\w.])[\w.]+:[\w<>.]+:\d+(?!\w)",
)
_LOGGER = re.compile(
    r"\[\d\d/\d\d \d\d:\d\d:\d\d [\w.]+\]:?|(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?=\s*(?:\]|\||-\s|:\s+[^\d\s]))"
)
"""The name of a logger, or of its module, which may have a word for a split: `d2.evaluation.testing`."""
_TIME = re.compile(
    r"(?<![\w.])(?:\d+:\d\d(?::\d\d)?(?:[.,]\d+)?|\d+-\d\d:\d\d:\d\d)(?![\w.])"
    r"|(?<![\w.])\d+(?:\.\d*)?\s?(?:ms|us|µs|s|sec|secs|seconds|min|mins|minutes|m|h|hours|hrs)"
    r"(?:/(?:step|epoch|batch|sample|it|iter))?(?![\w/])"
    r"|(?<![\w.])[\d.]+\s?(?:k|M|G|T)?i?(?:it|ex|img|imgs|images|samples|examples|tok|tokens|steps|batch|batches)/s(?:ec)?\b"
    r"|(?<![\w.])[\d.]+\s?s/(?:it|step|batch|epoch)\b"
    r"|(?<![\w.])[\d.]+\s?(?:[KMG]i?B|MB)\b"
    r"|\?\s?(?:it/s|s/it)",
)
_BAR = re.compile(
    r"\d+(?:\.\d+)?%\s?\|[█▏▎▍▌▋▊▉#\d ]*\||\[[=>.\-#\s]{3,}\]|[━╸╺─█▏▎▍▌▋▊▉]{2,}"
    r"|\|(?=[^|]*[█▏▎▍▌▋▊▉#])[█▏▎▍▌▋▊▉# ]{3,}\|"
)
_COUNTER = re.compile(r"(?<![\w.])(\d{1,12})\s*/\s*(\d{1,12})(?![\w.])")
_NEWS = re.compile(
    r"\b(?:improved from|did not improve|didn't improve|restoring|reducing|early.?stopping|best epoch|patience"
    r"|(?:total|trainable) param)",
    _FLAGS,
)
"""Words of a line that is about a number of another line."""
_FILE = re.compile(r"\S+\.(?:ckpt|pth?|h5|keras|safetensors|bin|onnx)\b")
_TOP = re.compile(r"(?<![a-z])top[- @](\d)", _FLAGS)
_AT = re.compile(r"(?<![A-Za-z0-9@])([PR])@(?=\d)")
_ASIDE = re.compile(r"(?<=\w)\s*\((train\w*|val\w*|test\w*|batch|avg|mean|epoch)\)(?=\s*[:=])", _FLAGS)
"""A split behind the name: `loss (val): 0.3`."""
_QUOTED = re.compile(r"['\"]([\w /@.-]*[A-Za-z][\w /@.-]*?)\s*[:=]?\s*['\"]\s*,\s*(?=[-+]?[.\d])")
"""A name in a tuple that is printed: `('val rmse:', 0.31)`."""
_LISTED = re.compile(r"\b([A-Za-z]+_\w+|loss|acc|accuracy)\s*,\s*(?=[-+]?\d+\.\d)", _FLAGS)
"""A name that a comma separates from its number: `val_acc, 0.91`."""
_OF_MODEL = re.compile(
    r"(?:\b(?:train\w*|val\w*|test\w*)\s+)?\b(\w+)\s+of\s+(?:the\s+)?(?:\w+\s+)?(?:network|model|net|classifier)\s+(?:on|over|for)\s+"
    r"(?:the\s+)?(?:\d[\d,]*\s+)?(train\w*|val\w*|test\w*|dev)(?:\s+(?:images?|sets?|data\w*|samples|examples|rows|sentences))?",
    _FLAGS,
)
"""A sentence in place of a name: `Accuracy of the network on the 10000 test images`."""
_COMMA = re.compile(r"(?<![\w.,])(\d+),(\d+)(?![\w.,])")
"""A decimal comma."""
_REACHES = re.compile(r"^.*\b(?:reach\w*|achiev\w*|obtain\w*|attain\w*)\s+(?:an?\s+|the\s+)?", _FLAGS)
"""A sentence before a name: `the model reaches an accuracy of 0.8`."""
_FILLERS = re.compile(r"^(?:(?:and|with|a|an|the|then|after|at|its|has|had)\s+)+", _FLAGS)
_VERB = re.compile(r"['\"]?\s+(?:is|was|of|value|reached|reaches|hit)$", _FLAGS)
"""What stands between a name and its number: `the validation loss was 0.31`."""
_OPENS = re.compile(r"^\W*?\[\s*(\w+)\s*\]")
"""The first word of a line, in brackets: `[Evaluator] return = 21.3`."""
_OF_ALL = re.compile(r"^[^\d=]*?\b(?:overall|average|avg|mean|all|total|macro)\s*(?::|\||-\s)", _FLAGS)
"""The beginning of a line that sums up those beside it: `Overall: mae 0.31`."""
_CUT = re.compile(r"[,;|()\[\]{}\t<>…]|\.{2,}|//|\s[-–—→=]+\s|(?<=\w)\.\s|:\s*-\s")
_BEST = re.compile(r"(?:^|[\W_])(?:best|lowest|highest|min|max|prev|previous|old|target|final)(?:$|[\W_])", _FLAGS)
_BEST_ALONE = re.compile(r"^best[\s_]+", _FLAGS)

# where in the training it is
_EPOCH = re.compile(
    r"(?<![\w./])(?:epochs?|ep|ep\.)(?:_idx|_num)?(?P<split>\((?:train|val|test)\))?['\"]?\s*(?:no\.?|nr\.?)?\s*[:#=\-]?\s*[\[(]?\s*#?"
    r"(?P<epoch>\d+(?:\.\d+)?)(?![\d.]*%|\w)(?:\s*(?:/|of|out of)\s*(?P<of>\d+))?\s*[\])]?"
    r"(?:\s?\[\s*(?P<step>\d+)\s*/\s*\d+(?:[^\]]*)\])?",
    _FLAGS,
)
_N_EPOCHS = re.compile(
    r"\W*(?:num[_ ]|number of |max[_ ]|total )?epochs\s*[:=]\s*\d+(?!\s*(?:/|of|out of))"
    r"(?!.*(?:loss|acc|score|err|mae|mse|auc|f1|iou))",
    _FLAGS,
)
"""A setting that is listed before the training: `Epochs: 5`."""
_PAIR = re.compile(r"^\s*\[\s*(?P<epoch>\d+)\s*,\s*(?P<step>\d+)\s*\]")
_BEFORE_EPOCH = re.compile(r"(?<=\w)\s+\(?(?:after|at|for|in|of|on)\s+$|(?<=\w)\s*\(\s*$", _FLAGS)
_OF_SPLIT = re.compile(
    r"^\s*(?P<split>train\w*|val\w*|test\w*):\s+(?P<epoch>\d+)\s+\[\s*(?P<step>\d+)/\d+[^\]]*\]", _FLAGS
)
_ROUND = re.compile(r"^\s*\[(?P<epoch>\d+)(?:/\d+)?\](?=\s*\S)")
_STEP = re.compile(
    r"(?<![\w./])(?:global[_ ]?step|step|iteration|iter|batch|it|update|updates|steps|episodes?|game|generation"
    r"|timesteps?)['\"]?\s*[:#=]?\s*[\[(]?\s*#?(?P<step>\d+)(?![\d.]*[.%\w])(?:\s*(?:/|of)\s*\d+)?\s*[\])]?",
    _FLAGS,
)
_STEP_BEHIND = re.compile(r"(?<=[a-z])\s+(?P<step>\d+)(?:\s*:\s*|\s+)(?=[-+]?\d*\.\d)(?<!top )(?<!at )", _FLAGS)
"""A step between a name and its number: `Validation loss 500: 0.31`."""
_PART = re.compile(r"(?<=[:\]|])\s*\[\s*\d+\s*/\s*\d+[^\]]*\]")
"""A step without a name, of so many: `EVAL: [19/20]`."""
_EPISODE = re.compile(r"(?<![a-z])(?:episodes?|games?)(?![a-z])", _FLAGS)
_THREE = re.compile(rf"(?<![\w.])({_NUMBER})/({_NUMBER})/({_NUMBER})(?![\w./])")
"""Least, mean and most of something."""
_EACH = re.compile(rf"(?<![\w.@$#])(?:(?<![A-Za-z]-)|(?<=-))({_NUMBER})(?![\w.]*[A-Za-z_])(\s?%)?", _FLAGS)
_RATE = re.compile(r"(?<![a-z])(?:lr|learning.?rate)(?![a-z])", _FLAGS)
_SHARE = re.compile(r"\s*/\s*(\d+(?:\.\d+)?)(?!\w)")
_MEAN = re.compile(rf"\s*\(\s*(?:avg|mean|average)?\.?:?\s*({_NUMBER})(\s?%)?\s*\)", _FLAGS)
_TWO = re.compile(r"\b(train\w*)\s*[/|]\s*(val\w*|test)\b", _FLAGS)
_WORD = re.compile(r"[A-Za-z]+")
_CORRECT = re.compile(r"\bcorrect\s*[:=]?\s*$", _FLAGS)
_MOST_PERCENT = 100
_SHORT = re.compile(r"(?P<words>[A-Za-z]+(?:[ -][A-Za-z]+)*)\s*\((?P<short>[A-Za-z]{2,6})\)")
"""A name with its initials behind: `Mean Absolute Error (MAE)`."""
_WHICH = re.compile(r"(?P<name>[A-Za-z][\w@/-]*)\s*\((?P<which>[A-Za-z][A-Za-z -]{0,20})\)(?=\s*[:=]?\s*[-+]?\.?\d)")
"""A name with the word for which one it is behind: `f1-score (micro avg) 0.81`."""
_BEHIND = re.compile(
    rf"(?P<number>(?:{_NUMBER})\s?%?)\s+on\s+(?:the\s+)?(?P<split>train\w*|val\w*|test\w*|dev)\b"
    r"(?:\s+(?:set|data\w*|rows|images|split))?",
    _FLAGS,
)
"""The rows behind a number: `an accuracy of 71 % on the validation data`."""
_PAIRED = re.compile(
    rf"(?P<first>[A-Za-z][\w@-]*)\s*/\s*(?P<second>[A-Za-z][\w@-]*)\s*[:=]\s*(?P<one>{_NUMBER})\s*/\s*(?P<two>{_NUMBER})",
    _FLAGS,
)
"""Two names for two numbers: `PSNR/SSIM: 31.2/0.91`."""
_OF_EPISODES = re.compile(r"(?P<before>^|[|,;\t]|\s{2,})\s*(?P<mean>avg|average|mean)\.?(?=\s*[:=])", _FLAGS)
"""What has no name on a line that counts episodes: their rewards."""
_IN_PERCENT = re.compile(
    rf"(?<=\w)\s*[(\[]\s*(?:in )?(?:%|percent|pct)\s*[)\]]\s*([:=]?)\s*({_NUMBER})(?!\s*[%\w])", _FLAGS
)
"""A name that says that its number is in percent: `accuracy(%): 84.2`."""
_OF_THE_LAST = re.compile(
    r"(?<=\w)\s*[(\[]?\s*(?:(?:over|in|of|for)\s+)?(?:the\s+)?(?:last|past|previous)\s+\d+"
    r"(?:\s+(?:episodes?|eps|games?|steps?|epochs?|batches|iters?|iterations?|runs?))?\s*[)\]]?(?=\s*[:=])"
    r"|(?<=\w)\s*[(\[]\s*\d+[\s-]*(?:episodes?|eps?|games?)(?:\s+(?:avg|mean|average))?\s*[)\]](?=\s*[:=])",
    _FLAGS,
)
"""Over how much a mean was taken, behind its name: `Avg Reward (last 50): 21.3`."""
_LETTERS = re.compile(rf"(?<!\w)L([:=]?\s*(?:{_NUMBER})\s*[,;|]?\s*)A([:=]?\s*(?:{_NUMBER}))(?![\w.])")
"""Letters for a loss and an accuracy: `Train L 0.52 A 71.3%`."""
_SHORT_WORD = re.compile(r"(?<![a-z])(neg|std|min|max|num|no)\.\s*(?=[a-z])", _FLAGS)
"""A word that turns the sense of the one behind it, cut short with a dot: `Neg. ELBO`."""
_SCORE_AT = re.compile(r"\bScore at iteration (\d+) is\b")
"""The loss as Deeplearning4j has it."""
_RANKED = {"P": "precision", "R": "recall"}
_COUNTED = ("accuracy", "error", "precision", "recall")
"""Quantities that are printed as a share of rows."""
_WORTH_A_LOOK = re.compile(
    r"epoch|loss|acc|auc|f1|iou|entropy|perplex|precision|recall|rouge|bleu|━|\[="
    r"|(?<![a-z])(?:ep|lr|lrap|learning|train|val|test|eval|err|mse|mae|rmse|ppl|prec|dice|map|nll|r2|objective|xent|top"
    r"|kappa|mcc|huber|ce|bce|step|iter)",
    _FLAGS,
)
_HAS_NUMBER = re.compile(r"\d|\bnan\b|\binf\b", _FLAGS)
_PROGRESS = re.compile(r"^([^|\[━]*?)(\d+)(?:%\s?\||/\d+ [━\[])")
_WIDE = re.compile(r" {3,}")
_MOST_OF_A_HEADING = 60  # letters
_MOST_WORDS_OF_A_HEADING = 4
_CELLS = re.compile(rf"^\s*[│┃|]\s*([A-Za-z][\w/@. -]*?)\s*[│┃|]\s*({_NUMBER})\s*[│┃|]?\s*$", _FLAGS)
"""A line of a table with a name and a number, as Lightning draws them."""
_CELL = re.compile(rf"^([^|]*[A-Za-z][^|]*?)\s*\|\s*({_NUMBER})\s*$", _FLAGS)
"""A name, a bar and a number: `Step 100: eval accuracy | 0.81`."""
_OVERLAPS = re.compile(r"@\s*\[?\s*(?:IoU\s*=\s*)?0?\.50?\s*[:-]\s*0?\.95\s*\]?", _FLAGS)
"""The mean over ten overlaps: `mAP@0.50:0.95`."""
_ENDS = re.compile(r"\b(?:finished|completed?|done|ended|took|end of|over)\b", _FLAGS)
_OF_EPOCHS = re.compile(r"(?<![A-Za-z])epochs?(?:/s|\])|s/epoch\b|^\W*(?:\w+\s+)?epochs?\s*:?\s+\d+(?:\.\d+)?%", _FLAGS)
"""What a bar says that counts epochs."""
_ROUNDED = 2e-3
"""So far may a number lie from the same one with fewer digits."""
_MOST_SHAPES = 1000
_MOST_LETTERS = 3000  # of a line, which is else no line of a log


def read_lines(name: str, text: str) -> Log:
    """Read the rows of lines; none if nothing in them is a loss, an accuracy or another metric."""
    reader = LineReader()
    parts = [(part, i == last) for line in text.split("\n") for part, i, last in _drawn(line)]
    rows = []
    for here, (part, is_last) in enumerate(parts):
        if here + 1 == len(parts) or not _is_drawn_over(part, parts[here + 1][0]):
            row = reader.read(part, is_drawn_over=not is_last)
            if row is not None and row.values:
                rows.append(row)
    return Log(name, rows, frozenset(reader.in_percent))


def _drawn(line: str) -> Iterator[tuple[str, int, int]]:
    """Yield what was drawn in one line, each part over the one before; with its number and that of the last."""
    parts = [part for part in line.split("\r") if part.strip()]
    for i, part in enumerate(parts):
        yield part, i, len(parts) - 1


def _is_drawn_over(part: str, after: str) -> bool:
    """Return True if the next is the same progress bar, further on."""
    here, there = _PROGRESS.match(part), _PROGRESS.match(after)
    return here is not None and there is not None and here[1] == there[1] and int(here[2]) < int(there[2])


def _is_understood(name: str) -> bool:
    return meaning(name) is not None


@dataclass(frozen=True, slots=True)
class _Stated:
    """The rest of a line, beside its metrics."""

    plain: str = ""
    """The line without that."""
    epoch: float = math.nan
    step: float = math.nan
    bar: Bar | None = None
    ends_epoch: bool = False
    is_header: bool = False
    """True if it says nothing but its epoch."""
    is_running: bool = False
    is_step: bool = False
    """True if it is of a step of training."""
    is_part: bool = False
    """True if it is of one step of many, which need not be of training."""
    is_sum: bool = False
    is_of_all: bool = False
    """True if it sums up the lines beside it."""
    is_short: bool = False
    is_news: bool = False
    """True if it is about a number of another line."""


@dataclass(slots=True)
class _Seen:
    """The knowledge of the lines of a shape."""

    places: Positions = field(default_factory=Positions)
    """Of epoch, step and the count of a bar."""
    metrics: dict[str, Positions] = field(default_factory=dict)
    """By the split that the lines before have named."""
    splits: dict[str, str] = field(default_factory=dict)
    """The split that they name themselves, by the same."""
    _like: _Stated | None = None

    def stated(self, numbers: Sequence[str]) -> _Stated | None:
        """Return what another line says beside its metrics; None if that has to be read."""
        at = self.places.values(numbers)
        if at is None or self._like is None:
            return None
        bar = self._like.bar and replace(self._like.bar, count=int(at["count"]), total=int(at["total"]))
        return replace(self._like, plain="", epoch=at.get("epoch", math.nan), step=at.get("step", math.nan), bar=bar)

    def learn(self, numbers: Sequence[str], stated: _Stated) -> None:
        """Take in what a line says."""
        at = {"epoch": stated.epoch, "step": stated.step}
        if stated.bar:
            at |= {"count": float(stated.bar.count), "total": float(stated.bar.total)}
        self.places.learn(numbers, {name: number for name, number in at.items() if not math.isnan(number)})
        self._like = stated


class LineReader:
    """A reader of one line after the other, with what the lines before say of the next.

    knows: says which names are metrics; those that `meaning` understands, if it is not given.
    takes_best: numbers that are called the best, the last or the like are read too.
    """

    def __init__(self, knows: Callable[[str], bool] = _is_understood, *, takes_best: bool = False) -> None:
        self.in_percent: set[str] = set()
        """Names whose numbers had a sign of percent; the numbers are shares already."""
        self._knows = knows
        self._takes_best = takes_best
        self._epoch = math.nan
        self._split = ""
        """Of a line that only names one, such as `Validation:`, for the lines below."""
        self._last_split = ""
        """Of the last line with numbers, for a line of its sums that begins with a star."""
        self._nth = 0
        """The epoch as progress bars count that name none."""
        self._counted = -1
        self._drawn: dict[str, float] = {}
        """What the bar that counts has shown last."""
        self._counting = ""
        """The title of the bar that counts."""
        self._names: set[str] = set()
        """What the epoch has so far."""
        self._begins_run = False
        self._measured: dict[frozenset[str], tuple[float, Shape]] = {}
        """What was measured last on other rows than those of training, by the words of its name; and where it stood."""
        self._shapes: dict[tuple[Shape, bool], _Seen] = {}

    def read(self, line: str, *, is_drawn_over: bool = False) -> Row | None:
        """Return what a line tells: numbers, or no more than where the training is; None if neither."""
        if len(line) > _MOST_LETTERS or (self._knows is _is_understood and not _WORTH_A_LOOK.search(line)):
            return None
        line = _WIDE.sub("  ", line)
        shape, numbers = shape_of(line)
        if not numbers and len(line) > _MOST_OF_A_HEADING and not _HAS_NUMBER.search(line):
            return None
        seen = self._seen(shape, is_drawn_over=is_drawn_over)
        stated = seen.stated(numbers)
        if stated is None:
            stated = self._stated(line, is_drawn_over=is_drawn_over)
            seen.learn(numbers, stated)
        if stated.is_news:
            return None
        epoch, step = stated.epoch, stated.step
        if not math.isnan(epoch):
            # a header begins its epoch also where it is that of the epoch before, as in a loop around trainings
            if stated.is_header and epoch == self._epoch and self._names:
                self._begins_run = True
            if epoch != self._epoch:
                self._split = ""
                self._names = set()
            self._epoch = epoch
        if stated.is_step:
            self._split = ""  # of training, whatever the heading above was
        found, split = self._found(line, seen, stated, numbers, self._last_split if stated.is_sum else self._split)
        place = Row({}, epoch, step, ends_epoch=stated.ends_epoch) if not math.isnan(epoch) else None
        if not found:
            if split and stated.is_short:
                self._split = split
            return place
        values = {label: value for label, value in found.items() if not math.isnan(value) or self._knows(label)}
        if stated.is_part:
            values = self._without_echoes(values, shape)
        known = {label for label in values if self._knows(label)}
        is_rate = all((one := meaning(label)) is not None and one.quantity == "lr" for label in known)
        if not known or (is_rate and math.isnan(self._epoch)):
            return place
        if stated.bar and math.isnan(self._epoch):
            self._count(stated.bar.count, stated.bar.total, values, stated.bar.title)
        row = Row(
            values,
            self._now(),
            step,
            stated.is_running,
            self._begins_run,
            stated.ends_epoch,
            stated.bar,
            stated.is_part,
            stated.is_of_all,
        )
        self._begins_run, self._last_split = False, split
        self._names |= set(values)
        return row

    def placed(self, row: Row) -> Row:
        """Return a row that stands among the lines, in the epoch that these have named last."""
        return replace(row, epoch=self._now())

    def _without_echoes(self, values: dict[str, float], shape: Shape) -> dict[str, float]:
        """Return the numbers of a step without those of an evaluation that another line has shown before."""
        kept = {}
        for label, value in values.items():
            if split_of(label) in ("val", "test"):
                words = frozenset(words_of(label))
                before, where = self._measured.get(words, (math.nan, shape))
                if where != shape and math.isclose(value, before, rel_tol=_ROUNDED):
                    continue
                self._measured[words] = value, shape
            kept[label] = value
        return kept

    def _seen(self, shape: Shape, *, is_drawn_over: bool) -> _Seen:
        """Return what is known of the lines of a shape."""
        if len(self._shapes) > _MOST_SHAPES:
            self._shapes.clear()
        return self._shapes.setdefault((shape, is_drawn_over), _Seen())

    def _stated(self, line: str, *, is_drawn_over: bool) -> _Stated:
        """Return what a line says beside its metrics."""
        if not self._takes_best and _NEWS.search(line):
            return _Stated(is_news=True)
        cells = _CELLS.match(line)
        if cells:
            line = f"{cells[1]}: {cells[2]}"
        line = _CELL.sub(r"\1: \2", _OVERLAPS.sub("@5095", line))
        line = _LETTERS.sub(r"loss \1acc \2", _SHORT_WORD.sub(r"\1 ", _OF_THE_LAST.sub("", line)))
        line = _SCORE_AT.sub(r"iteration \1, loss:", line)
        line = _AT.sub(lambda found: f"{_RANKED[found[1]]}@", _IN_PERCENT.sub(r"\1 \2%", line))
        line = _on_split(_PAIRED.sub(_apart, line))
        line = _WHICH.sub(r"\g<which> \g<name>", _SHORT.sub(_short, _THREE.sub(_middle, line)))
        if _EPISODE.search(line):
            line = _OF_EPISODES.sub(r"\g<before> \g<mean> reward", line)
        plain = _STAMP.sub(" ", _LOGGER.sub(" ", _WRAPPED.sub(r"\1", _FILE.sub(" ", line))))
        plain = _TIME.sub(_SEPARATOR, plain)
        plain, epoch, step = self._place(_OF_MODEL.sub(r"\2 \1", _ASIDE.sub(r" \1", _TOP.sub(r"top\1", plain))))
        plain = _COMMA.sub(r"\1.\2", _LISTED.sub(r"\1: ", _QUOTED.sub(r"\1: ", plain)))
        is_running = is_drawn_over or bool(_BAR.search(plain))
        counter = _COUNTER.search(plain) if is_running else None
        title = re.sub(r"[\d\W]+", " ", _BAR.split(plain, maxsplit=1)[0]).strip()
        bar = Bar(int(counter[1]), int(counter[2]), bool(_OF_EPOCHS.search(line)), title) if counter else None
        is_header = plain.strip(" |-:=*#>") == ""
        plain = _BAR.sub(_SEPARATOR, plain)
        return _Stated(
            plain=plain,
            epoch=epoch,
            step=step,
            bar=bar,
            ends_epoch=not math.isnan(epoch) and bool(_ENDS.search(line)),
            is_header=is_header,
            is_running=is_running,
            is_step=not math.isnan(step) and (bool(_RATE.search(plain)) or " eta" in plain),
            is_part=not math.isnan(step) or bool(_PART.search(plain)),
            is_of_all=bool(_OF_ALL.match(plain)),
            is_sum=plain.lstrip().startswith("*") and "**" not in plain,
            is_short=len(plain.split()) <= _MOST_WORDS_OF_A_HEADING,
        )

    def _found(
        self, line: str, seen: _Seen, stated: _Stated, numbers: Sequence[str], split: str
    ) -> tuple[dict[str, float], str]:
        """Return the numbers of a line by their names, by position where that is known, and the split that it names."""
        positions = seen.metrics.setdefault(split, Positions())
        if (found := positions.values(numbers)) is not None:
            return found, seen.splits[split]
        plain = stated.plain or self._stated(line, is_drawn_over=stated.is_running).plain
        found, seen.splits[split] = self._numbers(plain, split)
        positions.learn(numbers, found)
        return found, seen.splits[split]

    def _now(self) -> float:
        return self._epoch if not math.isnan(self._epoch) else self._nth or math.nan

    def _count(self, at: int, total: int, values: dict[str, float], title: str) -> None:
        """Begin another epoch where a progress bar begins anew and no line says which epoch it is.

        Of bars with several titles, as of training and of validation, the first counts. A bar that is drawn again is
        the same one, but at its end another state is that of another bar.
        """
        if self._nth and title != self._counting:
            return
        self._counting = title
        is_other = at == self._counted == total and values.keys() <= self._names and values != self._drawn
        if not self._nth or at < self._counted or is_other:
            self._nth, self._names = self._nth + 1, set()
        self._counted, self._drawn = at, values

    def _place(self, line: str) -> tuple[str, float, float]:
        """Return the line without its epoch and step; and those, NaN where it has none."""
        epoch = step = math.nan
        if not _STEP.search(line) and (found := _STEP_BEHIND.search(line)) and not _EPOCH.search(line):
            step = float(found["step"])
            line = f"{line[: found.start()]}: {line[found.end() :]}"
        for pattern in (_PAIR, _EPOCH, _OF_SPLIT, _ROUND):
            if (found := pattern.search(line)) and not (pattern is _EPOCH and _N_EPOCHS.match(line)):
                epoch = float(found["epoch"])
                if found.groupdict().get("step"):
                    step = float(found["step"])
                split = found.groupdict().get("split") or ""
                line = _without(line, found, split)
                break
        if found := _STEP.search(line):
            step = float(found["step"])
            line = f"{line[: found.start()]}{_SEPARATOR}{line[found.end() :]}"
        return line, epoch, step

    def _numbers(self, line: str, split: str) -> tuple[dict[str, float], str]:
        """Return the numbers of a line by their names, and the split that its last word for one names.

        split: of numbers before which the line has no word for one.
        """
        values: dict[str, float] = {}
        at = 0
        above, shared, in_list = split, "", ""
        opens = _OPENS.match(line)
        opening = opens[1] if opens and is_bare(opens[1]) else ""
        n_splits = len({word.lower() for word in _WORD.findall(line) if is_bare(word)})
        last, before = "", ""
        for between, value, is_percent, end in _named_numbers(line):
            is_aside = between.lstrip().startswith("(")
            split = _split_of(between) or (last if is_aside and last else split)
            at = end
            label = _label(between)
            is_split = is_bare(label)
            if is_split and is_aside and before:
                values.setdefault(f"{label} {before}", value / 100 if is_percent else value)
                split = above  # `iou: 0.6 (val: 0.5)`
                continue
            if is_split and shared:
                label = f"{label} {shared}"
            elif not is_split:
                shared = _shared(label)
            if in_list and between.strip() == ",":
                values[in_list] = value  # a list of all epochs, printed at the end
                continue
            in_list = label if between.rstrip().endswith("[") and math.isnan(self._epoch) else ""
            if value > _MOST_PERCENT and _CORRECT.search(between):
                continue  # a count of rows
            is_best = _BEST.search(label) or _BEST.search(between.rpartition(",")[2])
            if not label or (is_best and not self._takes_best):
                continue
            label = _BEST_ALONE.sub("", label) or label  # what is read of the best is all that there is
            known = meaning(label)
            # a name that only the caller knows is of the split that stands right before it
            here = (_split_of(between) or opening) if known is None else split
            is_open = not says_split(label) if known is None else known.quantity != "lr" and not known.split
            if here and is_open and self._knows(label) and f"{here} {label}" not in values:
                label = f"{here} {label}"
            last, before = (split if is_split else ""), ("" if is_split else label)
            if is_split and not shared and value % 1 and n_splits > 1:
                split = above  # the number is that of the split, and the next name is of no split
            if label in values:
                continue
            values[label] = value / 100 if is_percent else value
            if is_percent:
                self.in_percent.add(label)
        return values, _split_of(line[at:]) or split


def _on_split(line: str) -> str:
    """Return a line with the word for its rows before a name, where a sentence has it behind the number."""
    found = _BEHIND.search(line)
    if found is None:
        return line
    begin = max((cut.end() for cut in _CUT.finditer(line, 0, found.start())), default=0)
    return f"{line[:begin]} {found['split']} {line[begin : found.start()]}{found['number']}{line[found.end() :]}"


def _apart(found: re.Match[str]) -> str:
    """Return two names for two numbers as two pairs, unless they are splits, or a name of two parts for a share."""
    if is_bare(found["first"]) or is_bare(found["second"]) or "." not in found["one"] + found["two"]:
        return found[0]
    return f"{found['first']}: {found['one']}, {found['second']}: {found['two']}"


def _short(found: re.Match[str]) -> str:
    """Return a name with its initials in place of its last words, if they are that."""
    words, short = re.split("[ -]", found["words"]), found["short"].upper()
    if "".join(word[0].upper() for word in words[-len(short) :]) != short:
        return found[0]
    return " ".join([*words[: -len(short)], found["short"]])


def _middle(found: re.Match[str]) -> str:
    """Return the mean of a least, a mean and a most number; what is none of that as it is."""
    least, mean, most = (float(found[i]) for i in (1, 2, 3))
    return found[2] if least <= mean <= most and "." in found[0] else found[0]


def _without(line: str, epoch: re.Match[str], split: str) -> str:
    """Return a line without its epoch, which may stand within a name: `Validation loss after epoch 3: 0.31`."""
    before, after = line[: epoch.start()], line[epoch.end() :]
    name = _BEFORE_EPOCH.search(before)
    if name and re.match(r"\s*\)?\s*[:=]", after):
        return f"{before[: name.start()]} {after.lstrip(' )')}"
    return f"{before}{_SEPARATOR}{split}{after}"


def _named_numbers(line: str) -> Iterator[tuple[str, float, bool, int]]:
    """Yield what stands before each number, the number, if it is in percent, and where it ends.

    `9820/10000 (98%)` is the share that it is, and of `6.9 (7.0)` the mean in brackets counts.
    """
    at, before = 0, ""
    while found := _EACH.search(line, at):
        between, value, is_percent, end = (
            before + line[at : found.start()],
            float(found[1]),
            bool(found[2]),
            found.end(),
        )
        before = ""
        if share := _SHARE.match(line, end):
            of, end = float(share[1]), share.end()
            if mean := _MEAN.match(line, end):
                end = mean.end()
            known = meaning(re.sub(r"(?i)correct\b", "accuracy", _label(between)))
            if two := _TWO.search(between):
                rest = between.replace(two[0], " ")
                yield f"{two[1]} {rest}", value, is_percent, end
                yield f"{two[2]} {rest}", of, is_percent, end
            elif known and known.quantity in _COUNTED and 0 < of >= value:
                yield between, value / of, False, end
            else:
                before = between[-_MOST_OF_A_HEADING:] + _SEPARATOR  # a counter, which names nothing
            at = end
            continue
        if (mean := _MEAN.match(line, end)) and _is_change(value, mean[1]):
            end = mean.end()
        elif mean:
            value, is_percent, end = float(mean[1]), bool(mean[2]), mean.end()
        yield between, value, is_percent, end
        at = end


def _is_change(value: float, beside: str) -> bool:
    """Return True if a number in brackets says how far another has moved: `0.412 (-0.031)`, `0.412 (+0.002)`."""
    return beside.startswith("+") or (beside.startswith("-") and value > -2 * float(beside))


def _label(between: str) -> str:
    """Return the name in the text before a number; "" if there is none."""
    phrase = _CUT.split(between)[-1] if between.strip(" ([{=:") else ""
    phrase = re.sub(r"(?i)\bcorrect$", "accuracy", phrase.strip(" :=\t"))
    phrase = _VERB.sub("", phrase.strip(" \t'\"`:=|-–—>*#~≈([{/")).strip(" '\":=")
    if not phrase:
        whole = [part for part in _CUT.split(between) if part.strip(" '\":=-*#")]
        phrase = whole[-1].strip(" '\":=-*#") if whole and not between.rstrip().endswith((",", ";", "|")) else ""
    phrase = _FILLERS.sub("", phrase)
    if (found := _REACHES.match(phrase)) and (split := _split_of(found[0])):
        phrase = f"{split} {phrase[found.end() :]}"
    elif found:
        phrase = phrase[found.end() :]
    if meaning(phrase) is None and ":" in phrase:
        last = phrase.rpartition(":")[2].strip(" '\"")
        if meaning(last):
            return last
    return phrase if len(phrase.split()) <= 6 and re.search(r"[A-Za-z]", phrase) else ""


def _shared(label: str) -> str:
    """Return the quantity that stands before its splits, as in `loss: train 0.5, val 0.4`; "" where none does."""
    quantity, _, split = label.rpartition(" ")
    quantity = quantity.strip(" :=-")
    return quantity if is_bare(split) and not says_split(quantity) and meaning(quantity) else ""


def _split_of(text: str) -> str:
    """Return the split that a text names for what follows: by its last word, unless it is joined to another."""
    words = re.findall(r"(?<![\w-])([A-Za-z]+)(?![\w-])", text)
    named = [word for word in words if is_bare(word)]
    return named[-1] if named else ""
