// What every view shares: the filters and the selected candidate. Views ask to be told of changes.
import { is } from "./format.js";

const kRanges = { snr: "snr", dm: "dm_pc_cm3", time: "time_s" };

export function makeState(candidates) {
  const listeners = { filter: [], select: [] };
  const filter = { classes: new Set(), beam: null, text: "", snr: [null, null], dm: [null, null], time: [null, null] };
  const state = { filter, selected: null, shown: candidates, shownOfAllBeams: candidates };

  const inRange = (value, [low, high]) =>
    (low === null && high === null) || (is(value) && (low === null || value >= low) && (high === null || value <= high));
  const searched = new Map();
  const textOf = (c) => {
    if (!searched.has(c)) searched.set(c, [c.class, c.detection, c.reasons, c.mjd, `m${String(c.beam).padStart(2, "0")}`].join(" ").toLowerCase());
    return searched.get(c);
  };
  const passes = (c) =>
    (filter.classes.size === 0 || filter.classes.has(c.key)) &&
    Object.entries(kRanges).every(([name, field]) => inRange(c[field], filter[name])) &&
    (filter.text === "" || filter.text.toLowerCase().split(/\s+/).every((word) => textOf(c).includes(word)));

  state.on = (what, listener) => listeners[what].push(listener);
  state.update = (changes) => {
    Object.assign(filter, changes);
    state.shownOfAllBeams = candidates.filter(passes);
    state.shown = state.shownOfAllBeams.filter((c) => filter.beam === null || c.beam === filter.beam);
    for (const listener of listeners.filter) listener(state);
  };
  state.clear = () => state.update({ classes: new Set(), beam: null, text: "", snr: [null, null], dm: [null, null], time: [null, null] });
  state.isFiltered = () => state.shown.length !== candidates.length || filter.beam !== null || filter.classes.size > 0;
  state.select = (c) => {
    state.selected = c;
    for (const listener of listeners.select) listener(c);
  };
  return state;
}
