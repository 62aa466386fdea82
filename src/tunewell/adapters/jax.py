"""JAX, with a loop that is written out: Optax alone, Flax's Linen or NNX, Equinox.

    from tunewell.adapters.jax import report, tuned

    for epoch in tuned(range(10), model=model, optimizer=optimizer):  # NNX
    for epoch in tuned(range(10), box=box):  # states that are replaced: box["state"] = update(box["state"], ...)
        ...
        report(val_loss=val_loss)

An optimizer takes up a live learning rate if `optax.inject_hyperparams` made it: then the rate is in its state.
"""

from __future__ import annotations

from tunewell.adapters.loop import report, tuned

__all__ = ["report", "tuned"]
