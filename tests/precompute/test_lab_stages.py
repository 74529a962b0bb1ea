"""Magnitude pruning, subnetworks, retraining, baseline and the whole study, on a tiny model; killed stages go on.

Long because the stages share one tiny study, made once.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer.bert.checkpoints import load_finetuned, load_pretrained, weights_of, with_weights
from explorer.bert.reference import reference_logits
from explorer.bert.stand_ins import sample_of
from explorer.errors import BadBundle, BadRequest
from explorer.glue.encoding import encode
from explorer.glue.metrics import metric, predictions_of
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.patterns.per_head import MapClassifier
from explorer.store.bundle import CHECKPOINT, MANIFEST, Bundle
from explorer.store.commands import command_for
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.store.stages import stage_named
from explorer.store.task_tickets import tickets_beside
from explorer.store.validation import validate
from explorer.study.stored_scores import known_run
from explorer.tickets.finetuning import TrainingSet
from explorer.tickets.magnitude import apply
from explorer.tickets.recipes import PAPER
from explorer.tickets.retraining import retrain
from precompute.options import Options
from precompute.stage_verbs import make
from precompute.stages import attention, bank, baseline, finetune, importance, league, magnitude, prune, subnetworks
from precompute.stages import retrain as retrain_stage
from precompute.stages.magnitude import stored_ticket
from precompute.study import left_undone, run_study
from tests.precompute.conftest import ROWS, SEED

NAME, OTHER = "minilm-l6", 8
RUN = Run(NAME, "MRPC", SEED)
FULL = Mask.full(3, 4)
NOTHING = Mask(np.zeros((3, 4), np.bool_), np.zeros(3, np.bool_))
RECIPE = replace(PAPER, epochs=40, learning_rate=3e-3)
EPOCHS = 8
"""Of one step each, when retraining."""


def at(root, glue, seed=SEED):
    return Options(TASKS["MRPC"], seed, NAME, Bundle(root), glue)


@pytest.fixture(scope="module")
def pruned_bundle(finetuned_bundle, glue, model, tmp_path_factory):
    """Two seeds, fine-tuned and pruned, with the first's magnitude trajectory and subnetworks; read-only."""
    root = Path(shutil.copytree(finetuned_bundle, tmp_path_factory.mktemp("lab") / "bundle"))
    finetune.make(
        replace(at(root, glue, OTHER), model=str(model)), epochs=RECIPE.epochs, learning_rate=RECIPE.learning_rate
    )
    for seed in (SEED, OTHER):
        prune.make(at(root, glue, seed), "together")
    magnitude.make(at(root, glue), "good")
    subnetworks.make(at(root, glue))
    manifest = root / RUN.path / "finetune" / MANIFEST  # retraining, whose recipe it names, need not learn by heart
    manifest.write_text(manifest.read_text().replace('"epochs": 40', f'"epochs": {EPOCHS}'))
    return root


@pytest.fixture
def lab(pruned_bundle, tmp_path):
    """A copy to add to."""
    return Path(shutil.copytree(pruned_bundle, tmp_path / "lab"))


def read(root, stage, variant=""):
    return Bundle(root).read(Key(RUN, stage, variant))


def reference(model, glue, mask):
    dev = folder_examples(glue, TASKS["MRPC"], "dev")
    return reference_logits(model, encode(dev, model.tokenizer), mask)


def checkpoint(root):
    return load_finetuned(str(Bundle(root).checkpoint(RUN)), TASKS["MRPC"])


def labels(glue):
    return folder_examples(glue, TASKS["MRPC"], "dev").labels


# --- subnetworks


