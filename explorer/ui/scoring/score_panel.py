"""A score on screen: the number, its interval, the figure and the words; exact, or as far as it is known.

Each state draws five elements, st.empty where it has none: one state then takes another's place in the browser,
with nothing that jumps and nothing left behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import ExplorerError
from explorer.figures.print.tables import score_table
from explorer.figures.score import score_figure
from explorer.glue.metrics import METRIC_WORDS
from explorer.glue.tasks import Task
from explorer.stats.against_full import Comparison
from explorer.stats.intervals import Score
from explorer.stats.paired import SAME_PREDICTIONS, PairedDifference
from explorer.study.majority_baseline import MajorityBaseline
from explorer.ui.widgets import exhibits

if TYPE_CHECKING:
    from explorer.live.evaluation import Evaluation, Partial


def exact(title: str, found: Comparison, floor: MajorityBaseline, provenance: str) -> None:
    """The score on every example; title: what it is on; floor: what knowing nothing scores."""
    score = found.score
    _number(title, found.task, score, found.difference)
    st.caption(f"{_interval(score)} · n = {score.n:,}")
    _figure(score, found.full, floor)
    st.markdown(in_words(found) + no_stakes(found.full, floor))
    st.caption(provenance)


def running(title: str, so_far: Partial, full: Comparison, floor: MajorityBaseline, words: str) -> None:
    """The score on the examples so far, beside the full model's on all of them."""
    score, difference = so_far.score, so_far.difference
    _number(title, full.task, score, difference)
    st.caption(
        score.undefined or f"All {so_far.total:,} will say {score.low:.3f} to {score.high:.3f} ({so_far.covers})"
    )
    _figure(score, full.score, floor)
    st.markdown(paired_so_far(difference, so_far.done, so_far.covers))
    progress(so_far.done / so_far.total, words)


def unknown(title: str, task: Task, full: Comparison | None, floor: MajorityBaseline, words: str) -> None:
    """No score yet; the full model's, where it is known."""
    st.metric(_name(title, task), "…", delta="against the full model", delta_color="off", delta_arrow="off")
    st.caption("&nbsp;")
    if full is None:
        st.empty()
    else:
        _figure(None, full.score, floor)
    st.empty()
    progress(0.0, words)


def progress(share: float, words: str) -> None:
    """How far a score is."""
    st.progress(share, text=words)


def failed(error: ExplorerError) -> bool:
    """What went wrong and what mends it; whether the person wants another try."""
    st.error(error.wrong, icon=":material/error:")
    st.markdown(error.mend)
    again = st.button("Try again", icon=":material/refresh:", key="lab.again")
    st.empty()
    st.empty()
    return again


def paired_so_far(difference: PairedDifference, done: int, covers: str = "95%") -> str:
    """Says as Markdown what the examples scored so far tell of the difference on all; covers: what the interval is."""
    interval = difference.undefined or (
        f"the difference on all will be {difference.low:+.3f} to {difference.high:+.3f} ({covers})"
    )
    if difference.note == SAME_PREDICTIONS:
        return f"Nothing has changed on the first **{done:,}** examples; the others may: {interval}."
    return f"Paired with the full model on the same **{done:,}** examples: {interval}."


def verified_in_words(evaluation: Evaluation, unverified: str = "") -> str:
    """Says whether the predictions are fp32's, as the end of a sentence; unverified: why that cannot be told."""
    if not evaluation.verified:
        why = unverified.rstrip(".")
        return f"it could not be verified in fp32: {why}" if why else "being verified in fp32"
    if not evaluation.corrected:
        return "verified in fp32"
    return f"verified in fp32, which corrected **{evaluation.corrected:,}** of {len(evaluation.logits):,} predictions"


def in_words(
    found: Comparison,
    names: tuple[str, str] = ("this mask", "the full model"),
    turned: tuple[str, str] = ("were right and are now wrong", "were wrong and are now right"),
) -> str:
    """What the difference amounts to, as Markdown. names: the mask's, and of what it is held against."""
    difference, n = found.difference, found.score.n
    this, other = names
    if found.same:
        return f"Every prediction is {other}'s."
    interval = difference.undefined or f"95% interval of the difference {difference.low:+.3f} to {difference.high:+.3f}"
    if found.task.is_regression:
        return f"Paired with {other}: {interval}."
    test = f", McNemar's exact p {_p(difference.p)}" if difference.p is not None else ""
    if difference.p_swapped is not None:
        test += f", exact randomisation test p {_p(difference.p_swapped)}"
    verdict = (
        f"Nothing tells {this} from {other}: the difference is within noise."
        if difference.within_noise
        else "The difference is larger than noise."
    )
    return (
        f"**{found.changed:,}** of {n:,} predictions differ from {other}'s: "
        f"**{found.broken:,}** {turned[0]}, **{found.fixed:,}** {turned[1]} "
        f"({interval}{test}). {verdict}"
    )


def no_stakes(full: Score, floor: MajorityBaseline) -> str:
    """A sentence where the full model itself does not beat knowing nothing; else empty."""
    if not full.low <= floor.score:
        return ""
    return (
        f" Mind that the full model itself does not measurably beat the {floor.title} here "
        f"({full.value:.3f} [{full.low:.3f}, {full.high:.3f}] against {floor.score:.3f}): there is little to lose."
    )


def _number(title: str, task: Task, score: Score, difference: PairedDifference) -> None:
    noise = difference.within_noise
    value = difference.difference
    against = "undefined" if value != value else f"{value:+.3f}"
    st.metric(
        _name(title, task),
        "undefined" if score.value != score.value else f"{score.value:.3f}",
        delta=f"{against} against the full model" + (" (within noise)" if noise else ""),
        delta_color="off" if noise else "normal",
    )


def _figure(score: Score | None, full: Score, floor: MajorityBaseline) -> None:
    words = f"This mask: {score.value:.3f} ({_interval(score)}), n = {score.n:,}. " if score else ""
    exhibits.plot(
        score_figure(score, full, majority=floor.score, majority_title=floor.title),
        key="lab.score",
        title="The score of this mask beside the full model's",
        data=lambda: score_table(score, full),
        caption=f"{words}Full model: {full.value:.3f} ({_interval(full)}).",
    )


def _name(title: str, task: Task) -> str:
    return f"{METRIC_WORDS[task.metric].capitalize()} on {title}"


def _interval(score: Score) -> str:
    return score.undefined or f"95% interval {score.low:.3f} to {score.high:.3f} ({score.method})"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
