"""A run of a bundle in a notebook: its masks, their scores, importance, pruning path, survival and attention maps.

The names are the app's; layers and heads count from 0 here, as everywhere in code. Figures are Plotly's.

>>> import explorer
>>> run = explorer.open_run("SST-2", seed=1337)
>>> mask = run.without(heads=[(0, 3), (4, 7)], mlps=[2])
>>> run.score(mask, on="plain").score.n == len(run.examples("plain"))  # without `on`: GLUE's dev set, where it is
True
>>> run.masks["good"].heads_kept < mask.heads_kept
True
>>> [type(figure).__name__ for figure in (run.importance().figure(), run.survival().figure())]
['Figure', 'Figure']
"""

from __future__ import annotations

from explorer.notebook.opened_run import On, OpenRun, open_run, runs
from explorer.notebook.results import (
    AttentionMap,
    ImportanceScores,
    MaskScore,
    PruningScores,
    TaskSurvival,
    grid_figure,
)

__all__ = [
    "AttentionMap",
    "ImportanceScores",
    "MaskScore",
    "On",
    "OpenRun",
    "PruningScores",
    "TaskSurvival",
    "grid_figure",
    "open_run",
    "runs",
]
