"""The Patterns page's maps: one large or two side by side, and what the heads do in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from explorer.errors import ExplorerError
from explorer.figures.attention import map_figure
from explorer.foreign import whole_number
from explorer.mask import Mask
from explorer.patterns.classes import MEANINGS, UNCERTAIN
from explorer.patterns.per_head import MapKind
from explorer.patterns.samples import Sample
from explorer.patterns.statistics import STATISTICS, statistics
from explorer.study.survivor_patterns import Weights, attention_key
from explorer.ui import cached, cached_models, link, notices, state
from explorer.ui.pages.patterns.lines import token_lines
from explorer.ui.scoring import dev_data
from explorer.ui.view import View
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.panels import is_dark
from explorer.ui.widgets.plain_text import failed
from explorer.ui.widgets.words import seeds

Maps = NDArray[np.float32]
NOTHING, OTHER_HEAD, OTHER_MODEL, LAB, TICKET = "nothing", "head", "model", "lab", "ticket"
UNITS: dict[MapKind, str] = {"raw": "attention", "norm": "norm-weighted attention"}
_COMPARE, _SECOND = "patterns.compare", "patterns.second_head"
_WHICH: dict[Weights, str] = {"finetuned": "fine-tuned", "pretrained": "pre-trained"}
_SAID = {
    "entropy": "Spread (entropy, nats)",
    "distance": "Distance (tokens)",
    "cls": "to [CLS]",
    "sep": "to [SEP]",
    "punctuation": "to punctuation",
    "self": "to itself",
    "previous": "to the previous",
    "next": "to the next",
    "other": "to the other sentence",
}


@dataclass(frozen=True, eq=False)
class Shown:
    """The settings of the page, with the sentence that they select."""

    view: View
    which: Weights
    kind: MapKind
    table: pd.DataFrame
    """The table of the attention artefact, a row a head and kind of attention."""
    sample: Sample
    chosen: tuple[int, int]
    typed: bool
    """Whether somebody typed the sentence, so that only the model knows its maps."""
    survives: NDArray[np.int64] | None
    n_seeds: int

    def values(self, sample: Sample) -> Maps:
        """(L, H, T, T) of the chosen kind."""
        return sample.maps.raw if self.kind == "raw" else sample.maps.norm_weighted


@dataclass(frozen=True, eq=False)
class Beside:
    """What the chosen map is compared with."""

    how: str
    title: str
    head: tuple[int, int]
    sample: Sample
    table: pd.DataFrame | None
    """What was measured over all sentences; None under a mask, where nothing was."""
    mask: Mask | None = None
    notes: tuple[str, ...] = ()


def heads_differ(beside: Beside) -> bool:
    """Whether what stands beside is another head of the same model."""
    return beside.how == OTHER_HEAD


def head_name(head: tuple[int, int]) -> str:
    """'Layer 1, head 1'."""
    return f"Layer {head[0] + 1}, head {head[1] + 1}"


def remember_link() -> None:
    """Keeps what the link compares, for when there is a sentence to compare on."""
    ways = (NOTHING, OTHER_HEAD, OTHER_MODEL, LAB, TICKET)
    for kept, wanted in ((_COMPARE, link.one_of("compare", ways)), (_SECOND, link.now("with"))):
        if wanted and kept not in st.session_state:
            st.session_state[kept] = wanted


def compare_with(shown: Shown, patterns: NDArray[Any]) -> tuple[Beside | None, dict[str, str]]:
    """The choice of what stands beside the map, made ready; and what the address says of it."""
    other: Weights = "pretrained" if shown.which == "finetuned" else "finetuned"
    names = {
        NOTHING: "Nothing",
        OTHER_HEAD: "Another head",
        OTHER_MODEL: f"The {_WHICH[other]} model",
        LAB: "The lab's mask",
        TICKET: "The good ticket's mask",
    }
    if shown.which != "finetuned":  # masks are of the fine-tuned model
        names = {name: words for name, words in names.items() if name not in (LAB, TICKET)}
    options, kept = list(names), _COMPARE
    wanted = st.session_state.get(kept)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        how: str = st.selectbox(
            "Beside it",
            options,
            index=options.index(wanted) if wanted in options else 0,
            format_func=names.__getitem__,
            key=f"{kept}.widget.{len(options)}.{other}",
        )
        st.session_state[kept] = how
        second = _second(shown, patterns) if how == OTHER_HEAD else None
    if how == NOTHING:
        return None, {}
    words = {"compare": how}
    try:
        if second is not None:
            words["with"] = f"{second[0] + 1}.{second[1] + 1}"
            title = f"{head_name(second)}: {patterns[second]}"
            return Beside(how, title, second, shown.sample, shown.table), words
        if how == OTHER_MODEL:
            return _other_model(shown, other), words
        return _masked(shown, how), words
    except ExplorerError as error:
        failed(error)
        return None, words


def _second(shown: Shown, patterns: NDArray[Any]) -> tuple[int, int]:
    places = [(layer, head) for layer in range(patterns.shape[0]) for head in range(patterns.shape[1])]
    kept = _SECOND
    asked = (st.session_state.get(kept) or "").split(".")
    wanted = tuple(number - 1 for part in asked[:3] if (number := whole_number(part)) is not None)
    fallback = next((place for place in places if place != shown.chosen), places[0])
    if link.asked("with") and wanted not in places:
        notices.notice(f"There is no head {st.session_state[kept][:20]!r} in this model to compare with.")
    chosen: tuple[int, int] = st.selectbox(
        "Which head",
        places,
        index=places.index(wanted) if wanted in places else places.index(fallback),
        format_func=lambda place: f"{head_name(place)}: {patterns[place]}",
        key=f"{kept}.widget",
    )
    st.session_state[kept] = f"{chosen[0] + 1}.{chosen[1] + 1}"
    return chosen


def _other_model(shown: Shown, other: Weights) -> Beside | None:
    run = shown.view.run
    key = attention_key(run.model, run.task, run.seed, other)
    table = cached.artefact(shown.view, key).table
    title = f"{head_name(shown.chosen)}, {_WHICH[other]}"
    if not shown.typed:
        stored = cached.attention_samples(shown.view, key)
        same = next((sample for sample in stored if sample.texts == shown.sample.texts), None)
        if same is not None:
            return Beside(OTHER_MODEL, title, shown.chosen, same, table)
    if other == "finetuned" and dev_data.is_withheld(shown.view, run):
        return None
    with st.spinner("The other model reads the sentence …"):
        sample, notes = cached_models.maps_of_text(shown.view, run, other, shown.sample.texts, "")
    return Beside(OTHER_MODEL, title, shown.chosen, sample, table, notes=notes)


def _masked(shown: Shown, how: str) -> Beside | None:
    run, shape = shown.view.run, shown.sample.maps.raw.shape[:2]
    if how == LAB:
        mask = state.mask_of(run, shape)
        if mask.is_full:
            st.info("In the lab every head is on, so there is nothing to compare: switch some off there first.")
            if lab := shown.view.links.get("lab"):
                st.page_link(lab, label="Open the lab", icon=":material/toggle_on:")
            return None
    else:
        ticket = cached.tickets(shown.view, run).get(run.seed)
        if ticket is None:
            st.info(f"Seed {run.seed} was not pruned yet, so it has no good ticket.")
            return None
        mask = ticket
    if dev_data.is_withheld(shown.view, run):
        return None
    with st.spinner("The masked model reads the sentence …"):
        sample, notes = cached_models.maps_of_text(shown.view, run, "finetuned", shown.sample.texts, mask.code)
    notes += () if mask.heads[shown.chosen] else ("This head is off under the mask: nothing of what it reads goes on.",)
    size = f"{mask.heads_kept} heads and {mask.mlps_kept} MLPs on"
    linked = mask if how == LAB else None
    return Beside(how, f"{head_name(shown.chosen)}, masked ({size})", shown.chosen, sample, None, linked, notes)


def chosen_map(shown: Shown) -> None:
    """The chosen head's map, large."""
    pattern = _row(shown.table, shown.kind, shown.chosen)["pattern"]
    st.markdown(f"**{head_name(shown.chosen)}: {pattern}**")
    matrix, lines = st.columns([3, 2], gap="medium")
    with matrix:
        _map(shown, shown.sample, shown.chosen, None, "one", f"{head_name(shown.chosen)}, {_WHICH[shown.which]}")
    with lines:
        _lines(shown, shown.sample, shown.chosen, None, "one")


