"""Estimates of what was never made: they grow with what there is to compute, and take the pace of what was timed."""

import statistics
from dataclasses import replace

import pytest

from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.stages import computed
from explorer.store.user_folders import PROJECT
from explorer.study.expected_seconds import (
    LEARNT_BATCH,
    LEARNT_MASKS,
    LEARNT_STEPS,
    NOT_TOLD,
    RIVALS,
    START,
    Load,
    load_of,
    of_missing,
    of_opening,
    reckoned,
    seconds_of,
)
from tests.bundles import MODEL, H, L, N, small_bundle, write

RUN = Run(MODEL, "MRPC", 7)
LOAD = Load(examples=2000, characters=200, layers=6, heads=12, parameters=10_000_000)


def test_more_to_compute_takes_longer():
    known = of_opening(LOAD).seconds
    assert known > START
    for more in ({"examples": 4000}, {"characters": 400}, {"parameters": 20_000_000}, {"heads": 24}, {"layers": 12}):
        assert of_opening(replace(LOAD, **more)).seconds > known, more
    long, longer = (of_opening(replace(LOAD, characters=many)).seconds for many in (5_000, 50_000))
    assert long == longer, "what is beyond 128 word pieces is not read"


@pytest.fixture
def timed(tmp_path):
    """A run whose ablations took 100 s."""
    bundle = small_bundle(tmp_path, seeds=(7,), stages=())
    told = bundle.manifest(Key(RUN, "finetune"))
    summary = {**told.summary, "characters": 200.0, "parameters": 10_000_000}
    write(bundle, Key(RUN, "finetune"), config={"shape": [L, H]}, summary=summary)
    write(bundle, Key(RUN, "ablations"))
    finetuned, ablations = (bundle.manifest(Key(RUN, stage)) for stage in ("finetune", "ablations"))
    return [finetuned, replace(ablations, seconds=100.0)]


def test_what_was_timed_of_the_run_sets_the_pace(timed):
    assert load_of(timed[0]) == Load(N, 200.0, L, H, 10_000_000)
    assert seconds_of(Key(RUN, "ablations"), timed) == pytest.approx(100, rel=1e-6)
    bank, slower = Key(RUN, "bank"), [timed[0], replace(timed[1], seconds=200.0)]
    assert seconds_of(bank, slower) == pytest.approx(2 * seconds_of(bank, timed))
    assert "timed of this run" in of_missing([bank], timed).basis
    load = load_of(timed[0])
    assert of_opening(load, timed).seconds > of_opening(load).seconds
    assert "1 run that was opened here before" in of_opening(load, timed).basis


def test_seconds_of_a_gpu_say_nothing_of_processors(timed):
    on_gpu = [timed[0], replace(timed[1], device="cuda (A)")]
    assert seconds_of(Key(RUN, "bank"), on_gpu) == seconds_of(Key(RUN, "bank"), timed[:1])


def test_of_training_and_of_an_unknown_run_nothing_is_said(timed):
    assert of_missing([Key(RUN, "retrained", "good")], timed) is None
    assert of_missing([Key(Run(MODEL, "CoLA", 7), "bank")], timed) is None
    assert of_missing([], timed) is None


@pytest.mark.parametrize("stage", [stage.name for stage in computed()])
def test_every_stage_that_is_computed_is_reckoned_or_said_not_to_be(stage, timed):
    told = seconds_of(Key(RUN, stage, "finetuned" * (stage == "attention")), timed)
    assert (told is None) == (stage in NOT_TOLD)
    assert (reckoned(Key(RUN, stage), LOAD) is None) == (stage in (*NOT_TOLD, "attention"))


def test_of_a_stage_that_is_not_listed_nothing_is_said(timed):
    assert reckoned(Key(RUN, "published-masks"), LOAD) is None
    assert of_missing([Key(RUN, "published-masks")], timed) is None
    assert of_missing([Key(RUN, "bank"), Key(RUN, "published-masks")], timed) is None, "not of the rest alone either"


def test_the_numbers_that_it_repeats_are_those_of_the_stages():
    from explorer.tickets.learned_constants import BATCH, STEPS
    from precompute.stages import constants, transfer

    assert (STEPS, BATCH) == (LEARNT_STEPS, LEARNT_BATCH)
    assert constants.MASKS + 3 == LEARNT_MASKS, "random ones, and three tickets"
    assert transfer.DRAWS == RIVALS


def test_each_task_that_is_pruned_with_the_seed_has_a_ticket_to_transfer(timed):
    pruned = [
        replace(timed[1], task=task, seed=seed, stage="structured", variant="together", device="cuda")
        for task, seed in (("MRPC", 7), ("CoLA", 7), ("RTE", 7), ("SST-2", 8))
    ]
    key = Key(RUN, "transfer")
    one, three = (seconds_of(key, [*timed, *there]) for there in (pruned[:1], pruned))
    assert three == pytest.approx(3 * one, rel=0.1)


@pytest.mark.parametrize("stage", ["bank", "constants", "league", "mean-ablated", "pairs", "structured", "transfer"])
def test_what_ships_took_about_as_long_as_is_reckoned(stage):
    ships = list(Bundle(PROJECT / "cache").manifests())
    shares = [
        told / one.seconds
        for one in ships
        if one.stage == stage and one.device.startswith("cpu") and (told := seconds_of(one.key, ships))
    ]
    assert 0.5 < statistics.median(shares) < 2
    assert 1 / 6 < min(shares) <= max(shares) < 6, "a path may break early, and the machine did more than this"
