"""The mark on tasks whose full model has learnt nothing: nothing is claimed of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import streamlit as st

from explorer.store.paper.published import FULL
from explorer.store.schema import Key, Run
from explorer.study.conditions import full_scores
from explorer.study.learnt import beats_baseline, degenerate_words
from explorer.ui import cached
from explorer.ui.view import View


def has_learnt(view: View, task: str) -> bool:
    """Whether the full model of the selected model beats the baseline on a task; raises BadBundle."""
    model = view.run.model
    fulls = full_scores(view.manifests, model, task)
    line = cached.majority_baseline(view, model, task)
    if not fulls:
        mean = float(cached.report(view, model, task)[FULL]["mean"])
        return beats_baseline((), line, mean)
    return beats_baseline(fulls, line)


def unlearnt(view: View, run: Run, tasks: Iterable[str]) -> dict[str, str]:
    """Finds the tasks of which nothing is claimed, model or ticket, of one seed: task -> why.

    Those that are not learnt, and those whose full model scores 0 or less; of tasks that are not here nothing is known.
    """
    runs = [replace(run, task=task) for task in dict.fromkeys(tasks)]
    return {
        one.task: degenerate_words(one.task, cached.majority_baseline(view, one.model, one.task))
        for one in runs
        if view.has(Key(one, "finetune"))
        and not (cached.claim_sheet(view, one.model, one.task).learnt and cached.known(view, one).full.score > 0)
    }


def note(view: View) -> None:
    """Says so at the top of a page where the selected task is one of them; else nothing."""
    task = view.run.task
    if not has_learnt(view, task):
        line = cached.majority_baseline(view, view.run.model, task)
        st.warning(degenerate_words(task, line), icon=":material/block:")
