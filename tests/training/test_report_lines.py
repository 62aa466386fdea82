"""Which of the lines that a program prints are epochs, and what they measured."""

import math

import pytest

from tunewell.errors import ReportError
from tunewell.logs.cutter import Line, LineCutter
from tunewell.logs.json_lines import is_begun
from tunewell.training.report_lines import EpochLines

INF = math.inf


def epochs(*lines, metric="loss"):
    reader = EpochLines(metric)
    return [metrics for line in lines for metrics in reader.read(line.encode())]


def losses(*lines):
    return [metrics["loss"] for metrics in epochs(*lines)]


@pytest.mark.parametrize(
    "word", ["NaN", "nan", "-nan", "+nan", "null", "None", "NA", "undefined", "1.#QNAN", "-nan(ind)"]
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_what_is_not_a_number_in_any_language_is_reported_as_such(word, quote):
    (report,) = epochs(f'{{"loss": {quote}{word}{quote}, "train_loss": 1.0}}')
    assert math.isnan(report["loss"])
    assert report["train_loss"] == 1.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Infinity", INF),
        ("-inf", -INF),
        ("Inf", INF),
        ("+Inf", INF),
        ("1.#INF", INF),
        ('"-Infinity"', -INF),
        ('"inf"', INF),
        ('"0.5"', 0.5),
        (".5", 0.5),
        ("+5.", 5.0),
        ("1e999", INF),
        ("9" * 5000, INF),
        (str(2**64), 2.0**64),
    ],
)
def test_numbers_are_read_as_other_languages_write_them(text, value):
    assert losses(f'{{"loss": {text}}}') == [value]


def test_a_printed_dict_of_python_is_read():
    assert epochs("{'loss': 0.5, 'name': \"it's\", 'on': True, 'x': None}")[0]["loss"] == 0.5


def test_words_in_strings_stay_as_they_are():
    assert epochs('{"loss": nan, "augment": "none", "version": "7", "note": "nan, null"}')[0].keys() == {"loss"}


@pytest.mark.parametrize(
    "line",
    [
        'training ... {"loss": 0.5}',
        '  0%|          | 0/4 [00:00<?, ?it/s]{"loss": 0.5}',
        '\ufeff{"loss": 0.5}',
        '\x1b[32m{"loss": 0.5}\x1b[0m',
        '{\x1b[34;1m"loss"\x1b[0m: \x1b[36m0.5\x1b[0m}',
        'INFO {name}: it\'s {"loss": 0.5}',
        '{"loss": 0.5}....',
        '{"loss": 0.5, "confusion": [[1, 2], {"a": 3}]}',
    ],
)
def test_what_else_stands_on_the_line_hides_no_epoch(line):
    assert losses(line) == [0.5]


def test_two_reports_on_a_line_are_two_epochs():
    assert losses('{"loss": 0.5}{"loss": 0.25}') == [0.5, 0.25]


@pytest.mark.parametrize(
    "line",
    [
        'the best was {"loss": 0.5} at epoch 3',
        '[{"loss": 0.5}]',
        '{"results": {"loss": 0.5}}',
        "{broken",
        '{"a": ' * 100_000 + "1" + "}" * 100_000,
        "{" * 1_000_000,
        "",
    ],
)
def test_what_only_mentions_one_is_no_epoch(line):
    assert not epochs(line)


def test_a_line_with_the_metric_that_cannot_be_read_is_an_error_that_quotes_it():
    with pytest.raises(ReportError, match=r'printed \{"loss": 0,5\}\n.*print an epoch as \{"loss": 0.31\}'):
        epochs('{"loss": 0,5}')
    with pytest.raises(ReportError, match="metric 'loss' must be a number, got a list"):
        epochs('{"loss": [0.5]}')
    with pytest.raises(ReportError, match="metric 'loss' must be a number, got True"):
        epochs('{"loss": true}')


# --- which lines are epochs


def test_lines_that_share_no_name_with_those_of_the_metric_are_no_epochs():
    lines = [f'{{"{name}": {value}}}' for value in (4.0, 2.0, 1.0) for name in ("train_loss", "loss")]
    assert epochs(*lines, '{"test_accuracy": 0.9}') == [{"loss": 4.0}, {"loss": 2.0}, {"loss": 1.0}]


def test_a_metric_that_is_measured_at_some_epochs_leaves_the_others_epochs():
    lines = ['{"loss": 0.5, "train_loss": 1}', '{"train_loss": 0.9}', '{"loss": 0.4, "train_loss": 0.8}']
    assert len(epochs(*lines)) == 3


def test_two_lines_of_an_epoch_that_say_so_are_one():
    lines = [f'{{"epoch": {n}, "{name}": {n}}}' for n in (1, 2, 3) for name in ("train_loss", "loss")]
    assert epochs(*lines) == [{"train_loss": n, "loss": n} for n in (1.0, 2.0, 3.0)]


def test_an_epoch_that_is_printed_twice_is_an_error():
    with pytest.raises(ReportError, match="two lines of JSON for epoch 1, with step, loss and with step, loss; print"):
        epochs('{"epoch": 1, "step": 1, "loss": 0.5}', '{"epoch": 1, "step": 2, "loss": 0.4}')


def test_a_summary_of_the_last_epoch_is_no_other():
    assert losses('{"epoch": 1, "loss": 0.5}', '{"epoch": 1, "loss": 0.5, "best": 1}') == [0.5]
    assert len(epochs('{"epoch": 1, "loss": nan}', '{"epoch": 1, "loss": nan}')) == 1


# --- lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_end_as_on_any_system(end, size):
    text = "".join(f'{{"loss": {n}}}{end}' for n in range(1, 4)).encode()
    cutter = LineCutter()
    lines = [line for at in range(0, len(text), size) for line in cutter.cut(text[at : at + size])] + cutter.cut(b"")
    assert losses(*(line.text.decode() for line in lines)) == [1.0, 2.0, 3.0]
    assert not any(line.is_cut_off for line in lines)


def test_a_line_that_is_cut_off_is_known():
    cutter = LineCutter()
    (line,) = [*cutter.cut(b'{"loss": 0.'), *cutter.cut(b"")]
    assert line.is_cut_off
    assert is_begun(line.text)
    assert not is_begun(b"done {")
    assert not is_begun(b'{"loss": 0.5}')


def told(*lines):
    shown = []
    reader = EpochLines("loss", shown.append)
    for line in lines:
        reader.hear(Line(line.encode()), is_output=True)
    return shown


def test_a_program_whose_lines_lose_the_metric_midway_is_told_of_once():
    before = [f'{{"epoch": {e}, "loss": 0.{e}}}' for e in (1, 2, 3)]
    (line,) = told(*before, *(f'{{"epoch": {e}, "valid": {{"loss": 0.{e}}}}}' for e in range(4, 20)))
    assert line.startswith('the program has shown loss up to epoch 3, as in \'{"epoch": 1, ')
    assert '; now it prints \'{"epoch": ' in line
    (line,) = told(*before, *(f"epoch {e}: loss 0.{e}" for e in range(4, 20)))
    assert "now it prints 'epoch " in line
    seldom = [line for one in before for line in (one, *["step"] * 9)]
    assert not told(*seldom, "saved to model.pt", "done")
