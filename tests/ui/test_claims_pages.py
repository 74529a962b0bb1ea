"""Overview, Tickets and Survival through AppTest, on small bundles with all, some and none of the stages."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from explorer.mask import Mask
from explorer.stats.class_shares import ShareTest
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.study.survivor_patterns import GroupPatterns, SurvivorPatterns
from explorer.ui.widgets.hero import asked_for, hero_data
from tests.bundles import MODEL, RIGHT, small_bundle, ticket, write
from tests.ui.opened import address, opened, words

VIEWS = ("seeds", "each", "tasks", "paths", "weights", "paper")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two tasks, two seeds, every stage."""
    return small_bundle(tmp_path_factory.mktemp("whole") / "bundle", ("MRPC", "RTE"))


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Two seeds of masks from the authors' files, and nothing else."""
    bundle = Bundle(tmp_path_factory.mktemp("imported") / "bundle")
    for seed in (1337, 42):
        mask = Mask(np.random.default_rng(seed).random((12, 12)) < 0.5, np.ones(12))
        write(
            bundle,
            Key(Run("bert-base-uncased", "RTE", seed), "published-masks", "heads_mlps"),
            summary={"ticket": mask.code},
        )
    return bundle


OPEN = {f"overview.claim.{letter}": True for letter in "abcd"}
"""The session of somebody who opened every claim."""


def numbers(test):
    return "\n".join(str(element.proto.body) for element in test.get("html"))


def test_overview_holds_four_verdicts_and_their_numbers(monkeypatch, whole):
    test = opened(monkeypatch, "overview", whole.root, session=OPEN)
    for letter in "abcd":
        assert any(f"**({letter})**" in card.label for card in test.expander)
    assert "of the full model&#x27;s accuracy, with 50% of the heads and 67% of the MLPs" in numbers(test)
    assert "tiny-bert" in words(test)
    assert "The four claims on every task here" in words(test)
    assert "<th scope='row'>RTE</th>" in numbers(test)
    assert len(test.get("plotly_chart")) == 4


def test_folded_claims_draw_nothing_and_badges_hold_rule_and_numbers(monkeypatch, whole):
    test = opened(monkeypatch, "overview", whole.root)
    assert not test.get("plotly_chart")
    said = numbers(test)
    assert said.count('tabindex="0"') >= 4
    assert "Supported: the ticket keeps 90% of the full score or more with its whole interval" in said
    assert "Here: " in said
    assert "95% interval" in said


@pytest.mark.parametrize("seeds", [(1337,), (1337, 42), (1337, 42, 86, 71, 166)])
def test_the_hero_holds_every_pruned_seed_of_the_task(monkeypatch, tmp_path, seeds):
    sent = {}
    monkeypatch.setattr("explorer.ui.pages.overview.moving.hero", lambda *args, **_: sent.update(hero=args))
    opened(monkeypatch, "overview", small_bundle(tmp_path, seeds=seeds).root)
    shown, start, lines = sent["hero"]
    assert [seed.name for seed in shown] == [f"Seed {seed}" for seed in seeds]
    assert start == 0
    assert "accuracy on 60 dev examples" in lines.measure
    told = json.dumps(hero_data(*sent["hero"]), allow_nan=False)
    assert "still 9" in told
    for seed in shown:
        assert seed.stops[-1].sentence == "Everything off: every example gets the same answer."
        assert seed.stops[-1].bound == "≤ 0.500"


def test_a_task_that_was_not_learnt_is_marked_and_nothing_is_claimed(monkeypatch, tmp_path):
    monkeypatch.setitem(RIGHT, "full", 0.5)
    root = small_bundle(tmp_path, ("MRPC", "WNLI")).root
    sent = {}
    monkeypatch.setattr("explorer.ui.pages.overview.moving.hero", lambda *args, **_: sent.update(hero=args))
    test = opened(monkeypatch, "overview", root, task="WNLI")
    assert numbers(test).count("Nothing is claimed") == 2
    assert numbers(test).count('verdict open"') == 4
    shown, _, lines = sent["hero"]
    assert "does not measurably beat the majority class" in lines.note
    assert all(math.isnan(seed.line) for seed in shown)
    assert "%" not in "".join(stop.sentence for seed in shown for stop in seed.stops)
    for name in ("survival", "tickets"):
        assert "nothing is claimed" in words(opened(monkeypatch, name, root, task="WNLI"))
    assert "Left out: MRPC, WNLI" in words(opened(monkeypatch, "survival", root, view="tasks"))


def test_the_lab_is_asked_for_one_of_the_masks_that_are_shown():
    seeds = {"Seed 42": (3, 4)}
    mask = ticket(42)
    assert asked_for({"lab": {"seed": "Seed 42", "code": mask.code}}, seeds) == ("Seed 42", mask)
    for bad in (None, {}, {"lab": None}, {"lab": {"seed": "Seed 7", "code": mask.code}}, {"lab": {"seed": "Seed 42"}}):
        assert asked_for(bad, seeds) is None
    assert asked_for({"lab": {"seed": "Seed 42", "code": "<b>"}}, seeds) is None


def test_overview_of_a_run_that_was_only_fine_tuned_says_what_to_do(monkeypatch, tmp_path):
    test = opened(monkeypatch, "overview", small_bundle(tmp_path, seeds=(42,), stages=()).root, session=OPEN)
    said = words(test)
    assert numbers(test).count('verdict open"') == 4
    assert "python -m precompute prune --task MRPC --seed 42 --method together" in said
    assert "Ours is not known yet" in numbers(test)


