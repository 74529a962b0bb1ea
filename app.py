"""The entry point: frame, sidebar and router. Pages live in explorer/ui/pages."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from explorer.bert.model_names import MINILM_NAME
from explorer.errors import ExplorerError
from explorer.store.commands import study_command
from explorer.store.inventory import Inventory
from explorer.store.schema import Run
from explorer.ui import cached, link, memory, notices, overlapping_runs, preload, state, visitor
from explorer.ui.as_text import code
from explorer.ui.view import runs_of
from explorer.ui.widgets import exhibits, export_panel, glossary, head_card, one_entry, plain_text, share
from explorer.ui.widgets.page_title import task_question

UI = Path(cached.__file__).parent
ICON = UI / "icon.png"  # a file of ours: Streamlit would fetch a named icon from a font server


@dataclass(frozen=True)
class Page:
    """A row of the navigation; the module, in explorer.ui.pages, has a function `page(view)`."""

    title: str
    icon: str
    address: str
    module: str


PAGES = (
    Page("Overview", "home", "", "overview.page"),  # the page at /
    Page("Survival", "grid_on", "survival", "survival.page"),
    Page("Tickets", "confirmation_number", "tickets", "tickets.page"),
    Page("League", "leaderboard", "league", "league.page"),
    Page("Lab", "toggle_on", "lab", "lab.page"),
    Page("Replay", "replay", "replay", "replay"),
    Page("Patterns", "blur_on", "patterns", "patterns.page"),
    Page("Runs", "inventory_2", "runs", "runs.page"),
    Page("Stage", "slideshow", "stage", "stage.page"),
    Page("Game", "sports_esports", "game", "game.page"),
)

FRAME = UI / "frame.css"
SIDEBAR = 220  # pixels
st.set_page_config(
    page_title="BERT Lottery Explorer", page_icon=str(ICON), layout="wide", initial_sidebar_state=SIDEBAR
)
st.html(FRAME)


def main() -> None:
    """Reads the bundle, lets the person select a run, and shows the page; every error is a sentence."""
    overlapping_runs.mend()
    link.remember()
    try:
        root = cached.bundle_root()
        stamp = cached.stamp(root)
        manifests = cached.manifests(root, stamp)
    except ExplorerError as error:
        _stop(error)
    if not runs_of(manifests):
        first = study_command(Run(MINILM_NAME, "MRPC", 1337), visitor.on_command_line(root))
        st.info(f"{plain_text.plain(root.name)} holds no run yet. Make one: {code(first)}")
        st.stop()
    links: dict[str, st.Page] = {}
    for row in PAGES:
        links[row.title.lower()] = st.Page(
            _opens(row, root, stamp, manifests, links),
            title=row.title,
            icon=f":material/{row.icon}:",
            url_path=row.address or None,
            default=not row.address,
        )

    def to_overview() -> None:
        st.switch_page(links["overview"], query_params=st.query_params.to_dict())

    # Streamlit serves the default page at / only: without this, an address with its name would be "not found".
    alias = st.Page(to_overview, title="To the overview", url_path="overview", visibility="hidden")
    chosen = st.navigation([*links.values(), alias])
    exhibits.begin(chosen.title)
    glossary.style()
    try:
        chosen.run()
        view = state.selected()
        glossary.panel(without=("GLUE",) if view is not None and view.task().own else ())
        if view is not None:
            head_card.panel(view, chosen.title)
    except ExplorerError as error:
        _stop(error)
    notices.show_rest()
    with st.sidebar:
        if view is not None:
            export_panel.panel(view)
        share.panel()
        one_entry.keep_one_entry_a_page(chosen.url_path)
    preload.start()
    memory.bound().keep()


def _opens(row: Page, root: Path, stamp: str, manifests: Inventory, links: dict[str, st.Page]) -> Callable[[], None]:
    def open_page() -> None:
        # Each page is imported when it is opened, so that the first one is on screen soon.
        module = importlib.import_module(f"explorer.ui.pages.{row.module}")
        view = state.select(root, stamp, manifests, links)
        st.set_page_config(page_title=f"{row.title} · {task_question(view.run.task)}")
        module.page(view)

    open_page.__name__ = f"{row.title.lower()}_page"  # Streamlit tells pages apart by it
    return open_page


def _stop(error: ExplorerError) -> None:
    plain_text.failed(error)
    st.stop()


main()
