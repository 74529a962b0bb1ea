"""The overview's first sight: what the model scores while its least important heads and MLPs go."""

from __future__ import annotations

import math

import streamlit as st

from explorer.figures.switching_off import HeroLines, HeroSeed, imported_seed, measure_words, pruned_seed
from explorer.store.schema import Key, Run
from explorer.study.learnt import degenerate_words
from explorer.study.stored_scores import KnownRun
from explorer.ui import cached, state
from explorer.ui.as_text import plain
from explorer.ui.view import View
from explorer.ui.widgets import make_here
from explorer.ui.widgets.hero import asked_for, hero

_KEY, _TO_LAB = "overview.hero", "overview.to_lab"


def show(view: View, *, learnt: bool) -> None:
    """Draws the hero of the selected task, on the selected seed where that was pruned; else says what makes it.

    learnt: whether the full model beats its baseline on this task; where not, there is no 90% line and no share.
    """
    if st.session_state.pop(_TO_LAB, False) and "lab" in view.links:
        st.switch_page(view.links["lab"])
    run = view.run
    seeds = [made for of in view.runs if (made := _seed(view, of, learnt=learnt)) is not None]
    if not seeds:
        key = Key(run, "structured", "together")
        words = f"Nothing was pruned for {plain(run.task)} yet. {make_here.how(view, key)}"
        st.info(words, icon=":material/content_cut:")
        make_here.offer(view, [key], "overview")
        return
    names = [seed.name for seed in seeds]
    own = f"Seed {run.seed}"
    runs = {f"Seed {of.seed}": of for of in view.runs}
    shapes = {seed.name: seed.stops[0].stop.mask.heads.shape for seed in seeds}
    line = cached.majority_baseline(view, run.model, run.task)

    def to_lab() -> None:
        asked = asked_for(st.session_state.get(_KEY), {name: (shape[0], shape[1]) for name, shape in shapes.items()})
        if asked is not None:
            state.choose(runs[asked[0]])
            state.set_mask(runs[asked[0]], asked[1])
            st.session_state[_TO_LAB] = True

    hero(
        seeds,
        names.index(own) if own in names else 0,
        HeroLines(
            measure_words(view.task().metric, _known(view, run)),
            line.score if line else math.nan,
            line.title if line else "",
            "Try this mask in the lab" if "lab" in view.links and _known(view, run) is not None else "",
            "" if learnt else degenerate_words(run.task, line),
        ),
        key=_KEY,
        on_lab=to_lab,
    )


def _known(view: View, run: Run) -> KnownRun | None:
    return cached.known(view, run) if view.has(Key(run, "finetune")) else None


def _seed(view: View, run: Run, *, learnt: bool) -> HeroSeed | None:
    """One run's stops; None where it was neither pruned here nor imported."""
    key, known = Key(run, "structured", "together"), _known(view, run)
    if known is not None:
        return pruned_seed(cached.artefact(view, key), known, learnt=learnt) if view.has(key) else None
    ticket = cached.tickets(view, run).get(run.seed)
    return imported_seed(run, ticket) if ticket is not None else None
