"""The paper's question from a bundle made by hand: which heads are compared with which, and what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.errors import BadBundle
from explorer.mask import Mask
from explorer.patterns.classes import CLASSES, UNCERTAIN
from explorer.patterns.per_head import class_shares, column, head_table
from explorer.patterns.statistics import STATISTICS
from explorer.store.bundle import Bundle
from explorer.store.runs_of_task import TOGETHER
from explorer.store.schema import Key, Manifest, Run
from explorer.study.survivor_patterns import WEIGHTS, attention_key, survivor_patterns

MODEL, TASK, SHAPE = "tiny", "MRPC", (2, 3)
KEPT = {1: [[1, 1, 0], [0, 1, 0]], 2: [[1, 0, 0], [0, 1, 1]]}


def manifest(key, **summary):
    run = key.run
    return Manifest(
        run.model, run.task, run.seed, key.stage, key.variant, "", {}, {}, {}, "", "cpu", 0.0, "", summary=summary
    )


def table(seed):
    """Five sentences; every head's probabilities at random."""
    rng = np.random.default_rng(seed)
    return head_table(rng.random((5, 2, *SHAPE, 9)), rng.dirichlet(np.ones(5) * 0.3, (5, 2, *SHAPE)), 0.5)


@pytest.fixture
def bundle(tmp_path):
    bundle = Bundle(tmp_path / "bundle")
    for seed, kept in KEPT.items():
        code = Mask(np.array(kept), np.ones(2)).code
        bundle.write(replace(manifest(Key(Run(MODEL, TASK, seed), "finetune")), config={"shape": [*SHAPE]}))
        bundle.write(manifest(Key(Run(MODEL, TASK, seed), *TOGETHER), ticket=code), table=table(0))
        bundle.write(manifest(attention_key(MODEL, TASK, seed, "finetuned")), table=table(seed))
    bundle.write(manifest(attention_key(MODEL, TASK, 1, "pretrained")), table=table(9))
    return bundle


def test_the_table_of_heads_by_hand():
    probabilities = np.zeros((4, 2, *SHAPE, 5))
    probabilities[..., 4] = 1
    probabilities[:, 0, 1, 2] = [[0.6, 0.4, 0, 0, 0]] * 3 + [[0, 0, 0, 1, 0]]  # mean 0.45, 0.3, 0, 0.25, 0
    probabilities[:, 1, 0, 0] = [[0, 0, 0.55, 0.45, 0]] * 4
    measured = np.zeros((4, 2, *SHAPE, 9))
    measured[:, 1, 0, 0, 1] = [1, 2, 3, 6]
    measured[:, 0, ..., 8] = np.nan
    made = head_table(measured, probabilities, 0.58)
    assert len(made) == 2 * 2 * 3
    assert (made["n"] == 4).all()
    assert column(made, "norm", "distance")[0, 0] == 3
    assert column(made, "norm", "distance_sd")[0, 0] == pytest.approx(np.sqrt((4 + 1 + 0 + 9) / 3))
    assert np.isnan(column(made, "raw", "other")).all()
    assert (column(made, "norm", "other") == 0).all()
    assert column(made, "raw", "pattern")[1, 2] == UNCERTAIN
    assert column(made, "raw", "confidence")[1, 2] == pytest.approx(0.45)
    assert column(made, "norm", "pattern").ravel().tolist() == ["diagonal", *["vertical+diagonal"] * 5]
    assert column(made, "norm", "uncertain").tolist() == [[1, 0, 0], [0, 0, 0]]
    assert not column(made, "raw", "uncertain").any()
    np.testing.assert_allclose(class_shares(made, "raw")[1, 2], [0.75, 0, 0, 0.25, 0])
    np.testing.assert_allclose(column(made, "raw", "probability_block")[1, 2], 0.3)
    assert set(STATISTICS) | {f"share_{name}" for name in CLASSES} < set(made.columns)
    with pytest.raises(BadBundle, match="has no distance of raw maps"):
        column(made[made["kind"] == "norm"], "raw", "distance")
    with pytest.raises(BadBundle, match="has no colour of raw maps"):
        column(made, "raw", "colour")


def test_every_group_is_compared_with_all_heads(bundle):
    found = survivor_patterns(bundle, MODEL, TASK)
    assert found.ticket_seeds == (1, 2)
    assert found.notes == ()
    assert [(g.weights, g.kind, g.group) for g in found.groups] == [
        (weights, kind, group)
        for weights in WEIGHTS
        for kind in ("raw", "norm")
        for group in ("survivors", "super-survivors")
    ]
    kept = np.array([KEPT[1], KEPT[2]], bool)
    for group in found.groups:
        tables = [table(9)] * 2 if group.weights == "pretrained" else [table(1), table(2)]
        shares = np.stack([class_shares(one, group.kind) for one in tables])
        chosen = kept if group.group == "survivors" else np.broadcast_to(kept.all(0), kept.shape)
        np.testing.assert_allclose(group.test.shares, shares[chosen].mean(0))
        np.testing.assert_allclose(group.test.all_shares, shares.mean((0, 1, 2)))
        assert group.test.n_group == chosen.sum()
        assert group.seeds == (1, 2)


def test_what_is_missing_is_named_with_its_command(bundle):
    def remove(key):
        (bundle.root / key.path / "manifest.json").unlink()

    remove(attention_key(MODEL, TASK, 2, "finetuned"))
    remove(attention_key(MODEL, TASK, 2, "pretrained"))
    found = survivor_patterns(bundle, MODEL, TASK)
    assert {group.weights for group in found.groups} == {"finetuned"}
    assert all(group.seeds == (1,) for group in found.groups)
    first, second = found.notes
    assert "seed_all/attention.pretrained is missing" in first
    where = f"--model tiny --bundle {bundle.root}"
    assert f"`python -m precompute attention --task MRPC --kind pretrained {where}`" in first
    assert f"`python -m precompute attention --task MRPC --seed 2 --kind finetuned {where}`" in second
    remove(Key(Run(MODEL, TASK, 2), *TOGETHER))
    alone = survivor_patterns(bundle, MODEL, TASK)
    assert {group.group for group in alone.groups} == {"survivors"}
    assert alone.notes[0].startswith("One seed alone has no super-survivors")
    remove(Key(Run(MODEL, TASK, 1), *TOGETHER))
    with pytest.raises(BadBundle, match=r"No run of MRPC is pruned.*`python -m precompute prune"):
        survivor_patterns(bundle, MODEL, TASK)
