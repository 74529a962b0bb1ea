"""The recipe search: a fixed tenth of the training set, halving on joint scores, and a kill costs nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.glue.tasks import TASKS
from explorer.tickets.recipes import Recipe
from precompute.bench import recipe_search
from precompute.bench.recipe_search import search
from precompute.bench.recipe_trials import Candidate, Trial, as_markdown, better_half, hold_out, trials_so_far, verdict
from tests import tiny

BASE = Recipe("tiny", learning_rate=1e-3, epochs=1, batch_size=8, freeze_embeddings=True, group_by_length=True)
CANDIDATES = tuple(Candidate(rate, epochs, 0.1) for rate in (1e-3, 1e-2) for epochs in (1, 2))
TRAIN = [
    replace(tiny.make_examples(TASKS[name], 60, seed=number), split="train")
    for number, name in enumerate(("RTE", "CoLA"))
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny.save_folder(tmp_path_factory.mktemp("search") / "tiny", scale=0.2))


def values(trials):
    """All but the seconds, as text: an undefined interval is nan, which equals nothing."""
    return [repr(replace(trial, seconds=0, cpu_seconds=0)) for trial in trials]


def test_the_held_out_tenth_is_fixed_disjoint_and_complete():
    rest, tenth = hold_out(TRAIN[0])
    assert (len(rest), len(tenth)) == (54, 6)
    again = hold_out(TRAIN[0])
    assert (rest.items, tenth.items) == (again[0].items, again[1].items)
    assert sorted(map(repr, (*rest.items, *tenth.items))) == sorted(map(repr, TRAIN[0].items))
    assert {rest.split, tenth.split} == {"train"}
    assert len({rest.sha256, tenth.sha256, TRAIN[0].sha256}) == 3


def test_each_rung_halves_and_every_trial_is_written(model, tmp_path):
    trials = list(search(TRAIN, model, tmp_path, base=BASE, candidates=CANDIDATES))
    assert [round(t.share, 2) for t in trials] == [0.33] * 8 + [0.67] * 4 + [1.0] * 2
    assert values(trials_so_far(tmp_path)) == values(trials)
    last = trials[-1].candidate
    assert last in better_half(trials[:8])
    assert {t.n for t in trials} == {6}
    assert all(np.isfinite(t.loss) and t.seconds >= 0 for t in trials)
    assert not list((tmp_path / "state").rglob("state.safetensors")), "no unfinished state is left"


def test_todays_recipe_goes_to_the_end_and_is_compared_on_the_same_examples(model, tmp_path):
    def look(today):
        return verdict(tmp_path, TRAIN, today)

    first = list(search(TRAIN, model, tmp_path, base=BASE, candidates=CANDIDATES, rungs=(1 / 3,)))
    worst = [c for c in CANDIDATES if c not in better_half(first)][-1]
    assert look(worst) is None
    trials = list(search(TRAIN, model, tmp_path, base=BASE, candidates=CANDIDATES, always=worst))
    ended = [trial for trial in trials if trial.share == 1.0]
    assert {trial.candidate for trial in ended} >= {worst}
    assert len(ended) == 4
    found, best = look(worst), better_half(ended)[0]
    if best == worst:
        assert found is None
        worst = next(trial.candidate for trial in ended if trial.candidate != best)
    else:
        assert found.best == best
        means = [np.mean([t.score for t in ended if t.candidate == c]) for c in (best, worst)]
        assert found.difference == pytest.approx(means[0] - means[1])
        assert set(found.of_tasks) == {"RTE", "CoLA"}
    assert as_markdown(trials).count("\n") == 1 + 4 + 3 + 2


def test_killed_anywhere_it_goes_on_to_the_same_table(model, tmp_path, monkeypatch):
    whole = values(search(TRAIN, model, tmp_path / "whole", base=BASE, candidates=CANDIDATES))
    out, sittings = tmp_path / "killed", 0
    while True:
        steps = 0

        def one_step(*_, deadline=3 + 2 * (sittings % 2)):
            nonlocal steps
            steps += 1
            if steps > deadline:
                raise KeyboardInterrupt

        monkeypatch.setattr(recipe_search, "_both", lambda *_, kill=one_step: kill)
        monkeypatch.setattr(recipe_search, "SAVE_EVERY", 2)
        sittings += 1
        try:
            done = values(search(TRAIN, model, out, base=BASE, candidates=CANDIDATES))
            break
        except KeyboardInterrupt:
            assert sittings < 100
    assert sittings > 5
    assert done == whole


def test_the_better_half_is_by_the_mean_over_tasks():
    def trial(task, candidate, score):
        at = (candidate.learning_rate, candidate.epochs, candidate.warmup_share)
        return Trial(task, *at, 1 / 3, 5, score, 0, 1, 6, 0.5, 1.0, 1.0)

    first, second, third = CANDIDATES[:3]
    scores = {first: (0.9, 0.1), second: (0.6, 0.6), third: (0.2, 0.8)}
    trials = [trial(t, c, s) for c, pair in scores.items() for t, s in zip(("RTE", "CoLA"), pair, strict=True)]
    assert better_half(trials) == [second, first]


def test_a_recipe_takes_the_three_values_and_keeps_the_rest():
    recipe = Candidate(2e-4, 6, 0.2).recipe(BASE)
    assert (recipe.learning_rate, recipe.epochs, recipe.warmup_share) == (2e-4, 6, 0.2)
    assert replace(recipe, name=BASE.name, learning_rate=1e-3, epochs=1, warmup_share=0.0) == BASE


def test_the_dev_set_is_never_read(model, tmp_path, monkeypatch):
    asked = []

    def load(task, split, _glue_dir):
        asked.append(split)
        return replace(tiny.make_examples(task, 40), split=split)

    monkeypatch.setattr(recipe_search, "load_examples", load)
    monkeypatch.setattr(recipe_search, "CANDIDATES", CANDIDATES[:1])
    recipe_search.command(Path(tmp_path), task=["RTE"], model=model)
    assert asked == ["train"]
