"""What several folders of tests share. Torch is imported by the tests that need it, not here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.browser.gate import Gate

# Neither a slow example nor slowly drawn ones are a failure; what tests hand to @given from fixtures is read-only.
settings.register_profile(
    "no-clock",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("no-clock")
SLOW_FOLDERS = {"browser", "ui", "precompute"}


def pytest_collection_modifyitems(items):
    """Files with long tests come first, then slow folders: the short ones fill what is left on every core."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: (item.path not in long, SLOW_FOLDERS.isdisjoint(item.nodeid.split("/"))))


@pytest.fixture
def gate():
    """Holds work under way in another process, once it is shut."""
    made = Gate()
    yield made
    made.close()


@pytest.fixture
def bounded_memory():
    """In the test, what takes 4 GB more than there is before raises MemoryError; else the machine is what fails."""
    if not Path("/proc/self/statm").exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + 4 * 2**30, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A tiny random BERT with two outputs as a Hugging Face folder named tiny-bert; read-only."""
    from tests import tiny

    return tiny.save_folder(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture(scope="session")
def classifier(tiny_folder):
    """The tiny BERT as a classifier for MRPC; nobody writes to it."""
    from explorer.bert.checkpoints import load_finetuned
    from explorer.glue.tasks import TASKS

    return load_finetuned(str(tiny_folder), TASKS["MRPC"])
