"""Which steps of a story can never be told of a run, and why: what they ask for was done elsewhere, or cannot be."""

from __future__ import annotations

from collections.abc import Callable

from explorer.ui.pages.stage.story import Step, Story
from explorer.ui.pages.stage.story_values import Material


def left_out(story: Story, material: Callable[[Step], Material]) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps that can be told, and a sentence for each that never can be of its run: what it asks for needs training
    that happened elsewhere. Raises what `material` does."""
    kept: list[Step] = []
    sentences: list[str] = []
    for number, step in enumerate(story.steps, start=1):
        why = ""
        if step.show not in ("published", "text", "question"):
            claims = {step.claim, *({"retrained"} if step.show == "retrained" else ())}
            why = next((why for name, why in material(step).sheet.never.items() if name in claims), "")
        if why:
            sentences.append(f"Step {number}, “{step.title}”, is left out: {why}.")
        else:
            kept.append(step)
    return tuple(kept), tuple(sentences)
