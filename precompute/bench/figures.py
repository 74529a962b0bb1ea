"""How fast a mask is scored, measured beside plain transformers in one run; every figure comes with its target."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import BertConfig, BertForSequenceClassification

from explorer.arrays import Float32Array
from explorer.bert.batches import pad
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import Engine
from explorer.bert.gates import gated, gates_of
from explorer.bert.reference import reference_logits
from explorer.glue.encoding import Encoded
from explorer.glue.metrics import predictions_of
from explorer.live.evaluation import Evaluation
from explorer.live.evaluator import Evaluator
from explorer.live.scoring import score
from explorer.live.thread_worker import ThreadWorker
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
    device = str(classifier.model.device)
    if padded_to is None:
        return seconds_of(lambda: reference_logits(classifier, encoded, mask))

    def padded() -> None:
        with torch.inference_mode(), gated(classifier.model, *gates_of(mask, device)):
            for part in np.array_split(np.arange(len(encoded)), -(-len(encoded) // 32)):
                batch = pad(encoded, part, device=device, multiple=padded_to)
                output = classifier.model(
                    input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
                )
                output.logits.cpu()  # a GPU answers before it has computed

    return seconds_of(padded)


def gemm_peak(dtype: torch.dtype, size: int = 4096) -> float:
    """FLOP/s of a large square matrix product, median of seven: what this processor can do."""
    a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    with torch.inference_mode():
        seconds = [seconds_of(lambda: functional.linear(a, b)) for _ in range(8)][1:]
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

    return seconds_of(forward)


@dataclass(frozen=True)
class Parity:
    """How the engine's predictions compare with fp32 transformers', before and after they are verified in fp32."""

    masks: int = 0
    unverified: int = 0
    """Masks whose score was not in fp32 throughout, so that there was something to verify."""
    corrected: int = 0
    """Number of masks of which the verification changed a prediction."""
    compared: int = 0
    """Predictions."""
    differ: int = 0
    differ_verified: int = 0

    def __add__(self, other: Parity) -> Parity:
        return Parity(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


def parity(evaluator: Evaluator, classifier: Classifier, masks: Sequence[Mask]) -> Parity:
    """Scores each mask, verifies it, and counts the predictions that differ from fp32 transformers'."""
    found = Parity()
    for mask in tqdm(masks, desc=f"parity {evaluator.task.name}", unit="mask"):
        plain = predictions_of(evaluator.task, reference_logits(classifier, evaluator.encoded, mask))
        scored = evaluator.evaluate(mask)
        verified = evaluator.verified(scored)
        differ, still = (int((evaluator.predictions(of) != plain).sum()) for of in (scored, verified))
        found += Parity(1, int(not scored.verified), int(verified.corrected > 0), len(plain), differ, still)
    return found


def in_bf16(classifier: Classifier) -> Classifier:
    """Copies the model with every weight in bf16, as `model.to(torch.bfloat16)` leaves it."""
    return replace(classifier, model=copy.deepcopy(classifier.model).bfloat16())


def timed_logits(
    forward: Callable[[Mask], Float32Array], masks: Sequence[Mask]
) -> tuple[float, tuple[Float32Array, ...]]:
    """Median seconds of a forward pass over the masks, after one that does not count, and each mask's logits."""
    forward(masks[0])
    found = []
    seconds = [seconds_of(lambda mask=mask: found.append(forward(mask))) for mask in masks]  # type: ignore[misc]
    return statistics.median(seconds), tuple(found)


def random_masks(many: int, n_layers: int, n_heads: int, seed: int = 0) -> list[Mask]:
    """Draws masks of every size, from nearly nothing to nearly everything."""
    rng = np.random.default_rng(seed)
    shares = np.linspace(0.1, 0.99, many)
    return [Mask(rng.random((n_layers, n_heads)) < share, rng.random(n_layers) < share) for share in shares]


def known_seconds(evaluator: Evaluator, masks: Sequence[Mask], ledger: Ledger) -> float:
    """Median seconds from the click to the score and its interval, for masks that the ledger on disk knows."""
    worker = ThreadWorker(ledger=ledger)
    try:
        for mask in masks:
            score(worker, "bench", evaluator, mask, ledger).wait(600)
        return statistics.median(seconds_of(partial(_answered, worker, evaluator, mask, ledger)) for mask in masks)
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


def seconds_of(work: Callable[[], object]) -> float:
    """Times one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
