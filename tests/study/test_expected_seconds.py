"""Estimates of what was never made: they grow with what there is to compute, and take the pace of what was timed."""

from dataclasses import replace

import pytest

from explorer.store.schema import Key, Run
from explorer.study.expected_seconds import START, Load, load_of, of_missing, of_opening, seconds_of
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
