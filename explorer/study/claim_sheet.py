"""The four claims of one model and task, put together from all that a bundle holds of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from explorer.stats.agreement import Agreement, agreement
from explorer.stats.effects import Effect, Evidence, gap, kept_share
from explorer.stats.survival import stack_masks
from explorer.store.bundle import Bundle
from explorer.store.paper.published import FULL, MAJORITY, published
from explorer.store.runs_of_task import TOGETHER
from explorer.store.schema import Key, Manifest, Run
from explorer.store.task_tickets import tickets_by_task
from explorer.study.claims import Claim, claim_good, claim_rest_is_worse, claim_unstable, claim_worst_retrained
from explorer.study.comparisons import answers_by_seed, paired_by_seed
from explorer.study.conditions import STATES, TICKET_KINDS, ConditionScore, study_scores
from explorer.study.fitting import why_not
from explorer.study.learnt import beats_baseline
from explorer.study.majority_baseline import MajorityBaseline, majority_baseline_of
from explorer.study.report import by_condition, report_rows

TICKETS, RETRAINED_TICKETS = ({kind: f"structured/{kind}/{state}" for kind in TICKET_KINDS} for state in STATES)
GOOD, RANDOM, BAD = TICKETS.values()
AGAIN = RETRAINED_TICKETS["bad"]
SHOWN = (FULL, *(f"structured/{kind}/{state}" for kind in TICKET_KINDS for state in STATES))
"""The conditions that the claims rest on."""


@dataclass(frozen=True)
class Ticket:
    """Size of the good tickets of a task, over seeds."""

    heads: float
    """Mean share of all heads that is kept."""
    mlps: float
    always: int
    """Heads that every seed keeps."""
    never: int
    n_heads: int
    """How many heads the whole model has."""
    n_seeds: int
    """How many seeds were pruned; with one, `always` and `never` say nothing of seeds."""


@dataclass(frozen=True)
class ClaimSheet:
    """Claims, scores and tickets of one model and task, as the overview shows them."""

    good: Claim
    rest: Claim
    retrained: Claim
    unstable: Claim
    ours: Mapping[str, Evidence]
    """Condition -> scores, for the conditions in SHOWN."""
    theirs: Mapping[str, Evidence]
    """Condition -> scores, as published for BERT-base."""
    published_effects: Mapping[str, Effect]
    """Effects computed from the published means, named 'good', 'rest' and 'retrained'."""
    majority: MajorityBaseline | None
    published_majority: float
    ticket: Ticket | None
    heads: Agreement | None
    mlps: Agreement | None
    n_examples: int
    """Examples of the dev set; 0 for imported scores."""
    never: Mapping[str, str] = field(default_factory=dict)
    """Claims ('retrained', 'unstable') that can never be decided of this model, with why, for a sentence's end."""
    learnt: bool = True
    """Whether the full model beats its baseline; where not, every claim is open and nothing is claimed."""


def claim_sheet(bundle: Bundle, manifests: Sequence[Manifest], model: str, task: str) -> ClaimSheet:
    """Reads, compares and judges; raises BadBundle where a file is damaged. Takes about a second for five seeds."""
    by_seed = study_scores(bundle, model, task)
    rows = by_condition(report_rows(bundle, task, model, by_seed))
    ours = {name: _ours(rows[name], name, by_seed) for name in SHOWN}
    theirs = {name: _theirs(rows[name]) for name in SHOWN}
    line = majority_baseline_of(bundle, model, task)
    good, random, bad, again = (ours[name] for name in (GOOD, RANDOM, BAD, AGAIN))

    answers = answers_by_seed(bundle, by_seed, SHOWN)
    masks = tickets_by_task(manifests, model).get(task, {})
    heads, mlps = agreement(masks) if len(masks) > 1 else (None, None)
    ticket = _ticket(list(masks.values())) if masks else None
    sheet = ClaimSheet(
        good=claim_good(ours[FULL], good, paired_by_seed(answers, GOOD, FULL), line),
        rest=claim_rest_is_worse(
            ours[FULL],
            good,
            random,
            bad,
            paired_by_seed(answers, GOOD, RANDOM),
            paired_by_seed(answers, GOOD, BAD),
            line,
        ),
        retrained=claim_worst_retrained(ours[FULL], bad, again, paired_by_seed(answers, AGAIN, FULL), line),
        unstable=claim_unstable(
            heads,
            ticket.always if ticket else 0,
            ticket.never if ticket else 0,
            _next_seed(bundle, manifests, model, task, list(masks)),
        ),
        ours=ours,
        theirs=theirs,
        published_effects={
            "good": kept_share(theirs[GOOD], theirs[FULL]),
            "rest": gap(theirs[BAD], theirs[GOOD]),
            "retrained": kept_share(theirs[AGAIN], theirs[FULL]),
        },
        majority=line,
        published_majority=float(rows[MAJORITY]["published_mean"]),
        ticket=ticket,
        heads=heads,
        mlps=mlps,
        n_examples=max((scores[FULL].n for scores in by_seed.values()), default=0),
    )
    sheet = _with_never(sheet, bundle, Run(model, task, next(iter(by_seed), 0)), len(masks))
    fulls = [scores[FULL] for scores in by_seed.values() if FULL in scores]
    return sheet if beats_baseline(fulls, line, ours[FULL].mean) else _claiming_nothing(sheet)


