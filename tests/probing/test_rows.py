"""The rows that a probe trains on in place of a training's own, of whatever these come as."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tunewell.probing.rows import one_batch, shuffled_labels

X = np.arange(40.0).reshape(20, 2)
KINDS = {
    "array": np.asarray,
    "list": np.ndarray.tolist,
    "table": pd.DataFrame,
    "sparse matrix": sparse.csr_matrix,
    "sparse array": sparse.coo_array,
}


def plain(rows):
    return rows.toarray() if sparse.issparse(rows) else np.asarray(rows)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_over_and_over_is_of_the_same_kind(kind):
    rows = KINDS[kind](X)
    x, y = one_batch(4, 0)((rows, list(range(20))))
    assert sparse.issparse(x) == sparse.issparse(rows)
    assert len(set(y)) == 4
    assert np.array_equal(plain(x), X[y])


@pytest.mark.parametrize("kind", KINDS)
def test_shuffled_labels_are_the_same_ones_in_another_order(kind):
    x, y = shuffled_labels(0)((X, KINDS[kind](X)))
    assert x is X
    assert not np.array_equal(plain(y), X)
    assert sorted(plain(y).tolist()) == X.tolist()
