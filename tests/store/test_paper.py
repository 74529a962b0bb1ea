"""The published figures, and the importer of the authors' files: on files made here, and on theirs where they are.

Long because each odd file of the authors' layout has its test here.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import BadBundle, BadData, BadRequest
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.stats.agreement import agreement
from explorer.stats.survival import survival
from explorer.store.bundle import Bundle
from explorer.store.paper import published as published_figures
from explorer.store.paper.importer import CONDITIONS, FAMILIES, MODEL, SEEDS, ImportReport, Skipped, import_clone
from explorer.store.paper.published import published
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.store.validation import validate
from precompute.bundle.import_paper import run_import

CLONE = os.environ.get("PAPER_CLONE", "")
needs_clone = pytest.mark.skipif(
    not CLONE, reason="needs PAPER_CLONE, a clone of github.com/sai-prasanna/bert-experiments"
)
THEIR_METRICS = {"CoLA": ["mcc"], "MNLI": ["mnli-mm_acc", "mnli_acc"], "STS-B": ["corr", "pearson", "spearmanr"]}


# --- the published figures


def test_every_condition_has_every_task():
    figures = published()
    assert len(figures.conditions) == 20
    assert set(figures.conditions) == set(CONDITIONS.values())
    assert set(figures.tasks) == set(TASKS)
    for condition in figures.conditions:
        for task in TASKS:
            score = figures.score(condition, task)
            assert -1 <= score.mean <= 1
            assert score.population_sd >= 0


def test_known_figures():
    figures = published()
    full = figures.score("full", "RTE")
    assert (full.mean, full.population_sd, full.n_seeds) == (0.6325, 0.0277, 5)
    assert full.sample_sd == pytest.approx(0.0277 * math.sqrt(5 / 4))
    assert figures.majority("WNLI").mean == 0.5634
    assert figures.seeds == SEEDS
    assert figures.head_kappas == {"CoLA": 0.2281, "MNLI": 0.2576, "RTE": 0.1799, "WNLI": -0.25}
    assert figures.magnitude_kept_share["CoLA"] == 0.6355
    assert figures.patterns.raw["CoLA"]["vertical+diagonal"] == 0.4219
    assert set(figures.patterns.norm_weighted) == set(TASKS) - {"WNLI"}
    assert "2005.00561" in figures.paper
    assert "sai-prasanna/bert-experiments" in figures.repository


@pytest.mark.parametrize("task", TASKS)
def test_survival_is_in_fifths_and_none_where_not_pruned(task):
    figures = published()
    assert tuple(figures.survivals) == ("heads", "mlps", "heads_mlps")
    assert figures.survival("heads", task).mlps is None
    assert figures.survival("mlps", task).heads is None
    both = figures.survival("heads_mlps", task)
    assert both.heads is not None
    assert both.mlps is not None
    assert (both.heads.shape, both.mlps.shape) == ((12, 12), (12,))
    for array in (both.heads, both.mlps):
        assert np.isin(np.round(array * 5, 9), range(6)).all()
        assert not array.flags.writeable


@pytest.mark.parametrize("shares", ["raw", "norm_weighted"])
def test_pattern_shares_sum_to_one(shares):
    for row in getattr(published().patterns, shares).values():
        assert sum(row.values()) == pytest.approx(1, abs=5e-4)


def test_what_was_not_published_is_named():
    with pytest.raises(BadRequest, match=r"condition 'heads'.*It did for majority_baseline"):
        published().score("heads", "RTE")
    with pytest.raises(BadRequest, match="task 'XNLI'"):
        published().survival("heads", "XNLI")


def test_a_damaged_file_of_figures_is_named(tmp_path, monkeypatch):
    published.cache_clear()
    monkeypatch.setattr(published_figures, "FIGURES", tmp_path / "published_figures.json")
    for text in ("", "[]", '{"paper": 1}'):
        published_figures.FIGURES.write_text(text)
        with pytest.raises(BadBundle, match="git checkout"):
            published()
    monkeypatch.undo()
    published.cache_clear()


def test_it_needs_no_torch():
    code = (
        "import sys; from explorer.store.paper.published import published; "
        "from explorer.store.paper.importer import import_clone; "
        "published(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


# --- the importer, on a clone made here


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


@pytest.fixture
def clone(tmp_path):
    """Two families of RTE with all seeds, and the scores of two conditions."""
    root = tmp_path / "clone"
    rng = np.random.default_rng(0)
    for seed in SEEDS:
        for family, parts in {"heads": ("head",), "heads_mlps": ("head", "mlp")}.items():
            folder = root / "masks" / family / "RTE" / f"seed_{seed}"
            for part, shape in (("head", (12, 12)), ("mlp", (12,))):
                if part in parts:
                    save(folder / f"{part}_mask.npy", rng.integers(0, 2, shape).astype(np.float32))
                    save(folder / f"{part}_importance.npy", rng.random(shape).astype(np.float32))
    for condition, where in (("no_mask", "baseline/results.json"), ("freq_baseline", "results.json")):
        results = {
            task: {name: [0.5, 0.01] if condition == "no_mask" else [0.5] for name in THEIR_METRICS.get(task, ["acc"])}
            for task in TASKS
        }
        path = root / "evaluate_masked" / condition / where
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(results))
    return root


def imported(clone, tmp_path):
    bundle = Bundle(tmp_path / "bundle")
    return bundle, import_clone(clone, bundle)


def masks_of(bundle, task, family):
    found = {}
    for seed in SEEDS:
        arrays = bundle.read(Key(Run(MODEL, task, seed), "published-masks", family)).arrays
        found[seed] = Mask(arrays["heads"], arrays["mlps"])
    return found


def why(report, path):
    return " ".join(item.why for item in report.skipped if item.path == path)


def test_an_import_is_an_ordinary_bundle(clone, tmp_path):
    bundle, report = imported(clone, tmp_path)
    assert len(report.written) == 10 + 9
    assert [problem for check in validate(bundle) for problem in check.problems] == []
    artefact = bundle.read(Key(Run(MODEL, "RTE", 86), "published-masks", "heads_mlps"))
    source = clone / "masks/heads_mlps/RTE/seed_86"
    for name, file in (
        ("heads", "head_mask"),
        ("mlps", "mlp_mask"),
        ("importance_heads", "head_importance"),
        ("importance_mlps", "mlp_importance"),
    ):
        assert np.array_equal(artefact.arrays[name], np.load(source / f"{file}.npy"))
    manifest = artefact.manifest
    assert manifest.config["family"] == "heads_mlps"
    assert set(manifest.config["sha256"]) == {path.name for path in source.iterdir()}
    assert (manifest.checkpoint_sha256, manifest.data) == ("", {})
    mask = Mask(artefact.arrays["heads"], artefact.arrays["mlps"])
    assert (manifest.summary["ticket"], manifest.summary["heads_kept"]) == (mask.code, mask.heads_kept)
    assert "import-paper" in manifest.command
    assert str(tmp_path) not in manifest.to_json()


def test_heads_alone_keep_all_mlps(clone, tmp_path):
    bundle, _ = imported(clone, tmp_path)
    artefact = bundle.read(Key(Run(MODEL, "RTE", 42), "published-masks", "heads"))
    assert artefact.arrays["mlps"].all()
    assert set(artefact.arrays) == {"heads", "mlps", "importance_heads"}
    assert artefact.manifest.config["prunes"] == ["heads"]


def test_scores_are_one_artefact_a_task_over_all_seeds(clone, tmp_path):
    bundle, _ = imported(clone, tmp_path)
    key = Key(Run(MODEL, "MNLI", ALL_SEEDS), "published-scores")
    assert str(key.path) == f"{MODEL}/MNLI/seed_all/published-scores"
    table = bundle.read(key).table
    own = table[table["is_task_metric"]].set_index("condition")
    assert list(own.index) == ["majority_baseline", "full"]
    assert own.loc["full", ["metric", "mean", "population_sd", "n_seeds"]].tolist() == ["mnli_acc", 0.5, 0.01, 5]
    assert math.isnan(own.loc["majority_baseline", "population_sd"])


def test_importing_again_replaces(clone, tmp_path):
    bundle, first = imported(clone, tmp_path)
    changed = np.zeros((12, 12), np.float32)
    save(clone / "masks/heads/RTE/seed_42/head_mask.npy", changed)
    assert import_clone(clone, bundle).written == first.written
    assert not bundle.read(Key(Run(MODEL, "RTE", 42), "published-masks", "heads")).arrays["heads"].any()
    assert not [problem for check in validate(bundle) for problem in check.problems]


def test_an_import_beside_runs_of_ones_own_is_valid(clone, tmp_path):
    bundle, _ = imported(clone, tmp_path)
    masks = bundle.manifest(Key(Run(MODEL, "RTE", 42), "published-masks", "heads"))
    from dataclasses import replace

    dev = {"dev": {"source": "test", "n": 3, "sha256": "ab"}}
    own = replace(masks, stage="finetune", variant="", checkpoint_sha256="f" * 64, config={"shape": [12, 12]}, data=dev)
    arrays = {"labels": np.array([0.0, 1, 1]), "logits": np.eye(3, 2, dtype=np.float32)}
    bundle.write(replace(own, summary={"score": 2 / 3}), arrays=arrays)
    assert not [problem for check in validate(bundle) for problem in check.problems]


@pytest.mark.parametrize(
    ("family", "kept", "other"), [("heads", "head_mask", "mlp_mask"), ("mlps", "mlp_mask", "head_mask")]
)
def test_a_mask_of_what_its_family_does_not_prune_is_never_dropped(clone, tmp_path, family, kept, other):
    shapes = {"head_mask": (12, 12), "mlp_mask": (12,)}
    folders = [clone / "masks" / family / "RTE" / f"seed_{seed}" for seed in (1337, 42, 86)]
    for folder in folders:
        save(folder / f"{kept}.npy", np.eye(12)[0] if kept == "mlp_mask" else np.eye(12))
    half = np.ones(shapes[other])
    half[:6] = 0
    save(folders[0] / f"{other}.npy", half)
    save(folders[1] / f"{other}.npy", np.ones(shapes[other]))
    (folders[2] / f"{other}.npy").write_bytes(b"damaged")
    bundle, report = imported(clone, tmp_path)
    there = [bundle.has(Key(Run(MODEL, "RTE", seed), "published-masks", family)) for seed in (1337, 42, 86)]
    assert there == [False, True, False]
    words = f"by its name, the family {family} prunes none"
    assert words in why(report, f"masks/{family}/RTE/seed_1337/{other}.npy")
    assert "has no usable mask" in why(report, f"masks/{family}/RTE/seed_1337")
    assert "not a plain .npy array" in why(report, f"masks/{family}/RTE/seed_86/{other}.npy")
    assert not why(report, f"masks/{family}/RTE/seed_42")
    assert not [problem for check in validate(bundle) for problem in check.problems]


def test_where_nothing_can_be_imported_the_odd_cause_is_told_and_not_what_is_missing_everywhere(tmp_path):
    folder = tmp_path / "clone" / "masks" / "heads" / "RTE" / "seed_42"
    save(folder / "head_mask.npy", np.eye(12))
    save(folder / "mlp_mask.npy", np.zeros(12))
    with pytest.raises(BadData, match="the family heads prunes none"):
        imported(tmp_path / "clone", tmp_path)


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("unpickled"),))


def damage(kind, path):
    mask = np.load(path)
    if kind == "wrong shape":
        save(path, mask[:, :4])
    elif kind == "nan":
        mask[3, 4] = np.nan
        save(path, mask)
    elif kind == "not 0 or 1":
        mask[3, 4] = 0.5
        save(path, mask)
    elif kind == "object array":
        np.save(path, np.array([[Bomb()] * 12] * 12, object), allow_pickle=True)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(Bomb()))
    elif kind == "text":
        save(path, np.full((12, 12), "1"))
    elif kind == "archive":
        with path.open("wb") as file:
            np.savez(file, mask=mask)
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:200])
    elif kind == "a header that promises too much":
        path.write_bytes(path.read_bytes().replace(b"(12, 12), }        ", b"(99999999999, 12)}", 1))
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "too large":
        path.write_bytes(bytes(2**20 + 1))
    elif kind == "missing":
        path.unlink()
    elif kind == "folder":
        path.unlink()
        path.mkdir()


DAMAGE = {
    "wrong shape": "instead of numbers of shape (12, 12)",
    "nan": "not a finite number",
    "not 0 or 1": "other than 0 and 1",
    "object array": "not a plain .npy array",
    "pickle": "not a plain .npy array",
    "text": "instead of numbers",
    "archive": "is not a plain .npy array",
    "truncated": "not a plain .npy array",
    "a header that promises too much": "not a plain .npy array",
    "empty": "not a plain .npy array",
    "too large": "more than 1,048,576 bytes",
    "missing": "is missing",
    "folder": "is not read: no plain file",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_bad_mask_is_named_and_the_rest_kept(clone, tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = "masks/heads_mlps/RTE/seed_71"
    damage(kind, clone / folder / "head_mask.npy")
    bundle, report = imported(clone, tmp_path)
    assert len(report.written) == 9 + 9
    assert DAMAGE[kind] in why(report, f"{folder}/head_mask.npy") + why(report, folder)
    assert "has no usable mask" in why(report, folder)
    assert not bundle.has(Key(Run(MODEL, "RTE", 71), "published-masks", "heads_mlps"))
    assert not [problem for check in validate(bundle) for problem in check.problems]
    assert not (tmp_path / "unpickled").exists()


def test_a_mask_whose_importance_is_bad_is_kept_without_it(clone, tmp_path):
    folder = "masks/heads_mlps/RTE/seed_71"
    damage("nan", clone / folder / "head_importance.npy")
    bundle, report = imported(clone, tmp_path)
    assert "not a finite number" in why(report, f"{folder}/head_importance.npy")
    arrays = bundle.read(Key(Run(MODEL, "RTE", 71), "published-masks", "heads_mlps")).arrays
    assert set(arrays) == {"heads", "mlps", "importance_mlps"}


def test_missing_and_stray_folders_are_named(clone, tmp_path):
    shutil.rmtree(clone / "masks/heads/RTE/seed_166")
    shutil.copytree(clone / "masks/heads/RTE/seed_42", clone / "masks/heads/XNLI/seed_42")
    shutil.copytree(clone / "masks/heads/RTE/seed_42", clone / "masks/heads/RTE/seed_042")
    shutil.copytree(clone / "masks/heads/RTE/seed_42", clone / "masks/heads_other/RTE/seed_9")
    (clone / "masks/heads/RTE/seed_42/mask.p").write_bytes(pickle.dumps(Bomb()))
    bundle, report = imported(clone, tmp_path)
    assert why(report, "masks/heads/RTE/seed_166") == "is missing."
    assert why(report, "masks/heads_mlps_super") == "is missing."
    assert why(report, "masks/heads/MRPC") == "is missing."
    assert "not a GLUE task" in why(report, "masks/heads/XNLI")
    assert "not named seed_N" in why(report, "masks/heads/RTE/seed_042")
    assert "mask.p" in why(report, "masks/heads/RTE/seed_42")
    assert bundle.has(Key(Run(MODEL, "RTE", 9), "published-masks", "heads_other"))
    assert bundle.has(Key(Run(MODEL, "RTE", 42), "published-masks", "heads"))


@pytest.mark.parametrize(
    ("text", "reason", "kept"),
    [
        ("{not json", "is not JSON", 0),
        ("[1]", "is not an object of tasks", 0),
        ("[" * 100_000, "is not JSON", 0),
        ('{"RTE": {"acc": [0.5, 0.1]}, "XNLI": {"acc": [1, 0]}}', "has 'XNLI'", 1),
        ('{"RTE": {"acc": [0.5, 0.1], "f1": [NaN, 0]}}', "as 'f1' of RTE", 1),
        ('{"RTE": {"acc": [0.5, 0.1], "f1": "0.5"}}', "as 'f1' of RTE", 1),
        ('{"RTE": {"acc": [0.5, 0.1], "f1": [0.5, -0.1]}}', "as 'f1' of RTE", 1),
        ('{"RTE": {"acc": [0.5, 0.1], "f1": [50.0, 0.1]}}', "as 'f1' of RTE", 1),
        ('{"RTE": {"acc": [0.5, 0.1], "f1": [0.5, 0.1, 0.1]}}', "as 'f1' of RTE", 1),
        ('{"RTE": {"acc": [0.5, 0.1]}}', "has no CoLA", 1),
    ],
)
def test_bad_scores_are_named_and_the_rest_kept(clone, tmp_path, text, reason, kept):
    path = "evaluate_masked/no_mask/baseline/results.json"
    (clone / path).write_text(text)
    bundle, report = imported(clone, tmp_path)
    assert reason in why(report, path)
    table = bundle.read(Key(Run(MODEL, "RTE", ALL_SEEDS), "published-scores")).table
    assert (table["condition"] == "full").sum() == kept
    assert why(report, "evaluate_masked/head_mlp") == "is missing."


def test_nothing_to_import_is_refused(tmp_path):
    with pytest.raises(BadData, match="no folder"):
        run_import(tmp_path / "nowhere", tmp_path / "bundle")
    with pytest.raises(BadData, match="neither masks/ nor evaluate_masked/"):
        run_import(tmp_path, tmp_path / "bundle")
    (tmp_path / "masks/heads/RTE/seed_42").mkdir(parents=True)
    with pytest.raises(BadData, match="could be imported"):
        run_import(tmp_path, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_each_cause_is_named_once():
    skipped = [
        Skipped(f"masks/heads/RTE/seed_{n}", f"holds {n} other files, which are not read: {n}.x.") for n in SEEDS
    ]
    skipped += [Skipped("masks/mlps", "is missing."), Skipped("masks/heads/SST-2", "is missing.")]
    skipped += [Skipped("a.npy", "holds float64 (3, 2) instead of numbers of shape (12, 12).")]
    causes = ImportReport((), tuple(skipped)).causes
    assert [cause.many for cause in causes] == [1, 2, 5]
    assert str(causes[0]) == "a.npy holds float64 (3, 2) instead of numbers of shape (12, 12)."
    assert str(causes[1]) == "2 times: is missing. For example masks/mlps is missing."
    assert causes[2].example.startswith("masks/heads/RTE/seed_1337 holds 1337 other files")


# --- the importer, on the authors' files


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """The bundle, the report and the tasks whose masks the clone holds."""
    bundle = Bundle(tmp_path_factory.mktemp("theirs"))
    report = run_import(Path(CLONE), bundle.root)
    tasks = [task for task in TASKS if (Path(CLONE) / "masks/heads_mlps" / task).is_dir()]
    return bundle, report, tasks


@needs_clone
def test_their_files_are_imported_whole(theirs):
    bundle, report, tasks = theirs
    assert not [problem for check in validate(bundle) for problem in check.problems]
    assert len(tasks) >= 4
    for task in tasks:
        for family in FAMILIES:
            assert len(masks_of(bundle, task, family)) == 5
    assert all(item.why == "is missing." or "other files" in item.why for item in report.skipped)


@needs_clone
def test_kappa_of_their_masks_is_the_published(theirs):
    bundle, _, tasks = theirs
    for task, expected in published().head_kappas.items():
        assert task in tasks
        heads, _ = agreement(masks_of(bundle, task, "heads_mlps"), permutations=1)
        assert heads.fleiss_kappa.value == pytest.approx(expected, abs=5e-5), task


@needs_clone
def test_survival_of_their_masks_is_the_published(theirs):
    bundle, _, tasks = theirs
    for task in tasks:
        for family in published().survivals:
            shares = survival(list(masks_of(bundle, task, family).values()))
            figures = published().survival(family, task)
            for computed, printed in ((shares.heads.mean, figures.heads), (shares.mlps.mean, figures.mlps)):
                assert printed is None or computed == pytest.approx(printed), (task, family)


@needs_clone
def test_their_scores_are_the_published(theirs):
    bundle, _, _ = theirs
    for task in TASKS:
        table = bundle.read(Key(Run(MODEL, task, ALL_SEEDS), "published-scores")).table
        own = table[table["is_task_metric"] & (table["condition"] != "")].set_index("condition")
        assert set(own.index) == set(published().conditions)
        for condition in published().conditions:
            figure = published().score(condition, task)
            assert own.loc[condition, "mean"] == pytest.approx(figure.mean, abs=1.01e-4), (task, condition)
            spread = own.loc[condition, "population_sd"]
            assert math.isnan(spread) or spread == pytest.approx(figure.population_sd, abs=1.01e-4)


@needs_clone
def test_their_sizes_match_as_ours_do(theirs):
    bundle, _, tasks = theirs
    for task in tasks:
        good, bad = masks_of(bundle, task, "heads_mlps"), masks_of(bundle, task, "heads_mlps_bad_1")
        kept = np.all([mask.heads for mask in good.values()], axis=0)
        for seed in SEEDS:
            assert (good[seed].heads_kept, good[seed].mlps_kept) == (bad[seed].heads_kept, bad[seed].mlps_kept)
        for mask in masks_of(bundle, task, "heads_mlps_super").values():
            assert np.array_equal(mask.heads, kept)
