"""The plan of many runs: what is in it, what need not be made, how long it takes, in which order."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from explorer.errors import BadRequest
from explorer.store.bundle import CHECKPOINT, MANIFEST
from explorer.store.schema import ALL_SEEDS, FileEntry, Key, Manifest
from precompute.run.estimate import Estimates, by_longest_chain, in_words
from precompute.run.freshness import fresh, is_stale, remove_stale, without_weights
from precompute.run.graph import Extra, graph
from precompute.run.parcels import needed
from precompute.run.table import plan_lines
from tests.bundles import MODEL, small_bundle, write
from tests.precompute.run.plans import job, key


def needs(jobs, name, seed=7):
    (found,) = [one for one in jobs if one.key == key(name, seed)]
    return {f"{need.run.seed}/{need.stage}.{need.variant}".removesuffix(".") for need in found.needs}


def test_a_plan_by_hand():
    jobs = graph(
        MODEL, ["MRPC"], [7, 8], without=["attention", "ablations", "magnitude", "importance", "bank", "league", "mean"]
    )
    names = [f"{one.key.run.seed}/{one.key.stage}.{one.key.variant}".removesuffix(".") for one in jobs]
    each = ["finetune", *(f"structured.{kind}" for kind in ("together", "heads", "mlps")), "subnetworks"]
    each += [f"retrained.{kind}" for kind in ("good", "random", "bad")]
    assert sorted(names) == sorted([f"{seed}/{name}" for seed in (7, 8) for name in each] + [f"{ALL_SEEDS}/baseline"])
    assert needs(jobs, "finetune") == set()
    assert needs(jobs, "structured.heads") == {"7/finetune"}
    assert needs(jobs, "subnetworks") == {"7/finetune", "7/structured.together", "8/structured.together"}
    assert needs(jobs, "retrained.good", 8) == {"8/finetune", "8/subnetworks"}
    placed = {one.key: number for number, one in enumerate(jobs)}
    assert all(placed[need] < placed[one.key] for one in jobs for need in one.needs)


def test_whatever_builds_on_a_stage_left_out_is_left_out():
    jobs = graph(MODEL, ["MRPC"], [7], without=["prune"])
    assert {one.key.stage for one in jobs}.isdisjoint({"structured", "subnetworks", "mean-ablated", "retrained"})
    assert "magnitude" in {one.key.stage for one in jobs}


def test_more_than_the_study_makes_is_planned_where_it_is_asked_for():
    jobs = graph(MODEL, ["MRPC", "CoLA"], [7], extra=[Extra.parse("CoLA:retrained.super-good")])
    of = [one.key.run.task for one in jobs if one.key.variant == "super-good"]
    assert of == ["CoLA"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: graph(MODEL, ["MRPC"], [7], without=["finetune"]), "'finetune' to leave out"),
        (lambda: graph(MODEL, ["MRPC"], [7], without=["lunch"]), "'lunch' to leave out"),
        (lambda: graph(MODEL, ["MRPC"], [7, 7]), "seed 7 is given twice"),
        (lambda: graph(MODEL, ["MRPC", "MRPC"], [7]), "task MRPC is given twice"),
        (lambda: graph(MODEL, [], [7]), "nothing to plan"),
        (lambda: Extra.parse("retrained.wonderful"), "no kind 'wonderful'"),
        (lambda: Extra.parse("published-masks.heads"), "names no artefact"),
        (lambda: Extra.parse("ablations.all"), "names no artefact"),
    ],
)
def test_what_cannot_be_planned_is_refused_by_name(call, words):
    with pytest.raises(BadRequest, match=words):
        call()


@pytest.fixture
def made(tmp_path):
    """Two seeds, fine-tuned, pruned, with subnetworks and retrained tickets."""
    return small_bundle(tmp_path / "bundle", seeds=(7, 8), stages=("structured", "subnetworks", "retrained"))


LEFT_OUT = ["mean", "bank", "league", "importance", "ablations", "attention", "magnitude", "baseline"]


def plan(seeds=(7, 8)):
    wanted = graph(MODEL, ["MRPC"], seeds, without=LEFT_OUT)
    return [one for one in wanted if one.key.variant not in ("heads", "mlps")]


def test_what_is_there_is_not_made(made):
    assert fresh(made, plan()) == {one.key for one in plan()}


def test_an_artefact_of_another_checkpoint_is_stale_with_what_builds_on_it(made):
    changed = made.manifest(key("finetune"))
    folder = made.root / changed.key.path
    (folder / MANIFEST).write_text(replace(changed, checkpoint_sha256="another").to_json())
    lost = {one.key for one in plan()} - fresh(made, plan())
    of_seed = {one.key for one in plan() if one.key.run.seed == 7} - {key("finetune")}
    assert of_seed <= lost
    assert key("subnetworks", 8) in lost, "it is made from both seeds' tickets"
    assert key("structured.together", 8) not in lost
    together = next(one for one in plan() if one.key == key("structured.together"))
    assert is_stale(made, together)
    remove_stale(made, together)
    assert not made.has(together.key)
    other = next(one for one in plan() if one.key == key("structured.together", 8))
    remove_stale(made, other)
    assert made.has(other.key)


def test_seeds_that_came_in_make_subnetworks_anew(tmp_path):
    made = small_bundle(tmp_path / "bundle", seeds=(7,), stages=("structured", "subnetworks"))
    more = small_bundle(tmp_path / "more", seeds=(8,), stages=("structured",))
    alone = [one for one in plan((7,)) if one.key.stage != "retrained"]
    assert fresh(made, alone) == {one.key for one in alone}
    shutil.copytree(more.root / MODEL / "MRPC" / "seed_8", made.root / MODEL / "MRPC" / "seed_8")
    lost = {one.key for one in plan()} - fresh(made, plan())
    assert key("subnetworks") in lost
    assert key("structured.together") not in lost


def test_a_league_is_behind_its_bank_and_stays_to_be_gone_on_from(made):
    bank, league = Key(key("finetune").run, "bank"), Key(key("finetune").run, "league")
    of_league = next(one for one in graph(MODEL, ["MRPC"], [7]) if one.key == league)
    assert of_league.after == (bank,)
    write(made, league)
    assert not is_stale(made, of_league)
    for masks, banked, behind in ((100, None, True), (100, 100, False), (110, 100, True), (110, 110, False)):
        write(made, bank, config={"masks": masks})
        write(made, league, config={"bank": banked} if banked else {})
        assert is_stale(made, of_league) is behind
        remove_stale(made, of_league)
        assert made.has(league)
    assert bank in needed(made, of_league), "it travels to another machine"


def test_unfinished_is_not_fresh(made):
    pruned = made.manifest(key("structured.together"))
    (made.root / pruned.key.path / MANIFEST).write_text(replace(pruned, complete=False).to_json())
    lost = {one.key for one in plan()} - fresh(made, plan())
    assert {key("structured.together"), key("subnetworks"), key("retrained.good")} <= lost


def withhold(bundle, of):
    manifest = bundle.manifest(of)
    withheld = {**manifest.withheld, CHECKPOINT: FileEntry("f" * 64, 5)}
    (bundle.root / of.path / MANIFEST).write_text(replace(manifest, withheld=withheld).to_json())


def test_a_checkpoint_that_does_not_ship_is_told_of_whatever_would_load_it(made):
    withhold(made, key("finetune"))
    shutil.rmtree(made.root / key("structured.together").path)
    shutil.rmtree(made.root / key("retrained.bad").path)
    jobs = plan()
    cannot = without_weights(made, jobs, fresh(made, jobs))
    assert set(cannot) == {key("structured.together"), key("subnetworks")}, "retraining begins from pre-trained weights"
    assert "the checkpoint of tiny-bert/MRPC/seed_7 does not ship" in cannot[key("subnetworks")]
    lines = plan_lines(jobs, fresh(made, jobs), Estimates([]), 1, cannot)
    assert any("structured.together" in line and "cannot be made" in line for line in lines)
    assert sum("2 cannot be made: the checkpoint of" in line for line in lines) == 1


def timed(name, seconds, seed=7, task="MRPC", bundle=None):
    return write(bundle, key(name, seed, task), summary={}) if bundle else _manifest(key(name, seed, task), seconds)


def _manifest(of, seconds):
    return Manifest(
        model=MODEL,
        task=of.run.task,
        seed=of.run.seed,
        stage=of.stage,
        variant=of.variant,
        command="",
        config={},
        versions={},
        data={},
        checkpoint_sha256="",
        device="cpu",
        seconds=seconds,
        created="",
        summary={},
    )


def test_seconds_come_from_the_nearest_that_was_made():
    earlier = [timed("structured.heads", s, seed) for s, seed in ((10, 7), (20, 8), (90, 9))]
    earlier += [timed("structured.heads", 500, task="CoLA"), timed("structured.mlps", 1000, task="CoLA")]
    estimates = Estimates(earlier)
    assert estimates.seconds(key("structured.heads", 42)) == 20, "the median of the task's other seeds"
    assert estimates.seconds(key("structured.heads", task="RTE")) == 55, "of other tasks"
    assert estimates.seconds(key("structured.together")) == 90, "of the stage"
    assert estimates.seconds(key("finetune")) is None
    assert estimates.total([job("structured.heads"), job("finetune")]) == (20, 1)


def test_seconds_of_another_task_are_scaled_by_what_there_is_to_compute():
    runs = [
        replace(timed("finetune", 1, task=task), config={"shape": [6, 12]}, data={"dev": {"n": many}})
        for task, many in (("MRPC", 400), ("MNLI", 9800))
    ]
    estimates = Estimates([*runs, timed("structured.heads", 100), timed("attention.finetuned", 170)])
    assert estimates.seconds(key("structured.heads", 42)) == 100, "of the same task as they are"
    assert 1500 < estimates.seconds(key("structured.heads", task="MNLI")) < 2450
    assert estimates.seconds(key("attention.finetuned", task="MNLI")) == 170, "it is of sentences of the project's own"


def test_seconds_of_a_gpu_say_nothing_of_processors_nor_the_reverse():
    earlier = [timed("ablations", 300), replace(timed("ablations", 2), device="cuda (NVIDIA H200)")]
    for device, seconds in (("cpu", 300), ("cuda", 2)):
        assert Estimates(earlier, device=device).seconds(key("ablations")) == seconds
    assert Estimates(earlier[1:]).seconds(key("ablations")) is None


def test_whatever_the_longest_chain_begins_with_comes_first():
    jobs = [job("importance.expected"), job("finetune"), job("structured.together", "finetune"), job("baseline")]
    estimates = Estimates(
        [
            timed("importance.expected", 50),
            timed("finetune", 30),
            timed("structured.together", 40),
            timed("baseline", 1),
        ]
    )
    ordered = [one.key.stage for one in by_longest_chain(jobs, estimates)]
    assert ordered == ["finetune", "importance", "structured", "baseline"]  # chains of 70, 50, 40 and 1 s


def test_a_plan_in_words():
    jobs = [job("finetune"), job("structured.together", "finetune"), job("baseline")]
    estimates = Estimates([timed("structured.together", 600), timed("finetune", 60)])
    lines = plan_lines(jobs, {key("finetune")}, estimates, 2)
    assert [line.split(maxsplit=1)[1] for line in lines[:3]] == ["there", "about 10 min", "not known"]
    assert lines[-1].startswith(
        "3 artefacts, 1 there, 2 to be made: about 10 min one by one, 5 min at best with --jobs 2"
    )
    assert lines[-1].endswith("nothing is known of 1.")
    assert in_words(119) == "119 s"
