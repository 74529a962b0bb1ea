"""Structured pruning as arithmetic: hand-made scores and importances, exact sequences of masks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.tickets.importance import Importance
from explorer.tickets.structured import (
    HEADS,
    METHODS,
    MLPS,
    TOGETHER,
    Phase,
    prune,
    select,
    threshold_of,
    ticket,
)

FULL = Mask.full(2, 10)
"""20 heads: together switches off 2 heads and 1 MLP a step, heads alone (second phase) 1."""


def fixed(heads, mlps):
    return lambda _mask: Importance(heads.astype(float), mlps.astype(float), "expected")


# Within each layer the same norm, so that normalising keeps the order: 0.0, 1.0, 0.1, 1.1, ... by position.
RISING = fixed(np.array([np.arange(10), np.arange(10)]), np.array([2, 1]))


def off(before, after):
    """Heads and MLPs switched off from one mask to the next."""
    heads = [(int(layer), int(head)) for layer, head in np.argwhere(before.heads & ~after.heads)]
    return heads, np.flatnonzero(before.mlps & ~after.mlps).tolist()


def history(steps):
    return [(step.phase, step.held, step.mask.heads_kept, step.mask.mlps_kept) for step in steps]


def test_together_in_three_phases():
    """Breaks once 5 heads are off, or layer 0's MLP is: two steps together, one head too many, no MLP to spare."""

    def score(mask):
        return 1.0 if mask.heads_kept >= 16 and mask.mlps[0] else 0.5

    steps = list(prune(score, RISING, FULL))
    assert history(steps) == [
        ("full", True, 20, 2),
        ("together", True, 18, 1),  # the first head of both layers, and MLP 1
        ("together", False, 16, 0),  # layer 0's MLP goes: broken
        ("heads", True, 17, 1),
        ("heads", True, 16, 1),
        ("heads", False, 15, 1),
        ("mlps", False, 16, 0),
    ]
    assert off(FULL, steps[1].mask) == ([(0, 0), (1, 0)], [1])
    assert off(steps[1].mask, steps[2].mask) == ([(0, 1), (1, 1)], [0])
    assert off(steps[1].mask, steps[3].mask) == ([(0, 1)], [])  # ties: the lower layer first
    assert off(steps[3].mask, steps[4].mask) == ([(1, 1)], [])
    assert off(steps[4].mask, steps[6].mask) == ([], [0])
    assert ticket(steps) == steps[4].mask
    assert [step.number for step in steps] == list(range(7))
    assert steps[0].importance is None
    assert all(step.importance for step in steps[1:])


def test_heads_alone_and_mlps_alone():
    steps = list(prune(lambda mask: mask.heads_kept / 20, RISING, FULL, HEADS))
    assert history(steps) == [("full", True, 20, 2), ("heads", True, 18, 2), ("heads", False, 16, 2)]
    steps = list(prune(lambda mask: mask.mlps_kept / 2, RISING, FULL, MLPS, share=0.5))
    assert history(steps) == [("full", True, 20, 2), ("mlps", True, 20, 1), ("mlps", False, 20, 0)]
    assert off(steps[0].mask, steps[1].mask) == ([], [1])


def test_the_limit_itself_holds():
    steps = list(prune(lambda mask: 1.0 if mask.is_full else 0.9, RISING, FULL, MLPS))
    assert all(step.held for step in steps)


def test_with_nothing_left_to_prune_it_ends():
    for phases in METHODS.values():
        steps = list(prune(lambda _mask: 1.0, RISING, FULL, phases))
        kept = steps[-1].mask
        assert (kept.heads_kept == 0) == (phases is not MLPS)
        assert (kept.mlps_kept == 0) == (phases is not HEADS)
        assert len({step.mask for step in steps}) == len(steps), "no step that changes nothing"
    empty = Mask(np.zeros((2, 10)), np.zeros(2))
    assert len(list(prune(lambda _mask: 1.0, RISING, empty))) == 1


def test_a_small_model_loses_at_least_one_head_a_step():
    tiny = Mask.full(1, 3)
    steps = list(prune(lambda _mask: 1.0, fixed(np.array([[3, 1, 2]]), np.zeros(1)), tiny, HEADS))
    assert [off(a.mask, b.mask)[0] for a, b in pairwise(steps)] == [[(0, 1)], [(0, 2)], [(0, 0)]]


def test_bert_base_loses_14_heads_then_7():
    rng = np.random.default_rng(0)
    measure = fixed(rng.random((12, 12)), rng.random(12))
    scores = iter([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])  # the full model and two steps together hold, then each phase breaks
    steps = list(prune(lambda _mask: next(scores), measure, Mask.full(12, 12)))
    assert [(s.phase, s.mask.heads_kept, s.mask.mlps_kept) for s in steps] == [
        ("full", 144, 12),
        ("together", 130, 11),
        ("together", 116, 10),
        ("together", 102, 9),
        ("heads", 109, 10),
        ("mlps", 116, 9),
    ]


@pytest.mark.parametrize(
    ("full", "limit"), [(1.0, 0.9), (0.5, 0.45), (0.0, 0.0), (-0.2, -0.2), (float("nan"), float("nan"))]
)
def test_a_score_that_is_not_positive_may_lose_nothing(full, limit):
    assert threshold_of(full) == pytest.approx(limit, nan_ok=True)


