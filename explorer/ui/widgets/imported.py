"""What a page shows of a run that was imported as masks, without weights: what there is, and where more of it is."""

from __future__ import annotations

import streamlit as st

from explorer.figures.overlays import dress, survival_overlay
from explorer.store.schema import Key
from explorer.store.task_tickets import shape_of
from explorer.ui import cached, notices, state
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, page_title
from explorer.ui.widgets.overlay_picker import NONE
from explorer.ui.widgets.words import model_name, seeds


def without_weights(view: View) -> bool:
    """Whether the selected run is known by its masks alone."""
    of_run = {manifest.stage for manifest in view.manifests.of_run(view.run)}
    return "published-masks" in of_run and not view.has(Key(view.run, "finetune"))


def show(view: View, asks: str, missing: str, icon: str) -> None:
    """Shows the run's good ticket as imported, under the page's title, with the way to the pages that have more.

    asks: what the page is for. missing: a sentence that says what the authors' files do not hold for it. icon: a
    Material icon's name.
    """
    state.write_url(view.run, None)
    page_title.show(view.run.task, asks)
    notices.show()
    show_missing(view, missing, icon)


def show_missing(view: View, missing: str, icon: str) -> None:
    """Shows the same as `show` below a title that is there already."""
    run = view.run
    st.info(missing, icon=f":material/{icon}:")
    tickets = cached.tickets(view, run)
    ticket = tickets.get(run.seed)
    if ticket is None:
        return
    shape = shape_of(view.manifests, run)
    st.markdown(
        f"What pruning left of {model_name(run.model)} on {run.task} with seed {run.seed}: {ticket.heads_kept} of "
        f"{ticket.heads.size} heads and {ticket.mlps_kept} of {len(ticket.mlps)} MLPs. A cell says in how many of "
        f"{seeds(len(tickets))} it survives."
    )
    overlays = {"survival": survival_overlay(tickets)}
    with st.container(width=760):
        exhibits.grid(
            ticket,
            title=f"The good ticket on {run.task}, seed {run.seed}",
            caption=f"{model_name(run.model)}, as published. × = switched off.",
            revision=f"imported-{run.path}-{ticket.code}",
            key="imported.grid",
            disabled=True,
            **dress(overlays, "survival" if len(tickets) > 1 else NONE, NONE, shape).arguments,
        )
    with st.container(horizontal=True):
        for name, label, sign in (
            ("survival", "Survival, seed by seed", "grid_on"),
            ("tickets", "The scores as published", "confirmation_number"),
        ):
            if (link := view.links.get(name)) is not None:
                st.page_link(link, label=label, icon=f":material/{sign}:")
