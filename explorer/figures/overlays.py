"""What may colour the cells of a head grid, each with a sentence a cell: loss, importance, survival, pattern, weights.

Screen and print draw the same values; no figure here needs a browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.arrays import Float64Array
from explorer.figures.grid_overlays import NO_CLASS, Category, Classes, Marks, Overlay
from explorer.figures.palette import PATTERN_COLOURS
from explorer.figures.signed import signed
from explorer.mask import Mask
from explorer.patterns.classes import CLASSES, UNCERTAIN
from explorer.stats.ranks import ablation_losses
from explorer.stats.survival import stack_masks, survival
from explorer.store.task_tickets import Pruned
from explorer.study.stored_scores import KnownRun
from explorer.study.words import minus, share_sd
from explorer.tickets.importance import normalised_heads, normalised_mlps

Words = NDArray[np.object_]
_SIGNS = {
    "heterogeneous": "M4 6h.01M10 4h.01M16 8h.01M7 11h.01M13 13h.01M5 16h.01M15.5 16.5h.01",
    "block": "M3.5 3.5h5.5v5.5h-5.5zM11 11h5.5v5.5h-5.5z",
    "diagonal": "M4 4L16 16",
    "vertical": "M6 4V16M14 4V16",
    "vertical+diagonal": "M4 4V16M4 4L16 16",
    "uncertain": "M5 10H15",
}
"""A small attention map each, so that the sign says what the class looks like."""


@dataclass(frozen=True, eq=False)
class CellOverlay:
    """An overlay with its name, and the same in a sentence a cell."""

    label: str
    """The name in the list to choose from."""
    meaning: str
    """A line below the label that says what it means."""
    overlay: Overlay | Classes
    head_words: Words
    """(L, H), '' where there is nothing to say of a head."""
    mlp_words: Words
    """(L,), '' where there is nothing to say of an MLP."""
    marks: Marks | None = field(default=None, kw_only=True)
    """What is drawn with a bold edge where this one is shown."""
    always_told: bool = field(default=True, kw_only=True)
    """Whether a cell's text has its sentence where something else is shown, too."""