def test_a_negative_full_score_breaks_at_the_first_loss():
    scores = iter([-0.2, -0.2, -0.21, -0.3, -0.19, -0.3])
    steps = list(prune(lambda _mask: next(scores), RISING, FULL))
    assert [(step.phase, step.held) for step in steps] == [
        ("full", True),
        ("together", True),
        ("together", False),
        ("heads", False),
        ("mlps", True),
    ], "the last MLP went with the score above the full model's, and nothing was left"


def test_an_undefined_score_never_holds():
    steps = list(prune(lambda mask: 1.0 if mask.is_full else float("nan"), RISING, FULL))
    assert [step.held for step in steps] == [True, False, False, False]


@pytest.mark.parametrize("procedure", ["recompute", "published"])
def test_on_which_mask_importance_is_measured(procedure):
    measured: list[Mask] = []

    def measure(mask):
        measured.append(mask)
        return RISING(mask)

    def score(mask):
        return 1.0 if mask.heads_kept >= 17 and mask.mlps_kept >= 1 else 0.0

    steps = list(prune(score, measure, FULL, procedure=procedure))
    masks = [step.mask for step in steps]
    assert history(steps) == [
        ("full", True, 20, 2),
        ("together", True, 18, 1),
        ("together", False, 16, 0),
        ("heads", True, 17, 1),
        ("heads", False, 16, 1),
        ("mlps", False, 17, 0),
    ]
    # The default need not measure again after a break: the broken step started from the very mask restored.
    on_restored = [masks[0], masks[1], masks[3]]
    on_broken = [masks[0], masks[1], masks[2], masks[3], masks[4]]
    assert measured == (on_restored if procedure == "recompute" else on_broken)


def test_the_published_quirk_can_choose_other_heads():
    """Importance that turns around once MLP 0 is off: published follows it into the next phase."""

    def measure(mask):
        row = np.arange(10.0) if mask.mlps[0] else np.arange(10.0)[::-1]
        return Importance(np.array([row, row]), np.array([1.0, 2.0]), "published")

    def score(mask):
        return float(mask.mlps_kept == 2)

    own = list(prune(score, measure, FULL))
    quirk = list(prune(score, measure, FULL, procedure="published"))
    assert own[1].mask == quirk[1].mask
    assert off(FULL, own[2].mask)[0] == [(0, 0)]
    assert off(FULL, quirk[2].mask)[0] == [(0, 9)]


@st.composite
def runs(draw):
    """A model, a score and an importance that are functions of the mask alone, and any method."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 5)))
    salt = draw(st.integers(0, 10**6))
    hardness = draw(st.sampled_from([0.0, 0.3, 0.6, 1.0]))

    def rng(mask):
        return np.random.default_rng([salt, *mask.code.encode()])

    def score(mask):
        return 1.0 if mask.is_full else float(rng(mask).random() > hardness * 0.5)

    def measure(mask):
        ranks = rng(mask).integers(0, 4, shape).astype(float), rng(mask).integers(0, 4, shape[0]).astype(float)
        return Importance(*ranks, "expected")

    return {
        "score": score,
        "measure": measure,
        "full": Mask.full(*shape),
        "phases": draw(st.sampled_from(list(METHODS.values()))),
        "procedure": draw(st.sampled_from(["recompute", "published"])),
    }


@settings(max_examples=150)
@given(runs())
def test_each_phase_starts_from_the_last_mask_that_held_and_only_shrinks(run):
    steps = list(prune(**run))
    names = [phase.name for phase in run["phases"]]
    positions = [names.index(step.phase) for step in steps[1:]]
    assert positions == sorted(positions)
    for i, step in enumerate(steps[1:], start=1):
        before = ticket(steps[:i])
        assert (step.mask.heads <= before.heads).all()
        assert (step.mask.mlps <= before.mlps).all()
        assert step.mask != before
        phase = run["phases"][names.index(step.phase)]
        heads, mlps = off(before, step.mask)
        assert len(heads) <= max(1, int(phase.heads_share * before.heads.size)) * (phase.heads_share > 0)
        assert len(mlps) <= phase.mlps
        if i > 1 and not steps[i - 1].held:
            assert step.phase != steps[i - 1].phase, "a break ends its phase"
    assert ticket(steps) == [step for step in steps if step.held][-1].mask


@settings(max_examples=150)
@given(runs())
def test_going_on_from_any_step_gives_the_same_trajectory(run):
    whole = list(prune(**run))
    for done in range(len(whole) + 1):
        rest = list(prune(**run, done=whole[:done]))
        assert [(s.number, s.phase, s.mask, s.held) for s in rest] == [
            (s.number, s.phase, s.mask, s.held) for s in whole[done:]
        ]


def test_select_takes_nothing_that_is_off_already():
    scores = Importance(np.array([[0.0, 1, 2], [0, 5, 9]]), np.array([1.0, 0.0]), "expected")
    mask = Mask.full(2, 3).with_head(0, 0, False).with_head(1, 0, False).with_mlp(1, False)
    picked = select(mask, scores, Phase("any", 0.34, 1))
    assert off(mask, picked) == ([(0, 1), (1, 1)], [0])  # after normalising: 0.45 and 0.49 before 0.87 and 0.89
    assert select(picked, scores, Phase("none", 0.0, 0)) == picked


def test_a_trajectory_without_steps_has_no_ticket():
    with pytest.raises(BadRequest, match="no step that held"):
        ticket([])
    (first,) = prune(lambda _mask: 1.0, RISING, FULL, ())
    with pytest.raises(BadRequest):
        ticket([replace(first, held=False)])
    assert TOGETHER[0].name == "together"
