"""The entry point: frame, sidebar and router. Pages live in explorer/ui."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.errors import ExplorerError
from explorer.ui import cached, state, survival

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
    if not any(manifest.stage == "finetune" for manifest in manifests):
        st.info(f"{root} holds no run yet. Make one: `python -m precompute study --task MRPC --bundle {root}`")
        st.stop()

    def survival_page() -> None:
        selection = state.select(manifests)
        state.show_notices()
        state.write_url(selection.run, None)
        survival.page(root, stamp, selection, manifests)

    def lab_page() -> None:
        from explorer.ui import lab

        lab.page(root, stamp, state.select(manifests))

    chosen = st.navigation(
        [
            st.Page(survival_page, title="Survival", icon=":material/grid_on:", url_path="survival", default=True),
            st.Page(lab_page, title="Lab", icon=":material/toggle_on:", url_path="lab"),
        ]
    )
    try:
        chosen.run()
    except ExplorerError as error:
        _stop(error)


def _stop(error: ExplorerError) -> None:
    st.error(error.wrong, icon=":material/error:")
    st.markdown(error.mend)
    st.stop()


main()
