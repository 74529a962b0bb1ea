"""The row of buttons above the lab's grid: masks worth a look, and in a popover those made from a number."""

from __future__ import annotations

import streamlit as st

from explorer.errors import ExplorerError
from explorer.mask import Mask
from explorer.store.schema import Key
from explorer.study.stored_scores import KnownRun
from explorer.tickets.presets import most_important, surviving, without_layer
from explorer.ui import cached, state
from explorer.ui.view import View
from explorer.ui.widgets import make_here
from explorer.ui.widgets.presets import Preset, named_presets, size_words

_ROW = ("full", "good", "bad", "random", "super")
_MORE = ("complement", "super-bad", "super-random", "off")
_DRAW = "lab.draw"


def presets_row(view: View, known: KnownRun) -> None:
    """The main few and the popover; a click sets the run's mask. What the bundle lacks is greyed out and says why."""
    tickets = cached.tickets(view, known.run)
    draw = st.session_state.get(f"{_DRAW}.{known.run.path}", 0)
    presets = named_presets(known.shape, tickets, known.run.seed, draw=draw, whole=known.full.mask)
    for name in _ROW:
        _button(known, name, presets[name])
    with st.popover("More presets", icon=":material/apps:"):
        with st.container(horizontal=True, gap="small"):
            for name in _MORE:
                _button(known, name, presets[name])
        _layers(known)
        _at_least(known, tickets)
        _top(view, known)


def _button(known: KnownRun, name: str, preset: Preset) -> None:
    st.button(
        preset.name,
        key=f"lab.preset.{preset.name}",
        help=preset.words,
        disabled=preset.mask is None,
        on_click=_set_named,
        args=(known, name, preset.mask),
    )


def _set_named(known: KnownRun, name: str, mask: Mask) -> None:
    state.set_mask(known.run, mask)
    if name == "random":
        draws = f"{_DRAW}.{known.run.path}"
        st.session_state[draws] = st.session_state.get(draws, 0) + 1


def _layers(known: KnownRun) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.markdown("**One layer off**", help="Its heads and its MLP; all else stays on.")
        for layer in range(known.shape[0]):
            st.button(
                f"{layer + 1}",
                key=f"lab.preset.layer.{layer}",
                help=f"Everything but layer {layer + 1}.",
                on_click=state.set_mask,
                args=(known.run, without_layer(known.shape, layer)),
            )


def _at_least(known: KnownRun, tickets: dict[int, Mask]) -> None:
    n = len(tickets)
    if n < 2:
        st.caption(f"**What several seeds keep** needs two pruned seeds; this bundle holds {n}.")
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.markdown("**Survives in at least**", help="What pruning leaves on in that many fine-tuning seeds or more.")
        for k in range(1, n + 1):
            mask = surviving(tickets, k)
            st.button(
                f"{k}",
                key=f"lab.preset.seeds.{k}",
                help=f"Keeps {size_words(mask)}.",
                on_click=state.set_mask,
                args=(known.run, mask),
            )
        st.markdown(f"of {n} seeds")


def _top(view: View, known: KnownRun) -> None:
    key = Key(known.run, "importance", "expected")
    try:
        importance = cached.artefact(view, key).arrays
    except ExplorerError:
        st.caption(f"**The most important** needs the run's importance. {make_here.how(view, key)}")
        make_here.offer(view, [key], "lab.importance")
        return
    st.markdown("**Keep the most important**", help="By the gradient of the loss, ranked as pruning ranks them.")
    sliders = [f"lab.preset.top.{part}.{known.run.path}" for part in ("heads", "mlps")]

    def keep() -> None:
        numbers = [int(st.session_state[slider]) for slider in sliders]
        state.set_mask(known.run, most_important(importance["heads"], importance["mlps"], *numbers))

    n_layers, n_heads = known.shape
    sides = zip(st.columns(2), sliders, ("Heads", "MLPs"), (n_layers * n_heads, n_layers), strict=True)
    for side, slider, word, total in sides:
        side.slider(word, 0, total, value=total, key=slider, on_change=keep)
