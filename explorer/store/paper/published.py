"""The figures that the paper and its authors' repository published, as facts beside which the explorer's stand.

Prasanna, Rogers, Rumshisky, EMNLP 2020, arXiv:2005.00561v2; github.com/sai-prasanna/bert-experiments.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from explorer.arrays import Float64Array
from explorer.errors import BadBundle, BadRequest

FIGURES = Path(__file__).with_name("published_figures.json")
FULL = "full"
MAJORITY = "majority_baseline"
T = TypeVar("T")


@dataclass(frozen=True)
class PublishedScore:
    """A published mean over fine-tuning seeds, in the task's metric on the dev set."""

    mean: float
    population_sd: float
    """With n, as published."""
    n_seeds: int = 5

    @property
    def sample_sd(self) -> float:
        """Standard deviation with n - 1, as everywhere else in the project: the published one times sqrt(5 / 4)."""
        return self.population_sd * math.sqrt(self.n_seeds / (self.n_seeds - 1))


@dataclass(frozen=True, eq=False)
class PublishedSurvival:
    """Share of the five seeds in which each component survived; None where that kind was not pruned."""

    heads: Float64Array | None
    """(12, 12)"""
    mlps: Float64Array | None
    """(12,)"""


@dataclass(frozen=True)
class PublishedPatterns:
    """Shares of attention-pattern classes among super-survivor heads: task -> class -> 0 to 1."""

    classes: tuple[str, ...]
    source: str
    raw: Mapping[str, Mapping[str, float]]
    norm_weighted: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Published:
    """All published figures. Tasks are named as GLUE names them; what was not published raises BadRequest."""

    paper: str
    repository: str
    about: str
    seeds: tuple[int, ...]
    tasks: tuple[str, ...]
    scores: Mapping[str, Mapping[str, PublishedScore]]
    """condition -> task"""
    survivals: Mapping[str, Mapping[str, PublishedSurvival]]
    """family -> task; 'heads', 'mlps' (pruned alone) and 'heads_mlps' (together)."""
    patterns: PublishedPatterns
    magnitude_kept_share: Mapping[str, float]
    """task -> mean share of the prunable weights that magnitude pruning kept."""
    head_kappas: Mapping[str, float]
    """task -> Fleiss' kappa of the seeds over heads (family heads_mlps); four tasks."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of what scores were published for: 'full', 'structured/good/pruned', 'magnitude/bad/retrained', ..."""
        return tuple(self.scores)

    def score(self, condition: str, task: str) -> PublishedScore:
        """Mean and spread over five seeds; raises BadRequest."""
        return _one(_one(self.scores, condition, "condition"), task, "task")

    def majority(self, task: str) -> PublishedScore:
        """The published majority class (STS-B: normal draws); raises BadRequest."""
        return self.score(MAJORITY, task)

    def survival(self, family: str, task: str) -> PublishedSurvival:
        """Survival shares as the paper's heatmaps print them; raises BadRequest."""
        return _one(_one(self.survivals, family, "family"), task, "task")


@cache
def published() -> Published:
    """The figures shipped with the project; raises BadBundle where their file is missing or damaged."""
    try:
        return _parsed(json.loads(FIGURES.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadBundle(
            f"{FIGURES.name} cannot be read ({type(error).__name__}).",
            "Restore it with `git checkout explorer/store`.",
        ) from None


def _parsed(raw: Mapping[str, Any]) -> Published:
    patterns = raw["attention_patterns"]
    classes = tuple(patterns["classes"])

    def shares(of: Mapping[str, list[float]]) -> dict[str, dict[str, float]]:
        return {task: dict(zip(classes, row, strict=True)) for task, row in of.items()}

    return Published(
        paper=raw["paper"],
        repository=raw["repository"],
        about=raw["about"],
        seeds=tuple(raw["seeds"]),
        tasks=tuple(raw["metric"]),
        scores={
            condition: {
                task: PublishedScore(float(mean), float(sd), len(raw["seeds"])) for task, (mean, sd) in of.items()
            }
            for condition, of in raw["scores"].items()
        },
        survivals={
            family: {
                task: PublishedSurvival(_frozen(entry.get("heads")), _frozen(entry.get("mlps")))
                for task, entry in of.items()
            }
            for family, of in raw["survival"].items()
        },
        patterns=PublishedPatterns(
            classes, patterns["source"], shares(patterns["raw"]), shares(patterns["norm_weighted"])
        ),
        magnitude_kept_share=dict(raw["magnitude_kept_share"]),
        head_kappas=dict(raw["head_agreement_fleiss_kappa"]),
    )


def _frozen(values: list[Any] | None) -> Float64Array | None:
    if values is None:
        return None
    array = np.array(values, np.float64)
    array.setflags(write=False)
    return array


def _one(of: Mapping[str, T], name: str, what: str) -> T:
    if name not in of:
        raise BadRequest(f"The paper published nothing for the {what} {name!r}.", f"It did for {', '.join(of)}.")
    return of[name]
