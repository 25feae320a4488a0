// On paper: everything is unfolded, the table is a plain one of the detections' candidates and the first others.
import { className } from "./classes.js";
import { table } from "./dom.js";
import { beamName, count, dm, fixed, kMissing, snr, time, widthMs } from "./format.js";

const kFirst = 100;
const kColumns = [{ title: "S/N", numeric: true }, { title: "DM", unit: "pc/cm³", numeric: true }, { title: "Time", unit: "s", numeric: true },
  { title: "Class" }, { title: "Beam" }, { title: "Width", unit: "ms", numeric: true }, { title: "MJD", numeric: true }, { title: "Reasons" }];

/** Candidates of detections, then the strongest others, up to kFirst of them. */
function printed(run, shown) {
  const strongestFirst = [...shown].sort((a, b) => (b.snr ?? 0) - (a.snr ?? 0));
  if (!run.isSifted) return strongestFirst.slice(0, kFirst);
  return [...strongestFirst.filter((c) => c.is_detection), ...strongestFirst.filter((c) => !c.is_detection).slice(0, kFirst)];
}

const cells = (c) => [snr(c.snr), dm(c.dm_pc_cm3), time(c.time_s), className(c.class), beamName(c.beam), widthMs(c.width_s), fixed(c.mjd, 9), c.reasons || kMissing];

function printTable(run, state) {
  const rows = printed(run, state.shown);
  const all = run.nCandidate;
  const text = rows.length === all ? `All ${count(all)} candidates.` :
    `${count(rows.length)} of ${count(all)} candidates: ${run.isSifted ? `those of detections and the ${kFirst} strongest others` : "the strongest"}. All are in candidates.ecsv.`;
  const note = Object.assign(document.createElement("p"), { className: "note", textContent: text });
  return [note, table("Candidates", kColumns, rows.map(cells))];
}

export function preparePrint(run, state, scatter) {
  let folded = [];
  const host = document.getElementById("print-table");
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const element of folded) element.open = true;
    for (const image of document.images) image.loading = "eager";
    host.replaceChildren(...printTable(run, state));
    document.documentElement.classList.add("printed");
    if (scatter) scatter.isPrinted = true;
    scatter?.draw();
  });
  addEventListener("afterprint", () => {
    for (const element of folded) element.open = false;
    host.replaceChildren();
    document.documentElement.classList.remove("printed");
    if (scatter) scatter.isPrinted = false;
    scatter?.draw();
  });
}
