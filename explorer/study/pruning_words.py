"""What is said of a pruning run: what each step did and what came of it, and what was pruned in it."""

from __future__ import annotations

from collections.abc import Iterable

from explorer.store.stages import stage_named
from explorer.study.words import minus
from explorer.tickets.pruning_path import PruningPath, parts_words

_METHOD_OPTION, *_OTHERS = stage_named("structured").options
METHODS = _METHOD_OPTION.labels
ENDINGS = {end: option.labels[value] for option in _OTHERS for value, end in option.endings.items()}


def method_words(variant: str) -> str:
    """Says what a run of stage structured pruned, and where its procedure was not the usual one."""
    for ending, words in ENDINGS.items():
        if variant.endswith(ending):
            return f"{method_words(variant.removesuffix(ending))}, {words}"
    return METHODS.get(variant, variant)


def in_order(variants: Iterable[str]) -> list[str]:
    """Sorts runs of stage structured as they are offered: together first, other procedures last."""
    return sorted(variants, key=lambda name: (any(name.endswith(e) for e in ENDINGS), name != "together", name))


def step_words(path: PruningPath, number: int, metric: str) -> str:
    """What the step did and what came of it, as Markdown sentences."""
    step = path.steps[number]
    name = "the 90% line" if path.steps[0].score > 0 else "the full model's score, which leaves nothing to lose"
    line = f"{name} ({minus(f'{path.line:.3f}')})"
    if number == 0:
        return f"The full model, everything on. Pruning goes on while {metric} stays on or above {line}."
    gone = parts_words(step.heads_off, step.mlps_off)
    words = f"{gone[0].upper()}{gone[1:]} {'go' if step.heads_off.sum() + step.mlps_off.sum() > 1 else 'goes'}: "
    words += "the least important of what was left. "
    before = path.steps[number - 1]
    if not before.held:
        words = f"Step {before.number} was taken back. {words}"
    if step.held:
        words += f"{metric.capitalize()} stays above {line}"
        return words + (", and this is the good ticket." if step is path.ticket else ".")
    words += f"{metric.capitalize()} falls below {line}, so this step is taken back"
    ends = f" and pruning ends: the good ticket is step {path.ticket.number}"
    return f"{words}{ends * (number + 1 == len(path.steps))}."
