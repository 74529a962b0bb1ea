"""What pages read from a bundle and keep between reruns, keyed by every argument that changes the answer.

Long because every page's reads are here, a few lines each.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from explorer.errors import ExplorerError
from explorer.figures.importance import Side, sides_of
from explorer.mask import Mask
from explorer.patterns.samples import Sample, unpack_samples
from explorer.stats.against_full import Comparison, compared
from explorer.stats.agreement import Agreement, agreement
from explorer.stats.class_shares import ShareTest
from explorer.stats.intervals import Score
from explorer.stats.overlap import OverlapMatrix, overlap_matrix
from explorer.stats.paired import PairedDifference, compare
from explorer.stats.ranks import beyond_noise
from explorer.store import user_folders
from explorer.store.bundle import Artefact, Bundle
from explorer.store.inventory import Inventory, stamp_of
from explorer.store.runs_of_task import current
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import task_tickets
from explorer.study.claim_sheet import ClaimSheet
from explorer.study.claim_sheet import claim_sheet as made_claim_sheet
from explorer.study.claim_words import SURVIVORS
from explorer.study.comparisons import Answers, answers_by_seed, paired_by_seed
from explorer.study.conditions import CONDITIONS, ConditionScore, study_scores
from explorer.study.fitting import why_not
from explorer.study.landmarks import Landmark, landmarks_of
from explorer.study.learnt import line_to_keep
from explorer.study.majority_baseline import MajorityBaseline, majority_baseline_of
from explorer.study.mask_bank import Additivity, MaskBank, PartsWorth, mask_bank_of
from explorer.study.mask_bank import additivity as made_additivity
from explorer.study.mask_bank import parts_worth as made_parts_worth
from explorer.study.mean_ablation import MeanAblation, read_mean_ablation
from explorer.study.mean_ablation_words import MeansShown, means_shown
from explorer.study.pairs import Partners, RunPairs, run_pairs
from explorer.study.pairs import bank_partners as made_bank_partners
from explorer.study.report import Report, by_condition, report_rows
from explorer.study.stored_scores import KnownRun, known_run
from explorer.study.surprises import Surprises, surprises_of
from explorer.study.survivor_patterns import SurvivorPatterns, survivor_patterns
from explorer.study.tickets_stability import StabilityOver, stabilities_of
from explorer.study.transfer import Transferred
from explorer.study.transfer import transferred as made_transferred
from explorer.study.transfer_retrained import RetrainedAway
from explorer.study.transfer_retrained import retrained_away as made_retrained_away
from explorer.tickets.pruning_path import rows_of
from explorer.tickets.structured import THRESHOLD
from explorer.ui.view import View

HashFuncs = dict[str | type[Any], Callable[[Any], Any]]

BUNDLE = "view.bundle"
"""The key of the bundle that a session switched to."""
BY_BUNDLE: HashFuncs = {View: lambda view: f"{view.root} {view.stamp}", Run: repr, Key: repr}
"""How Streamlit keys what is read from the bundle of a view; the run is an argument of its own."""


def bundle_root() -> Path:
    """The bundle that this session switched to, else EXPLORER_BUNDLE, else the cache that ships beside app.py."""
    return st.session_state.get(BUNDLE) or usual_bundle()


def usual_bundle() -> Path:
    """EXPLORER_BUNDLE, or the cache that ships beside app.py."""
    return user_folders.usual_bundle()


def stamp(root: Path) -> str:
    """Changes whenever a manifest or an own task does: a cheap key for everything read from the bundle."""
    return stamp_of(root)


@st.cache_resource(show_spinner=False, max_entries=4)
def manifests(root: Path, stamp: str) -> Inventory:
    """Reads the manifests of every complete artefact of the checkpoint that its run has; raises BadBundle.

    Read once for all sessions.
    """
    return Inventory(current(Bundle(root).manifests()))


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=BY_BUNDLE)
def artefact(view: View, key: Key) -> Artefact:
    """One artefact; raises BadBundle."""
    return view.bundle.read(key)


@st.cache_data(  # by what the visitor calls the bundle too: others may not learn where it lies
    show_spinner=False,
    max_entries=1024,
    hash_funcs=BY_BUNDLE | {View: lambda view: f"{view.root} {view.stamp} {view.bundle.place}"},
)
def way_to(view: View, key: Key) -> tuple[str, str]:
    """Why this bundle can never have an artefact, '' where it can, and the command that makes it."""
    return why_not(view.bundle, key), view.bundle.command_for(key)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def known(view: View, run: Run) -> KnownRun:
    """Every stored score of a run; raises BadBundle."""
    return known_run(view.bundle, run)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def landmarks(view: View, run: Run, shape: tuple[int, int]) -> tuple[Landmark, ...]:
    """Pruning path and tickets of a run with their stored dev scores; raises BadBundle."""
    return landmarks_of(view.bundle, run, shape)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def tickets(view: View, run: Run) -> dict[int, Mask]:
    """The good tickets of the run's task, by seed; {} where none is pruned."""
    return task_tickets(view.bundle, run.model, run.task)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=BY_BUNDLE)
