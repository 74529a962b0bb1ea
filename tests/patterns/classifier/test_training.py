"""Training in miniature: seeded, nothing overwritten, no head judged by a network that saw it; the verbs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax
from typer.testing import CliRunner

from explorer.patterns.classifier import training
from explorer.patterns.classifier.augmentation import augmented
from explorer.patterns.classifier.calibration import calibrated, named
from explorer.patterns.classifier.generator import generate
from explorer.patterns.classifier.map_shapes import GeneratorOptions
from explorer.patterns.classifier.network import logits_of
from explorer.patterns.classifier.training import (
    RealMap,
    TrainingOptions,
    finetuned,
    out_of_fold,
    pretrained,
    synthetic,
)
from precompute.cli import app

SMALL = TrainingOptions(n_synthetic=60, pretrain_epochs=1, finetune_epochs=1, copies=1, batch=16)


@pytest.fixture(scope="module")
def real():
    made = generate(40, np.random.default_rng(8), GeneratorOptions(length=(8, 16)))
    return [RealMap(one.weights.astype(np.float32), k % 5, (k % 8, 0), (0,)) for k, one in enumerate(made)]


def test_a_seed_gives_the_same_network_and_start_is_left_alone(real):
    made = synthetic(SMALL)
    start = pretrained(made, SMALL)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    first, again = (logits_of(finetuned(start, real, made, SMALL), [real[0].weights]) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert all(torch.equal(value, before[name]) for name, value in start.state_dict().items())
    assert (first != logits_of(start, [real[0].weights])).any()


def test_no_network_judges_a_head_that_it_saw(real, monkeypatch):
    seen: list[set[tuple[int, int]]] = []
    judged: list[int] = []

    def spy(start, maps, *_, **__):
        seen.append({one.head for one in maps})
        return start

    def blank(_, weights):
        ids = [id(one) for one in weights]
        heads = {one.head for one in real if id(one.weights) in ids}
        assert heads
        assert not heads & seen[-1]
        judged.append(len(weights))
        return np.zeros((len(weights), 5))

    monkeypatch.setattr(training, "finetuned", spy)
    monkeypatch.setattr(training, "logits_of", blank)
    out_of_fold(None, real, None, SMALL)
    assert sum(judged) == len(real)


def test_variants_are_maps_that_keep_their_special_word_pieces():
    weights = np.full((20, 20), 0.01)
    weights[:, 0] = 1
    rng = np.random.default_rng(0)
    made = [augmented(weights, (0, 19), rng) for _ in range(50)]
    assert {len(one) for one in made} > {20}
    for one in made:
        assert one.shape[0] == one.shape[1] >= 8
        assert (one >= 0).all()
        strongest = one.mean(axis=0).argmax()
        assert strongest in (
            0,
            len(one) - 1,
        )  # the column is still there, at one side or, rotated 180 degrees, the other


def test_the_threshold_is_the_lowest_that_names_nine_of_ten_rightly():
    """20 sure and right, 10 half sure and half right: only without the second group is it 9 of 10."""
    sure, half = np.array([9.0, 0, 0, 0, 0]), np.array([1.5, 1.0, 0, 0, 0])
    logits = np.vstack([np.tile(sure, (20, 1)), np.tile(half, (10, 1))])
    true = np.array([0] * 20 + [0, 1] * 5)
    got = calibrated(logits, true)
    probabilities = softmax(logits / got.temperature, axis=1)
    assert named(probabilities, true, got.threshold).right >= 0.9
    assert named(probabilities, true, got.threshold - 0.05).right < 0.9
    assert named(probabilities, true, got.threshold).n == 20


def test_a_missing_folder_of_labels_is_a_sentence(tmp_path):
    done = CliRunner().invoke(app, ["patterns", "evaluate", "--labelled", str(tmp_path)], standalone_mode=False)
    assert "labels.csv" in str(done.exception)


def test_help_names_both_verbs():
    said = CliRunner().invoke(app, ["patterns", "--help"]).output
    assert "train" in said
    assert "evaluate" in said
