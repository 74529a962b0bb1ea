"""Page: which heads and MLPs survive pruning: over seeds, seed by seed, over tasks, and beside BERT-base."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.figures.overlays import dress, only_pruned, spread_overlay, survival_overlay
from explorer.figures.trajectory import trajectory_figure
from explorer.mask import Mask
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import Pruned, shape_of, tickets_by_task
from explorer.study.survival_words import PRUNED, rule_words, size_words
from explorer.study.words import with_interval
from explorer.ui import cached, notices, state
from explorer.ui.as_text import code, plain
from explorer.ui.pages.survival import views
from explorer.ui.pages.survival.published import published_panel
from explorer.ui.view import View
from explorer.ui.widgets import degenerate, exhibits, glossary, make_here, overlay_picker, page_title
from explorer.ui.widgets.switch import switch
from explorer.ui.widgets.words import model_name, seeds, training_words

FILL = "survival"
"""What colours the cells until somebody chooses otherwise."""
ALL = "all"
"""Chooses all seeds together."""
ASKS = {
    "seeds": "Which [[head|heads]] and [[MLP|MLPs]] survive [[pruning]]?",
    "each": "Do the [[seed|seeds]] keep the same [[head|heads]]?",
    "tasks": "Which [[head|heads]] and [[MLP|MLPs]] survive [[pruning]], task by task?",
    "paths": "How did each [[seed]] lose its [[head|heads]] and [[MLP|MLPs]]?",
    "weights": "Which single weights survive?",
    "paper": "Which [[head|heads]] and [[MLP|MLPs]] survive, here and as published?",
}
"""View -> the question that it answers."""
VIEWS = {
    "seeds": "Over seeds",
    "each": "Seed by seed",
    "tasks": "All tasks",
    "paths": "Pruning paths",
    "weights": "Single weights",
    "paper": "BERT-base",
}


@dataclass(frozen=True)
class Shown:
    """What the page is set to, and what of it the bundle holds."""

    view: View
    pruned: Pruned
    masks: dict[str, dict[int, Mask]]
    """Task -> seed -> mask, for the model and the way of pruning."""

    @property
    def own(self) -> dict[int, Mask]:
        """Seed -> mask of the selected task; never empty where a view is shown."""
        return self.masks.get(self.view.run.task, {})


def page(view: View) -> None:
    """A view is chosen, and only that one is computed."""
    run = view.run
    exhibits.pool()
    title = st.container(gap="xxsmall")
    notices.show()
    published = not view.task().own  # nothing is of a task of one's own data
    panel = switch(
        "View", {name: words for name, words in VIEWS.items() if name != "paper" or published}, "view", "survival.view"
    )
    tools = st.container(horizontal=True, gap="medium", vertical_alignment="center")
    pruned: Pruned = "together"
    if panel != "weights":
        with tools:
            pruned = switch("Pruned", PRUNED, "pruned", "survival.pruned")
    with title:
        page_title.show("" if panel == "tasks" else run.task, ASKS[panel])
        if panel not in ("tasks", "paper"):
            degenerate.note(view)
    shown = Shown(view, pruned, tickets_by_task(view.manifests, run.model, pruned))
    where = ({"view": panel} if panel != "seeds" else {}) | ({"pruned": pruned} if pruned != "together" else {})
    if panel != "seeds":
        state.write_url(run, None, **where)
    if panel not in ("tasks", "weights", "paper") and not shown.own:
        state.write_url(run, None, **where)
        key = Key(run, "structured", pruned)
        st.info(f"This was not pruned yet. {make_here.how(view, key)}", icon=":material/content_cut:")
        make_here.offer(view, [key], "survival")
        return
    panels: dict[str, Callable[[], None]] = {
        "seeds": lambda: _over_seeds(shown, where, tools),
        "each": lambda: views.seed_by_seed(shown.own, pruned),
        "tasks": lambda: views.all_tasks(view, shown.masks, pruned),
        "paths": lambda: _paths(shown),
        "weights": lambda: views.single_weights(view),
        "paper": lambda: published_panel(run.task, run.model, shown.own, pruned),
    }
    panels[panel]()


def _over_seeds(shown: Shown, where: dict[str, str], tools: DeltaGenerator) -> None:
    run, masks = shown.view.run, shown.own
    glossary.write(rule_words(run.model, shown.view.task().metric, shown.pruned, len(masks)))
    _grid(shown, where, tools)
    st.caption(size_words(masks, shown.pruned))
    steps = _steps(shown)
    if steps is not None:
        st.subheader("The tickets, seed by seed")
        _table(steps)
        _provenance(shown)


def _grid(shown: Shown, where: dict[str, str], tools: DeltaGenerator) -> None:
    """The survival of the chosen way of pruning, and what else the bundle knows of each head and MLP.

    Of one seed, the grid is what it kept and what it lost: a share of one seed is no share.
    """
    run, masks, shape = shown.view.run, shown.own, shape_of(shown.view.manifests, shown.view.run)
    own = {"survival": survival_overlay(masks)}
    if shown.pruned != "together":
        own = {"survival": only_pruned(own["survival"], shown.pruned)}
    if len(masks) > 1:
        own["spread"] = spread_overlay(masks, shown.pruned)
    found = overlay_picker.Offered({})
    if shown.view.has(Key(run, "finetune")):
        found = overlay_picker.overlays_of(shown.view, cached.known(shown.view, run))
    shows = overlay_picker.Offered(
        own | {name: cells for name, cells in found.by_name.items() if name not in own}, found.missing
    )
    with tools:
        of = _seed_chosen(run, masks)
        fill, ring = overlay_picker.choose(shows, "survival", fill=FILL)
    chosen = {"of": str(of)} if of is not None and len(masks) > 1 else {}
    state.write_url(run, None, **where, **chosen, **overlay_picker.in_url(fill, ring, default=FILL))
    mask = Mask.full(*shape) if of is None else masks[of]
    coloured = fill if len(masks) > 1 or fill != FILL else overlay_picker.NONE
    title = f"{shows.by_name[fill].label if coloured in shows.by_name else 'Heads and MLPs kept'}, {run.task}"
    with st.container(width=views.grid_width(*shape)):
        exhibits.grid(
            mask,
            title=title if of is None else f"{title}, seed {of}",
            caption=f"{model_name(run.model)} on {run.task}, {seeds(len(masks))}, pruned: "
            f"{PRUNED[shown.pruned].lower()}.",
            revision=f"survival-{mask.code}-{'-'.join(one.code for one in masks.values())}",
            key="survival.grid",
            disabled=True,
            **dress(shows.by_name, coloured, ring, shape).arguments,
        )


def _seed_chosen(run: Run, masks: Mapping[int, Mask]) -> int | None:
    """The seed whose ticket is shown; None for all of them together."""
    if len(masks) == 1:
        return next(iter(masks))
    names = {ALL: f"All {len(masks)} seeds"} | {str(seed): str(seed) for seed in masks}
    chosen = switch("Seed", names, "of", "survival.of")
    return None if chosen == ALL else int(chosen)


def _steps(shown: Shown) -> pd.DataFrame | None:
    """Every step of every seed's pruning; None for an imported model, whose masks came without them."""
    runs = [Run(shown.view.run.model, shown.view.run.task, seed) for seed in shown.own]
    runs = [run for run in runs if shown.view.has(Key(run, "structured", shown.pruned))]
    return cached.trajectories(shown.view, runs, shown.pruned) if runs else None


