import pytest

from explorer.store.bundle import Bundle
from explorer.study.majority_baseline import majority_baseline_of
from tests.bundles import MODEL, small_bundle


def test_the_training_majority_comes_first(tmp_path):
    line = majority_baseline_of(small_bundle(tmp_path), MODEL, "MRPC")
    assert (line.score, line.words, line.title) == (0.5, "always 'paraphrase'", "majority class")


def test_without_it_the_dev_set_s_most_frequent_label_and_it_says_so(tmp_path):
    line = majority_baseline_of(small_bundle(tmp_path, stages=()), MODEL, "MRPC")
    assert line.score == 0.5
    assert "most frequent label of the dev set" in line.words
    assert line.from_training.startswith("python -m precompute baseline --task MRPC")


def test_a_correlation_starts_from_zero(tmp_path):
    assert majority_baseline_of(small_bundle(tmp_path, ("CoLA",), stages=()), MODEL, "CoLA").score == 0


@pytest.mark.parametrize("task", ["RTE", "MRPC"])
def test_an_empty_bundle_has_no_line(tmp_path, task):
    assert majority_baseline_of(Bundle(tmp_path), MODEL, task) is None
