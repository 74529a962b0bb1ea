"""Structured pruning: switch off the least important heads and MLPs until the score falls below 90%.

Prasanna et al. 2020, section 3.2. Selecting, scoring and measuring importance are handed in, so that the
procedure itself is arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.tickets.importance import Importance, normalised_heads, normalised_mlps

Procedure = Literal["recompute", "published"]


@dataclass(frozen=True)
class Phase:
    """Share of heads and number of MLPs that one step of a phase switches off."""

    name: str
    heads_share: float
    """Share of all heads of the model; at least one head a step where it is above 0."""
    mlps: int


TOGETHER = (Phase("together", 0.1, 1), Phase("heads", 0.05, 0), Phase("mlps", 0.0, 1))
HEADS = (Phase("heads", 0.1, 0),)
MLPS = (Phase("mlps", 0.0, 1),)
METHODS: dict[str, tuple[Phase, ...]] = {"together": TOGETHER, "heads": HEADS, "mlps": MLPS}
THRESHOLD = 0.9
"""Share of the full model's score that must hold."""


@dataclass(frozen=True)
class Step:
    """One step: what was tried, why, and what it scored."""

    number: int
    """0 is the full model."""
    phase: str
    mask: Mask
    score: float
    held: bool
    """Whether the score stayed at or above the threshold; the ticket is the last mask that held."""
    importance: Importance | None
    """Importance that chose what to switch off; None for the full model."""


def threshold_of(full_score: float, share: float = THRESHOLD) -> float:
    """Returns 90% of the full model's score; the score itself where it is not positive, so that nothing may be lost."""
    return share * full_score if full_score > 0 else full_score


def ticket(steps: Sequence[Step]) -> Mask:
    """Returns the good subnetwork: the last mask that held."""
    held = [step.mask for step in steps if step.held]
    if not held:
        raise BadRequest("The trajectory has no step that held.", "Run the pruning first.")
    return held[-1]


def prune(
    score: Callable[[Mask], float],
    measure: Callable[[Mask], Importance],
    full: Mask,
    phases: Sequence[Phase] = TOGETHER,
    *,
    procedure: Procedure = "recompute",
    done: Sequence[Step] = (),
    share: float = THRESHOLD,
) -> Iterator[Step]:
    """Yields the steps of a pruning run, each as soon as it is known; those in `done` are not computed again.

    score: the task's metric of a mask. measure: importance of every component under a mask.
    full: the mask that keeps everything. phases: what each step switches off, phase by phase.
    procedure: which importance a later phase starts from, see below. done: steps of an interrupted run.
    share: of the full model's score, which must hold.

    Each phase starts from the last mask that held and ends with the first that does not, or with nothing left.
    recompute: importance is measured on the mask from which the step starts.
    published: as the authors' script, the first step of a later phase uses the importance measured on the
    mask that broke, not on the one restored.

    >>> full = Mask.full(2, 4)
    >>> def measure(mask):  # a head matters more the higher its number
    ...     return Importance(np.arange(8.0).reshape(2, 4), np.arange(2.0), "expected")
    >>> steps = list(prune(lambda mask: 1.0 if mask.heads[:, -1].all() else 0.5, measure, full))
    >>> bool(ticket(steps).heads[:, -1].all())
    True
    """
    steps = list(done)
    if not steps:
        steps.append(Step(0, "full", full, score(full), True, None))
        yield steps[0]
    limit = threshold_of(steps[0].score, share)
    # Going on: in the phase of the last step, or in the next where that one broke. (Counting breaks would not do:
    # a phase with nothing left ends without one.)
    phase_at = 0
    if steps[-1].number:
        phase_at = [phase.name for phase in phases].index(steps[-1].phase) + (not steps[-1].held)
    while phase_at < len(phases):
        phase, current, last = phases[phase_at], ticket(steps), steps[-1]
        if last.held:
            scores = measure(current)
        elif procedure == "published":
            scores = measure(last.mask)
        else:  # the step that broke started from this very mask
            scores = last.importance or measure(current)
        candidate = select(current, scores, phase)
        if candidate == current:
            phase_at += 1
            continue
        value = score(candidate)
        step = Step(len(steps), phase.name, candidate, value, value >= limit, scores)
        steps.append(step)
        yield step
        phase_at += not step.held


def select(mask: Mask, scores: Importance, phase: Phase) -> Mask:
    """Removes from `mask` the least important of what it keeps; returns `mask` where nothing is left to switch off.

    Ties go to the lower layer and head, so that the same scores always give the same mask.
    """
    heads, mlps = mask.heads.copy(), mask.mlps.copy()
    if phase.heads_share > 0:
        many = max(1, int(phase.heads_share * heads.size))
        ranked = np.where(heads, normalised_heads(scores.heads), np.inf).ravel()
        heads.ravel()[np.argsort(ranked, kind="stable")[:many]] = False
    if phase.mlps:
        ranked = np.where(mlps, normalised_mlps(scores.mlps), np.inf)
        mlps[np.argsort(ranked, kind="stable")[: phase.mlps]] = False
    return Mask(heads, mlps)
