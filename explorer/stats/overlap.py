"""Heads and MLPs that the subnetworks of two tasks share, beside what chance alone would share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.arrays import BoolArray
from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.stats.survival import stack_masks

Kind = Literal["heads", "mlps"]
Quantity = Literal["shared", "share", "chance", "chance_share", "chance_low", "chance_high", "kept_a", "kept_b"]


@dataclass(frozen=True)
class Overlap:
    """Components kept by both tasks, mean over the seeds that both have, each seed with itself."""

    task_a: str
    task_b: str
    kind: Kind
    shared: float
    """Mean count of components kept in both."""
    share: float
    """Shared components over all of the model (144 heads, 12 MLPs in BERT-base), 0 to 1."""
    chance: float
    """Count expected of two random masks of these sizes: the hypergeometric mean, kept_a * kept_b / all."""
    chance_share: float
    chance_low: float
    chance_high: float
    """Central 95% of what random masks of these sizes share, mean over seeds; sizes do not explain a count outside."""
    kept_a: float
    kept_b: float
    """Mean counts kept by each task: what a task shares with itself."""
    n_components: int
    seeds: tuple[int, ...]
    undefined: str = ""
    """A sentence where the tasks have no seed in common (all numbers are nan then); empty otherwise."""


@dataclass(frozen=True)
class OverlapMatrix:
    """Every ordered pair of tasks, a task with itself included, for heads and MLPs: one row each."""

    tasks: tuple[str, ...]
    rows: tuple[Overlap, ...]

    def values(self, kind: Kind, quantity: Quantity = "shared") -> NDArray[np.float64]:
        """One quantity as (T, T), rows task_a and columns task_b in the order of tasks."""
        position = {task: index for index, task in enumerate(self.tasks)}
        table = np.full((len(self.tasks), len(self.tasks)), np.nan)
        for row in self.rows:
            if row.kind == kind:
                table[position[row.task_a], position[row.task_b]] = getattr(row, quantity)
        return table


def overlap(task_a: str, masks_a: Mapping[int, Mask], task_b: str, masks_b: Mapping[int, Mask]) -> list[Overlap]:
    """Overlap of two tasks' masks, keyed by seed: one row for heads, one for MLPs.

    Raises BadRequest where a task has no masks or shapes differ.
    """
    if not masks_a or not masks_b:
        raise BadRequest(f"{task_b if masks_a else task_a} has no masks.", "Give one mask per seed.")
    stack_masks([*masks_a.values(), *masks_b.values()])  # refuses mixed shapes, seeds in common or not
    seeds = tuple(sorted(masks_a.keys() & masks_b.keys()))
    if not seeds:
        mask = next(iter(masks_a.values()))
        sizes: tuple[tuple[Kind, int], ...] = (("heads", mask.heads.size), ("mlps", mask.mlps.size))
        return [_no_overlap(task_a, task_b, kind, size) for kind, size in sizes]
    heads_a, mlps_a = stack_masks([masks_a[seed] for seed in seeds])
    heads_b, mlps_b = stack_masks([masks_b[seed] for seed in seeds])
    return [
        _overlap(task_a, task_b, "heads", heads_a, heads_b, seeds),
        _overlap(task_a, task_b, "mlps", mlps_a, mlps_b, seeds),
    ]


def overlap_matrix(masks_by_task: Mapping[str, Mapping[int, Mask]]) -> OverlapMatrix:
    """Overlap of every pair of tasks, from task -> seed -> mask; raises BadRequest as overlap does."""
    if not masks_by_task:
        raise BadRequest("There are no tasks to compare.", "Give the masks of one task or more.")
    rows = [
        row
        for task_a, masks_a in masks_by_task.items()
        for task_b, masks_b in masks_by_task.items()
        for row in overlap(task_a, masks_a, task_b, masks_b)
    ]
    return OverlapMatrix(tuple(masks_by_task), tuple(rows))


def _overlap(
    task_a: str, task_b: str, kind: Kind, kept_a: BoolArray, kept_b: BoolArray, seeds: tuple[int, ...]
) -> Overlap:
    a, b = kept_a.reshape(len(seeds), -1), kept_b.reshape(len(seeds), -1)  # (S, components)
    n = a.shape[1]
    count_a, count_b = a.sum(axis=1), b.sum(axis=1)
    shared = float((a & b).sum(axis=1).mean())
    chance = float((count_a * count_b / n).mean())
    low, high = _chance_interval(count_a, count_b, n)
    return Overlap(
        task_a,
        task_b,
        kind,
        shared,
        shared / n,
        chance,
        chance / n,
        low,
        high,
        float(count_a.mean()),
        float(count_b.mean()),
        n,
        seeds,
    )


def _no_overlap(task_a: str, task_b: str, kind: Kind, n: int) -> Overlap:
    nan = float("nan")
    why = f"{task_a} and {task_b} have no seed in common."
    return Overlap(task_a, task_b, kind, nan, nan, nan, nan, nan, nan, nan, nan, n, (), why)


def _chance_interval(count_a: NDArray[np.int64], count_b: NDArray[np.int64], n: int) -> tuple[float, float]:
    """2.5% and 97.5% quantiles of the mean over seeds of counts that are hypergeometric, each seed on its own."""
    from scipy.stats import hypergeom

    total = np.ones(1)  # the distribution of the sum, seed by seed
    for a, b in zip(count_a, count_b, strict=True):
        total = np.convolve(total, hypergeom.pmf(np.arange(min(a, b) + 1), n, a, b))
    reached = np.cumsum(total)
    low, high = np.searchsorted(reached, (0.025 + 1e-12, 0.975 - 1e-12))
    return float(low) / len(count_a), float(min(high, len(total) - 1)) / len(count_a)
