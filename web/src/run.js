// The run as the page's document holds it, made whole: what older runs lack is given its neutral value.
import { classKey } from "./classes.js";
import { is } from "./format.js";

/** Columns to row objects; a table that is missing has no rows. */
function rowsOf(columns) {
  if (!columns) return [];
  const names = Object.keys(columns);
  const n = names.length ? columns[names[0]].length : 0;
  return Array.from({ length: n }, (_, r) => Object.fromEntries(names.map((name) => [name, columns[name][r]])));
}

const strongestFirst = (a, b) => (b.snr ?? -1) - (a.snr ?? -1);

function candidate(row, index, detections) {
  const classOf = row.class || "unsifted";
  return { ...row, index, class: classOf, key: classKey(classOf), detection: row.detection ?? "", reasons: row.reasons ?? "",
    is_detection: detections.has(row.detection) };
}

/** Detections are sifted ones; of a run that was not sifted its table holds all candidates. */
function detection(row) {
  const classOf = row.class || "unsifted";
  return { ...row, class: classOf, key: classKey(classOf), id: row.id ?? "", reasons: row.reasons ?? "" };
}

export function readRun(text) {
  const page = JSON.parse(text);
  const report = page.report ?? {};
  const detections = rowsOf(page.detections).map(detection).sort(strongestFirst);
  const ids = new Set(detections.map((d) => d.id));
  const candidates = rowsOf(page.candidates).sort(strongestFirst).map((row, i) => candidate(row, i, ids));
  if (!page.candidates?.detection) joinByTime(candidates, detections);
  // A page of very many candidates holds the strongest alone.
  const nCandidate = Math.max(candidates.length, report.n_candidate ?? 0);
  return { page, report, nCandidate, beams: report.beams ?? [], detections, candidates, completeness: rowsOf(page.completeness),
    plots: page.plots ?? {}, config: page.config ?? "", sift: report.sift ?? null, injections: report.injections ?? null,
    isSifted: candidates.some((c) => c.key !== "unsifted") || Boolean(report.sift) };
}

/** A run that was not sifted has one detection for each candidate: the same beam, time and DM. */
function joinByTime(candidates, detections) {
  const key = (row) => `${row.beam} ${row.time_s} ${row.dm_pc_cm3} ${row.width_s}`;
  const byKey = new Map(detections.map((d) => [key(d), d.id]));
  for (const c of candidates) c.detection = byKey.get(key(c)) ?? "";
}

/** Of the beams that were searched: how they were recorded. */
export const streamsOf = (run) => run.beams.map((b) => b.stream).filter(Boolean);

/** min and max of the finite values of a field, or null. */
export function extent(rows, field) {
  let low = Infinity, high = -Infinity;
  for (const row of rows) {
    const value = row[field];
    if (!is(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}
