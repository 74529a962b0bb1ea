"""Opens one page with AppTest through its page function: AppTest cannot open a page that is a function by its path."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.waiting import HANG_SECONDS


def _page():
    import importlib
    import os

    from explorer.ui import cached, notices, state

    root = cached.bundle_root()
    stamp = cached.stamp(root)
    manifests = cached.manifests(root, stamp)
    name = os.environ["TEST_PAGE"]
    module = importlib.import_module(f"explorer.ui.pages.{name}")
    if not callable(getattr(module, "page", None)):  # a folder of modules
        module = importlib.import_module(f"{module.__name__}.page")
    module.page(state.select(root, stamp, manifests))
    notices.show_rest()


def opened(monkeypatch, name, bundle, *, session=None, **query):
    """The page overview, survival or tickets of a bundle; session: what it remembers; query: the address."""
    monkeypatch.setenv("EXPLORER_BUNDLE", str(bundle))
    monkeypatch.setenv("TEST_PAGE", name)
    test = AppTest.from_function(_page, default_timeout=HANG_SECONDS)
    for parameter, value in query.items():
        test.query_params[parameter] = value
    for key, value in (session or {}).items():
        test.session_state[key] = value
    test.run()
    assert not test.exception
    return test


def words(test):
    """All that is written on the page, but for tables and HTML."""
    kinds = (test.header, test.subheader, test.markdown, test.caption, test.info, test.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def address(test, name):
    """A parameter of the page's address: a plain string before AppTest has read it back, a list after."""
    value = test.query_params.get(name)
    return value[0] if isinstance(value, list) else value
