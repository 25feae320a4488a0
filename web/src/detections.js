// Detections as cards, strongest first; opening one shows its plot in full and every number that is known.
import { className, mark } from "./classes.js";
import { h, section } from "./dom.js";
import { beamName, fixed, is, kMissing, plural, position, snr, time, utcOfMjd, widthMs, withError } from "./format.js";

const kFirst = 30;

export const beamsOf = (row) => (row.beams ? String(row.beams).trim().split(/[\s,;]+/).join(" ") : beamName(row.beam));

function pairs(list) {
  return h("dl", { class: "pairs" }, list.filter(([, value]) => value && value !== kMissing).map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** Every number of a detection or candidate, with its unit. */
export function details(row) {
  return pairs([
    ["UTC", utcOfMjd(row.mjd, 6)],
    ["MJD, topocentric UTC", is(row.mjd) ? row.mjd.toFixed(9) : ""],
    ["MJD, barycentric TDB, infinite frequency", is(row.mjd_inf_bary) ? row.mjd_inf_bary.toFixed(9) : ""],
    ["Time in the scan", `${time(row.time_s)} s`],
    ["DM", `${withError(row.dm_pc_cm3, row.dm_err_pc_cm3, 2)} pc/cm³`],
    ["S/N", snr(row.snr)],
    ["S/N, weights only", snr(row.snr_white)],
    ["Width", `${widthMs(row.width_s)} ms`],
    ["Beams", beamsOf(row)],
    ["Position (J2000)", position(row.ra_deg, row.dec_deg, row.pos_err_deg)],
    ["RA, Dec", is(row.ra_deg) && is(row.dec_deg) ? `${fixed(row.ra_deg, 5)}°, ${fixed(row.dec_deg, 5)}°` : ""],
    ["Times are at", is(row.ref_freq_mhz) ? `${fixed(row.ref_freq_mhz, 3)} MHz` : ""],
    ["Events joined", is(row.n_members) ? String(row.n_members) : ""],
    ["Class", className(row.class)],
    ["Reasons", row.reasons],
  ]);
}

export const plotOf = (run, id) =>
  run.plots[id] ? h("img", { src: run.plots[id], alt: `Plot of ${id}: dedispersed profile and dynamic spectrum`, loading: "lazy" }) : null;

const figure = (name, value, unit) =>
  h("span", { class: "figure" }, h("span", { class: "what" }, name), h("b", {}, value), unit ? h("span", { class: "unit" }, ` ${unit}`) : null);

function card(run, row) {
  const plot = plotOf(run, row.id);
  return h("li", {}, h("details", { class: "card", id: row.id ? `detection-${row.id}` : null },
    h("summary", {},
      h("span", { class: "thumb" }, plot ?? h("span", { class: "no-plot" }, "no plot")),
      h("span", { class: "card-text" },
        h("span", { class: "card-title" }, mark(row.class), h("strong", {}, className(row.class)), h("code", {}, row.id)),
        h("span", { class: "figures" },
          figure("S/N", snr(row.snr)),
          figure("DM", withError(row.dm_pc_cm3, row.dm_err_pc_cm3, 2), "pc/cm³"),
          figure("Width", widthMs(row.width_s), "ms")),
        h("span", { class: "card-line" }, `${utcOfMjd(row.mjd, 3)}, ${beamsOf(row)}`),
        is(row.ra_deg) ? h("span", { class: "card-line" }, position(row.ra_deg, row.dec_deg, row.pos_err_deg)) : null,
        row.reasons ? h("span", { class: "card-line reasons" }, row.reasons) : null)),
    h("div", { class: "card-detail" }, plot ? plot.cloneNode() : null, details(row))));
}

export function detectionsSection(run) {
  const list = h("ol", { class: "cards" }, run.detections.slice(0, kFirst).map((row) => card(run, row)));
  const rest = run.detections.slice(kFirst);
  const more = rest.length ? h("button", { type: "button", class: "more", onclick: () => {
    list.append(...rest.map((row) => card(run, row)));
    more.remove();
  } }, `Show ${plural(rest.length, "more", "more")}`) : null;
  const none = run.detections.length ? null : h("p", { class: "empty" },
    run.candidates.length ? "Nothing passed the sift. All candidates are below." : "Nothing was found above the threshold.");
  return section("detections", run.isSifted ? "Detections" : "Strongest candidates",
    run.isSifted ? null : "This run was not sifted: nothing has compared beams yet, so interference may stand among these.", none, list, more);
}
