// The 19 beams as they lie on the sky at rotation 0, east to the left: how many candidates each has and the
// strongest S/N. A click filters the table to a beam; another lets all beams pass again.
import { h, hint, section, svg } from "./dom.js";
import { beamName, fixed, is, plural } from "./format.js";

const kRadius = 2.62;  // arcmin on the map: circles of neighbours, 5.75' apart, do not touch

function statistics(rows) {
  const beams = new Map();
  for (const c of rows) {
    const s = beams.get(c.beam) ?? { n: 0, snr: 0 };
    s.n += 1;
    s.snr = Math.max(s.snr, c.snr ?? 0);
    beams.set(c.beam, s);
  }
  return beams;
}

/** Steps of the palette, 0 (none) to 6, from the lowest to the highest beam: counts and S/N both span decades. */
function level(value, low, high) {
  if (!value) return 0;
  return 1 + Math.min(5, Math.floor(6 * Math.log(value / low) / Math.log(Math.max(high / low, 1.2))));
}

function circle(offset, beam, onchoose) {
  const [x, y] = [-offset[0], -offset[1]];
  const text = (dy, className) => svg("text", { x, y: y + dy, class: className });
  const parts = { name: text(-0.75, "beam-name"), snr: text(0.45, "beam-snr"), n: text(1.5, "beam-n") };
  const group = svg("g", { class: "beam", tabindex: "0", role: "button", "data-beam": beam, onclick: () => onchoose(beam), onkeydown: (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onchoose(beam);
  } }, svg("circle", { cx: x, cy: y, r: kRadius }), parts.name, parts.snr, parts.n);
  parts.name.textContent = beamName(beam);
  return { group, parts };
}

function compass() {
  return svg("g", { class: "compass", transform: "translate(12.6 12.4)", "aria-hidden": "true" },
    svg("path", { d: "M0 0V-2.2M0 0H-2.2" }), Object.assign(svg("text", { x: 0, y: -2.6 }), { textContent: "N" }),
    Object.assign(svg("text", { x: -2.8, y: 0.35 }), { textContent: "E" }));
}

/** Why a beam has no candidates to count: it failed, or the run has no such beam. */
function reasonOf(run, beam) {
  return run.beams.some((b) => b.beam === beam) ? "failed" : "";
}

function show(run, circles, state, searched, colourBy) {
  const found = statistics(state.shownOfAllBeams);
  const values = [...found.values()].map((s) => s[colourBy]);
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  for (const [beam, { group, parts }] of circles) {
    const s = found.get(beam) ?? { n: 0, snr: 0 };
    const was = searched.has(beam);
    group.setAttribute("class", `beam level-${level(s[colourBy], lowest, highest)}${was ? "" : " absent"}`);
    group.setAttribute("aria-pressed", String(state.filter.beam === beam));
    parts.snr.textContent = s.n ? fixed(s.snr, 1) : was ? "–" : "";
    parts.n.textContent = was ? String(s.n) : reasonOf(run, beam);
    group.setAttribute("aria-label", was ? `Beam ${beamName(beam)}: ${plural(s.n, "candidate")}${s.n ? `, strongest S/N ${fixed(s.snr, 1)}` : ""}` : `Beam ${beamName(beam)}: not searched`);
  }
}

function note(run) {
  const rotation = run.sift?.rotation_deg;
  const turned = is(rotation) ? `; in this scan it was turned by ${fixed(rotation, 1)}°` : "";
  return [`Drawn at rotation 0 of the receiver, north up and east to the left${turned}. In each beam: its name, the strongest S/N, the number of candidates that pass the filters. Beams that were not searched are dashed.`,
    hint("Select a beam to keep its candidates alone; select it again to see all.")];
}

export function beamMapSection(run, state) {
  const offsets = run.page.beam_offsets_arcmin ?? [];
  if (!offsets.length || !run.beams.length) return null;
  const searched = new Set(run.beams.filter((b) => !b.failure).map((b) => b.beam));
  const choose = (beam) => state.update({ beam: state.filter.beam === beam ? null : beam });
  const circles = new Map(offsets.map((offset, i) => [i + 1, circle(offset, i + 1, choose)]));
  let colourBy = "snr";
  const refresh = () => show(run, circles, state, searched, colourBy);
  const choice = (key, label) => h("label", { class: "check" }, h("input", { type: "radio", name: "beam-colour", checked: key === colourBy, onchange: () => {
    colourBy = key;
    refresh();
  } }), label);
  const map = svg("svg", { id: "beam-map", viewBox: "-14.8 -13.2 29.6 26.4", role: "group", "aria-label": "Map of the 19 beams" },
    compass(), [...circles.values()].map((c) => c.group));
  state.on("filter", refresh);
  refresh();
  return section("beams", "Beams on the sky", note(run),
    h("div", { class: "over-plot", role: "radiogroup", "aria-label": "Colour of the beams" }, h("span", { class: "unit" }, "Colour:"), choice("snr", "strongest S/N"), choice("n", "number of candidates")), map);
}