def two_maps(shown: Shown, beside: Beside) -> None:
    """The chosen map and the other, on one scale."""
    pairs = [
        (f"{head_name(shown.chosen)}, {_WHICH[shown.which]}", shown.sample, shown.chosen),
        (beside.title, beside.sample, beside.head),
    ]
    top = max(float(shown.values(sample)[head].max()) for _, sample, head in pairs)
    for at, (cell, (title, sample, head)) in enumerate(zip(st.columns(2, gap="medium"), pairs, strict=True)):
        with cell:
            st.markdown(f"**{title}**")
            _map(shown, sample, head, top, f"two.{at}", title)
            _lines(shown, sample, head, top, f"two.{at}")
    for note in beside.notes:
        st.caption(note)


def _map(shown: Shown, sample: Sample, head: tuple[int, int], top: float | None, key: str, title: str) -> None:
    unit = UNITS[shown.kind]
    exhibits.plot(
        map_figure(shown.values(sample)[head], sample.tokens, dark=is_dark(), top=top, unit=unit),
        key=f"patterns.map.{key}",
        title=title,
        caption=f"{unit.capitalize()}: a row is the token that reads, a column the one that is read",
        alt=f"{title}: {unit} from each of {len(sample.tokens)} tokens to each",
    )


def _lines(shown: Shown, sample: Sample, head: tuple[int, int], top: float | None, key: str) -> None:
    token_lines(shown.values(sample)[head], sample.tokens, unit=UNITS[shown.kind], top=top, key=f"patterns.lines.{key}")


