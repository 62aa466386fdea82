"""A study: what is searched, and all that is known of it; ask, report and tell, over a record."""

from tunewell.study.reader import Spent, StudyReader
from tunewell.study.settings import StudySettings
from tunewell.study.study import Study

ReadableStudy = Study | StudyReader
"""Either, for what only reads."""

__all__ = ["ReadableStudy", "Spent", "Study", "StudyReader", "StudySettings"]
