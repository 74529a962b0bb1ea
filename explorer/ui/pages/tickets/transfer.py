"""Each task's ticket on every other task's model of the same seed, and how stable a ticket is."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from explorer.figures.print.export import Exhibit
from explorer.figures.signed import signed
from explorer.figures.transfer import transfer_figure
from explorer.glue.tasks import TASKS
from explorer.stats.stability import Stability
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import shape_of, tickets_by_task
from explorer.study.transfer import Transferred, transfer_table, transfer_words
from explorer.study.transfer_retrained import retrained_table, retrained_words
from explorer.study.words import with_interval
from explorer.ui import cached
from explorer.ui.as_text import code
from explorer.ui.view import View, runs_of
from explorer.ui.widgets import degenerate, exhibits, make_here, provenance, sections
from explorer.ui.widgets.words import minus

_KEY = "tickets.transfer"
_RETRAINED = "**Retrained on the other task**"


def show(view: View) -> None:
    """Draws the matrix of the selected seed, its sentence and its table; says what is not made yet. Nothing where the
    bundle has one task of this model and seed: there is no other one."""
    run = view.run
    runs = [Run(run.model, task, run.seed) for task in dict.fromkeys(m.task for m in view.manifests)]
    there = [one for one in runs if view.has(Key(one, "transfer"))]
    tried = any(one.stage == "transfer" for one in view.manifests)
    if not tried and sum(view.has(Key(one, "finetune")) for one in runs) < 2:
        return
    sections.heading("transfer", "Does a ticket win on another task?")
    if not there:
        make = make_here.steps_to(view, Key(run, "transfer"))
        st.caption(f"The tickets of seed {run.seed} were not tried on other tasks' models yet: {make}")
        return
    cells, unlearnt = _cells(view, there)
    words = transfer_words(cells, unlearnt)
    st.markdown(exhibits.say(minus(words), _KEY))
    if any(one.task not in unlearnt for one in cells):
        _matrix(run.seed, cells, unlearnt, words)
    for words_of in unlearnt.values():
        st.caption(words_of)
    with st.expander("Every number with its interval"):
        title = f"Tickets on other tasks' models, seed {run.seed}"
        exhibits.table(transfer_table(cells).round(3), key=f"{_KEY}.table", title=title)
        st.caption(
            "95% intervals over dev examples (1,000 resamples, paired with the full model and the random masks; the "
            "draws are held fixed). p: chance that one more random mask does as well. Nothing is corrected for the "
            "number of pairs. Goes beyond the paper; Chen et al. (2020) ask it of BERT's tickets with single weights "
            "off, and retrain them: here nothing is retrained."
        )
    provenance.made_with(view, [Key(one, "transfer") for one in sorted(there, key=lambda one: one != run)])
    missing = [one for one in runs if one not in there and view.has(Key(one, "finetune"))]
    if missing:
        commands = ", ".join(code(view.bundle.command_for(Key(one, "transfer"))) for one in missing[:3])
        st.caption(f"Not tried yet on {', '.join(one.task for one in missing)}: {commands}")


def _matrix(seed: int, cells: list[Transferred], unlearnt: dict[str, str], words: str) -> None:
    """Draws the tickets, by row, on the tasks' models, by column; words: what it shows, for who cannot see it."""
    caption = (
        f"Seed {seed}. In a square: the share of the full model's score that the ticket of the row keeps on the "
        "model of the column, and how many of 20 random masks of its size it beats (by chance 10; all 20 once in 21). "
        "Bold: it beats all, and their mean beyond noise over examples. Dotted: at home. As in the paper's 90%, "
        "a share counts from 0 and not from the majority class."
    )
    if unlearnt:
        caption += " * has learnt nothing: no score on its model is shown, and its ticket is not counted."
    if any(one.whole for one in cells):
        caption += " Without a count: the ticket keeps nothing or everything, as any mask of its size."
    title = f"Tickets on other tasks' models, seed {seed}"
    dark = st.context.theme.type == "dark"
    table = transfer_table(cells)
    exhibits.keep(_KEY, Exhibit(title, caption, transfer_figure(cells, unlearnt), table))
    figure = transfer_figure(cells, unlearnt, dark=dark)
    st.plotly_chart(figure, key=_KEY, config={"displayModeBar": False}, alt=f"{title}. {words}")
    st.caption(caption)


