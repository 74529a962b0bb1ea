"""A story: what is wrong with one is said with its step, line and field; what a bundle lacks is said, too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Run
from explorer.store.task_tickets import tickets_beside
from explorer.study.claim_sheet import BAD, claim_sheet
from explorer.study.stored_scores import known_run
from explorer.ui.pages.stage.component import at, deck_data, left_for
from explorer.ui.pages.stage.leaving_out import left_out
from explorer.ui.pages.stage.scenes import scene_of, scenes_of
from explorer.ui.pages.stage.story import (
    LARGEST,
    ONE_SEED,
    SHIPPED,
    Step,
    decode_story,
    filled,
    parse_story,
    read_story,
    unknown_in,
)
from explorer.ui.pages.stage.story_values import FACTS, Material, blank_for_one_seed, facts
from explorer.ui.widgets.words import against_line
from tests.bundles import MODEL, small_bundle

GOOD = 'title = "A"\n[[steps]]\ntitle = "One"\nshow = "text"\n'


def test_a_step_has_what_was_written_and_what_the_story_says_for_all():
    story = parse_story('title = "A"\ntask = "RTE"\nseed = 7\n' + GOOD.split("\n", 1)[1] + "seed = 0\n", FACTS)
    step = story.steps[0]
    assert (story.title, step.title, step.show, step.task, step.seed) == ("A", "One", "text", "RTE", 0)
    assert step.where == "Step 1 (line 4)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = ", "not TOML: Invalid value (at end of document)"),
        ("\n\ntitle = nope", "line 3"),
        ('title = "A"', "no steps"),
        ('title = "A"\nsteps = 3', "no steps"),
        (GOOD.replace('title = "A"', ""), "The story has no title"),
        (GOOD + 'colour = "red"', "Step 1 (line 2) has a field 'colour'"),
        (GOOD.replace('"text"', '"film"'), "Step 1 (line 2): show = 'film'"),
        (GOOD.replace('"text"', '["text"]'), "show = ['text']"),
        (GOOD.replace('"One"', "1"), "title is not text"),
        (GOOD.replace('"One"', '" "'), "has no title"),
        (GOOD.replace("One", "x" * 200), "title has 200 characters"),
        (GOOD.replace("One", "{full_scor}"), "title asks for {full_scor}"),
        (GOOD.replace("One", "{full_score:.9f}"), "title asks for {full_score:.9f}"),
        (GOOD.replace("One", "{0.__class__}"), "title asks for {0.__class__}"),
        (GOOD.replace("One", "a } b"), "stray brace"),
        (GOOD.replace('"text"', '"grid"'), "needs a mask"),
        (GOOD.replace('"text"', '"grid"') + 'mask = "no mask!"', "is no mask"),
        (GOOD + 'mask = "good"', 'goes with show = "grid"'),
        (GOOD.replace('"text"', '"claim"'), "needs a claim"),
        (GOOD + 'claim = "fifth"', "none of the four"),
        (GOOD + 'task = "POEM"', "no task of GLUE"),
        (GOOD + "seed = true", "no seed"),
        (GOOD + GOOD.split("\n", 1)[1] * 40, "41 steps"),
    ],
)
def test_what_is_wrong_is_named(text, words):
    with pytest.raises(BadRequest) as caught:
        parse_story(text, FACTS)
    assert words in caught.value.wrong
    assert caught.value.mend


def test_a_file_that_is_no_story_is_refused(tmp_path):
    for data, words in ((b"\xff\xfe", "UTF-8"), (b"#" * (LARGEST + 1), "larger than 64 KB")):
        with pytest.raises(BadRequest, match=words):
            decode_story(data, FACTS)
    with pytest.raises(BadRequest, match="cannot be read"):
        read_story(tmp_path / "nowhere.toml", FACTS)


def test_names_are_filled_and_what_is_not_known_is_said():
    assert filled("{a} of {b}", {"a": "1", "b": None}) == "1 of [not known yet]"
    assert unknown_in(["{a} {b}", "{b}"], {"a": "1", "b": None}) == ["b"]


def test_a_score_at_the_line_holds_and_noise_is_told():
    assert against_line(0.72, 0.72, 0.8, 0.72) == "above the 90% line (0.720)"
    assert against_line(0.72, 0.70, 0.8, 0.72) == "above the 90% line (0.720), but not clearly"
    assert against_line(0.71, 0.60, 0.8, 0.72) == "below the 90% line (0.720), but not clearly"
    assert against_line(0.60, 0.50, 0.7, 0.72) == "below the 90% line (0.720)"


def test_what_the_browser_sends_is_not_trusted():
    assert at({"step": 3}, 8, 0) == 3
    for state in (None, {}, {"step": 8}, {"step": -1}, {"step": "3"}, {"step": True}, {"step": float("nan")}):
        assert at(state, 8, 5) == 5
    assert left_for({"leave": "game"}) == "game"
    assert left_for({"leave": "//elsewhere"}) == "ready"


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A run without paths: as a bundle may be."""
    bundle = small_bundle(tmp_path_factory.mktemp("bundles") / "cache")
    run = Run(MODEL, "MRPC", 1337)
    tickets = tickets_beside(bundle, run)
    sheet = claim_sheet(Bundle(bundle.root), list(bundle.manifests()), MODEL, "MRPC")
    return Material(known_run(bundle, run), sheet, tickets, None, None, None)


def test_facts_are_the_bundles(material):
    values = facts(material)
    assert set(values) == set(FACTS)
    assert values["full_score"] == f"{material.known.full.score:.3f}"
    assert values["line"] == f"{0.9 * material.known.full.score:.3f}"
    assert (values["n_heads"], values["good_heads"], values["heads_off"]) == ("12", "6", "6")
    assert values["gradient_heads_off"] is None


