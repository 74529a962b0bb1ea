"""The Patterns page on a tiny bundle: atlas, comparison, typed text of every sort, and the paper's question."""

from __future__ import annotations

import pytest

from explorer.store.schema import Run
from explorer.ui import cached_models
from explorer.ui.as_text import plain
from explorer.ui.pages.patterns.atlas import chosen_of
from tests import bundles
from tests.ui.opened import address, opened, words

RUN = Run(bundles.MODEL, "MRPC", 1337)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    bundle = bundles.small_bundle(tmp_path_factory.mktemp("patterns") / "bundle", stages=("structured",))
    bundles.with_attention(bundle, RUN, texts=("the red dog runs .", "a cat sees <b> trees"))
    return bundle.root


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from tests import tiny

    return tiny.finetuned(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def typing(monkeypatch, root, model):
    """Opens the page and types."""
    monkeypatch.setattr(cached_models, "classifier", lambda *_: model)

    def typed(first, second="", **query):
        test = opened(monkeypatch, "patterns", root, sentence="own", **query)
        test.text_input(key="patterns.first").set_value(first)
        test.text_input(key="patterns.second").set_value(second)
        test.button[0].click().run()
        assert not test.exception
        return test

    return typed


def test_a_head_in_the_link_is_shown_with_its_facts(monkeypatch, root):
    test = opened(monkeypatch, "patterns", root, layer="2", head="3", kind="norm")
    assert "**Layer 2, head 3: vertical**" in words(test)
    assert "**Vertical** in 100% of 2 sentences." in words(test)
    assert "of 2 seeds" in words(test)
    assert address(test, "layer") == "2"
    assert address(test, "kind") == "norm"
    assert list(test.dataframe[0].value.columns) == ["", "this sentence", "2 sentences"]


def test_a_head_that_the_model_does_not_have_is_named_and_the_first_one_shown(monkeypatch, root):
    test = opened(monkeypatch, "patterns", root, layer="99", head="<script>")
    assert "**Layer 1, head 1: " in words(test)
    assert "asks for layer '99', which is not here" in words(test)
    assert plain("asks for head '<script>', which is not here") in words(test)


@pytest.mark.parametrize(("compare", "says"), [("head", "Layer 1, head 2"), ("model", "Layer 1, head 1, pre-trained")])
def test_two_maps_side_by_side(monkeypatch, root, compare, says):
    test = opened(monkeypatch, "patterns", root, compare=compare)
    assert f"Beside it, **{says}" in words(test)
    assert "beside: 2 sentences" in test.dataframe[0].value.columns
    assert address(test, "compare") == compare


def test_masked_beside_unmasked(typing):
    test = typing("the dog runs", compare="ticket")
    assert "masked (6 heads and 2 MLPs on)" in words(test)


def test_the_labs_full_mask_is_nothing_to_compare(monkeypatch, root):
    assert "In the lab every head is on" in words(opened(monkeypatch, "patterns", root, compare="lab"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "There is no text"),
        ("dog " * 10_000, "longer than the 128 tokens"),
        ("😀😀", "stands for what the model's vocabulary lacks"),
        ("سلام دنیا", "stands for what the model's vocabulary lacks"),
        ("<script>alert(1)</script> dog", "stands for"),
        ("the dog runs", "Layer 1, head 1"),
    ],
)
def test_whatever_is_typed_is_answered(typing, text, says):
    test = typing(text)
    said = (words(test) + "\n".join(error.value for error in test.error)).replace("\\", "")
    assert says in said
    assert "<script>" not in words(test)


def test_the_papers_question(monkeypatch, root):
    test = opened(monkeypatch, "patterns", root, view="survivors")
    assert "comparisons" in words(test)
    assert "as many heads drawn at random have" in words(test)
    assert set(test.dataframe[0].value["group"]) == {"survivors", "super-survivors"}
    assert "attention.finetuned is missing" in words(test)


def test_without_maps_the_command_is_named(monkeypatch, tmp_path):
    bundle = bundles.small_bundle(tmp_path / "bundle", stages=("structured",))
    test = opened(monkeypatch, "patterns", bundle.root)
    assert "python -m precompute attention --task MRPC" in words(test)


@pytest.mark.parametrize("sent", [None, {}, {"head": [3, 0]}, {"head": [0, -1]}, {"head": ["0", 1]}, {"head": "ab"}])
def test_only_heads_of_the_model_are_taken_from_the_browser(sent):
    assert chosen_of(sent, (3, 4)) is None
    assert chosen_of({"head": [2, 3]}, (3, 4)) == (2, 3)