def test_subnetworks_are_scored_with_their_gates(lab, glue):
    stored = read(lab, "subnetworks")
    table = stored.table
    assert table.columns.tolist() == (
        ["kind", "state", "mask", "score", "low", "high", "n", "heads_kept", "mlps_kept", "note"]
    )
    assert table["kind"].tolist() == ["good", "bad", "random", "super-good", "super-bad", "super-random"]
    assert (table["state"] == "pruned").all()
    model = checkpoint(lab)
    for row, predictions in zip(table.itertuples(), stored.arrays["predictions"], strict=True):
        logits = reference(model, glue, Mask.from_code(row.mask, 3, 4))
        np.testing.assert_array_equal(predictions, logits.argmax(1))
        assert metric("accuracy", predictions, labels(glue)) == row.score
        assert row.low <= row.score <= row.high
    ticket = read(lab, "structured", "together").manifest.summary
    assert (table["mask"][0], table["score"][0]) == (ticket["ticket"], ticket["ticket_score"])
    sizes = table[["heads_kept", "mlps_kept"]]
    assert sizes.iloc[:3].drop_duplicates().shape == (1, 2), "good, bad and random are of one size"
    assert sizes.iloc[3:].drop_duplicates().shape == (1, 2), "and so are the super ones"
    assert table["note"].str.startswith("Over 2 seeds: 7, 8.").tolist() == [False] * 3 + [True] * 3
    assert stored.manifest.config["draw_seed"] == SEED
    assert stored.manifest.config["tickets"].keys() == {"7", "8"}


def test_all_seeds_score_the_same_super_masks(lab, glue):
    subnetworks.make(at(lab, glue, OTHER))
    mine, other = (Bundle(lab).read(Key(Run(NAME, "MRPC", seed), "subnetworks")).table for seed in (SEED, OTHER))
    assert mine["mask"].tolist()[3:] == other["mask"].tolist()[3:]


def test_subnetworks_are_made_anew_when_a_seed_comes_in(finetuned_bundle, lab, glue, tmp_path):
    alone = Path(shutil.copytree(finetuned_bundle, tmp_path / "alone"))
    with pytest.raises(BadBundle, match=r"structured.together. Make it: `python -m precompute prune"):
        subnetworks.make(at(alone, glue))
    prune.make(at(alone, glue), "together")
    subnetworks.make(at(alone, glue))
    assert read(alone, "subnetworks").table["kind"].tolist() == ["good", "bad", "random"]
    with pytest.raises(BadRequest, match=r"has no super-good: it takes the trajectories of two seeds or more"):
        retrain_stage.make(at(alone, glue), "super-good")
    shutil.copytree(lab / "minilm-l6/MRPC/seed_8", alone / "minilm-l6/MRPC/seed_8")
    subnetworks.make(at(alone, glue))
    pd.testing.assert_frame_equal(read(alone, "subnetworks").table, read(lab, "subnetworks").table)
    before = read(alone, "subnetworks").manifest
    assert subnetworks.make(at(alone, glue)) == before, "and not made again without need"


def test_trajectories_with_other_options_make_no_super_subnetwork(lab, glue):
    shutil.rmtree(lab / "minilm-l6/MRPC/seed_8/structured.together")
    prune.make(at(lab, glue, OTHER), "together", "batch")
    assert tickets_beside(Bundle(lab), RUN).keys() == {SEED}


@pytest.mark.parametrize(
    ("ticket", "note"),
    [(FULL, "No head is pruned: every subnetwork"), (NOTHING, "No MLP survives: every subnetwork")],
    ids=["full", "nothing"],
)
def test_degenerate_tickets_are_named_and_can_be_retrained(lab, glue, monkeypatch, ticket, note):
    monkeypatch.setattr(subnetworks, "tickets_beside", lambda bundle, run: {SEED: ticket})
    subnetworks.make(at(lab, glue))
    table = read(lab, "subnetworks").table
    assert (table["mask"] == ticket.code).all(), "of this size there is one subnetwork only"
    assert table["note"].str.contains(note).all()
    assert table["score"].nunique() == 1
    made = retrain_stage.make(at(lab, glue), "bad")
    assert made.config["mask"] == ticket.code
    assert note in read(lab, "retrained", "bad").table["note"][0]


def test_another_checkpoint_is_noticed(lab, glue):
    stored = Bundle(lab).read(Key(RUN, "structured", "together"))
    Bundle(lab).write(
        replace(stored.manifest, checkpoint_sha256="0" * 64), arrays=dict(stored.arrays), table=stored.table
    )
    with pytest.raises(BadBundle, match="was computed with another checkpoint than"):
        subnetworks.make(at(lab, glue))