def step_difference(view: View, key: Key, step: int) -> PairedDifference:
    """A step of a pruning run against its full model, on the same examples; raises BadBundle."""
    predictions, metric = artefact(view, key).arrays["predictions"], view.task(key.run.task).metric
    return compare(metric, predictions[step], predictions[0], known(view, key.run).labels)


def losses_beyond_noise(ablations: Artefact, whole: KnownRun) -> int:
    """Counts the heads and MLPs that change who is right beyond noise when they alone are off; of classes only."""
    single = ~ablations.table["component"].str.startswith("layer").to_numpy()
    return beyond_noise(ablations.arrays["predictions"][single], whole.full.predictions, whole.labels)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def gradient_sides(view: View, run: Run) -> tuple[list[Side], int | None]:
    """Heads and MLPs of a run, importance against the score each costs alone, and how many of these costs are
    larger than noise (None for a regression); raises BadBundle or BadRequest."""
    arrays = artefact(view, Key(run, "importance", "expected")).arrays
    ablations, whole = artefact(view, Key(run, "ablations")), known(view, run)
    table = ablations.table
    sides = sides_of((arrays["heads"], arrays["mlps"]), dict(zip(table["component"], table["loss"], strict=True)))
    return sides, None if whole.task.is_regression else losses_beyond_noise(ablations, whole)


@st.cache_data(show_spinner=False, max_entries=32)
def seed_agreement(codes: tuple[tuple[int, str], ...], n_layers: int, n_heads: int) -> tuple[Agreement, Agreement]:
    """Agreement over seeds of heads and of MLPs, with its chance level by permutation."""
    heads, mlps = agreement({seed: Mask.from_code(code, n_layers, n_heads) for seed, code in codes})
    return heads, mlps


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def claim_sheet(view: View, model: str, task: str) -> ClaimSheet:
    """The four claims of one model on one task; raises BadBundle."""
    return made_claim_sheet(view.bundle, view.manifests, model, task)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def mean_ablations(view: View, model: str) -> tuple[MeanAblation, ...]:
    """A model's tickets with means in the place of what is off, of every task that has them. Raises BadBundle."""
    made = []
    for task in sorted({one.task for one in view.manifests if one.key.stage == "mean-ablated" and one.model == model}):
        learnt, line = claim_sheet(view, model, task).learnt, majority_baseline(view, model, task)
        made.append(read_mean_ablation(view.bundle, model, task, line, learnt))
    return tuple(of for of in made if of is not None)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def with_means(view: View, model: str, first: str) -> MeansShown | None:
    """What is shown of `mean_ablations`, the task `first` before the others; None where there are none."""
    there = sorted(mean_ablations(view, model), key=lambda of: of.task != first)
    return means_shown(there) if there else None


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def transferred(view: View, run: Run) -> tuple[Transferred, ...]:
    """What the tickets of all tasks do on a run's model; raises BadBundle."""
    return made_transferred(artefact(view, Key(run, "transfer")), known(view, run))


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def retrained_away(view: View, run: Run) -> tuple[RetrainedAway, ...]:
    """The tickets of other tasks that were retrained on a run's task; raises BadBundle."""
    return tuple(made_retrained_away(view.bundle, view.manifests, known(view, run)))


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def ticket_stabilities(view: View, run: Run, shape: tuple[int, int]) -> tuple[StabilityOver, ...]:
    """How stable a run's ticket is over seeds, examples and thresholds; raises BadBundle."""
    path, whole = artefact(view, Key(run, "structured", "together")), known(view, run)
    share = float(path.manifest.config.get("share", THRESHOLD))
    rows = rows_of(path.table, shape)
    metric = view.task(run.task).metric
    return stabilities_of(rows, path.arrays["predictions"], whole.labels, metric, tickets(view, run), share)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def pairs(view: View, run: Run, shape: tuple[int, int], *, by_margin: bool = False) -> RunPairs:
    """How every two parts of a run interact, in its score or in the mean margin; raises BadBundle."""
    metric = view.task(run.task).metric_words
    return run_pairs(artefact(view, Key(run, "pairs")), metric, shape, by_margin=by_margin)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=BY_BUNDLE)  # shared: read-only
def mask_bank(view: View, run: Run, shape: tuple[int, int]) -> MaskBank:
    """The random masks of a run with their margins; raises BadBundle."""
    return mask_bank_of(artefact(view, Key(run, "bank")), known(view, run).labels, shape)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def parts_worth(view: View, run: Run, shape: tuple[int, int]) -> PartsWorth:
    """What each part is worth over a run's random masks; raises BadBundle, or BadRequest on too few masks."""
    return made_parts_worth(mask_bank(view, run, shape))


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def additivity(view: View, run: Run, shape: tuple[int, int]) -> Additivity:
    """How far a run's random masks add up; raises BadBundle, or BadRequest on too few masks."""
    return made_additivity(mask_bank(view, run, shape))


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def surprises(view: View, run: Run, shape: tuple[int, int]) -> Surprises:
    """How each random mask of a run surprises; raises BadBundle, or BadRequest on too few masks."""
    return surprises_of(mask_bank(view, run, shape), shape)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=BY_BUNDLE)
