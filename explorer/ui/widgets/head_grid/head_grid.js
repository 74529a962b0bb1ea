// The head grid in the browser: the mask, its history, pointer and keyboard. It owns the mask: it paints a
// click at once and sends the whole mask, so that no click made while Python is busy is lost. Python's mask
// is adopted only with a new revision. What is seen is in board.js, which stands before this text.

// Streamlit calls the default export again on every new `data`, with the same parentElement.
const grids = new WeakMap();

// What each revision was last switched to in this window, and how it came there. Streamlit may mount the grid afresh at
// any time, with a mask of Python's that lacks the clicks still under way.
const newest = new Map();
const REVISIONS = 100;

// The grids on the page. For a moment there may be two of one revision, the one that goes and the one that comes: what
// is switched on either shows on both.
const mounted = new Set();

export default function ({ data, parentElement, setStateValue }) {
  let grid = grids.get(parentElement);
  if (!grid || grid.board.layers !== data.layers || grid.board.heads !== data.heads) {
    leave(grid);
    grid = new HeadGrid(new Board(parentElement, data.layers, data.heads));
    grids.set(parentElement, grid);
    mounted.add(grid);
  }
  grid.update(data, (mask) => setStateValue("mask", mask));
  return () => {
    leave(grids.get(parentElement));
    grids.delete(parentElement);
  };
}

// A press that is not over yet counts: its end will not be heard.
function leave(grid) {
  if (!grid || !mounted.delete(grid)) return;
  grid.release();
  grid.board.root.remove();
}

