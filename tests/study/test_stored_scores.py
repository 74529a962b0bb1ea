"""Every stored score of the shipped MRPC run, found by its mask."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import BadBundle
from explorer.glue.metrics import metric
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.runs_of_task import current, current_artefact
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import task_tickets
from explorer.study.conditions import study_scores
from explorer.study.landmarks import landmarks_of
from explorer.study.stored_scores import known_run
from precompute.artefacts import finished
from tests.bundles import MODEL, small_bundle

CACHE = Bundle(Path(__file__).resolve().parents[2] / "cache")
MRPC = Run("minilm-l6", "MRPC", 1337)


def test_stored_scores_follow_from_stored_predictions():
    known = known_run(CACHE, MRPC)
    assert known.shape == (6, 12)
    assert len(known.by_code) > 10
    for code, found in known.by_code.items():
        assert found.mask == Mask.from_code(code, 6, 12)
        assert metric("accuracy", found.predictions, known.labels) == pytest.approx(found.score, abs=1e-12)


def test_every_single_switch_and_every_pruning_step_is_known():
    known = known_run(CACHE, MRPC)
    full = Mask.full(6, 12)
    singles = [full.with_head(i, j, False) for i in range(6) for j in range(12)]
    singles += [full.with_mlp(i, False) for i in range(6)] + [full.with_layer(i, False) for i in range(6)]
    assert all(mask.code in known.by_code for mask in (full, *singles))
    steps = CACHE.read(Key(MRPC, "structured", "together")).table
    assert all(code in known.by_code for code in steps["mask"])


def test_pruning_held_exactly_above_ninety_per_cent():
    for manifest in CACHE.manifests():
        if manifest.stage == "structured":
            table = CACHE.read(manifest.key).table
            np.testing.assert_array_equal(table["held"], table["score"] >= 0.9 * table["score"].iloc[0])


def test_a_run_that_is_not_there_names_the_command():
    with pytest.raises(BadBundle, match="python -m precompute finetune --task RTE --seed 3"):
        known_run(CACHE, Run("minilm-l6", "RTE", 3))


def test_what_another_checkpoint_scored_is_no_longer_the_run_s(tmp_path):
    bundle = small_bundle(tmp_path, stages=("structured", "subnetworks"))
    run = Run(MODEL, "MRPC", 1337)
    known = known_run(bundle, run)
    assert len(known.by_code) > 1
    assert landmarks_of(bundle, run, known.shape)
    path = bundle.root / Key(run, "finetune").path / "manifest.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"checkpoint_sha256": "f" * 64}))
    anew = Bundle(tmp_path)
    assert list(known_run(anew, run).by_code) == [known.full.mask.code]
    assert not landmarks_of(anew, run, known.shape)
    assert 1337 not in task_tickets(anew, MODEL, "MRPC")
    assert list(study_scores(anew, MODEL, "MRPC")[1337]) == ["full"]
    path_of_it = Key(run, "structured", "together")
    with pytest.raises(BadBundle, match=r"another checkpoint than .* has now") as refused:
        current_artefact(anew, path_of_it)
    assert "precompute prune" in refused.value.mend
    assert finished(anew, path_of_it, anew.manifest(path_of_it).config) is None, "the command that is shown makes it"
    assert finished(bundle, Key(run, "finetune"), anew.manifest(Key(run, "finetune")).config)
    here = {manifest.key for manifest in current(anew.manifests())}
    assert Key(run, "finetune") in here
    assert Key(run, "structured", "together") not in here
    assert Key(Run(MODEL, "MRPC", 42), "structured", "together") in here