def bank_partners(view: View, run: Run, shape: tuple[int, int], part: int) -> Partners:
    """How a part interacts with every other on average over a run's random masks; raises BadBundle or BadRequest."""
    return made_bank_partners(mask_bank(view, run, shape), part, view.task(run.task).metric_words)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def patterns_of_survivors(view: View, model: str, task: str, within_layers: bool = False) -> SurvivorPatterns:
    """Class shares of survivors beside all heads, with permutation tests: seconds; raises BadBundle."""
    return survivor_patterns(view.bundle, model, task, within_layers=within_layers)


def tested_patterns(view: View, run: Run) -> tuple[str, ShareTest] | None:
    """The group of survivors whose raw attention is tested for claim (d), in words, and its test; None without one."""
    if not view.has_stage("attention", run.model, run.task):
        return None
    try:
        groups = patterns_of_survivors(view, run.model, run.task).groups
    except ExplorerError:  # maps without a ticket: nothing survives yet
        return None
    tests = {of.group: of.test for of in groups if (of.weights, of.kind) == ("finetuned", "raw")}
    return next(((who, tests[name]) for name, who in SURVIVORS.items() if name in tests), None)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=BY_BUNDLE)  # shared: read-only
def attention_samples(view: View, key: Key) -> tuple[Sample, ...]:
    """The sentences of an attention artefact with the maps of every head; raises BadBundle."""
    return unpack_samples(artefact(view, key).arrays, view.bundle.command_for(key))


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def study(view: View, model: str, task: str) -> dict[int, dict[str, ConditionScore]]:
    """Seed -> condition -> score, in the paper's order of seeds; raises BadBundle."""
    return study_scores(view.bundle, model, task)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def report(view: View, model: str, task: str) -> Report:
    """Condition -> ours beside the published; raises BadBundle."""
    return by_condition(report_rows(view.bundle, task, model, study(view, model, task)))


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def answers(view: View, model: str, task: str) -> dict[int, Answers]:
    """Seed -> what was said under every condition; raises BadBundle."""
    return answers_by_seed(view.bundle, study(view, model, task), CONDITIONS)


@st.cache_data(show_spinner=False, max_entries=128, hash_funcs=BY_BUNDLE)
def paired(view: View, model: str, task: str, a: str, b: str) -> dict[int, PairedDifference]:
    """Seed -> condition a minus condition b on the same examples; raises BadBundle."""
    return paired_by_seed(answers(view, model, task), a, b)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def majority_baseline(view: View, model: str, task: str) -> MajorityBaseline | None:
    """Scores answers that never read a sentence, one line for all pages; raises BadBundle."""
    return majority_baseline_of(view.bundle, model, task)


@st.cache_data(show_spinner=False, max_entries=16)
def overlap(codes: tuple[tuple[str, int, str], ...], n_layers: int, n_heads: int) -> OverlapMatrix:
    """Compares every pair of tasks, from (task, seed, mask code)."""
    masks: dict[str, dict[int, Mask]] = {}
    for task, seed, code in codes:
        masks.setdefault(task, {})[seed] = Mask.from_code(code, n_layers, n_heads)
    return overlap_matrix(masks)


@st.cache_resource(show_spinner=False, max_entries=512, hash_funcs=BY_BUNDLE)
def stored_comparison(view: View, run: Run, code: str) -> Comparison:
    """A stored mask against the full model, in numbers; raises BadBundle."""
    of = known(view, run)
    return compared(of.task, of.by_code[code].predictions, of.full.predictions, of.labels)


def stored_full(view: View, run: Run) -> Score:
    """The full model's stored score of a run, with its interval; raises BadBundle."""
    return stored_comparison(view, run, known(view, run).full.mask.code).full


def stored_line(view: View, run: Run) -> float | None:
    """The 90% line on a run's own dev set; None where nothing is said by it. Raises BadBundle."""
    return line_to_keep(stored_full(view, run), majority_baseline(view, run.model, run.task))


def trajectories(view: View, runs: list[Run], variant: str) -> pd.DataFrame:
    """The steps of several runs in one table, with seed and the share of heads and MLPs kept."""
    tables = []
    for run in runs:
        table = artefact(view, Key(run, "structured", variant)).table.copy()
        total = float(table["heads_kept"].iloc[0] + table["mlps_kept"].iloc[0])
        table["parts_kept"] = (table["heads_kept"] + table["mlps_kept"]) / total
        table.insert(0, "seed", run.seed)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