def test_known_scores_hold_the_subnetworks(lab):
    known = known_run(Bundle(lab), RUN)
    for row in read(lab, "subnetworks").table.itertuples():
        assert known.by_code[row.mask].score == row.score
    origins = {one.origin for one in known.by_code.values()}
    assert origins & {"the bad subnetwork", "the random subnetwork"}


# --- magnitude


def test_a_magnitude_trajectory(lab, glue):
    stored = read(lab, "magnitude", "good")
    table, summary = stored.table, stored.manifest.summary
    assert table["step"].tolist() == list(range(len(table)))
    assert table["share_kept"][0] == 1
    np.testing.assert_allclose(table["share_kept"].to_numpy()[1:] / table["share_kept"].to_numpy()[:-1], 0.9, atol=1e-3)
    assert (table["held"] == (table["score"] >= 0.9 * table["score"][0])).all()
    assert table["held"][:-1].all()
    assert stored.arrays["heads"].shape == (len(table), 3, 4)
    assert stored.arrays["mlps"].shape == (len(table), 3)
    assert (stored.arrays["heads"][0] == 1).all()
    model = checkpoint(lab)
    good = stored_ticket(Bundle(lab), RUN, weights_of(model.model))
    assert good.sha256 == summary["weight_mask_sha256"]
    assert good.n_kept == summary["weights_kept"] == table["weights_kept"][table["held"]].min()
    pruned = with_weights(model, apply(weights_of(model.model), good), source="", sha256="")
    at_ticket = int(np.flatnonzero(table["held"])[-1])
    np.testing.assert_allclose(stored.arrays["logits"][at_ticket], reference(pruned, glue, FULL), atol=1e-4)
    assert summary["ticket_score"] == metric("accuracy", stored.arrays["predictions"][at_ticket], labels(glue))


@pytest.mark.parametrize("kind", ["bad", "random"])
def test_magnitude_counterparts_remove_as_many_weights(lab, glue, kind):
    made = magnitude.make(at(lab, glue), kind)
    good = read(lab, "magnitude", "good").manifest.summary
    assert made.summary["weights_kept"] == good["weights_kept"]
    assert made.summary["weight_mask_sha256"] != good["weight_mask_sha256"]
    table = read(lab, "magnitude", kind).table
    assert table["share_kept"].tolist() == [1.0, good["share_kept"]]
    assert table["score"].tolist() == [good["full_score"], made.summary["ticket_score"]]
    assert magnitude.make(at(lab, glue), kind) == made


def test_magnitude_needs_good_first_and_a_known_kind(bundle, glue):
    with pytest.raises(BadBundle, match=r"has no .*magnitude.good. Make it: `python -m precompute magnitude"):
        magnitude.make(at(bundle, glue), "bad")
    with pytest.raises(BadRequest, match=r"no kind 'super' for magnitude\. It takes good, random, bad"):
        make(at(bundle, glue), stage_named("magnitude"), kind="super")


@pytest.mark.parametrize("after", [1, 2])
def test_a_killed_magnitude_pruning_goes_on(lab, bundle, glue, monkeypatch, after):
    whole = read(lab, "magnitude", "good")
    assert len(whole.table) > 2
    write, calls = magnitude._write, []

    def dies(*args, **kwargs):
        calls.append(write(*args, **kwargs))
        if len(calls) == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(magnitude, "_write", dies)
        with pytest.raises(KeyboardInterrupt):
            magnitude.make(at(bundle, glue), "good")
    assert "is unfinished" in " ".join(problem for check in validate(Bundle(bundle)) for problem in check.problems)
    computed, logits = [], magnitude._logits
    monkeypatch.setattr(magnitude, "_logits", lambda *args: computed.append(1) or logits(*args))
    magnitude.make(at(bundle, glue), "good")
    assert len(computed) == len(whole.table) - after
    resumed = read(bundle, "magnitude", "good")
    pd.testing.assert_frame_equal(resumed.table, whole.table)
    assert resumed.manifest.summary == whole.manifest.summary
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(resumed.arrays[name], array)