// One bit per head row by row, then one per MLP, packed big-endian, base64url: as Mask.code in Python.
function encode(bits) {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => (bytes[i >> 3] |= bit << (7 - (i & 7))));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(code, size) {
  const bytes = atob(code.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from({ length: size }, (_, i) => (bytes.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1);
}

const LONG_PRESS = 500; // milliseconds

const same = (a, b) => a.every((bit, i) => bit === b[i]);

class HeadGrid {
  constructor(board) {
    Object.assign(this, { board, revision: null, past: [], future: [], before: null, drag: null, inside: false });
    this.bits = new Uint8Array(board.layers * board.heads + board.layers).fill(1);
    this.entry = this.bits; // the mask at which focus entered: Escape goes back to it
    this.listen();
  }

  update(data, send) {
    Object.assign(this, { send, disabled: data.disabled });
    const first = this.revision === null;
    let inOrder = false;
    if (data.revision !== this.revision || data.disabled) {
      const kept = data.disabled ? null : newest.get(this.named(data.revision));
      if (first && kept) Object.assign(this, { past: kept.past, future: kept.future, before: kept.before });
      const next = kept?.bits ?? decode(data.code, this.bits.length);
      if (this.drag) this.bits = this.drag.before; // a half-drawn stroke goes with the mask it was drawn on
      if (!first && !same(next, this.bits)) this.remember();
      inOrder = !first;
      Object.assign(this, { revision: data.revision, bits: next, entry: next, drag: null });
    }
    this.board.dress(data);
    this.paint(inOrder);
    // Python never heard of a click that was under way when the page was left.
    if (first && !this.disabled && encode(this.bits) !== data.code) this.tell();
  }

  paint(inOrder = false) {
    const [canUndo, canRedo] = [this.past.length > 0, this.future.length > 0];
    this.board.paint(this.bits, { before: this.disabled ? null : this.before, canUndo, canRedo, inOrder });
    if (!this.disabled) showsMask(encode(this.bits));
  }

  // ---- changing the mask

  named(revision) {
    return `${this.board.layers} ${this.board.heads} ${revision}`;
  }

  keep() {
    const { past, future, before, bits } = this;
    newest.delete(this.named(this.revision)); // the latest stands last
    newest.set(this.named(this.revision), { past: [...past], future: [...future], before, bits });
    if (newest.size > REVISIONS) newest.delete(newest.keys().next().value);
    for (const other of mounted) if (other !== this) other.follow(this);
  }

  follow({ board, revision, disabled, past, future, before, bits }) {
    const unlike = this.disabled || disabled || this.revision !== revision;
    if (unlike || this.board.layers !== board.layers || this.board.heads !== board.heads) return;
    Object.assign(this, { past: [...past], future: [...future], before, bits, drag: null });
    this.paint();
  }

  remember() {
    this.past = [...this.past.slice(-199), this.bits];
    this.future = [];
    this.before = this.bits;
  }

  show(bits, inOrder = false) {
    this.bits = bits;
    this.keep();
    this.paint(inOrder);
    this.tell();
  }

  tell() {
    this.send({ code: encode(this.bits), revision: this.revision });
  }

  commit(next, inOrder = false) {
    if (this.disabled || same(next, this.bits)) return;
    this.remember();
    this.show(next, inOrder);
  }

  travel(from, to) {
    if (this.disabled || !from.length) return;
    to.push(this.bits);
    this.before = this.bits;
    this.show(from.pop(), true);
  }

  use(tool) {
    this.cancelDrag();
    if (tool === "undo") this.travel(this.past, this.future);
    if (tool === "redo") this.travel(this.future, this.past);
    if (tool === "invert") this.commit(this.bits.map((bit) => 1 - bit), true);
    if (tool === "all") this.commit(this.bits.map(() => 1), true);
  }

  // Anything kept: all off; else all on. For one cell that is a toggle.
  turn({ targets }) {
    return targets.some((i) => this.bits[i]) ? 0 : 1;
  }

  with({ targets }, value) {
    const next = this.bits.slice();
    for (const i of targets) next[i] = value;
    return next;
  }

  // ---- pointer

  listen() {
    const { board } = this;
    const { root, grid } = board;
    grid.addEventListener("pointerdown", (event) => this.press(event));
    grid.addEventListener("pointermove", (event) => this.drag && this.stroke(event.clientX, event.clientY));
    grid.addEventListener("pointerup", () => this.release());
    grid.addEventListener("pointercancel", () => this.cancelDrag()); // a finger that turned out to scroll
    grid.addEventListener("pointerover", (event) => {
      const button = event.target.closest("button");
      if (board.spots.has(button)) board.read(button);
    });
    grid.addEventListener("pointerleave", () => board.read(null));
    grid.addEventListener("contextmenu", (event) => {
      if (this.card(event.target.closest("button"))) event.preventDefault();
    });
    root.addEventListener("click", (event) => this.click(event));
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("focusin", (event) => {
      this.enter();
      if (board.spots.has(event.target)) board.focused(event.target);
    });
    root.addEventListener("focusout", (event) => {
      this.inside = root.contains(event.relatedTarget);
      if (!this.inside) root.classList.remove("pointed");
      board.read(null);
    });
  }

  enter() {
    if (!this.inside) this.entry = this.bits;
    this.inside = true;
  }

  press(event) {
    const button = event.target.closest("button");
    const spot = this.board.spots.get(button);
    if (event.button !== 0 || !spot) return;
    this.enter(); // before the toggle: focus comes only now, in some browsers later
    this.board.root.classList.add("pointed"); // no focus outline: browsers draw one on a focus set by script
    button.focus();
    if (this.disabled) return;
    this.pressed = true; // the click that follows is this press, not a second one
    clearTimeout(this.held);
    if (event.pointerType === "touch") this.held = setTimeout(() => this.drag?.still && this.card(button), LONG_PRESS);
    const value = this.turn(spot);
    this.drag = { kind: spot.kind, value, before: this.bits, still: true, x: event.clientX, y: event.clientY };
    this.board.grid.setPointerCapture(event.pointerId);
    this.bits = this.with(spot, value);
    this.paint();
  }

  stroke(x, y) {
    const { drag } = this;
    const steps = Math.ceil(Math.hypot(x - drag.x, y - drag.y) / 6); // so that a fast pointer skips no cell
    if (steps > 1) drag.still = false; // a finger is never quite still
    for (let i = 1; i <= steps; i++) {
      const point = [drag.x + ((x - drag.x) * i) / steps, drag.y + ((y - drag.y) * i) / steps];
      const button = this.board.root.getRootNode().elementFromPoint(...point)?.closest("button");
      const spot = this.board.spots.get(button);
      if (spot?.kind === drag.kind) this.bits = this.with(spot, drag.value);
    }
    Object.assign(drag, { x, y });
    if (steps) this.paint();
  }

  release() {
    if (!this.drag) return;
    const painted = this.bits;
    this.bits = this.drag.before;
    this.drag = null;
    this.commit(painted);
  }

  cancelDrag() {
    if (!this.drag) return;
    this.bits = this.drag.before;
    this.drag = null;
    this.paint();
  }

  // Tells of the cell; the press that asked for it switches nothing.
  card(button) {
    this.cancelDrag();
    return this.board.openCard(button);
  }

  // ---- keyboard, and screen readers, which click without a press

  click(event) {
    const { spots, tools } = this.board;
    const button = event.target.closest("button");
    const spot = spots.get(button);
    if (spot && this.disabled) this.card(button);
    else if (spot && !this.pressed) this.commit(this.with(spot, this.turn(spot)));
    this.pressed = false;
    this.use(Object.keys(tools).find((name) => tools[name] === button));
  }

  key(event) {
    this.pressed = false;
    this.board.root.classList.remove("pointed");
    const { key } = event;
    const control = event.ctrlKey || event.metaKey;
    const letter = control && !event.altKey ? key.toLowerCase() : "";
    if (letter === "z") this.use(event.shiftKey ? "redo" : "undo");
    else if (letter === "y") this.use("redo");
    else if (key === "Escape") this.escape();
    else if (!this.board.spots.has(event.target)) return;
    else if (key === "Enter" && event.repeat) this.cancelDrag(); // a held key is one key
    else if ((key === "Enter" && event.shiftKey) || (key.toLowerCase() === "i" && !control)) this.card(event.target);
    else if (!this.move(key, control)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  escape() {
    this.board.read(null);
    if (this.drag) this.cancelDrag();
    else this.commit(this.entry);
  }

  move(key, control) {
    const { board } = this;
    const { row, column } = board.spots.get(board.current);
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [control ? 1 : row, 1],
      End: [control ? board.layers : row, board.heads + 1],
    }[key];
    if (to) board.at(...to)?.focus();
    return Boolean(to);
  }
}
