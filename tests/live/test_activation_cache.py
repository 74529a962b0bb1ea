"""What is kept of the full model within a bound on memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.glue.tasks import TASKS
from explorer.live.activation_cache import plan_cache
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from tests import tiny


def test_everything_is_kept_where_it_fits():
    plan = plan_cache(tokens=100, width=10, n_layers=6, fast_bytes=2, memory=6 * 100 * 10 * 6)
    assert (plan.layers, plan.contexts, plan.bytes, str(plan)) == ((0, 1, 2, 3, 4, 5), True, 36_000, "")


@pytest.mark.parametrize(("fits", "layers"), [(0, ()), (1, (3,)), (2, (2, 4)), (5, (1, 2, 3, 4, 5))])
def test_else_as_many_layers_as_fit_evenly_spread(fits, layers):
    plan = plan_cache(tokens=100, width=10, n_layers=6, fast_bytes=2, memory=fits * 4000)
    assert (plan.layers, plan.contexts) == (layers, False)
    assert ("Nothing of the full model fits" in str(plan)) == (not layers)


@given(st.integers(1, 10**6), st.integers(1, 1024), st.integers(1, 24), st.sampled_from([2, 4]), st.integers(0, 10**10))
def test_the_bound_holds(tokens, width, n_layers, fast_bytes, memory):
    plan = plan_cache(tokens, width, n_layers, fast_bytes, memory)
    assert plan.bytes <= memory
    assert all(0 <= layer < n_layers for layer in plan.layers)


@pytest.mark.parametrize("memory", [0, 20_000, 10**9])
def test_memory_changes_no_score(classifier, memory):
    examples = tiny.make_examples(TASKS["MRPC"], 40)
    bounded, free = Evaluator(classifier, examples, memory=memory), Evaluator(classifier, examples)
    held = sum(
        kept.nbytes
        for cache in bounded.caches
        if cache
        for kept in (*cache.inputs, *cache.contexts)
        if kept is not None
    )
    assert held <= memory
    for mask in (bounded.full_mask.with_head(1, 1, False), bounded.full_mask.with_layer(2, False)):
        np.testing.assert_array_equal(
            bounded.predictions(bounded.evaluate(mask)), free.predictions(free.evaluate(mask))
        )
    assert Mask.full(tiny.N_LAYERS, tiny.N_HEADS) == free.full.mask
