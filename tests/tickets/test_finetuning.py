"""Fine-tuning: seeded, resumable to the bit, and nothing but a copy is trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from explorer.errors import BadRequest
from explorer.glue.encoding import encode
from explorer.glue.tasks import TASKS
from explorer.tickets import finetuning, resuming
from explorer.tickets.finetuning import Progress, TrainingSet, epoch_order, finetune
from explorer.tickets.recipes import PAPER, RECIPES, Recipe
from precompute.bench.plain_training import plain_steps
from tests import tiny

MRPC, STSB = TASKS["MRPC"], TASKS["STS-B"]
QUICK = Recipe("quick", learning_rate=1e-3, epochs=2, batch_size=4, weight_decay=0.01, warmup_share=0.2)
FANCY = replace(QUICK, freeze_embeddings=True, group_by_length=True, attention_dropout=0.0)
STATE = "state.safetensors"


class Killed(Exception):
    """As if the process had died."""


def kill_at(step):
    def on_step(progress):
        if progress.step == step:
            raise Killed

    return on_step


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.pretrained(tmp_path_factory.mktemp("base") / "tiny", MRPC, seed=3, scale=0.2)


@pytest.fixture(scope="module")
def data(base):
    examples = tiny.make_examples(MRPC, 18, seed=1)
    return TrainingSet(MRPC, encode(examples, base.tokenizer), examples.labels)


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(first, second):
    first, second = first.state_dict(), second.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_training_learns_and_leaves_the_pretrained_model_alone(base, data):
    before = weights(base.model)
    random = torch.random.get_rng_state()
    seen: list[Progress] = []
    tuned = finetune(base, data, replace(QUICK, epochs=30, learning_rate=3e-3), 1, on_step=seen.append)
    assert torch.equal(torch.random.get_rng_state(), random)
    assert all(torch.equal(before[name], tensor) for name, tensor in base.model.state_dict().items())
    assert [progress.step for progress in seen] == list(range(1, 151))
    assert {progress.steps for progress in seen} == {150}
    assert np.mean([p.loss for p in seen[-5:]]) < 0.5 * np.mean([p.loss for p in seen[:5]])
    assert not tuned.training
    assert not any(parameter.requires_grad for parameter in tuned.parameters())
    assert not base.model.training


@pytest.mark.parametrize("recipe", [QUICK, FANCY], ids=["quick", "fancy"])
@pytest.mark.parametrize("step", [1, 4, 5, 7, 9])
def test_killed_and_resumed_is_the_same_to_the_bit(base, data, recipe, step, tmp_path):
    """10 steps of 2 epochs; killed before, at and after the end of the first, with state saved every 2."""
    whole = finetune(base, data, recipe, 11)
    with pytest.raises(Killed):
        finetune(base, data, recipe, 11, resume_dir=tmp_path, save_every=2, on_step=kill_at(step))
    assert (tmp_path / STATE).exists() == (step > 2)
    seen: list[Progress] = []
    torch.manual_seed(step)  # whatever the new process has drawn before
    resumed = finetune(base, data, recipe, 11, resume_dir=tmp_path, save_every=2, on_step=seen.append)
    assert seen[0].step == (step - 1) // 2 * 2 + 1, "what is saved is not trained again"
    assert same(resumed, whole)


def test_dropout_is_drawn_anew_each_step_and_by_seed(base, data):
    one, again, other = (finetune(base, data, QUICK, seed) for seed in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)
    assert not same(one, finetune(base, data, replace(QUICK, attention_dropout=0.0), 1))


def test_frozen_embeddings_stay(base, data):
    before = weights(base.model)
    after = weights(finetune(base, data, FANCY, 1))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any("embeddings" in name for name in moved)
    unread = "bert.encoder.layer.2.attention.self.key.bias"  # [CLS] alone asks there, and softmax ignores it
    assert moved == {name for name in before if "embeddings" not in name} - {unread}
    assert any("embeddings" in name for name in before)
    free = weights(finetune(base, data, QUICK, 1))
    assert not torch.equal(before["bert.embeddings.LayerNorm.bias"], free["bert.embeddings.LayerNorm.bias"])


def test_attention_dropout_is_that_of_the_model(base, data):
    tuned = finetune(base, data, FANCY, 1)
    assert [layer.attention.self.dropout.p for layer in tuned.bert.encoder.layer] == [0.1] * 3


def test_bf16_trains_fp32_weights(base, data):
    recipe = replace(QUICK, bf16=True, epochs=1)
    tuned = finetune(base, data, recipe, 1, dtype=torch.bfloat16)
    assert {tensor.dtype for tensor in tuned.state_dict().values() if tensor.is_floating_point()} == {torch.float32}
    exact = finetune(base, data, recipe, 1, dtype=torch.float32)
    assert not same(tuned, exact)
    moved = {n: exact.state_dict()[n] - t for n, t in base.model.state_dict().items()}
    apart = {n: exact.state_dict()[n] - t for n, t in tuned.state_dict().items()}
    total = {
        name: sum(float(t.double().square().sum()) for t in part.values())
        for name, part in zip("ma", (moved, apart), strict=True)
    }
    assert total["a"] < 0.3 * total["m"], "bf16 goes where fp32 goes"


def test_bf16_is_used_only_where_the_recipe_allows_it_and_the_processor_is_fast_in_it(monkeypatch):
    for fast in (torch.bfloat16, torch.float32):
        monkeypatch.setattr(finetuning, "fast_dtype", lambda _device, fast=fast: fast)
        assert finetuning.training_dtype(replace(QUICK, bf16=True)) == fast
        assert finetuning.training_dtype(QUICK) == torch.float32


@pytest.mark.parametrize("recipe", [QUICK, replace(FANCY, epochs=3), PAPER], ids=["quick", "fancy", "paper"])
@pytest.mark.parametrize("padded_to", [1, 32])
def test_without_dropout_it_is_a_plain_transformers_loop(base, data, recipe, padded_to):
    """The same batches, padded, through stock BertForSequenceClassification: the same losses, step after step."""
    recipe = replace(recipe, attention_dropout=0.0, batch_size=5)
    exact = tiny.without_dropout(base)
    seen: list[Progress] = []
    finetune(exact, data, recipe, 3, on_step=seen.append)
    losses = list(plain_steps(exact, data, recipe, 3, padded_to=padded_to))
    assert [progress.steps for progress in seen] == [len(losses)] * 4 * recipe.epochs
    assert max(losses) - min(losses) > 0.05, "it trains"
    np.testing.assert_allclose([progress.loss for progress in seen], losses, atol=1e-4)


@pytest.mark.parametrize("stops", [(1, 3, 6), (5,)])
def test_left_off_and_gone_on_with_is_the_same_to_the_bit(base, data, stops, tmp_path):
    whole = finetune(base, data, FANCY, 11)
    for stop in stops:
        part = finetune(base, data, FANCY, 11, resume_dir=tmp_path, save_every=100, stop_after=stop)
        assert not same(part, whole)
    seen: list[Progress] = []
    assert same(finetune(base, data, FANCY, 11, resume_dir=tmp_path, on_step=seen.append), whole)
    assert seen[0].step == stops[-1] + 1


def test_regression_trains_on_the_squared_error(tmp_path):
    base = tiny.pretrained(tmp_path / "stsb", STSB, scale=0.2)
    examples = tiny.make_examples(STSB, 8)
    data = TrainingSet(STSB, encode(examples, base.tokenizer), examples.labels)
    seen: list[Progress] = []
    finetune(base, data, replace(QUICK, epochs=1, batch_size=8, attention_dropout=0.0), 1, on_step=seen.append)
    assert seen[0].loss == pytest.approx(np.mean(examples.labels**2), rel=0.2)  # it starts near 0 everywhere


@pytest.mark.parametrize("what", ["recipe", "seed", "data", "labels", "model"])
def test_the_state_of_another_fine_tuning_is_refused(base, data, what, tmp_path):
    with pytest.raises(Killed):
        finetune(base, data, QUICK, 1, resume_dir=tmp_path, save_every=1, on_step=kill_at(3))
    options = {"pretrained": base, "data": data, "recipe": QUICK, "seed": 1}
    options |= {
        "recipe": {"recipe": replace(QUICK, weight_decay=0.0)},
        "seed": {"seed": 2},
        "data": {"data": replace(data, encoded=data.encoded.subset(np.arange(18)[::-1]))},
        "labels": {"data": replace(data, labels=1 - data.labels)},
        "model": {"pretrained": replace(base, sha256="0")},
    }[what]
    with pytest.raises(BadRequest, match=r"unfinished fine-tuning with other options, data or model. Finish that one"):
        finetune(**options, resume_dir=tmp_path)


def test_a_half_written_state_is_not_used(base, data, tmp_path):
    whole = finetune(base, data, QUICK, 1)
    with pytest.raises(Killed):
        finetune(base, data, QUICK, 1, resume_dir=tmp_path, save_every=2, on_step=kill_at(5))
    content = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(content[: len(content) // 2])
    assert same(finetune(base, data, QUICK, 1, resume_dir=tmp_path), whole)


def test_a_save_that_is_killed_leaves_the_state_before_it(base, data, tmp_path, monkeypatch):
    with pytest.raises(Killed):
        finetune(base, data, QUICK, 1, resume_dir=tmp_path, save_every=2, on_step=kill_at(3))
    before = load_file(tmp_path / STATE)

    def half(_tensors, path, metadata):
        path.write_bytes(b"half")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(resuming, "save_file", half)
        with pytest.raises(Killed):
            finetune(base, data, QUICK, 1, resume_dir=tmp_path, save_every=2)
    assert before.keys() == load_file(tmp_path / STATE).keys()
    assert same(finetune(base, data, QUICK, 1, resume_dir=tmp_path), finetune(base, data, QUICK, 1))


@given(st.integers(1, 300), st.integers(1, 40), st.booleans(), st.integers(0, 2**31), st.integers(0, 5))
def test_an_epoch_covers_every_example_once(n, batch_size, group, seed, epoch):
    recipe = replace(QUICK, batch_size=batch_size, group_by_length=group)
    lengths = np.random.default_rng(0).integers(2, 40, n)
    batches = epoch_order(lengths, recipe, seed, epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(n))
    assert sorted(len(batch) for batch in batches)[1:] == [batch_size] * (len(batches) - 1)
    again = epoch_order(lengths, recipe, seed, epoch)
    assert all((one == two).all() for one, two in zip(batches, again, strict=True))


def test_epochs_and_seeds_differ_and_groups_are_of_similar_length():
    lengths = np.random.default_rng(0).integers(2, 100, 256)
    orders = [np.concatenate(epoch_order(lengths, QUICK, seed, epoch)) for seed, epoch in ((1, 0), (1, 1), (2, 0))]
    assert not any((orders[i] == orders[j]).all() for i, j in ((0, 1), (0, 2), (1, 2)))

    def spread(recipe):
        return float(np.mean([np.ptp(lengths[batch]) for batch in epoch_order(lengths, recipe, 1, 0)]))

    assert spread(FANCY) < spread(QUICK) / 5


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"learning_rate": -1.0}])
def test_a_recipe_that_trains_nothing_is_refused(change):
    with pytest.raises(BadRequest, match="at least one epoch, one example a batch and a positive learning rate"):
        replace(PAPER, **change)


def test_the_papers_recipe():
    assert (PAPER.learning_rate, PAPER.epochs, PAPER.batch_size) == (2e-5, 3, 32)
    assert RECIPES["paper"] is PAPER
    assert not PAPER.freeze_embeddings