def test_a_magnitude_ticket_that_loses_nothing_is_named(bundle, glue, monkeypatch):
    """Every step breaks: good, bad and random are the full model."""
    monkeypatch.setattr(magnitude, "THRESHOLD", 2.0)
    monkeypatch.setattr(magnitude.MagnitudeConfig, "__init__", with_share(magnitude.MagnitudeConfig.__init__))
    made = magnitude.make(at(bundle, glue), "good")
    assert made.summary["share_kept"] == 1
    assert made.summary["note"].startswith("No weight is pruned: every subnetwork of this size keeps all ")
    bad = magnitude.make(at(bundle, glue), "bad")
    assert bad.summary["weight_mask_sha256"] == made.summary["weight_mask_sha256"]
    assert bad.summary["ticket_score"] == made.summary["full_score"]


def with_share(init):
    """A threshold that nothing pruned can hold."""

    def initialise(self, *args, **kwargs):
        init(self, *args, **{"share": 2.0, **kwargs})

    return initialise


# --- retrained


@pytest.mark.parametrize("kind", ["good", "bad", "super-random"])
def test_a_retrained_subnetwork_is_the_pretrained_one_fine_tuned_with_its_gates(lab, glue, model, kind):
    made = retrain_stage.make(at(lab, glue), kind)
    stored = read(lab, "retrained", kind)
    rows = read(lab, "subnetworks").table.set_index("kind")
    mask = Mask.from_code(rows.loc[kind, "mask"], 3, 4)
    assert stored.table["mask"].tolist() == [mask.code]
    tuned = retrained(glue, model, mask=mask)
    np.testing.assert_allclose(stored.arrays["logits"][0], reference(tuned, glue, mask), atol=1e-4)
    np.testing.assert_array_equal(
        stored.arrays["predictions"][0], predictions_of(TASKS["MRPC"], reference(tuned, glue, mask))
    )
    assert made.summary["score"] == metric("accuracy", stored.arrays["predictions"][0], labels(glue))
    assert made.config["recipe"] == asdict(replace(RECIPE, epochs=EPOCHS))
    assert made.config["checkpoint"].startswith("not stored")
    assert CHECKPOINT not in made.files
    assert not list((lab / ".work").rglob("*.safetensors"))
    assert retrain_stage.make(at(lab, glue), kind) == made


@pytest.mark.parametrize("kind", ["good", "random", "bad"])
def test_a_retrained_magnitude_ticket_keeps_its_zeros(lab, glue, model, kind):
    made = retrain_stage.make(at(lab, glue), f"magnitude-{kind}")
    weights = weights_of(checkpoint(lab).model)
    mask = magnitude.counterpart(kind, weights, stored_ticket(Bundle(lab), RUN, weights), SEED)
    assert made.config["weight_mask_sha256"] == mask.sha256
    tuned = retrained(glue, model, weight_mask=mask)
    for name in mask.names:
        assert (weights_of(tuned.model)[name][~mask.kept(name)] == 0).all()
    stored = read(lab, "retrained", f"magnitude-{kind}")
    np.testing.assert_allclose(stored.arrays["logits"][0], reference(tuned, glue, FULL), atol=1e-4)
    assert stored.table["weights_kept"].tolist() == [mask.n_kept]


def retrained(glue, model, *, mask=None, weight_mask=None):
    task, train = TASKS["MRPC"], folder_examples(glue, TASKS["MRPC"], "train")
    base = load_pretrained(str(model), task, SEED)
    data = TrainingSet(task, encode(train, base.tokenizer), train.labels)
    return replace(
        base, model=retrain(base, data, replace(RECIPE, epochs=EPOCHS), SEED, mask=mask, weight_mask=weight_mask)
    )


