"""Criteria of importance: arithmetic by hand, against the slow way, and integrated gradients that add up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from explorer.bert.engine import Engine
from explorer.bert.reference import reference_logits
from explorer.bert.shards import shards_of
from explorer.errors import BadRequest
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.tickets import criteria
from explorer.tickets.gate_gradients import (
    activation_norms,
    gate_gradients,
    losses_of,
    path_nodes,
    weight_norms,
)
from explorer.tickets.gradients import importance
from tests import tiny

MRPC = TASKS["MRPC"]
SHAPE = tiny.N_LAYERS, tiny.N_HEADS
C = tiny.N_LAYERS * (tiny.N_HEADS + 1)
ENCODED = tiny.random_encoded(9, seed=4)
LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1], np.float64)
FULL = Mask.full(*SHAPE)
EMPTY = criteria.mask_of(np.zeros(C, np.bool_), SHAPE)
G = np.array([[1.0, -2.0], [-3.0, -2.0], [1.0, 4.0]])


def test_each_criterion_by_hand():
    np.testing.assert_allclose(criteria.expected(G), [5 / 3, 8 / 3])
    np.testing.assert_allclose(criteria.signed(G), [1 / 3, 0])
    np.testing.assert_allclose(criteria.fisher(G), [11 / 3, 8])
    np.testing.assert_allclose(criteria.per_batch(G, 2), [(1 + 1) / 2, (2 + 4) / 2])
    np.testing.assert_allclose(criteria.published(G, 2), [(1 + 0) / 2, (2 + 2) / 2])


@pytest.mark.parametrize(
    ("estimator", "reduced"),
    [
        ("expected", criteria.expected),
        ("batch", lambda g: criteria.per_batch(g, 5)),
        ("published", lambda g: criteria.published(g, 5)),
    ],
)
def test_they_are_the_estimators_of_the_study(classifier, estimator, reduced):
    found = reduced(gate_gradients(classifier, MRPC, ENCODED, LABELS, batch_size=4))
    same = importance(classifier, MRPC, ENCODED, LABELS, FULL, estimator, batch_size=5)
    np.testing.assert_allclose(found, np.concatenate([same.heads.ravel(), same.mlps]), rtol=1e-3, atol=1e-6)


def test_integrated_gradients_add_up_to_the_loss_with_everything_on_minus_everything_off(tmp_path):
    classifier = tiny.finetuned(tmp_path / "smooth", scale=0.2)
    total = np.zeros((9, C))
    for at, weight in zip(*path_nodes(64), strict=True):
        total += weight * gate_gradients(classifier, MRPC, ENCODED, LABELS, at=float(at))
    on, off = (losses_of(MRPC, reference_logits(classifier, ENCODED, mask), LABELS) for mask in (FULL, EMPTY))
    assert np.abs(on - off).max() > 0.01, "there is something to explain"
    np.testing.assert_allclose(total.sum(axis=1), on - off, atol=1e-3)


def test_quadrature_is_exact_for_polynomials():
    places, weights = path_nodes(4)
    assert weights.sum() == pytest.approx(1)
    assert weights @ places**7 == pytest.approx(1 / 8)


def test_activation_norms_are_those_of_what_hooks_see(classifier):
    engine = Engine(classifier)
    found = activation_norms(engine, shards_of(ENCODED), 9)
    seen = {}
    layer, width = classifier.model.bert.encoder.layer[1], tiny.HIDDEN // tiny.N_HEADS

    def attended(_module, inputs):
        seen["context"] = inputs[0]

    def added(_module, _inputs, output):
        seen["mlp"] = output

    hooks = [layer.attention.output.dense.register_forward_pre_hook(attended)]
    hooks.append(layer.output.dense.register_forward_hook(added))
    try:
        ids, types = ENCODED.example(2)
        with torch.inference_mode():
            classifier.model(input_ids=torch.from_numpy(ids)[None], token_type_ids=torch.from_numpy(types)[None])
            head = seen["context"][0, :, 3 * width :] @ layer.attention.output.dense.weight[:, 3 * width :].T
    finally:
        for hook in hooks:
            hook.remove()
    assert found[2, 1 * tiny.N_HEADS + 3] == pytest.approx(float(head.norm(dim=1).mean()), rel=1e-4)
    of_mlp = found[2, tiny.N_LAYERS * tiny.N_HEADS + 1]
    assert of_mlp == pytest.approx(float(seen["mlp"][0].norm(dim=1).mean()), rel=1e-4)


def test_weight_norms_are_root_mean_squares_of_the_stored_weights(classifier):
    found, width = weight_norms(Engine(classifier)), tiny.HIDDEN // tiny.N_HEADS
    state = classifier.model.state_dict()
    at, rows = "bert.encoder.layer.2.", slice(width, 2 * width)
    parts = [state[f"{at}attention.self.{name}.weight"][rows] for name in ("query", "key", "value")]
    parts.append(state[at + "attention.output.dense.weight"][:, rows])
    values = torch.cat([part.flatten() for part in parts])
    assert found[2 * tiny.N_HEADS + 1] == pytest.approx(float((values**2).mean() ** 0.5), rel=1e-5)
    mlp = torch.cat([state[f"{at}{name}.dense.weight"].flatten() for name in ("intermediate", "output")])
    assert found[-1] == pytest.approx(float((mlp**2).mean() ** 0.5), rel=1e-5)


def test_an_order_is_from_least_to_most_and_its_masks_are_nested():
    order = criteria.order_of(np.array([3.0, 1.0, 1.0, -2.0, 5.0, 0.0]))
    assert order.tolist() == [3, 5, 1, 2, 0, 4], "of equals, the earlier goes first"
    masks = criteria.nested_masks(order, (2, 2))
    assert [mask.heads_kept + mask.mlps_kept for mask in masks] == [6, 5, 4, 3, 2, 1, 0]
    assert masks[0].is_full
    assert masks[2].heads.tolist() == [[True, True], [True, False]]
    assert masks[2].mlps.tolist() == [True, False]
    for before, after in pairwise(masks):
        assert (criteria.kept_of(after) <= criteria.kept_of(before)).all()
        assert criteria.mask_of(criteria.kept_of(after), (2, 2)) == after
    with pytest.raises(BadRequest, match="not a finite number"):
        criteria.order_of(np.array([np.nan, 1.0]))


def test_values_are_split_into_heads_row_by_row_and_mlps():
    heads, mlps = criteria.sides(np.array(["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "first", "second"]), (2, 3))
    assert heads.tolist() == [["1.1", "1.2", "1.3"], ["2.1", "2.2", "2.3"]]
    assert mlps.tolist() == ["first", "second"]


def test_halves_are_disjoint_and_cover_everything():
    first, second = criteria.halves_of(9)
    assert sorted([*first, *second]) == list(range(9))
    assert (len(first), len(second)) == (4, 5)
    assert (np.diff(first) > 0).all()
    with pytest.raises(BadRequest, match="two examples or more"):
        criteria.halves_of(1)


def test_random_orders_are_orders_and_always_the_same():
    orders = criteria.chance_orders(7, 3)
    assert (np.sort(orders, axis=1) == np.arange(7)).all()
    np.testing.assert_array_equal(orders, criteria.chance_orders(7, 3))


def test_criteria_are_named_once_and_an_unknown_one_is_refused():
    assert len({one.name for one in criteria.CRITERIA}) == len(criteria.CRITERIA)
    assert criteria.criterion_named("fisher").title == "Fisher"
    with pytest.raises(BadRequest, match="'luck' is no criterion"):
        criteria.criterion_named("luck")
