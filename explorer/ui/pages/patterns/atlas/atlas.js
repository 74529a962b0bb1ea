// The atlas in the browser: thumbnails from bytes, the choice of a head, and filters that only dim.
// All words are set as text, never as markup.

// Streamlit calls the default export again on every new `data`, with the same parentElement.
const atlases = new WeakMap();
const DRAWN = 96; // pixels a side that a thumbnail is drawn with: then scaled down smoothly, up not at all

export default function ({ data, parentElement, setStateValue }) {
  let atlas = atlases.get(parentElement);
  if (!atlas || atlas.layers !== data.layers || atlas.heads !== data.heads) {
    atlas?.root.remove();
    atlas = new Atlas(parentElement, data.layers, data.heads);
    atlases.set(parentElement, atlas);
  }
  atlas.update(data, (head) => setStateValue("head", head));
  return () => {
    atlases.get(parentElement)?.root.remove();
    atlases.delete(parentElement);
  };
}

function made(tag, parent, className = "", text = "") {
  return parent.appendChild(make(tag, className, {}, text ? [text] : []));
}

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// 256 colours between stops at even steps, as bytes in the canvas's order.
function palette(stops) {
  const colours = stops.map(rgb);
  const table = new Uint8ClampedArray(256 * 4);
  for (let value = 0; value < 256; value++) {
    const at = (value / 255) * (colours.length - 1);
    const low = Math.min(Math.floor(at), colours.length - 2);
    colours[low].forEach((from, i) => (table[value * 4 + i] = from + (colours[low + 1][i] - from) * (at - low)));
    table[value * 4 + 3] = 255;
  }
  return table;
}

class Atlas {
  constructor(parent, layers, heads) {
    Object.assign(this, { layers, heads, cells: [], kept: { kinds: new Set(), survives: new Set() }, drawn: "" });
    this.root = made("div", parent, "atlas");
    this.root.style.setProperty("--heads", heads);
    this.root.style.setProperty("--layers", layers);
    const board = made("div", made("div", this.root, "scroll"), "board");
    board.setAttribute("role", "group");
    board.setAttribute("aria-label", "Attention maps of all heads, a row a layer. Arrow keys move, Enter opens.");
    made("span", board, "mark");
    for (let head = 0; head < heads; head++) made("span", board, "mark", String(head + 1));
    for (let layer = 0; layer < layers; layer++) {
      made("span", board, "mark layer", String(layer + 1));
      for (let head = 0; head < heads; head++) this.cell(board, layer, head);
    }
    this.filters = made("div", this.root);
    this.told = made("p", this.root, "told");
    this.told.setAttribute("aria-live", "polite");
    this.lens = made("div", this.root, "lens");
    this.lens.hidden = true;
    this.lens.setAttribute("aria-hidden", "true");
    this.large = made("canvas", this.lens);
    this.large.width = this.large.height = DRAWN;
    this.caption = made("span", this.lens);
    const leave = () => {
      this.lens.hidden = true;
      this.count();
    };
    board.addEventListener("keydown", (event) => this.key(event));
    board.addEventListener("pointerover", (event) => this.say(event.target.closest("button"), event.pointerType === "mouse"));
    board.addEventListener("pointerleave", leave);
    board.addEventListener("focusin", (event) => {
      const button = event.target.closest("button");
      this.say(button, button?.matches(":focus-visible"));
    });
    board.addEventListener("focusout", leave);
    followLinked(this.root, (code) => this.link(code));
  }

  cell(board, layer, head) {
    const button = made("button", board, "cell");
    button.type = "button";
    const canvas = made("canvas", button);
    canvas.width = canvas.height = DRAWN;
    const letter = made("i", button);
    letter.setAttribute("aria-hidden", "true");
    button.addEventListener("click", () => {
      this.choose(layer, head);
      openCard(`${layer + 1}.${head + 1}`, button);
    });
    this.cells.push({ button, canvas, letter, layer, head });
  }

  update(data, send) {
    Object.assign(this, { data, send });
    this.theme = isDark(this.root) ? "dark" : "light";
    this.root.classList.toggle("dark", this.theme === "dark");
    this.chosen = data.chosen;
    const drawn = this.theme + data.size + data.pixels;
    if (drawn !== this.drawn) this.draw();
    this.drawn = drawn;
    this.listFilters();
    this.paint();
  }

  draw() {
    const { size, pixels, ink } = this.data;
    const bytes = Uint8Array.from(atob(pixels), (character) => character.charCodeAt(0));
    const table = new Uint32Array(palette(ink[this.theme]).buffer);
    const small = document.createElement("canvas");
    small.width = small.height = size;
    const context = small.getContext("2d");
    const image = context.createImageData(size, size);
    const out = new Uint32Array(image.data.buffer);
    this.cells.forEach(({ canvas }, index) => {
      const from = index * size * size;
      for (let i = 0; i < out.length; i++) out[i] = table[bytes[from + i]];
      context.putImageData(image, 0, 0);
      const large = canvas.getContext("2d");
      large.imageSmoothingEnabled = false;
      large.drawImage(small, 0, 0, DRAWN, DRAWN);
    });
  }

  words({ layer, head }) {
    const { kinds, categories, survives, seeds } = this.data;
    const at = layer * this.heads + head;
    const lives = !survives ? "" : seeds === 1 ? (survives[at] ? ", kept" : ", switched off") : `, survives in ${survives[at]} of ${seeds} seeds`;
    return `Layer ${layer + 1}, head ${head + 1}: ${categories[kinds[at]].name}${lives}`;
  }

