// Scrolls to a section as soon as it is there, and again while what is above it still grows, until the person takes over.
const SETTLED = 4000; // ms without a move after which the page is taken to be whole

export default function ({ data }) {
  if (!data.to) return;
  const taken = new AbortController();
  for (const act of ["wheel", "touchstart", "pointerdown", "keydown"])
    window.addEventListener(act, () => taken.abort(), { capture: true, passive: true, signal: taken.signal });
  const path = location.pathname;
  let [top, moved] = [null, Date.now()];
  const look = () => {
    if (taken.signal.aborted || location.pathname !== path || Date.now() - moved > SETTLED) return taken.abort();
    const section = document.querySelector(`.st-key-section-${data.to}`);
    const now = section?.getBoundingClientRect().top ?? null;
    if (section && now !== top) {
      section.scrollIntoView({ block: "start" });
      [top, moved] = [section.getBoundingClientRect().top, Date.now()];
    } else if (!section) moved = Date.now();
    setTimeout(look, 150);
  };
  look();
}
