"""What a head grid may show of each head and MLP, and the choice of two at once: one as fill, one as ring.

Each view is read from the bundle where it has it; the hover text of a cell says all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.arrays import Float64Array
from explorer.errors import ExplorerError
from explorer.figures.palette import PATTERN_COLOURS
from explorer.glue.metrics import METRIC_WORDS
from explorer.mask import Mask
from explorer.patterns.classes import CLASSES, UNCERTAIN
from explorer.patterns.per_head import column
from explorer.stats.ranks import ablation_losses
from explorer.stats.survival import stack_masks, survival
from explorer.store.bundle import Artefact, command_for
from explorer.store.schema import Key
from explorer.study.stored_scores import KnownRun
from explorer.tickets.importance import normalised_heads, normalised_mlps
from explorer.ui import cached, state
from explorer.ui.widgets.head_grid import NO_CLASS, Category, Classes, Overlay

Words = NDArray[np.object_]
NONE = "none"
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
class View:
    """One thing to show, with a sentence a cell in words: heads (L, H), MLPs (L,); '' where there is none."""

    label: str
    """For the list to choose from."""
    told: str
    """What it means, below the label."""
    shown: Overlay | Classes
    heads: Words
    mlps: Words


@dataclass(frozen=True)
class Dress:
    """What `head_grid` takes besides the mask."""

    fill: Overlay | Classes | None
    ring: Overlay | None
    hover_heads: list[list[str]]
    hover_mlps: list[str]

    @property
    def arguments(self) -> dict[str, Any]:
        """For head_grid(mask, **arguments)."""
        return dict(vars(self))


@dataclass(frozen=True)
class Views:
    """Every view that the bundle has for a run by name, and for the others the command that makes them."""

    by_name: Mapping[str, View]
    missing: Mapping[str, str] = field(default_factory=dict)
    """Label -> command."""


def views(root: Path, stamp: float, known: KnownRun) -> Views:
    """loss, importance, survival and pattern of a run, as far as the bundle goes."""
    found: dict[str, View] = {}
    missing: dict[str, str] = {}
    run = known.run
    of_stage: list[tuple[str, str, Key, Callable[[Artefact], View]]] = [
        ("loss", "Lost when alone off", Key(run, "ablations"), lambda a: loss_view(known, a.table)),
        (
            "importance",
            "Importance",
            Key(run, "importance", "expected"),
            lambda a: importance_view(a.arrays["heads"], a.arrays["mlps"]),
        ),
        (
            "pattern",
            "Attention pattern",
            Key(run, "attention", "finetuned"),
            lambda a: pattern_view(column(a.table, "raw", "pattern"), known.shape),
        ),
    ]
    for name, label, key, made in of_stage:
        try:
            found[name] = made(cached.artefact(root, stamp, key))
        except ExplorerError:
            missing[label] = command_for(key)
    tickets = cached.tickets(root, stamp, run)
    if tickets:
        found["survival"] = survival_view(tickets)
    else:
        missing["Survival"] = command_for(Key(run, "structured", "together"))
    return Views(found, missing)


def loss_view(known: KnownRun, table: Any) -> View:
    """What the full model loses when one head or MLP alone is off. Darkest: what the costliest head loses."""
    heads, mlps = ablation_losses(dict(zip(table["component"], table["loss"], strict=True)), *known.shape)
    top = max(float(heads.max()), 1e-9)
    name = METRIC_WORDS[known.task.metric]
    say = np.vectorize(lambda loss: f"Alone off: {name} {known.full.score - loss:.3f} ({-loss:+.3f})", otypes=[object])
    shown = Overlay(
        np.clip(heads / top, 0, 1),
        np.clip(mlps / top, 0, 1),
        f"{name.capitalize()} lost when it alone is off",
        "none, or a gain",
        f"{top:.3f}" + (" or more" if mlps.max() > top else ""),
    )
    told = f"The dev {name} that goes when only this one is off"
    return View("Lost when alone off", told, shown, say(heads), say(mlps))


def importance_view(
    heads: Float64Array, mlps: Float64Array, title: str = "Importance (gradient)", among: Mask | None = None
) -> View:
    """Raw scores (L, H) and (L,), normalised as pruning ranks them. among: show and rank only what this mask keeps."""
    among = among or Mask.full(*heads.shape)
    scores = (
        np.where(among.heads, normalised_heads(heads), np.nan),
        np.where(among.mlps, normalised_mlps(mlps), np.nan),
    )
    words = [_ranked(values, word) for values, word in zip(scores, ("head", "MLP"), strict=True)]
    told = "How strongly the loss reacts to it (gradient): pruning starts with the least"
    return View("Importance", told, Overlay(scores[0], scores[1], title, "least", "most", gap=""), *words)


def _ranked(values: Float64Array, word: str) -> Words:
    """'Importance 0.83, rank 5 of 72 heads' for every value that is not nan; '' for those."""
    texts = np.full(values.size, "", dtype=object)
    known = np.flatnonzero(~np.isnan(values.ravel()))
    for rank, index in enumerate(sorted(known, key=lambda at: -values.flat[at]), start=1):
        of = f"{known.size} {word}{'s' * (known.size > 1)}"
        texts[index] = f"Importance {values.flat[index]:.2f}, rank {rank} of {of}"
    return texts.reshape(values.shape)


def survival_view(masks: Mapping[int, Mask]) -> View:
    """In how many seeds each head and MLP is part of the good ticket; masks: by seed."""
    share = survival(list(masks.values()))
    n = share.n_seeds
    seeds = "seed" if n == 1 else "seeds"

    def say(kept: NDArray[np.bool_]) -> Words:
        flat = kept.reshape(n, -1).T
        texts = []
        for bits in flat:
            which = ", ".join(str(seed) for seed, bit in zip(masks, bits, strict=True) if bit)
            spread = f", sd {bits.std(ddof=1):.2f}" if n > 1 else ""
            of = f"Survives in {int(bits.sum())} of {n} {seeds}"
            texts.append(of + (f": {which}" if which else "") + f". Mean {bits.mean():.2f}{spread}")
        return np.array(texts, dtype=object).reshape(kept.shape[1:])

    shown = Overlay(share.heads.mean, share.mlps.mean, f"Survives, of {n} {seeds}", "never", "always")
    told = f"In how many of {n} fine-tuning {seeds} pruning leaves it on"
    heads, mlps = stack_masks(list(masks.values()))
    return View("Survival", told, shown, say(heads), say(mlps))


def pattern_view(patterns: NDArray[Any], shape: tuple[int, int]) -> View:
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
    told = "What its attention maps look like, on this project's sentences"
    return View("Attention pattern", told, shown, say(patterns), np.full(shape[0], "", dtype=object))


def dress(views: Mapping[str, View], fill: str, ring: str, shape: tuple[int, int]) -> Dress:
    """The chosen two; a cell's text starts with them and goes on with the others. `none` chooses nothing."""
    order = [name for name in (fill, ring) if name in views]
    order += [name for name in views if name not in order]
    chosen = views[fill].shown if fill in views else None
    circle = views[ring].shown if ring in views else None

    def joined(texts: list[str]) -> str:
        return "\n".join(text for text in texts if text)

    return Dress(
        chosen,
        circle if isinstance(circle, Overlay) else None,
        [[joined([views[name].heads[i, j] for name in order]) for j in range(shape[1])] for i in range(shape[0])],
        [joined([views[name].mlps[i] for name in order]) for i in range(shape[0])],
    )


