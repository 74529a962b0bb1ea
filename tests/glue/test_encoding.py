"""Sentences to tokens, ragged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.glue.encoding import MAX_LENGTH, encode
from explorer.glue.tasks import TASKS, Example, Examples
from tests.tiny import VOCABULARY

PAIRS, SINGLE = TASKS["MRPC"], TASKS["SST-2"]
CLS, SEP = VOCABULARY.index("[CLS]"), VOCABULARY.index("[SEP]")


def examples(task, *texts):
    return Examples(task, "dev", tuple(Example(t, 0.0) for t in texts), "test", "")


def words(ids):
    return " ".join(VOCABULARY[i] for i in ids)


def test_pairs_are_joined_and_their_sentences_told_apart(classifier):
    encoded = encode(examples(PAIRS, ("The cat sees.", "a dog"), ("one", "Two birds?")), classifier.tokenizer)
    assert len(encoded) == 2
    assert encoded.offsets.tolist() == [0, 9, 17]
    assert encoded.lengths.tolist() == [9, 8]
    assert words(encoded.example(0)[0]) == "[CLS] the cat sees . [SEP] a dog [SEP]"
    assert words(encoded.example(1)[0]) == "[CLS] one [SEP] two bird ##s ? [SEP]"
    assert encoded.example(0)[1].tolist() == [0] * 6 + [1] * 3
    assert (encoded.input_ids.dtype, encoded.token_types.dtype) == (np.int64, np.int64)


def test_single_sentences_have_one_type_and_unknown_words_a_piece(classifier):
    encoded = encode(examples(SINGLE, ("The zebra runs",), ("",)), classifier.tokenizer)
    assert words(encoded.example(0)[0]) == "[CLS] the [UNK] runs [SEP]"
    assert not encoded.token_types.any()
    assert words(encoded.example(1)[0]) == "[CLS] [SEP]"


def test_nothing_is_longer_than_128_pieces(classifier):
    long = " ".join(["cat"] * 300)
    single = encode(examples(SINGLE, (long,), ("cat " * 126,), ("cat " * 125,)), classifier.tokenizer)
    assert MAX_LENGTH == 128
    assert single.lengths.tolist() == [128, 128, 127]
    ids = single.example(0)[0]
    assert (ids[0], ids[-1]) == (CLS, SEP)


def test_the_longer_sentence_of_a_pair_is_cut_first(classifier):
    short, long = "the dog sleeps", " ".join(["cat"] * 300)
    encoded = encode(examples(PAIRS, (short, long), (long, short), (long, long)), classifier.tokenizer)
    assert encoded.lengths.tolist() == [128] * 3
    assert words(encoded.example(0)[0][:5]) == "[CLS] the dog sleeps [SEP]"
    assert words(encoded.example(1)[0][-4:]) == "the dog sleeps [SEP]"
    assert encoded.example(2)[1].sum() in (63, 64)  # 125 words shared, and the second [SEP]


def test_subsets_keep_the_order_asked_for(classifier):
    encoded = encode(examples(SINGLE, ("one",), ("two cats here",), ("red dog",)), classifier.tokenizer)
    picked = encoded.subset(np.array([2, 0, 2]))
    assert [words(picked.example(i)[0]) for i in range(3)] == [
        "[CLS] red dog [SEP]",
        "[CLS] one [SEP]",
        "[CLS] red dog [SEP]",
    ]
    assert picked.offsets.tolist() == [0, 4, 7, 11]


@pytest.mark.parametrize("task", [PAIRS, SINGLE])
def test_no_examples_are_no_tokens(classifier, task):
    encoded = encode(replace(examples(task), items=()), classifier.tokenizer)
    assert (len(encoded), encoded.offsets.tolist(), encoded.lengths.tolist()) == (0, [0], [])
