"""Every page read by axe-core in either theme and on a phone, and the words in figures, which axe does not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, unhurried

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

AXE = ROOT / ".axe" / "node_modules" / "axe-core" / "axe.min.js"
WORDS_IN_FIGURES = Path(__file__).with_name("words_in_figures.js")
PAGES = (
    "",
    "survival",
    "survival?view=each",
    "survival?view=tasks",
    "survival?view=paths",
    "survival?view=paper",
    "tickets",
    "lab",
    "replay",
    "patterns",
    "runs",
    "runs?view=check",
    "stage",
    "game",
)
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 720}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 720}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}
RUN = "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})"


@pytest.fixture(scope="module", params=LOOKS)
def context(request, chromium):
    """A browser with one of the looks, in which nothing moves by itself."""
    context = unhurried(chromium, **LOOKS[request.param], reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def settled(context, home):
    """Opens an address in the context and waits until Streamlit has nothing more to draw."""
    page = context.new_page()

    def open_page(address):
        page.goto(f"{home}/{address}")
        expect(page.get_by_role("heading").first).to_be_visible()
        expect(page.get_by_text("Glossary").first).to_be_visible()  # the last thing in a page
        expect(page.locator('[data-testid=stApp][data-test-script-state="notRunning"]')).to_be_attached()
        expect(page.locator("[data-stale=true]")).to_have_count(0)
        return page

    yield open_page
    page.close()


@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_nothing_serious(settled, address):
    if not AXE.exists():
        pytest.skip("there is no axe-core: make axe (it takes npm)")
    page = settled(address)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(RUN)
    assert found["passes"], "axe read nothing"
    serious = [
        f"{rule['id']}: {node['html'][:160]} {[check['message'] for check in node['any']]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert not serious, "\n".join(serious)


@pytest.mark.parametrize("address", ["tickets", "survival?view=each", "survival?view=paths", "replay"])
def test_words_in_figures_have_contrast(settled, address):
    page = settled(address)
    expect(page.locator("svg text").first).to_be_attached()
    assert page.evaluate(WORDS_IN_FIGURES.read_text(encoding="utf-8")) == []


def test_axe_is_the_judge_it_is_taken_for(context):
    if not AXE.exists():
        pytest.skip("there is no axe-core: make axe (it takes npm)")
    page = context.new_page()
    page.set_content("<html lang=en><title>x</title><main><p style='color:#999;background:#fff'>too faint</p></main>")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert [rule["id"] for rule in page.evaluate(RUN)["violations"]] == ["color-contrast"]
    page.close()
