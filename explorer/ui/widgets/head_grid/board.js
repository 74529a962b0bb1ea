// What is seen of the head grid: cells, headers, count, readout, legend. It holds no mask; see head_grid.js.

const range = (n) => Array.from({ length: n }, (_, i) => i);
const sum = (bits) => bits.reduce((a, b) => a + b, 0);
const NOTHING_READ = "Point at a cell, or move to it with the arrow keys, to read what is known of it. ";
const CARD_OF_SHOWN = "A click or Enter opens its card.";
const CARD_OF_SWITCH = "Right-click, long press or the i key opens its card.";
const FADE_MS = 700; // from the first to the last of many cells that change at once

const TOOLS = {
  undo: { text: "Undo", hint: "Undo (Ctrl+Z)", path: "M4 8h8.5a4.5 4.5 0 0 1 0 9H8M7.5 4.5 4 8l3.5 3.5" },
  redo: { text: "Redo", hint: "Redo (Ctrl+Y)", path: "M16 8H7.5a4.5 4.5 0 0 0 0 9H12M12.5 4.5 16 8l-3.5 3.5" },
  invert: {
    text: "Invert",
    hint: "Swap kept and pruned",
    path: "M10 3a7 7 0 1 0 0 14a7 7 0 0 0 0-14M10 3v14M13.5 4.5v11",
  },
  all: {
    text: "All on",
    hint: "Keep everything",
    path: "M3.5 3.5h5v5h-5zM11.5 3.5h5v5h-5zM3.5 11.5h5v5h-5zM11.5 11.5h5v5h-5z",
  },
};

function drawing(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.appendChild(document.createElementNS(svg.namespaceURI, "path")).setAttribute("d", path);
  return svg;
}

function makeTool([name, { text, hint, path }]) {
  const attributes = { type: "button", "aria-label": text, title: hint };
  return [name, make("button", "tool", attributes, [drawing(path), make("span", "", {}, [text])])];
}

class Board {
  constructor(parent, layers, heads) {
    Object.assign(this, { layers, heads });
    parent.querySelector(".hg")?.remove();
    this.root = parent.appendChild(make("div", "hg"));
    this.root.style.setProperty("--heads", heads);
    this.root.style.setProperty("--layers", layers);
    this.spots = new Map(); // button -> where it is, and which bits of the mask it switches
    this.grid = make("div", "board", { role: "grid", "aria-label": "Heads and MLPs, one row per layer" }, this.lines());
    this.tools = Object.fromEntries(Object.entries(TOOLS).map(makeTool));
    this.count = make("div", "count", { role: "status" });
    this.legend = make("div", "legend");
    this.readout = make("div", "readout", { "aria-hidden": "true" }); // a strip of its own: nothing lies over the cells
    const tools = make("div", "tools", { role: "group", "aria-label": "Mask" }, Object.values(this.tools));
    this.root.append(make("div", "bar", {}, [this.count, tools]), this.grid, this.readout, this.legend);
    this.read(null);
    this.current = this.at(1, 1); // the one cell that Tab stops at
    this.current.tabIndex = 0;
    followLinked(this.root, (code) => this.link(code));
  }

  // The name of a cell on every page: "3.5" is layer 3, head 5.
  codeOf({ kind, shape, row, column }) {
    return kind === "cell" ? `${row}.${shape === "mlp" ? "mlp" : column}` : "";
  }

  // Rings the cell that is looked at, on every page the same.
  link(code) {
    for (const [button, spot] of this.spots) button.classList.toggle("linked", Boolean(code && this.cards) && this.codeOf(spot) === code);
  }

  get cardWords() {
    return !this.cards ? "" : this.disabled ? CARD_OF_SHOWN : CARD_OF_SWITCH;
  }

  openCard(button) {
    const code = this.cards && this.spots.has(button) ? this.codeOf(this.spots.get(button)) : "";
    if (code) openCard(code, button);
    return Boolean(code);
  }

