"""Bridges to experiment trackers: records that go out while they grow, and runs that come in.

A study's record is committed before a training hears back, so it is the spool of every tracker: a *follower* reads what
the record has gained and sends it, in a process of its own. A tracker that is slow or down delays nothing, and after a
crash the rest is sent from where the follower was.
"""
