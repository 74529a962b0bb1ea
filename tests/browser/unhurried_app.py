"""The whole app, in which Chrome may take as long as it needs to draw a figure, and a tab to ask for its score."""

from __future__ import annotations

import runpy
from pathlib import Path

from explorer.figures.print import render
from explorer.glue import sources
from explorer.live import worker
from tests.waiting import HANG_SECONDS

worker.PATIENCE = HANG_SECONDS  # before the worker that reads it is imported
sources.HUB_SECONDS = HANG_SECONDS
render.START_SECONDS = render.EACH_SECONDS = HANG_SECONDS
runpy.run_path(str(Path(__file__).parents[2] / "app.py"), run_name="__main__")
