"""A server of a study, for tests that change nothing of it, and for those that do."""

import pytest
from tests.web.served import a_study, serving

from tunewell.web import feed


@pytest.fixture(autouse=True)
def _own_keys(tmp_path_factory, monkeypatch):
    """Keys lie in a folder of the test's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    """A feed says often that it is there, so that a test which waits in vain ends."""
    monkeypatch.setattr(feed, "HEARTBEAT_S", 1.0)


@pytest.fixture
def store(tmp_path):
    """A file with a study of three trials."""
    url = tmp_path / "tunewell.db"
    a_study(url)
    return url


@pytest.fixture
def served(store):
    with serving(store) as served:
        yield served


@pytest.fixture
def browser(served):
    with served.browser() as client:
        yield client
