"""Masks that surprise: none where answers add up, the right ones where two parts need each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.figures.surprises import surprises_figure
from explorer.figures.worth import worth_overlay
from explorer.glue.tasks import TASKS
from explorer.study.mask_bank import MaskBank, additivity, parts_worth
from explorer.study.surprises import surprise_words, surprises_of
from explorer.tickets.criteria import random_masks

SHAPE, PARTS, N = (2, 2), 6, 120


def bank_of(right, labels, task="MRPC"):
    """right: masks (M, C) to who is right, (M, n)."""
    kept, rates = random_masks(PARTS, 120)
    return MaskBank(TASKS[task], kept, rates, np.where(right(kept), 1, -1).astype(np.float16), labels)


def additive(kept):
    """An example is right where one part, its own, is on."""
    return kept[:, np.arange(N) % PARTS]


def together(kept):
    """Half of the examples need the first two parts, the others add up."""
    return np.where(np.arange(N) < N // 2, (kept[:, 0] & kept[:, 1])[:, None], additive(kept))


def test_what_adds_up_does_not_surprise():
    found = surprises_of(bank_of(additive, np.arange(N) % 2.0), SHAPE)
    np.testing.assert_allclose(found.value, 0, atol=1e-9)
    assert not found.beyond_noise.any()
    assert surprise_words(found, "accuracy").endswith("120 examples tell no mask from what its parts add up to.")


def test_two_parts_that_need_each_other_surprise_where_both_are_alike():
    bank = bank_of(together, np.arange(N) % 2.0)
    found = surprises_of(bank, SHAPE)
    np.testing.assert_allclose(found.value, bank.surprises(), atol=1e-9)
    np.testing.assert_allclose(found.scores, bank.scores())
    alike, half = bank.kept[:, 0] == bank.kept[:, 1], bank.rates == 0.5
    assert found.value[half & alike].mean() > 0.05
    assert found.value[half & ~alike].mean() < -0.05
    assert (found.value[half & ~alike] < 0).all()
    assert found.beyond_noise.sum() > 20
    assert (found.low < found.value).all()
    words = surprise_words(found, "accuracy")
    assert f"**{found.beyond_noise.sum()} of 120** random masks" in words
    first = found.table().iloc[0]
    assert (found.masks[found.surest()], found.off[found.surest()]) == (first["mask"], first["off"])


def test_intervals_cover_over_examples_and_over_the_masks_of_the_fit():
    """Ten masks stay; examples and all other masks are drawn anew. The truth: of 20,000 of each."""
    rng, inside, widths = np.random.default_rng(3), [], []
    stay = rng.random((10, PARTS)) < 0.5

    def bank(masks, n):
        kept = np.concatenate([stay, rng.random((masks, PARTS)) < 0.5])
        ease = 0.2 + 0.5 * kept[:, 0] * kept[:, 1] + 0.2 * kept[:, 2:].mean(axis=1)
        hard = rng.random((1, n))
        margins = np.where(ease[:, None] > hard, 1, -1).astype(np.float16)
        return MaskBank(TASKS["MRPC"], kept, np.full(len(kept), 0.5), margins, np.zeros(n))

    truth = bank(20_000, 2000).surprises()[:10]
    for _ in range(60):
        found = surprises_of(bank(60, 150), SHAPE)
        inside.append((found.low[:10] <= truth) & (truth <= found.high[:10]))
        widths.append((found.high - found.low)[:10].mean())
    assert 0.9 < np.mean(inside) < 0.99
    assert np.mean(widths) < 0.5


def test_what_the_keep_rate_tells_is_not_credited_to_the_parts():
    """Every part is worth the same: who knows how many are on knows as much as who adds up."""
    rng = np.random.default_rng(0)
    ease = rng.random(N)
    kept, rates = random_masks(PARTS, 400)
    by_rate = MaskBank(
        TASKS["MRPC"], kept, rates, np.where(rates[:, None] > ease, 1, -1).astype(np.float16), np.zeros(N)
    )
    found = additivity(by_rate)
    assert found.missed == pytest.approx(0, abs=1e-9)
    assert np.isnan(found.explained), "nothing is left to explain"
    adds_up = additivity(bank_of(additive, np.zeros(N)))
    assert (adds_up.missed, adds_up.explained) == (pytest.approx(0, abs=1e-9), pytest.approx(1))
    assert adds_up.by_rate > 0.05
    noise = replace(by_rate, margins=np.where(rng.random((400, N)) < 0.5, 1, -1).astype(np.float16))
    low, high = additivity(noise).explained_interval
    assert low < additivity(noise).explained < high
    assert additivity(noise).explained < 0.02


def test_masks_that_give_one_answer_are_told_apart_and_never_the_surest():
    labels = np.arange(N) % 2.0

    def right(kept):
        return np.where(kept[:, :1], together(kept), labels[None] == 1)  # without the first part: class 1 for all

    bank = bank_of(right, labels)
    found = surprises_of(bank, SHAPE)
    assert (found.one_answer == ~bank.kept[:, 0]).all()
    assert not found.one_answer[found.surest()]
    drawn = surprises_figure(found, metric="accuracy", marked=found.masks[found.surest()])
    hollow = next(trace for trace in drawn.data if trace.name and trace.name.startswith("one answer"))
    assert len(hollow.x) == found.one_answer.sum()
    assert sum(len(trace.x) for trace in drawn.data) == len(found.value) + 1
    assert "give every example the same answer" in surprise_words(found, "accuracy")


@pytest.mark.parametrize(("task", "labels"), [("MNLI", np.arange(N) % 3.0), ("STS-B", np.linspace(0, 5, N))])
def test_of_other_tasks_one_answer_is_not_told(task, labels):
    bank = bank_of(together, labels, task)
    assert not bank.one_answer().any()
    assert np.isfinite(surprises_of(bank, SHAPE).value).all()


def test_the_part_that_is_most_surely_worth_something_comes_first():
    kept, rates = random_masks(PARTS, 120)
    ease = 0.2 + 0.6 * kept[:, 4:5] + np.random.default_rng(0).normal(0, 0.03, (120, 1))
    margins = np.where(ease > np.linspace(0, 1, N)[None], 1, -1).astype(np.float16)
    of = parts_worth(MaskBank(TASKS["MRPC"], kept, rates, margins, np.zeros(N)))
    assert of.surest() == 4
    assert of.beyond_noise[4]
    assert of.beyond_noise.sum() < 3
    assert (of.q <= 1).all()
    overlay = worth_overlay(of, "accuracy", SHAPE)
    assert (np.isnan(overlay.overlay.heads.ravel()) == ~of.beyond_noise[:4]).all()
    assert overlay.overlay.mlps[0] == 1
    assert ("of accuracy over 120 masks, not told from nothing" in overlay.head_words[0, 0]) != of.beyond_noise[0]
    assert overlay.mlp_words[0].startswith("Worth +0.")


def test_a_mask_within_noise_is_never_called_the_surest():
    found = surprises_of(bank_of(additive, np.arange(N) % 2.0), SHAPE)
    q, floor = np.ones(len(found.value)), np.zeros(len(found.value), np.bool_)
    q[3], floor[3] = 0.001, True
    said = surprise_words(replace(found, q=q, one_answer=floor), "accuracy")
    assert "**1 of 120**" in said
    assert "tell no other mask from what its parts add up to" in said
    assert "The surest" not in said
