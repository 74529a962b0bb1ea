"""Training of the pattern classifier: first on synthetic maps, then on labelled real ones among synthetic ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explorer.arrays import Float32Array, Float64Array
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier.augmentation import augmented
from explorer.patterns.classifier.generator import generate, norm_weighted
from explorer.patterns.classifier.labels import LabelledMap, folds
from explorer.patterns.classifier.network import PatternNetwork, logits_of, pictures

Progress = Callable[[range], Iterable[int]]
"""Wraps the steps of a training to show how far it is, as tqdm does."""
N_FOLDS = 4
"""Folds of the training heads, for choices and calibration."""


@dataclass(frozen=True)
class RealMap:
    """A labelled map: weights (T, T), the index of its class, and its (layer, head)."""

    weights: Float32Array
    label: int
    head: tuple[int, int]
    anchors: tuple[int, ...]
    """Tokens that stay when the map is varied: [CLS] and [SEP]."""
    sure: bool = True
    """Whether those who labelled it called it a clear case."""


def real_map(one: LabelledMap) -> RealMap:
    """A labelled map with its class as index and its special tokens as anchors."""
    special = tuple(k for k, role in enumerate(one.drawn.tokens.roles) if role in ("cls", "sep"))
    return RealMap(one.weights, one.label, one.head, special, one.sure)


@dataclass(frozen=True)
class TrainingOptions:
    """All that decides the result, besides the labelled maps."""

    seed: int = 2019
    n_synthetic: int = 10_000
    """Drawn once, the five classes in equal numbers; half of those without columns also norm-weighted."""
    pretrain_epochs: int = 8
    finetune_epochs: int = 12
    copies: int = 4
    """Variants of each real map; new ones are drawn every four epochs."""
    unsure_weight: float = 1.0
    """How often a map whose label was called unsure is drawn, beside one that was called clear."""
    synthetic_share: float = 0.5
    """Share of synthetic maps among those seen in fine-tuning."""
    batch: int = 64
    learning_rate: float = 2e-3
    finetune_rate: float = 1e-3
    weight_decay: float = 1e-2
    smoothing: float = 0.05
    """Label smoothing, since people disagree too."""


@dataclass(frozen=True, eq=False)
class Synthetic:
    """Pictures (n, channels, GRID, GRID) in half precision and their classes (n,)."""

    pictures: Tensor
    labels: Tensor


def synthetic(options: TrainingOptions) -> Synthetic:
    """Draws the synthetic maps of the options' seed."""
    rng = np.random.default_rng(options.seed)
    maps, labels = [], []
    for sample in generate(options.n_synthetic, rng):
        turned = sample.label in ("diagonal", "block", "heterogeneous") and rng.random() < 0.5
        maps.append(norm_weighted(sample, rng) if turned else sample.weights)
        labels.append(CLASSES.index(sample.label))
    chunks = [pictures(maps[k : k + 500]).half() for k in range(0, len(maps), 500)]
    return Synthetic(torch.cat(chunks), torch.tensor(labels))


def pretrained(made: Synthetic, options: TrainingOptions, *, progress: Progress = iter) -> PatternNetwork:
    """A network that has seen synthetic maps only."""
    torch.manual_seed(options.seed)
    network = PatternNetwork()
    steps = options.pretrain_epochs * -(-len(made.labels) // options.batch)
    _fit(network, _batches(made, options), steps, options.learning_rate, options, progress)
    return network


def finetuned(
    start: PatternNetwork,
    real: Sequence[RealMap],
    made: Synthetic,
    options: TrainingOptions,
    *,
    progress: Progress = iter,
) -> PatternNetwork:
    """Trains a copy of `start` on variants of the real maps, classes balanced, among synthetic maps."""
    torch.manual_seed(options.seed + 1)
    network = PatternNetwork()
    network.load_state_dict(start.state_dict())
    steps = options.finetune_epochs * -(-len(real) * options.copies // options.batch)
    _fit(network, _mixed_batches(real, made, options), steps, options.finetune_rate, options, progress)
    return network


def out_of_fold(
    start: PatternNetwork,
    real: Sequence[RealMap],
    made: Synthetic,
    options: TrainingOptions,
    *,
    progress: Progress = iter,
) -> Float64Array:
    """Logits (m, 5) of each real map by a network that saw no map of its head."""
    out = np.zeros((len(real), len(CLASSES)))
    for held in folds([one.label for one in real], [one.head for one in real], N_FOLDS, options.seed):
        seen = [real[k] for k in sorted(set(range(len(real))) - set(held.tolist()))]
        network = finetuned(start, seen, made, options, progress=progress)
        out[held] = logits_of(network, [real[k].weights for k in held])
    return out


def _fit(
    network: PatternNetwork,
    batches: Iterator[tuple[Tensor, Tensor]],
    steps: int,
    rate: float,
    options: TrainingOptions,
    progress: Progress,
) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    network.train()
    for _ in progress(range(steps)):
        x, y = next(batches)
        optimizer.zero_grad()
        functional.cross_entropy(network(x), y, label_smoothing=options.smoothing).backward()
        optimizer.step()
        schedule.step()
    network.eval()


def _batches(made: Synthetic, options: TrainingOptions, size: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
    rng = np.random.default_rng(options.seed + 2)
    size = size or options.batch
    while True:
        for picked in np.array_split(rng.permutation(len(made.labels)), max(1, len(made.labels) // size)):
            yield made.pictures[picked].float(), made.labels[picked]


def _mixed_batches(
    real: Sequence[RealMap], made: Synthetic, options: TrainingOptions
) -> Iterator[tuple[Tensor, Tensor]]:
    rng = np.random.default_rng(options.seed + 3)
    of_synthetic = round(options.batch * options.synthetic_share)
    synthetic_batches = _batches(made, options, of_synthetic) if of_synthetic else None
    labels = np.array([one.label for one in real])
    counts = np.bincount(labels, minlength=len(CLASSES))
    # Half-way between as they occur and equally often: rare classes count, but are not seen only as copies.
    odds = 1 / np.sqrt(counts[labels]) * np.where([one.sure for one in real], 1.0, options.unsure_weight)
    per_pool = len(real) * options.copies
    while True:
        drawn = rng.choice(len(real), size=per_pool, p=odds / odds.sum())
        pool = pictures([augmented(real[k].weights, real[k].anchors, rng) for k in drawn]).half()
        for _ in range(4):
            for picked in np.array_split(rng.permutation(per_pool), -(-per_pool // (options.batch - of_synthetic))):
                x, y = pool[picked].float(), torch.from_numpy(labels[drawn[picked]])
                if synthetic_batches is not None:
                    more, its = next(synthetic_batches)
                    x, y = torch.cat([x, more]), torch.cat([y, its])
                yield x, y
