"""The survival page's other views: seed by seed, all tasks, and single weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures.claims import agreement_strip
from explorer.figures.heatmaps import Panel
from explorer.figures.overlap import overlap_figure
from explorer.figures.overlays import weights_overlay
from explorer.figures.print.tables import agreement_table
from explorer.mask import Mask
from explorer.stats.agreement import Agreement, PairOfSeeds, Statistic
from explorer.stats.intervals import seed_spread
from explorer.stats.overlap import Kind, OverlapMatrix
from explorer.stats.survival import survival
from explorer.store.paper.published import published
from explorer.store.schema import Key
from explorer.store.task_tickets import Pruned, shape_of
from explorer.study.claims import few_seeds
from explorer.ui import cached
from explorer.ui.view import View
from explorer.ui.widgets import degenerate, exhibits, glossary, make_here
from explorer.ui.widgets.panels import is_dark, panels_row
from explorer.ui.widgets.words import counted, minus, model_name, seeds, share_sd

NAMES: dict[Kind, str] = {"heads": "heads", "mlps": "MLPs"}


def seed_by_seed(masks: Mapping[int, Mask], pruned: Pruned) -> None:
    """Each seed's ticket as a small model, and how far the seeds agree."""
    st.markdown("What pruning left on with each fine-tuning seed, all else being equal.")
    panels_row(
        [mask_panel(f"Seed {seed}", [mask], pruned) for seed, mask in masks.items()],
        "survival.each",
        value="kept",
        low="off",
        high="kept",
        number=".0f",
        title="What pruning left on, seed by seed",
    )
    st.subheader("Do the seeds agree?")
    if len(masks) < 2:
        st.info("There is one seed; whether seeds agree takes two.", icon=":material/casino:")
        return
    shape = next(iter(masks.values())).heads.shape
    sides = cached.seed_agreement(tuple((seed, mask.code) for seed, mask in masks.items()), *shape)
    sides_pruned = [side for side in sides if _is_pruned(side.kind, pruned)]
    st.markdown(f"{_in_words(sides_pruned)} {few_seeds(len(masks))}".rstrip())
    with st.container(width=560):
        exhibits.plot(
            agreement_strip(sides_pruned, {}),
            key="survival.agreement",
            title="Agreement of the seeds beside chance",
            data=lambda: agreement_table(sides_pruned, {}),
            caption="Fleiss' kappa: 1 where all seeds keep the same. Grey: 95% of what chance gives.",
            alt="Fleiss' kappa of heads and MLPs beside its interval by chance",
        )
    rows = [
        {"of": NAMES[side.kind], "statistic": name, **_statistic_row(statistic)}
        for side in sides_pruned
        for name, statistic in _statistics(side)
    ]
    exhibits.table(pd.DataFrame(rows), key="survival.statistics", title="Agreement of the seeds in numbers")
    glossary.caption(
        "[[kappa|Kappa]] and [[Krippendorff's alpha|alpha]]: 1 where all seeds keep the same, 0 where they agree as by "
        "chance. Grey: what chance gives, each seed's ticket shuffled over the model 1,000 times; the [[interval]] "
        "holds 95% of them. [[Cochran's Q]] tests "
        "whether the seeds keep equally many."
    )


