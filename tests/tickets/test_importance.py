"""Importance against the slow, obvious way, and the normalisations by hand."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.bert.batches import pad
from explorer.bert.gates import gated, gates_of
from explorer.errors import BadRequest
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.tickets.finetuning import loss_per_example
from explorer.tickets.gradients import importance
from explorer.tickets.importance import Estimator, Importance, normalised_heads, normalised_mlps
from tests import tiny

MRPC, STSB = TASKS["MRPC"], TASKS["STS-B"]
ENCODED = tiny.random_encoded(9, seed=4)
LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1], np.float64)
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)
SOME = FULL.with_layer(1, False).with_head(0, 2, False)


def gradient(classifier, indices, mask, *, mean=True, task=MRPC, labels=LABELS):
    """|d mean loss / d gate| of one batch in the order given: heads (L, H) and MLPs (L,), with their signs."""
    gates = [gate.requires_grad_(True) for gate in gates_of(mask)]
    batch = pad(ENCODED, np.asarray(indices))
    with gated(classifier.model, *gates):
        logits = classifier.model(
            input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
        ).logits
        losses = loss_per_example(task, logits, torch.from_numpy(labels[batch.indices]))
        heads, mlps = torch.autograd.grad(losses.mean() if mean else losses.sum(), gates)
    return heads.double().numpy(), mlps.double().numpy()


def close(found, heads, mlps):
    np.testing.assert_allclose(found.heads, heads, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.mlps, mlps, rtol=1e-4, atol=1e-6)
    assert found.heads.min() > 0


@pytest.mark.parametrize("mask", [FULL, SOME])
def test_expected_is_the_mean_absolute_gradient_of_one_example_at_a_time(classifier, mask):
    alone = [gradient(classifier, [i], mask) for i in range(9)]
    found = importance(classifier, MRPC, ENCODED, LABELS, mask, "expected", batch_size=4)
    close(found, np.mean([abs(h) for h, _ in alone], 0), np.mean([abs(m) for _, m in alone], 0))
    assert found.estimator == "expected"


@pytest.mark.parametrize("batch_size", [1, 3, 9, 100])
def test_expected_does_not_depend_on_the_batch_size(classifier, batch_size):
    found = importance(classifier, MRPC, ENCODED, LABELS, FULL, batch_size=batch_size)
    other = importance(classifier, MRPC, ENCODED, LABELS, FULL, batch_size=5)
    close(found, other.heads, other.mlps)


def test_batch_is_the_mean_over_batches_of_their_absolute_gradients(classifier):
    (h1, m1), (h2, m2) = (gradient(classifier, batch, FULL) for batch in (range(5), range(5, 9)))
    found = importance(classifier, MRPC, ENCODED, LABELS, FULL, "batch", batch_size=5)
    close(found, (abs(h1) + abs(h2)) / 2, (abs(m1) + abs(m2)) / 2)


def test_published_sums_running_totals_in_the_order_of_the_file(classifier):
    (h1, m1), (h2, m2) = (gradient(classifier, batch, FULL) for batch in (range(5), range(5, 9)))
    found = importance(classifier, MRPC, ENCODED, LABELS, FULL, "published", batch_size=5)
    close(found, (abs(h1) + abs(h1 + h2)) / 2, (abs(m1) + abs(m1 + m2)) / 2)
    turned = ENCODED.subset(np.arange(9)[::-1])
    other = importance(classifier, MRPC, turned, LABELS[::-1].copy(), FULL, "published", batch_size=5)
    assert np.abs(found.heads - other.heads).max() > 1e-4, "it depends on the order, which is why it is not the default"


def test_with_one_example_all_estimators_agree(classifier):
    one = ENCODED.subset(np.array([3]))
    found = [importance(classifier, MRPC, one, LABELS[3:4], FULL, name) for name in get_args(Estimator)]
    for other in found[1:]:
        close(found[0], other.heads, other.mlps)


def test_regression_uses_the_squared_error(tmp_path):
    classifier = tiny.finetuned(tmp_path / "stsb", STSB)
    labels = np.linspace(0, 5, 9)
    alone = [gradient(classifier, [i], FULL, task=STSB, labels=labels) for i in range(9)]
    found = importance(classifier, STSB, ENCODED, labels, FULL)
    close(found, np.mean([abs(h) for h, _ in alone], 0), np.mean([abs(m) for _, m in alone], 0))


def test_measuring_leaves_no_hook_no_gradient_and_no_change(classifier):
    before = {name: tensor.clone() for name, tensor in classifier.model.state_dict().items()}
    importance(classifier, MRPC, ENCODED, LABELS, FULL, batch_size=4)
    assert all(torch.equal(before[name], tensor) for name, tensor in classifier.model.state_dict().items())
    assert all(parameter.grad is None for parameter in classifier.model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in classifier.model.modules())


def test_no_examples_and_no_finite_gradient_are_refused(classifier):
    none = ENCODED.subset(np.zeros(0, np.int64))
    with pytest.raises(BadRequest, match="at least one example"):
        importance(classifier, MRPC, none, LABELS[:0], FULL)
    with pytest.raises(BadRequest, match="not finite"):
        Importance(np.array([[np.nan]]), np.zeros(1), "expected")
    with pytest.raises(BadRequest, match="not finite"):
        Importance(np.zeros((1, 1)), np.array([np.inf]), "expected")


def test_heads_are_normalised_within_their_layer_then_over_all():
    scores = np.array([[3.0, 4.0], [0.0, 10.0]])  # norms 5 and 10: 0.6, 0.8; 0, 1
    np.testing.assert_allclose(normalised_heads(scores), [[0.6, 0.8], [0.0, 1.0]])
    np.testing.assert_allclose(normalised_heads(np.array([[3.0, 4.0], [6.0, 8.0]])), [[0, 1], [0, 1]], atol=1e-12)


def test_mlps_are_brought_to_0_to_1():
    np.testing.assert_allclose(normalised_mlps(np.array([1.0, 3.0, 2.0])), [0, 1, 0.5])


@pytest.mark.parametrize("value", [0.0, 1.0, 7.5])
def test_equal_scores_have_no_order_and_give_zeros(value):
    assert not normalised_heads(np.full((3, 4), value)).any()
    assert not normalised_mlps(np.full(3, value)).any()


def test_a_layer_of_zeros_stays_zero():
    np.testing.assert_allclose(normalised_heads(np.array([[0.0, 0.0], [3.0, 4.0]])), [[0, 0], [0.75, 1]])


@given(arrays(np.float64, (3, 4), elements=st.floats(0, 1e6)))
def test_normalised_scores_lie_in_0_to_1_and_never_warn(scores):
    normalised = normalised_heads(scores)
    assert ((normalised >= 0) & (normalised <= 1)).all()
    for layer in range(3):  # the order within a layer is kept
        order = np.argsort(scores[layer], kind="stable")
        assert (np.diff(normalised[layer][order]) >= -1e-12).all()
