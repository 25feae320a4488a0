// The first sentences: what was searched, when, what was found, and whether anything is missing.
import { h } from "./dom.js";
import { beamList, beamName, count, duration, fixed, is, plural, utc } from "./format.js";
import { streamsOf } from "./run.js";

const kExit = {
  0: "Complete: every beam was searched to its last sample.",
  1: "The run failed.",
  3: "Incomplete: something was skipped or cut short.",
  75: "Stopped by a signal; it goes on with --resume.",
};

const unique = (values) => [...new Set(values.filter(Boolean))];

function beamsText(beams) {
  const list = beamList(beams.map((b) => b.beam));
  return beams.length === 1 ? `beam ${list}` : `${beams.length} beams (${list})`;
}

function searchedSentence(run) {
  const streams = streamsOf(run);
  if (!streams.length) return "No beam was searched.";
  const s = streams[0];
  const low = s.freq_low_mhz - s.channel_width_mhz / 2, high = low + s.n_chan * s.channel_width_mhz;
  const source = unique(streams.map((x) => x.source_name)).join(", ") || "Unnamed source";
  const by = unique([s.telescope, s.backend]).join(" ");
  const length = Math.max(...streams.map((x) => x.n_time * x.sample_time_s));
  return `${source}${by ? `, ${by}` : ""}: ${beamsText(run.beams)} of ${duration(length)} from ${utc(s.start_day, s.start_second)}, ` +
    `${fixed(low, 0)}–${fixed(high, 0)} MHz in ${count(s.n_chan)} channels of ${fixed(s.sample_time_s * 1e6, 3)} µs.`;
}

function foundSentence(run) {
  const n = run.detections.length;
  if (!run.isSifted) return `${plural(run.nCandidate, "candidate")}, not sifted`;
  return n === 0 ? "No detection" : plural(n, "detection");
}

/** What is missing, in words; empty where all was done. */
export function missing(run) {
  const failed = run.beams.filter((b) => b.failure).map((b) => `${beamName(b.beam)} failed`);
  const cut = run.beams.filter((b) => b.losses?.cut_short).map((b) => `${beamName(b.beam)} cut short`);
  const dropped = run.beams.filter((b) => b.n_events_dropped > 0)
    .map((b) => `${beamName(b.beam)} dropped ${plural(b.n_events_dropped, "event")}`);
  return [...failed, ...cut, ...dropped];
}

function stateSentence(run) {
  const lost = missing(run);
  const code = run.report.exit_code;
  if (lost.length && (code === 0 || code === 3)) return `Incomplete: ${lost.join(", ")}.`;
  return kExit[code] ?? "The exit state is not recorded.";
}

function facts(run) {
  const sift = run.sift;
  const strongest = run.detections[0];
  const all = [
    ["Detections", run.isSifted ? count(run.detections.length) : "not sifted"],
    ["Strongest S/N", strongest ? fixed(strongest.snr, 1) : "–"],
    ["Candidates", count(run.nCandidate), run.nCandidate > run.candidates.length ? `the ${count(run.candidates.length)} strongest on this page` : null],
    sift ? ["Groups", count(sift.n_group), `${count(sift.n_astrophysical)} astrophysical, ${count(sift.n_known)} known, ${count(sift.n_rfi)} interference`] : null,
    run.injections ? ["Injected pulses recovered", `${count(run.injections.n_recovered)} of ${count(run.injections.n_injected)}`] : null,
    is(run.report.seconds) ? ["Search took", duration(run.report.seconds), is(run.report.real_time_factor) ? `${fixed(run.report.real_time_factor, 2)} × real time` : null] : null,
  ];
  return h("dl", { class: "facts" }, all.filter(Boolean).map(([name, value, detail]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value, detail ? h("small", {}, detail) : null))));
}

export function headline(run) {
  const isComplete = run.report.exit_code === 0 && missing(run).length === 0;
  return h("header", { id: "headline" },
    h("p", { class: "kicker" }, `Single-pulse search · ${run.page.run ?? ""}`),
    h("h1", {}, foundSentence(run), " ", h("span", { class: isComplete ? "state complete" : "state incomplete" }, isComplete ? "✓ " : "! ", stateSentence(run))),
    h("p", { class: "lead" }, searchedSentence(run)),
    facts(run));
}
