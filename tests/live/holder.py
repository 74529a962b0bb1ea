"""An app that holds a scoring process and says its number, until it is killed."""

from __future__ import annotations

import sys
import threading

from explorer.glue.tasks import TASKS
from explorer.live.process_worker import ProcessWorker
from tests import tiny
from tests.live import weightless

if __name__ == "__main__":
    worker = ProcessWorker(":memory:", command=weightless.COMMAND)
    loaded = worker.load(weightless.source(tiny.make_examples(TASKS["MRPC"], 5))).result()
    job = worker.submit("anna", weightless.Knocks(loaded, "held", int(sys.argv[1])))
    sys.stdout.write(f"{worker.pid}\n")
    sys.stdout.flush()
    threading.Event().wait()
