"""Stage mode and the game as pages."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from explorer.mask import Mask
from explorer.stats.intervals import Score
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.study.stored_scores import known_run
from explorer.ui.as_text import plain
from explorer.ui.pages.game.attempts import Try, best_of
from explorer.ui.pages.stage.numbers import Figure
from tests.ui.cards import told
from tests.ui.opened import words
from tests.waiting import HANG_SECONDS

CACHE = Bundle(Path(__file__).resolve().parents[2] / "cache")
MRPC = Run("minilm-l6", "MRPC", 1337)


def _page():
    import os

    from explorer.ui import cached, state
    from explorer.ui.pages.game import page as game
    from explorer.ui.pages.stage import page

    root = cached.bundle_root()
    stamp = cached.stamp(root)
    manifests = cached.manifests(root, stamp)
    view = state.select(root, stamp, manifests)
    (game if os.environ["TEST_PAGE"] == "game" else page).page(view)


def opened(monkeypatch, name, **query):
    monkeypatch.setenv("EXPLORER_BUNDLE", str(CACHE.root))
    monkeypatch.setenv("TEST_PAGE", name)
    monkeypatch.setenv("GLUE_DIR", "")
    test = AppTest.from_function(_page, default_timeout=HANG_SECONDS)
    for parameter, value in query.items():
        test.query_params[parameter] = value
    test.run()
    assert not test.exception
    return test


def test_stage_gets_ready_then_starts(monkeypatch):
    test = opened(monkeypatch, "stage")
    assert "8 of 8 screens prepared" in words(test)
    assert "stored scores are shown" in words(test)  # no GLUE here: nothing is scored live
    test.button(key="stage.start_button").click().run()
    assert not test.exception
    assert not test.header
    assert test.query_params["step"] in ("1", ["1"])


def test_the_address_of_a_step_goes_straight_to_it(monkeypatch):
    test = opened(monkeypatch, "stage", step="3")
    assert not test.header
    assert test.query_params["step"] in ("3", ["3"])


def test_a_story_of_ones_own_that_is_wrong_is_answered_in_words(monkeypatch, tmp_path):
    story = tmp_path / "mine.toml"
    story.write_text('title = "Mine"\n[[steps]]\ntitle = "One"\nshow = "film"\n')
    monkeypatch.setenv("EXPLORER_STORY", str(story))
    test = opened(monkeypatch, "stage")
    assert test.error[0].value.startswith(plain("Step 1 (line 2): show = 'film'"))
    story.write_text('title = "Mine"\n[[steps]]\ntitle = "One"\nshow = "text"\nseed = 5\n')
    test = opened(monkeypatch, "stage")
    assert test.error[0].value == plain("Step 1 (line 2): this bundle holds no MRPC run of seed 5.")


def test_the_game_without_a_checkpoint_plays_on_stored_masks(monkeypatch):
    path = CACHE.read(Key(Run("minilm-l6", "MRPC", 42), "structured", "heads"))
    step = path.table[path.table["held"]].iloc[1]
    off = 72 - int(step["heads_kept"])
    test = opened(monkeypatch, "game", task="MRPC", seed="42", mask=str(step["mask"]))
    shown = "\n".join(str(element.proto.body) for element in test.get("html"))
    assert f"<b>{off}</b><span>of 72 heads off" in shown
    assert "It holds" in shown
    assert "It switched off **56** heads and scored" in words(test)
    assert "one random draw" in words(test)
    assert list(test.dataframe[0].value["heads off"]) == [off]
    (race,) = told(test, "race")
    assert [(racer["kind"], racer["off"]) for racer in race["racers"]] == [
        ("you", off),
        ("gradient", 56),
        ("chance", None),
    ]
    test.button(key="game.gradient").click().run()
    (race,) = told(test, "race")
    assert (race["racers"][0]["off"], race["racers"][0]["tried"]) == (off, None)
    test.button(key="game.mine").click().run()
    assert test.query_params["mask"] in (str(step["mask"]), [str(step["mask"])])
    test.button(key="game.gradient").click().run()
    test.button(key="game.bring").click().run()
    assert test.query_params["mask"] in (str(step["mask"]), [str(step["mask"])])


def scored(test):
    """What the page says once the full model's exact score is there."""
    assert any("This is the full model" in str(element.proto.body) for element in test.get("html"))
    return words(test)