  matches(at) {
    const { kinds, survives } = this.kept;
    const lives = this.data.survives;
    return (!kinds.size || kinds.has(this.data.kinds[at])) && (!survives.size || !lives || survives.has(lives[at]));
  }

  paint() {
    const { kinds, categories, survives, colour, ramps, other } = this.data;
    const [layer, head] = this.chosen;
    this.cells.forEach((cell, at) => {
      const { button, letter } = cell;
      const byClass = colour === "class";
      button.style.setProperty("--kind", byClass ? categories[kinds[at]].colour : ramps[this.theme][survives[at]]);
      letter.textContent = byClass ? categories[kinds[at]].letter : String(survives[at]);
      const mine = cell.layer === layer && cell.head === head;
      button.setAttribute("aria-pressed", String(mine));
      button.setAttribute("aria-label", this.words(cell));
      button.tabIndex = mine ? 0 : -1;
      button.classList.toggle("other", !mine && !!other && cell.layer === other[0] && cell.head === other[1]);
      button.classList.toggle("dim", !this.matches(at));
    });
    this.count();
  }

  listFilters() {
    const { categories, survives, seeds, ramps, colour } = this.data;
    const focused = this.root.getRootNode().activeElement?.dataset?.filter;
    this.filters.replaceChildren();
    const classes = this.filterRow("Show only", "kinds");
    categories.forEach(({ name, letter, colour: own, n }, kind) => {
      if (n) this.filter(classes, "kinds", kind, letter, colour === "class" ? own : "", name, n);
    });
    if (survives) {
      const lives = this.filterRow(seeds === 1 ? "The one seed" : "Survives in", "survives");
      for (let count = seeds; count >= 0; count--) {
        const n = survives.filter((one) => one === count).length;
        const own = colour === "class" ? "" : ramps[this.theme][count];
        const name = seeds === 1 ? (count ? "kept" : "switched off") : count === 0 ? "no seed" : `of ${seeds} seeds`;
        if (n) this.filter(lives, "survives", count, String(count), own, name, n);
      }
    }
    if (focused) this.filters.querySelector(`[data-filter="${focused}"]`)?.focus();
  }

  filterRow(label) {
    const row = made("div", this.filters, "filters");
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", label);
    made("b", row, "", label);
    return row;
  }

  filter(row, of, value, letter, colour, name, n) {
    const { seeds } = this.data;
    const button = made("button", row, "filter");
    button.type = "button";
    button.dataset.filter = `${of}-${value}`;
    const chip = made("s", button, colour ? "" : "plain", letter);
    if (colour) chip.style.setProperty("--kind", colour);
    made("span", button, "", name);
    made("em", button, "", String(n));
    button.setAttribute("aria-label", `${of === "kinds" ? name : seeds === 1 ? name : `survives in ${value} ${name}`}: ${n} heads`);
    const kept = this.kept[of];
    button.setAttribute("aria-pressed", String(kept.has(value)));
    button.addEventListener("click", () => {
      if (!kept.delete(value)) kept.add(value);
      button.setAttribute("aria-pressed", String(kept.has(value)));
      this.paint();
    });
  }

  link(code) {
    for (const { button, layer, head } of this.cells) button.classList.toggle("linked", code === `${layer + 1}.${head + 1}`);
  }

  say(button, enlarge = false) {
    const cell = this.cells.find((one) => one.button === button);
    this.lens.hidden = !cell || !enlarge;
    if (!cell) return;
    this.told.textContent = this.words(cell);
    if (enlarge) this.enlarge(cell);
  }

  // Beside the cell, on the side where there is room, so that the cell itself stays in sight.
  enlarge(cell) {
    const context = this.large.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, DRAWN, DRAWN);
    context.drawImage(cell.canvas, 0, 0);
    this.caption.textContent = this.words(cell);
    this.lens.style.setProperty("--kind", cell.button.style.getPropertyValue("--kind"));
    const [of, all] = [cell.button.getBoundingClientRect(), this.root.getBoundingClientRect()];
    const { offsetWidth: width, offsetHeight: height } = this.lens;
    const right = of.right + 10 + width <= Math.min(all.right, innerWidth);
    const left = right ? of.right + 10 : Math.max(of.left - 10 - width, 4);
    const top = Math.max(Math.min(of.top + of.height / 2 - height / 2, innerHeight - height - 8), 8);
    this.lens.style.left = `${left - all.left}px`;
    this.lens.style.top = `${top - all.top}px`;
  }

  count() {
    const { kinds, survives } = this.kept;
    const n = this.cells.filter((_, at) => this.matches(at)).length;
    const all = `${this.layers} layers of ${this.heads} heads. Each map is on its own scale.`;
    this.told.textContent = kinds.size || survives.size ? `${n} of ${this.cells.length} heads match.` : all;
  }

  choose(layer, head) {
    this.chosen = [layer, head];
    this.paint();
    this.send([layer, head]);
  }

  key(event) {
    const at = this.cells.findIndex((cell) => cell.button === event.target.closest("button"));
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.heads, ArrowDown: this.heads }[event.key];
    if (at < 0 || !step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = this.cells[at + step];
    if (next && (Math.abs(step) > 1 || next.layer === this.cells[at].layer)) next.button.focus();
  }
}
