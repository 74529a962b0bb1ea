"""A stage is its entry in the register, its file and its screen: a toy stage shows that nothing else knows the list."""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType

import pytest
from typer.testing import CliRunner

from explorer.errors import BadRequest
from explorer.glue.tasks import TASKS
from explorer.store import stages
from explorer.store.bundle import Bundle
from explorer.store.commands import command_for
from explorer.store.coverage import commands, coverage, study_keys
from explorer.store.inventory import Inventory
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.store.stages import Option, Stage, stage_named
from explorer.store.user_folders import PROJECT
from precompute.artefacts import Draft
from precompute.cli import make_app
from precompute.options import Options
from precompute.study import plan, run_study
from tests.bundles import MODEL, small_bundle
from tests.ui.opened import opened

RUN = Run(MODEL, "MRPC", 1337)
TOY = Stage(
    "toy",
    "play",
    "toys",
    "Play with a run.",
    (Option("colour", "Which toy.", ("red", "blue"), labels={"red": "Red"}),),
    variants=("red", "blue"),
    needs={"*": ("finetune",), "blue": ("toy.red",)},
    splits=(),
)


def make(options, colour="red"):
    checkpoint = options.bundle.manifest(options.key("finetune")).checkpoint_sha256
    draft = Draft(options, options.key("toy", colour), {"colour": colour}, {}, checkpoint)
    return draft.write({"colour": colour}, 0.0)


@pytest.fixture
def toy(monkeypatch):
    """The register with one more stage, whose file is precompute/stages/play.py."""
    module = ModuleType("precompute.stages.play")
    module.make = make
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(stages, "REGISTER", (*stages.REGISTER, TOY))


@pytest.fixture
def bundle(tmp_path):
    return small_bundle(tmp_path / "bundle")


def test_its_artefacts_are_known_and_missing(toy, bundle):
    key = Key(RUN, "toy", "blue")
    assert str(key.path) == f"{MODEL}/MRPC/seed_1337/toy.blue"
    found = coverage(bundle, Inventory(bundle.manifests()), RUN)
    assert [part.status for part in found["toy"]] == ["missing", "missing"]
    assert commands(found["toy"], "runs") == [
        f"python -m precompute play --task MRPC --seed 1337 --colour {colour} --model {MODEL} --bundle runs"
        for colour in ("red", "blue")
    ]


def test_the_study_plans_it_after_what_it_needs(toy):
    steps = {step.key: step for step in plan(RUN)}
    assert steps[Key(RUN, "toy", "blue")].needs == (Key(RUN, "finetune"), Key(RUN, "toy", "red"))
    assert list(steps)[-2:] == [Key(RUN, "toy", "red"), Key(RUN, "toy", "blue")]


def test_the_study_makes_it(toy, bundle):
    others = [stage.verb for stage in stages.computed() if stage.optional and stage is not TOY]
    made = list(run_study(Options(TASKS["MRPC"], 1337, MODEL, bundle), others))
    assert [manifest.key.stage for manifest in made] == ["finetune", "toy", "toy"]
    assert made[-1].command == command_for(Key(RUN, "toy", "blue"), bundle.root)


def test_it_has_a_verb_with_the_common_options_and_checked_choices(toy, bundle):
    app = make_app()
    shown = CliRunner().invoke(app, ["play", "--help"])
    assert "Play with a run." in shown.output
    assert all(flag in shown.output for flag in ("--task", "--seed", "--model", "--bundle", "--device", "--colour"))
    assert "--glue-dir" not in shown.output, "it reads nothing of GLUE"
    options = ["--task", "MRPC", "--model", MODEL, "--bundle", str(bundle.root), "--device", "cpu"]
    refused = CliRunner().invoke(app, ["play", *options, "--colour", "green"])
    assert refused.exit_code == 2
    done = CliRunner().invoke(app, ["play", *options, "--colour", "blue"])
    assert done.exit_code == 0
    assert "toy.blue" in done.output
    assert bundle.has(Key(RUN, "toy", "blue"))


