"""Page: switch heads and MLPs off and see the dev score for exactly that mask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.analysis.baseline import uninformed_score
from explorer.analysis.intervals import Score, score_with_interval
from explorer.analysis.paired import PairedDifference, compare, flips
from explorer.errors import ExplorerError
from explorer.figures.score import score_figure
from explorer.glue.metrics import METRIC_WORDS, predictions_of
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.store.known import KnownRun
from explorer.store.schema import Key
from explorer.ui import cached, lab_panels, state
from explorer.ui.head_grid import Overlay, head_grid

if TYPE_CHECKING:
    from explorer.live.evaluator import Evaluation, Evaluator, Partial

_SCORED = "lab.scored"
"""Masks already scored in this session: (checkpoint, data, code) -> Evaluation."""
_SCORED_AT_MOST = 500


def page(root: Path, stamp: float, selection: state.Selection) -> None:
    """The grid with presets on the left; the score of what it shows on the right."""
    run = selection.run
    known = cached.known(root, stamp, run)
    state.mask_of(run, known.shape)  # reads the link, and may have something to say of it
    st.header(f"Switch heads off, and see what {run.task} still scores")
    state.show_notices()
    source = lab_panels.choose_data(known.task)
    _lab(root, stamp, known, source)


@st.fragment
def _lab(root: Path, stamp: float, known: KnownRun, source: lab_panels.DataSource) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        _presets(root, stamp, known)
        mask = _grid(root, stamp, known)
    state.adopt(known.run, mask)
    state.write_url(known.run, mask)
    with right:
        stored = st.empty()
        stored.markdown(lab_panels.stored_score(known, mask))
        if lab_panels.is_withheld(root, stamp, known.run):
            return
        try:
            evaluator = _evaluator(root, stamp, known, source)
            evaluation = _score(evaluator, mask)
        except ExplorerError as error:
            st.error(error.wrong, icon=":material/error:")
            st.markdown(error.mend)
            return
        if source.kind != cached.DIAGNOSTICS:  # the same number, and now it is live
            stored.empty()
        predicted = _show(evaluator, evaluation, source)
    if source.kind == cached.DIAGNOSTICS:
        with left:
            lab_panels.by_phenomenon(evaluator, *predicted)


def _presets(root: Path, stamp: float, known: KnownRun) -> None:
    presets: dict[str, Mask] = {"Full": Mask.full(*known.shape)}
    key = Key(known.run, "structured", "together")
    try:
        ticket = str(cached.artefact(root, stamp, key).manifest.summary["ticket"])
        presets["Good ticket"] = Mask.from_code(ticket, *known.shape)
        good = presets["Good ticket"]
        presets["Complement"] = Mask(~good.heads, ~good.mlps)
    except ExplorerError:
        pass  # nothing was pruned for this run: no such presets
    presets["All off"] = Mask(np.zeros(known.shape, np.bool_), np.zeros(known.shape[0], np.bool_))
    with st.container(horizontal=True, gap="small"):
        for name, mask in presets.items():
            if st.button(name, key=f"lab.preset.{name}"):
                state.set_mask(known.run, mask)


def _grid(root: Path, stamp: float, known: KnownRun) -> Mask:
    overlay, hover_heads, hover_mlps = _overlay(root, stamp, known)
    return head_grid(
        state.mask_of(known.run, known.shape),
        revision=state.revision(known.run),
        key="lab.grid",
        fill=overlay,
        hover_heads=hover_heads,
        hover_mlps=hover_mlps,
    )


def _overlay(
    root: Path, stamp: float, known: KnownRun
) -> tuple[Overlay | None, list[list[str]] | None, list[str] | None]:
    """Cells coloured by the score lost when each alone is switched off, where that was measured."""
    try:
        table = cached.artefact(root, stamp, Key(known.run, "ablations")).table.set_index("component")
    except ExplorerError:
        return None, None, None
    n_layers, n_heads = known.shape
    heads = np.array([[table.loss[f"head {i} {j}"] for j in range(n_heads)] for i in range(n_layers)], np.float64)
    mlps = np.array([table.loss[f"mlp {i}"] for i in range(n_layers)], np.float64)
    top = max(float(heads.max()), 1e-9)
    overlay = Overlay(
        np.clip(heads / top, 0, 1),
        np.clip(mlps / top, 0, 1),
        f"{METRIC_WORDS[known.task.metric].capitalize()} lost when it alone is off",
        "none, or a gain",
        f"{top:.3f}" + (" or more" if mlps.max() > top else ""),
    )

    def words(loss: float) -> str:
        return f"Alone off: {known.full.score - loss:.3f} ({-loss:+.3f}) on GLUE dev"

    return overlay, [[words(loss) for loss in row] for row in heads], [words(loss) for loss in mlps]


def _evaluator(root: Path, stamp: float, known: KnownRun, source: lab_panels.DataSource) -> Evaluator:
    sha256 = cached.artefact(root, stamp, Key(known.run, "finetune")).manifest.checkpoint_sha256
    with st.spinner("Loading the model and scoring the full one, once …", show_time=True):
        return cached.evaluator(root, sha256, known.run, source.kind, source.folder)


def _score(evaluator: Evaluator, mask: Mask) -> Evaluation:
    """From this session's memory, or computed now, shard by shard: a newer click ends it between shards."""
    from explorer.live.evaluator import Evaluation

    if mask == evaluator.full.mask:
        return evaluator.full
    memory: dict[Any, Evaluation] = st.session_state.setdefault(_SCORED, {})
    key = (evaluator.checkpoint_sha256, evaluator.examples.sha256, mask.code)
    if key not in memory:
        bar = st.progress(0.0, text=f"Scoring {len(evaluator.examples):,} examples …")
        for news in evaluator.stream(mask):
            if isinstance(news, Evaluation):
                memory[key] = news
            else:
                bar.progress(news.done / news.total, text=_so_far(news))
        bar.empty()
        while len(memory) > _SCORED_AT_MOST:
            memory.pop(next(iter(memory)))
    return memory[key]