@dataclass(frozen=True)
class GridDress:
    """The overlays and hover texts that `head_grid` takes besides the mask."""

    fill: Overlay | Classes | None
    ring: Overlay | None
    marks: Marks | None
    hover_heads: list[list[str]]
    hover_mlps: list[str]

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments, for head_grid(mask, **arguments); without marks where no overlay has any."""
        return {name: value for name, value in vars(self).items() if name != "marks" or value is not None}


def loss_overlay(known: KnownRun, table: Any, beyond_noise: int | None = None) -> CellOverlay:
    """The score that the full model loses when one head or MLP alone is off; darkest: what the costliest head loses.

    table: of stage ablations, with columns `component` and `loss`. beyond_noise: how many of them change who is right
    beyond noise, for the legend; None where that is not known.
    """
    heads, mlps = ablation_losses(dict(zip(table["component"], table["loss"], strict=True)), *known.shape)
    top = max(float(heads.max()), 1e-9)
    name = known.task.metric_words
    say = np.vectorize(
        lambda loss: minus(f"Alone off: {name} {known.full.score - loss:.3f} ({signed(-loss)})"), otypes=[object]
    )
    shown = Overlay(
        np.clip(heads / top, 0, 1),
        np.clip(mlps / top, 0, 1),
        f"{name.capitalize()} lost when it alone is off{_told(beyond_noise, heads.size + mlps.size)}",
        "none, or a gain",
        f"{top:.3f}" + (" or more" if mlps.max() > top else ""),
    )
    meaning = f"The dev {name} that goes when only this one is off"
    return CellOverlay("Lost when alone off", meaning, shown, say(heads), say(mlps))


def _told(beyond_noise: int | None, of: int) -> str:
    return "" if beyond_noise is None else f" (beyond noise: {beyond_noise} of {of})"


def importance_overlay(
    heads: Float64Array, mlps: Float64Array, title: str = "Importance (gradient)", among: Mask | None = None
) -> CellOverlay:
    """The importance of heads (L, H) and MLPs (L,), raw, shown normalised, as pruning ranks it.

    among: the mask whose kept parts alone are shown and ranked; None for all parts.
    """
    among = among or Mask.full(*heads.shape)
    scores = (
        np.where(among.heads, normalised_heads(heads), np.nan),
        np.where(among.mlps, normalised_mlps(mlps), np.nan),
    )
    words = [_ranked(values, word) for values, word in zip(scores, ("head", "MLP"), strict=True)]
    meaning = "How strongly the loss reacts to it (gradient): pruning starts with the least"
    return CellOverlay("Importance", meaning, Overlay(scores[0], scores[1], title, "least", "most", gap=""), *words)


def _ranked(values: Float64Array, word: str) -> Words:
    """'Importance 0.83, rank 5 of 72 heads' for every value that is not nan; '' for those."""
    texts = np.full(values.size, "", dtype=object)
    known = np.flatnonzero(~np.isnan(values.ravel()))
    for rank, index in enumerate(sorted(known, key=lambda at: -values.flat[at]), start=1):
        of = f"{known.size} {word}{'s' * (known.size > 1)}"
        texts[index] = f"Importance {values.flat[index]:.2f}, rank {rank} of {of}"
    return texts.reshape(values.shape)


def survival_overlay(masks: Mapping[int, Mask]) -> CellOverlay:
    """The share of seeds in which each head and MLP is part of the good ticket; masks: seed -> good ticket."""
    share = survival(list(masks.values()))
    n = share.n_seeds

    def say(kept: NDArray[np.bool_]) -> Words:
        flat = kept.reshape(n, -1).T
        texts = []
        for bits in flat:
            if n == 1:
                texts.append(f"{'Kept' if bits[0] else 'Switched off'} with seed {next(iter(masks))}")
                continue
            which = ", ".join(str(seed) for seed, bit in zip(masks, bits, strict=True) if bit)
            spread = f", sd {bits.std(ddof=1):.2f}"
            of = f"Survives in {int(bits.sum())} of {n} seeds"
            texts.append(of + (f": {which}" if which else "") + f". Mean {bits.mean():.2f}{spread}")
        return np.array(texts, dtype=object).reshape(kept.shape[1:])

    if n == 1:
        title, ends, meaning = (
            "Kept by the one seed",
            ("off", "kept"),
            "What pruning leaves on with the one seed there is",
        )
    else:
        title, ends = f"Survives, of {n} seeds", ("never", "always")
        meaning = f"In how many of {n} fine-tuning seeds pruning leaves it on"
    shown = Overlay(share.heads.mean, share.mlps.mean, title, *ends)
    heads, mlps = stack_masks(list(masks.values()))
    return CellOverlay("Survival", meaning, shown, say(heads), say(mlps))


def pattern_overlay(patterns: NDArray[Any], shape: tuple[int, int]) -> CellOverlay:
    """The class of each head's attention maps, (L, H) names of classes or 'uncertain'; MLPs have none."""
    names = [*CLASSES, UNCERTAIN]
    number = {name: index for index, name in enumerate(names)}
    heads = np.array([[number.get(str(name), NO_CLASS) for name in row] for row in patterns])
    shown = Classes(
        heads,
        np.full(shape[0], NO_CLASS),
        "Attention pattern",
        [Category(name, PATTERN_COLOURS[name], _SIGNS[name]) for name in names],
        gap="has no attention",
    )
    say = np.vectorize(lambda name: f"Attention pattern: {name}", otypes=[object])
    meaning = "What its attention maps look like, on this project's sentences"
    return CellOverlay("Attention pattern", meaning, shown, say(patterns), np.full(shape[0], "", dtype=object))


