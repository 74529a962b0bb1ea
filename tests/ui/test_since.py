"""Overview, Since then: each answer of the bundle with its number and what it rests on, and once what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.store.schema import Key, Run
from explorer.study.league import league_of
from explorer.study.mask_bank import mask_bank_of
from explorer.study.mean_ablation import PAPER, THROUGHOUT, read_mean_ablation
from explorer.study.since import league_answer, means_answer, stability_answer, worth_answer
from tests.bundles import MODEL, H, L, small_bundle, ticket
from tests.leagues import with_bank, with_league, with_pairs
from tests.ui.opened import opened, words
from tests.ui.test_mean_ablation import with_means
from tests.ui.test_transfer import with_transfer

RUN, OTHER = Run(MODEL, "MRPC", 42), Run(MODEL, "MRPC", 1337)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    made = small_bundle(tmp_path_factory.mktemp("bundle"))
    for run in (OTHER, RUN):
        with_league(made, run)
    with_bank(made, RUN)
    with_pairs(made, RUN)
    with_means(made, RUN)
    with_transfer(made, RUN)
    return made


def html_of(test):
    return "\n".join(block.proto.body for block in test.get("html"))


def test_every_answer_of_the_bundle_has_its_card(monkeypatch, bundle):
    test = opened(monkeypatch, "overview", bundle.root, task="MRPC", seed="42")
    shown = html_of(test)
    assert "Since then" in words(test)
    table = test.session_state["exhibits.kept"].exhibits["overview.since"].data()
    assert list(table["question"]) == [
        "What should go first?",
        "Do heads and MLPs add up?",
        "Which stand in for each other?",
        "Does it matter what stands in?",
        "Does a ticket win on another task?",
        "Does the same ticket come out again?",
    ]
    for number in table["number"]:
        assert f"<b>{number}</b>" in shown
    assert table["rests on"].str.contains("n = 60 dev examples|heads and MLPs").all()
    assert "Not computed yet" not in words(test)


def test_what_is_not_there_is_told_once_with_its_command(monkeypatch, tmp_path):
    made = small_bundle(tmp_path / "bundle", tasks=("MRPC", "RTE"))
    with_league(made, OTHER)
    said = words(opened(monkeypatch, "overview", made.root, task="MRPC", seed="1337"))
    assert said.count("Not computed yet for MRPC, seed 1337") == 1
    for verb in ("transfer", "mean", "pairs", "bank"):
        assert f"python -m precompute {verb} --task MRPC --seed 1337" in said
    assert "precompute league" not in said


def test_a_command_that_would_be_refused_is_not_told(monkeypatch, tmp_path):
    alone = small_bundle(tmp_path / "alone")
    said = words(opened(monkeypatch, "overview", alone.root, task="MRPC", seed="1337"))
    assert "precompute bank" in said
    assert "precompute mean" in said
    assert "precompute transfer" not in said, "there is no other task's ticket"
    unpruned = small_bundle(tmp_path / "unpruned", tasks=("MRPC", "RTE"), stages=("baseline",))
    said = words(opened(monkeypatch, "overview", unpruned.root, task="MRPC", seed="1337"))
    assert "precompute bank" in said
    assert "precompute mean" not in said, "nothing is pruned"
    assert "precompute transfer" not in said


def test_a_bank_that_tells_nothing_is_refused_in_a_sentence(monkeypatch, tmp_path):
    made = small_bundle(tmp_path / "bundle", seeds=(1337,))
    with_bank(made, OTHER, many=15)
    said = words(opened(monkeypatch, "overview", made.root, task="MRPC", seed="1337"))
    assert "15 masks do not tell 15 components apart" in said
    assert "precompute bank" not in said


def test_the_best_criterion_is_that_of_the_mean_over_seeds(bundle):
    leagues = [league_of(bundle.read(Key(run, "league"))) for run in (OTHER, RUN)]
    answer = league_answer(leagues, "accuracy", [])
    names = [one.criterion.name for one in leagues[0].standings if one.criterion.name != "chance"]
    mean = {name: np.mean([league.standing(name).area for league in leagues]) for name in names}
    best = max(mean, key=mean.get)
    assert answer.query == {"criterion": best}
    gain = np.mean([league.standing(best).against_chance.value for league in leagues])
    assert answer.number == f"{gain:+.3f}"
    assert "over 2 seeds, n = 60 dev examples each" in answer.rests_on
    alone = league_answer(leagues[:1], "accuracy", [])
    assert "over n = 60 dev examples" in alone.rests_on


def test_an_additive_game_misses_nothing(bundle):
    labels = bundle.read(Key(RUN, "finetune")).arrays["labels"]
    bank = mask_bank_of(bundle.read(Key(RUN, "bank")), labels, (L, H))
    answer = worth_answer(bank, "accuracy", 42, [])
    assert answer.number == f"±{bank.surprises().std():.3f}"
    share = np.linspace(0, 1, bank.kept.shape[1]) / bank.kept.shape[1]
    exact = type(bank)(bank.task, bank.kept, bank.rates, bank.margins, labels)
    object.__setattr__(exact, "scores", lambda _examples=None: bank.kept @ share)
    assert worth_answer(exact, "accuracy", 42, []).number == "±0.000"
    assert "100% [100%, 100%]" in worth_answer(exact, "accuracy", 42, []).says


def test_one_ticket_has_no_stability():
    assert stability_answer({42: ticket(42)}, []) is None
    two = stability_answer({42: ticket(42), 43: ticket(42)}, [])
    assert two is not None
    assert (two.number, two.rests_on.startswith("no interval for two")) == ("1.00", True)


def test_verdicts_with_means_are_counted_over_tasks_that_learnt(bundle):
    tasks = [read_mean_ablation(bundle, MODEL, "MRPC", None, learnt) for learnt in (True, False)]
    answer = means_answer(tasks, [])
    nothing, means = (tasks[0].claims[setting][0].verdict for setting in (PAPER, THROUGHOUT))
    assert answer.number == f"{int(nothing == means)} of 1"
    assert answer.rests_on == "MRPC; 1 seed each, n = 60 dev examples"
    assert means_answer(tasks[1:], []) is None
