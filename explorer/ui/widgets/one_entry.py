"""One entry a page in the browser's history: Back and Forward leave the page, undo and redo walk its masks."""

from __future__ import annotations

import streamlit as st

_JS = """
// Streamlit adds an entry whenever the address changes: then Back would undo the address and nothing else on screen.
export default function ({ data }) {
  window.oneEntryAPage ??= keepOneEntryAPage();
  window.oneEntryAPage.drew(data.page);
}

function keepOneEntryAPage() {
  const [push, replace] = [history.pushState.bind(history), history.replaceState.bind(history)];
  let [place, page] = [history.state?.place ?? 0, location.pathname];
  let goingTo = null; // where Back or Forward led, until that page is drawn or the person does something
  history.replaceState = (state, title, url) => replace({ ...state, place }, title, url);
  history.pushState = (state, title, url) => {
    const to = url == null ? page : new URL(url, location.href).pathname;
    // A run of the page that was left, begun before the server heard of it, asks for that page's address once more:
    // an entry for it, and one for the way back, would leave nothing to go forward to.
    if (to === page || goingTo !== null) {
      page = to;
      return history.replaceState(state, title, url);
    }
    [place, page] = [place + 1, to];
    return push({ ...state, place }, title, url);
  };
  history.replaceState(history.state, "");
  // What was added before this ran is passed over, in the direction that the person goes.
  const passOver = (event) => {
    const to = event.state?.place ?? -1;
    const back = to < place;
    place = Math.max(to, 0);
    if (location.pathname !== page || event.state?.place !== undefined) goingTo = page = location.pathname;
    else {
      event.stopImmediatePropagation();
      if (back) history.back();
      else history.forward();
    }
  };
  window.addEventListener("popstate", passOver, { capture: true });
  const arrive = () => (goingTo = null);
  for (const act of ["click", "keydown"]) window.addEventListener(act, arrive, { capture: true });
  return { drew: (path) => goingTo?.split("/").at(-1) === path && arrive() };
}
"""
_component = st.components.v2.component("one_entry_a_page", css=":host { display: none; }", js=_JS)


def keep_one_entry_a_page(path: str) -> None:
    """Makes a change of the address within a page take the place of its entry, from now on.

    path: that of the page which this run has drawn, empty for the one at /.
    """
    with st.container(key="one-entry-a-page", height=1, border=False):
        _component(key="one_entry_a_page", data={"page": path})
