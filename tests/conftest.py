"""What holds for all tests."""

import os
import uuid

# before NumPy is imported: on small matrices, threads of BLAS that fight for a busy machine cost tens of times the work
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import pytest
from hypothesis import HealthCheck, settings

# time limits fail what is right on a busy machine
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# contracts are written as tests and live in the package, where pytest would not explain a failed assert
pytest.register_assert_rewrite("tunewell.testing")


def pytest_collection_modifyitems(items):
    """The whole way in small comes first: when it fails, all else is a detail."""
    items.sort(key=lambda item: item.path.name != "test_tiny.py")


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of our own."""
    from tunewell.testing.postgresql import PostgresServer, find_binaries

    if find_binaries() is None:
        if os.environ.get("CI"):
            pytest.fail("there is no PostgreSQL server, which must not go unnoticed here")
        pytest.skip("NOT TESTED: PostgreSQL, of which there is no server; install Debian's package postgresql")
    pytest.importorskip("psycopg")
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres):
    """A database with nothing in it."""
    import psycopg

    schema = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url()) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return postgres.url(schema=schema)
