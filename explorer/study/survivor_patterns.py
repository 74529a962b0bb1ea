"""The paper's question, from a bundle: are the heads that survive pruning the ones with meaningful patterns?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.errors import BadBundle
from explorer.mask import Mask
from explorer.patterns.classes import CLASSES
from explorer.patterns.per_head import MAP_KINDS, MapKind, class_shares
from explorer.stats.class_shares import ShareTest, pattern_shares
from explorer.stats.survival import stack_masks
from explorer.store.bundle import Bundle
from explorer.store.paper.published import published
from explorer.store.runs_of_task import TOGETHER, complete, seeds_with
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.store.task_tickets import task_tickets
from explorer.study.fitting import why_not

Weights = Literal["pretrained", "finetuned"]
WEIGHTS: tuple[Weights, ...] = ("pretrained", "finetuned")
STAGE = "attention"


@dataclass(frozen=True, eq=False)
class GroupPatterns:
    """One group of heads of one task beside all of the task's heads."""

    weights: Weights
    kind: MapKind
    group: Literal["survivors", "super-survivors"]
    seeds: tuple[int, ...]
    """Seeds whose maps are looked at; the pre-trained maps are the same for all seeds, their survivors are not."""
    test: ShareTest


@dataclass(frozen=True, eq=False)
class SurvivorPatterns:
    """All groups of a task that the bundle has maps and tickets for."""

    task: str
    ticket_seeds: tuple[int, ...]
    """Seeds whose survivors are known; super-survivors survive in all of them."""
    groups: tuple[GroupPatterns, ...]
    notes: tuple[str, ...]
    """Sentences on what is missing, each with the command that makes it."""


def attention_key(model: str, task: str, seed: int, weights: Weights) -> Key:
    """Names an attention artefact; that of the pre-trained weights belongs to no seed."""
    return Key(Run(model, task, seed if weights == "finetuned" else ALL_SEEDS), STAGE, weights)


def survivor_patterns(bundle: Bundle, model: str, task: str, *, within_layers: bool = False) -> SurvivorPatterns:
    """Compares class shares of survivors and super-survivors with those of all heads, for every kind of map and
    weights.

    A head's share of a class is the share of sentences in which it is the most probable one. Raises BadBundle where
    no seed of the task has a ticket, naming the command that makes one.
    """
    tickets = task_tickets(bundle, model, task)
    if not tickets:
        first = next(iter(seeds_with(bundle, model, task, "finetune")), published().seeds[0])
        command = bundle.command_for(Key(Run(model, task, first), *TOGETHER))
        raise BadBundle(f"No run of {task} is pruned, so no head is a survivor yet.", f"Prune one: `{command}`.")
    notes = []
    if len(tickets) < 2:
        notes.append("One seed alone has no super-survivors: they survive in two seeds or more.")
    groups: list[GroupPatterns] = []
    for weights in WEIGHTS:
        keys = {seed: attention_key(model, task, seed, weights) for seed in tickets}
        there = [seed for seed, key in keys.items() if complete(bundle, key)]
        missing = sorted({key for seed, key in keys.items() if seed not in there})
        notes += [_lacks(bundle, key) for key in missing]
        if there:
            read = [bundle.read(keys[seed]) for seed in there]
            for kind in MAP_KINDS:
                shares = np.stack([class_shares(of.table, kind, of.manifest.command) for of in read])  # (S, L, H, C)
                groups += _groups(shares, tickets, there, weights, kind, within_layers)
    return SurvivorPatterns(task, tuple(tickets), tuple(groups), tuple(notes))


def _lacks(bundle: Bundle, key: Key) -> str:
    if why := why_not(bundle, key):
        return f"{key.path} cannot be made: {why}."
    return f"{key.path} is missing. Make it: `{bundle.command_for(key)}`."


def _groups(
    shares: np.ndarray, tickets: dict[int, Mask], seeds: list[int], weights: Weights, kind: MapKind, within_layers: bool
) -> list[GroupPatterns]:
    kept, _ = stack_masks(list(tickets.values()))
    own = kept[[list(tickets).index(seed) for seed in seeds]]  # (S, L, H)
    made = [
        GroupPatterns(
            weights,
            kind,
            "survivors",
            tuple(seeds),
            pattern_shares(shares, own, CLASSES, within_layers=within_layers),
        )
    ]
    if len(tickets) > 1:
        survived = pattern_shares(shares, kept.all(axis=0), CLASSES, within_layers=within_layers)
        made.append(GroupPatterns(weights, kind, "super-survivors", tuple(seeds), survived))
    return made