def test_the_runs_page_has_a_column_for_it(toy, bundle, monkeypatch):
    test = opened(monkeypatch, "runs", bundle.root, model=MODEL, task="MRPC", seed="1337")
    assert "toys" in test.dataframe[0].value.columns
    shown = "\n".join(str(block.value) for block in test.code)
    assert f"python -m precompute play --task MRPC --seed 1337 --colour red --model {MODEL}" in shown


@pytest.mark.parametrize("stage", stages.REGISTER, ids=lambda stage: stage.name)
def test_options_and_variants_are_one_another_s_inverse(stage):
    variants = [*stage.variants, *stage.over_seeds]
    if stage.name == "structured":
        variants += ["heads-published"]
    if stage.name == "importance":
        variants += ["batch-train-sample"]
    for variant in variants:
        assert stage.variant_of(stage.options_of(variant)) == variant


def test_what_a_stage_needs_is_in_the_register():
    for stage in stages.REGISTER:
        for variant in stage.variants:
            for name in stage.needed_by(variant):
                needed, _, of_it = name.partition(".")
                assert of_it in stage_named(needed).variants or not of_it


def source_of(stage):
    return inspect.getsource(importlib.import_module(f"precompute.stages.{stage.verb}"))


@pytest.mark.parametrize("stage", stages.computed(), ids=lambda stage: stage.name)
def test_what_a_stage_reads_and_refuses_is_what_the_register_says(stage):
    source = source_of(stage)
    assert ("require_every_head(" in source) == stage.every_head
    reads_dev = 'examples("dev")' in source or "open_run(options)" in source
    assert reads_dev == ("dev" in stage.splits)
    if stage.name != "importance":  # reads train where it is asked to, which the study does not
        assert ('examples("train"' in source) == ("train" in stage.splits)


@pytest.mark.parametrize("stage", [stage for stage in stages.computed() if stage.splits], ids=lambda stage: stage.name)
def test_a_verb_reads_the_training_examples_first_where_they_are_named_and_else_leaves_them_to_the_stage(
    stage, bundle, monkeypatch, tmp_path
):
    read = []
    monkeypatch.setattr(Options, "examples", lambda _self, split, file=None: read.append((split, file)))
    module = ModuleType(f"precompute.stages.{stage.verb}")
    module.make = lambda options, **_: bundle.manifest(Key(RUN, "finetune"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    given = ["--train-file", "other.tsv"] if "train_file" in {option.name for option in stage.options} else []
    seed = ["--seed", "1337"] if stage.variants or not stage.over_seeds else []
    rest = ["--device", "cpu"] if seed else []
    argv = [stage.verb, "--task", "MRPC", *seed, *rest, "--model", MODEL, "--bundle", str(bundle.root), *given]
    done = CliRunner().invoke(make_app(), argv)
    assert done.exit_code == 0, done.output
    assert read == [*[("train", "other.tsv")] * bool(given), ("dev", None)]


def test_what_is_once_for_all_seeds_is_what_ships_so():
    found = {(one.stage, one.variant) for one in Bundle(PROJECT / "cache").manifests() if one.seed == ALL_SEEDS}
    found |= {("published-scores", "")}
    assert found == {(stage.name, variant) for stage in stages.REGISTER for variant in stage.over_seeds}
    assert not [key for key in study_keys(Run(MODEL, "MRPC", ALL_SEEDS)) if key.stage == "published-scores"]
    assert not [job for job in plan(RUN) if job.key.stage == "published-scores"]


def test_an_unknown_stage_is_refused_by_name():
    with pytest.raises(BadRequest, match="'chew' names no stage"):
        stage_named("chew")
    with pytest.raises(BadRequest, match="no kind 'worst' for retrain"):
        stage_named("retrained").check({"kind": "worst"})


def test_a_bundle_without_a_stage_s_file_is_still_read(bundle):
    assert Bundle(bundle.root).has(Key(RUN, "finetune"))
