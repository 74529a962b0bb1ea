// The card of one head or MLP: a panel at the side (on a phone at the bottom), opened by any cell of any page. Closed
// to a tab, its cell stays ringed; dismissed, nothing is. Facts come from Python, a moment after the card opens.

const PUSHES = `@media (min-width: 900px) { html.head-card-open [data-testid=stMain] { width: calc(100% - 20rem); }
  html.head-card-open [data-testid=stMainBlockContainer] { padding-inline: 1.5rem; } }
@media (max-width: 899px) { html.head-card-open [data-testid=stMainBlockContainer] { padding-bottom: 62dvh; } }`;
const cards = new WeakMap();
let opened = null; // whether the card is open; null before this window had one
let onPage = null;
let current = null; // the card that was made last: the one before may leave after it came

// Streamlit calls the default export again on every new `data`, and after a switch of page maybe with another parent.
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let card = cards.get(parentElement);
  if (!card) {
    card = new Card(parentElement);
    cards.set(parentElement, card);
  }
  card.update(data, (chosen) => setStateValue("chosen", chosen), (action) => setTriggerValue("action", action));
  return () => {
    cards.get(parentElement)?.leave();
    cards.delete(parentElement);
  };
}

function iconButton(name, path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.appendChild(document.createElementNS(svg.namespaceURI, "path")).setAttribute("d", path);
  return make("button", "icon", { type: "button", "aria-label": name, title: name }, [svg]);
}

class Card {
  constructor(parent) {
    current = this;
    this.title = make("h2", "name", { tabindex: -1 });
    this.fold = iconButton("Fold, and keep the ring", "M4 10H16");
    this.dismiss = iconButton("Dismiss", "M5 5L15 15M15 5L5 15");
    this.body = make("div", "body", { "aria-live": "polite" });
    this.tab = make("button", "unfold", { type: "button" });
    this.gone = iconButton("Dismiss", "M5 5L15 15M15 5L5 15");
    this.panel = make("aside", "panel", { "aria-label": "Head card" }, [
      make("header", "top", {}, [this.title, this.fold, this.dismiss]),
      this.body,
    ]);
    this.pill = make("div", "pill", {}, [this.tab, this.gone]);
    this.root = make("div", "head-card", {}, [this.panel, this.pill]);
    parent.append(this.root);
    if (!document.getElementById("head-card-pushes")) {
      document.head.append(make("style", "", { id: "head-card-pushes" }, [PUSHES]));
    }
    this.fold.addEventListener("click", () => this.open(false));
    this.tab.addEventListener("click", () => this.open(true, true));
    for (const button of [this.dismiss, this.gone]) button.addEventListener("click", () => this.none());
    this.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.open(false);
      this.asker?.focus();
    });
    this.asked = (event) => {
      if (!this.root.isConnected) return; // still the page before's: the next one reads what was asked for
      this.asker = event.detail.asker;
      this.open(true, this.asker?.matches(":focus-visible") && !this.asker.closest(".pointed")); // a click keeps the focus
    };
    window.addEventListener("headcard", this.asked);
    followLinked(this.root, () => this.paint());
  }

  leave() {
    window.removeEventListener("headcard", this.asked);
    if (current === this) document.documentElement.classList.remove("head-card-open");
    this.root.remove();
  }

  update(data, choose, act) {
    Object.assign(this, { data, choose, act });
    const asked = window.askedCard?.path === location.pathname; // on this very page, maybe before this card was there
    if (opened === null) {
      opened = asked || Boolean(data.chosen); // as the link says
      if (!asked) linkHead(data.chosen);
    } else if (onPage !== data.page) opened = asked; // it was opened for the page before: the ring came along
    if (asked) this.asker = window.askedCard.asker;
    else window.askedCard = null;
    onPage = data.page;
    // Another model has other heads.
    const [layer, head] = linkedHead().split(".");
    if (layer > data.layers || (head !== "mlp" && head > data.heads)) return this.none();
    this.paint();
    if (linkedHead() !== data.chosen) this.tell();
  }

  open(open, focus = false) {
    opened = open;
    if (!open) window.askedCard = null;
    this.paint();
    if (open && focus) this.title.focus();
    this.tell();
  }

  none() {
    opened = false;
    window.askedCard = null;
    linkHead("");
    this.paint();
    this.tell();
    this.asker?.focus();
  }

  // Python writes the address, and sends the facts of an open card.
  tell() {
    this.choose?.({ code: linkedHead(), open: opened });
  }

  paint() {
    const code = linkedHead();
    const [layer, head] = code.split(".");
    const name = code && (head === "mlp" ? `Layer ${layer}, MLP` : `Layer ${layer}, head ${head}`);
    const open = Boolean(code && opened);
    this.panel.hidden = !open;
    this.pill.hidden = !code || open;
    this.title.textContent = name;
    this.tab.textContent = `Ringed: ${name}`;
    document.documentElement.classList.toggle("head-card-open", open);
    const { facts } = this.data ?? {};
    const mine = facts?.code === code ? facts : null;
    this.theme = isDark(this.root) ? "dark" : "light";
    this.root.classList.toggle("dark", this.theme === "dark");
    this.body.replaceChildren(...(mine ? this.told(mine) : [make("p", "quiet", {}, ["Reading what is known of it …"])]));
  }

  told({ of, map, says, survival, actions }) {
    const parts = [make("p", "quiet", {}, [of])];
    if (map) parts.push(this.map(map));
    parts.push(make("dl", "", {}, says.flatMap(([term, words]) => [make("dt", "", {}, [term]), make("dd", "", {}, [words])])));
    if (survival.length) parts.push(this.survival(survival));
    const buttons = actions.map(([name, label]) => {
      const button = make("button", `action ${name}`, { type: "button" }, [label]);
      button.addEventListener("click", () => this.act({ name, code: linkedHead() }));
      return button;
    });
    return [...parts, make("div", "actions", {}, buttons)];
  }

  map({ size, pixels, ink, words }) {
    const canvas = make("canvas", "", { role: "img", "aria-label": words, width: size, height: size });
    const bytes = Uint8Array.from(atob(pixels), (character) => character.charCodeAt(0));
    const stops = ink[this.theme].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    const context = canvas.getContext("2d");
    const image = context.createImageData(size, size);
    bytes.forEach((value, i) => {
      const at = (value / 255) * (stops.length - 1);
      const low = Math.min(Math.floor(at), stops.length - 2);
      stops[low].forEach((from, k) => (image.data[4 * i + k] = from + (stops[low + 1][k] - from) * (at - low)));
      image.data[4 * i + 3] = 255;
    });
    context.putImageData(image, 0, 0);
    return make("figure", "", {}, [canvas, make("figcaption", "quiet", {}, [words])]);
  }

  // A row a task, a dot a seed: filled where it is part of the good ticket.
  survival(rows) {
    const line = ({ task, own, seeds }) => {
      const kept = seeds.filter(([, on]) => on).length;
      const dots = seeds.map(([seed, on]) => make("i", on ? "on" : "off", { title: `Seed ${seed}: ${on ? "kept" : "switched off"}` }));
      return make("tr", own ? "own" : "", {}, [
        make("th", "", { scope: "row" }, [task]),
        make("td", "dots", { "aria-hidden": "true" }, dots),
        make("td", "", {}, [seeds.length === 1 ? (kept ? "kept" : "off") : `${kept} of ${seeds.length}`]),
      ]);
    };
    const caption = make("caption", "", {}, ["Survives pruning, a dot a seed"]);
    return make("table", "", {}, [caption, make("tbody", "", {}, rows.map(line))]);
  }
}
