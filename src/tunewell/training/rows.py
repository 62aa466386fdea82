"""The rows of a training as NumPy arrays, of whatever they come as, and a summary of them for the diagnosis.

Rows come as arrays of NumPy, PyTorch, TensorFlow or JAX, as tables of pandas or polars, as lists, sparse matrices,
data sets or loaders. No package is imported for that: what they have in common is called by its name. A part of the
rows is looked at, so that the summary costs next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell import checkpoint
from tunewell.arrays import Floats

_LOOKED_AT = 4000  # rows whose inputs a summary is taken of
_NUMBERS = 2_000_000  # of inputs, if that is less
_LEAST = 32  # rows, however wide they are
_COLUMNS = 2048  # whose spreads are compared
_LOADED = 128  # rows that are taken from a data set, where each may have to be read from a disk
_ROWS_OF_CLASS = 10  # on average, before a sample is taken to hold all classes
_MOST_CLASSES = 10_000
_MOST_COUNTED = 30  # classes; of more, the counts say nothing that is looked at
_MOST_FLOAT_CLASSES = 20  # whole numbers that come as floats may be quantities
_ONE_VALUE = 0.95  # of a column: it is a border of pixels, or a rare category, and has no scale of its own
_LEAST_ROWS = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """A sample of rows, and how many there are."""

    n: int
    inputs: NDArray[Any] | None
    """(M, ...); None where they are no numbers."""
    labels: NDArray[Any] | None
    """Those of all rows where they come as an array and are no larger than the inputs looked at, else those of the
    sample; None where there are none."""
    index: NDArray[np.int64] | None = None
    """(M,): the rows of the sample, of those that `labels` has; None if it is all of them."""

    @property
    def classes(self) -> NDArray[np.int64] | None:
        """The class of each of the labels, from 0; None where they are none, or a sample may lack some."""
        found = None if self.labels is None else classes_of(self.labels)
        if found is None or len(found) == self.n:
            return found
        return found if len(found) >= _ROWS_OF_CLASS * (found.max() + 1) else None

    @property
    def pairs(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """The inputs of the sample, and their labels; None where either is unknown."""
        if self.inputs is None or self.labels is None:
            return None
        return self.inputs, self.labels if self.index is None else self.labels[self.index]


def rows_of(
    arrays: Sequence[Any], most: int = _LOOKED_AT, most_loaded: int = _LOADED, most_numbers: int = _NUMBERS
) -> Rows | None:
    """Return up to so many of the rows in arrays of equal lengths, labels last, or in a data set or loader.

    most_loaded: of those that have to be loaded one by one.
    most_numbers: in the inputs of the sample; so wide rows are fewer.

    None where their number cannot be known.
    """
    if len(arrays) == 1 and not is_array(arrays[0]):
        return _loaded(arrays[0], most_loaded)
    n = length_of(arrays[0])
    if n is None:
        return None
    width = math.prod(int(size) for size in getattr(arrays[0], "shape", ())[1:])
    most = min(most, max(_LEAST, most_numbers // max(1, width)))
    index = _sample(n, most)
    last, index_of_last = None, index
    if len(arrays) > 1 or np.ndim(arrays[0]) == 1:
        is_wide = math.prod(getattr(arrays[-1], "shape", ())[1:]) * n > max(
            n, most_numbers
        )  # masks, or the inputs again
        last = _numbers(arrays[-1], index if is_wide else None)
        index_of_last = None if is_wide else index
    inputs = [_numbers(array, index) for array in (arrays[:-1] if last is not None else arrays)]
    numbers = [array for array in inputs if array is not None and array.dtype.kind in "biuf"]
    return Rows(n, numbers[0] if numbers else None, last, index_of_last)


def as_numpy(value: Any) -> NDArray[Any] | None:
    """Return an array of numbers, or of names of classes; None where it is neither."""
    for name in ("detach", "cpu"):
        value = getattr(value, name)() if callable(getattr(value, name, None)) else value
    if "bfloat16" in str(getattr(value, "dtype", "")):
        value = value.float() if hasattr(value, "float") else value.astype("float32")
    if hasattr(value, "select_dtypes"):  # a table: its columns of text are no numbers
        value = value.select_dtypes("number").astype(float)
    for name in ("toarray", "to_numpy"):
        value = getattr(value, name)() if callable(getattr(value, name, None)) else value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # rows of unequal lengths, say
        return None
    if array.dtype.kind == "O":
        array = _of_objects(array)
    return array if array.ndim and array.dtype.kind in "biufUS" else None


def classes_of(labels: NDArray[Any]) -> NDArray[np.int64] | None:
    """Return the class of each row, (M,), from 0: of numbers without gaps, one-hot rows, or names."""
    if labels.ndim > 1 and labels.shape[1:].count(1) == labels.ndim - 1:
        labels = labels.reshape(len(labels))
    if labels.ndim == 2 and labels.dtype.kind in "biuf":
        is_one_hot = bool(np.isin(labels, (0, 1)).all()) and bool((labels.sum(axis=1) == 1).all())
        return labels.argmax(axis=1).astype(np.int64) if is_one_hot else None
    if labels.ndim != 1 or not len(labels):
        return None
    found, numbers = np.unique(labels, return_inverse=True)
    if not 1 < len(found) <= _MOST_CLASSES:
        return None
    if labels.dtype.kind == "b":
        return numbers.astype(np.int64)
    if labels.dtype.kind in "US":
        return numbers.astype(np.int64) if len(found) <= max(2, len(labels) // 2) else None
    if labels.dtype.kind == "f" and (len(found) > _MOST_FLOAT_CLASSES or not (found == np.round(found)).all()):
        return None
    if found.tolist() == [-1, 1]:
        return numbers.astype(np.int64)
    is_counted = found[0] in (0, 1) and found[-1] - found[0] + 1 == len(found)  # numbers with gaps are quantities
    return numbers.astype(np.int64) if is_counted else None


def targets_of(labels: NDArray[Any]) -> Floats | None:
    """Return the targets of a regression, (N, T); None of classes, of several labels a row, and of words by number."""
    if labels.dtype.kind not in "iuf" or not labels.size or classes_of(labels) is not None:
        return None
    targets = labels.reshape(len(labels), -1)
    several = targets.shape[1] > 1 and (labels.dtype.kind in "iu" or bool(np.isin(labels, (0, 1)).all()))
    return None if several or not np.isfinite(targets).all() else targets.astype(np.float64)


@np.errstate(over="ignore", invalid="ignore")
def facts_of(train: Rows, validation: Rows | None = None) -> dict[str, float]:
    """Return a summary of the rows, by the names under which a report has it.

    `n_train`, `n_val`, `n_classes`, `target_variance`, and what a record has as its `data_summary`: the latter as
    `data.train_inputs.mean`, `data.class_counts_train.0`, and so on. Nothing that no float can hold.
    """
    facts = {"n_train": float(train.n)} | ({} if validation is None else {"n_val": float(validation.n)})
    n_classes = _n_classes(train)
    if n_classes:
        facts["n_classes"] = float(n_classes)
    elif train.labels is not None and (targets := targets_of(train.labels)) is not None:
        facts |= {"target_variance": variance} if (variance := float(targets.var())) > 0 else {}
    for name, rows in (("train", train), ("val", validation)):
        if rows is None:
            continue
        if rows.inputs is not None and (scale := scale_of(rows.inputs)):
            facts |= {f"data.{name}_inputs.{key}": value for key, value in scale.items()}
        if 0 < n_classes <= _MOST_COUNTED and rows.labels is not None and len(rows.labels):
            counts = _counts(rows.labels, train.labels) * (rows.n / len(rows.labels))
            facts |= {f"data.class_counts_{name}.{k}": float(round(count)) for k, count in enumerate(counts)}
    if train.inputs is not None and (spreads := spreads_of(train.inputs)) is not None:
        facts |= {"data.feature_std_min": float(spreads.min()), "data.feature_std_max": float(spreads.max())}
    return {name: value for name, value in facts.items() if math.isfinite(value)}


def scale_of(inputs: NDArray[Any]) -> dict[str, float]:
    """Return mean, spread and range of inputs, (M, ...); nothing of words by number, nor of what is not finite."""
    if not _have_scale(inputs):
        return {}
    values = inputs.astype(np.float64)
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
    }


def spreads_of(inputs: NDArray[Any]) -> Floats | None:
    """Return the spreads of the features that vary, (F,); None if none does.

    A feature that has one value in nearly all rows, as the border of an image, has no spread that could be compared.
    """
    if not _have_scale(inputs) or len(inputs) < _LEAST_ROWS:
        return None
    columns = inputs.reshape(len(inputs), -1)
    columns = columns[:, :: max(1, columns.shape[1] // _COLUMNS)].astype(np.float64)
    varies = np.mean(columns == np.median(columns, axis=0), axis=0) < _ONE_VALUE
    spreads: Floats = columns.std(axis=0, ddof=1)[varies]
    spreads = spreads[spreads > 0]
    return spreads if spreads.size else None


def _have_scale(inputs: NDArray[Any]) -> bool:
    """Return True for numbers that are measured: of whole ones, only bytes are known to be that, as of images."""
    return bool(inputs.size and (inputs.dtype.kind == "f" or inputs.dtype == np.uint8) and np.isfinite(inputs).all())


def _n_classes(rows: Rows) -> int:
    """Return the number of classes; 0 where the labels are none."""
    classes = rows.classes
    if classes is None or rows.labels is None:
        return 0
    is_one_hot = rows.labels.ndim == 2 and rows.labels.shape[1] > 1
    return int(rows.labels.shape[1]) if is_one_hot else int(classes.max()) + 1


def _counts(labels: NDArray[Any], known: NDArray[Any] | None) -> Floats:
    """Return how often each class of the known labels is among others, (K,); these may lack some.

    Nothing if they are written in another way, such as one-hot.
    """
    assert known is not None  # it has classes
    if known.size > len(known):
        return labels.sum(axis=0).astype(np.float64) if labels.shape[1:] == known.shape[1:] else np.empty(0)
    if labels.size > len(labels) or (labels.dtype.kind in "US") != (known.dtype.kind in "US"):
        return np.empty(0)
    return np.array([float(np.sum(labels == one)) for one in np.unique(known)])


def length_of(array: Any) -> int | None:
    """Return the number of rows; None of a stream."""
    shape = getattr(array, "shape", None)
    try:
        return int(shape[0]) if shape is not None and len(shape) else len(array)
    except (TypeError, ValueError):  # a stream of rows
        return None


def _sample(n: int, most: int) -> NDArray[np.int64] | None:
    """Return the numbers of some rows, at random, since rows may come in a period; None for all."""
    return None if n <= most else np.sort(np.random.default_rng(n).choice(n, most, replace=False))


def taken(array: Any, index: NDArray[np.int64]) -> Any:
    """Return some rows of an array, a tensor, a table or a list, as the same kind of thing, or else of NumPy's."""
    if isinstance(array, list | tuple):
        return type(array)(array[i] for i in index.tolist())
    rows = array.tocsr() if hasattr(array, "tocsr") else getattr(array, "iloc", array)
    try:
        return rows[index]
    except (TypeError, LookupError, RuntimeError):  # tensors of TensorFlow take no array of numbers
        whole = as_numpy(array)
        if whole is None:
            raise
        return whole[index]


