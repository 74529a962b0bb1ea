"""Whether claims (a) and (b) survive where the mean stands in for a head or MLP that is off, and not nothing.

Mean ablation: Li and Janson 2024 (arXiv:2409.09951), section 2. Goes beyond the paper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from statistics import fmean

import numpy as np

from explorer.arrays import AnyArray
from explorer.bert.stand_ins import MEAN, ZERO
from explorer.mask import Mask
from explorer.stats.effects import Effect, Evidence, gap, kept_share
from explorer.stats.intervals import seed_spread
from explorer.stats.paired import PairedDifference, compare
from explorer.stats.ranks import RankAgreement, rank_agreement
from explorer.store.bundle import Artefact, Bundle
from explorer.store.runs_of_task import complete, in_paper_order, seeds_with
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import task_tickets
from explorer.study.claims import Claim, claim_good, claim_rest_is_worse
from explorer.study.conditions import TICKET_KINDS
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.stored_scores import KnownRun, known_run
from explorer.study.words import seeds

FULL = "full"
Setting = tuple[str, str]
"""What a ticket was found under, and what stands in where it is scored."""
PAPER, SAME_TICKET, THROUGHOUT = (ZERO, ZERO), (ZERO, MEAN), (MEAN, MEAN)
SETTINGS: Mapping[Setting, str] = {
    PAPER: "nothing (the paper)",
    SAME_TICKET: "the mean, in the same tickets",
    THROUGHOUT: "the mean, pruned with it too",
}
"""The three that are shown -> what stands in, in words."""


@dataclass(frozen=True, eq=False)
class MeanAblatedRun:
    """One run, with zeros and with means in the place of what is off, on the same n dev examples."""

    known: KnownRun
    tickets: Mapping[str, Mask]
    """What stood in where it was pruned -> the good ticket."""
    predictions: Mapping[tuple[str, str, str], AnyArray]
    """Found under, kind, what stands in -> (n,)."""
    scores: Mapping[tuple[str, str, str], tuple[float, float, float]]
    """Found under, kind, what stands in -> score and the ends of its 95% interval over examples."""
    alone: RankAgreement | None
    """Whether parts switched off alone cost in one order under both; None where the bundle lacks one."""
    sample: int
    """Training examples behind the means."""


def mean_ablated_run(artefact: Artefact, known: KnownRun, ablations: Artefact | None) -> MeanAblatedRun:
    """Reads a run's artefact of stage mean-ablated. ablations: its scores with single parts off and nothing there."""
    table, said = artefact.table, artefact.arrays["predictions"]
    predictions, scores, tickets = {}, {}, {}
    for at, row in enumerate(table.to_dict("records")):
        if row["part"] != "ticket":
            continue
        key = str(row["found"]), str(row["name"]), str(row["instead"])
        predictions[key], scores[key] = said[at], (float(row["score"]), float(row["low"]), float(row["high"]))
        if row["name"] == "good":
            tickets[key[0]] = Mask.from_code(str(row["mask"]), *known.shape)
    alone = table[table["part"] == "alone"]
    lost = dict(zip(alone["name"], known.full.score - alone["score"], strict=True))
    sample = int(artefact.manifest.summary["examples_of_means"])
    return MeanAblatedRun(known, tickets, predictions, scores, _ranks(lost, ablations), sample)


def _ranks(lost: Mapping[str, float], ablations: Artefact | None) -> RankAgreement | None:
    if ablations is None:
        return None
    zero = dict(zip(ablations.table["component"], ablations.table["loss"], strict=True))
    both = np.array([(zero[name], lost[name]) for name in lost if name in zero])
    if len(both) < len(lost) or not np.isfinite(both).all():
        return None
    return rank_agreement(both[:, 0], both[:, 1], resamples=999)


