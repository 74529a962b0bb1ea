"""From a pre-trained folder to a bundle that ships, by the command line; killed stages go on."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.reference import reference_logits
from explorer.glue.encoding import encode
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.bundle import CHECKPOINT, Bundle
from explorer.store.schema import Key, Run
from precompute.stages import opened, prune
from precompute.stages.ablations import single_ablations
from tests.precompute.conftest import ROWS, SEED

RUN = Run("minilm-l6", "MRPC", SEED)
FULL = Mask.full(3, 4)


@pytest.fixture
def common(glue, bundle):
    return ("--task", "MRPC", "--seed", SEED, "--model", RUN.model, "--glue-dir", glue, "--bundle", bundle)


def test_every_stage_in_turn(run, common, glue, bundle, model, tmp_path):
    quick = ("--epochs", 40, "--learning-rate", 3e-3)
    again = run("finetune", *common, "--model", model, *quick, "--json").record
    assert again["artefact"] == "minilm-l6/MRPC/seed_7/finetune"
    assert again["n"] == ROWS
    assert 0.7 < again["score"] <= 1, "24 examples learnt by heart"
    assert again["low"] < again["score"]

    measured = run("importance", *common, "--json").record
    assert measured["artefact"].endswith("importance.expected")
    assert {path.name for path in (bundle / measured["artefact"]).iterdir()} == {"arrays.npz", "manifest.json"}
    pruned = run("prune", *common, "--json").record
    assert pruned["full_score"] == again["score"]
    ticket = Mask.from_code(pruned["ticket"], 3, 4)
    assert (ticket.heads_kept, ticket.mlps_kept) == (pruned["heads_kept"], pruned["mlps_kept"])
    ablated = run("ablations", *common, "--json").record
    assert ablated["masks"] == 12 + 3 + 3
    scored = run("score", *common, "--mask", pruned["ticket"], "--json").record
    assert scored["value"] == pruned["ticket_score"]

    target = tmp_path / "cache"
    copied = run("publish", bundle, target, "--checkpoint", f"MRPC:{SEED}", "--json").record["copied"]
    assert len(copied) == 4
    checked = run("validate", target, "--json")
    assert (checked.status, checked.record) == (0, {"bundle": str(target), "ok": True, "problems": []})
    assert run("score", *common[:-1], target, "--json").record["value"] == again["score"]
    assert run("publish", bundle, target, "--checkpoint", f"MRPC:{SEED}", "--json").record["copied"] == []
    assert run("publish", bundle, target, "--json").record["copied"] == [], "what ships stays"
    assert Bundle(target).checkpoint(RUN).is_file()
    withheld = run("publish", bundle, target, "--withhold", f"MRPC:{SEED}", "--json").record["copied"]
    assert withheld == ["minilm-l6/MRPC/seed_7/finetune"], "until told otherwise"
    refused = run("score", *common[:-1], target)
    assert refused.status == 2
    assert "is not shipped with this bundle" in refused.err
    words = run("validate", target)
    assert words.status == 0
    assert words.out.splitlines()[0] == "[1/6] manifests read: 4 artefacts"


def test_what_is_stored_is_what_the_packed_checkpoint_gives(bundle, glue):
    stored = Bundle(bundle).read(Key(RUN, "finetune"))
    classifier = load_finetuned(str(Bundle(bundle).checkpoint(RUN)), TASKS["MRPC"])
    dev = folder_examples(glue, TASKS["MRPC"], "dev")
    logits = reference_logits(classifier, encode(dev, classifier.tokenizer), FULL)
    np.testing.assert_allclose(stored.arrays["logits"], logits, atol=1e-5)
    np.testing.assert_array_equal(stored.arrays["labels"], dev.labels)
    assert stored.manifest.checkpoint_sha256 == classifier.sha256 == stored.manifest.files[CHECKPOINT].sha256
    assert stored.manifest.data["dev"] == {"source": "GLUE folder", "n": ROWS, "sha256": dev.sha256}
    assert stored.manifest.config["shape"] == [3, 4]
    assert not (bundle / ".work").exists() or not list((bundle / ".work").rglob("*.safetensors"))


def test_fine_tuning_again_gives_the_same_file(run, glue, model, tmp_path):
    files = []
    for name in ("one", "two"):
        options = ("--task", "MRPC", "--glue-dir", glue, "--model", model, "--bundle", tmp_path / name)
        assert run("finetune", *options, "--epochs", 2).status == 0
        files.append((tmp_path / name / "minilm-l6/MRPC/seed_1337/finetune" / CHECKPOINT).read_bytes())
    assert files[0] == files[1]


def test_a_finished_stage_is_not_done_again_and_other_options_are_refused(run, common, model):
    first = run("prune", *common, "--method", "mlps", "--json").record
    assert run("prune", *common, "--method", "mlps", "--json").record == first
    other = run("prune", *common, "--method", "mlps", "--estimator", "batch")
    assert other.status == 2
    assert "made with other options" in other.err
    assert run("prune", *common, "--method", "mlps", "--procedure", "published").status == 0
    refused = run("finetune", *common, "--model", model, "--epochs", 1)
    assert refused.status == 2
    assert "made with other options" in refused.err


def table_of(bundle, key):
    return Bundle(bundle).read(key).table.drop(columns="seconds")


@pytest.mark.parametrize("procedure", ["recompute", "published"])
@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_killed_pruning_goes_on_as_if_it_had_not_been(run, common, bundle, tmp_path, monkeypatch, after, procedure):
    options = ("--method", "together", "--procedure", procedure)
    other = Path(shutil.copytree(bundle, tmp_path / "uninterrupted"))
    whole = run("prune", *common[:-1], other, *options, "--json").record
    assert whole["steps"] > 5

    write, calls = prune._write, []

    def dies(*args, **kwargs):
        written = write(*args, **kwargs)
        calls.append(written)
        if len(calls) == after:
            raise KeyboardInterrupt
        return written

    with monkeypatch.context() as patch:
        patch.setattr(prune, "_write", dies)
        killed = run("prune", *common, *options)
    assert (killed.status, killed.out) == (130, "")
    assert killed.err.splitlines()[-1] == "Stopped. The same command goes on from here."
    unfinished = run("validate", bundle)
    assert unfinished.status == 1
    assert "is unfinished: run its command again" in unfinished.out

    scored = []
    evaluate = opened.Evaluator.evaluate_many
    monkeypatch.setattr(
        opened.Evaluator, "evaluate_many", lambda self, masks, *of: scored.extend(masks) or evaluate(self, masks, *of)
    )
    resumed = run("prune", *common, *options, "--json").record
    assert resumed.items() - {"seconds": resumed["seconds"]}.items() == (
        whole.items() - {"seconds": whole["seconds"]}.items()
    )
    assert len(scored) == whole["steps"] - after, "only what was missing"
    key = Key(RUN, "structured", "together" if procedure == "recompute" else "together-published")
    pd.testing.assert_frame_equal(table_of(bundle, key), table_of(other, key))
    one, two = (Bundle(root).read(key).arrays for root in (bundle, other))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


def test_a_trajectory_as_stored(run, common, bundle, glue):
    run("prune", *common, "--method", "heads")
    stored = Bundle(bundle).read(Key(RUN, "structured", "heads"))
    table, labels = stored.table, folder_examples(glue, TASKS["MRPC"], "dev").labels
    masks = [Mask.from_code(code, 3, 4) for code in table["mask"]]
    assert masks[0].is_full
    assert (table["phase"] == ["full"] + ["heads"] * (len(table) - 1)).all()
    assert all((b.heads <= a.heads).all() for a, b in pairwise(masks))
    assert (table["held"] == (table["score"] >= 0.9 * table["score"][0])).all()
    assert table["heads_kept"].tolist() == [mask.heads_kept for mask in masks]
    for row, predictions, logits in zip(
        table.itertuples(), stored.arrays["predictions"], stored.arrays["logits"], strict=True
    ):
        assert accuracy_score(labels, predictions) == row.score
        assert (logits.argmax(1) == predictions).all()
        assert row.low <= row.score <= row.high
    assert stored.arrays["importance_heads"].shape == (len(table), 3, 4)


def test_ablations_switch_off_each_part_alone(run, common, bundle):
    run("ablations", *common)
    table = Bundle(bundle).read(Key(RUN, "ablations")).table
    named = dict(single_ablations(FULL))
    assert dict(zip(table["component"], table["mask"], strict=True)) == {n: m.code for n, m in named.items()}
    assert named["head 0 3"] == FULL.with_head(0, 3, False)
    assert named["layer 2"] == FULL.with_layer(2, False)
    np.testing.assert_allclose(table["loss"], table["score"][0] + table["loss"][0] - table["score"])


def test_another_dev_set_or_checkpoint_is_noticed(run, common, glue, bundle, tmp_path):
    other = Path(shutil.copytree(glue, tmp_path / "glue"))
    path = other / "MRPC" / "dev.tsv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *rows[::-1]]) + "\n")
    refused = run(
        "importance", "--task", "MRPC", "--seed", SEED, "--model", RUN.model, "--glue-dir", other, "--bundle", bundle
    )
    assert refused.status == 2
    assert "does not give the logits stored beside it on this dev set" in refused.err
