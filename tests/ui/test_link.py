"""What a link asks for: taken where it is there, else named at the top of the page; nothing goes without a word."""

from __future__ import annotations

import shutil

import pytest

from explorer.mask import Mask
from explorer.store.schema import Key, Run
from explorer.ui.as_text import plain
from tests.bundles import MODEL, H, L, small_bundle, with_attention
from tests.leagues import with_bank, with_league
from tests.ui.opened import address, opened

RUN = Run(MODEL, "MRPC", 1337)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    made = small_bundle(tmp_path_factory.mktemp("bundle"))
    with_league(made, RUN)
    with_bank(made, RUN)
    with_attention(made, RUN)
    return made


def warnings(test):
    return [element.value for element in test.warning]


@pytest.mark.parametrize(
    ("page", "parameter", "wrong"),
    [
        ("tickets", "method", "magic"),
        ("tickets", "state", "boiled"),
        ("survival", "view", "sideways"),
        ("survival", "pruned", "tails"),
        ("survival", "of", "7"),
        ("league", "criterion", "vibes"),
        ("league", "off", "999"),
        ("league", "off", "-1"),
        ("league", "off", "²"),
        ("league", "marked", "no-mask"),
        ("patterns", "which", "fine"),
        ("patterns", "kind", "kindly"),
        ("patterns", "colour", "mauve"),
        ("patterns", "layer", "0"),
        ("patterns", "head", "1.5"),
        ("patterns", "sentence", "99"),
        ("patterns", "compare", "apples"),
        ("runs", "view", "upside-down"),
        ("runs", "row", "MRPC.7"),
        ("runs", "row", "<b>x</b>"),
    ],
)
def test_what_is_not_there_is_named_and_left_out(monkeypatch, bundle, page, parameter, wrong):
    test = opened(monkeypatch, page, bundle.root, **{parameter: wrong})
    assert any(plain(f"The link asks for {parameter} '{wrong}', which is not here") in said for said in warnings(test))
    assert address(test, parameter) != wrong
    assert not test.run().warning, "told once"


@pytest.mark.parametrize("page", ["overview", "survival", "tickets", "league", "patterns", "runs"])
def test_a_word_that_no_page_knows_is_named(monkeypatch, bundle, page):
    test = opened(monkeypatch, page, bundle.root, tsk="SST-2")
    assert any(plain("The link says 'tsk', which no page understands") in said for said in warnings(test))
    assert address(test, "tsk") is None


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("league", {"criterion": "banzhaf", "off": "3", "measure": "margin", "seed": "42"}),  # has no league
        ("patterns", {"layer": "2", "head": "1", "seed": "42"}),  # has no maps
        ("tickets", {"criterion": "banzhaf", "mask": Mask.full(L, H).code}),
    ],
)
def test_a_word_that_has_no_place_in_what_is_shown_is_no_strange_word(monkeypatch, bundle, page, asked):
    assert not opened(monkeypatch, page, bundle.root, model=MODEL, task="MRPC", **asked).warning


def test_another_task_is_no_link(monkeypatch, tmp_path):
    small_bundle(tmp_path, tasks=("MRPC", "RTE"), seeds=(1337, 42))
    shutil.rmtree(tmp_path / MODEL / "RTE" / "seed_42")
    small_bundle(tmp_path, tasks=("RTE",), seeds=(71,))
    test = opened(monkeypatch, "survival", tmp_path, task="MRPC", of="42")
    assert address(test, "of") == "42"
    test.sidebar.selectbox(key="view.task").select("RTE").run()
    assert not test.exception
    assert not warnings(test)


def test_what_mail_programs_add_is_nobodys_concern(monkeypatch, bundle):
    assert not opened(monkeypatch, "overview", bundle.root, utm_source="mail", fbclid="x1", _ga="x2").warning


@pytest.mark.parametrize("code", ["3", "3.5.1", "mlp", "0.1", "<b>"])
def test_a_card_that_is_of_no_part_is_named(monkeypatch, bundle, code):
    test = opened(monkeypatch, "tickets", bundle.root, card=code)
    assert any(plain(f"The link's card '{code}' names no head and no MLP") in said for said in warnings(test))
    assert address(test, "card") is None


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("tickets", {"method": "magnitude", "card": "1.mlp"}),
        ("tickets", {"state": "retrained"}),
        ("survival", {"pruned": "mlps"}),
        ("league", {"criterion": "banzhaf", "off": "3"}),
        ("patterns", {"layer": "2", "head": "1", "colour": "survival"}),
        ("runs", {"row": "MRPC.42"}),
    ],
)
def test_what_is_there_is_taken_without_a_word(monkeypatch, bundle, page, asked):
    test = opened(monkeypatch, page, bundle.root, model=MODEL, task="MRPC", seed="1337", **asked)
    assert not warnings(test)
    assert {name: address(test, name) for name in asked} == asked
    assert not warnings(test.run())


def test_the_marked_mask_stands_in_the_address(monkeypatch, bundle):
    codes = bundle.read(Key(RUN, "bank")).table["mask"]
    test = opened(monkeypatch, "league", bundle.root, marked=codes.iloc[7])
    assert (address(test, "marked"), warnings(test)) == (codes.iloc[7], [])
    assert address(test.run(), "marked") == codes.iloc[7]
    assert address(opened(monkeypatch, "league", bundle.root), "marked") is None, "the surest is marked by itself"