@pytest.mark.parametrize(
    ("p", "verdict"), [(0.6, "Patterns do not explain it"), (0.01, "Meaningful patterns explain part")]
)
def test_overview_says_whether_patterns_explain_survival(monkeypatch, tmp_path, p, verdict):
    bundle = small_bundle(tmp_path, stages=("structured",))
    write(bundle, Key(Run(MODEL, "MRPC", 42), "attention", "finetuned"))
    two, shares = np.array([0.4, 0.6]), np.array([0.3, 0.7])
    test = ShareTest(("heterogeneous", "block"), two, two, shares, 6, 12, 0.1, p, 0.1, p, "heterogeneous", 99)
    groups = (GroupPatterns("finetuned", "raw", "super-survivors", (42,), test),)
    found = SurvivorPatterns("MRPC", (1337, 42), groups, ())
    monkeypatch.setattr("explorer.ui.cached.patterns_of_survivors", lambda *_: found)
    said = words(opened(monkeypatch, "overview", bundle.root, session=OPEN))
    assert f"{verdict}" in said
    assert "40% of the heads that survive in every seed have the one attention pattern" in said
    assert f"as many heads drawn at random: 30% (p = {p:.3f})" in said


def test_overview_of_imported_masks_has_their_agreement_alone(monkeypatch, imported):
    test = opened(monkeypatch, "overview", imported.root, session=OPEN)
    assert numbers(test).count('verdict open"') == 3
    assert "no more than by chance" in words(test)


def test_tickets_show_every_seed_and_compare_them_on_the_same_examples(monkeypatch, whole):
    test = opened(monkeypatch, "tickets", whole.root, task="MRPC")
    scores, pairs, stability = (element.value for element in test.dataframe)
    assert list(scores["seed"]) == ["1337", "42"]
    assert list(scores["heads"]) == [str(ticket(1337).heads_kept)] * 2
    assert list(pairs["seed"]) == ["1337", "42", "mean"]
    assert len(stability) == 3  # over seeds, examples and thresholds
    assert all("✱" in cell for cell in pairs["good − bad"][:2])
    assert "**Good** is measurably better than **bad** in 2 of 2 seeds." in words(test)
    assert address(test, "task") == "MRPC"
    assert "method" not in test.query_params


def test_the_other_ways_of_pruning_are_a_click_or_a_link_away(monkeypatch, whole):
    test = opened(monkeypatch, "tickets", whole.root, method="magnitude")
    assert list(test.dataframe[0].value["kept"]) == ["40%", "40%"]
    test.segmented_control(key="tickets.method").set_value("super").run()
    assert not test.exception
    assert address(test, "method") == "super"
    test.segmented_control(key="tickets.state").set_value("retrained").run()
    assert "nothing can be compared yet" in words(test)
    assert "python -m precompute retrain --task MRPC --seed 1337 --kind super-good" in words(test)


def test_tickets_without_a_ticket_name_the_commands(monkeypatch, tmp_path):
    test = opened(monkeypatch, "tickets", small_bundle(tmp_path, seeds=(42,), stages=()).root)
    assert "python -m precompute prune --task MRPC --seed 42 --method together" in words(test)
    assert list(test.dataframe[0].value["good"]) == ["–"]


def test_tickets_of_imported_scores_are_bars_alone(monkeypatch, imported):
    test = opened(monkeypatch, "tickets", imported.root)
    assert "no single seeds to show" in words(test)
    assert not test.dataframe


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_survival_on_a_whole_bundle(monkeypatch, whole, view):
    test = opened(monkeypatch, "survival", whole.root, task="MRPC", view=view)
    assert test.segmented_control(key="survival.view").value == view
    assert address(test, "view") == (None if view == "seeds" else view)
    said = words(test)
    expected = {
        "seeds": "On average, 6.0 of 12 heads",
        "each": "Do the seeds agree?",
        "tasks": "Do tasks need the same heads?",
        "paths": "hollow points fell below",
        "weights": "40% (sd 0%) of the weights are left, mean over 2 seeds. BERT-base, as published: 56%",
        "paper": "Every task, as published",
    }
    assert expected[view] in said


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_of_survival_falls_over_where_only_fine_tuning_was_done(monkeypatch, tmp_path, view):
    test = opened(monkeypatch, "survival", small_bundle(tmp_path, seeds=(42,), stages=()).root, view=view)
    assert "python -m precompute" in words(test) or view == "paper"


@pytest.mark.parametrize("page", ["lab", "game", "stage", "patterns", "replay", "league", "runs"])
def test_every_other_page_says_what_imported_masks_lack(monkeypatch, imported, page):
    test = opened(monkeypatch, page, imported.root)  # an error that the app would tell is an exception here
    assert test.header
    assert not test.error
    if page not in ("runs", "league"):
        assert test.header[0].value == "RTE: does one text follow from the other?"
        assert test.info, "what the authors' files do not hold is said"


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_survival_on_imported_masks(monkeypatch, imported, view):
    title = opened(monkeypatch, "survival", imported.root, view=view).header[0].value
    assert title == ("All tasks" if view == "tasks" else "RTE: does one text follow from the other?")


def test_one_seed_says_that_agreement_takes_two(monkeypatch, tmp_path):
    test = opened(
        monkeypatch, "survival", small_bundle(tmp_path, seeds=(42,), stages=("structured",)).root, view="each"
    )
    assert "whether seeds agree takes two" in words(test)


def test_a_view_that_does_not_exist_is_left_out(monkeypatch, whole):
    test = opened(monkeypatch, "survival", whole.root, view="<b>x</b>", pruned="nothing")
    assert test.segmented_control(key="survival.view").value == "seeds"
    assert "view" not in test.query_params


def test_heads_alone_that_were_not_pruned_name_their_command(monkeypatch, whole):
    test = opened(monkeypatch, "survival", whole.root, pruned="heads")
    assert "python -m precompute prune --task MRPC --seed 1337 --method heads" in words(test)
