"""Page: what the heads attend to: an atlas of all maps, one map large, two side by side, and the paper's question."""

from __future__ import annotations

from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.errors import BadRequest, ExplorerError
from explorer.patterns.per_head import MapKind, column
from explorer.patterns.samples import Sample
from explorer.stats.survival import stack_masks
from explorer.study.fitting import why_not
from explorer.study.survivor_patterns import STAGE, WEIGHTS, Weights, attention_key
from explorer.ui import cached, cached_models, link, notices, state
from explorer.ui.pages.patterns import survivors
from explorer.ui.pages.patterns.atlas import Atlas, Head, atlas, chosen_of
from explorer.ui.pages.patterns.maps import (
    Shown,
    chosen_map,
    compare_with,
    facts,
    heads_differ,
    remember_link,
    two_maps,
)
from explorer.ui.scoring import dev_data
from explorer.ui.view import View
from explorer.ui.widgets import glossary, imported, make_here, page_title
from explorer.ui.widgets.plain_text import failed, plain
from explorer.ui.widgets.switch import switch

VIEWS = {"atlas": "All heads' maps", "survivors": "Are survivors meaningful?"}
WHICH: dict[Weights, str] = {"finetuned": "Fine-tuned", "pretrained": "Pre-trained"}
KINDS: dict[MapKind, str] = {"raw": "Raw", "norm": "Norm-weighted"}
COLOURS: dict[Literal["class", "survival"], str] = {"class": "Colour: class", "survival": "Colour: survival"}
OWN = "own"
"""The sentence that a person types."""
_ATLAS, _HEAD, _SENTENCE, _TYPED = "patterns.atlas", state.MAP_OF, "patterns.sentence", "patterns.typed"


def page(view: View) -> None:
    """Draws one of two panels: the maps, or whether survivors are meaningful."""
    run = view.run
    title = st.empty()
    notices.show()
    panel = switch("View", VIEWS, "view", "patterns.view")
    if panel == "survivors":
        with title.container():
            page_title.show(
                run.task, "Are survivors the [[head|heads]] with meaningful [[attention pattern|patterns]]?"
            )
        state.write_url(run, None, view=panel)
        survivors.panel(view)
        return
    with title.container():
        page_title.show(run.task, "What do the [[head|heads]] attend to?")
    _maps(view)


@st.fragment
def _maps(view: View) -> None:
    run = view.run
    remember_link()
    with st.container(horizontal=True, gap="medium"):
        which = switch("Weights", _weights(view), "which", "patterns.which")
        kind = switch("Attention", KINDS, "kind", "patterns.kind")
        colour = switch("Colour by", COLOURS, "colour", "patterns.colour")
    key = attention_key(run.model, run.task, run.seed, which)
    where = _where(which, kind, colour)
    try:
        table = cached.artefact(view, key).table
        samples = cached.attention_samples(view, key)
        patterns = column(table, kind, "pattern", view.bundle.command_for(key))
    except ExplorerError as error:
        state.write_url(run, None, **where)
        _missing(view, which, error)
        return
    chosen = _chosen(patterns.shape)
    first, second = st.columns([3, 2], gap="medium")
    with first:
        sentence = _choose_sentence(samples)
    where |= {"sentence": sentence} if sentence != "1" else {}
    where |= {"layer": str(chosen[0] + 1), "head": str(chosen[1] + 1)}
    survives, n_seeds = _survival(view, patterns.shape)
    sample = _read(view, which, sentence, samples)
    if sample is None:
        state.write_url(run, None, **where)
        return
    shown = Shown(view, which, kind, table, sample, chosen, sentence == OWN, survives, n_seeds)
    with second:
        beside, words = compare_with(shown, patterns)
    masked = beside.mask if beside is not None else None
    state.write_url(run, masked, **where, **words)
    atlas(
        Atlas(
            shown.values(sample),
            patterns,
            survives,
            n_seeds,
            chosen,
            beside.head if beside is not None and heads_differ(beside) else None,
            colour,
        ),
        key=_ATLAS,
        on_change=lambda: _adopt(patterns.shape),
    )
    if beside is None:
        chosen_map(shown)
    else:
        two_maps(shown, beside)
    facts(shown, beside)
    glossary.caption(
        "Thumbnails and large map: the darker (on a dark page, the lighter), the more. A row is the token that "
        "reads, a column the one that is read. A head's class is the classifier's, over all measured "
        "sentences, not over the one shown. **[[norm-weighted|Norm-weighted]]**: attention times the length of what is "
        "read (Kobayashi et al. 2020)."
    )


