"""What a session is set to: which model, task, seed and mask; kept in the session, mirrored in the URL."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from explorer.errors import BadMask
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.inventory import Inventory
from explorer.store.link_fingerprint import (
    Fingerprint,
    differences,
    fingerprint_of,
    live_difference,
    read_fingerprint,
    short,
)
from explorer.store.schema import Run
from explorer.ui import link
from explorer.ui.notices import notice
from explorer.ui.view import Links, View, runs_of
from explorer.ui.visitor import on_command_line

_MASKS = "view.masks"
_REVISION = "view.revision"
_READ_URL = "view.url_was_read"
_CHOSEN = "view.chosen"
_TASK_CHOSEN = "view.task_was_chosen"
_LINKED = "view.linked_head"
_VIEW, _PRINT, _LINK = "view.view", "view.fingerprint", "view.link"
_PART = re.compile(r"[1-9][0-9]{0,3}\.([1-9][0-9]{0,3}|mlp)")
TOUR = "view.tour"
"""Set in the session where the stage is to begin its story at once."""
MAP_OF = "patterns.head"
"""The key of the head whose map the Patterns page shows: (layer, head), 0-based."""


def select(root: Path, stamp: str, manifests: Inventory, links: Links | None = None) -> View:
    """Draws the sidebar's selectors for model, task and seed; the view of the run that they select.

    The first time, they start from the URL; without one, from the task with the most seeds and, among those, the most
    artefacts: there is most to see.
    """
    link.remember()
    runs = runs_of(manifests)
    models = _unique(run.model for run in runs)
    first = not st.session_state.get(_READ_URL)
    with st.sidebar:
        model = _selectbox("Model", "model", models, first) if len(models) > 1 else models[0]
        of_model = Counter(run.task for run in runs if run.model == model)
        made = Counter(manifest.task for manifest in manifests if manifest.model == model)
        fullest = max(of_model, key=lambda task: (of_model[task], made[task]))
        task = _selectbox("Task", "task", list(of_model), first, default=fullest)
        of_task = tuple(run for run in runs if (run.model, run.task) == (model, task))
        seed = _selectbox("Fine-tuning seed", "seed", [str(run.seed) for run in of_task], first)
    run = next(run for run in of_task if str(run.seed) == seed)
    here = _fingerprint(root, stamp, manifests, run)
    view = View(Bundle(root, on_command_line(root)), stamp, manifests, run, links or {})
    st.session_state[_VIEW], st.session_state[_PRINT] = view, here
    if first:
        _read_fingerprint(run, here)
        _read_card(link.given(link.CARD))
    st.session_state[_READ_URL] = True  # last: a run that is broken off is begun anew
    return view


@st.cache_data(show_spinner=False, max_entries=64)
def _fingerprint(root: Path, stamp: str, _manifests: Inventory, run: Run) -> Fingerprint:
    return fingerprint_of(_manifests, run)


def selected() -> View | None:
    """The view that this session last selected; None before the first."""
    view: View | None = st.session_state.get(_VIEW)
    return view


def choose(run: Run) -> None:
    """Makes the selectors start anew at this run, which must be one of `runs_of`. Call it before `select`."""
    for name, value in (("model", run.model), ("task", run.task), ("seed", str(run.seed))):
        st.session_state[f"view.{name}.kept"] = value
    st.session_state[_CHOSEN] = st.session_state.get(_CHOSEN, 0) + 1


def task_was_chosen() -> bool:
    """Whether the link named a task or somebody chose one: else the page may."""
    return bool(st.session_state.get(_TASK_CHOSEN))


def _read_fingerprint(run: Run, here: Fingerprint) -> None:
    """Tells what the link that opened this session was made with, where that differs; for the run that it names."""
    made = read_fingerprint(link.given(link.FINGERPRINT) or "")
    asked_for = [link.given(name) or value for name, value in _named(run).items()]
    if made is None or asked_for != list(_named(run).values()):
        return
    st.session_state[_LINK] = run, made
    for sentence in differences(made, here, run):
        notice(sentence)


def scored_on(run: Run, sha256: str, title: str) -> str:
    """Makes the short name of the data that a page scores, for `write_url(live=)`.

    The first time, a notice says where the link was made with other data.
    """
    of_run, made = st.session_state.pop(_LINK, (None, None))
    if of_run == run and made is not None and (sentence := live_difference(made, sha256, title)):
        notice(sentence)
    return short(sha256)


def _named(run: Run) -> dict[str, str]:
    return {"model": run.model, "task": run.task, "seed": str(run.seed)}


def mask_of(run: Run, shape: tuple[int, int]) -> Mask:
    """The mask that the session holds for a run; the first time, the URL's, else the full one."""
    masks: dict[Run, Mask] = st.session_state.setdefault(_MASKS, {})
    if run not in masks:
        masks[run] = Mask.full(*shape)
        code = link.given("mask") or ""
        if code and len(masks) == 1:
            try:
                masks[run] = Mask.from_code(code, *shape)
            except BadMask as error:
                notice(f"The link's mask was left out. {error}")
    return masks[run]


