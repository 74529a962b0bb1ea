"""Whatever `validate` passes, everything reads: manifests, tables and arrays changed at random, hashes made to fit."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.errors import ExplorerError
from explorer.patterns.samples import unpack_samples
from explorer.store.bundle import ARRAYS, MANIFEST, TABLE, Bundle
from explorer.store.coverage import commands, coverage
from explorer.store.inventory import Inventory
from explorer.store.schema import Key, Run
from explorer.store.stages import computed
from explorer.store.validation import validate
from explorer.study.claim_sheet import claim_sheet
from explorer.study.comparisons import answers_by_seed, paired_by_seed
from explorer.study.conditions import CONDITIONS, study_scores
from explorer.study.landmarks import landmarks_of
from explorer.study.league import league_of, stability_over_examples
from explorer.study.league import meaning as league_meaning
from explorer.study.majority_baseline import majority_baseline_of
from explorer.study.mask_bank import mask_bank_of, parts_worth
from explorer.study.mean_ablation import read_mean_ablation
from explorer.study.mean_ablation_words import means_shown
from explorer.study.pairs import pairs_words, run_pairs
from explorer.study.stand_ins import meaning as stand_ins_meaning
from explorer.study.stand_ins import stand_ins_compared
from explorer.study.stored_scores import known_run
from explorer.study.survivor_patterns import survivor_patterns
from explorer.study.transfer import transfer_words, transferred
from precompute.bundle.report import report_records, report_text
from tests.bundles import MODEL, H, L, make_fit, small_bundle, ticket, with_attention
from tests.later import with_ablations, with_constants, with_importance
from tests.leagues import with_bank, with_league, with_pairs
from tests.ui.opened import opened
from tests.ui.test_mean_ablation import with_means
from tests.ui.test_transfer import with_transfer

ROOT = Path(__file__).resolve().parents[1]
RUN = Run(MODEL, "MRPC", 1337)
pytestmark = pytest.mark.usefixtures("bounded_memory")
ODD = st.sampled_from(
    [None, True, 0, -1, 7, 10**18, 0.5, float("nan"), float("inf"), "", "x", "\u0000", "../x", [], [1], {}, {"a": 1}]
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("whole") / "bundle").root


def test_the_bundle_of_the_tests_passes(whole):
    assert not [problem for check in validate(Bundle(whole)) for problem in check.problems]


def npz(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def changed_array(data, array):
    how = data.draw(st.sampled_from(["value", "type", "cut", "axis", "empty"]))
    if how == "value" and array.size and array.dtype.kind in "iuf":
        array = array.copy()
        at, value = data.draw(st.integers(0, array.size - 1)), data.draw(st.sampled_from([-1, 0, 1, 7, 100]))
        array.flat[at] = np.asarray(value).astype(array.dtype)
    if how == "type":
        array = array.astype(data.draw(st.sampled_from(["f2", "f8", "i8", "U3", "?", "c8", "u1"])))
    return array[:-1] if how == "cut" else array[None] if how == "axis" else array[:0] if how == "empty" else array


def changed_table(data, table):
    name = data.draw(st.sampled_from(list(table.columns)))
    how = data.draw(st.sampled_from(["drop", "odd", "text", "rows", "nan"]))
    if how == "drop":
        return table.drop(columns=name)
    if how == "rows":
        return table.iloc[: data.draw(st.integers(0, len(table)))]
    odd = {"odd": data.draw(st.sampled_from([0, -1, 7, 0.5, True])), "text": "x", "nan": float("nan")}[how]
    changed = table.copy()
    changed[name] = odd
    return changed


def change(data, root, stage="*"):
    """One thing in one artefact, of a stage or of any."""
    path = data.draw(st.sampled_from(sorted(root.glob(f"*/*/seed_*/{stage}/{MANIFEST}"))))
    raw = json.loads(path.read_text())
    what = data.draw(st.sampled_from(["entry", "inner", *raw["files"]]))
    if what == "entry":
        raw[data.draw(st.sampled_from(sorted(raw)))] = data.draw(ODD)
    elif what == "inner":
        inner = data.draw(st.sampled_from(["config", "summary", "data", "versions"]))
        if raw[inner]:
            raw[inner][data.draw(st.sampled_from(sorted(raw[inner])))] = data.draw(ODD)
    elif what == ARRAYS:
        with np.load(path.parent / ARRAYS) as file:
            arrays = dict(file)
        name = data.draw(st.sampled_from(sorted(arrays)))
        arrays[name] = changed_array(data, arrays[name])
        (path.parent / ARRAYS).write_bytes(npz(arrays))
    else:
        changed_table(data, pd.read_parquet(path.parent / TABLE)).to_parquet(path.parent / TABLE, index=False)
    make_fit(path.parent, raw)


def read_all(root):
    """What the report, the pages and the verbs ask of a bundle."""
    bundle = Bundle(root)
    manifests = Inventory(bundle.manifests())
    known_run(bundle, RUN)
    landmarks_of(bundle, RUN, (L, H))
    commands([part for parts in coverage(bundle, manifests, RUN).values() for part in parts], root)
    scores = study_scores(bundle, MODEL, "MRPC")
    answers = answers_by_seed(bundle, scores, CONDITIONS)
    paired_by_seed(answers, "full", "structured/good/pruned")
    report_text(bundle, "MRPC", MODEL)
    report_records(bundle, "MRPC", MODEL)
    claim_sheet(bundle, manifests, MODEL, "MRPC")


@given(st.data())
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_what_validate_passes_is_read_without_a_traceback(whole, tmp_path_factory, data):
    root = tmp_path_factory.mktemp("changed") / "bundle"
    shutil.copytree(whole, root)
    change(data, root)
    passes = not [problem for check in validate(Bundle(root)) for problem in check.problems]
    try:
        read_all(root)
    except ExplorerError:
        pass
    except Exception as error:
        if passes or isinstance(error, MemoryError):
            raise
    finally:
        shutil.rmtree(root)


LATER = {
    "ablations": with_ablations,
    "importance": with_importance,
    "bank": with_bank,
    "league": with_league,
    "pairs": with_pairs,
    "mean-ablated": with_means,
    "constants": with_constants,
    "transfer": with_transfer,
    "attention": with_attention,
}
"""What small_bundle has not, each with what makes it."""


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    bundle = small_bundle(
        tmp_path_factory.mktemp("later") / "bundle", stages=("structured", "subnetworks", "baseline"), seeds=(1337,)
    )
    for make in LATER.values():
        make(bundle, RUN)
    return bundle.root


def read_later(root, stage):
    """What the pages ask of one of the stages that were asked since the paper."""
    bundle = Bundle(root)
    known, majority = known_run(bundle, RUN), majority_baseline_of(bundle, MODEL, "MRPC")

    def artefact(name, variant=""):
        return bundle.read(Key(RUN, name, variant))

    if stage in ("mean-ablated", "ablations"):
        found = read_mean_ablation(bundle, MODEL, "MRPC", majority, True)
        assert found is None or means_shown([found])
    if stage == "constants":
        assert artefact(stage).manifest.config["ticket"]
        assert stand_ins_meaning(stand_ins_compared(artefact(stage), known), "accuracy", learnt=True)
    if stage == "transfer":
        assert transfer_words(transferred(artefact(stage), known), ())
    if stage == "pairs":
        assert pairs_words(run_pairs(artefact(stage), "accuracy", (L, H)), (L, H))
        assert run_pairs(artefact(stage), "accuracy", (L, H), by_margin=True).with_part(0)
    if stage == "bank":
        assert parts_worth(mask_bank_of(artefact(stage), known.labels, (L, H)))
    if stage == "league":
        league = league_of(artefact(stage))
        assert league_meaning(league, "accuracy")
        assert stability_over_examples(artefact(stage).arrays["gradients"], 3, draws=3)
    if stage == "attention":
        assert survivor_patterns(bundle, MODEL, "MRPC").groups
        assert unpack_samples(artefact(stage, "finetuned").arrays)
    if stage == "importance":
        assert artefact(stage, "expected").arrays["heads"].max() is not None


def test_every_stage_that_is_computed_is_read_here():
    made = {"finetune", "structured", "subnetworks", "retrained", "magnitude", "baseline"}
    assert {stage.name for stage in computed()} == made | set(LATER)


@pytest.mark.parametrize("stage", LATER)
def test_the_later_stages_of_the_tests_pass_and_are_read(later, stage):
    assert not [problem for check in validate(Bundle(later)) for problem in check.problems]
    read_later(later, stage)


def without(column, *values):
    return lambda table: table[~table[column].isin(values)].reset_index(drop=True)


@pytest.mark.parametrize(
    ("make", "changed", "wrong"),
    [
        (with_constants, {"config": {"ticket": ticket(1337).code}}, "in how many steps"),
        (with_constants, {"config": {"steps": 10}}, "the ticket in its config"),
        (with_constants, without("name", "good"), "every ticket and random masks"),
        (with_constants, without("name", "drawn"), "every ticket and random masks"),
        (with_constants, lambda table: table.assign(rate=np.nan), "without its keep rate"),
        (with_constants, lambda table: table.iloc[::-1].reset_index(drop=True), ""),
        (with_constants, lambda table: pd.concat([table[:8], table[8:16][::-1], table[16:]]), "in the same order"),
        (with_means, {"config": {}}, "the ticket in its config"),
        (with_means, without("part", "alone"), "every head and MLP alone"),
        (with_means, without("name", "mlp 0"), "every head and MLP alone"),
    ],
)
def test_what_the_readers_of_means_and_constants_need_is_checked(tmp_path, make, changed, wrong):
    bundle = small_bundle(tmp_path / "bundle", stages=("structured",), seeds=(1337,))
    made = make(bundle, RUN)
    if callable(changed):
        table = changed(bundle.read(made.key).table)
        predictions = bundle.read(made.key).arrays["predictions"][: len(table)]
        changed = {"table": table, "arrays": {**bundle.read(made.key).arrays, "predictions": predictions}}
    make(bundle, RUN, **changed)
    problems = [problem for check in validate(bundle) for problem in check.problems]
    assert bool(problems) == bool(wrong)
    assert wrong in " ".join(map(str, problems))
    if not wrong:
        read_later(bundle.root, made.stage)


@pytest.mark.parametrize("stage", LATER)
@given(st.data())
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
def test_what_validate_passes_of_a_later_stage_is_read_without_a_traceback(later, tmp_path_factory, stage, data):
    root = tmp_path_factory.mktemp("changed") / "bundle"
    shutil.copytree(later, root)
    change(data, root, f"{stage}*")
    passes = not [problem for check in validate(Bundle(root)) for problem in check.problems]
    try:
        read_later(root, stage)
    except ExplorerError:
        pass
    except Exception as error:
        if passes or isinstance(error, MemoryError):
            raise
    finally:
        shutil.rmtree(root)


@given(st.data())
@settings(max_examples=4, suppress_health_check=list(HealthCheck))
def test_what_validate_passes_is_shown_without_a_traceback(whole, tmp_path_factory, data):
    root = tmp_path_factory.mktemp("shown") / "bundle"
    shutil.copytree(whole, root)
    change(data, root)
    if not [problem for check in validate(Bundle(root)) for problem in check.problems]:
        for name in ("overview", "survival", "tickets", "runs"):
            with pytest.MonkeyPatch.context() as patch:
                try:
                    opened(patch, name, root)
                except ExplorerError:  # app.py shows it as a sentence
                    continue
    shutil.rmtree(root)


def test_no_number_is_counted_to_before_it_is_compared(later, tmp_path):
    """A whole number in a manifest, a table or arrays may be any: nothing takes as much memory, or time, as it says."""
    shutil.copytree(later, tmp_path / "bundle")
    command = [sys.executable, "-m", "tests.too_large", tmp_path / "bundle"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert said["short"] == []
    assert said["count"] > 80
