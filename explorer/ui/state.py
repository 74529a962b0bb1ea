"""The view: which model, task, seed and mask; kept in the session, mirrored in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from explorer.errors import BadMask
from explorer.mask import Mask
from explorer.store.schema import Manifest, Run

_MASKS = "view.masks"
_REVISION = "view.revision"
_READ_URL = "view.url_was_read"
_NOTICES = "view.notices"


@dataclass(frozen=True)
class Selection:
    """What the sidebar selects from, and what is selected."""

    runs: tuple[Run, ...]
    """Of the selected model and task, one a seed."""
    run: Run


def select(manifests: Sequence[Manifest]) -> Selection:
    """Sidebar selectors for model, task and seed; the first time, they start from the URL."""
    runs = sorted({manifest.key.run for manifest in manifests if manifest.stage == "finetune"}, key=_order)
    models = _unique(run.model for run in runs)
    first = not st.session_state.get(_READ_URL)
    with st.sidebar:
        model = _selectbox("Model", "model", models, first) if len(models) > 1 else models[0]
        task = _selectbox("Task", "task", _unique(run.task for run in runs if run.model == model), first)
        of_task = tuple(run for run in runs if (run.model, run.task) == (model, task))
        seed = _selectbox("Fine-tuning seed", "seed", [str(run.seed) for run in of_task], first)
    st.session_state[_READ_URL] = True
    run = next(run for run in of_task if str(run.seed) == seed)
    return Selection(of_task, run)


def mask_of(run: Run, shape: tuple[int, int]) -> Mask:
    """The mask that the session holds for a run; the first time, the URL's, else the full one."""
    masks: dict[Run, Mask] = st.session_state.setdefault(_MASKS, {})
    if run not in masks:
        masks[run] = Mask.full(*shape)
        code = st.query_params.get("mask", "")
        if code and len(masks) == 1:
            try:
                masks[run] = Mask.from_code(code, *shape)
            except BadMask as error:
                notice(f"The link's mask was left out. {error}")
    return masks[run]


def set_mask(run: Run, mask: Mask) -> None:
    """From Python: a preset or a link. The grid adopts it, since the revision changes."""
    st.session_state.setdefault(_MASKS, {})[run] = mask
    st.session_state[_REVISION] = st.session_state.get(_REVISION, 0) + 1


def adopt(run: Run, mask: Mask) -> None:
    """From the browser, which already shows it."""
    st.session_state.setdefault(_MASKS, {})[run] = mask


def revision(run: Run) -> str:
    """Never the same for two masks that Python has set, nor for two runs."""
    return f"{run.path}-{st.session_state.get(_REVISION, 0)}"


def write_url(run: Run, mask: Mask | None) -> None:
    """The address of this very screen: opening it elsewhere shows the same."""
    wanted = {"model": run.model, "task": run.task, "seed": str(run.seed)}
    if mask is not None and not mask.is_full:
        wanted["mask"] = mask.code
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def notice(sentence: str) -> None:
    """Something to tell the person at the top of the page, once."""
    st.session_state.setdefault(_NOTICES, []).append(sentence)


def show_notices() -> None:
    """What was left to tell."""
    for sentence in st.session_state.pop(_NOTICES, []):
        st.warning(sentence, icon=":material/info:")


def _selectbox(label: str, name: str, options: Sequence[str], first: bool) -> str:
    key = f"view.{name}"
    wanted = st.query_params.get(name) if first else None
    if wanted is not None and wanted not in options:
        notice(f"The link names the {label.lower()} {wanted!r}, which this cache does not hold; showing {options[0]}.")
    elif wanted is not None:
        st.session_state[key] = wanted
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    chosen: str = st.selectbox(label, options, key=key)
    return chosen


def _order(run: Run) -> tuple[str, str, int]:
    paper = (1337, 42, 86, 71, 166)
    return run.model, run.task, paper.index(run.seed) if run.seed in paper else run.seed + len(paper)


def _unique(names: object) -> list[str]:
    return list(dict.fromkeys(names))  # type: ignore[call-overload]
