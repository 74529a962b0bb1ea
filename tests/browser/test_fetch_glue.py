"""The button that fetches GLUE, in Chromium, from a little Hub on this machine."""

from __future__ import annotations

import math
import re

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

from tests.browser.conftest import ROOT, SIZES  # noqa: E402
from tests.little_hub import PATIENT, LittleHub  # noqa: E402
from tests.waiting import until  # noqa: E402


@pytest.fixture(scope="module")
def hub():
    made = LittleHub()
    yield made
    made.close()


def _left(button):
    return (button.bounding_box() or {"x": -1})["x"]


def _right(button):
    box = button.bounding_box() or {"x": math.inf, "width": 0}
    return box["x"] + box["width"]


def test_glue_is_fetched_by_a_button_that_names_its_size(serve, hub, page, tmp_path_factory):
    home = tmp_path_factory.mktemp("hub")
    app = ROOT / "tests" / "browser" / "unhurried_app.py"
    environment = {
        "GLUE_DIR": "",
        "EXPLORER_LEDGER": ":memory:",
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        **PATIENT,
    }
    url = serve(app, environment)
    hub.fails = 429
    page.goto(f"{url}/?task=MRPC&seed=1337")
    page.get_by_role("link", name="Lab", exact=True).click()
    host = hub.url.removeprefix("http://")
    button = page.get_by_role("button", name=f"Fetch MRPC from {host} (1 MB)")
    expect(page.get_by_role("radio", name="Plain")).to_be_visible()
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        until(lambda width=width: _left(button) >= 0 and _right(button) <= width)
    button.click()
    expect(page.get_by_text(re.compile("too many requests"))).to_be_visible()
    hub.fails = 0
    hub.gate.clear()
    button.click()
    expect(page.get_by_text(re.compile("Fetching MRPC from"))).to_be_visible()
    hub.gate.set()
    expect(page.get_by_text("GLUE MRPC dev")).to_be_visible()
    expect(button).to_have_count(0)