def all_tasks(view: View, masks: Mapping[str, Mapping[int, Mask]], pruned: Pruned) -> None:
    """Survival of every task at once, and how many heads and MLPs two tasks share beside chance."""
    if not masks:
        key = Key(view.run, "structured", pruned)
        st.info(f"Nothing was pruned so yet. {make_here.how(view, key, 'This task')}", icon=":material/content_cut:")
        make_here.offer(view, [key], "survival.tasks")
        return
    counts = {len(by_seed) for by_seed in masks.values()}
    several = f"{min(counts)} seeds" if len(counts) == 1 and counts != {1} else "seeds"
    st.markdown(f"In how many {several} each head and MLP of {model_name(view.run.model)} survives, task by task.")
    panels_row(
        [
            _task_panel(view, task, list(by_seed.values()), pruned, count=len(counts) > 1)
            for task, by_seed in masks.items()
        ],
        "survival.tasks",
        value="survives in a share of",
        low="never",
        high="always",
        title="Survival, task by task",
    )
    st.subheader("Do tasks need the same heads?")
    nothing = [task for task in masks if not degenerate.has_learnt(view, task)]
    if nothing:
        st.caption(
            f"Left out: {', '.join(nothing)}. There the full model does not beat its baseline, so what survives says "
            "nothing."
        )
        masks = {task: by_seed for task, by_seed in masks.items() if task not in nothing}
    if len(masks) < 2:
        st.info("There is one such task here; what tasks share takes two.", icon=":material/compare:")
        return
    matrix = cached.overlap(
        tuple((task, seed, mask.code) for task, by_seed in masks.items() for seed, mask in by_seed.items()),
        *next(iter(next(iter(masks.values())).values())).heads.shape,
    )
    kinds: list[Kind] = [kind for kind in NAMES if _is_pruned(kind, pruned)]
    for kind, column in zip(kinds, st.columns(len(kinds), gap="large"), strict=True):
        with column:
            st.markdown(f"**{NAMES[kind].capitalize() if kind == 'heads' else 'MLPs'}** that two tasks both keep")
            exhibits.plot(
                overlap_figure(matrix, kind, dark=is_dark()),
                key=f"survival.overlap.{kind}",
                title=f"{'Heads' if kind == 'heads' else 'MLPs'} that two tasks both keep",
                caption="Mean over the seeds that both tasks have; in bold what 95% of two random tickets of these "
                "sizes do not reach.",
                data=pd.DataFrame([asdict(row) for row in matrix.rows if row.kind == kind]),
                alt=f"{NAMES[kind]} that two tasks share, beside chance",
            )
            st.markdown(_overlap_words(matrix, kind))
    st.caption(
        "Mean over the seeds that both tasks have, each seed with itself. Chance: two random tickets of these sizes "
        "(hypergeometric); in bold what 95% of them do not reach. Hover for the numbers."
    )


def single_weights(view: View) -> None:
    """Draws the share of its weights that each head and MLP keeps under magnitude pruning."""
    run = view.run
    by_seed = cached.study(view, run.model, run.task)
    name = "magnitude/good/pruned"
    found = {seed: scores[name] for seed, scores in by_seed.items() if name in scores}
    theirs = published().magnitude_kept_share.get(run.task)
    beside = f" BERT-base, as published: {theirs:.0%} of its weights." if theirs is not None else ""
    if not found:
        key = Key(run, "magnitude", "good")
        ours = "" if any(m.stage == "finetune" and m.model == run.model for m in view.manifests) else "imported"
        make = "The authors' files hold no weights." if ours else make_here.how(view, key)
        st.info(f"No single weights were pruned for {run.task} here. {make}{beside}", icon=":material/grain:")
        make_here.offer(view, [key], "survival.weights")
        return
    artefacts = {seed: cached.artefact(view, one.key) for seed, one in found.items()}
    heads = np.stack([artefacts[seed].arrays["heads"][one.row] for seed, one in found.items()])
    mlps = np.stack([artefacts[seed].arrays["mlps"][one.row] for seed, one in found.items()])
    st.markdown(
        "Instead of whole heads, the smallest weights of the model are removed, a tenth at a time, while the score "
        "stays above 90%. A cell's colour says what share of its weights is left."
    )
    low, high = float(min(heads.min(), mlps.min())), float(max(heads.max(), mlps.max()))
    weights = weights_overlay(heads, mlps, (low, high))
    shape = shape_of(view.manifests, run)
    with st.container(width=grid_width(*shape)):
        exhibits.grid(
            Mask.full(*shape),
            title=f"Share of weights left, {run.task}",
            caption=f"Magnitude pruning of {model_name(run.model)}, mean over {seeds(len(found))}.",
            revision=f"weights-{run.model}-{run.task}-{view.stamp}",
            key="survival.weights",
            fill=weights.overlay,
            hover_heads=[list(row) for row in weights.head_words],
            hover_mlps=list(weights.mlp_words),
            disabled=True,
        )
    spread = seed_spread([one.share_kept for one in found.values()])
    sd = "" if np.isnan(spread.sd) else f" (sd {share_sd(spread.sd)})"
    st.caption(f"{spread.mean:.0%}{sd} of the weights are left, mean over {seeds(len(found))}.{beside}")
    if len(found) > 1:
        st.subheader("Seed by seed")
        panels_row(
            [
                Panel(f"Seed {seed}", f"{one.share_kept:.0%} of weights", heads[at], mlps[at])
                for at, (seed, one) in enumerate(found.items())
            ],
            "survival.weights.each",
            value="share of weights left",
            low=f"{low:.0%}",
            high=f"{high:.0%}",
            span=(low, high),
            number=".0%",
            title="Share of weights left, seed by seed",
        )


