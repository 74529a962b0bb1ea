"""The labels that ship, and files that do not go together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from explorer.errors import BadBundle
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier.labelled_maps import FOLDER
from explorer.patterns.classifier.labels import BLOCKS, HELD_OUT, LABELS, RARE, TRAIN, read_labels


def test_two_passes_over_all_evenly_drawn_maps():
    maps = read_labels()
    assert len(maps) >= 400
    assert {one.pass_a for one in maps} | {one.pass_b for one in maps} <= set(CLASSES)
    assert {one.drawn.kind for one in maps} == {"raw", "norm"}
    for one in maps:
        if one.pass_a == one.pass_b:
            assert one.resolved == one.pass_a
        else:
            assert one.resolved in (one.pass_a, one.pass_b)
            assert one.note == "resolved by a third look"


def test_no_head_is_in_both_parts_not_even_over_both_folders():
    maps = (*read_labels(), *read_labels(BLOCKS))
    heads = {split: {one.head for one in maps if one.split == split} for split in (TRAIN, HELD_OUT)}
    assert len(heads[TRAIN]) + len(heads[HELD_OUT]) == 72
    assert not heads[TRAIN] & heads[HELD_OUT]


def test_maps_to_train_on_only_are_of_no_held_out_head_and_passed_twice():
    held = {one.head for one in (*read_labels(), *read_labels(BLOCKS)) if one.split == HELD_OUT}
    rare = read_labels(RARE)
    assert len(rare) > 300
    for one in rare:
        assert one.split == TRAIN
        assert one.head not in held
        assert {one.pass_a, one.pass_b} <= set(CLASSES)
        assert one.resolved == one.pass_a if one.pass_a == one.pass_b else one.note.startswith("third look")


def test_a_map_of_one_sentence_is_never_a_block():
    every = (*read_labels(), *read_labels(BLOCKS), *read_labels(RARE))
    assert all(one.drawn.tokens.is_pair for one in every if one.resolved == "block")


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(BLOCKS, tmp_path / "blocks"))


@pytest.mark.parametrize(
    ("column", "value"), [("resolved", "round"), ("resolved", ""), ("pass_a", "Block"), ("split", "test"), ("id", "x")]
)
def test_a_word_that_is_no_class_is_told(copy, column, value):
    table = pd.read_csv(copy / LABELS, keep_default_na=False)
    table.loc[3, column] = value
    table.to_csv(copy / LABELS, index=False)
    with pytest.raises(BadBundle):
        read_labels(copy)


def test_a_head_in_both_parts_is_told(copy):
    table = pd.read_csv(copy / LABELS, keep_default_na=False)
    table.loc[0, "split"] = HELD_OUT if table.loc[0, "split"] == TRAIN else TRAIN
    table.to_csv(copy / LABELS, index=False)
    with pytest.raises(BadBundle, match="one head in both parts"):
        read_labels(copy)


def test_missing_labels_are_told(copy):
    (copy / LABELS).unlink()
    with pytest.raises(BadBundle, match="cannot be read"):
        read_labels(copy)


def test_the_guideline_names_every_class():
    text = (FOLDER / "GUIDELINE.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in CLASSES)
