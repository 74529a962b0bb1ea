"""Page League: what it says, what a link opens, and what it offers where nothing is made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from explorer.study.league import league_of, stability_over_examples
from tests.bundles import MODEL, H, L, small_bundle
from tests.leagues import with_bank, with_league
from tests.ui.opened import address, opened, words

CACHE = Path(__file__).resolve().parents[2] / "cache"
RUN = Run(MODEL, "MRPC", 1337)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    made = small_bundle(tmp_path_factory.mktemp("bundle"))
    for seed in (1337, 42):
        with_league(made, Run(MODEL, "MRPC", seed))
    with_bank(made, RUN)
    return made


def test_the_drawn_league_is_one_that_validates(bundle):
    assert not [problem for problem in validate(bundle) if "league" in str(problem) or "bank" in str(problem)]


def test_a_bank_that_is_too_small_for_partners_says_so_and_hides_nothing(monkeypatch, tmp_path):
    few = small_bundle(tmp_path / "bundle", seeds=(1337,))
    with_bank(few, RUN, many=30)
    said = words(opened(monkeypatch, "league", few.root))
    assert "On average over 30 random masks" in said
    assert "30 random masks are too few to say how one part interacts with each other one" in said
    assert "python -m precompute pairs --task MRPC --seed 1337" in said


def test_the_bank_says_which_part_is_worth_most(monkeypatch, bundle):
    test = opened(monkeypatch, "league", bundle.root)
    assert "**layer 1, head 1** is worth the most: 0.29" in words(test)
    assert "Good tickets of 2 seeds: " in words(test)
    other = opened(monkeypatch, "league", bundle.root, task="MRPC", seed="42")
    assert "python -m precompute bank --task MRPC --seed 42" in words(other)


def test_masks_that_surprise_are_told_and_taken_away(monkeypatch, bundle):
    test = opened(monkeypatch, "league", bundle.root)
    assert "of 100** random masks score otherwise than their parts add up to" in words(test)
    found = test.session_state["exhibits.kept"].exhibits["league.surprises"].data()
    assert len(found) == 100
    assert found["q"].is_monotonic_increasing
    assert set(found["mask"]) == set(bundle.read(Key(RUN, "bank")).table["mask"])
    ring = surprises_ring(test)
    assert ring == found[~found["one_answer"]]["surprise"].iloc[0], "the surest"
    other = found.iloc[-1]
    test.session_state["league.surprises.marked"] = (RUN, other["mask"])
    assert surprises_ring(test.run()) == other["surprise"]
    test.session_state["league.surprises.marked"] = (Run(MODEL, "MRPC", 42), other["mask"])
    assert surprises_ring(test.run()) == ring, "what was clicked of another run is not marked in this one"


def surprises_ring(test):
    (y,) = test.session_state["exhibits.kept"].exhibits["league.surprises"].figure.data[-1].y
    return y


@pytest.mark.parametrize(("of", "now", "said"), [(100, 100, False), (100, 1100, True), (None, 100, False)])
def test_it_says_of_how_many_masks_the_banks_criterion_is(monkeypatch, tmp_path, of, now, said):
    made = small_bundle(tmp_path / "bundle", seeds=(1337,))
    with_league(made, RUN, config={"bank": of} if of else {})
    with_bank(made, RUN, config={"masks": now})
    shown = words(opened(monkeypatch, "league", made.root))
    assert ("Banzhaf values are of 100 random masks." in shown) is (of is not None)
    assert ("The bank has 1,100 by now: the command below scores that order again" in shown) is said


def test_examples_that_agree_make_a_stable_choice():
    same = np.tile(np.arange(10.0), (30, 1))
    assert stability_over_examples(same, 5).value == 1
    noise = np.random.default_rng(0).normal(size=(30, 400))
    assert stability_over_examples(noise, 200).value < 0.75


def test_it_says_which_criterion_keeps_most_and_lists_all(monkeypatch, bundle):
    test = opened(monkeypatch, "league", bundle.root)
    league = league_of(bundle.read(Key(RUN, "league")))
    best = league.standings[0]
    assert f"Pruned in the order of **{best.criterion.title}**" in words(test)
    table = test.dataframe[0].value
    assert list(table["criterion"]) == [one.criterion.title for one in league.standings]
    assert table["area"][0] == f"{best.area:.3f} [{best.low:.3f}, {best.high:.3f}]"
    assert "mean of 2 seeds" in table.columns
    assert set(test.session_state["exhibits.kept"].exhibits) == {
        "league.curves",
        "league.table",
        "league.worth",
        "league.bank",
        "league.surprises",
        "league.pairs.grid",
    }


def test_a_link_marks_its_point_and_the_page_is_about_that_mask(monkeypatch, bundle):
    test = opened(monkeypatch, "league", bundle.root, task="MRPC", seed="1337", criterion="fisher", off="5")
    assert test.selectbox(key="league.criterion").value == "fisher"
    assert test.slider(key="league.off").value == 5
    first, _ = league_of(bundle.read(Key(RUN, "league"))).masks_at("fisher", 5, (L, H))
    assert test.session_state["exhibits.kept"].mask == (RUN, first)
    assert (address(test, "criterion"), address(test, "off")) == ("fisher", "5")


def test_who_comes_back_finds_the_point_that_was_marked(monkeypatch, bundle):
    test = opened(monkeypatch, "league", bundle.root)
    test.selectbox(key="league.criterion").set_value("fisher").run()
    test.slider(key="league.off").set_value(7).run()
    kept = {"league.kept": test.session_state["league.kept"]}  # all that is left once another page was drawn
    again = opened(monkeypatch, "league", bundle.root, session=kept)
    assert (again.selectbox(key="league.criterion").value, again.slider(key="league.off").value) == ("fisher", 7)
    asked = opened(monkeypatch, "league", bundle.root, session=kept, criterion="signed", off="3")
    assert (asked.selectbox(key="league.criterion").value, asked.slider(key="league.off").value) == ("signed", 3)


@pytest.mark.parametrize(("criterion", "off"), [("luck", "9999"), ("chance", "-3"), ("<b>", "x" * 50)])
def test_a_link_to_no_point_opens_on_one_that_is(monkeypatch, bundle, criterion, off):
    test = opened(monkeypatch, "league", bundle.root, criterion=criterion, off=off)
    assert test.selectbox(key="league.criterion").value == "expected"
    assert 0 <= test.slider(key="league.off").value <= L * H + L


def test_without_a_league_the_page_gives_its_command(monkeypatch, tmp_path):
    made = small_bundle(tmp_path / "bundle")
    with_league(made, Run(MODEL, "MRPC", 42))
    test = opened(monkeypatch, "league", made.root, task="MRPC", seed="1337")
    assert "python -m precompute league --task MRPC --seed 1337" in words(test)
    assert "Seeds that have it: 42." in words(test)


def test_the_page_imports_no_torch(bundle):
    program = (
        "import sys, pytest; from pathlib import Path; from tests.ui.opened import opened; "
        f"opened(pytest.MonkeyPatch(), 'league', Path({str(bundle.root)!r})); assert 'torch' not in sys.modules"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("damage", ["orders", "areas", "criteria", "rows"])
def test_a_damaged_league_is_told_by_validate(tmp_path, damage):
    made = small_bundle(tmp_path / "bundle", seeds=(1337,), stages=())
    with_league(made, RUN)
    stored = made.read(Key(RUN, "league"))
    arrays, summary, table = dict(stored.arrays), dict(stored.manifest.summary), stored.table
    if damage == "rows":
        table = table.iloc[1:]
    elif damage == "criteria":
        summary["criteria"] = ["expected"]
    else:
        arrays[damage] = arrays[damage][..., :1]
    from dataclasses import replace

    Bundle(made.root).write(replace(stored.manifest, summary=summary), arrays=arrays, table=table)
    assert any("league" in str(problem) for problem in validate(made))


def test_where_the_full_model_has_learnt_nothing_no_criterion_is_put_before_another(monkeypatch):
    for task, claimed in (("RTE", False), ("MRPC", True)):
        test = opened(monkeypatch, "league", CACHE, task=task, seed="1337")
        (chart,) = [chart for chart in test.get("plotly_chart") if "Fisher" in chart.proto.spec]
        assert ("keeps the most" in words(test)) is claimed
        assert ("no criterion is put before another" in words(test)) is not claimed
        assert ("90% line" in chart.proto.spec) is claimed
        assert "majority class" in chart.proto.spec
