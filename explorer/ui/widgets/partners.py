"""The head or MLP that the others are held against, and how each of them interacts with it."""

from __future__ import annotations

from contextlib import suppress

from explorer.errors import ExplorerError
from explorer.stats.multiple import RATE
from explorer.store.schema import Key, Run
from explorer.study.pairs import Partners
from explorer.study.stored_scores import KnownRun
from explorer.ui import cached, state
from explorer.ui.view import View
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.part import component_of, part_of

FALSE = f"{RATE:.0%}"
"""Share of false ones among what is shown as beyond noise, in words."""


def chosen(shape: tuple[int, int]) -> int | None:
    """The component whose card was opened last; None where none of this model was."""
    part = part_of(state.linked_head(), shape)
    return None if part is None else component_of(part, shape)


def partners_of(view: View, known: KnownRun, part: int | None) -> Partners | None:
    """How every part interacts with one of them; None for the one that has most to show.

    From the exact pairs of the run where they are there, else from its bank; None where the bundle has neither.
    """
    run, shape = known.run, known.shape
    if view.has(Key(run, "pairs")):
        with suppress(ExplorerError):
            found = cached.pairs(view, run, shape, by_margin=not known.task.is_regression)
            return found.with_part(int(found.pairs[found.strongest(), 0]) if part is None else part)
    if view.has(Key(run, "bank")):
        with suppress(ExplorerError):
            return of_bank(view, run, shape, part)
    return None


def of_bank(view: View, run: Run, shape: tuple[int, int], part: int | None) -> Partners:
    """How every part interacts with one over random masks; None for the part that is most surely worth something.

    Raises BadBundle, or BadRequest on too few masks.
    """
    chosen = cached.parts_worth(view, run, shape).surest() if part is None else part
    return cached.bank_partners(view, run, shape, chosen)


def follow() -> None:
    """Says that the page shows interactions, so that it is drawn again when another head's card is opened."""
    exhibits.kept().drawn_with = state.linked_head() or "none"
