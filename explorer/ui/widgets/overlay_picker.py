"""The choice of what a head grid shows of each head and MLP: one overlay as fill, one as ring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from explorer.errors import ExplorerError
from explorer.figures.grid_overlays import Overlay
from explorer.figures.interactions import interaction_overlay
from explorer.figures.overlays import (
    CellOverlay,
    importance_overlay,
    loss_overlay,
    pattern_overlay,
    survival_overlay,
)
from explorer.figures.worth import worth_overlay
from explorer.patterns.per_head import column
from explorer.store.bundle import Artefact
from explorer.store.schema import Key
from explorer.study.stored_scores import KnownRun
from explorer.ui import cached, link
from explorer.ui.view import View
from explorer.ui.widgets import make_here, partners

NONE = "none"
"""The name that chooses no overlay."""
INTERACTION = "interaction"
"""The name of the overlay that is held against one part."""


@dataclass(frozen=True)
class Offered:
    """The overlays that the bundle has for a run, by name, and for the others how they are made, as Markdown."""

    by_name: Mapping[str, CellOverlay]
    missing: Mapping[str, str] = field(default_factory=dict)
    """Label -> command."""


def overlays_of(view: View, known: KnownRun) -> Offered:
    """The overlays loss, importance, pattern, worth, interaction and survival of a run, as far as the bundle goes."""
    found, needs = _found(view, known, partners.chosen(known.shape))
    return Offered(found, {label: make_here.how(view, key) for label, key in needs.items()})


@st.cache_resource(  # shared: read-only; a page asks at every run
    show_spinner=False, max_entries=128, hash_funcs=cached.BY_BUNDLE | {KnownRun: lambda known: known.run}
)
def _found(view: View, known: KnownRun, chosen: int | None) -> tuple[dict[str, CellOverlay], dict[str, Key]]:
    """The overlays by name, and label -> artefact of those that the bundle lacks. chosen: see `partners.chosen`."""
    run = known.run
    found: dict[str, CellOverlay] = {}
    missing: dict[str, Key] = {}
    by_right = known.task.metric == "accuracy"  # else its score is not the share that is right
    of_stage: list[tuple[str, str, Key, Callable[[Artefact], CellOverlay]]] = [
        (
            "loss",
            "Lost when alone off",
            Key(run, "ablations"),
            lambda a: loss_overlay(known, a.table, cached.losses_beyond_noise(a, known) if by_right else None),
        ),
        (
            "importance",
            "Importance",
            Key(run, "importance", "expected"),
            lambda a: importance_overlay(a.arrays["heads"], a.arrays["mlps"]),
        ),
        (
            "pattern",
            "Attention pattern",
            Key(run, "attention", "finetuned"),
            lambda a: pattern_overlay(column(a.table, "raw", "pattern", a.manifest.command), known.shape),
        ),
    ]
    for name, label, key, made in of_stage:
        try:
            found[name] = made(cached.artefact(view, key))
        except ExplorerError:
            missing[label] = key
    try:
        worth = cached.parts_worth(view, run, known.shape) if view.has(Key(run, "bank")) else None
    except ExplorerError:  # a bank that is damaged or too small, of which page League tells
        worth = None
    if worth is not None:
        found["worth"] = worth_overlay(worth, known.task.metric_words, known.shape)
    else:
        missing["Worth over random masks"] = Key(run, "bank")
    of = partners.partners_of(view, known, chosen)
    if of is not None:
        found[INTERACTION] = interaction_overlay(of, known.shape)
    else:
        missing["Interaction"] = Key(run, "pairs")
    tickets = cached.tickets(view, run)
    if tickets:
        found["survival"] = survival_overlay(tickets)
    else:
        missing["Survival"] = Key(run, "structured", "together")
    return found, missing


def choose(offered: Offered, page: str, *, fill: str, ring: str = NONE) -> tuple[str, str]:
    """Draws a popover to choose fill and ring; the two names chosen, at first the link's, else those given."""
    names = offered.by_name
    rings = [name for name, cells in names.items() if isinstance(cells.overlay, Overlay)]
    fill = fill if fill in names else next(iter(names), NONE)
    with st.popover("Colours", icon=":material/palette:"):
        if not names:
            st.caption("This bundle holds nothing to colour cells by for this run.")
        chosen = (
            _radio("A cell's colour", page, "fill", [*names, NONE], names, fill),
            _radio("A ring in each cell", page, "ring", [NONE, *rings], names, ring),
        )
        if INTERACTION in chosen:
            st.caption(
                "Held against the head or MLP whose card was opened last (right-click, long press or the i key), else "
                "against the one it shows most of: the cell with the bold edge."
            )
        for label, how in offered.missing.items():
            st.caption(f"{label}: not in this bundle", help=how)
    if INTERACTION in chosen:
        partners.follow()
    return chosen


def in_url(fill: str, ring: str, *, default: str) -> dict[str, str]:
    """The part of the page's address that says what is chosen; nothing where it is the default."""
    return ({"fill": fill} if fill != default else {}) | ({"ring": ring} if ring != NONE else {})


def _radio(
    label: str, page: str, name: str, options: list[str], overlays: Mapping[str, CellOverlay], default: str
) -> str:
    stored = f"{page}.{name}"
    wanted = st.session_state.get(stored) or link.one_of(name, options) or default
    chosen: str | None = st.radio(
        label,
        options,
        index=options.index(wanted) if wanted in options else options.index(default),
        format_func=lambda option: overlays[option].label if option in overlays else "Nothing",
        captions=[overlays[option].meaning if option in overlays else "" for option in options]
        if name == "fill"
        else None,
        key=f"{stored}.widget",
        horizontal=name == "ring",
    )
    st.session_state[stored] = chosen or default
    return chosen or default
