// The candidate that is selected, in a panel at the edge of the window: its numbers and its group's plot.
import { className, mark } from "./classes.js";
import { details, plotOf } from "./detections.js";
import { h } from "./dom.js";
import { beamName, plural, snr } from "./format.js";

function groupText(run, c) {
  if (!c.detection) return "It belongs to no group.";
  const n = run.candidates.filter((other) => other.detection === c.detection).length;
  return `Group ${c.detection}: ${plural(n, "candidate")}.`;
}

function content(run, c, close) {
  const plot = plotOf(run, c.detection);
  return [
    h("div", { class: "selection-head" }, mark(c.class), h("strong", {}, className(c.class)), h("span", {}, `S/N ${snr(c.snr)}, ${beamName(c.beam)}`),
      h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: close }, "✕")),
    plot ? h("figure", {}, plot, h("figcaption", {}, groupText(run, c))) : h("p", { class: "empty" }, `${groupText(run, c)} No plot was made of it.`),
    details(c),
  ];
}

export function selectionPanel(run, state) {
  const panel = h("aside", { id: "selection", hidden: true, "aria-label": "Selected candidate", "aria-live": "polite" });
  const close = () => state.select(null);
  state.on("select", (c) => {
    panel.hidden = !c;
    panel.replaceChildren(...(c ? content(run, c, close) : []));
    panel.scrollTop = 0;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.selected) close();
  });
  return panel;
}
