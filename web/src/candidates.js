// All candidates in a table that sorts and filters; only the rows in view are in the document.
import { FormatModule, InteractionModule, SortModule, Tabulator } from "tabulator-tables";

import { className, mark } from "./classes.js";
import { h, hint, section } from "./dom.js";
import { filterBar } from "./filters.js";
import { beamName, dm, fixed, kMissing, snr, time, widthMs } from "./format.js";

Tabulator.registerModule([FormatModule, InteractionModule, SortModule]);

const kRowHeight = 34;
const kHeight = 460;

const asText = (text) => document.createTextNode(text);

function column(title, unit, field, width, show, more = {}) {
  return { title: unit ? `${title} <span class="unit">${unit}</span>` : title, field, width, hozAlign: "right", headerHozAlign: "right",
    headerSortStartingDir: "desc", sorter: "number", formatter: (cell) => asText(show(cell.getValue(), cell.getData())), ...more };
}

const kLeft = { hozAlign: "left", headerHozAlign: "left", sorter: "string", headerSortStartingDir: "asc" };

function classCell(cell) {
  return h("span", { class: "class-cell" }, mark(cell.getValue()), className(cell.getValue()));
}

function columns(run) {
  const all = [
    column("S/N", "", "snr", 74, snr),
    column("DM", "pc/cm³", "dm_pc_cm3", 112, dm),
    column("Time", "s", "time_s", 104, time),
    { ...column("Class", "", "class", 172, String, kLeft), formatter: classCell },
    column("Beam", "", "beam", 74, beamName, { headerSortStartingDir: "asc" }),
    column("Width", "ms", "width_s", 96, widthMs),
    column("DM ±", "pc/cm³", "dm_err_pc_cm3", 116, dm),
    column("Events", "", "n_members", 84, (n) => (n ?? kMissing).toString()),
    column("MJD", "UTC", "mjd", 158, (value) => fixed(value, 9)),
    column("Detection", "", "detection", 236, (text) => text || kMissing, kLeft),
    column("Reasons", "", "reasons", undefined, (text) => text || kMissing, { ...kLeft, minWidth: 300, widthGrow: 1 }),
  ];
  const has = (field) => run.candidates.some((c) => c[field] !== undefined && c[field] !== null && c[field] !== "");
  return all.filter((c) => has(c.field));
}

/** Headings and rows can be reached and used from the keyboard. */
function addKeys(host, table, state) {
  for (const head of host.querySelectorAll(".tabulator-col.tabulator-sortable")) {
    head.tabIndex = 0;
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      head.click();
    });
  }
  const body = host.querySelector(".tabulator-tableholder");
  body.setAttribute("aria-label", "Candidates: arrow keys select a row");
  body.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const rows = table.getRows("active");
    const at = rows.findIndex((row) => row.getData() === state.selected);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    if (next) state.select(next.getData());
  });
}

function makeTable(host, run, state) {
  const table = new Tabulator(host, {
    data: state.shown, columns: columns(run), index: "index", layout: "fitColumns", height: Math.min(kHeight, (run.candidates.length + 2) * kRowHeight),
    rowHeight: kRowHeight, initialSort: [{ column: "snr", dir: "desc" }], placeholder: "No candidate passes the filters",
  });
  const built = new Promise((done) => table.on("tableBuilt", () => done(table)));
  built.then(() => addKeys(host, table, state));
  table.on("rowClick", (_, row) => state.select(row.getData()));
  return built;
}

function follow(table, host, state) {
  let sorted = Promise.resolve();
  state.on("filter", () => {
    sorted = table.replaceData(state.shown);
  });
  const showSelected = async (c) => {
    await sorted;
    host.querySelector("[aria-selected=true]")?.removeAttribute("aria-selected");
    const row = c && table.getRow(c.index);
    if (!row) return;
    row.getElement().setAttribute("aria-selected", "true");
    await table.scrollToRow(row, "nearest", false);
  };
  state.on("select", (c) => showSelected(c).catch(() => {}));
}

export function candidatesSection(run, state) {
  const host = h("div", { id: "candidate-table" });
  const built = () => makeTable(host, run, state).then((table) => {
    follow(table, host, state);
    return table;
  });
  const element = section("candidates", "All candidates", ["Each row is a pulse in one beam, before beams were compared.", hint("Select a row to see its group's plot.")],
    run.candidates.length ? filterBar(run, state) : null,
    run.candidates.length ? host : h("p", { class: "empty" }, "No candidate was found above the threshold."),
    h("div", { id: "print-table", class: "print-only" }));
  return { element, build: run.candidates.length ? built : () => Promise.resolve(null) };
}
