import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import engines

# One machine is slower than another, and a failure must be seen again: no deadline, the same examples in every run.
settings.register_profile("crmkit", deadline=None, max_examples=30, derandomize=True, database=None)
settings.load_profile("crmkit")


# What takes longest begins first: a file of few long tests at the end would leave the other worker idle. xdist's own
# order, by the number of tests, puts them last (`--no-loadscope-reorder` turns it off).
LONGEST = (
    "spark",
    "tests/test_engines.py",
    *(
        f"tests/test_{name}.py"
        for name in (
            *("notebooks", "batch_postgres", "alert_states", "season_clock", "churn_model", "documents", "clv"),
            *("batch_kills", "cli", "batch_faults", "batch", "rfm_invariants", "purchases", "repurchase"),
        )
    ),
)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file on one worker, for what its tests share, and all of Spark on one: a JVM takes long to start and warm.

    So one worker has Spark while the other has the matrix, and the small files fill what is left (`--dist loadgroup`).
    """
    for item in items:
        group = _group(item)
        item.add_marker(pytest.mark.xdist_group(group))
        if engines.NO_SPARK and group == "spark":
            item.add_marker(pytest.mark.skip(reason=engines.NO_SPARK))
    rank = {group: place for place, group in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(_group(item), len(rank)))


def _group(item: pytest.Item) -> str:
    return "spark" if item.get_closest_marker("spark") is not None else item.location[0]


@pytest.fixture(scope="session", autouse=True)
def _spark_stopped_afterwards() -> Iterator[None]:
    with engines.spark_stopped_afterwards():
        yield


@pytest.fixture(params=engines.EVERY_ENGINE)
def engine(request: pytest.FixtureRequest) -> str:
    """Name of an engine; a test that takes it runs on every one."""
    return request.param


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of public data sets; tests that need it are skipped where `CRMKIT_DATA` is not set."""
    folder = os.environ.get("CRMKIT_DATA")
    if not folder:
        pytest.skip("CRMKIT_DATA is not set: it names the folder of public data sets")
    return Path(folder)
