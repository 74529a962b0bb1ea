// Made once and then only filled, so that the bars run to where they get.

const races = new WeakMap();

export default function ({ data, parentElement }) {
  let race = races.get(parentElement);
  if (!race) {
    const lanes = data.racers.map(({ kind }) => {
      const [name, bar, tried, number, words] = [make("b"), make("i", "bar"), make("i", "tried"), make("span"), make("p")];
      const row = make("div", `lane ${kind}`, {}, [name, make("div", "track", {}, [bar, tried, number]), words]);
      return { row, name, bar, tried, number, words };
    });
    race = { lanes, root: parentElement.appendChild(make("div", "race", {}, lanes.map(({ row }) => row))) };
    races.set(parentElement, race);
    void race.root.offsetWidth; // so that the bars start at the start
  }
  data.racers.forEach(({ name, off, tried, words }, place) => {
    const lane = race.lanes[place];
    lane.name.textContent = name;
    lane.bar.style.width = `${(100 * (off ?? 0)) / data.heads}%`;
    lane.tried.style.width = `${(100 * (tried ?? 0)) / data.heads}%`;
    lane.number.textContent = off === null ? "–" : off;
    lane.number.style.left = `calc(${(100 * Math.max(off ?? 0, tried ?? 0)) / data.heads}% + .4rem)`;
    lane.words.textContent = words;
  });
  return () => {
    race.root.remove();
    races.delete(parentElement);
  };
}
