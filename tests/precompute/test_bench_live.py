"""What the benchmark computes beside seconds; the seconds themselves are never a test."""

from __future__ import annotations

import numpy as np
import torch

from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.store.ledger import Ledger
from precompute.bench import figures
from precompute.bench.live import Figure, as_markdown
from tests import tiny


def test_single_toggles_are_every_head_and_every_mlp_once() -> None:
    toggles = list(figures.single_toggles(6, 12))
    assert len(toggles) == len(set(toggles)) == 78
    assert {mask.heads_kept + mask.mlps_kept for mask in toggles} == {77}


def test_flops_by_hand() -> None:
    """One example of t tokens, 2 layers of width d: one in full, and one for [CLS] over the t states."""
    encoded = tiny.random_encoded(40)
    one = encoded.subset(np.flatnonzero(encoded.lengths == encoded.lengths.min())[:1])
    t, d = int(one.lengths[0]), 3
    assert figures.forward_flops(one, 2, d) == (t * 24 * d * d + 4 * t * t * d) + (24 * d * d + 48 * t * d)


def test_the_engine_and_plain_transformers_agree_on_random_masks(classifier) -> None:
    evaluator = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 20), dtype=torch.bfloat16)
    masks = figures.random_masks(6, tiny.N_LAYERS, tiny.N_HEADS)
    assert len(set(masks)) == 6
    assert figures.disagreements(evaluator, classifier, masks) == (0, 120)


def test_a_toggle_ends_after_its_first_news_and_the_ledger_finds_it(classifier, tmp_path) -> None:
    evaluator = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 60), tokens=100)
    mask = Mask.full(tiny.N_LAYERS, tiny.N_HEADS).with_head(0, 0, False)
    toggle = figures.time_toggle(evaluator, mask)
    assert 0 < toggle.first < toggle.final
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert figures.known_seconds(evaluator, [mask], ledger) > 0
    assert ledger.count() == 1


def test_the_table_says_what_is_missed() -> None:
    table = as_markdown([Figure("a", "1 s", "at most 2 s", True), Figure("b", "3 s", "at most 2 s", False)])
    assert table.splitlines()[2:] == ["| a | 1 s | at most 2 s | yes |", "| b | 3 s | at most 2 s | **no** |"]