def retrained(view: View) -> None:
    """Draws the tickets that were retrained on another task, any seed; says how where none was."""
    run = view.run
    runs = [one for one in runs_of(view.manifests) if one.model == run.model and view.has(Key(one, "finetune"))]
    runs = [one for one in runs if any(view.has(Key(one, "retrained", f"good-of-{task}")) for task in TASKS)]
    found = [of for one in runs for of in cached.retrained_away(view, one)]
    if not found:
        by_task = tickets_by_task(view.manifests, run.model)
        other = next((task for task in by_task if task in TASKS and task != run.task and run.seed in by_task[task]), "")
        if other and view.has(Key(run, "finetune")):
            st.markdown(_RETRAINED)
            make = code(view.bundle.command_for(Key(run, "retrained", f"good-of-{other}")))
            st.caption(f"No ticket of another task was retrained yet: {make}, and the same with `--kind random`")
        return
    st.markdown(_RETRAINED)
    st.markdown(exhibits.say(retrained_words(found), f"{_KEY}.retrained"))
    exhibits.table(
        retrained_table(found).map(lambda cell: minus(cell) if isinstance(cell, str) else cell),
        key=f"{_KEY}.retrained",
        title="Tickets of other tasks, retrained",
    )
    st.caption(
        "From the pre-trained model, as the task's runs were fine-tuned, with the mask of the other task's ticket. "
        "Random: as many heads and MLPs, one draw, retrained likewise. Differences are paired on the dev "
        "examples, with 95% intervals; one fine-tuning each, so what another seed would give is not in them. The "
        "task's own ticket may be of another size. Chen et al. (2020) ask it of tickets of single weights."
    )
    kinds = [f"{kind}-of-{one.ticket}" for one in found for kind in ("good", "random")]
    keys = [Key(one, "retrained", kind) for one in runs for kind in dict.fromkeys(kinds)]
    provenance.made_with(view, keys)


def _cells(view: View, runs: list[Run]) -> tuple[list[Transferred], dict[str, str]]:
    """Every square of some runs of one seed, and of which tasks, models or tickets, nothing is claimed: task -> why."""
    cells = [cell for one in runs for cell in cached.transferred(view, one)]
    tasks = (task for one in cells for task in (one.task, one.ticket))
    return cells, degenerate.unlearnt(view, runs[0], tasks)


def stable(view: View) -> None:
    """Draws a table of how far choices of the run's ticket agree: over seeds, examples and thresholds."""
    sections.heading("stability", "How stable is the ticket?")
    run = view.run
    key = Key(run, "structured", "together")
    if not view.has(key):
        st.caption(f"This run is not pruned yet. {make_here.how(view, key)}")
        make_here.offer(view, [key], "tickets.stability")
        return
    found = cached.ticket_stabilities(view, run, shape_of(view.manifests, run))
    rows = [
        {
            "over": one.over,
            "choices": one.stability.choices,
            "stability": _in_words(one.stability),
            "by chance": "" if one.chance is None else f"{signed(one.chance[0], 2)} to {signed(one.chance[1], 2)}",
        }
        for one in found
    ]
    exhibits.table(pd.DataFrame(rows), key="tickets.stability", title="How stable the ticket is")
    st.markdown("\n".join(f"- **{one.over[0].upper()}{one.over[1:]}**. {one.says}" for one in found))
    st.caption(
        "Nogueira et al. 2018, over heads and MLPs together: 1 the same parts every time, 0 what chance gives; in "
        "brackets the 95% interval over seeds (jackknife, Student's t). Resamples and thresholds of one run are no "
        "independent choices: they have none. By chance: 95% of 1,000 draws of as many parts each. "
        "Steps of one path are nested, so examples and thresholds cannot disagree on the order in which parts go, only "
        "on where to stop: compare them with seeds, not with 0."
    )
    provenance.made_with(view, [key])


def _in_words(found: Stability) -> str:
    if found.undefined:
        return found.undefined
    return with_interval(found.value, found.low, found.high, ".2f") + (
        " (no interval for two)" if found.choices == 2 else ""
    )
