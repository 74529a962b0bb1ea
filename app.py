"""The entry point: frame, sidebar and router. Pages live in explorer/ui."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.errors import ExplorerError
from explorer.ui import cached, preload, state
from explorer.ui.widgets import exhibits, export_panel, share

# A file of ours: Streamlit would fetch a named icon from a font server.
ICON = Path(__file__).parent / "explorer" / "ui" / "icon.png"
st.set_page_config(page_title="BERT Lottery Explorer", page_icon=str(ICON), layout="wide")
st.html("<style>[data-testid=stMainBlockContainer]{padding-top:3.2rem}</style>")


def main() -> None:
    """Reads the bundle, lets the person select a run, and shows the page; every error is a sentence."""
    root = cached.bundle_root()
    stamp = cached.stamp(root)
    try:
        manifests = cached.manifests(root, stamp)
    except ExplorerError as error:
        _stop(error)
    if not state.runs_of(manifests):
        st.info(f"{root} holds no run yet. Make one: `python -m precompute study --task MRPC --bundle {root}`")
        st.stop()

    # Each page is imported when it is opened, so that the first one is on screen soon.
    def overview_page() -> None:
        from explorer.ui.pages import overview

        overview.page(root, stamp, state.select(manifests), manifests, links)

    def survival_page() -> None:
        from explorer.ui.pages.survival import page as survival

        survival.page(root, stamp, state.select(manifests), manifests)

    def tickets_page() -> None:
        from explorer.ui.pages import tickets

        tickets.page(root, stamp, state.select(manifests))

    def lab_page() -> None:
        from explorer.ui.pages.lab import page as lab

        lab.page(root, stamp, state.select(manifests))

    def replay_page() -> None:
        from explorer.ui.pages import replay

        replay.page(root, stamp, state.select(manifests), manifests, links["lab"])

    def patterns_page() -> None:
        from explorer.ui.pages.patterns import page as patterns

        patterns.page(root, stamp, state.select(manifests), links["lab"])

    def stage_page() -> None:
        from explorer.ui.pages.stage.page import page

        page(root, stamp, state.select(manifests), manifests, links)

    def game_page() -> None:
        from explorer.ui.pages import game

        game.page(root, stamp, state.select(manifests), manifests)

    def runs_page() -> None:
        from explorer.ui.pages.runs import page as runs

        runs.page(root, stamp, state.select(manifests), manifests)

    pages = [
        st.Page(overview_page, title="Overview", icon=":material/home:", default=True),
        st.Page(survival_page, title="Survival", icon=":material/grid_on:", url_path="survival"),
        st.Page(tickets_page, title="Tickets", icon=":material/confirmation_number:", url_path="tickets"),
        st.Page(lab_page, title="Lab", icon=":material/toggle_on:", url_path="lab"),
        st.Page(replay_page, title="Replay", icon=":material/replay:", url_path="replay"),
        st.Page(patterns_page, title="Patterns", icon=":material/blur_on:", url_path="patterns"),
        st.Page(runs_page, title="Runs", icon=":material/inventory_2:", url_path="runs"),
        st.Page(stage_page, title="Stage", icon=":material/slideshow:", url_path="stage"),
        st.Page(game_page, title="Game", icon=":material/sports_esports:", url_path="game"),
    ]
    links = {page.title.lower(): page for page in pages}

    def to_overview() -> None:
        st.switch_page(pages[0], query_params=st.query_params.to_dict())

    # Streamlit serves the default page at / only: without this, an address with its name would be "not found".
    alias = st.Page(to_overview, title="To the overview", url_path="overview", visibility="hidden")
    chosen = st.navigation([*pages, alias])
    exhibits.begin(chosen.title)
    try:
        chosen.run()
    except ExplorerError as error:
        _stop(error)
    with st.sidebar:
        export_panel.panel(root, stamp, manifests)
        share.panel()
    preload.start()


def _stop(error: ExplorerError) -> None:
    st.error(error.wrong, icon=":material/error:")
    st.markdown(error.mend)
    st.stop()


main()