def _so_far(partial: Partial) -> str:
    score = partial.score
    interval = "" if score.undefined else f", 95% interval of the final score {score.low:.3f} to {score.high:.3f}"
    return f"After {partial.done:,} of {partial.total:,} examples: {_number(score.value)}{interval} …"


def _show(
    evaluator: Evaluator, evaluation: Evaluation, source: lab_panels.DataSource
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The score and what it means; returns the predictions under the mask and the full model's."""
    task: Task = evaluator.task
    labels = evaluator.labels
    predicted, full = (predictions_of(task, e.logits) for e in (evaluation, evaluator.full))
    score = score_with_interval(task.metric, predicted, labels)
    full_score = score_with_interval(task.metric, full, labels)
    difference = compare(task.metric, predicted, full, labels)
    name = f"{METRIC_WORDS[task.metric].capitalize()} on {source.title(task)}"
    st.metric(
        name,
        _number(score.value),
        delta=f"{difference.difference:+.3f} against the full model"
        + (" (within noise)" if difference.within_noise else ""),
        delta_color="off" if difference.within_noise else "normal",
    )
    st.caption(f"{_interval(score)} · n = {score.n:,} · {evaluation.seconds:.2f} s")
    st.plotly_chart(
        score_figure(score, full_score, majority=uninformed_score(task.metric, labels)),
        key="lab.score",
        config={"displayModeBar": False},
    )
    st.markdown(_in_words(task, difference, predicted, full, labels))
    return predicted, full


def _number(value: float) -> str:
    return "undefined" if value != value else f"{value:.3f}"


def _interval(score: Score) -> str:
    return score.undefined or f"95% interval {score.low:.3f} to {score.high:.3f} ({score.method})"


def _in_words(
    task: Task,
    difference: PairedDifference,
    predicted: np.ndarray,
    full: np.ndarray,
    labels: np.ndarray,
) -> str:
    if difference.note == "Same predictions.":
        return "Every prediction is the full model's."
    interval = difference.undefined or f"95% interval of the difference {difference.low:+.3f} to {difference.high:+.3f}"
    if task.is_regression:
        return f"Paired with the full model: {interval}."
    turned = flips(predicted, full, labels)
    test = f", McNemar's exact p = {difference.p:.3f}" if difference.p is not None else ""
    verdict = (
        "Nothing tells this mask from the full model: the difference is within noise."
        if difference.within_noise
        else "The difference is larger than noise."
    )
    return (
        f"**{len(turned.changed)}** of {len(labels):,} predictions differ from the full model's: "
        f"**{len(turned.broken)}** were right and are now wrong, **{len(turned.fixed)}** were wrong and are now right "
        f"({interval}{test}). {verdict}"
    )