def _with_never(sheet: ClaimSheet, bundle: Bundle, run: Run, pruned: int) -> ClaimSheet:
    """Says of the claims that no run of this model can ever decide why not, where nothing decides them."""
    if not sheet.ours[FULL].n_seeds:
        return sheet
    again, seed = Key(run, "retrained", "bad"), Key(_other_seed(run), *TOGETHER)
    never = {}
    if sheet.ours[AGAIN].n_seeds == 0 and (why := why_not(bundle, again)):
        never["retrained"] = why
        sheet = replace(sheet, retrained=Claim("open", f"Cannot be told: {why}."))
    if pruned < 2 and (why := why_not(bundle, seed)):
        never["unstable"] = why
        sheet = replace(sheet, unstable=Claim("open", f"Cannot be told: {why}."))
    return replace(sheet, never=never)


def _other_seed(run: Run) -> Run:
    return replace(run, seed=next(seed for seed in published().seeds if seed != run.seed))


def _claiming_nothing(sheet: ClaimSheet) -> ClaimSheet:
    """Opens every claim: of a model that has learnt nothing, no ticket can keep anything."""
    line, mean = sheet.majority, sheet.ours[FULL].mean
    of = f"{line.title} ({line.score:.3f})" if line else "baseline"
    claim = Claim(
        "open",
        f"Degenerate: the full model scores {mean:.3f}, not measurably more than the {of}. There is nothing to keep, "
        "so nothing is claimed.",
    )
    return replace(sheet, good=claim, rest=claim, retrained=claim, unstable=claim, learnt=False)


def _ours(row: Mapping[Any, Any], name: str, by_seed: Mapping[int, Mapping[str, ConditionScore]]) -> Evidence:
    known = {seed: scores[name] for seed, scores in by_seed.items() if name in scores}
    known = {seed: found for seed, found in known.items() if not math.isnan(found.score)}
    low, high = float(row["low"]), float(row["high"])
    if len(known) == 1:  # no interval over seeds: the one seed's, over examples
        one = next(iter(known.values()))
        low, high = one.low, one.high
    values = {seed: found.score for seed, found in known.items()}
    return Evidence(float(row["mean"]), float(row["sd"]), int(row["n_seeds"]), low, high, values, str(row["missing"]))


def _theirs(row: Mapping[Any, Any]) -> Evidence:
    return Evidence(float(row["published_mean"]), float(row["published_sd"]), len(published().seeds))


def _ticket(masks: Sequence[Any]) -> Ticket:
    heads, mlps = stack_masks(masks)
    always, never = int(heads.all(axis=0).sum()), int((~heads.any(axis=0)).sum())
    return Ticket(float(np.mean(heads)), float(np.mean(mlps)), always, never, int(heads[0].size), len(heads))


def _next_seed(bundle: Bundle, manifests: Sequence[Manifest], model: str, task: str, there: Sequence[int]) -> str:
    """The command that prunes a seed more; empty for a model that was imported."""
    if not any((manifest.stage, manifest.model) == ("finetune", model) for manifest in manifests):
        return ""
    other = Run(model, task, next((seed for seed in published().seeds if seed not in there), 0))
    return "" if why_not(bundle, Key(other, *TOGETHER)) else bundle.study_command_for(other)
