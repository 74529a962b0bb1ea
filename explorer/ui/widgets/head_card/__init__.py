"""The head card: what is known of one head or MLP, opened from any cell of any page, at the side of the page.

The browser knows which cell is looked at: it rings it on every page and opens the card at once. Python writes it into
the address and tells what the bundle knows of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from explorer.errors import BadBundle
from explorer.store.task_tickets import shape_of
from explorer.ui import link, state
from explorer.ui.view import View
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.head_card.facts import facts_of
from explorer.ui.widgets.part import Part, part_of
from explorer.ui.widgets.scripts import no_change, script

_HERE = Path(__file__).parent
_KEY, _OPEN = "head_card", "head_card.open"
_component = st.components.v2.component(
    "head_card",
    css=(_HERE / "head_card.css").read_text(encoding="utf-8"),
    js=script(_HERE / "head_card.js"),
)
_STYLE = "<style>.st-key-head-card { position: absolute; height: 0; min-height: 0; overflow: visible; }</style>"


@st.fragment
def panel(view: View, page: str) -> None:
    """Shows the card of the head that is looked at; nothing where none is. page: the title of the page behind it."""
    try:
        shape = shape_of(view.manifests, view.run)
    except BadBundle:  # the page says so
        return
    part = part_of(state.linked_head(), shape)
    state.link_head(part.code if part else "")  # another model has other heads
    link.amend(**{link.CARD: part.code if part else ""})
    drawn_with = exhibits.kept().drawn_with
    if part is not None and drawn_with and drawn_with != part.code:
        exhibits.kept().drawn_with = part.code  # told once, whatever the page makes of it
        st.rerun()
    shown = part is not None and st.session_state.get(_OPEN, True)
    with st.container(key="head-card"):
        st.html(_STYLE)
        result = _component(
            key=_KEY,
            data={
                "page": page,
                "layers": shape[0],
                "heads": shape[1],
                "chosen": part.code if part else "",
                "facts": facts_of(view, part) if part is not None and shown else None,
            },
            on_chosen_change=_adopt,
            on_action_change=no_change,
        )
    action = result.get("action")
    if isinstance(action, Mapping) and (of := part_of(action.get("code"), shape)) is not None:
        _act(view, page, str(action.get("name")), of)


def _adopt() -> None:
    """Takes over what the browser shows already."""
    sent = st.session_state.get(_KEY, {}).get("chosen")
    if isinstance(sent, Mapping):
        state.link_head(str(sent.get("code", "")))
        st.session_state[_OPEN] = bool(sent.get("open"))


def _act(view: View, page: str, name: str, part: Part) -> None:
    """Goes where the person asked to see it, or switches it in the lab."""
    switches = name in ("on", "off")
    place = "lab" if switches else name
    to = view.links.get(place)
    if place not in ("lab", "patterns", "survival") or to is None:
        return
    if switches:
        mask = state.mask_of(view.run, shape_of(view.manifests, view.run))
        state.set_mask(view.run, part.switched(mask, name == "on"))
    elif name == "patterns" and part.head is not None:
        st.session_state[state.MAP_OF] = part.layer, part.head
    if page.lower() == place:
        st.rerun()
    st.switch_page(to)