@dataclass(frozen=True, eq=False)
class MeanAblation:
    """One task over the seeds that have both."""

    task: str
    runs: Mapping[int, MeanAblatedRun]
    majority: MajorityBaseline | None
    learnt: bool
    """Whether the full model beats its baseline; where not, nothing is claimed."""

    @property
    def n(self) -> int:
        """Dev examples."""
        return len(next(iter(self.runs.values())).known.labels)

    def evidence(self, kind: str, setting: Setting = PAPER) -> Evidence:
        """The scores of good, random or bad tickets over seeds, or of the full model."""
        if kind == FULL:
            return _evidence({seed: (run.known.full.score, math.nan, math.nan) for seed, run in self.runs.items()})
        found, instead = setting
        return _evidence({seed: run.scores[found, kind, instead] for seed, run in self.runs.items()})

    def paired(self, a: tuple[str, Setting], b: tuple[str, Setting]) -> Mapping[int, PairedDifference]:
        """Seed -> a minus b on the same examples; each a kind, or 'full', and a setting."""
        return {
            seed: compare(run.known.task.metric, _said(run, a), _said(run, b), run.known.labels)
            for seed, run in self.runs.items()
        }

    def share(self, kind: str, setting: Setting) -> Effect:
        """What a kind of ticket keeps of the full model's score."""
        paired = self.paired((kind, setting), (FULL, PAPER))
        return kept_share(self.evidence(kind, setting), self.evidence(FULL), paired)

    def moved(self, kind: str) -> Effect:
        """The score of the very same ticket with means, minus that with nothing in the place of what is off."""
        paired = self.paired((kind, SAME_TICKET), (kind, PAPER))
        return gap(self.evidence(kind, SAME_TICKET), self.evidence(kind, PAPER), paired)

    @cached_property
    def claims(self) -> Mapping[Setting, tuple[Claim, Claim]]:
        """Setting -> claims (a) and (b) by the rules of the overview."""
        return {setting: self._judged(setting) for setting in SETTINGS}

    def _judged(self, setting: Setting) -> tuple[Claim, Claim]:
        if not self.learnt:
            nothing = Claim("open", "Degenerate: the full model has learnt nothing that could be kept.")
            return nothing, nothing
        full = self.evidence(FULL)
        good, random, bad = (self.evidence(kind, setting) for kind in TICKET_KINDS)
        of_full, of_random, of_bad = (
            self.paired(("good", setting), (kind, setting)) for kind in (FULL, "random", "bad")
        )
        return (
            claim_good(full, good, of_full, self.majority),
            claim_rest_is_worse(full, good, random, bad, of_random, of_bad, self.majority),
        )

    def kept(self, found: str) -> tuple[float, float]:
        """Heads and MLPs that are left of pruning, means over seeds."""
        masks = [run.tickets[found] for run in self.runs.values()]
        return fmean(mask.heads_kept for mask in masks), fmean(mask.mlps_kept for mask in masks)


def _evidence(of: Mapping[int, tuple[float, float, float]]) -> Evidence:
    known = {seed: found for seed, found in of.items() if not math.isnan(found[0])}
    if not known:
        return Evidence()
    by_seed = {seed: score for seed, (score, _, _) in known.items()}
    spread = seed_spread(list(by_seed.values()))
    low, high = (spread.low, spread.high) if len(known) > 1 else next(iter(known.values()))[1:]
    return Evidence(spread.mean, spread.sd, len(known), low, high, by_seed)


def _said(run: MeanAblatedRun, of: tuple[str, Setting]) -> AnyArray:
    kind, (found, instead) = of
    return run.known.full.predictions if kind == FULL else run.predictions[found, kind, instead]


def read_mean_ablation(
    bundle: Bundle, model: str, task: str, majority: MajorityBaseline | None, learnt: bool
) -> MeanAblation | None:
    """Reads a task's seeds that have the stage, of the tickets that the bundle now holds; None where none has.

    majority, learnt: the task's baseline, and whether the full model beats it. Raises BadBundle.
    """
    tickets, runs = task_tickets(bundle, model, task), {}
    for seed in sorted(seeds_with(bundle, model, task, "mean-ablated"), key=in_paper_order):
        run = Run(model, task, seed)
        manifest = bundle.manifest(Key(run, "mean-ablated"))
        if seed not in tickets or manifest.config["ticket"] != tickets[seed].code:
            continue
        alone = complete(bundle, Key(run, "ablations"))
        ablations = bundle.read(alone.key) if alone else None
        runs[seed] = mean_ablated_run(bundle.read(manifest.key), known_run(bundle, run), ablations)
    return MeanAblation(task, runs, majority, learnt) if runs else None


def every_pair() -> tuple[tuple[str, Setting], ...]:
    """Lists kinds with settings, as the figure and the table show them."""
    return tuple(product(TICKET_KINDS, SETTINGS))


def over_words(of: MeanAblation) -> str:
    """'5 seeds', or '408 examples of one seed': what its intervals are over."""
    return seeds(len(of.runs)) if len(of.runs) > 1 else f"{of.n:,} examples of one seed"
