"""How fast a mask is scored, measured beside plain transformers in one run; every figure comes with its target."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import psutil
import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import BertConfig, BertForSequenceClassification

from explorer.bert.batches import pad
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import Engine
from explorer.bert.gates import gated, gates_of
from explorer.bert.reference import reference_logits
from explorer.glue.encoding import Encoded
from explorer.glue.metrics import predictions_of
from explorer.live.evaluator import Evaluation, Evaluator
from explorer.live.scoring import score
from explorer.live.worker import Done, Worker
from explorer.mask import Mask
from explorer.store.ledger import Ledger

PADDED_TO = 128
"""Tokens to which the paper's authors pad every example."""
_BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
"""BERT-base (Devlin et al. 2019)."""


@dataclass(frozen=True)
class Toggle:
    """Seconds until the first score with an interval, and until the exact one, after one click."""

    first: float
    final: float
    rechecked: int


def single_toggles(n_layers: int, n_heads: int) -> Iterator[Mask]:
    """Yields masks in which each head, then each MLP, is off alone."""
    full = Mask.full(n_layers, n_heads)
    for layer in range(n_layers):
        yield from (full.with_head(layer, head, False) for head in range(n_heads))
    yield from (full.with_mlp(layer, False) for layer in range(n_layers))


def time_toggle(evaluator: Evaluator, mask: Mask) -> Toggle:
    """Times one click, from the request to the exact score, intervals included."""
    started = time.perf_counter()
    first = 0.0
    for news in evaluator.stream(mask):
        first = first or time.perf_counter() - started
        if isinstance(news, Evaluation):
            evaluator.interval(news)
            return Toggle(first, time.perf_counter() - started, news.rechecked)
    raise AssertionError("a stream ends with its evaluation")


def plain_seconds(classifier: Classifier, encoded: Encoded, mask: Mask, *, padded_to: int | None = None) -> float:
    """Times stock transformers in fp32 on the same examples: batches of 32 sorted by length, or all padded to one
    width.
    """
    if padded_to is None:
        return _seconds(lambda: reference_logits(classifier, encoded, mask))

    def padded() -> None:
        with torch.inference_mode(), gated(classifier.model, *gates_of(mask)):
            for part in np.array_split(np.arange(len(encoded)), -(-len(encoded) // 32)):
                batch = pad(encoded, part, multiple=padded_to)
                classifier.model(
                    input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
                )

    return _seconds(padded)


def gemm_peak(dtype: torch.dtype, size: int = 4096) -> float:
    """FLOP/s of a large square matrix product, median of seven: what this processor can do."""
    a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    with torch.inference_mode():
        seconds = [_seconds(lambda: functional.linear(a, b)) for _ in range(8)][1:]
    return 2 * size**3 / statistics.median(seconds)


def forward_flops(encoded: Encoded, n_layers: int, width: int) -> float:
    """Multiplications and additions of a full forward pass as the engine runs it: the last layer for [CLS] alone."""
    tokens, squares, n = float(encoded.lengths.sum()), float((encoded.lengths.astype(float) ** 2).sum()), len(encoded)
    layer = tokens * 2 * 12 * width**2 + squares * 2 * 2 * width  # projections and MLP; scores and mixing
    last = n * 2 * 12 * width**2 + tokens * 2 * 2 * width * 12  # heads of [CLS] over the states themselves
    return (n_layers - 1) * layer + last


def full_forward_seconds(engine: Engine, evaluator: Evaluator) -> float:
    """Times the full mask from the embeddings on, with nothing cached."""

    def forward() -> None:
        for shard in evaluator.shards:
            engine.logits(shard, evaluator.full_mask)

    return _seconds(forward)


def disagreements(evaluator: Evaluator, classifier: Classifier, masks: Sequence[Mask]) -> tuple[int, int]:
    """Counts predictions that differ from fp32 transformers', and how many were compared."""
    differ = 0
    for mask in tqdm(masks, desc=f"parity {evaluator.task.name}", unit="mask"):
        plain = predictions_of(evaluator.task, reference_logits(classifier, evaluator.encoded, mask))
        differ += int((evaluator.predictions(evaluator.evaluate(mask)) != plain).sum())
    return differ, len(masks) * len(evaluator.encoded)


def random_masks(many: int, n_layers: int, n_heads: int, seed: int = 0) -> list[Mask]:
    """Draws masks of every size, from nearly nothing to nearly everything."""
    rng = np.random.default_rng(seed)
    shares = np.linspace(0.1, 0.99, many)
    return [Mask(rng.random((n_layers, n_heads)) < share, rng.random(n_layers) < share) for share in shares]


def resident_bytes() -> int:
    """Resident memory of this process, in bytes."""
    return int(psutil.Process().memory_info().rss)


def known_seconds(evaluator: Evaluator, masks: Sequence[Mask], ledger: Ledger) -> float:
    """Median seconds from the click to the score and its interval, for masks that the ledger on disk knows."""
    worker = Worker()
    try:
        for mask in masks:
            score(worker, "bench", evaluator, mask, ledger).wait(600)
        return statistics.median(_seconds(partial(_answered, worker, evaluator, mask, ledger)) for mask in masks)
    finally:
        worker.close()


def _answered(worker: Worker, evaluator: Evaluator, mask: Mask, ledger: Ledger) -> None:
    news = score(worker, "bench", evaluator, mask, ledger).news
    assert isinstance(news, Done)
    assert news.result.entry is not None, "the ledger lost a mask"
    evaluator.interval(news.result.evaluation)


def base_size(like: Classifier, seed: int = 0) -> Classifier:
    """Makes a model of BERT-base's size with random weights and this tokenizer: for timing only."""
    config = BertConfig(**(like.model.config.to_dict() | _BASE | {"attn_implementation": "sdpa"}))
    torch.manual_seed(seed)
    model = BertForSequenceClassification(config).eval().requires_grad_(False)
    return Classifier(model, like.tokenizer, "bert-base-size", "random weights", f"random-{seed}")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
