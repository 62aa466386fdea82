"""TensorFlow, with a loop that is written out; `model.fit` has its callback in `tunewell.adapters.keras`.

    from tunewell.adapters.tensorflow import report, tuned

    for epoch in tuned(range(10), model=model, optimizer=optimizer):
        ...
        report(val_loss=val_loss)

Tracked are models, layers and optimizers of Keras, `tf.Module`, `tf.Variable` and `tf.random.Generator`. Other random
numbers of TensorFlow's, and a data set that shuffles, have states that it does not show: after a crash they begin anew.
"""

from __future__ import annotations

from tunewell.adapters.loop import report, tuned

__all__ = ["report", "tuned"]
