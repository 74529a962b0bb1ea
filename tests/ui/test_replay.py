"""The replay page: a step from the link, the slider, playing on, and what cannot be replayed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from explorer.figures.signed import signed
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.tickets.pruning_path import path_of
from explorer.ui.pages import replay
from tests.ui.opened import address, opened, words

CACHE = Bundle(Path(__file__).resolve().parents[2] / "cache")
MRPC = Run("minilm-l6", "MRPC", 1337)


def path(method="together"):
    return path_of(CACHE.read(Key(MRPC, "structured", method)), (6, 12))


def page(monkeypatch, bundle=CACHE.root, **query):
    return opened(monkeypatch, "replay", bundle, **({"task": "MRPC"} | query))


def test_it_opens_on_the_full_model_and_asks_whether_the_gradient_knew(monkeypatch):
    test = page(monkeypatch)
    assert test.header[0].value == "MRPC: do these two sentences say the same?"
    assert "The full model, everything on." in words(test)
    assert "Spearman's rho" in words(test)
    assert test.metric[0].label == f"Step 0 of {len(path().steps) - 1}: MRPC dev accuracy"
    assert test.metric[0].value == f"{path().steps[0].score:.3f}"
    assert address(test, "step") is None


def test_a_link_opens_its_step_of_its_method(monkeypatch):
    test = page(monkeypatch, seed="1337", method="mlps", step="2")
    assert test.metric[0].value == f"{path('mlps').steps[2].score:.3f}"
    lost = path("mlps").steps[2].score - path("mlps").steps[0].score
    assert test.metric[0].delta.startswith(f"{signed(lost)} against")
    assert (address(test, "method"), address(test, "step")) == ("mlps", "2")


@pytest.mark.parametrize("wrong", ["99", "-1", "<b>", "²"])
def test_a_link_to_a_step_that_is_not_there_is_answered_in_words(monkeypatch, wrong):
    test = page(monkeypatch, step=wrong)
    assert f"it can be 0 to {len(path().steps) - 1}" in test.warning[0].value
    assert test.metric[0].label.startswith("Step 0 ")


def test_a_link_to_a_method_that_is_not_there_is_answered_in_words(monkeypatch):
    test = page(monkeypatch, method="magic")
    assert "asks for method 'magic', which is not here" in test.warning[0].value
    assert test.metric[0].label.startswith("Step 0 ")


def test_the_slider_moves_grid_words_and_address(monkeypatch):
    test = page(monkeypatch)
    test.slider(key="replay.slider").set_value(3).run()
    assert test.metric[0].value == f"{path().steps[3].score:.3f}"
    assert replay.step_words(path(), 3, "accuracy") in words(test)
    assert address(test, "step") == "3"


def test_it_plays_to_the_end_stops_and_starts_again(monkeypatch):
    monkeypatch.setattr(replay, "PACE", 0.0)
    test = page(monkeypatch, step=str(len(path().steps) - 3))
    test.button(key="replay.play").click().run()
    assert not test.exception
    for _ in range(3):
        test.run()  # as the fragment's clock does
    assert test.metric[0].label.startswith(f"Step {len(path().steps) - 1} of")
    assert test.button(key="replay.play").label == "Play"
    test.button(key="replay.play").click().run()
    assert test.button(key="replay.play").label == "Pause"
    assert int(test.metric[0].label.split()[1]) < 3


def test_pause_stops_where_it_is(monkeypatch):
    monkeypatch.setattr(replay, "PACE", 0.0)
    test = page(monkeypatch)
    test.button(key="replay.play").click().run()
    test.run()
    test.button(key="replay.play").click().run()
    assert test.button(key="replay.play").label == "Play"
    paused_at = test.metric[0].label
    assert not paused_at.startswith("Step 0 ")
    test.run()
    assert test.metric[0].label == paused_at


def test_the_steps_in_words():
    steps = path()
    first_broken = next(step for step in steps.steps if not step.held)
    assert "goes" not in replay.step_words(steps, 1, "accuracy")
    assert "falls below the 90% line (0.737), so this step is taken back." in replay.step_words(
        steps, first_broken.number, "accuracy"
    )
    after = replay.step_words(steps, first_broken.number + 1, "accuracy")
    assert after.startswith(f"Step {first_broken.number} was taken back. ")
    assert replay.step_words(steps, steps.ticket.number, "accuracy").endswith("and this is the good ticket.")
    last = replay.step_words(steps, len(steps.steps) - 1, "accuracy")
    assert last.endswith(f"and pruning ends: the good ticket is step {steps.ticket.number}.")


def test_a_run_that_was_not_pruned_names_those_that_were(monkeypatch, tmp_path):
    for seed, stages in ((1337, ("finetune",)), (42, ("finetune", "structured.together"))):
        run = Run("minilm-l6", "MRPC", seed)
        for stage in stages:
            shutil.copytree(CACHE.root / run.path / stage, tmp_path / run.path / stage)
    test = page(monkeypatch, tmp_path)
    assert "Seed 42 can be replayed" in test.info[0].value
    assert "python -m precompute prune --task MRPC --seed 1337" in test.info[0].value


def test_a_run_without_ablations_says_how_to_measure_them(monkeypatch):
    test = page(monkeypatch, task="MNLI", seed="42")
    assert "python -m precompute ablations --task MNLI --seed 42" in words(test)
