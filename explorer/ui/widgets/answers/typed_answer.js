// The model's answer to what a person typed: a bar for each class that moves with the mask.

const answers = new WeakMap();

export default function ({ data, parentElement }) {
  let answer = answers.get(parentElement);
  if (!answer) {
    answer = { root: parentElement.appendChild(make("div", "typed", { "aria-live": "polite" })), names: "" };
    answer.heard = () => answer.root.classList.toggle("unsure", (window.maskOnScreen ?? answer.code) !== answer.code);
    window.addEventListener("maskonscreen", answer.heard);
    answers.set(parentElement, answer);
  }
  answer.code = data.code;
  const names = JSON.stringify(data.bars.map(([name]) => name));
  if (names !== answer.names) {
    answer.names = names;
    answer.bars = data.bars.map(([name]) => ({ name, full: make("i", "full"), now: make("i", "now"), number: make("b") }));
    answer.words = make("p");
    const rows = answer.bars.map(({ name, full, now, number }) =>
      make("div", "row", {}, [make("span", "", {}, [name]), make("div", "track", {}, [now, full]), number]));
    answer.root.replaceChildren(...rows, answer.words);
  }
  data.bars.forEach(([, now, full], place) => {
    const bar = answer.bars[place];
    bar.now.style.width = `${100 * now}%`;
    bar.full.style.left = `${100 * full}%`;
    bar.number.textContent = printed(now, 2);
  });
  answer.words.textContent = data.words;
  answer.heard();
  return () => {
    window.removeEventListener("maskonscreen", answer.heard);
    answer.root.remove();
    answers.delete(parentElement);
  };
}
