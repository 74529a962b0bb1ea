"""Page: the pruning of one run, step by step: what goes, why, and what it costs; any step opens in the lab.

Long because player, grid, score and the check of the gradient are one screen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from explorer.errors import ExplorerError
from explorer.figures.grid_overlays import Marks
from explorer.figures.importance import importance_figure, verdict
from explorer.figures.overlays import dress, importance_overlay
from explorer.figures.path import path_chart, path_table
from explorer.figures.print.export import Exhibit
from explorer.figures.print.path import printed_path
from explorer.figures.print.tables import importance_table
from explorer.figures.signed import signed
from explorer.store.schema import Key
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.pruning_words import in_order, method_words, step_words
from explorer.study.stored_scores import KnownRun
from explorer.tickets.pruning_path import PathStep, PruningPath, path_of
from explorer.ui import cached, link, notices, state
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, glossary, make_here, page_title
from explorer.ui.widgets.overlay_picker import NONE
from explorer.ui.widgets.words import minus

_WHISKERS = "Whiskers are 95% intervals; hollow steps were taken back."
PACE = 1.5
"""Seconds a step while it plays."""
_STEPS, _PLAYING, _MOVED = "replay.steps", "replay.playing", "replay.moved"
_SLIDER, _METHOD = "replay.slider", "replay.method"


@dataclass(frozen=True, eq=False)
class Shown:
    """A pruning run on screen."""

    view: View
    key: Key
    known: KnownRun
    path: PruningPath
    baseline: MajorityBaseline | None
    """What answers that never read a sentence score."""

    @property
    def name(self) -> str:
        """The key of what the session keeps of it."""
        return str(self.key.path)

    @property
    def method(self) -> str:
        """together, heads or mlps; another procedure or data at the end."""
        return self.key.variant

    @property
    def last(self) -> int:
        """The number of the last step."""
        return len(self.path.steps) - 1


def page(view: View) -> None:
    """Player, grid and score of one run, and whether the gradient foretold the cost."""
    run = view.run
    page_title.show(run.task, "How does [[pruning]] go, step by step?")
    variants = [m.variant for m in view.manifests if m.key.run == run and m.stage == "structured"]
    if not variants:
        notices.show()
        state.write_url(run, None)
        _nothing_to_replay(view)
        return
    key = Key(run, "structured", _method(variants))
    known = cached.known(view, run)
    path = path_of(cached.artefact(view, key), known.shape)
    baseline = cached.majority_baseline(view, run.model, run.task)
    shown = Shown(view, key, known, path, baseline)
    _read_link(shown)
    notices.show()
    st.fragment(_player, run_every=PACE if _plays(shown) else None)(shown)
    _gradient(view, known)


def _method(variants: Sequence[str]) -> str:
    """The run to replay, chosen where there are several: together first, other procedures last."""
    names = in_order(variants)
    wanted = link.one_of("method", names) or st.session_state.get(_METHOD)
    if wanted not in names:
        wanted = names[0]
    if len(names) > 1:
        wanted = st.segmented_control(
            "What is pruned",
            names,
            default=wanted,
            format_func=method_words,
            key=f"replay.method.{'.'.join(names)}",
            required=True,
            label_visibility="collapsed",
        )
    st.session_state[_METHOD] = wanted
    return wanted


def _read_link(shown: Shown) -> None:
    number = link.number("step", 0, shown.last)
    if number is not None:
        _go(shown, number)


def _at(shown: Shown) -> int:
    return min(int(st.session_state.get(_STEPS, {}).get(shown.name, 0)), shown.last)


def _go(shown: Shown, step: int) -> None:
    st.session_state.setdefault(_STEPS, {})[shown.name] = step
    st.session_state[_MOVED] = time.monotonic()


def _plays(shown: Shown) -> bool:
    return bool(st.session_state.get(_PLAYING) == shown.name)


def _player(shown: Shown) -> None:
    due = time.monotonic() - st.session_state.get(_MOVED, 0.0) > 0.7 * PACE  # a drag of the slider is a rerun too
    if _plays(shown) and due:
        _go(shown, min(_at(shown) + 1, shown.last))
    if _plays(shown) and _at(shown) == shown.last:
        st.session_state[_PLAYING] = None
        st.rerun()  # the whole page: a fragment cannot stop its own clock
    _controls(shown)
    number = _at(shown)
    step = shown.path.steps[number]
    left, right = st.columns([3, 2], gap="large")
    with left:
        _grid(shown, number)
        st.markdown(step_words(shown.path, number, shown.known.task.metric_words))
    with right:
        _score(shown, step)
    more = {"step": str(number)} if number else {}
    state.write_url(shown.known.run, None, **({"method": shown.method} if shown.method != "together" else {}), **more)


def _controls(shown: Shown) -> None:
    if shown.last == 0:
        return
    plays = _plays(shown)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        icon = ":material/pause:" if plays else ":material/play_arrow:"
        if st.button("Pause" if plays else "Play", icon=icon, key="replay.play", type="primary", width=110):
            if not plays and _at(shown) == shown.last:
                _go(shown, 0)
            st.session_state[_MOVED] = time.monotonic()
            st.session_state[_PLAYING] = None if plays else shown.name
            st.rerun()
        st.session_state[_SLIDER] = _at(shown)
        st.slider("Step", 0, shown.last, key=_SLIDER, on_change=lambda: _go(shown, int(st.session_state[_SLIDER])))
        lab = shown.view.links.get("lab")
        if lab is not None and st.button("Open this step in the lab", icon=":material/toggle_on:", key="replay.fork"):
            st.session_state[_PLAYING] = None
            state.set_mask(shown.known.run, shown.path.steps[_at(shown)].mask)
            st.switch_page(lab)


def _grid(shown: Shown, number: int) -> None:
    path, step = shown.path, shown.path.steps[number]
    chosen_by = path.chosen_by(number)
    dressed = dress({}, NONE, NONE, shown.known.shape)
    if chosen_by is not None:
        title = "Importance in the full model" if number == 0 else "Importance before this step"
        cells = importance_overlay(*chosen_by, title, among=step.start)
        dressed = dress({"importance": cells}, "importance", NONE, shown.known.shape)
    exhibits.about(shown.known.run, step.mask)
    exhibits.grid(
        step.mask,
        title=f"Step {number} of pruning",
        caption=step_words(path, number, shown.known.task.metric_words),
        revision=f"replay-{shown.name}-{number}",
        key="replay.grid",
        marks=Marks(step.heads_off, step.mlps_off, "Switched off by this step"),
        disabled=True,
        **dressed.arguments,
    )


def _score(shown: Shown, step: PathStep) -> None:
    known, path = shown.known, shown.path
    metric = known.task.metric_words
    change = cached.step_difference(shown.view, shown.key, step.number)
    gone, lost = signed(change.difference) != "0.000", change.difference < 0
    noise = ", within noise" if change.within_noise else ""
    st.metric(
        f"Step {step.number} of {shown.last}: {known.task.name} dev {metric}",
        "undefined" if step.score != step.score else minus(f"{step.score:.3f}"),
        delta=f"{signed(change.difference)} against the full model{noise}" if step.number and gone else None,
        # Streamlit tells a loss by a hyphen: of a minus sign it has to be told.
        delta_color="off" if change.within_noise else "inverse" if lost else "normal",
        delta_arrow="off" if change.within_noise else "down" if lost else "up",
    )
    said = "" if step.number == 0 or gone else "The score of the full model. "
    interval = f"{said}95% interval {step.low:.3f} to {step.high:.3f}, " if step.low == step.low else ""
    st.caption(minus(f"{interval}n = {step.n:,}"))
    baseline = (shown.baseline.title, shown.baseline.score) if shown.baseline else None
    exhibits.keep(
        "replay.path",
        Exhibit(
            f"{metric.capitalize()} step by step",
            _WHISKERS,
            lambda _inches: printed_path(path, metric=metric, majority=baseline),
            lambda: path_table(path, step.number),
        ),
    )
    st.altair_chart(
        path_chart(path, step.number, metric=metric, majority=baseline),
        key="replay.path",
        alt=f"{metric} after each step of pruning, with the 90% line",  # the same at every step: else it is drawn anew
    )
    st.caption(_WHISKERS)


def _nothing_to_replay(view: View) -> None:
    run, manifests = view.run, view.manifests
    if any(m.key.run == run and m.stage == "published-masks" for m in manifests):
        st.info("The authors' files hold where pruning ended, not how it got there.", icon=":material/timeline:")
        return
    pruned = {m.seed for m in manifests if m.stage == "structured" and (m.model, m.task) == (run.model, run.task)}
    other = f" Seed {', '.join(map(str, sorted(pruned)))} can be replayed." if pruned else ""
    key = Key(run, "structured", "together")
    st.info(
        f"Nothing was pruned for {run.task}, seed {run.seed}.{other} {make_here.how(view, key)}",
        icon=":material/content_cut:",
    )
    make_here.offer(view, [key], "replay")


def _gradient(view: View, known: KnownRun) -> None:
    """Whether importance, which chose every step above, orders the parts as switching each off alone does."""
    st.subheader("Does the gradient tell what switching off costs?")
    try:
        sides, clear = cached.gradient_sides(view, known.run)
    except ExplorerError:
        keys = Key(known.run, "importance", "expected"), Key(known.run, "ablations")
        lacking = [key for key in keys if not view.has(key)]
        how = " ".join(make_here.how(view, key) for key in lacking)
        st.caption(f"Seed {known.run.seed} was not measured for this. {how}")
        make_here.offer(view, lacking, "gradient")
        return
    metric = known.task.metric_words
    st.markdown(
        f"Pruning trusts the gradient: it never tries a part, it ranks them by how strongly the loss reacts. Here each "
        f"part of the full model was also switched off alone. {' '.join(verdict(side) for side in sides)}"
    )
    exhibits.plot(
        importance_figure(sides, metric=metric),
        key="replay.gradient",
        title="Importance against what switching off costs",
        caption=" ".join(verdict(side) for side in sides),
        data=lambda: importance_table(sides),
        alt=f"{metric} lost when each head or MLP alone is off, against its importance",
    )
    total = sum(side.agreement.n for side in sides)
    chance = f"chance alone gives about {total / 20:.0f}."
    noise = (
        ""
        if clear is None
        else f" {clear} of these {total} losses pass [[McNemar|McNemar's test]] at p < 0.05; {chance}"
    )
    glossary.caption(
        f"One point a head or MLP of seed {known.run.seed}, on the {len(known.labels):,} dev examples.{noise} "
        f"{sides[0].agreement.method}."
    )