@pytest.mark.parametrize("kind", ["random", "magnitude-good"])
def test_a_killed_retraining_goes_on(lab, glue, monkeypatch, tmp_path, kind):
    other = Path(shutil.copytree(lab, tmp_path / "uninterrupted"))
    whole = retrain_stage.make(at(other, glue), kind)
    monkeypatch.setattr(retrain_stage, "SAVE_EVERY", 5)
    real, steps = retrain_stage.retrain, []

    def dies(*args, on_step, **kwargs):
        def counted(progress):
            steps.append(progress.step)
            if progress.step == 7:
                raise KeyboardInterrupt
            on_step(progress)

        return real(*args, on_step=counted, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(retrain_stage, "retrain", dies)
        with pytest.raises(KeyboardInterrupt):
            retrain_stage.make(at(lab, glue), kind)
    assert not Bundle(lab).has(Key(RUN, "retrained", kind))
    monkeypatch.setattr(
        retrain_stage, "retrain", lambda *a, on_step, **k: real(*a, on_step=lambda p: steps.append(p.step), **k)
    )
    resumed = retrain_stage.make(at(lab, glue), kind)
    assert steps == [*range(1, 8), *range(6, 9)], "from the last saved step"
    assert resumed.summary == whole.summary
    one, two = (read(root, "retrained", kind).arrays for root in (lab, other))
    for name in two:
        np.testing.assert_array_equal(one[name], two[name])


def test_a_subnetwork_that_changed_is_retrained_anew(lab, glue, monkeypatch):
    first = retrain_stage.make(at(lab, glue), "good")
    monkeypatch.setattr(subnetworks, "tickets_beside", lambda bundle, run: {SEED: FULL.with_mlp(0, False)})
    subnetworks.make(at(lab, glue))
    second = retrain_stage.make(at(lab, glue), "good")
    assert second.config["mask"] == FULL.with_mlp(0, False).code != first.config["mask"]


def test_retraining_refuses_what_does_not_fit(lab, bundle, glue, tmp_path):
    with pytest.raises(BadRequest, match=r"no kind 'worst' for retrain\. It takes good, random, bad, super-good"):
        make(at(lab, glue), stage_named("retrained"), kind="worst")
    with pytest.raises(
        BadBundle, match=r"subnetworks. Make it: `python -m precompute subnetworks --task MRPC --seed 7 --model"
    ):
        retrain_stage.make(at(bundle, glue), "good")
    other = Path(shutil.copytree(glue, tmp_path / "glue"))
    path = other / "MRPC" / "train.tsv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *rows[::-1]]) + "\n")
    with pytest.raises(BadRequest, match="This train set of MRPC is not the one"):
        retrain_stage.make(at(lab, other), "good")


# --- importance on a training sample, baseline, commands, study


def test_importance_on_a_training_sample(run, bundle, glue):
    options = ("--task", "MRPC", "--seed", SEED, "--model", NAME, "--glue-dir", glue, "--bundle", bundle)
    made = run("importance", *options, "--data", "train-sample", "--json").record
    assert made["artefact"].endswith("importance.expected-train-sample")
    manifest = read(bundle, "importance", "expected-train-sample").manifest
    assert manifest.config == {"estimator": "expected", "data": "train-sample", "sample_seed": SEED}
    assert manifest.data["train-sample"]["n"] == ROWS
    assert "--estimator expected --data train-sample --model" in manifest.command
    on_dev = importance.make(at(bundle, glue), "expected")
    assert on_dev.key.variant == "expected"
    for part in ("heads", "mlps"):  # dev is train here, and the sample is all of it
        np.testing.assert_allclose(
            read(bundle, "importance", "expected").arrays[part],
            read(bundle, "importance", "expected-train-sample").arrays[part],
            rtol=1e-4,
        )
    refused = run("importance", *options, "--data", "test")
    assert refused.status == 2
    assert "'test' is not one of 'dev', 'train-sample'" in refused.err


def test_a_sample_is_seeded_and_in_order(glue):
    train = folder_examples(glue, TASKS["MRPC"], "train")
    one, same, other = (sample_of(train, 10, seed) for seed in (1, 1, 2))
    assert one == same != other
    at_ = [train.items.index(item) for item in one.items]
    assert len(one) == 10
    assert at_ == sorted(at_)
    assert one.sha256 != train.sha256


def test_the_baseline_is_one_for_all_seeds(run, bundle, glue):
    made = run("baseline", "--task", "MRPC", "--model", NAME, "--glue-dir", glue, "--bundle", bundle, "--json").record
    assert made["artefact"] == "minilm-l6/MRPC/seed_all/baseline"
    counts = np.bincount(labels(glue).astype(int))
    assert made["score"] == counts.max() / ROWS
    stored = Bundle(bundle).manifest(Key(Run(NAME, "MRPC", ALL_SEEDS), "baseline"))
    assert stored.command.startswith("python -m precompute baseline --task MRPC --model ")
    assert not [problem for check in validate(Bundle(bundle)) for problem in check.problems]
    assert baseline.make(at(bundle, glue, 99)) == stored
    values = run(
        "baseline", "--task", "STS-B", "--model", NAME, "--glue-dir", glue, "--bundle", bundle, "--json"
    ).record
    assert values["draws"] == 1000
    assert values["sample_sd"] > 0


@pytest.mark.parametrize(
    ("stage", "variant", "words"),
    [
        ("magnitude", "bad", "magnitude --task MRPC --seed 7 --kind bad"),
        ("subnetworks", "", "subnetworks --task MRPC --seed 7"),
        ("retrained", "super-bad", "retrain --task MRPC --seed 7 --kind super-bad"),
        ("attention", "finetuned", "attention --task MRPC --seed 7 --kind finetuned"),
        ("importance", "batch", "importance --task MRPC --seed 7 --estimator batch"),
        ("structured", "heads", "prune --task MRPC --seed 7 --method heads"),
        ("structured", "together-published", "prune --task MRPC --seed 7 --method together --procedure published"),
    ],
)
def test_commands_are_those_that_make_the_artefact(stage, variant, words):
    assert command_for(Key(RUN, stage, variant)) == f"python -m precompute {words} --model minilm"


@pytest.mark.long
def test_a_study_runs_every_stage_and_names_what_is_left(run, bundle, glue, model, tmp_path, monkeypatch):
    flat = MapClassifier(lambda maps: np.full((len(maps), 5), 0.2), 0.5, "flat")
    monkeypatch.setattr(attention, "shipped_classifier", lambda: flat)
    monkeypatch.setattr(bank, "MASKS", 100)
    monkeypatch.setattr(league, "DRAWS", 3)
    monkeypatch.setattr(league, "NODES", 4)
    options = ("--task", "MRPC", "--seed", SEED, "--model", model, "--glue-dir", glue, "--bundle", bundle)
    partly = run("study", *options, "--without", "prune,retrain, magnitude")
    assert partly.status == 0
    left = [line for line in partly.err.splitlines() if line.startswith("left undone: ")]
    assert "left undone: minilm-l6/MRPC/seed_7/subnetworks: `python -m precompute subnetworks" in "\n".join(left)
    assert not Bundle(bundle).has(Key(RUN, "subnetworks")), "it builds on what was left out"
    whole = run("study", *options, "--json")
    assert whole.status == 0
    assert len(whole.out.splitlines()) == 1 + 3 + 3 + 1 + 1 + 1 + 2 + 3 + 1 + 1 + 3 + 1
    left = left_undone(at(bundle, glue))
    assert left[0] == (
        "super subnetworks, which need the pruning paths of two seeds or more: "
        f"`python -m precompute prune --task MRPC --seed 1337 --method together --model {model} --bundle {bundle}`"
    )
    assert all("retrained." in sentence for sentence in left[1:])
    assert len(left) == 1 + 6
    assert not [problem for check in validate(Bundle(bundle)) for problem in check.problems]
    target = tmp_path / "cache"
    assert run("publish", bundle, target, "--json").status == 0
    assert run("validate", target).status == 0
    refused = run("study", *options, "--without", "prun")
    assert refused.status == 2
    assert "There is no stage 'prun' to leave out. Stages: importance, prune" in refused.err


def test_a_study_takes_a_fine_tuned_run_as_it_is(bundle, glue, model):
    """Its recipe is not the default one, which would be refused."""
    first = next(iter(run_study(replace(at(bundle, glue), model=str(model)))))
    assert first.config["recipe"]["epochs"] == 40


def test_super_subnetworks_over_more_seeds_are_left_to_do(lab, glue, model):
    shutil.rmtree(lab / "minilm-l6/MRPC/seed_7/subnetworks")
    own = tickets_beside(Bundle(lab), RUN)
    assert own.keys() == {SEED, OTHER}
    left = left_undone(at(lab, glue))
    assert any(
        "over the paper's five seeds: 1337, 42, 86, 71, 166 have no pruning path here" in words for words in left
    )
