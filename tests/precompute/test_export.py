"""`precompute export`: a folder for plain transformers, from a folder and from a bundle's packed checkpoint."""

from __future__ import annotations

import json

from explorer.bert.checkpoints import load_finetuned
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Run
from tests.precompute.conftest import SEED

CODE = Mask.full(3, 4).with_head(0, 1, False).with_mlp(2, False).code


def test_a_folder_is_exported_and_can_be_scored(run, glue, tiny_folder, tmp_path):
    out = tmp_path / "out"
    options = ("--task", "MRPC", "--glue-dir", glue, "--json")
    ran = run("export", "--task", "MRPC", "--model", tiny_folder, "--mask", CODE, "--out", out, "--json").record
    assert (ran["mask"], ran["heads_kept"], ran["mlps_kept"]) == (CODE, 11, 2)
    assert {"model.safetensors", "config.json", "README.md"} <= set(ran["files"])
    assert ran["bytes"] == sum(path.stat().st_size for path in out.iterdir())
    gated = run("score", *options, "--model", tiny_folder, "--mask", CODE).record
    zeroed = run("score", *options, "--model", out).record
    assert zeroed["value"] == gated["value"]


RUN = ("--task", "MRPC", "--seed", SEED, "--model", "minilm-l6")


def test_the_bundles_checkpoint_is_exported(run, bundle, tmp_path):
    ran = run("export", *RUN, "--mask", CODE, "--out", tmp_path / "out", "--bundle", bundle)
    assert ran.status == 0
    assert "11 of 12 heads and 2 of 3 MLPs" in ran.out
    told = json.loads((tmp_path / "out" / "mask.json").read_text())
    checkpoint = Bundle(bundle).checkpoint(Run("minilm-l6", "MRPC", SEED))
    assert told["checkpoint"] == load_finetuned(str(checkpoint), TASKS["MRPC"]).sha256
    assert told["seed"] == SEED


def test_what_cannot_be_exported_is_a_sentence(run, tiny_folder, bundle, tmp_path):
    task = ("export", "--task", "MRPC")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "theirs").touch()
    assert "holds something already" in run(*task, "--model", tiny_folder, "--out", tmp_path / "full").err
    ran = run(*task, "--model", tiny_folder, "--mask", Mask.full(6, 12).code, "--out", tmp_path / "out")
    assert (ran.status, "mask for another model" in ran.err) == (2, True)
    ran = run(*task, "--seed", "8", "--out", tmp_path / "out", "--bundle", bundle)
    assert (ran.status, "python -m precompute finetune" in ran.err) == (2, True)
    assert not (tmp_path / "out").exists()
