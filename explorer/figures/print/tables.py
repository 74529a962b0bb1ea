"""The numbers behind figures as tidy tables, one row an observation, for the CSV beside each figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from explorer.figures.claims import StripRow
from explorer.figures.importance import Side
from explorer.figures.tickets import Bar
from explorer.stats.agreement import Agreement
from explorer.stats.intervals import Score


def strip_table(rows: Sequence[StripRow]) -> pd.DataFrame:
    """A row a seed of ours; for the published ones, which come without seeds, a row with mean and sd."""
    found: list[dict[str, Any]] = []
    for row in rows:
        for seed, score in row.ours.by_seed.items():
            found.append({"condition": row.label, "whose": "ours", "seed": seed, "score": score})
        for whose, evidence in (("ours, mean", row.ours), ("published, mean", row.theirs)):
            if evidence.mean == evidence.mean:
                found.append({"condition": row.label, "whose": whose, "score": evidence.mean, "sample_sd": evidence.sd})
    return pd.DataFrame(found, columns=["condition", "whose", "seed", "score", "sample_sd"])


def agreement_table(kinds: Sequence[Agreement], published_kappas: Mapping[str, float]) -> pd.DataFrame:
    """Fleiss' kappa of heads and of MLPs with its interval by chance; the published ones, which are of heads."""
    rows: list[dict[str, Any]] = []
    for of in kinds:
        kappa, chance = of.fleiss_kappa, of.fleiss_kappa.chance
        low, high = (chance.low, chance.high) if chance is not None else (None, None)
        rows.append(
            {
                "of": of.kind,
                "whose": "ours",
                "n_seeds": len(of.seeds),
                "kappa": kappa.value,
                "chance_low": low,
                "chance_high": high,
            }
        )
    rows += [{"of": "heads", "whose": f"published, {task}", "kappa": value} for task, value in published_kappas.items()]
    return pd.DataFrame(rows, columns=["of", "whose", "n_seeds", "kappa", "chance_low", "chance_high"])


def bars_table(bars: Sequence[Bar]) -> pd.DataFrame:
    """A row a bar, and one a seed."""
    rows: list[dict[str, Any]] = []
    for bar in bars:
        what = {"ticket": bar.kind, "state": bar.state}
        if bar.mean == bar.mean:
            rows.append(what | {"seed": "mean", "score": bar.mean, "sample_sd": bar.sample_sd, "n_seeds": bar.n_seeds})
        rows += [what | {"seed": seed, "score": score} for seed, score in bar.by_seed.items()]
    return pd.DataFrame(rows, columns=["ticket", "state", "seed", "score", "sample_sd", "n_seeds"])


def importance_table(sides: Sequence[Side]) -> pd.DataFrame:
    """A row a head or MLP: its importance and what switching it off alone loses."""
    rows = [
        {"kind": side.word, "part": name, "importance": importance, "score_lost_alone_off": loss}
        for side in sides
        for name, importance, loss in zip(side.names, side.importance.ravel(), side.loss.ravel(), strict=True)
    ]
    return pd.DataFrame(rows)


def score_table(this: Score | None, other: Score, names: tuple[str, str] = ("this mask", "full model")) -> pd.DataFrame:
    """Two scores with their intervals: of a mask, and of what it is held against."""
    return pd.DataFrame(
        [
            {"of": name, "metric": one.metric, "score": one.value, "low": one.low, "high": one.high, "n": one.n}
            for name, one in zip(names, (this, other), strict=True)
            if one is not None
        ]
    )
