"""A story and a bundle to the screens of a talk: every word and figure, ready before the talk begins."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from explorer.errors import BadMask, BadRequest
from explorer.mask import Mask
from explorer.stats.effects import Evidence
from explorer.stats.survival import survival
from explorer.store.paper.published import FULL, published
from explorer.study.claim_sheet import GOOD, RETRAINED_TICKETS, TICKETS
from explorer.study.claims import Claim, Verdict
from explorer.study.words import p_words
from explorer.ui.pages.stage.numbers import Figure, effect_figure, stored_figure
from explorer.ui.pages.stage.pictures import (
    Picture,
    Tone,
    bar,
    bars_picture,
    grid_picture,
    grids_picture,
    path_picture,
    share_grid,
)
from explorer.ui.pages.stage.story import PRESETS, ClaimName, Step, Story, filled, unknown_in
from explorer.ui.pages.stage.story_values import FACTS, Material, blank_for_one_seed, facts, score_text
from explorer.ui.widgets.words import minus, seeds

VERDICTS: dict[Verdict, str] = {
    "supported": "Supported",
    "partly": "Partly supported",
    "not supported": "Not supported",
    "open": "Open",
}
LETTERS: dict[ClaimName, str] = {"good": "a", "rest": "b", "retrained": "c", "unstable": "d"}


@dataclass(frozen=True)
class Scene:
    """One screen, ready."""

    title: str
    text: str
    say: str
    figure: Figure | None
    picture: Picture | None
    claim: str = ""
    """'Claim a'."""
    verdict: str = ""
    missing: tuple[str, ...] = ()
    """Sentences on what the bundle does not hold."""
    mask: Mask | None = None
    """The mask whose score is asked for live while the screen is shown; `figure` is the stored one."""
    material: Material | None = None


def scenes_of(story: Story, material: Callable[[Step], Material]) -> tuple[Scene, ...]:
    """Makes a story's screens. Raises what `material` does, and BadRequest where a step's mask is for another model."""
    return tuple(scene_of(step, material(step)) for step in story.steps)


def scene_of(step: Step, of: Material) -> Scene:
    """Makes one screen, with everything but the live score. Raises BadRequest as `scenes_of`."""
    known, one_seed = facts(of), blank_for_one_seed(of)
    texts = [step.title, step.text]
    missing = [f"Not in this bundle: {FACTS[name]}." for name in unknown_in(texts, known) if name not in one_seed]
    claim = _claims(of)[step.claim] if step.claim else None
    figure, picture, more = _SHOWN[step.show](step, of)
    say = filled(step.say, known, one_seed)
    if claim is not None:
        make = f" Make it: {claim.missing}" if claim.missing else ""
        say = f"{say}\n{_verdict(claim)}: {minus(claim.because)}{make}".strip()
    return Scene(
        filled(step.title, known, one_seed),
        filled(step.text, known, one_seed),
        say,
        figure,
        picture,
        f"Claim {LETTERS[step.claim]}" if step.claim else "",
        _verdict(claim) if claim else "",
        (*missing, *more),
        _mask(step, of) if step.show == "grid" else None,
        of,
    )


def _verdict(claim: Claim) -> str:
    """'Supported', and on how few seeds."""
    few = claim.verdict != "open" and 0 < claim.n_seeds < 3
    return f"{VERDICTS[claim.verdict]}, {claim.basis}" if few else VERDICTS[claim.verdict]


Shown = tuple[Figure | None, Picture | None, tuple[str, ...]]


def _question(step: Step, of: Material) -> Shown:
    n_layers, n_heads = of.known.shape
    words = f"heads in {n_layers} layers. How many can be switched off?"
    return Figure(str(n_layers * n_heads), words), grid_picture(Mask.full(*of.known.shape)), ()


def _plain(step: Step, of: Material) -> Shown:
    return None, None, ()


def _grid(step: Step, of: Material) -> Shown:
    mask = _mask(step, of)
    if mask is None:
        return None, None, (of.presets[step.mask].words,)
    return stored_figure(of, mask), grid_picture(mask), ()


def _path(step: Step, of: Material) -> Shown:
    if of.path is None:
        return None, None, (f"Nothing was pruned for this run. Make it: {of.prune_command}",)
    mask = of.path.ticket.mask
    off = mask.heads.size - mask.heads_kept
    score = of.path.ticket
    small = f"{score_text(score.score)} at the last step that held, of {len(of.path.steps) - 1} steps"
    baseline = of.sheet.majority.score if of.sheet.majority else math.nan
    figure = Figure(str(off), f"of {mask.heads.size} heads are off at the end", small)
    return figure, path_picture(of.path, of.known.task.metric_words, baseline), ()


def _tickets(step: Step, of: Material) -> Shown:
    figure = effect_figure(of.sheet.rest.effect, "+.3f", "bad against good")
    return figure, _bars(of, TICKETS, "pruned"), _absent(of, TICKETS)


def _retrained(step: Step, of: Material) -> Shown:
    effect = of.sheet.retrained.effect
    words = f"of the full model's {of.known.task.metric_words}, by the bad ticket, retrained"
    return effect_figure(effect, ".0%", words), _bars(of, RETRAINED_TICKETS, "again"), _absent(of, RETRAINED_TICKETS)


def _good(step: Step, of: Material) -> Shown:
    names = {"full": FULL, "good": GOOD}
    words = f"of the full model's {of.known.task.metric_words} is kept"
    return effect_figure(of.sheet.good.effect, ".0%", words), _bars(of, names, "pruned"), _absent(of, names)


def _survival(step: Step, of: Material) -> Shown:
    if not of.tickets:
        return None, None, (f"No seed was pruned. Make one: {of.prune_command}",)
    shown = dict(list(of.tickets.items())[:6])
    masks = {f"seed {seed}": mask for seed, mask in shown.items()}
    notes = {f"seed {seed}": f"{mask.heads_kept} heads" for seed, mask in shown.items()}
    picture = grids_picture(masks, notes)
    if 1 < len(masks) < 6:
        over = survival(list(of.tickets.values()))
        picture["models"].append(
            share_grid(f"all {len(masks)} seeds", "stronger: survives in more", over.heads.mean, over.mlps.mean)
        )
    effect = of.sheet.unstable.effect
    if math.isnan(effect.value):
        return None, picture, (minus(of.sheet.unstable.because),)
    small = "1: the same heads. 0: as by chance"
    if not math.isnan(effect.low):
        small = minus(f"By chance {effect.low:.2f} to {effect.high:.2f}; 1: the same heads")
    words = f"agreement of {effect.over} on the heads to keep (Fleiss' kappa)"
    return Figure(minus(f"{effect.value:.2f}"), words, small), picture, ()


def _patterns(step: Step, of: Material) -> Shown:
    what = "have the pattern that may carry meaning (“heterogeneous”)"
    if of.patterns is None:
        theirs = published().patterns.raw.get(of.known.run.task, {}).get("heterogeneous")
        if theirs is None:
            make = f" Make it: {of.attention_command}" if of.attention_command else ""
            return None, None, (f"No attention patterns are known for this task.{make}",)
        figure = Figure(f"{theirs:.0%}", f"of the survivors {what}", "BERT-base, as published; ours is not known yet")
        return figure, None, ()
    who, test = of.patterns
    shares = {"survivors": test.share, "by chance": test.by_chance}
    tones: tuple[Tone, Tone] = ("pruned", "quiet")
    bars = [bar(label, Evidence(mean=share), tone) for (label, share), tone in zip(shares.items(), tones, strict=True)]
    if math.isnan(test.share):
        return None, None, (test.undefined,)
    found = "Patterns explain part of it" if test.difference_p < 0.05 else "Patterns do not explain it"
    small = test.undefined or f"{found}: {test.by_chance:.0%} by chance ({p_words(test.difference_p)})"
    figure = Figure(f"{test.share:.0%}", f"of the {who} {what}", small)
    return figure, bars_picture(bars, {}, ("share of heads; by chance: as many heads, drawn at random",)), ()


def _published(step: Step, of: Material) -> Shown:
    assert step.claim is not None  # the story was checked
    effect = of.sheet.published_effects.get(step.claim)
    if effect is None:
        kappa = published().head_kappas.get(of.known.run.task, math.nan)
        figure = Figure(
            score_text(kappa) or "–",
            "agreement of 5 seeds on the heads to keep (Fleiss' kappa)",
            "BERT-base, published",
        )
        return figure, None, ()
    style, words = {"rest": ("+.3f", "bad against good")}.get(step.claim, (".0%", "of the full model's score"))
    names = {"full": FULL} | (RETRAINED_TICKETS if step.claim == "retrained" else TICKETS)
    bars = [bar(kind, of.sheet.theirs[name], "quiet") for kind, name in names.items()]
    legend = ("BERT-base as published, mean of 5 seeds",)
    return (
        effect_figure(effect, style, words),
        bars_picture(bars, {"most frequent answer": of.sheet.published_majority}, legend),
        (),
    )


def _claim(step: Step, of: Material) -> Shown:
    assert step.claim is not None  # the story was checked
    of_claim = {"good": _good, "rest": _tickets, "retrained": _retrained, "unstable": _survival}
    return of_claim[step.claim](step, of)


_SHOWN: dict[str, Callable[[Step, Material], Shown]] = {
    "question": _question,
    "text": _plain,
    "grid": _grid,
    "path": _path,
    "tickets": _tickets,
    "retrained": _retrained,
    "survival": _survival,
    "patterns": _patterns,
    "published": _published,
    "claim": _claim,
    "game": _plain,
}


def _mask(step: Step, of: Material) -> Mask | None:
    """None for a preset that the bundle has no ticket for. Raises BadRequest on a code for another model."""
    if step.mask in PRESETS:
        return of.presets[step.mask].mask
    try:
        return Mask.from_code(step.mask, *of.known.shape)
    except BadMask as error:
        raise BadRequest(f"{step.where}: mask: {error.wrong}", error.mend) from None


def _claims(of: Material) -> dict[ClaimName, Claim]:
    sheet = of.sheet
    return {"good": sheet.good, "rest": sheet.rest, "retrained": sheet.retrained, "unstable": sheet.unstable}


def _bars(of: Material, names: dict[str, str], tone: str) -> Picture:
    sheet = of.sheet
    counts = {kind: len(sheet.ours[name].by_seed) for kind, name in {"full model": FULL, **names}.items()}
    alike = len({many for many in counts.values() if many}) == 1
    bars = [
        bar(
            kind if alike or not counts[kind] else f"{kind} ({seeds(counts[kind])})",
            sheet.ours[name],
            "full" if name == FULL else tone,  # type: ignore[arg-type]
            published=sheet.theirs[name].mean,
        )
        for kind, name in names.items()
    ]
    of_full = "full model" if alike or not counts["full model"] else f"full model ({seeds(counts['full model'])})"
    lines = {of_full: sheet.ours[FULL].mean} if FULL not in names.values() else {}
    lines["most frequent answer"] = sheet.majority.score if sheet.majority else math.nan
    many = max((counts[kind] for kind in names), default=0)
    legend = [_pooled(many, alike)] if many else []
    legend += ["○ a seed"] if many > 1 else []
    legend += ["◇ BERT-base, published"] if any(b["published"] is not None for b in bars) else []
    return bars_picture(bars, lines, legend)


def _pooled(many: int, alike: bool) -> str:
    if not alike:
        return "mean over the seeds that each has"
    return "one seed" if many == 1 else f"mean of {seeds(many)}"


def _absent(of: Material, names: dict[str, str]) -> tuple[str, ...]:
    gone = [kind for kind, name in names.items() if math.isnan(of.sheet.ours[name].mean)]
    again = " retrained" if any("retrained" in name for name in names.values()) else ""
    return (f"Not in this bundle yet: {', '.join(gone)}{again}.",) if gone else ()
