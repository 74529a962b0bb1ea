"""What is there and what is not: the same list as the study makes, with commands that make the rest."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from explorer.store.bundle import CHECKPOINT, Bundle
from explorer.store.commands import study_command
from explorer.store.coverage import commands, coverage
from explorer.store.inventory import Inventory
from explorer.store.schema import ALL_SEEDS, FileEntry, Key, Run
from explorer.store.stages import computed
from tests.bundles import MODEL, small_bundle, write

RUN = Run(MODEL, "MRPC", 1337)


@pytest.fixture
def bundle(tmp_path):
    return small_bundle(tmp_path / "bundle", stages=("structured", "magnitude", "baseline"))


def parts_of(bundle, run):
    found = coverage(bundle, Inventory(), run)
    return [part for parts in found.values() for part in parts]


def test_it_lists_what_the_study_makes(bundle):
    from precompute.study import plan

    planned = [step.key for step in plan(RUN)]
    listed = [part.key for run in (RUN, Run(MODEL, "MRPC", ALL_SEEDS)) for part in parts_of(bundle, run)]
    assert sorted(planned) == sorted(listed)


def test_each_part_is_there_missing_unfinished_or_withheld(bundle):
    finetuned = bundle.manifest(Key(RUN, "finetune"))
    bundle.write(replace(finetuned, withheld={CHECKPOINT: FileEntry("0" * 64, 1)}))
    bundle.write(replace(finetuned, stage="ablations", complete=False))
    found = coverage(bundle, Inventory(bundle.manifests()), RUN)
    assert list(found) == [stage.name for stage in computed() if stage.variants]
    assert [part.status for part in found["finetune"]] == ["withheld"]
    assert [part.status for part in found["structured"]] == ["complete", "missing", "missing"]
    assert [part.status for part in found["ablations"]] == ["unfinished"]
    assert [part.status for part in found["magnitude"]] == ["complete"] * 3
    assert (
        coverage(bundle, Inventory(bundle.manifests()), Run(MODEL, "MRPC", ALL_SEEDS))["baseline"][0].status
        == "complete"
    )


def test_a_run_that_was_never_begun_lacks_everything(bundle):
    found = coverage(bundle, Inventory(bundle.manifests()), Run(MODEL, "RTE", 7))
    assert {part.status for parts in found.values() for part in parts} == {"missing"}


def test_what_else_the_bundle_holds_is_listed_too(bundle):
    write(bundle, Key(RUN, "retrained", "super-good"))
    found = coverage(bundle, Inventory(bundle.manifests()), RUN)
    assert [part.key.variant for part in found["retrained"]] == ["good", "random", "bad", "super-good"]


def test_an_import_has_nothing_to_compute(tmp_path):
    bundle, run = Bundle(tmp_path), Run("bert-base-uncased", "RTE", 42)
    write(bundle, Key(run, "published-masks", "heads"))
    assert list(coverage(bundle, Inventory(bundle.manifests()), run)) == ["published-masks"]


def test_commands_name_model_and_bundle(bundle):
    found = coverage(bundle, Inventory(bundle.manifests()), RUN)
    assert commands(found["structured"], "runs") == [
        f"python -m precompute prune --task MRPC --seed 1337 --method {method} --model tiny-bert --bundle runs"
        for method in ("heads", "mlps")
    ]
    assert commands(found["magnitude"]) == []
    assert study_command(Run("minilm-l6", "RTE", 42)) == (
        "python -m precompute study --task RTE --seed 42 --model minilm"
    )
    shutil.rmtree(bundle.root / str(RUN.path))
    lacking = coverage(bundle, Inventory(bundle.manifests()), RUN)["finetune"]
    assert commands(lacking) == ["python -m precompute finetune --task MRPC --seed 1337 --model tiny-bert"]
