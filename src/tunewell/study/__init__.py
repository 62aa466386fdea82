"""What is searched, and all that is known of it: ask, report and tell, over a record."""

from tunewell.study.study import Spent, Study

__all__ = ["Spent", "Study"]
