"""Everything that a bundle says of one model on one task, as one value: for a page that is made as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from explorer.errors import BadBundle
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.stats.paired import PairedDifference, compare
from explorer.store.bundle import Artefact, Bundle
from explorer.store.runs_of_task import in_paper_order
from explorer.store.schema import Key, Manifest, Run
from explorer.store.task_tickets import FAMILIES, Pruned, shape_of, tickets_by_task
from explorer.study.claim_sheet import ClaimSheet, claim_sheet
from explorer.study.comparisons import Answers, answers_by_seed, paired_by_seed
from explorer.study.conditions import CONDITIONS, ConditionScore, study_scores
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.pruning_words import in_order
from explorer.study.report import Report, by_condition, report_rows
from explorer.study.stored_scores import KnownRun, known_run
from explorer.tickets.pruning_path import PruningPath, path_of


@dataclass(frozen=True, eq=False)
class StoredPath:
    """One pruning run, with every step held against the full model on the same examples."""

    run: Run
    variant: str
    """What was pruned, as stage structured names it."""
    artefact: Artefact
    path: PruningPath
    changes: tuple[PairedDifference, ...]
    """One a step: its score minus the full model's."""


@dataclass(frozen=True, eq=False)
class TaskSheet:
    """What is known of one model on one task; maps that are empty say what the bundle does not hold."""

    run: Run
    """The first seed's run; the others differ in their seed alone."""
    task: Task
    seeds: tuple[int, ...]
    """Seeds that were fine-tuned or imported, in the paper's order."""
    shape: tuple[int, int]
    """(L, H)"""
    imported: bool
    """Whether the masks came from the authors' files."""
    claims: ClaimSheet
    by_seed: Mapping[int, Mapping[str, ConditionScore]]
    report: Report
    answers: Mapping[int, Answers]
    known: Mapping[int, KnownRun]
    tickets: Mapping[Pruned, Mapping[int, Mask]]
    """What was pruned -> seed -> good ticket."""
    paths: tuple[StoredPath, ...]
    manifests: tuple[Manifest, ...]
    """Manifests of the fine-tuned runs, in the order of seeds."""

    @property
    def majority(self) -> MajorityBaseline | None:
        """Score of answers that never read a sentence."""
        return self.claims.majority

    def paired(self, a: str, b: str) -> dict[int, PairedDifference]:
        """Compares condition a minus condition b on the same examples, seed by seed."""
        return paired_by_seed(self.answers, a, b)


def task_sheet(bundle: Bundle, manifests: Sequence[Manifest], model: str, task: str) -> TaskSheet:
    """Reads and compares all of it; raises BadBundle where a file is damaged or where no run is there.

    manifests: of every complete artefact of the bundle. Takes seconds a task: every stored step is compared, paired.
    """
    own = [manifest for manifest in manifests if (manifest.model, manifest.task) == (model, task)]
    finetuned = {manifest.seed: manifest for manifest in own if manifest.stage == "finetune"}
    imported = {manifest.seed for manifest in own if manifest.stage == "published-masks"}
    seeds = tuple(sorted({*finetuned, *imported}, key=in_paper_order))
    if not seeds:
        raise BadBundle(f"{bundle.place} has no run of {model} on {task}.")
    runs = {seed: Run(model, task, seed) for seed in seeds}
    by_seed = study_scores(bundle, model, task)
    sheet = claim_sheet(bundle, manifests, model, task)
    if imported:  # the published numbers are its own: nothing stands beside them
        sheet = replace(sheet, theirs={}, published_effects={})
    known = {seed: known_run(bundle, runs[seed]) for seed in seeds if seed in finetuned}
    found = {pruned: tickets_by_task(own, model, pruned).get(task, {}) for pruned in FAMILIES}
    return TaskSheet(
        run=runs[seeds[0]],
        task=bundle.task(task),
        seeds=seeds,
        shape=shape_of(own, runs[seeds[0]]),
        imported=bool(imported),
        claims=sheet,
        by_seed=by_seed,
        report=by_condition(report_rows(bundle, task, model, by_seed)),
        answers=answers_by_seed(bundle, by_seed, CONDITIONS),
        known=known,
        tickets={pruned: masks for pruned, masks in found.items() if masks},
        paths=tuple(_paths(bundle, own, known)),
        manifests=tuple(finetuned[seed] for seed in seeds if seed in finetuned),
    )


def _paths(bundle: Bundle, manifests: Sequence[Manifest], known: Mapping[int, KnownRun]) -> list[StoredPath]:
    pruned = {(manifest.variant, manifest.seed) for manifest in manifests if manifest.stage == "structured"}
    paths = []
    for variant in in_order({variant for variant, _ in pruned}):
        for seed, of in known.items():
            if (variant, seed) in pruned:
                artefact = bundle.read(Key(of.run, "structured", variant))
                paths.append(_stored(of, variant, artefact))
    return paths


def _stored(known: KnownRun, variant: str, artefact: Artefact) -> StoredPath:
    said, metric = artefact.arrays["predictions"], known.task.metric
    path = path_of(artefact, known.shape)
    changes = tuple(compare(metric, said[step.number], said[0], known.labels) for step in path.steps)
    return StoredPath(known.run, variant, artefact, path, changes)
