"""The link to this very screen: to copy, and as a QR code."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

_JS = """
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  const said = parentElement.querySelector("span");
  parentElement.querySelector("figure").innerHTML = data.qr;
  button.textContent = data.label;
  said.textContent = "";
  const select = () => {  // the clipboard is closed to pages that are not served over https
    const field = document.createElement("textarea");
    field.value = data.text;
    field.style.cssText = "position:fixed;opacity:0";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  };
  button.onclick = async () => {
    let done = true;
    try { await navigator.clipboard.writeText(data.text); } catch { done = select(); }
    said.textContent = done ? "Copied" : "Select the address above and copy it";
  };
}
"""
_CSS = """
.copy { display: flex; align-items: center; gap: .75rem; font-family: var(--st-font); font-size: .875rem; }
button { all: unset; box-sizing: border-box; cursor: pointer; padding: .45rem .9rem; border-radius: .5rem;
  background: var(--st-primary-color); color: var(--st-background-color); font-weight: 600; }
button:hover { filter: brightness(1.08); }
button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: 2px; }
figure { margin: 1rem 0 0; width: 12rem; max-width: 100%; line-height: 0; border-radius: .5rem; overflow: hidden; }
span { color: var(--st-text-color); opacity: .8; }
"""
_copy = st.components.v2.component(
    "link_to_copy",
    html="<div class='copy'><button type='button'></button><span role='status'></span></div><figure></figure>",
    css=_CSS,
    js=_JS,
)
_HERE = ("localhost", "127.0.0.1", "::1", "[::1]")


@st.fragment
def panel() -> None:
    """A button that opens the link in a dialog: the address may have changed since the page was drawn."""
    if st.button("Share", icon=":material/share:", key="share.open", width="stretch"):
        _opened()


@st.dialog("Share this very screen", icon=":material/share:")
def _opened() -> None:
    link = address()
    if not link:
        st.markdown("The browser has not said what its address is. Copy it from its address bar.")
        return
    st.markdown("The link holds the page, model, task, seed, mask and what the page is set to.")
    st.code(link, language=None, wrap_lines=True)
    _copy(key="share.copy", data={"text": link, "label": "Copy link", "qr": qr_code(link)})
    if (urlsplit(link).hostname or "") in _HERE:
        st.caption(
            "It works on this machine only, since the app is served here alone. To serve it to others: "
            "`make demo HOST=0.0.0.0`, and open it by this machine's name."
        )
    st.caption("It also says what it was made with (`v=`): opened where checkpoint or data differ, the page says so.")


def address() -> str:
    """The full link to the screen as it is now; '' where the browser has not told its address."""
    url = st.context.url
    if not url:
        return ""
    query = urlencode(st.query_params.to_dict())
    return f"{url}?{query}" if query else url


def qr_code(link: str) -> str:
    """Inline SVG, black on white in either theme; needs no network."""
    svg = segno.make_qr(link, error="m").svg_inline(border=3, dark="#000", light="#fff", omitsize=True)
    return str(svg).replace("<svg ", '<svg role="img" aria-label="QR code of this link" ', 1)
