// Lines from each token that reads to what it reads. All words are set as text, never as markup.

const drawings = new WeakMap();
const SVG = "http://www.w3.org/2000/svg";

// Streamlit calls the default export again on every new `data`, with the same parentElement.
export default function ({ data, parentElement }) {
  const told = JSON.stringify(data);
  const before = drawings.get(parentElement);
  if (before?.told !== told) {
    before?.root.remove();
    drawings.set(parentElement, draw(parentElement, data, told));
  }
  return () => {
    drawings.get(parentElement)?.root.remove();
    drawings.delete(parentElement);
  };
}

function draw(parent, { tokens, second, shares, top, unit, faintest }, told) {
  const n = tokens.length;
  const place = (side) => (text, at) => {
    const button = make("button", at === second ? "token second" : "token", { type: "button" }, [text]);
    button.dataset.at = at;
    button.dataset.side = side;
    button.tabIndex = side === "reads" ? 0 : -1;
    return button;
  };
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 100 ${n}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const lines = [];
  shares.forEach((row, from) =>
    row.forEach((share, to) => {
      if (share < 0.005) return;
      const line = document.createElementNS(SVG, "path");
      const [y, z] = [from + 0.5, to + 0.5];
      line.setAttribute("d", `M0 ${y}C45 ${y} 55 ${z} 100 ${z}`);
      line.style.setProperty("--share", share);
      lines.push({ line, from, to, share });
    }),
  );
  lines.sort((a, b) => a.share - b.share); // the strongest on top
  svg.append(...lines.map(({ line }) => line));
  const reads = make("div", "side reads", { role: "group", "aria-label": "Reads" }, tokens.map(place("reads")));
  const read = make("div", "side read", { role: "group", "aria-label": "Is read" }, tokens.map(place("read")));
  const said = make("p", "said", { role: "status" });
  const heads = make("div", "heads", {}, [make("span", "", {}, ["reads"]), make("span", "", {}, ["is read"])]);
  const board = make("div", "lines", {}, [reads, svg, read]);
  board.style.setProperty("--n", n);
  const root = make("div", "token-lines", {}, [heads, make("div", "scroll", {}, [board]), said]);
  parent.append(root);

  let kept = null; // the token that a click keeps
  const show = (button) => {
    const at = button ? Number(button.dataset.at) : null;
    const whole = button?.dataset.side === "reads" ? "from" : "to";
    for (const { line, from, to, share } of lines) {
      const on = at === null ? share >= faintest : (whole === "from" ? from : to) === at;
      line.classList.toggle("off", !on);
    }
    for (const token of board.querySelectorAll(".token")) token.classList.toggle("on", token === button);
    said.textContent = at === null ? "Point at a token to see its lines alone." : words(at, whole);
  };
  const words = (at, whole) => {
    const own = lines.filter((line) => line[whole] === at).sort((a, b) => b.share - a.share);
    const most = own.slice(0, 3).map(({ from, to, share }) => `${tokens[whole === "from" ? to : from]} ${printed(share * top, 2)}`);
    const says = whole === "from" ? "reads most" : "is read most by";
    return `${tokens[at]} ${says}: ${most.join(", ") || "nothing"} (${unit})`;
  };
  const token = (event) => event.target.closest?.(".token");
  board.addEventListener("pointerover", (event) => token(event) && show(token(event)));
  board.addEventListener("pointerleave", () => show(kept));
  board.addEventListener("focusin", (event) => token(event)?.matches(":focus-visible") && show(token(event)));
  board.addEventListener("focusout", () => show(kept));
  board.addEventListener("click", (event) => {
    if (!token(event)) return;
    kept = kept === token(event) ? null : token(event);
    show(kept);
  });
  board.addEventListener("keydown", (event) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const other = { ArrowRight: read, ArrowLeft: reads }[event.key];
    const button = token(event);
    if (!button || !(step || other)) return;
    event.preventDefault();
    (step ? button[step] : other.children[button.dataset.at])?.focus();
  });
  show(null);
  return { root, told };
}
