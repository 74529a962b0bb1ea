"""The network on maps of any size, what it does with maps on which nothing is seen, and the file that ships."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from explorer.errors import BadCheckpoint, BadRequest
from explorer.patterns.classes import CLASSES, UNCERTAIN
from explorer.patterns.classifier.generator import draw, generate
from explorer.patterns.classifier.labels import HELD_OUT, read_labels
from explorer.patterns.classifier.map_shapes import GeneratorOptions
from explorer.patterns.classifier.network import GRID, N_CHANNELS, PatternNetwork, picture
from explorer.patterns.classifier.trained import FOLDER, WEIGHTS, Calibration, PatternClassifier, load, name_of, save
from precompute.patterns.verbs import labelled_sha256

LABELLED = FOLDER.with_name("labelled")


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    return PatternClassifier(PatternNetwork().eval(), Calibration(1.0, 0.5))


def maps_of(*lengths):
    rng = np.random.default_rng(0)
    return [draw("diagonal", rng, GeneratorOptions(length=(t, t))).weights for t in lengths]


# --- any map


def test_every_length_gives_probabilities(untrained):
    got = untrained.classify(maps_of(4, 8, 31, 32, 33, 128))
    assert got.shape == (6, len(CLASSES))
    np.testing.assert_allclose(got.sum(axis=1), 1)
    assert (got > 0).all()


def test_no_map_gives_no_row(untrained):
    assert untrained.classify([]).shape == (0, len(CLASSES))


def test_a_map_is_judged_alone(untrained):
    maps = maps_of(9, 20, 40)
    alone = np.concatenate([untrained.classify([weights]) for weights in maps])
    np.testing.assert_allclose(untrained.classify(maps), alone, atol=1e-5)


def test_the_scale_of_a_map_does_not_matter(untrained):
    (weights,) = maps_of(20)
    np.testing.assert_allclose(untrained.classify([weights]), untrained.classify([1000 * weights]), atol=1e-5)


@pytest.mark.parametrize("weights", [np.ones((1, 1)), np.eye(2), np.zeros((2, 2)), np.zeros((20, 20))])
def test_where_nothing_is_seen_nothing_is_named(untrained, weights):
    (shown,) = maps_of(12)
    got = untrained.classify([weights, shown])
    assert got[0].tolist() == [0.2] * 5
    assert np.ptp(got[1]) > 0
    assert name_of(untrained.classify([weights])[0], untrained.calibration.threshold) == UNCERTAIN


@pytest.mark.parametrize("weights", [np.full((5, 5), np.nan), np.full((5, 5), np.inf), -np.eye(5), np.ones((3, 5))])
def test_what_is_no_map_is_told(untrained, weights):
    with pytest.raises(BadRequest):
        untrained.classify([weights])


def test_a_line_stays_a_line_in_the_picture_of_a_long_map():
    seen = picture(np.eye(128))
    assert seen.shape == (N_CHANNELS, GRID, GRID)
    rows_over_their_strongest = seen[-1]
    assert (rows_over_their_strongest == np.eye(GRID)).all()


def test_a_map_rotated_180_degrees_is_judged_the_same(untrained):
    maps = maps_of(9, 40)
    turned = untrained.classify([weights[::-1, ::-1] for weights in maps])
    np.testing.assert_allclose(untrained.classify(maps), turned, atol=1e-6)


# --- names


def test_a_name_needs_the_threshold():
    row = np.array([0.1, 0.1, 0.6, 0.1, 0.1])
    assert name_of(row, 0.6) == "diagonal"
    assert name_of(row, 0.61) == UNCERTAIN


@pytest.mark.parametrize("row", [np.full(5, 0.2), np.full(5, np.nan), np.array([np.nan, 0.9, 0.1, 0, 0])])
def test_no_name_without_a_likeliest_class(row):
    assert name_of(row, 0.0) == UNCERTAIN


def test_probabilities_of_other_classes_are_told():
    with pytest.raises(BadRequest, match="shape"):
        name_of(np.ones(4) / 4, 0.5)


# --- files


def test_what_is_saved_is_loaded(untrained, tmp_path):
    save(untrained, tmp_path, {"seed": "7"})
    again = load(tmp_path)
    assert again.calibration == untrained.calibration
    np.testing.assert_allclose(again.classify(maps_of(20)), untrained.classify(maps_of(20)), atol=2e-3)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(BadCheckpoint, match="missing"):
        load(tmp_path / "nothing")


def test_a_truncated_file_is_told(untrained, tmp_path):
    path = save(untrained, tmp_path, {})
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"format": "1", "classes": json.dumps(["a", "b"])}, "another version"),
        ({"format": "9", "classes": json.dumps(CLASSES)}, "another version"),
        ({"format": "1", "classes": json.dumps(CLASSES)}, "cannot be read"),
    ],
)
def test_another_file_is_told(tmp_path, words, said):
    save_file({"first.weight": torch.zeros(2)}, tmp_path / WEIGHTS, metadata=words)
    with pytest.raises(BadCheckpoint, match=said):
        load(tmp_path)


# --- what ships


def test_the_file_that_ships_is_small_and_made_from_the_labels_that_ship():
    path = FOLDER / WEIGHTS
    assert path.stat().st_size < 200_000
    with safe_open(path, framework="np") as file:
        words = file.metadata()
    assert words["data_sha256"] == labelled_sha256(LABELLED)


def test_the_classifier_that_ships_knows_synthetic_maps():
    made = generate(100, np.random.default_rng(77))
    said = load().classify([one.weights for one in made]).argmax(axis=1)
    right = np.mean([CLASSES[k] == one.label for k, one in zip(said, made, strict=True)])
    assert right > 0.85


def test_the_classifier_that_ships_is_as_good_as_its_card_says():
    held = [one for one in read_labels() if one.split == HELD_OUT]
    said = load().classify([one.weights for one in held]).argmax(axis=1)
    accuracy = np.mean(said == np.array([one.label for one in held]))
    assert f"| small CNN (this classifier) | {accuracy:.3f}" in (FOLDER / "CARD.md").read_text(encoding="utf-8")
