"""Verb site: the whole bundle as a static site, an index and a page a task, each an HTML file that needs no server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import BadRequest
from explorer.figures.site.document import GENERATOR
from explorer.figures.site.index_page import Entry, index_page
from explorer.figures.site.task_page import task_page
from explorer.foreign import Unreadable, text_of
from explorer.paths import expanded
from explorer.store.bundle import Bundle, require_room, require_writable
from explorer.store.own_tasks import task_as_typed, tasks_in_order
from explorer.store.runs_of_task import current
from explorer.store.schema import Manifest
from explorer.store.whole_folders import written_aside
from explorer.study.task_sheet import task_sheet

INDEX = "index.html"
LARGEST = 5 * 10**6
"""Bytes of a task's page: small enough to be sent by mail."""
_OPENED = ("finetune", "published-masks")
"""Stages that make a run something to look at."""


@dataclass(frozen=True)
class Site:
    """A site that was written."""

    folder: Path
    bytes: Mapping[str, int]
    """File -> its size."""

    def as_dict(self) -> dict[str, object]:
        """Gives the one line of --json."""
        return {"folder": str(self.folder), "index": str(self.folder / INDEX), "bytes": dict(self.bytes)}

    def sentence(self) -> str:
        """Words it for a terminal."""
        largest, n = max(self.bytes.values()), len(self.bytes) - 1
        tasks = f"{n} task{'' if n == 1 else 's'}"
        return f"{tasks} written to {self.folder}, {largest / 1e6:.1f} MB at most. Open {self.folder / INDEX}."


def run_site(bundle: Bundle, out: Path, tasks: Sequence[str] = (), tell: Callable[[str], object] | None = None) -> Site:
    """Writes the site, whole or not at all; one that is there is replaced.

    tasks: those to show; all that the bundle has where none is named. tell: told which page is being made. Raises
    BadRequest where a task is not there, a page would be larger than LARGEST, or `out` holds something else or takes
    nothing; BadBundle where a file of the bundle is damaged.
    """
    folder = expanded(out)
    require_writable(folder.parent, "Name another folder for --out.")
    _require_ours(folder)
    pages = {name: text.encode() for name, text in _pages(bundle, tasks, tell)}
    for name, page in pages.items():
        if len(page) > LARGEST:
            wrong = f"{name} would have {len(page) / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}."
            raise BadRequest(wrong, "Name a bundle with fewer seeds.")
    require_room(folder.parent, sum(map(len, pages.values())), "Make room, or name another folder for --out.")
    with written_aside(folder, tell) as place:
        for name, page in pages.items():
            (place / name).write_bytes(page)
    return Site(folder, {name: len(page) for name, page in pages.items()})


def _pages(bundle: Bundle, tasks: Sequence[str], tell: Callable[[str], object] | None) -> Iterator[tuple[str, str]]:
    """Yields the name and the text of every file, the index last."""
    manifests = current(bundle.manifests())
    shown = _shown(bundle, manifests, tasks)
    origin = [_made_by(bundle, tasks)]
    models = {model for model, _ in shown}
    entries = []
    for number, (model, task) in enumerate(shown, start=1):
        if tell:
            tell(f"{number} of {len(shown)}: {model} on {task}")
        sheet = task_sheet(bundle, manifests, model, task)
        name = f"{task}.html" if len(models) == 1 else f"{model}-{task}.html"
        entries.append(Entry(name, sheet))
        yield name, task_page(sheet, origin)
    yield INDEX, index_page(entries, origin)


def _shown(bundle: Bundle, manifests: Sequence[Manifest], tasks: Sequence[str]) -> list[tuple[str, str]]:
    """(model, task) of every page, models by name, tasks in GLUE's order, own ones after them."""
    there = {(one.model, one.task) for one in manifests if one.stage in _OPENED}
    wanted = {task_as_typed(bundle.root, task).name for task in tasks}
    if missing := sorted(wanted - {task for _, task in there}):
        have = ", ".join(sorted({task for _, task in there})) or "none"
        raise BadRequest(f"{bundle.root} has no run of {missing[0]}.", f"It has: {have}.")
    if not there:
        raise BadRequest(f"{bundle.root} has no run to show.", "Name another with --bundle.")
    order = tasks_in_order(task for _, task in there)
    of = {pair for pair in there if not wanted or pair[1] in wanted}
    return sorted(of, key=lambda pair: (pair[0], order.index(pair[1])))


def _made_by(bundle: Bundle, tasks: Sequence[str]) -> str:
    named = "".join(f" --task {task}" for task in tasks)
    return f"Made with `python -m precompute site --bundle {bundle.place}{named}` of the BERT Lottery Explorer."


def _require_ours(folder: Path) -> None:
    """Raises BadRequest where a folder holds something that is no site of ours."""
    if not folder.exists():
        return
    mend = "Name a folder that is empty or not there yet."
    if not folder.is_dir():
        raise BadRequest(f"{folder} is a file, not a folder.", mend)
    names = {path.name for path in folder.iterdir()}
    if not names:
        return
    pages = [folder / name for name in sorted(names) if name.endswith(".html")]
    if len(pages) < len(names) or INDEX not in names or not all(map(_is_ours, pages)):
        raise BadRequest(f"{folder} holds something that is no site of this program.", mend)


def _is_ours(page: Path) -> bool:
    try:
        return f'<meta name="generator" content="{GENERATOR}">' in text_of(page, 2 * LARGEST)[:2000]
    except (OSError, Unreadable):
        return False