def facts(shown: Shown, beside: Beside | None) -> None:
    """Class, survival and statistics of the head, and of the one beside it."""
    row = _row(shown.table, shown.kind, shown.chosen)
    st.markdown(_class_words(row) + " " + _survival_words(shown, shown.chosen))
    name = head_name(shown.chosen)
    columns = {"": [_SAID[key] for key in STATISTICS], "this sentence": _own(shown, shown.sample, shown.chosen)}
    columns |= {f"{int(row['n'])} sentences": [_measured(row, key) for key in STATISTICS]}
    if beside is not None:
        st.markdown(f"Beside it, **{beside.title}**.")
        columns["beside: this sentence"] = _own(shown, beside.sample, beside.head)
        if beside.table is not None:
            other = _row(beside.table, shown.kind, beside.head)
            columns[f"beside: {int(other['n'])} sentences"] = [_measured(other, key) for key in STATISTICS]
    exhibits.table(
        pd.DataFrame(columns), key="patterns.facts", title=f"What {name.lower()} attends to", height="content"
    )


def _class_words(row: pd.Series) -> str:
    pattern, n = str(row["pattern"]), int(row["n"])
    if pattern == UNCERTAIN:
        return (
            f"**Uncertain**: over {n} sentences no class has more than half of the classifier's belief "
            f"(the likeliest has {row['confidence']:.0%})."
        )
    return f"**{pattern.capitalize()}** in {row[f'share_{pattern}']:.0%} of {n} sentences. {MEANINGS[pattern]}"


def _survival_words(shown: Shown, head: tuple[int, int]) -> str:
    if shown.survives is None:
        return ""
    if shown.n_seeds == 1:
        return f"The one seed that was pruned {'kept it' if shown.survives[head] else 'switched it off'}."
    return f"Part of the good ticket in {int(shown.survives[head])} of {seeds(shown.n_seeds)}."


def _own(shown: Shown, sample: Sample, head: tuple[int, int]) -> list[str]:
    values = statistics(shown.values(sample)[head], sample.tokens)
    return [_number(key, float(value)) for key, value in zip(STATISTICS, values, strict=True)]


def _measured(row: pd.Series, key: str) -> str:
    mean, sd = float(row[key]), float(row[f"{key}_sd"])
    spread = "" if np.isnan(mean) or np.isnan(sd) else f" (sd {_number(key, sd)})"
    return _number(key, mean) + spread


def _number(key: str, value: float) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:.2f}" if key in ("entropy", "distance") else f"{value:.0%}"


def _row(table: pd.DataFrame, kind: MapKind, head: tuple[int, int]) -> pd.Series:
    found = table[(table["kind"] == kind) & (table["layer"] == head[0]) & (table["head"] == head[1])]
    return found.iloc[0]