def test_where_a_guess_holds_the_line_the_game_says_so(monkeypatch):
    test = opened(monkeypatch, "game", task="WNLI", seed="1337")  # on the diagnostics, as GLUE is not here
    assert any("No verdict here" in str(element.proto.body) for element in test.get("html"))
    assert "is no higher than the majority class (0.500)" in words(test)
    assert "is no higher than" not in scored(opened(monkeypatch, "game", task="SST-2", seed="1337"))


def test_the_gradients_own_mask_is_nobodys_record(monkeypatch):
    ticket = str(CACHE.manifest(Key(Run("minilm-l6", "MRPC", 42), "structured", "heads")).summary["ticket"])
    test = opened(monkeypatch, "game", task="MRPC", seed="42", mask=ticket)
    assert "That is the mask on the grid." in words(test)
    assert not test.dataframe


def test_the_best_are_those_with_most_heads_off_then_those_that_score_most():
    tries: list[Try] = []
    for off, score, code in ((3, 0.8, "a"), (5, 0.75, "b"), (5, 0.76, "c"), (3, 0.8, "a"), (1, 0.9, "d")):
        tries = best_of(tries, Try(off, score, 0.7, 0.9, code))
    assert [of.code for of in tries] == ["c", "b", "a", "d"]


def drawn(test):
    """The HTML of the game."""
    return "\n".join(str(element.proto.body) for element in test.get("html"))


def verified(test, may):
    """The answer of the verification under way, once it is let go on."""
    may.release()
    return test.session_state["lab.verification"][1].wait(HANG_SECONDS).result.evaluation


def test_the_game_shows_a_score_as_verification_corrects_it(monkeypatch, unsure):
    mask = Mask.full(6, 12).with_head(5, 9, False)
    test = opened(monkeypatch, "game", task="SST-2", seed="1337", mask=mask.code)
    assert "being verified in fp32</small>" in drawn(test)
    before = test.dataframe[0].value["score"][0]
    found = verified(test, unsure)
    test.run()
    n = len(found.logits)
    assert f"verified in fp32, which corrected 1 of {n} predictions</small>" in drawn(test)
    assert f"<b>{found.score:.3f}</b>" in drawn(test)
    assert test.dataframe[0].value["score"].tolist() == [found.score], "the table of the best is corrected too"
    assert before != found.score


def test_a_record_that_falls_when_it_is_corrected_leaves_the_table(monkeypatch):
    from explorer.ui.pages.game import attempts

    remembered: dict[str, dict[str, list[Try]]] = {}
    monkeypatch.setattr(attempts.st, "session_state", remembered)
    known, mask = known_run(CACHE, MRPC), Mask.full(6, 12).with_head(0, 0, False)
    for value, there in ((0.9, 1), (0.7, 0)):
        score, full = (Score(of, 0.6, 0.95, 408, "accuracy", "Wilson 95%") for of in (value, 0.9))
        attempts._record(known, None, mask, score, full)
        (table,) = remembered["game.best"].values()
        assert len(table) == there


def test_the_stage_shows_a_score_as_verification_corrects_it(monkeypatch, unsure, tmp_path):
    from explorer.ui.pages.stage import page

    shown: list[dict[int, Figure]] = []
    monkeypatch.setattr(page, "deck", lambda _title, _scenes, live, *_rest, **_named: shown.append(dict(live)))
    mask = Mask.full(6, 12).with_head(5, 8, False).with_head(5, 7, False)  # stored nowhere: scored live
    story = tmp_path / "mine.toml"
    story.write_text(f'title = "Mine"\n[[steps]]\ntitle = "One"\nshow = "grid"\nmask = "{mask.code}"\n')
    monkeypatch.setenv("EXPLORER_STORY", str(story))
    test = opened(monkeypatch, "stage", step="1", task="MRPC", seed="1337")
    assert shown[-1][0].small.endswith("being verified in fp32")
    before, found = shown[-1][0].value, verified(test, unsure)
    test.run()
    assert shown[-1][0].small.endswith(f"verified in fp32, which corrected 1 of {len(found.logits)} predictions")
    assert shown[-1][0].value == f"{found.score:.3f}" != before
    asked = len(shown)
    test.run()
    assert (len(shown), shown[-1]) == (asked + 1, shown[-2])