def dress(overlays: Mapping[str, CellOverlay], fill: str, ring: str, shape: tuple[int, int]) -> GridDress:
    """Makes the grid's arguments of the two overlays that are chosen by name; any other name chooses nothing.

    The text of a cell starts with the chosen two and goes on with those of the others that are always told.
    """
    order = [name for name in (fill, ring) if name in overlays]
    marks = next((overlays[name].marks for name in order if overlays[name].marks), None)
    order += [name for name, cells in overlays.items() if name not in order and cells.always_told]
    chosen = overlays[fill].overlay if fill in overlays else None
    circle = overlays[ring].overlay if ring in overlays else None

    def joined(texts: list[str]) -> str:
        return "\n".join(text for text in texts if text)

    return GridDress(
        chosen,
        circle if isinstance(circle, Overlay) else None,
        marks,
        [
            [joined([overlays[name].head_words[i, j] for name in order]) for j in range(shape[1])]
            for i in range(shape[0])
        ],
        [joined([overlays[name].mlp_words[i] for name in order]) for i in range(shape[0])],
    )


def only_pruned(cells: CellOverlay, pruned: Pruned) -> CellOverlay:
    """The overlay without the kind that this way of pruning leaves alone."""
    assert isinstance(cells.overlay, Overlay)
    heads, mlps = cells.overlay.heads.copy(), cells.overlay.mlps.copy()
    head_words, mlp_words = cells.head_words.copy(), cells.mlp_words.copy()
    if pruned == "mlps":
        heads[:], head_words[:] = np.nan, "Heads were not pruned"
    if pruned == "heads":
        mlps[:], mlp_words[:] = np.nan, "MLPs were not pruned"
    shown = replace(cells.overlay, heads=heads, mlps=mlps, gap="not pruned")
    return replace(cells, overlay=shown, head_words=head_words, mlp_words=mlp_words)


def spread_overlay(masks: Mapping[int, Mask], pruned: Pruned) -> CellOverlay:
    """The sample standard deviation of survival over seeds, which is largest where they disagree most."""
    share = survival(list(masks.values()))
    top = max(float(share.heads.sample_sd.max()), float(share.mlps.sample_sd.max()), 1e-9)
    cells = CellOverlay(
        "Spread over seeds",
        "Standard deviation over fine-tuning seeds: where the seeds disagree",
        Overlay(
            share.heads.sample_sd / top,
            share.mlps.sample_sd / top,
            "Standard deviation of survival",
            "0: all alike",
            f"{top:.2f}",
        ),
        np.full(share.heads.mean.shape, "", dtype=object),  # the text of survival says the sd already
        np.full(share.mlps.mean.shape, "", dtype=object),
    )
    return cells if pruned == "together" else only_pruned(cells, pruned)


def weights_overlay(heads: np.ndarray, mlps: np.ndarray, span: tuple[float, float]) -> CellOverlay:
    """The share of its weights that each head (S, L, H) and MLP (S, L) keeps, mean over S seeds; span: the scale."""
    low, width = span[0], max(span[1] - span[0], 1e-9)

    def words(values: np.ndarray) -> np.ndarray:  # (S, ...) -> (...)
        mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1) if len(values) > 1 else None
        said = [
            f"{m:.0%} of its weights left" + (f", sd {share_sd(s)} over {len(values)} seeds" if s is not None else "")
            for m, s in zip(mean.ravel(), sd.ravel() if sd is not None else [None] * mean.size, strict=True)
        ]
        return np.array(said, dtype=object).reshape(mean.shape)

    shown = Overlay(
        (heads.mean(axis=0) - low) / width,
        (mlps.mean(axis=0) - low) / width,
        "Share of its weights that is left",
        f"{span[0]:.0%}",
        f"{span[1]:.0%}",
    )
    return CellOverlay("Weights left", "", shown, words(heads), words(mlps))
