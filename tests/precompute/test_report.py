"""Our means beside the published ones, and a command for each number that is not there."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from explorer.mask import Mask
from explorer.stats.intervals import seed_spread
from explorer.store.bundle import Bundle, versions
from explorer.store.commands import command_for
from explorer.store.paper.published import published
from explorer.store.schema import ALL_SEEDS, Key, Manifest, Run
from explorer.study.conditions import CONDITIONS
from explorer.study.report import COLUMNS, report_rows
from precompute.bundle.report import report_text

NAME = "minilm-l6"
SCORES = {1337: 0.80, 42: 0.84}
SHAPE = {"shape": [1, 5]}


def code(letter):
    """A mask for each letter."""
    bits = [(ord(letter) - ord("A")) >> at & 1 for at in range(5)]
    return Mask(np.array([bits]), np.ones(1)).code


def write(bundle, seed, stage, variant="", table=None, **parts):
    key = Key(Run(NAME, "MRPC", seed), stage, variant)
    manifest = Manifest(
        model=NAME,
        task="MRPC",
        seed=seed,
        stage=stage,
        variant=variant,
        command=command_for(key),
        config={},
        versions=versions(),
        data={},
        checkpoint_sha256=f"checkpoint {seed}",
        device="cpu",
        seconds=1.0,
        created="2026-01-01T00:00:00+00:00",
    )
    bundle.write(replace(manifest, **parts), table=table)


@pytest.fixture
def bundle(tmp_path):
    """Two fine-tuned and pruned seeds; the first has its subnetworks, some retrained, and magnitude pruning."""
    made = Bundle(tmp_path / "bundle")
    tickets = {"42": code("B"), "1337": code("A")}
    for seed, score in SCORES.items():
        write(made, seed, "finetune", config=SHAPE, summary={"score": score})
        summary = {"ticket": tickets[str(seed)], "ticket_score": score - 0.05}
        write(made, seed, "structured", "together", summary=summary)
    kinds = ["good", "bad", "random", "super-good", "super-bad", "super-random"]
    table = pd.DataFrame({"kind": kinds, "mask": list(map(code, "ACDEFG")), "score": [0.75, 0.6, 0.65, 0.7, 0.5, 0.55]})
    write(made, 1337, "subnetworks", table=table, config={"tickets": tickets})
    for kind, mask in (("good", code("A")), ("super-bad", code("F")), ("bad", "another")):
        config = {"mask": mask, "weight_mask_sha256": ""}
        write(made, 1337, "retrained", kind, config=config, summary={"score": 0.79})
    write(made, 1337, "magnitude", "good", summary={"ticket_score": 0.77, "weight_mask_sha256": "w"})
    config = {"mask": "", "weight_mask_sha256": "w"}
    write(made, 1337, "retrained", "magnitude-good", config=config, summary={"score": 0.78})
    return made


def rows_of(bundle):
    table = report_rows(bundle, "mrpc")
    assert table.columns.tolist() == ["condition", *COLUMNS]
    assert table["condition"].tolist() == list(CONDITIONS)
    return {row["condition"]: row for row in table.to_dict("records")}


def test_means_over_seeds_with_sample_sd_and_t_interval(bundle):
    rows = rows_of(bundle)
    spread = seed_spread(list(SCORES.values()))
    full = rows["full"]
    assert (full["mean"], full["sd"], full["low"], full["high"], full["n_seeds"]) == (
        pytest.approx(0.82),
        pytest.approx(0.04 / math.sqrt(2)),
        spread.low,
        spread.high,
        2,
    )
    assert (full["missing"], full["note"]) == ("", "")
    good = rows["structured/good/pruned"]
    assert (good["mean"], good["n_seeds"]) == (pytest.approx(0.77), 2), "a trajectory ends with its ticket's score"
    one = rows["structured/bad/pruned"]
    assert (one["mean"], one["n_seeds"]) == (0.6, 1)
    assert math.isnan(one["sd"])
    assert "One seed has no spread" in one["note"]
    assert one["missing"].startswith("python -m precompute subnetworks --task MRPC --seed 42 --model minilm --bundle ")
    assert rows["super/random/pruned"]["mean"] == 0.55
    assert rows["super/bad/retrained"]["mean"] == 0.79
    assert rows["magnitude/good/pruned"]["mean"] == 0.77
    assert rows["magnitude/good/retrained"]["mean"] == 0.78


def test_published_spreads_are_sample_spreads(bundle):
    rows = rows_of(bundle)
    theirs = published().score("full", "MRPC")
    assert rows["full"]["published_mean"] == theirs.mean
    assert rows["full"]["published_sd"] == pytest.approx(theirs.population_sd * math.sqrt(5 / 4))
    assert not any(math.isnan(row["published_mean"]) for row in rows.values())


def test_what_is_missing_names_its_command(bundle):
    rows = rows_of(bundle)
    where = f"--model minilm --bundle {bundle.root}"
    assert rows["majority_baseline"]["missing"] == f"python -m precompute baseline --task MRPC {where}"
    random = rows["structured/random/retrained"]
    assert random["missing"] == f"python -m precompute retrain --task MRPC --seed 1337 --kind random {where}"
    assert random["more_missing"] == 1
    assert f"missing, and so for 1 more seed: {random['missing']}" in report_text(bundle, "MRPC")
    assert math.isnan(random["mean"])
    assert rows["magnitude/bad/pruned"]["missing"].startswith(
        "python -m precompute magnitude --task MRPC --seed 1337 --kind bad"
    )
    outdated = rows["structured/bad/retrained"]
    assert (outdated["n_seeds"], "--kind bad" in outdated["missing"]) == (0, True), "another mask was retrained"
    write(bundle, ALL_SEEDS, "baseline", summary={"score": 0.68, "draws": 0, "sample_sd": 0.0, "words": "always 'x'"})
    rows = rows_of(bundle)
    assert (rows["majority_baseline"]["mean"], rows["majority_baseline"]["note"]) == (0.68, "always 'x'")


def test_super_scores_count_only_with_the_seeds_of_now(bundle):
    write(bundle, 86, "finetune", config=SHAPE, summary={"score": 0.8})
    write(bundle, 86, "structured", "together", summary={"ticket": code("Z"), "ticket_score": 0.7})
    rows = rows_of(bundle)
    assert rows["super/good/pruned"]["n_seeds"] == 0
    assert "subnetworks --task MRPC" in rows["super/good/pruned"]["missing"]
    assert rows["structured/bad/pruned"]["n_seeds"] == 1, "which rests on the run's own ticket alone"


def test_another_checkpoint_does_not_count(bundle):
    write(bundle, 1337, "finetune", config=SHAPE, summary={"score": 0.8}, checkpoint_sha256="new")
    rows = rows_of(bundle)
    assert rows["magnitude/good/pruned"]["n_seeds"] == 0
    assert rows["structured/good/pruned"]["n_seeds"] == 1


def test_one_seed_has_no_super_subnetwork(tmp_path):
    bundle = Bundle(tmp_path / "one")
    write(bundle, 1337, "finetune", config=SHAPE, summary={"score": 0.8})
    write(bundle, 1337, "structured", "together", summary={"ticket": code("A"), "ticket_score": 0.7})
    for state in ("pruned", "retrained"):
        missing = rows_of(bundle)[f"super/good/{state}"]["missing"]
        words = "prune --task MRPC --seed 42 --method together --model minilm"
        assert missing == f"python -m precompute {words} --bundle {bundle.root}"


def test_an_empty_bundle_and_an_undefined_score(tmp_path):
    bundle = Bundle(tmp_path / "empty")
    rows = rows_of(bundle)
    words = f"finetune --task MRPC --seed 1337 --model minilm --bundle {bundle.root}"
    assert rows["full"]["missing"] == f"python -m precompute {words}"
    assert all(row["missing"] for row in rows.values())
    assert "missing: python -m precompute finetune" in report_text(bundle, "MRPC")
    write(bundle, 42, "finetune", config=SHAPE, summary={"score": float("nan")})
    write(bundle, 86, "finetune", config=SHAPE, summary={"score": 0.5})
    full = rows_of(bundle)["full"]
    assert (full["mean"], full["n_seeds"]) == (0.5, 1)
    assert full["note"].startswith("Undefined for seed 42.")


def test_printed(run, bundle):
    words = run("report", "--bundle", bundle.root)
    assert words.status == 0
    lines = words.out.splitlines()
    assert lines[0].startswith("MRPC (accuracy): minilm-l6 in ")
    (full,) = [line for line in lines if line.startswith("full ")]
    theirs = published().score("full", "MRPC")
    assert full.split()[:4] == ["full", "0.820", "±", "0.028"]
    assert f"{theirs.mean:.3f} ± {theirs.sample_sd:.3f}" in full
    (random,) = [line for line in lines if line.startswith("structured/random/retrained ")]
    assert "missing, and so for 1 more seed: python -m precompute retrain --task MRPC --seed 1337 --kind" in random
    record = run("report", "--bundle", bundle.root, "--task", "mrpc", "--json").record
    assert record["tasks"].keys() == {"MRPC"}
    rows = {row["condition"]: row for row in record["tasks"]["MRPC"]}
    assert rows["full"]["mean"] == pytest.approx(np.mean(list(SCORES.values())))
    assert rows["structured/random/retrained"]["mean"] is None
    assert json.dumps(record, allow_nan=False)


def test_nothing_to_report(run, tmp_path):
    gone = run("report", "--bundle", tmp_path / "gone")
    assert (gone.status, "There is no bundle at" in gone.err) == (2, True)
    (tmp_path / "empty").mkdir()
    empty = run("report", "--bundle", tmp_path / "empty")
    assert "has no fine-tuned run of minilm-l6. Make one: `python -m precompute finetune" in empty.err
    assert "There is no GLUE task" in run("report", "--bundle", tmp_path / "empty", "--task", "X").err
