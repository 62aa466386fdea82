"""Analyses of a study's record, all read-only.

* `importance`: the hyperparameters by how much they mattered.
* `interactions`: pairs of them that must be chosen together.
* `in_common`: the values that the best trials share.
* `waste`: epochs that a study could have done without.
* `noise`: by how much a new seed changes the metric.
* `bounds`: parameters whose range should be widened.
* `decisions`: the reasons of the scheduler's decisions, and what more search is expected to gain.
* `lineage`: the branches of trials, and the values of their parameters epoch by epoch.
* `twins`: the effect of a change, against the run that went on without it.
"""
