"""A model out of which transformers 4 cut heads: opened in its full shape, with the logits of the gated whole model."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.bert.checkpoints import load_finetuned, load_pretrained
from explorer.bert.engine import Engine
from explorer.bert.model_folder import model_folder
from explorer.bert.reference import reference_logits
from explorer.bert.shards import shard_of
from explorer.errors import BadCheckpoint
from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask, without_heads
from explorer.tickets.gradients import importance
from explorer.tickets.presets import named_masks
from explorer.tickets.structured import prune
from tests import tiny

MRPC = TASKS["MRPC"]
GONE = {"0": [1], "2": [0, 1, 2, 3]}
"""As transformers 4 writes it: one head of the first layer, all of the last."""
LEFT = without_heads(tiny.N_LAYERS, tiny.N_HEADS, [(0, 1), (2, 0), (2, 1), (2, 2), (2, 3)])


def cut_out(folder, gone=GONE):
    """What prune_heads and save_pretrained of transformers 4 leave of a folder, by hand; changed in place."""
    size = tiny.HIDDEN // tiny.N_HEADS

    def change(state):
        small = dict(state)
        for layer, heads in gone.items():
            rows = [head * size + i for head in range(tiny.N_HEADS) if head not in heads for i in range(size)]
            at = f"bert.encoder.layer.{layer}.attention."
            for name in ("query", "key", "value"):
                for part in ("weight", "bias"):
                    small[f"{at}self.{name}.{part}"] = state[f"{at}self.{name}.{part}"][rows]
            small[f"{at}output.dense.weight"] = state[f"{at}output.dense.weight"][:, rows]
        return small

    return tiny.edit_config(tiny.rewrite(folder, change), pruned_heads=gone)


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A copy without those heads."""
    return cut_out(Path(shutil.copytree(tiny_folder, tmp_path / "cut")))


def test_its_logits_are_those_of_the_whole_model_under_the_mask(tiny_folder, folder):
    whole, cut = load_finetuned(str(tiny_folder), MRPC), load_finetuned(str(folder), MRPC)
    encoded = tiny.random_encoded(9)
    wanted = reference_logits(whole, encoded, LEFT)
    assert not np.allclose(wanted, reference_logits(whole, encoded, Mask.full(3, 4)), atol=0.1)
    assert cut.full_mask == LEFT
    shard = shard_of(encoded, np.arange(len(encoded)))
    for mask in (LEFT, Mask.full(3, 4)):  # a gate on a head that is gone changes nothing
        np.testing.assert_allclose(reference_logits(cut, encoded, mask), wanted, atol=tiny.FP32)
        np.testing.assert_allclose(Engine(cut).logits(shard, mask), wanted[shard.indices], atol=tiny.FP32)
    np.testing.assert_array_equal(reference_logits(cut, encoded, LEFT), reference_logits(cut, encoded, Mask.full(3, 4)))


def test_the_check_counts_what_is_there_and_says_what_is_gone(tiny_folder, folder):
    found, whole = model_folder(folder), model_folder(tiny_folder)
    of_head = 4 * 16 * 4 + 3 * 4  # query, key, value and output, and three biases
    assert found.n_parameters == whole.n_parameters - 5 * of_head
    (note,) = found.notes
    assert note.startswith("5 heads (layer-head 1-2, 3-1, 3-2, 3-3, 3-4) had been cut out of it before")


def test_pruning_tickets_and_training_leave_them_out(folder):
    cut = load_finetuned(str(folder), MRPC)
    evaluator = Evaluator(cut, tiny.make_examples(MRPC, 12))
    assert evaluator.full_mask == LEFT
    scores = importance(cut, MRPC, evaluator.encoded, evaluator.labels, LEFT)
    assert not scores.heads[~LEFT.heads].any()
    assert (scores.heads[LEFT.heads] > 0).all()
    steps = list(prune(lambda mask: mask.heads_kept / 7, lambda _: scores, LEFT))
    assert steps[0].mask == LEFT
    assert not any(step.mask.heads[~LEFT.heads].any() for step in steps)
    tickets = {1: LEFT.with_head(0, 0, False), 2: LEFT.with_head(1, 2, False)}
    masks = named_masks((3, 4), tickets, 1, whole=LEFT)
    assert len(masks) == 9
    assert not any(named.mask.heads[~LEFT.heads].any() for named in masks.values())
    assert masks["bad"].mask.heads_kept == masks["random"].mask.heads_kept == tickets[1].heads_kept

    model = load_pretrained(str(folder), MRPC, 0).model.train()
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(model.parameters(), 0.01, weight_decay=0.1)
    tokens = torch.randint(5, 20, (4, 6))
    model(input_ids=tokens, labels=torch.tensor([0, 1, 1, 0])).loss.backward()
    optimizer.step()
    attention = model.bert.encoder.layer[0].attention
    assert not attention.self.query.weight[4:8].any()
    assert not attention.output.dense.weight[:, 4:8].any()
    assert attention.output.dense.weight[:, :4].any()


@pytest.mark.parametrize("gone", [{"7": [0]}, {"0": [9]}, {"0": ["a"]}, [1], {"a": [0]}, {"0": [True]}])
def test_heads_that_it_never_had_are_refused(tiny_folder, tmp_path, gone):
    folder = tiny.edit_config(Path(shutil.copytree(tiny_folder, tmp_path / "odd")), pruned_heads=gone)
    with pytest.raises(BadCheckpoint, match="heads in `pruned_heads` that 3 layers x 4 heads do not have"):
        model_folder(folder)


def test_whole_weights_beside_pruned_heads_are_refused(tiny_folder, tmp_path):
    folder = tiny.edit_config(Path(shutil.copytree(tiny_folder, tmp_path / "whole")), pruned_heads=GONE)
    with pytest.raises(BadCheckpoint, match=r"do not fit its config\.json"):
        load_finetuned(str(folder), MRPC)
