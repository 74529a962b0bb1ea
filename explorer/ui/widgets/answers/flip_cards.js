// Cards of the examples that flipped; those of a mask that is no longer on the grid are not shown.

const lists = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let list = lists.get(parentElement);
  if (!list) {
    list = { root: parentElement.appendChild(make("div", "flips")) };
    list.heard = () => list.root.classList.toggle("untold", Boolean(list.code) && window.maskOnScreen !== list.code);
    window.addEventListener("maskonscreen", list.heard);
    lists.set(parentElement, list);
  }
  list.code = data.code;
  list.root.replaceChildren(...data.cards.map((card) => drawn(card, data, data.look && setTriggerValue)));
  list.heard();
  return () => {
    window.removeEventListener("maskonscreen", list.heard);
    list.root.remove();
    lists.delete(parentElement);
  };
}

// look: what asks for one sentence under the microscope; false for cards that cannot.
function drawn(card, { names: [before, after], measure }, look) {
  const pieces = (text) => text.map(([words, mark]) => (mark ? make("mark", "", {}, [words]) : words));
  const chip = (name, answer, kind) => make("span", `chip ${kind}`, {}, [make("small", "", {}, [name]), answer]);
  const kind = (right) => (right === null ? "" : right ? "right" : "wrong");
  return make("article", `flip ${card.right ? "fixed" : "broken"}`, {}, [
    ...card.texts.map((text) => make("p", "text", {}, pieces(text))),
    make("div", "chips", {}, [
      chip("gold", card.gold, "gold"),
      chip(before, card.before, kind(card.was_right)),
      chip(after, card.after, kind(card.right)),
    ]),
    margins(card.margins, before, after, measure),
    make("footer", "", {}, [
      `example ${card.number}`,
      ...(card.new ? [make("b", "", {}, ["new"])] : []),
      ...(look ? [asking(card.number, look)] : []),
    ]),
  ]);
}

function asking(number, look) {
  const words = `Which heads turn example ${number}?`;
  const button = make("button", "look", { type: "button", title: words, "aria-label": words }, ["Look closer"]);
  button.addEventListener("click", () => look("look", number));
  return button;
}

// From where the margin was to where it is, around 0, at which the answer turns; of a value, around gold.
function margins([was, is], before, after, [name, zero]) {
  const reach = Math.max(1, Math.abs(was), Math.abs(is));
  const at = (x) => 50 + (48 * x) / reach;
  const [left, right] = [Math.min(at(was), at(is)), Math.max(at(was), at(is))];
  const words = `${name}: ${before} ${printed(was, 2)}, ${after} ${printed(is, 2)}; ${zero}`;
  const bar = make("div", "margin", { role: "img", "aria-label": words, title: words }, [
    make("i", "zero"),
    make("i", "move", { style: `left:${left}%; width:${right - left}%` }),
    make("i", "was", { style: `left:${at(was)}%` }),
    make("i", "is", { style: `left:${at(is)}%` }),
  ]);
  return make("div", "margins", {}, [`${name} ${printed(was, 2)}`, bar, printed(is, 2)]);
}
