"""What pruning for real buys: parameters at once; seconds on a press, measured beside the full model's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from explorer.live.worker import Done, Dropped, Failed, Running
from explorer.ui import cached_models
from explorer.ui.as_text import plain
from explorer.ui.scoring.background import Background
from explorer.ui.scoring.request import Question

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData
    from explorer.live.speed import Parameters, Speed


def show(question: Question, evaluator: ModelOnData) -> None:
    """Size, the button, and the measurement of this very mask where there is one."""
    from explorer.live.speed import MeasureSpeed, parameters_of, parameters_under

    sha256 = evaluator.checkpoint_sha256
    classifier = cached_models.classifier(question.view.root, question.known.run, sha256)
    full, pruned = parameters_of(classifier.model), parameters_under(classifier, question.mask)
    st.markdown(_size_words(full, pruned))
    if question.mask == question.known.full.mask:
        st.caption("Nothing is switched off: there is nothing to cut away and nothing to measure.")
        return

    of = (sha256, evaluator.examples.sha256, question.mask.code)
    background: Background[Speed] = Background("speed", of)
    if st.button("Measure the speed on this machine", icon=":material/timer:", key="lab.measure") and (
        trouble := background.start(MeasureSpeed(evaluator, question.mask))
    ):
        st.caption(plain(trouble))
        return
    background.follow(_draw, every=0.5)


def _draw(news: Any) -> None:
    if isinstance(news, Done):
        _table(news.result)
    elif isinstance(news, Failed):
        st.error(plain(str(news.error)), icon=":material/error:")
    elif isinstance(news, Dropped):
        st.caption("The measurement was given up; press again.")
    else:
        done, rounds = news.news if isinstance(news, Running) else (0, 6)
        st.progress(done / rounds, text="Running both models by turns …")


def _size_words(full: Parameters, pruned: Parameters) -> str:
    gone = full.total - pruned.total
    of_encoder = (full.encoder - pruned.encoder) / full.encoder
    return (
        f"Cut away for real, what is off takes **{_millions(gone)}** of {_millions(full.total)} parameters "
        f"(**{gone / full.total:.1%}**; {of_encoder:.1%} of the encoder's). "
        f"{_millions(full.embeddings)} are embeddings, which no mask touches."
    )


def _table(speed: Speed) -> None:
    sizes, seconds = (speed.full, speed.pruned), (speed.full_seconds, speed.pruned_seconds)
    st.dataframe(
        pd.DataFrame(
            {
                "model": ["full", "pruned"],
                "parameters": [_millions(size.total) for size in sizes],
                "encoder": [_millions(size.encoder) for size in sizes],
                f"seconds for {speed.examples} examples": seconds,
                "examples a second": [speed.examples / taken for taken in seconds],
            }
        ),
        hide_index=True,
        column_config={
            f"seconds for {speed.examples} examples": st.column_config.NumberColumn(format="%.3f"),
            "examples a second": st.column_config.NumberColumn(format="%.0f"),
        },
    )
    slower = "" if speed.ratio_low > 1 else " Not every round was faster: on this machine the gain is within noise."
    threads = f"{speed.threads} thread" + ("" if speed.threads == 1 else "s")
    st.markdown(
        f"The pruned model runs at **{speed.ratio:.2f}** times the full one's speed "
        f"({speed.ratio_low:.2f} to {speed.ratio_high:.2f} over {speed.rounds} rounds).{slower}"
    )
    st.caption(
        f"Stock transformers in fp32, {threads}, padded batches of 16, the same examples through both by turns; "
        "medians. "
        "The lab's own scores come from another engine, which skips what is off without cutting it away."
    )


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:.2f} M"
