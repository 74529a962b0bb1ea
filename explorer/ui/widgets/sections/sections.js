// Scrolls to a section as soon as it is there, and again whenever the page grows, until the person takes over: however
// late a figure above the section comes, that is where the page stands.
export default function ({ data }) {
  if (!data.to) return;
  const path = location.pathname;
  const taken = new AbortController();
  for (const act of ["wheel", "touchstart", "pointerdown", "keydown"])
    window.addEventListener(act, () => taken.abort(), { capture: true, passive: true, signal: taken.signal });
  const grown = new ResizeObserver(() => {
    if (location.pathname !== path) taken.abort();
    else document.querySelector(`.st-key-section-${data.to}`)?.scrollIntoView({ block: "start" });
  });
  taken.signal.addEventListener("abort", () => grown.disconnect());
  grown.observe(document.querySelector("[data-testid=stMainBlockContainer]"));
}