def choose(views: Views, page: str, *, fill: str, ring: str = NONE) -> tuple[str, str]:
    """A popover to choose fill and ring; the first time, the link's choice, else these. The names chosen."""
    names = views.by_name
    rings = [name for name, view in names.items() if isinstance(view.shown, Overlay)]
    fill = fill if fill in names else next(iter(names), NONE)
    with st.popover("Colours", icon=":material/palette:"):
        if not names:
            st.caption("This bundle holds nothing to colour cells by for this run.")
        chosen = (
            _radio("A cell's colour", page, "fill", [*names, NONE], names, fill),
            _radio("A ring in each cell", page, "ring", [NONE, *rings], names, ring),
        )
        for label, command in views.missing.items():
            st.caption(f"{label}: not in this bundle", help=f"Make it: `{command}`")
    return chosen


def in_url(fill: str, ring: str, *, default: str) -> dict[str, str]:
    """For the address of the page: what differs from its default."""
    return ({"fill": fill} if fill != default else {}) | ({"ring": ring} if ring != NONE else {})


def _radio(label: str, page: str, name: str, options: list[str], views: Mapping[str, View], default: str) -> str:
    stored = f"{page}.{name}"
    wanted = st.session_state.get(stored) or state.asked(name) or default
    chosen: str | None = st.radio(
        label,
        options,
        index=options.index(wanted) if wanted in options else options.index(default),
        format_func=lambda option: views[option].label if option in views else "Nothing",
        captions=[views[option].told if option in views else "" for option in options] if name == "fill" else None,
        key=f"{stored}.widget",
        horizontal=name == "ring",
    )
    st.session_state[stored] = chosen or default
    return chosen or default
