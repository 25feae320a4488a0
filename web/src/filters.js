// The bar of filters over the table of candidates: class, beam, ranges of DM, S/N and time, free text.
import { kClasses, mark } from "./classes.js";
import { h } from "./dom.js";
import { beamName, count } from "./format.js";

function classButtons(run, state) {
  const present = kClasses.filter((c) => run.candidates.some((row) => row.key === c.key));
  const buttons = present.map((c) => h("button", { type: "button", class: "chip", "aria-pressed": "false", "data-class": c.key, onclick: () => {
    const classes = new Set(state.filter.classes);
    if (!classes.delete(c.key)) classes.add(c.key);
    state.update({ classes });
  } }, mark(c.key), c.label, h("span", { class: "unit" }, count(run.candidates.filter((row) => row.key === c.key).length))));
  state.on("filter", () => {
    for (const b of buttons) b.setAttribute("aria-pressed", String(state.filter.classes.has(b.dataset.class)));
  });
  return h("div", { class: "chips", role: "group", "aria-label": "Class" }, buttons);
}

function beamSelect(run, state) {
  const beams = [...new Set(run.candidates.map((c) => c.beam))].sort((a, b) => a - b);
  const select = h("select", { id: "filter-beam", onchange: () => state.update({ beam: select.value === "" ? null : Number(select.value) }) },
    h("option", { value: "" }, "all"), beams.map((b) => h("option", { value: b }, beamName(b))));
  state.on("filter", () => {
    select.value = state.filter.beam === null ? "" : String(state.filter.beam);
  });
  return h("label", { class: "field" }, h("span", {}, "Beam"), select);
}

const numberOf = (text) => (text.trim() === "" || !Number.isFinite(Number(text)) ? null : Number(text));

function rangeField(state, name, label, unit) {
  const input = (end, side) => h("input", { type: "number", step: "any", inputmode: "decimal", id: `filter-${name}-${end}`, placeholder: end,
    "aria-label": `${label}, ${end}imum`, oninput: (event) => {
      const range = [...state.filter[name]];
      range[side] = numberOf(event.target.value);
      state.update({ [name]: range });
    } });
  const inputs = [input("min", 0), input("max", 1)];
  state.on("filter", () => inputs.forEach((box, side) => {
    const value = state.filter[name][side];
    if (box !== document.activeElement && numberOf(box.value) !== value) box.value = value === null ? "" : String(Number(value.toPrecision(7)));
  }));
  return h("fieldset", { class: "field range" }, h("legend", {}, label, unit ? h("span", { class: "unit" }, ` ${unit}`) : null),
    inputs[0], h("span", { "aria-hidden": "true" }, "–"), inputs[1]);
}

function textField(state) {
  const box = h("input", { type: "search", id: "filter-text", placeholder: "name, reason, MJD", oninput: () => state.update({ text: box.value.trim() }) });
  state.on("filter", () => {
    if (state.filter.text === "" && box !== document.activeElement) box.value = "";
  });
  return h("label", { class: "field grows" }, h("span", {}, "Text"), box);
}

/** How many candidates pass, and a button that lets all of them pass again. */
function counter(run, state) {
  const output = h("output", { id: "shown-count", "aria-live": "polite" });
  const clear = h("button", { type: "button", class: "quiet", id: "clear-filters", onclick: () => {
    document.activeElement.blur();
    state.clear();
  } }, "Clear filters");
  const show = () => {
    output.textContent = `${count(state.shown.length)} of ${count(run.candidates.length)}`;
    clear.hidden = !state.isFiltered();
  };
  state.on("filter", show);
  show();
  return h("div", { class: "counter" }, output, clear);
}

export function filterBar(run, state) {
  return h("form", { class: "filters", role: "search", "aria-label": "Filter the candidates", onsubmit: (event) => event.preventDefault() },
    classButtons(run, state),
    h("div", { class: "fields" }, beamSelect(run, state), rangeField(state, "dm", "DM", "pc/cm³"), rangeField(state, "snr", "S/N"),
      rangeField(state, "time", "Time", "s"), textField(state)),
    counter(run, state));
}
