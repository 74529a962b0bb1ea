"""A stored pruning run of 2 layers x 2 heads, read back and said in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer.errors import BadBundle
from explorer.mask import Mask
from explorer.store.bundle import Artefact, Bundle
from explorer.store.schema import Key, Run
from explorer.tickets.pruning_path import parts_words, path_of

ROOT = Path(__file__).resolve().parents[2]
FULL = Mask.full(2, 2)
FIRST = FULL.with_head(0, 1, False).with_mlp(1, False)
BROKE = FIRST.with_head(1, 0, False)
LAST = FIRST.with_mlp(0, False)


def artefact(masks, held, phases):
    """As stage structured writes it: scores fall by 0.05 a step, importance counts up."""
    manifest = Bundle(ROOT / "cache").manifest(Key(Run("minilm-l6", "MRPC", 1337), "structured", "together"))
    n = len(masks)
    scores = [0.8 - 0.05 * i for i in range(n)]
    table = pd.DataFrame({"mask": [mask.code for mask in masks], "score": scores, "held": held, "phase": phases})
    table["low"], table["high"], table["n"] = table["score"] - 0.1, table["score"] + 0.1, 40
    table["step"], table["seconds"] = range(n), 0.1
    arrays = {
        "importance_heads": np.arange(n * 4, dtype=np.float32).reshape(n, 2, 2),
        "importance_mlps": np.arange(n * 2, dtype=np.float32).reshape(n, 2),
    }
    return Artefact(replace(manifest, config={"share": 0.9}), arrays, table)


@pytest.fixture
def path():
    phases = ["full", "together", "together", "mlps"]
    return path_of(artefact([FULL, FIRST, BROKE, LAST], [True, True, False, True], phases), (2, 2))


def test_a_step_starts_from_the_last_mask_that_held(path):
    assert [step.start for step in path.steps] == [FULL, FULL, FIRST, FIRST]
    np.testing.assert_array_equal(path.steps[1].heads_off, [[False, True], [False, False]])
    np.testing.assert_array_equal(path.steps[1].mlps_off, [False, True])
    np.testing.assert_array_equal(path.steps[3].mlps_off, [True, False])
    assert not path.steps[3].heads_off.any(), "what the broken step switched off came back"
    assert path.line == pytest.approx(0.72)
    assert path.ticket.number == 3


def test_importance_is_what_chose_the_step(path):
    assert path.steps[0].importance is None
    for number, chose in ((0, 1), (1, 1), (2, 2)):
        found = path.chosen_by(number)
        assert found is not None
        np.testing.assert_array_equal(found[0], np.arange(4 * chose, 4 * chose + 4).reshape(2, 2))
    alone = path_of(artefact([FULL], [True], ["full"]), (2, 2))
    assert alone.chosen_by(0) is None


def test_without_steps_the_command_that_makes_them_is_named():
    with pytest.raises(BadBundle, match=r"holds no steps.*precompute prune"):
        path_of(artefact([], [], []), (2, 2))


@pytest.mark.parametrize(
    ("arrays", "columns", "says"),
    [
        ({"importance_heads": None}, {}, "lacks the array importance_heads: what chose its steps is not known"),
        ({"importance_mlps": None}, {}, "lacks the array importance_mlps"),
        ({"importance_mlps": np.zeros((1, 2))}, {}, r"holds importance_mlps of shape \(1, 2\), not \(2, 2\)"),
        ({}, {"held": None}, "lacks the column held"),
        ({}, {"held": [False, True]}, "does not begin with a step that holds"),
        ({}, {"step": [0, 7]}, "does not number its steps"),
    ],
)
def test_what_is_no_path_says_what_it_lacks(arrays, columns, says):
    whole = artefact([FULL, FIRST], [True, True], ["full", "together"])
    told = {name: array for name, array in (whole.arrays | arrays).items() if array is not None}
    table = whole.table.assign(**{name: value for name, value in columns.items() if value is not None})
    table = table.drop(columns=[name for name, value in columns.items() if value is None])
    with pytest.raises(BadBundle, match=rf"structured.together {says}.*make it again: `python -m precompute prune"):
        path_of(replace(whole, arrays=told, table=table), (2, 2))


def test_parts_in_words():
    heads = np.zeros((2, 12), bool)
    assert parts_words(heads, np.array([False, True])) == "MLP 2"
    heads[0, 2] = heads[1, 9] = True
    assert parts_words(heads, np.array([True, True])) == "heads 1-3, 2-10 (layer-head) and MLPs 1, 2"
    assert parts_words(heads, np.zeros(2, bool), at_most=1) == "2 heads"


def test_every_path_that_ships_ends_on_its_ticket():
    bundle = Bundle(ROOT / "cache")
    manifests = [m for m in bundle.manifests() if m.stage == "structured"]
    assert manifests
    for manifest in manifests:
        path = path_of(bundle.read(manifest.key), (6, 12))
        assert path.ticket.mask.code == manifest.summary["ticket"], manifest.key.path
        assert all((step.score >= path.line) == step.held for step in path.steps)
        assert all((step.mask.heads <= step.start.heads).all() for step in path.steps)
