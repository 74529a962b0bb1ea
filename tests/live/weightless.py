"""The scoring process with a model that has no weights, and requests that wait at a gate or end the process."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.errors import BadCheckpoint
from explorer.live import scoring_process, thread_worker
from explorer.live.activation_cache import plan_cache
from explorer.live.evaluation import Evaluation
from explorer.live.model_on_data import ModelOnData, Source
from explorer.live.worker import Request, Steps
from explorer.mask import Mask
from explorer.store.schema import Run
from tests.browser.gate import knock

COMMAND = (sys.executable, "-m", "tests.live.weightless")
UNREADABLE, DEADLY, SLOW = "unreadable", "deadly", "slow "
"""Contents of models: that cannot be read, that end the process, and that knock at the port after it."""


def source(examples, content="of weights"):
    return Source(Path("bundle"), Run("tiny", "MRPC", 7), content, examples)


def opened(source, ledger):
    if source.model_content == UNREADABLE:
        raise BadCheckpoint("The file is cut short.", "Copy it again.")
    if source.model_content == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    if source.model_content.startswith(SLOW):
        knock(int(source.model_content.removeprefix(SLOW)), "load")
    full = Evaluation(Mask.full(2, 2), 0.5, np.zeros((len(source.examples), 2), np.float32), 0.0)
    return ModelOnData(
        source.examples, "sha", source.model_content, "fp32", "3", plan_cache(1, 1, 1, 4, 1), full, None, ()
    )


@dataclass(frozen=True)
class Knocks(Request[str]):
    """Knocks at the test's gate in each turn."""

    name: str
    port: int
    turns: int = 2
    key: str | None = None

    def begin(self, evaluator, ledger):
        return Steps(self._steps(), self.key)

    def _steps(self):
        for number in range(self.turns):
            knock(self.port, f"{self.name} {number}")
            if number + 1 < self.turns:
                yield number
        return f"score of {self.name}"


@dataclass(frozen=True)
class Ends(Request[str]):
    """Ends the process as lack of memory would."""

    def begin(self, evaluator, ledger):
        return Steps(self._steps())

    def _steps(self):
        os.kill(os.getpid(), signal.SIGKILL)
        yield


if __name__ == "__main__":
    thread_worker.opened = opened
    scoring_process.main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