def _table(steps: pd.DataFrame) -> None:
    rows = []
    for seed, own in steps.groupby("seed", sort=False):
        full, ticket = own.iloc[0], own[own["held"]].iloc[-1]
        rows.append(
            {
                "seed": str(seed),
                "full model": _with_interval(full),
                "good ticket": _with_interval(ticket),
                "share of full": f"{ticket['score'] / full['score']:.0%}" if full["score"] > 0 else "–",
                "heads kept": ticket["heads_kept"],
                "MLPs kept": ticket["mlps_kept"],
                "masks tried": len(own),
                "n": full["n"],
            }
        )
    caption = "Scores on the dev set with their 95% intervals over its n examples."
    exhibits.table(pd.DataFrame(rows), key="survival.seeds", title="The tickets, seed by seed", caption=caption)
    st.caption(caption)


def _with_interval(row: pd.Series) -> str:
    return with_interval(row["score"], row["low"], row["high"])


def _paths(shown: Shown) -> None:
    steps = _steps(shown)
    if steps is None:
        st.info("The authors' files hold where pruning ended, not how it got there.", icon=":material/timeline:")
        return
    line = cached.majority_baseline(shown.view, shown.view.run.model, shown.view.run.task)
    st.markdown("How each seed lost its heads and MLPs, from the full model on the left to the smallest one that held.")
    exhibits.plot(
        trajectory_figure(
            steps,
            metric=shown.view.task().metric_words,
            majority=line.score if line else None,
            majority_title=line.title if line else "",
        ),
        key="survival.trajectory",
        title=f"Pruning paths on {shown.view.run.task}",
        caption="Each point is a mask scored on the whole dev set; hollow points fell below the dotted 90% line of "
        "their seed.",
        data=steps,
        alt="Score against the share of heads and MLPs that are left, a line a seed",
    )
    words = f" {line.title.capitalize()}: {plain(line.words)}{training_words(line)}." if line else ""
    st.caption(
        "Each point is a mask that was scored on the whole dev set; hollow points fell below the dotted 90% line of "
        f"their seed. Importance is measured anew after every step. Hover for scores with 95% intervals.{words}"
    )


def _provenance(shown: Shown) -> None:
    """Where the numbers come from, for the seed in the sidebar or the first that was pruned so."""
    keys = [Key(Run(shown.view.run.model, shown.view.run.task, seed), "structured", shown.pruned) for seed in shown.own]
    wanted = Key(shown.view.run, "structured", shown.pruned)
    by_key = shown.view.manifests.by_key
    manifest = by_key.get(wanted) or next(by_key[key] for key in keys if key in by_key)
    data = manifest.data["dev"]
    st.caption(
        f"Seed {manifest.seed}: {data['n']:,} dev examples ({plain(data['source'])}), checkpoint "
        f"{code(manifest.checkpoint_sha256[:12])}, {plain(manifest.made_on)}, {manifest.seconds:.0f} s, "
        f"{plain(manifest.created[:10])}. "
        f"Make it again: {code(manifest.command)}"
    )
