"""Page: which heads and MLPs survive pruning, over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.agreement import Agreement, Statistic
from explorer.analysis.baseline import uninformed_score
from explorer.analysis.survival import Survival, survival
from explorer.figures.trajectory import trajectory_figure
from explorer.glue.metrics import METRIC_WORDS
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.schema import Key, Manifest, Run
from explorer.ui import cached, state
from explorer.ui.head_grid import Overlay, head_grid
from explorer.ui.published_panel import published_panel

VARIANT = "together"


def page(root: Path, stamp: float, selection: state.Selection, manifests: Sequence[Manifest]) -> None:
    """The heatmap over seeds, each seed's ticket, how far the seeds agree, and the pruning paths."""
    task = TASKS[selection.run.task]
    st.header(f"Which heads survive on {task.name}?")
    pruned = {m.key.run: m for m in manifests if m.key == Key(m.key.run, "structured", VARIANT)}
    runs = [run for run in selection.runs if run in pruned]
    if not runs:
        st.info(
            f"Nothing was pruned for {task.name} yet. Make it: "
            f"`python -m precompute prune --task {task.name} --seed {selection.run.seed} --bundle cache`",
            icon=":material/content_cut:",
        )
        st.stop()
    shape = cached.known(root, stamp, runs[0]).shape
    masks = {run: Mask.from_code(str(pruned[run].summary["ticket"]), *shape) for run in runs}
    st.markdown(
        f"Heads and MLPs of {runs[0].model} are switched off, least important first, while {METRIC_WORDS[task.metric]} "
        f"on the dev set stays above 90% of the full model's. What is left is the *good ticket*. A cell's colour says "
        f"in how many of {len(runs)} fine-tuning {_seeds(len(runs))} it is part of it."
    )
    summary = survival(list(masks.values()))
    _grid(summary, masks, shape)
    st.subheader("The tickets, seed by seed")
    steps = cached.trajectories(root, stamp, runs, VARIANT)
    _table(runs, steps)
    if len(runs) > 1:
        st.subheader("Do the seeds agree?")
        _agreement(masks, shape)
    st.subheader("How each seed got there")
    labels = cached.known(root, stamp, runs[0]).labels
    st.plotly_chart(
        trajectory_figure(steps, metric=METRIC_WORDS[task.metric], majority=uninformed_score(task.metric, labels)),
        key="survival.trajectory",
    )
    st.caption(
        "Each point is a mask that was scored on the whole dev set; hollow points fell below the dotted 90% line "
        "of their seed. Importance is measured anew after every step. Hover for scores with 95% intervals."
    )
    _provenance(pruned[selection.run] if selection.run in pruned else pruned[runs[0]])
    st.subheader("Beside the paper: BERT-base, as published")
    published_panel(task.name)


def _seeds(n: int) -> str:
    return "seed" if n == 1 else "seeds"


def _grid(summary: Survival, masks: dict[Run, Mask], shape: tuple[int, int]) -> None:
    n = summary.n_seeds
    heads = np.stack([mask.heads for mask in masks.values()])
    mlps = np.stack([mask.mlps for mask in masks.values()])
    seeds = [run.seed for run in masks]

    def words(kept: np.ndarray, mean: float, sd: float) -> str:
        which = ", ".join(str(seed) for seed, k in zip(seeds, kept, strict=True) if k)
        spread = f", sd {sd:.2f}" if n > 1 else ""
        return (
            f"Survives in {int(kept.sum())} of {n} {_seeds(n)}"
            + (f": {which}" if which else "")
            + (f". Mean {mean:.2f}{spread}")
        )

    head_grid(
        Mask.full(*shape),
        revision=f"survival-{'-'.join(mask.code for mask in masks.values())}",
        key="survival.grid",
        fill=Overlay(summary.heads.mean, summary.mlps.mean, f"Survives, of {n} {_seeds(n)}", "never", "always"),
        hover_heads=[
            [words(heads[:, i, j], summary.heads.mean[i, j], summary.heads.sample_sd[i, j]) for j in range(shape[1])]
            for i in range(shape[0])
        ],
        hover_mlps=[words(mlps[:, i], summary.mlps.mean[i], summary.mlps.sample_sd[i]) for i in range(shape[0])],
        disabled=True,
    )
    spread = summary.heads.kept_spread
    words_kept = f"On average {spread.mean:.1f} of {heads[0].size} heads and {summary.mlps.kept_spread.mean:.1f} of "
    words_kept += f"{shape[0]} MLPs survive"
    if n > 1:
        words_kept += f" (heads: sd {spread.sd:.1f} over seeds)"
    always, never = int((heads.all(axis=0)).sum()), int((~heads.any(axis=0)).sum())
    st.caption(f"{words_kept}. {always} heads survive in every seed, {never} in none.")


def _table(runs: list[Run], steps: pd.DataFrame) -> None:
    rows = []
    for run in runs:
        own = steps[steps["seed"] == run.seed]
        full, ticket = own.iloc[0], own[own["held"]].iloc[-1]
        rows.append(
            {
                "seed": str(run.seed),
                "full model": _with_interval(full),
                "good ticket": _with_interval(ticket),
                "share of full": ticket["score"] / full["score"] if full["score"] > 0 else None,
                "heads kept": ticket["heads_kept"],
                "MLPs kept": ticket["mlps_kept"],
                "masks tried": len(own),
                "n": full["n"],
            }
        )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={"share of full": st.column_config.NumberColumn(format="percent")},
    )
    st.caption("Scores on the dev set with their 95% intervals over its n examples.")


def _with_interval(row: pd.Series) -> str:
    return f"{row['score']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _agreement(masks: dict[Run, Mask], shape: tuple[int, int]) -> None:
    codes = tuple((run.seed, mask.code) for run, mask in masks.items())
    rows = []
    for side in cached.seed_agreement(codes, *shape):
        for name, statistic in _statistics(side):
            rows.append({"of": side.kind, "statistic": name, **_statistic_row(statistic)})
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption(
        "Components are the subjects, seeds the raters. Chance: each seed's mask shuffled over positions, "
        "1,000 times; the interval holds 95% of them. Cochran's Q tests whether seeds keep equally many."
    )


def _statistics(side: Agreement) -> list[tuple[str, Statistic]]:
    return [
        ("Fleiss' kappa", side.fleiss_kappa),
        ("Krippendorff's alpha", side.krippendorff_alpha),
        ("Cochran's Q", side.cochrans_q),
    ]


def _statistic_row(statistic: Statistic) -> dict[str, str]:
    if statistic.undefined:
        return {"value": "undefined", "p": "", "by chance": statistic.undefined}
    chance = statistic.chance
    by_chance = "" if chance is None else chance.note or f"{chance.mean:.3f} [{chance.low:.3f}, {chance.high:.3f}]"
    p = statistic.p if statistic.p is not None else (chance.p if chance else None)
    return {"value": f"{statistic.value:.3f}", "p": "" if p is None else f"{p:.3f}", "by chance": by_chance}


def _provenance(manifest: Manifest) -> None:
    data = manifest.data["dev"]
    st.caption(
        f"Seed {manifest.seed}: {data['n']:,} dev examples ({data['source']}), checkpoint "
        f"`{manifest.checkpoint_sha256[:12]}`, {manifest.device}, {manifest.seconds:.0f} s, {manifest.created[:10]}. "
        f"Make it again: `{manifest.command}`"
    )