def _weights(view: View) -> dict[Weights, str]:
    """The weights that the run's model has, or may have one day: of one that was opened as it is, its own alone."""
    run = view.run
    keys = {which: attention_key(run.model, run.task, run.seed, which) for which in WHICH}
    return {w: words for w, words in WHICH.items() if view.has(keys[w]) or not why_not(view.bundle, keys[w])} or WHICH


def _where(which: Weights, kind: MapKind, colour: str) -> dict[str, str]:
    defaults = {"which": "finetuned", "kind": "raw", "colour": "class"}
    return {
        name: value
        for name, value in {"which": which, "kind": kind, "colour": colour}.items()
        if value != defaults[name]
    }


def _missing(view: View, which: Weights, error: ExplorerError) -> None:
    """What makes the maps, and what is there meanwhile."""
    run = view.run
    if imported.without_weights(view):
        imported.show_missing(
            view,
            "The authors' files hold masks, no weights: what these heads attend to was not measured. The paper's own "
            "shares of patterns are under “Are survivors meaningful?”.",
            "blur_off",
        )
        return
    key = attention_key(run.model, run.task, run.seed, which)
    there = [m for m in view.manifests if m.stage == STAGE and m.model == run.model]
    if any(m.key == key for m in there):
        failed(error)
        return
    st.info(
        f"The attention maps of this model were not measured yet. {make_here.how(view, key, 'Make them')}",
        icon=":material/blur_on:",
    )
    make_here.offer(view, [key], "patterns")
    others = sorted(f"{m.task}, seed {m.seed}" if m.variant == WEIGHTS[1] else f"{m.task}, pre-trained" for m in there)
    if others:
        st.caption(f"Measured in this bundle: {'; '.join(others)}.")


def _chosen(shape: tuple[int, int]) -> Head:
    """The head on the page, at first the link's; one of this model in any case."""
    if _HEAD not in st.session_state:
        asked = [link.number(name, 1, n) or 1 for name, n in zip(("layer", "head"), shape, strict=True)]
        st.session_state[_HEAD] = tuple(at - 1 for at in asked)
    layer, head = st.session_state[_HEAD]
    return min(max(layer, 0), shape[0] - 1), min(max(head, 0), shape[1] - 1)


def _adopt(shape: tuple[int, int]) -> None:
    chosen = chosen_of(st.session_state.get(_ATLAS), shape)
    if chosen is not None:
        st.session_state[_HEAD] = chosen


def _choose_sentence(samples: tuple[Sample, ...]) -> str:
    """'1', '2', ... or OWN."""
    names = {str(at + 1): " / ".join(sample.texts) for at, sample in enumerate(samples)} | {OWN: "Type your own …"}
    options = list(names)
    wanted = st.session_state.get(_SENTENCE) or link.one_of("sentence", options)
    chosen: str = st.selectbox(
        "Sentence",
        options,
        index=options.index(wanted) if wanted in options else 0,
        format_func=names.__getitem__,
        key="patterns.sentence.widget",
    )
    st.session_state[_SENTENCE] = chosen
    return chosen


def _read(view: View, which: Weights, sentence: str, samples: tuple[Sample, ...]) -> Sample | None:
    """The stored sentence, or the typed one through the model; None after saying what is wrong with it."""
    if sentence != OWN:
        return samples[int(sentence) - 1]
    with st.form("patterns.form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        first = st.text_input("First sentence", key="patterns.first", placeholder="The cat sat on the mat.")
        second = st.text_input("Second sentence, if any", key="patterns.second")
        if st.form_submit_button("Show its maps", type="primary"):
            st.session_state[_TYPED] = first, second
    texts = st.session_state.get(_TYPED)
    if texts is None:
        st.caption("The sentence is read on this machine, and is kept nowhere.")
        return None
    try:
        if not any(text.strip() for text in texts):
            raise BadRequest("There is no text.", "Type a sentence.")
        if which == "finetuned" and dev_data.is_withheld(view, view.run):
            return None
        with st.spinner("The model reads the sentence …"):
            sample, notes = cached_models.maps_of_text(view, view.run, which, texts, "")
    except ExplorerError as error:
        failed(error)
        return None
    for note in notes:
        st.caption(plain(note))
    return sample


def _survival(view: View, shape: tuple[int, int]) -> tuple[NDArray[np.int64] | None, int]:
    """(L, H): in how many seeds each head is part of the good ticket, of how many; None where nothing was pruned."""
    tickets = cached.tickets(view, view.run)
    if not tickets:
        return None, 0
    heads, _ = stack_masks(list(tickets.values()))
    return heads.sum(axis=0).astype(np.int64), len(tickets)
