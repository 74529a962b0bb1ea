"""The paper's question on the Patterns page: are survivors the heads with meaningful patterns?"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st

from explorer.errors import BadBundle
from explorer.figures.pattern_shares import Bar, classes_html, share_bars
from explorer.figures.signed import signed
from explorer.patterns.classes import CLASSES
from explorer.patterns.per_head import MAP_KINDS, MapKind
from explorer.stats.multiple import holm
from explorer.store.paper.published import published
from explorer.store.schema import Run
from explorer.study.survivor_patterns import WEIGHTS, GroupPatterns, SurvivorPatterns
from explorer.study.words import p_words
from explorer.ui import cached
from explorer.ui.view import View
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.plain_text import failed
from explorer.ui.widgets.words import model_name, seeds

WEIGHTS_SAID = {"finetuned": "Fine-tuned", "pretrained": "Pre-trained"}
KINDS_SAID: dict[MapKind, str] = {"raw": "Raw attention", "norm": "Norm-weighted attention"}
_SOME = 0.05
"""Below this a p-value is called evidence."""


def panel(view: View) -> None:
    """Bars, tests and a sentence of what they say; where something is missing, the command that makes it."""
    run = view.run
    st.markdown(
        "Prasanna et al. (2020, section 6) ask whether pruning keeps the heads whose attention may mean something. "
        "Of the five classes only *heterogeneous* maps may: the others look at positions and separators."
    )
    within = st.toggle(
        "Compare within layers",
        key="patterns.within",
        help="Chance groups then have as many heads in every layer as the survivors have: early and late layers differ "
        "both in their patterns and in how many of their heads survive.",
    )
    try:
        with st.spinner("Drawing chance groups …", show_time=False):
            found = cached.patterns_of_survivors(view, run.model, run.task, within)
    except BadBundle as error:
        failed(error)
        return
    if found.groups:
        st.markdown(exhibits.say(_answer(found), "answer"))
        st.html(classes_html(CLASSES))
        for column, kind in zip(st.columns(2, gap="large"), MAP_KINDS, strict=True):
            with column:
                _bars(found, kind, run)
        _tests(found)
    for note in found.notes:
        st.caption(note)


def _bars(found: SurvivorPatterns, kind: MapKind, run: Run) -> None:
    bars = []
    for weights in reversed(WEIGHTS):
        groups = [group for group in found.groups if (group.weights, group.kind) == (weights, kind)]
        whose = f"{model_name(run.model)}, {seeds(len(groups[0].seeds))}" if groups else ""
        if groups:
            test = groups[0].test
            bars.append(Bar(WEIGHTS_SAID[weights], "all heads", test.all_shares, f"{test.n_all} heads: {whose}"))
        for group in groups:
            note = f"{group.test.n_group} heads: {whose}"
            bars.append(Bar(WEIGHTS_SAID[weights], group.group, group.test.shares, note))
    patterns = published().patterns
    theirs = (patterns.raw if kind == "raw" else patterns.norm_weighted).get(run.task)
    if theirs is not None:
        shares = np.array([theirs[name] for name in CLASSES])
        bars.append(Bar("Published", "super-survivors", shares, f"BERT-base, {patterns.source}"))
    st.markdown(f"**{KINDS_SAID[kind]}**")
    exhibits.plot(
        share_bars(bars, CLASSES),
        key=f"patterns.shares.{kind}",
        title=f"Attention patterns of survivors, {KINDS_SAID[kind].lower()}, {run.task}",
        caption="Share of maps of each class among groups of heads",
        data=_shares(bars),
        alt=f"Shares of the five attention classes among groups of heads, {KINDS_SAID[kind].lower()}",
    )
    if theirs is None:
        st.caption(f"The paper published no shares for {run.task}.")


def _shares(bars: list[Bar]) -> pd.DataFrame:
    rows = [{"weights": bar.section, "heads": bar.group} | dict(zip(CLASSES, bar.shares, strict=True)) for bar in bars]
    return pd.DataFrame(rows)


def _answer(found: SurvivorPatterns) -> str:
    """What the tests say, in a few plain sentences."""
    said = []
    for weights, kind in (("finetuned", "raw"), ("finetuned", "norm"), ("pretrained", "raw"), ("pretrained", "norm")):
        one = _group(found, weights, kind, "survivors")
        if one is not None:
            said.append(f"- {WEIGHTS_SAID[weights]}, {KINDS_SAID[one.kind].lower()}: {_one(one)}")
    tested = [g for g in found.groups if not math.isnan(g.test.difference_p)]
    corrected = holm([g.test.difference_p for g in tested])
    clear = [g for g, p in zip(tested, corrected, strict=True) if p < _SOME]
    nominal = [g for g in tested if g.test.difference_p < _SOME]
    signs = {g.test.difference > 0 for g in clear}
    if not tested:
        head = "**Nothing can be compared here.**"
    elif not clear:
        head = (
            f"**There is no evidence here that survivors are the heads with meaningful patterns**: in none of "
            f"{len(tested)} comparisons does their share of heterogeneous maps differ from chance, once p is corrected "
            f"for their number (Holm, p < {_SOME})."
        )
        if nominal:
            head += (
                f" Uncorrected, {len(nominal)} of the p-values below {'is' if len(nominal) == 1 else 'are'} under "
                f"{_SOME}; by chance alone about {len(tested) * _SOME:.1f} would be."
            )
    else:
        way = "sometimes more and sometimes fewer" if len(set(signs)) > 1 else "more" if True in signs else "fewer"
        head = (
            f"**In {len(clear)} of {len(tested)} comparisons the surviving heads have {way} heterogeneous maps than "
            f"chance** (p < {_SOME}, corrected for their number: Holm)."
        )
    return head + _other_classes(found, clear) + "\n\n" + "\n".join(said)


def _other_classes(found: SurvivorPatterns, clear: list[GroupPatterns]) -> str:
    """A sentence on the shares of all five classes, which may differ from chance where the tested one does not."""
    tested = [g for g in found.groups if not math.isnan(g.test.distance_p)]
    corrected = holm([g.test.distance_p for g in tested])
    differ = sum(p < _SOME for p in corrected)
    if not differ:
        return ""
    which = "also differ" if clear else "do differ"
    return f" The five classes together {which} from chance in {differ} of {len(tested)} comparisons (corrected alike)."


def _one(group: GroupPatterns) -> str:
    test = group.test
    if test.undefined:
        return test.undefined
    return (
        f"{test.share:.0%} of the survivors' maps are {test.tested}; as many heads drawn at random have "
        f"{test.by_chance:.0%} ({signed(100 * test.difference, 1)} percentage points, {p_words(test.difference_p)})."
    )


def _group(found: SurvivorPatterns, weights: str, kind: str, name: str) -> GroupPatterns | None:
    return next((g for g in found.groups if (g.weights, g.kind, g.group) == (weights, kind, name)), None)


def _tests(found: SurvivorPatterns) -> None:
    rows = []
    for group in sorted(found.groups, key=lambda group: group.weights != "finetuned"):
        test = group.test
        rows.append(
            {
                "maps": f"{WEIGHTS_SAID[group.weights]}, {KINDS_SAID[group.kind].lower()}",
                "group": group.group,
                "heads": test.n_group,
                "heterogeneous": test.share,
                "by chance": test.by_chance,
                "p": test.difference_p,
                "p, all classes": test.distance_p,
            }
        )
    percent = st.column_config.NumberColumn(format="percent")
    number = st.column_config.NumberColumn(format="%.4f")
    exhibits.table(
        pd.DataFrame(rows),
        key="patterns.tests",
        title="Survivors beside chance groups of heads",
        column_config={"heterogeneous": percent, "by chance": percent, "p": number, "p, all classes": number},
    )
    some = next(iter(found.groups)).test
    st.caption(
        f"Permutation tests with {some.permutations:,} draws; heads are shuffled alike in all seeds. *heads* counts a "
        "head once a seed. *p* is two-sided, for the share of heterogeneous maps; *p, all classes* is for any "
        f"difference in the five shares. Survivors are known for {seeds(len(found.ticket_seeds))}; super-survivors "
        "survive in all of them. The published shares are of another model, BERT-base, under another "
        "classifier: compare the picture, not the digits."
    )
    for text in dict.fromkeys(g.test.undefined for g in found.groups if g.test.undefined):
        st.caption(text)
