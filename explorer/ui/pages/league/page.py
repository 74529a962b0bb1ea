"""Page: prune in the order of every criterion of importance; which keeps most of the score?"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from explorer.figures.league import league_figure
from explorer.stats.intervals import SeedSpread
from explorer.store.schema import Key, Manifest
from explorer.store.task_tickets import shape_of
from explorer.study.league import League, league_of, meaning, over_seeds
from explorer.study.words import with_interval
from explorer.tickets.criteria import CHANCE, EXPECTED
from explorer.ui import cached, link, notices, state
from explorer.ui.as_text import code, plain
from explorer.ui.pages.league import pairs, parts, surprises
from explorer.ui.view import View
from explorer.ui.widgets import degenerate, exhibits, glossary, make_here, page_title, sections
from explorer.ui.widgets.words import minus, seeds

_CRITERION, _OFF, _FIGURE = "league.criterion", "league.off", "league.curves"
_KEPT = "league.kept"
"""The run that was shown last, the criterion that it opened on, and the marked criterion and number of parts off."""
_HOW = (
    "Every head and MLP of the full model gets a worth by each criterion, measured on one half of the [[dev set]]. "
    "Then they go one by one, the least worth first, and every model on the way is scored exactly on the other half; "
    "the same the other way round, averaged. So no criterion wins by having seen the examples that it is scored on."
)
_UNLEARNT = "So no criterion is put before another: the curves and the table say what was scored, and no more."


def page(view: View) -> None:
    """Curves of score against size, the table of areas, and any point of a curve in the lab."""
    run = view.run
    sections.arrive()
    notices.show()
    page_title.show(run.task, "What should go first? Criteria of [[importance]], played against each other")
    degenerate.note(view)
    key = Key(run, "league")
    if not view.has(key):
        _nothing(view, key)
        more = _without_orders(view) if view.has(Key(run, "finetune")) else {}
        state.write_url(run, None, **more)
        return
    league = league_of(cached.artefact(view, key))
    metric = view.task(run.task).metric_words
    exhibits.say(glossary.plain(_HOW))
    learnt = degenerate.has_learnt(view, run.task)
    st.markdown(exhibits.say(meaning(league, metric) if learnt else _UNLEARNT, "meaning"))
    name, removed = _choice(league, EXPECTED if not learnt else "")
    _curves(view, league, metric, name, removed)
    _to_lab(view, league, name, removed)
    others = [Key(one, "league") for one in view.runs]
    leagues = [league_of(cached.artefact(view, one)) for one in others if view.has(one)]
    _table(league, metric, over_seeds(leagues), len(leagues))
    glossary.write(_HOW)
    _provenance(view, league, key)
    shape = shape_of(view.manifests, run)
    parts.worth(league, name, shape)
    parts.bank(view, shape, learnt=learnt)
    more = surprises.show(view, shape, learnt=learnt) | pairs.show(view, shape, learnt=learnt)
    parts.stable(view, league)
    state.write_url(run, None, criterion=name, off=str(removed), **more)


def _nothing(view: View, key: Key) -> None:
    there = [str(run.seed) for run in view.runs if view.has(Key(run, "league"))]
    words = f"Seeds that have it: {', '.join(there)}. " if there else ""
    st.info(f"The league of this run is not made yet. {words}{make_here.how(view, key)}")
    make_here.offer(view, [key], "league")


def _without_orders(view: View) -> dict[str, str]:
    """What random masks and pairs of parts say needs no league."""
    shape, learnt = shape_of(view.manifests, view.run), degenerate.has_learnt(view, view.run.task)
    parts.bank(view, shape, learnt=learnt)
    return surprises.show(view, shape, learnt=learnt) | pairs.show(view, shape, learnt=learnt)


def _choice(league: League, first: str) -> tuple[str, int]:
    """The criterion and the number of parts off that are marked: clicked, selected, of the link, or first.

    first: the criterion that is marked without any of these; '' for the one that keeps most.
    """
    titles = {one.criterion.name: one.criterion.title for one in league.standings if one.criterion.name != CHANCE}
    first = first or next(iter(titles))
    nothing = league.run, first, first, league.components // 3
    run, opened_on, before, off_before = st.session_state.get(_KEPT, nothing)
    if run != league.run and before == opened_on:  # nobody chose it: it was the first
        st.session_state.pop(_CRITERION, None)
        before = first
    clicked = _clicked()
    asked, off = link.one_of("criterion", titles), link.number("off", 0, league.components)
    if _CRITERION not in st.session_state or st.session_state[_CRITERION] not in titles:
        st.session_state[_CRITERION] = next(name for name in (asked, before, first) if name in titles)
    if _OFF not in st.session_state:
        st.session_state[_OFF] = off_before if off is None else off
    if clicked is not None and clicked != st.session_state.get("league.clicked") and clicked[0] in titles:
        st.session_state["league.clicked"] = clicked
        st.session_state[_CRITERION], st.session_state[_OFF] = clicked
    st.session_state[_OFF] = min(max(0, int(st.session_state[_OFF])), league.components)
    left, right = st.columns([1, 2], gap="large")
    with left:
        name = st.selectbox("Criterion", list(titles), format_func=titles.__getitem__, key=_CRITERION)
    with right:
        removed = st.slider("Heads and MLPs off", 0, league.components, key=_OFF)
    st.session_state[_KEPT] = (
        league.run,
        first,
        str(name),
        int(removed),
    )  # for who comes back: Streamlit forgets what is not drawn
    return str(name), int(removed)


def _clicked() -> tuple[str, int] | None:
    """The point of a curve that was clicked last."""
    told = exhibits.clicked(_FIGURE)
    return (str(told[0]), int(told[1])) if len(told) > 1 else None


def _curves(view: View, league: League, metric: str, name: str, removed: int) -> None:
    line = cached.majority_baseline(view, view.run.model, view.run.task)
    figure = league_figure(
        league.curves,
        metric=metric,
        stressed=name,
        removed=removed,
        keep=cached.stored_line(view, view.run),
        majority=line.score if line else None,
        majority_title=line.title if line else "",
    )
    title = f"{metric} while parts go, by criterion, seed {view.run.seed}"
    caption = (
        f"{league.n:,} dev examples, each scored with an order measured on the other half. Shaded: 95% interval over "
        f"examples of the criterion that is chosen, and the range of {league.draws} random orders (every third size)."
    )
    exhibits.points(figure, key=_FIGURE, title=title, caption=caption, data=league.curves)


def _to_lab(view: View, league: League, name: str, removed: int) -> None:
    first, second = league.masks_at(name, removed, shape_of(view.manifests, view.run))
    exhibits.about(view.run, first)
    lab = view.links.get("lab")
    if lab is None:
        return
    same = first == second
    with st.container(horizontal=True, vertical_alignment="center"):
        for number, mask in enumerate((first,) if same else (first, second)):
            words = "Open this point in the lab" if same else f"Open in the lab: scored on half {number + 1}"
            if st.button(words, icon=":material/toggle_on:", key=f"league.lab.{number}"):
                state.set_mask(view.run, mask)
                st.switch_page(lab)
        if not same:
            st.caption(
                "A point is two masks, since each half has its own order. In the lab each is scored on all "
                f"{league.n:,} examples, the half that it was measured on too."
            )


def _of_the_bank(view: View, manifest: Manifest) -> str:
    """Says of how many random masks the Banzhaf values are, and whether the bank has more of them by now."""
    of, bank = manifest.config.get("bank"), Key(view.run, "bank")
    if not isinstance(of, int):
        return ""
    words = f"Banzhaf values are of {of:,} random masks. "
    now = cached.artefact(view, bank).manifest.config.get("masks") if view.has(bank) else of
    if now != of:
        words += f"The bank has {now:,} by now: the command below scores that order again and keeps the others. "
    return words


def _table(league: League, metric: str, spread: dict[str, SeedSpread], n_seeds: int) -> None:
    rows = []
    for one in league.standings:
        of, chance = one.criterion, one.criterion.name == CHANCE
        row = {
            "criterion": of.title,
            "area": with_interval(one.area, one.low, one.high),
            "minus the paper's": "–" if of.name == EXPECTED else _signed(one.against_expected),
            "minus chance": "–" if chance else _signed(one.against_chance),
            "random orders beaten": "–" if chance else f"{one.beaten_draws} of {league.draws}",
        }
        if n_seeds > 1:
            row[f"mean of {seeds(n_seeds)}"] = _over(spread[of.name])
        rows.append(row | {"what it measures": of.says})
    exhibits.table(
        pd.DataFrame(rows), key="league.table", title="Criteria by area under the curve", height=35 * len(rows) + 38
    )
    words = (
        f"Area: mean {metric} over all sizes, from everything on to everything off, by trapezoids. Brackets: 95% "
        f"interval over {league.n:,} examples (1,000 resamples within each half, the same for every criterion, so "
        "that differences are paired); the orders are held fixed: how they vary is told by the random orders beaten, "
        f"all {league.draws} of which come by chance once in {league.draws + 1}. An interval is of one difference "
        f"alone: the best of {len(rows) - 1} is found by looking. "
    )
    if n_seeds > 1:
        words += "Over seeds: Student's interval of the mean. "
    st.caption(words)


def _signed(difference: Any) -> str:
    star = "" if difference.beyond_noise else " (noise)"
    return with_interval(difference.value, difference.low, difference.high, "+.3f") + star


def _over(spread: SeedSpread) -> str:
    return with_interval(spread.mean, spread.low, spread.high)


def _provenance(view: View, league: League, key: Key) -> None:
    manifest = cached.artefact(view, key).manifest
    gap = league.loss_full - league.loss_empty
    st.caption(
        f"{manifest.summary['masks']:,} masks scored in {manifest.seconds / 60:.0f} minutes "
        f"on {plain(manifest.made_on)}. "
        f"Integrated gradients add up to {minus(f'{league.loss_explained:.4f}')}; everything on minus everything off "
        f"is {minus(f'{gap:.4f}')} of loss. {_of_the_bank(view, manifest)}"
        "Goes beyond the paper, which has one criterion and prunes in larger steps. "
        f"Made with {code(manifest.command)}"
    )
