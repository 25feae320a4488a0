// What fraction of injected pulses of known strength came back, by S/N, width, DM and so on.
import { h, section, svg } from "./dom.js";
import { count, is, percent } from "./format.js";

const kAxes = {
  snr: ["S/N", 1], width_s: ["Width (ms)", 1e3], dm_pc_cm3: ["DM (pc/cm³)", 1], band_fraction: ["Fraction of the band", 1], scattering_s: ["Scattering (ms)", 1e3],
};
const kWidth = 340, kHeight = 200, kLeft = 40, kRight = 8, kTop = 12, kBottom = 46;

const yOf = (fraction) => kTop + (1 - fraction) * (kHeight - kTop - kBottom);
const short = (value) => (is(value) ? String(Number(value.toPrecision(3))).replace("-", "−") : "");
const text = (attributes, content) => Object.assign(svg("text", attributes), { textContent: content });

function frame() {
  return [0, 0.25, 0.5, 0.75, 1].map((v) => svg("g", { class: "grid" }, svg("path", { d: `M${kLeft} ${yOf(v)}H${kWidth - kRight}` }),
    text({ x: kLeft - 6, y: yOf(v) + 4, "text-anchor": "end" }, `${100 * v}`)));
}

function bin(row, x, width, factor, isCrowded, i) {
  const label = `${short(row.low * factor)}–${short(row.high * factor)}`;
  const bar = is(row.fraction_low) && is(row.fraction_high) ? svg("path", { class: "error", d: `M${x} ${yOf(row.fraction_low)}V${yOf(row.fraction_high)}M${x - 4} ${yOf(row.fraction_low)}h8M${x - 4} ${yOf(row.fraction_high)}h8` }) : null;
  const point = is(row.fraction) ? svg("circle", { cx: x, cy: yOf(row.fraction), r: 4 }) : null;
  const hint = svg("title");
  hint.textContent = `${label}: ${percent(row.fraction, 0)} (${row.n_recovered} of ${row.n_injected})`;
  return svg("g", { class: "bin" }, hint, bar, point,
    isCrowded && i % 2 ? null : text({ x, y: kHeight - kBottom + 16, "text-anchor": "middle" }, label));
}

function panel(axis, rows) {
  const [title, factor] = kAxes[axis] ?? [axis, 1];
  const width = (kWidth - kLeft - kRight) / rows.length;
  const summary = rows.map((r) => `${short(r.low * factor)} to ${short(r.high * factor)}: ${percent(r.fraction, 0)}`).join("; ");
  return h("figure", { class: "panel" }, svg("svg", { viewBox: `0 0 ${kWidth} ${kHeight}`, role: "img", "aria-label": `Recovered fraction by ${title}. ${summary}` },
    frame(), rows.map((row, i) => bin(row, kLeft + (i + 0.5) * width, width, factor, rows.length > 5, i)),
    text({ x: kLeft, y: kHeight - 8, class: "axis-title" }, title)));
}

export function completenessSection(run) {
  const rows = run.completeness;
  if (!rows.length) return null;
  const all = rows.find((row) => row.axis === "all");
  const axes = [...new Set(rows.map((row) => row.axis))].filter((axis) => axis !== "all")
    .sort((a, b) => Object.keys(kAxes).indexOf(a) - Object.keys(kAxes).indexOf(b));
  const note = `${all ? `${count(all.n_recovered)} of ${count(all.n_injected)} injected pulses came back: ${percent(all.fraction, 1)} (68 % interval ${percent(all.fraction_low, 1)} to ${percent(all.fraction_high, 1)}). ` : ""}Recovered fraction in percent; bars are 68 % binomial intervals.`;
  return section("completeness", "Completeness", note, h("div", { class: "panels" }, axes.map((axis) => panel(axis, rows.filter((row) => row.axis === axis)))));
}