  // Of a grid that only shows: pointer, focus and arrow keys read its cells; a click or the i key opens a card.
  showOnly() {
    const { grid, root } = this;
    grid.addEventListener("pointerover", (event) => {
      const button = event.target.closest("button");
      if (this.spots.has(button)) this.read(button);
    });
    grid.addEventListener("pointerleave", () => this.read(null));
    root.addEventListener("focusin", (event) => this.spots.has(event.target) && this.focused(event.target));
    root.addEventListener("focusout", () => this.read(null));
    grid.addEventListener("keydown", (event) => this.move(event));
    grid.addEventListener("click", (event) => this.openCard(event.target.closest("button")));
  }

  move(event) {
    const { row, column } = this.spots.get(this.current);
    if (event.key === "i") this.openCard(this.current);
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
    }[event.key];
    if (event.key === "Escape") this.read(null);
    if (!to) return;
    event.preventDefault();
    this.at(...to)?.focus();
  }

  lines() {
    const { layers, heads } = this;
    const head = (layer, head) => layer * heads + head;
    const mlp = (layer) => layers * heads + layer;
    const line = (slots) => make("div", "line", { role: "row" }, slots);
    const column = (h) => {
      const targets = range(layers).map((layer) => head(layer, h));
      return this.header("column", 0, h + 1, `Head ${h + 1} of every layer`, targets, [`${h + 1}`]);
    };
    const layer = (l) => {
      const words = [make("span", "long", {}, ["Layer "]), make("span", "short", {}, ["L"]), `${l + 1}`];
      const text = [make("span", "", {}, words)];
      const targets = [...range(heads).map((h) => head(l, h)), mlp(l)];
      return line([
        this.header("row", l + 1, 0, `Layer ${l + 1}, heads and MLP`, targets, text),
        ...range(heads).map((h) => this.cell("head", l + 1, h + 1, `Layer ${l + 1}, head ${h + 1}`, head(l, h))),
        this.cell("mlp", l + 1, heads + 1, `Layer ${l + 1}, MLP`, mlp(l)),
      ]);
    };
    const everything = range(layers * heads + layers);
    const top = line([
      this.header("corner", 0, 0, "Everything", everything, ["All"]),
      ...range(heads).map(column),
      this.header("column", 0, heads + 1, "All MLPs", range(layers).map(mlp), ["MLP"]),
    ]);
    return [top, ...range(layers).map(layer)];
  }

  header(kind, row, column, name, targets, text) {
    const button = make("button", `label ${kind}`, { type: "button", tabindex: -1 }, text);
    this.spots.set(button, { kind, row, column, name, targets });
    const apart = column > this.heads ? "slot apart" : "slot";
    return make("div", apart, { role: kind === "row" ? "rowheader" : "columnheader" }, [button]);
  }

  cell(shape, row, column, name, target) {
    const button = make("button", `cell ${shape}`, { type: "button", tabindex: -1 });
    this.spots.set(button, { kind: "cell", shape, row, column, name, targets: [target] });
    return make("div", shape === "mlp" ? "slot apart" : "slot", { role: "gridcell" }, [button]);
  }

  at(row, column) {
    for (const [button, spot] of this.spots) if (spot.row === row && spot.column === column) return button;
  }

  focused(button) {
    this.current.tabIndex = -1;
    this.current = button;
    button.tabIndex = 0;
    if (button.matches(":focus-visible")) this.read(button);
  }

  // Colours, signs, arcs, texts and legend: all but the mask.
  dress({ fill, ring, marks, hover, disabled, size, name, cards = true }) {
    if (name) this.grid.setAttribute("aria-label", name);
    const kinds = fill?.kinds;
    const classes = {
      disabled,
      filled: fill && !kinds,
      signed: fill?.middle,
      classed: kinds,
      ringed: ring,
      "signed-ring": ring?.middle,
      marked: marks,
      large: size === "large",
      small: size === "small",
    };
    Object.assign(this, { disabled, marks, fill, size, cards });
    this.link(linkedHead());
    for (const [name, on] of Object.entries(classes)) this.root.classList.toggle(name, Boolean(on));
    this.root.classList.toggle("dark", isDark(this.root));
    this.grid.setAttribute("aria-readonly", disabled);
    for (const [button, spot] of this.spots) {
      if (spot.kind !== "cell") continue;
      const mine = (values) =>
        spot.shape === "mlp" ? values?.mlps?.[spot.row - 1] : values?.heads?.[spot.row - 1]?.[spot.column - 1];
      const mark = Boolean(mine(marks));
      spot.told = [mark ? marks.title : "", mine(hover) ?? ""].filter(Boolean);
      for (const [name, overlay] of Object.entries({ fill, ring })) {
        const value = mine(overlay) ?? null;
        const twoWays = name === "ring" && overlay?.middle; // the arc is as long as the value is far from the middle
        button.style.setProperty(`--${name}`, twoWays ? Math.abs((value ?? 0.5) - 0.5) * 2 : (value ?? 0));
        if (name === "ring") button.classList.toggle("ring-down", Boolean(twoWays) && value < 0.5);
        button.classList.toggle(`no-${name}`, value === null);
      }
      const kind = kinds?.[mine(fill)];
      button.style.setProperty("--kind", kind?.colour ?? "");
      button.replaceChildren(...(kind ? [drawing(kind.sign)] : []));
      button.classList.toggle("mark", mark);
      button.setAttribute("aria-disabled", disabled && !cards); // one that only shows still opens its card
    }
    this.legend.replaceChildren(...this.legendItems(fill, ring, marks));
  }

  legendItems(fill, ring, marks) {
    const item = (...children) => make("span", "item", {}, children);
    const title = (overlay) => make("b", "", {}, [overlay.title]);
    const arc = (value, way = "") => make("i", `swatch arc ${way}`, { style: `--ring: ${value}` });
    const chip = ({ name, colour, sign }) =>
      make("span", "chip", {}, [make("i", "swatch kind", { style: `--kind: ${colour}` }, [drawing(sign)]), name]);
    const gap = (overlay) => overlay && [...overlay.heads.flat(), ...overlay.mlps].includes(null);
    const items = [];
    if (fill?.kinds) items.push(item(title(fill), ...fill.kinds.map(chip)));
    else if (fill?.middle) {
      const half = (name) => make("i", `swatch ramp ${name}`);
      items.push(item(title(fill), fill.low, half("down"), fill.middle, half("up"), fill.high));
    } else if (fill) {
      // On a dark page more is lighter, the other way round than on a light one.
      const turned = make("span", "turned", {}, ["(lighter is more)"]);
      items.push(item(title(fill), fill.low, make("i", "swatch ramp"), fill.high, turned));
    }
    if (ring?.middle) {
      const [down, up] = ["ring-down", "ring-up"];
      items.push(item(title(ring), ring.low, arc(1, down), arc(0.5, down), ring.middle, arc(0.5, up), arc(1, up), ring.high));
      if (gap(ring) && ring.gap) items.push(item(`no ring: ${ring.gap}`));
    } else if (ring) items.push(item(title(ring), ring.low, arc(0), arc(0.5), arc(1), ring.high));
    if (!fill) items.push(item(make("i", "swatch kept"), "kept"));
    items.push(item(make("i", "swatch pruned"), "pruned"));
    if (marks) items.push(item(make("i", "swatch pruned mark"), marks.title.toLowerCase()));
    if (!this.disabled) items.push(item(make("i", "swatch was"), "changed last"));
    if (gap(fill) && fill.gap) items.push(item(make("i", "swatch unknown"), fill.gap));
    return items;
  }

  // A picture of the whole model, in which nothing is switched off and nothing can be: its cells are no switches.
  get heatmap() {
    return this.disabled && !this.marks && !this.bits.includes(0);
  }

  // before: the mask until the last change, whose cells that differ are outlined; null for none.
  // inOrder: whether many cells that change at once do so one after the other.
  paint(bits, { before = null, canUndo = false, canRedo = false, inOrder = false } = {}) {
    const waits = inOrder && this.bits ? this.waits(bits) : new Map();
    const same = Boolean(this.bits) && bits.every((bit, i) => bit === this.bits[i]); // painted again: cells fade as they began
    this.bits = bits;
    for (const [button, spot] of this.spots) {
      const kept = spot.targets.some((i) => bits[i]);
      if (spot.kind === "cell") {
        const [at] = spot.targets;
        if (!same) button.style.setProperty("--wait", `${waits.get(at) ?? 0}ms`);
        button.classList.toggle("was", Boolean(before) && before[at] !== bits[at]);
        if (this.heatmap) for (const name of ["role", "aria-checked"]) button.removeAttribute(name);
        else for (const [name, value] of [["role", "switch"], ["aria-checked", kept]]) button.setAttribute(name, value);
      } else button.classList.toggle("none", !kept);
      const words = this.words(spot).join(". ").replaceAll("\n", ". ");
      button.setAttribute("aria-label", words);
      if (this.size === "small") button.title = words; // there is no strip that says it
    }
    const split = this.layers * this.heads;
    const count = (part, rest) => make("span", "", {}, [make("b", "", {}, [`${sum(part)}`]), rest]);
    this.count.replaceChildren(
      count(bits.slice(0, split), this.heatmap ? " heads" : ` of ${split} heads`),
      count(bits.slice(split), this.heatmap ? " MLPs" : ` of ${this.layers} MLPs`),
    );
    const can = { undo: canUndo, redo: canRedo, invert: true, all: bits.includes(0) };
    for (const [name, able] of Object.entries(can)) this.tools[name].setAttribute("aria-disabled", !able);
    this.read(this.reading);
  }

  // When each cell that changes does so, in the order of what colours them, least first; else as they are read.
  waits(bits) {
    const colour = this.fill && !this.fill.kinds ? [...this.fill.heads.flat(), ...this.fill.mlps] : [];
    const changed = range(bits.length).filter((i) => bits[i] !== this.bits[i]);
    changed.sort((a, b) => (colour[a] ?? 0) - (colour[b] ?? 0) || a - b);
    const step = changed.length > 1 ? Math.min(45, FADE_MS / (changed.length - 1)) : 0;
    return new Map(changed.map((i, place) => [i, Math.round(place * step)]));
  }

  words(spot) {
    if (this.heatmap) return spot.kind === "cell" && spot.told.length ? [`${spot.name}: ${spot.told[0]}`, ...spot.told.slice(1)] : [spot.name];
    const kept = sum(spot.targets.map((i) => this.bits[i]));
    if (spot.kind === "cell") return [`${spot.name}: ${kept ? "kept" : "pruned"}`, ...spot.told];
    return [`${spot.name}: ${kept} of ${spot.targets.length} kept`];
  }

  // Says in the strip what is known of a cell or a whole row or column; of none, that it can be read.
  read(button) {
    const spot = this.spots.get(button);
    this.reading = spot ? button : null;
    const words = spot ? this.words(spot) : [];
    const [name, rest] = [words[0] ?? "", words.slice(1).join(" · ").replaceAll("\n", " · ")];
    this.readout.replaceChildren(spot ? make("b", "", {}, [name]) : NOTHING_READ + this.cardWords, rest ? ` · ${rest}` : "");
    for (const [other, { row, column }] of this.spots) {
      const crossed = Boolean(spot) && ((row === 0 && column === spot.column) || (column === 0 && row === spot.row));
      other.classList.toggle("crossed", crossed);
    }
  }
}
