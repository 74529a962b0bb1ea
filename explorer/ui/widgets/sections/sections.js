// Scrolls to a section as soon as it is there, and again while the page still grows, until the person takes over.
const SETTLED = 4000; // ms without a change after which the page is taken to be whole

export default function ({ data }) {
  if (!data.to) return;
  const taken = new AbortController();
  for (const act of ["wheel", "touchstart", "pointerdown", "keydown"])
    window.addEventListener(act, () => taken.abort(), { capture: true, passive: true, signal: taken.signal });
  const path = location.pathname;
  let [seen, changed] = ["", Date.now()];
  const look = () => {
    if (taken.signal.aborted || location.pathname !== path || Date.now() - changed > SETTLED) return taken.abort();
    const section = document.querySelector(`.st-key-section-${data.to}`);
    section?.scrollIntoView({ block: "start" }); // does nothing where it stands there
    const page = document.querySelector("[data-testid=stMain]")?.scrollHeight;
    const now = section ? `${Math.round(section.getBoundingClientRect().top)} ${page}` : Date.now();
    if (now !== seen) [seen, changed] = [now, Date.now()];
    setTimeout(look, 150);
  };
  look();
}
