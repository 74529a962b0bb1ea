"""What a run's bundle says in numbers, by name, as a story may quote them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from explorer.mask import Mask
from explorer.stats.class_shares import ShareTest
from explorer.store.paper.published import FULL
from explorer.study.claim_sheet import AGAIN, BAD, GOOD, RANDOM, ClaimSheet
from explorer.study.stored_scores import KnownRun
from explorer.tickets.pruning_path import PruningPath
from explorer.tickets.structured import threshold_of
from explorer.ui.widgets.presets import Preset, named_presets
from explorer.ui.widgets.words import OWN_QUESTION, QUESTIONS, minus, model_name, seeds

FACTS = {
    "model": "the model's name",
    "task": "the task's name",
    "question": "the task as a question",
    "data": "what it was fine-tuned on: a task of GLUE, or one's own data",
    "metric": "what is scored",
    "seed": "the fine-tuning seed",
    "n_examples": "examples that are scored",
    "n_layers": "layers",
    "n_heads": "heads in the whole model",
    "n_mlps": "MLPs in the whole model",
    "n_seeds": "how many seeds were pruned: '5 seeds'",
    "full_score": "the full model",
    "line": "90% of the full model's score",
    "majority": "always giving the most frequent answer",
    "good_score": "the good ticket of this seed",
    "good_share": "the share of the full score that it keeps",
    "good_heads": "heads that it keeps",
    "good_mlps": "MLPs that it keeps",
    "heads_off": "heads that it switches off",
    "mlps_off": "MLPs that it switches off",
    "random_score": "the random ticket of this seed",
    "bad_score": "the bad ticket of this seed",
    "again_score": "the bad ticket of this seed, retrained",
    "mean_full": "the full model, mean over seeds",
    "mean_good": "good tickets, mean over seeds",
    "mean_random": "random tickets, mean over seeds",
    "mean_bad": "bad tickets, mean over seeds",
    "mean_again": "bad tickets retrained, mean over seeds",
    "mean_good_share": "the share of the full score that good tickets keep, mean over seeds",
    "mean_again_share": "the share that bad tickets keep once retrained, mean over seeds",
    "kappa": "agreement of seeds on heads (Fleiss' kappa)",
    "always": "heads that survive in every seed",
    "never": "heads that survive in no seed",
    "changing": "heads that survive in some seeds only",
    "gradient_heads_off": "heads that pruning heads alone switches off",
}
"""Name -> what it is, in words."""


@dataclass(frozen=True, eq=False)
class Material:
    """All that the bundle holds of one run and that stage mode tells of."""

    known: KnownRun
    sheet: ClaimSheet
    tickets: Mapping[int, Mask]
    """Seed -> good ticket, over the task's seeds."""
    path: PruningPath | None
    """Pruning heads and MLPs together, of this seed; None where it was not done."""
    heads_path: PruningPath | None
    """Pruning heads alone."""
    patterns: tuple[str, ShareTest] | None
    """A group of heads and its patterns; None where no maps were classified."""
    attention_command: str = ""
    """The command that measures the attention of this seed; '' where none can."""
    prune_command: str = ""
    """The command that prunes heads and MLPs of this seed together."""

    @cached_property
    def presets(self) -> dict[str, Preset]:
        """Masks by name; without a mask, why there is none."""
        return named_presets(self.known.shape, self.tickets, self.known.run.seed, whole=self.known.full.mask)


def facts(of: Material) -> dict[str, str | None]:
    """Every name in FACTS; None where the bundle does not say."""
    known, sheet, run = of.known, of.sheet, of.known.run
    n_layers, n_heads = known.shape
    good = of.presets["good"].mask
    scores = {name: _stored(of, name) for name in ("good", "random", "bad")}
    full, over = known.full.score, sheet.ticket if sheet.ticket and sheet.ticket.n_seeds > 1 else None
    again = sheet.ours[AGAIN].by_seed.get(run.seed)
    own = of.heads_path.ticket.mask if of.heads_path else None
    baseline = sheet.majority
    values: dict[str, str | None] = {
        "model": model_name(run.model),
        "task": run.task,
        "question": QUESTIONS.get(run.task, f"{run.task}, {OWN_QUESTION}."),
        "data": f"{run.task} of the GLUE benchmark" if run.task in QUESTIONS else f"{run.task}, {OWN_QUESTION}",
        "metric": known.task.metric_words,
        "seed": str(run.seed),
        "n_examples": f"{len(known.labels):,}",
        "n_layers": str(n_layers),
        "n_heads": str(n_layers * n_heads),
        "n_mlps": str(n_layers),
        "n_seeds": seeds(len(of.tickets)) if of.tickets else None,
        "full_score": score_text(full),
        "line": score_text(threshold_of(full)),
        "majority": score_text(baseline.score if baseline else None),
        "good_share": share_text(scores["good"] / full if scores["good"] is not None and full > 0 else None),
        "good_heads": str(good.heads_kept) if good else None,
        "good_mlps": str(good.mlps_kept) if good else None,
        "heads_off": str(good.heads.size - good.heads_kept) if good else None,
        "mlps_off": str(good.n_layers - good.mlps_kept) if good else None,
        "again_score": score_text(again),
        "mean_good_share": share_text(sheet.good.effect.value if sheet.good.n_seeds != 1 else None),
        "mean_again_share": share_text(sheet.retrained.effect.value if sheet.retrained.n_seeds != 1 else None),
        "kappa": None if math.isnan(sheet.unstable.effect.value) else minus(f"{sheet.unstable.effect.value:.2f}"),
        "always": str(over.always) if over else None,
        "never": str(over.never) if over else None,
        "changing": str(over.n_heads - over.always - over.never) if over else None,
        "gradient_heads_off": str(own.heads.size - own.heads_kept) if own else None,
    }
    values |= {f"{name}_score": score_text(score) for name, score in scores.items()}
    means = {"full": FULL, "good": GOOD, "random": RANDOM, "bad": BAD, "again": AGAIN}
    return values | {
        f"mean_{name}": score_text(sheet.ours[which].mean if sheet.ours[which].n_seeds != 1 else None)
        for name, which in means.items()
    }


def blank_for_one_seed(of: Material) -> frozenset[str]:
    """Names in FACTS that speak of seeds, and are blank because the bundle has one seed of what they are about."""
    sheet = of.sheet
    over = {"good": sheet.ours[GOOD], "full": sheet.ours[FULL], "random": sheet.ours[RANDOM], "bad": sheet.ours[BAD]}
    over["again"] = sheet.ours[AGAIN]
    blank = {f"mean_{name}" for name, evidence in over.items() if evidence.n_seeds == 1}
    blank |= {"mean_good_share"} if sheet.good.n_seeds == 1 else set()
    blank |= {"mean_again_share"} if sheet.retrained.n_seeds == 1 else set()
    one_ticket = sheet.ticket is not None and sheet.ticket.n_seeds == 1
    return frozenset(blank | ({"always", "never", "changing", "kappa"} if one_ticket else set()))


def score_text(score: float | None) -> str | None:
    """'0.799'; None where there is none."""
    return None if score is None or math.isnan(score) else minus(f"{score:.3f}")


def share_text(share: float | None) -> str | None:
    """'92%'."""
    return None if share is None or math.isnan(share) else f"{share:.0%}"


def _stored(of: Material, name: str) -> float | None:
    mask = of.presets[name].mask
    found = of.known.by_code.get(mask.code) if mask else None
    return found.score if found else None