def _numbers(array: Any, index: NDArray[np.int64] | None) -> NDArray[Any] | None:
    """Return some rows as an array of NumPy, or all; None where that cannot be, as of a sparse tensor."""
    try:
        return as_numpy(array if index is None else taken(array, index))
    except (TypeError, LookupError, RuntimeError):
        return None


def _of_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Return what a table holds of several kinds as numbers, or as text where one is none."""
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        return array.astype(str)


def _loaded(source: Any, most: int) -> Rows | None:
    """Return some rows of a data set (rows by number), or of one that gives batches; None if it is neither.

    What they draw at random they draw again in the training: the random states are as before. One that cannot be read
    here, but in the processes of its loader, say, is not looked at.
    """
    data = source.dataset if hasattr(source, "dataset") and hasattr(source, "batch_size") else source
    by_number = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    states = checkpoint.random_states()
    try:
        if by_number and hasattr(data, "on_epoch_end"):  # Keras' data sets give batches by number
            return _of_batches((data[i] for i in range(len(data))), len(data), most)
        if by_number:
            return _of_rows(data, most)
        if hasattr(data, "element_spec") and hasattr(data, "cardinality"):  # one of TensorFlow
            return _of_batches(data, int(data.cardinality()), most)
    except Exception:  # noqa: BLE001  data sets are the user's, and what is wrong with one, the training itself will say
        return None
    finally:
        checkpoint.set_random_states(states)
    return None  # a stream, which may be there only once


def is_array(value: Any) -> bool:
    """Return True for an array, a tensor, a table or a list, whose rows can be taken by their numbers."""
    return hasattr(value, "shape") or hasattr(value, "iloc") or isinstance(value, list | tuple | str | Mapping)


def _of_rows(data: Any, most: int) -> Rows | None:
    n = len(data)
    index = _sample(n, most)
    parts = [_parts(data[i]) for i in (range(n) if index is None else index.tolist())]
    pairs = [[_one(one) for one in part] for part in parts if part is not None]
    if len(pairs) < len(parts) or not pairs:
        return Rows(n, None, None) if n else None
    inputs, labels = (_joined(np.stack, [pair[side] for pair in pairs], 0) for side in (0, 1))
    whole = as_numpy(data.targets) if hasattr(data, "targets") else None  # as data sets of images have them
    if whole is not None and len(whole) == n:
        return Rows(n, inputs, whole, index)
    return Rows(n, inputs, labels)


def _of_batches(batches: Iterable[Any], n_batches: int, most: int) -> Rows | None:
    """Return the first rows of so many batches, whose number is below 0 where it is unknown, or there is no end."""
    taken: list[list[NDArray[Any] | None]] = []
    n = 0
    for batch in batches:
        part = _parts(batch)
        if part is not None and np.ndim(part[1]) == 0:
            return None  # it gives rows, not batches of them
        taken.append([None, None] if part is None else [as_numpy(one) for one in part])
        n += next((len(one) for one in taken[-1] if one is not None), 0)
        if n >= most:
            break
    else:
        n_batches = len(taken)
    if not n or n_batches < 0:
        return None
    inputs, labels = (_joined(np.concatenate, [one[side] for one in taken], 1) for side in (0, 1))
    total = n * n_batches // len(taken) if n_batches > len(taken) else n
    return Rows(total, inputs, labels)


def _joined(join: Any, arrays: Sequence[NDArray[Any] | None], axis: int) -> NDArray[Any] | None:
    """Return the arrays as one; None where one is unknown, or they differ in their shapes from an axis on."""
    known = [array for array in arrays if array is not None]
    alike = len(known) == len(arrays) and len({array.shape[axis:] for array in known}) == 1
    return join(known) if alike else None


def _parts(item: Any) -> tuple[Any, Any] | None:
    """Return inputs and labels of a row or a batch: a pair, or a mapping as Hugging Face has it."""
    if isinstance(item, Mapping):
        labels = next((name for name in ("labels", "label", "target", "y") if name in item), None)
        names = ("pixel_values", "inputs", "image", "x", "input_ids")
        inputs = next((name for name in names if name in item), None)
        return None if labels is None or inputs is None else (item[inputs], item[labels])
    if isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], item[-1]
    return None


def _one(value: Any) -> NDArray[Any] | None:
    """Return one row's inputs or label as an array, of no axes for a number; a picture is turned into its pixels."""
    if isinstance(value, str | int | float | bool):
        return np.asarray(value)
    found = as_numpy([value] if np.ndim(value) == 0 and not hasattr(value, "size") else value)
    if found is None and hasattr(value, "item"):
        return np.asarray(value.item())
    return found
