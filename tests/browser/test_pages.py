"""The app in a real browser: both pages, a click on the grid, the address bar, light and dark."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402


def open_lab(page, home):
    page.goto(home)
    page.get_by_role("link", name="Lab", exact=True).click()
    expect(page.locator(".card .fold:not(.empty)")).to_be_visible()


def test_survival_shows_a_heatmap_and_its_numbers(page, home):
    page.goto(home)
    page.get_by_role("link", name="Survival", exact=True).click()
    asks = page.locator(".page-asks")  # its terms hold their sentences, which are not seen yet
    expect(asks).to_have_text("Which heads and MLPs survive pruning?", use_inner_text=True)
    cell = page.get_by_label(re.compile(r"^Layer 1, head 1: Survives.*Mean"))
    expect(cell).to_have_attribute("aria-label", re.compile(r"Survives in \d of 5 seeds"))
    page.get_by_text("Pruning paths").click()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.wait_for_url(re.compile("view=paths"))


def test_the_four_claims_open_and_lead_to_where_they_are_checked(page, home):
    page.goto(home)
    expect(page.get_by_role("heading", name=re.compile("four claims hold"))).to_be_visible()
    for many, title in enumerate(
        ("scores about as well", "made of the rest", "the worst ticket", "changes with the"), 1
    ):
        page.get_by_text(title).click()
        expect(page.locator(".js-plotly-plot")).to_have_count(many)
    page.get_by_role("link", name=re.compile("Compare the seeds")).click()
    expect(page.get_by_role("heading", name="Do the seeds agree?")).to_be_visible()
    page.get_by_role("link", name="Tickets", exact=True).click()
    expect(page.get_by_text(re.compile("^Do all tickets"))).to_be_visible()
    expect(page.get_by_text("as published").first).to_be_visible()
    expect(page.locator(".js-plotly-plot").nth(1)).to_be_visible()  # ours, theirs, and what the bundle has beside them


def test_a_click_changes_the_score_line_and_the_address(page, home):
    open_lab(page, home)
    expect(page.locator(".card .chip.full")).to_be_visible()
    page.get_by_label(re.compile("^Layer 1, MLP")).first.click()
    expect(page.locator(".lines").get_by_text(re.compile("answers change"))).to_be_visible()
    page.wait_for_url(re.compile(r"mask=[A-Za-z0-9_-]{14}"))
    expect(page.get_by_text(re.compile("SST-2 dev, stored"))).to_be_visible()


def test_a_link_opens_to_the_same_screen(page, home, context_of):
    open_lab(page, home)
    page.get_by_role("button", name="Good ticket").click()
    page.wait_for_url(re.compile("mask="))
    expect(page.locator(".lines").get_by_text(re.compile("answers change"))).to_be_visible()
    shown = page.locator(".card .value").inner_text()
    other = context_of()
    other.goto(page.url)
    expect(other.locator(".lines").get_by_text(re.compile("answers change"))).to_be_visible()
    assert other.locator(".card .value").inner_text() == shown


def test_the_overview_opens_by_its_name_too(context_of, home):
    page = context_of()  # Streamlit's own probes for its path are errors on the console of every page but /
    page.goto(f"{home}/overview?task=SST-2&seed=42")
    expect(page.get_by_role("heading", name=re.compile("^SST-2"))).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
    page.wait_for_url(re.compile(r"/\?.*task=SST-2&seed=42"))