def test_the_shipped_story_is_told_of_any_run_and_says_what_is_not_there(material):
    story = read_story(SHIPPED, FACTS)
    scenes = scenes_of(story, lambda _: material)
    assert len(scenes) == 8
    assert {scene.claim for scene in scenes} == {"", "Claim a", "Claim b", "Claim c", "Claim d"}
    assert "Nothing was pruned" in scenes[2].missing[0]
    assert scenes[3].figure is not None
    assert scenes[3].figure.value == facts(material)["good_score"]
    assert not any("{" in text for scene in scenes for text in (scene.title, scene.text, scene.say))
    told = deck_data(story.title, scenes, {}, [1], 0)
    assert [scene["scored"] for scene in told["scenes"]] == [False, True, False, True, False, False, False, False]


def test_every_show_is_a_scene_and_a_story_without_tickets_crashes_nowhere(material):
    bare = replace(material, tickets={})
    for show in ("question", "text", "path", "tickets", "retrained", "survival", "patterns", "game"):
        assert scene_of(Step("T", show), bare).title == "T"
    for claim in ("good", "rest", "retrained", "unstable"):
        for show in ("claim", "published"):
            assert scene_of(Step("T", show, claim=claim), bare).verdict
    assert "not pruned" in scene_of(Step("T", "grid", mask="good"), bare).missing[0]
    assert scene_of(Step("{good_heads}", "text"), bare).missing == ("Not in this bundle: heads that it keeps.",)


def test_a_mask_for_another_model_names_its_step(material):
    with pytest.raises(BadRequest, match=r"Step 2 \(line 9\): mask: .* is not one for 3 layers x 4 heads"):
        scene_of(Step("T", "grid", mask=Mask.full(12, 12).code, where="Step 2 (line 9)"), material)


@pytest.fixture(scope="module")
def one_seed(tmp_path_factory):
    """A bundle of one seed."""
    bundle = small_bundle(tmp_path_factory.mktemp("bundles") / "one", seeds=(1337,))
    run = Run(MODEL, "MRPC", 1337)
    sheet = claim_sheet(bundle, list(bundle.manifests()), MODEL, "MRPC")
    return Material(known_run(bundle, run), sheet, tickets_beside(bundle, run), None, None, None)


def test_one_seed_is_told_nothing_over_seeds_and_why(one_seed):
    values = facts(one_seed)
    blank = {name for name in FACTS if name.startswith("mean_")} | {"always", "never", "changing", "kappa"}
    assert {name for name in blank if values[name] is not None} == set()
    assert blank_for_one_seed(one_seed) == blank
    scenes = scenes_of(read_story(SHIPPED, FACTS), lambda _: one_seed)
    for scene in scenes:
        told = " ".join((scene.title, scene.text, scene.say))
        assert "every seed" not in told
        assert "Over seeds" not in told
        assert "[not known yet]" not in " ".join((scene.title, scene.text))
    assert ONE_SEED in scenes[3].say
    assert scenes[3].say.startswith("First claim of the paper")
    assert scenes[6].text == ONE_SEED
    assert "Is a head important, or was it lucky?" in scenes[6].say
    assert scenes[4].verdict.endswith(", one seed only")
    assert "one seed" in scenes[4].picture["legend"]


def test_two_seeds_are_two_seeds_only(material):
    scenes = scenes_of(read_story(SHIPPED, FACTS), lambda _: material)
    assert {scene.verdict.partition(", ")[2] for scene in scenes if scene.claim and "Open" not in scene.verdict} == {
        "two seeds only"
    }
    assert blank_for_one_seed(material) == set()


def test_bars_of_different_seeds_say_how_many(material):
    sheet = material.sheet
    fewer = dict(sheet.ours)
    bad = sheet.ours[BAD]
    fewer[BAD] = replace(bad, by_seed=dict(list(bad.by_seed.items())[:1]), n_seeds=1)
    scene = scene_of(Step("T", "tickets"), replace(material, sheet=replace(sheet, ours=fewer)))
    assert scene.picture is not None
    assert [of["label"] for of in scene.picture["bars"]] == ["good (2 seeds)", "random (2 seeds)", "bad (1 seed)"]
    assert "mean over the seeds that each has" in scene.picture["legend"]


def test_a_story_may_name_an_own_task_of_the_bundle():
    text = 'title = "A"\ntask = "reviews"\n' + GOOD.split("\n", 1)[1]
    assert parse_story(text, FACTS, ("reviews",)).steps[0].task == "reviews"
    with pytest.raises(BadRequest, match=r"is no task of GLUE\."):
        parse_story(text, FACTS)
    with pytest.raises(BadRequest, match="or of this bundle") as refused:
        parse_story(text.replace("reviews", "other"), FACTS, ("reviews",))
    assert "WNLI, reviews" in refused.value.mend


def test_what_an_opened_model_never_can_tell_is_left_out_with_a_sentence(material):
    of = material
    never = replace(of, sheet=replace(of.sheet, never={"retrained": "it was opened", "unstable": "so was it"}))
    shipped = read_story(SHIPPED, FACTS)
    steps, sentences = left_out(shipped, lambda _step: never)
    assert [step.claim for step in steps] == [one.claim for one in shipped.steps if one.claim in (None, "good", "rest")]
    assert len(sentences) == 2
    assert sentences[0].endswith("is left out: it was opened.")
    assert left_out(shipped, lambda _step: of) == (shipped.steps, ())
