"""Hostile links and a hostile bundle in a real browser that listens: no page asks another host for anything."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

import pytest

from explorer.store.bundle import MANIFEST
from tests.browser.conftest import ROOT, unhurried
from tests.bundles import MODEL, small_bundle

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

ELSEWHERE = "evil.example"
MARKUP = [
    f"![x](http://{ELSEWHERE}/a.png)",
    f"<img src=http://{ELSEWHERE}/b.png>",
    f"`![x](http://{ELSEWHERE}/c.png)`` ![x](http://{ELSEWHERE}/d.png)",
    f"]\n\n![x][1]\n\n[1]: http://{ELSEWHERE}/e.png",
]
PARAMETERS = ("model", "task", "seed", "mask", "a", "b", "step", "method", "row", "v", "view", "compare", "with")
PAGES = ("", "survival", "tickets", "league", "lab", "replay", "patterns", "runs", "stage", "game")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A bundle whose manifests say markup wherever they may say text."""
    bundle = small_bundle(tmp_path_factory.mktemp("bundle") / "hostile")
    for path in bundle.root.rglob(MANIFEST):
        raw = json.loads(path.read_text())
        said = dict.fromkeys(("command", "device", "created", "checkpoint_sha256"), MARKUP[2])
        raw |= said | {"versions": {MARKUP[0]: MARKUP[1]}}
        raw["data"] = {name: one | {"source": MARKUP[0], "sha256": MARKUP[0]} for name, one in raw["data"].items()}
        raw["config"] |= {"model": MARKUP[2]} if raw["stage"] == "finetune" else {}
        raw["summary"] |= {"words": MARKUP[0]} if raw["stage"] == "baseline" else {}
        path.write_text(json.dumps(raw))
    return bundle.root


@pytest.fixture
def app(serve, hostile):
    return serve(ROOT / "serve.py", {"EXPLORER_BUNDLE": str(hostile), "GLUE_DIR": "", "EXPLORER_LEDGER": ":memory:"})


@pytest.fixture(scope="module")
def context(chromium):
    """One browser for all pages, which fetches Streamlit's own files once."""
    context = unhurried(chromium)
    yield context
    context.close()


def listening(page):
    """Hosts that the page asks, as they are added."""
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    return hosts


@pytest.mark.long
@pytest.mark.parametrize("where", PAGES)
def test_no_page_asks_another_host(context, app, where):
    page = context.new_page()
    hosts = listening(page)
    for markup in MARKUP:
        page.goto(f"{app}/{where}?{urlencode(dict.fromkeys(PARAMETERS, markup))}")
        expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.goto(f"{app}/{where}?{urlencode({'model': MODEL, 'task': 'MRPC', 'seed': 1337})}")
    expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    assert hosts - {None} == {urlsplit(app).hostname}
    assert page.locator(f"img[src*='{ELSEWHERE}']").count() == 0
    page.close()


def test_what_slipped_through_would_be_stopped_by_the_policy(context_of, app):
    page = context_of()
    answered = []
    page.route(f"**/*{ELSEWHERE}/**", lambda route: answered.append(route.request.url) or route.abort())
    page.goto(app)
    expect(page.get_by_test_id("stMain")).to_be_visible()
    stopped = page.evaluate(
        """host => new Promise(resolve => {
            document.addEventListener("securitypolicyviolation", event => resolve(event.effectiveDirective));
            const image = new Image();
            image.src = `http://${host}/x.png`;
            document.body.append(image);
        })""",
        ELSEWHERE,
    )
    assert stopped == "img-src"
    assert not answered