def _task_panel(view: View, task: str, masks: Sequence[Mask], pruned: Pruned, *, count: bool) -> Panel:
    """A task's panel, marked where its full model has learnt nothing. count: whether it says how many seeds it has."""
    panel = mask_panel(task, masks, pruned)
    if not count:  # the sentence above says it of all
        panel = replace(panel, note=panel.note.removesuffix(f", {seeds(len(masks))}"))
    if degenerate.has_learnt(view, task):
        return panel
    return replace(panel, title=f"{task}, learnt nothing")


def grid_width(n_layers: int, n_heads: int) -> int:
    """Pixels: so wide that a grid and its legend are seen at once on a laptop, in squares of 24 pixels or more."""
    cell = max(24, min(36, 252 // n_layers))
    return int(cell * (n_heads + 2.6)) + 100


def mask_panel(title: str, masks: Sequence[Mask], pruned: Pruned) -> Panel:
    """Survival over the masks as a small model; what was not pruned is left out."""
    share = survival(masks)
    parts = []
    if pruned != "mlps":
        parts.append(counted(share.heads.kept_spread.mean, "head"))
    if pruned != "heads":
        parts.append(counted(share.mlps.kept_spread.mean, "MLP"))
    note = ", ".join(parts) + (f", {seeds(len(masks))}" if not title.startswith("Seed") else "")
    heads = share.heads.mean if pruned != "mlps" else np.full(share.heads.mean.shape, np.nan)
    mlps = share.mlps.mean if pruned != "heads" else np.full(share.mlps.mean.shape, np.nan)
    return Panel(title, note, heads, mlps, one_mask=len(masks) == 1)


def _is_pruned(kind: Kind, pruned: Pruned) -> bool:
    return pruned in ("together", kind)


def _in_words(sides: Sequence[Agreement]) -> str:
    sentences = []
    for side in sides:
        kappa, name = side.fleiss_kappa, NAMES[side.kind]
        if kappa.undefined or kappa.chance is None or kappa.chance.note:
            why = kappa.undefined or (kappa.chance.note if kappa.chance else "")
            sentences.append(f"Of {name}: {why}")
        elif kappa.value > kappa.chance.high:
            sentences.append(f"On {name}, the seeds agree more than by chance (kappa {minus(f'{kappa.value:.2f}')}).")
        else:
            sentences.append(
                f"On {name}, the seeds agree no more than by chance (kappa {minus(f'{kappa.value:.2f}')})."
            )
    return " ".join(sentences)


def _overlap_words(matrix: OverlapMatrix, kind: Kind) -> str:
    rows = [
        row
        for row in matrix.rows
        if row.kind == kind and matrix.tasks.index(row.task_a) < matrix.tasks.index(row.task_b)
    ]
    known = [row for row in rows if not row.undefined]
    if not known:
        return "No two tasks have a seed in common."
    more = [row for row in known if row.shared > row.chance_high]
    if len(known) == 1:
        row = known[0]
        verdict = "more than by chance" if more else "no more than by chance"
        chance = f"{row.chance_low:.1f} to {row.chance_high:.1f}"
        return f"{row.task_a} and {row.task_b} share {row.shared:.1f}: {verdict} ({chance})."
    return f"{len(more)} of {len(known)} pairs of tasks share more than by chance."


def _statistics(side: Agreement) -> list[tuple[str, Statistic]]:
    return [
        ("Fleiss' kappa", side.fleiss_kappa),
        ("Krippendorff's alpha", side.krippendorff_alpha),
        ("Cochran's Q", side.cochrans_q),
        *((f"Cochran's Q, {pair.seed_a} and {pair.seed_b}", pair.cochrans_q) for pair in _pairs(side)),
    ]


def _pairs(side: Agreement) -> tuple[PairOfSeeds, ...]:
    """Each pair of seeds, where there are more seeds than the one pair (Prasanna et al. 2020, section 4)."""
    return side.pairs if len(side.seeds) > 2 else ()


def _statistic_row(statistic: Statistic) -> dict[str, str]:
    if statistic.undefined:
        return {"value": "undefined", "p": "", "by chance": statistic.undefined}
    chance = statistic.chance
    by_chance = "" if chance is None else chance.note or f"{chance.mean:.3f} [{chance.low:.3f}, {chance.high:.3f}]"
    p = statistic.p if statistic.p is not None else (chance.p if chance else None)
    return {"value": minus(f"{statistic.value:.3f}"), "p": _p(p), "by chance": minus(by_chance)}


def _p(p: float | None) -> str:
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
