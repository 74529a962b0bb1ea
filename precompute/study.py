"""The whole study of one run: every stage in order, each skipped where it is already done."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.store.schema import Manifest
from explorer.tickets.recipes import Recipe
from precompute.finetune import run_finetune
from precompute.options import Options
from precompute.scoring import PruneConfig, run_ablations, run_importance, run_prune


def run_study(options: Options, model: str, recipe: Recipe | None) -> Iterator[Manifest]:
    """The manifests in the order in which the stages finish; killed half-way, the same call goes on."""
    finetuned = run_finetune(options, model, recipe)
    yield finetuned
    yield run_importance(options, finetuned.model, "expected")
    yield run_prune(options, finetuned.model, PruneConfig("together"))
    yield run_ablations(options, finetuned.model)
