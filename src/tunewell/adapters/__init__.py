"""Adapters of frameworks: a training of theirs as a trial, by at most three lines. Each is imported by its name.

    from tunewell.adapters.keras import TuneCallback

    model.fit(x, y, epochs=10, callbacks=[TuneCallback(run)])

Without a run, an adapter takes the current one: that of the trial that trains, also of a script under `tunewell tune --
python train.py`. A script that `python` runs trains as it would without the adapter.
"""