def set_mask(run: Run, mask: Mask) -> None:
    """Sets the mask from Python, for a preset or a link; the grid adopts it, since the revision changes.

    A mask is of one run: from now on that run's task counts as chosen.
    """
    st.session_state[_TASK_CHOSEN] = True
    st.session_state.setdefault(_MASKS, {})[run] = mask
    st.session_state[_REVISION] = st.session_state.get(_REVISION, 0) + 1


def adopt(run: Run, mask: Mask) -> None:
    """Takes over a mask from the browser, which already shows it."""
    st.session_state.setdefault(_MASKS, {})[run] = mask


def revision(run: Run) -> str:
    """A name that is never the same for two masks that Python has set, nor for two runs."""
    return f"{run.path}-{st.session_state.get(_REVISION, 0)}"


def _read_card(code: str | None) -> None:
    if code and not _PART.fullmatch(code):
        notice(f"The link's card {code[:20]!r} names no head and no MLP: it would be '3.5' or '3.mlp'.")
    else:
        link_head(code or "")


def linked_head() -> str:
    """The head or MLP that is ringed on every page, as '3.5' or '3.mlp'; '' for none. It may be of another model."""
    return str(st.session_state.get(_LINKED, ""))


def link_head(code: str) -> None:
    """Remembers the head or MLP that the person looks at; '' for none."""
    st.session_state[_LINKED] = code


def write_url(run: Run, mask: Mask | None, *, live: str = "", **more: str) -> None:
    """Writes the address of this very screen: opened elsewhere it shows the same, and says what differs there.

    live: what `scored_on` gave, where the page scores something. more: what else the page is set to.
    """
    wanted = _named(run)
    if mask is not None and not mask.is_full:
        wanted["mask"] = mask.code
    wanted |= more
    if linked_head():
        wanted[link.CARD] = linked_head()
    here: Fingerprint | None = st.session_state.get(_PRINT)
    view = selected()
    if here is not None and view is not None and view.run == run:
        wanted[link.FINGERPRINT] = replace(here, live=live).code
    link.write(wanted)


def _selectbox(label: str, name: str, options: Sequence[str], first: bool, default: str = "") -> str:
    default = default or options[0]
    kept = f"view.{name}.kept"  # Streamlit forgets a widget's value on a switch of page
    wanted = link.given(name) if first else st.session_state.get(kept)
    if name == "task" and first and wanted in options:
        st.session_state[_TASK_CHOSEN] = True
    if first and wanted is not None and wanted not in options:
        notice(f"The link names the {label.lower()} {wanted!r}, which this bundle does not hold; showing {default}.")
    index = options.index(wanted if wanted in options else default)
    anew = st.session_state.get(_CHOSEN, "")
    chosen: str = st.selectbox(label, options, index=index, key=f"view.{name}{anew}", on_change=_by_hand, args=(name,))
    st.session_state[kept] = chosen
    return chosen


def _by_hand(name: str) -> None:
    if name == "task":
        st.session_state[_TASK_CHOSEN] = True


def _unique(names: object) -> list[str]:
    return list(dict.fromkeys(names))  # type: ignore[call-overload]
