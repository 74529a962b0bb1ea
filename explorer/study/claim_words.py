"""What is said of the paper's four claims beside their verdicts: titles, rules, the number that carries each.

Double brackets mark a term of the glossary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from explorer.stats.effects import Effect
from explorer.store.paper.published import FULL, published
from explorer.study.claim_sheet import ClaimSheet
from explorer.study.claims import Claim, Verdict
from explorer.study.words import minus, model_name, seeds

BADGES: dict[Verdict, tuple[str, str]] = {
    "supported": ("Supported", "supported"),
    "partly": ("Partly", "partly"),
    "not supported": ("Not supported", "not"),
    "open": ("Open", "open"),
}
"""Verdict -> its words and its class in the glossary's style."""
RULES = {
    "a": "Supported: the ticket keeps 90% of the full score or more with its whole interval, and on the same examples "
    "it is within noise of the full model in half of the seeds or more. Partly: measurably above the majority "
    "baseline only. Not supported: not even that.",
    "b": "Supported: the bad and the random ticket both score below the good one, with an interval that leaves out 0. "
    "Partly: one does, or one or both lie below within noise. Not supported: neither lies below.",
    "c": "Supported: the bad ticket, retrained, is measurably above the majority baseline and keeps 90% of the full "
    "score or more. Partly: above the baseline, but below 90%. Not supported: not above it.",
    "d": "Supported: the seeds agree at most fairly on the heads to keep (kappa 0.4 or less). Partly: up to 0.6. Not "
    "supported: above that.",
}
OPEN = "Open: nothing stored here decides it, or the full model does not beat its baseline."
TITLES = {
    "a": "A small “good” ticket scores about as well as the whole model",
    "b": "Tickets of the same size, made of the rest, score worse",
    "c": "Retrained, even the worst ticket comes close",
    "d": "Which heads are good changes with the seed",
}
"""Letter of a claim -> its sentence."""
STYLES: Mapping[str, str] = MappingProxyType({"a": ".0%", "b": "+.3f", "c": ".0%", "d": ".2f"})
"""Letter of a claim -> how its number is written."""

SURVIVORS = {"super-survivors": "heads that survive in every seed", "survivors": "surviving heads"}
"""Group of heads whose attention patterns are tested -> its name in a sentence; the first that there is counts."""
PAPER = "https://arxiv.org/abs/2005.00561"


def by_letter(sheet: ClaimSheet) -> dict[str, Claim]:
    """Gives the four claims by their letters."""
    return {"a": sheet.good, "b": sheet.rest, "c": sheet.retrained, "d": sheet.unstable}


def value_words(effect: Effect, style: str) -> str:
    """Words the number that carries a claim; '–' where there is none."""
    return "–" if math.isnan(effect.value) else minus(f"{effect.value:{style}}")


def verdict_words(letter: str, claim: Claim) -> str:
    """Says how a verdict is reached, the numbers that it rests on, and why it is this one."""
    rule = f"{RULES[letter]} {OPEN}" if claim.verdict == "open" else RULES[letter]
    number = value_words(claim.effect, STYLES[letter])
    value = "" if number == "–" else f"Here: {number}{_interval(claim.effect, letter)}. "
    return minus(f"{rule}\n{value}{claim.because}")


def rests_on_few(claim: Claim) -> bool:
    """Whether a verdict rests on one seed or two, which is said beside it."""
    return claim.verdict != "open" and 0 < claim.n_seeds < 3


def number_words(letter: str, sheet: ClaimSheet, metric: str) -> str:
    """Says what the number of a claim is. metric: the task's, in words."""
    if letter == "a":
        size = ""
        if sheet.ticket:
            size = f", with {sheet.ticket.heads:.0%} of the heads and {sheet.ticket.mlps:.0%} of the MLPs"
            if sheet.ticket.n_seeds != sheet.good.n_seeds:  # then the two are over other seeds
                size += f" (sizes: mean of {seeds(sheet.ticket.n_seeds)})"
        return f"of the full model's {metric}{size}"
    if letter == "b":
        return f"{metric}: the “bad” ticket, made of what was pruned, against the good one"
    if letter == "c":
        return f"of the full model's {metric}, by the bad ticket of the pre-trained model, retrained"
    effect = sheet.unstable.effect
    over = f" of {effect.over}" if effect.over else " of seeds"
    return f"agreement{over} on the heads to keep (Fleiss' kappa: 1 the same heads, 0 chance)"


def beside_words(letter: str, sheet: ClaimSheet, task: str) -> str:
    """Says the interval of a claim's number, what it is over, and the published one."""
    if letter == "d":
        return _kappa_beside(sheet, task)
    names = {"a": "good", "b": "rest", "c": "retrained"}
    return effect_words(by_letter(sheet)[letter].effect, STYLES[letter], sheet.published_effects.get(names[letter]))


def effect_words(effect: Effect, style: str, beside: Effect | None) -> str:
    """Words an effect's interval, what both are over, and the published effect beside it."""
    small = [f"95% interval {effect.low:{style}} to {effect.high:{style}}"] if not math.isnan(effect.low) else []
    small += [effect.over] if effect.over else []
    about = ", ".join(small)
    if beside is not None and not math.isnan(beside.value):
        about += f"{' · ' if about else ''}BERT-base, published: {beside.value:{style}}"
    return minus(about)


def _kappa_beside(sheet: ClaimSheet, task: str) -> str:
    effect, kappas = sheet.unstable.effect, published_kappas() if sheet.theirs else {}
    small = [f"By chance: {effect.low:.2f} to {effect.high:.2f}"] if not math.isnan(effect.low) else []
    if task in kappas:
        small.append(f"BERT-base, published: {kappas[task]:.2f}")
    elif kappas:
        span = f"{min(kappas.values()):.2f} to {max(kappas.values()):.2f}"
        small.append(f"BERT-base, published for {', '.join(kappas)}: {span}")
    return minus(" · ".join(small))


def published_kappas() -> dict[str, float]:
    """Task -> kappa over heads, without the degenerate WNLI, where every seed keeps all or nothing."""
    figures = published()
    return {
        task: kappa
        for task, kappa in figures.head_kappas.items()
        if figures.score(FULL, task).mean > figures.majority(task).mean
    }


def _interval(effect: Effect, letter: str) -> str:
    style = STYLES[letter]
    over = f", {effect.over}" if effect.over else ""
    if math.isnan(effect.low):
        return over
    what = "by chance" if letter == "d" else "95% interval"
    return f" ({what} {effect.low:{style}} to {effect.high:{style}}{over})"


def introduction(model: str, task: str, n_runs: int, sheet: ClaimSheet, imported: bool) -> str:
    """Says what is shown here, as Markdown with marked terms. imported: whether the authors' own files are shown."""
    beside = ", from the authors' own files" if imported else ""
    if not imported and any(math.isfinite(one.mean) for one in sheet.theirs.values()):
        beside = ", beside the published numbers of BERT-base"
    examples = f", scored on {sheet.n_examples:,} [[dev set|dev]] examples" if sheet.n_examples else ""
    return (
        f"[Prasanna, Rogers and Rumshisky (2020)]({PAPER}) switch off [[head|heads]] and [[MLP|MLPs]] of BERT, the "
        "least [[importance|important]] first, and call what is left a [[ticket]]. Here: "
        f"**{model_name(model)}** on **{task}**, fine-tuned with {n_runs} [[seed|{'seed' if n_runs == 1 else 'seeds'}]]"
        f"{examples}{beside}."
    )
