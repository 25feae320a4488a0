// What was lost and flagged: one row a beam, a bar of the flagged fraction by rule, and what the run remarked.
import { h, section, table } from "./dom.js";
import { beamName, bytes, duration, is, kMissing, percent, plural } from "./format.js";

const kRules = [
  ["recorded", "in the file"], ["bands", "static bands"], ["mask", "given mask"], ["dead", "dead"], ["saturated", "saturated"],
  ["channels", "channels"], ["iqrm", "IQRM"], ["times", "times"], ["kurtosis", "kurtosis"], ["sum_threshold", "SumThreshold"],
  ["beams", "several beams"],
];

function shares(flags) {
  const total = flags?.total_samples || 0;
  return total ? kRules.map(([rule, label]) => ({ rule, label, fraction: (flags[`${rule}_samples`] ?? 0) / total })) : [];
}

/** The rules that took something in some beam, each with its place in the palette. */
function rulesInUse(beams) {
  const used = new Set(beams.flatMap((b) => shares(b.flags).filter((s) => s.fraction > 0).map((s) => s.rule)));
  return kRules.filter(([rule]) => used.has(rule)).map(([rule, label], i) => ({ rule, label, tone: `tone-${i % 8}` }));
}

function bar(flags, rules) {
  const byRule = new Map(shares(flags).map((s) => [s.rule, s.fraction]));
  const text = rules.filter((r) => byRule.get(r.rule) > 0).map((r) => `${r.label} ${percent(byRule.get(r.rule))}`).join(", ");
  return h("div", { class: "bar", role: "img", "aria-label": text || "nothing flagged", title: text },
    rules.map((r) => h("span", { class: r.tone, style: `width:${(100 * (byRule.get(r.rule) ?? 0)).toFixed(3)}%` })));
}


function lost(b) {
  if (b.failure) return h("strong", { class: "bad" }, "not searched");
  if (!b.losses) return kMissing;
  const gaps = b.losses.n_gaps ? `${plural(b.losses.n_gaps, "gap")}, ${duration(b.losses.gap_samples * b.stream.sample_time_s)}` : "";
  const parts = [gaps, b.losses.cut_short ? "cut short" : "", b.losses.lost_bytes ? bytes(b.losses.lost_bytes) : "",
    b.n_events_dropped ? plural(b.n_events_dropped, "event") : ""].filter(Boolean);
  return parts.length ? h("strong", { class: "bad" }, parts.join(", ")) : "nothing";
}

function row(b, rules) {
  const heavy = b.heavily_flagged ? "bad" : null;
  return [beamName(b.beam), lost(b), h("span", { class: heavy }, percent(b.flags?.fraction), heavy ? " !" : ""), bar(b.flags, rules),
    b.stream ? duration(b.stream.n_time * b.stream.sample_time_s) : kMissing];
}

function legend(rules) {
  return h("ul", { class: "legend" }, rules.map((r) => h("li", {}, h("span", { class: `swatch ${r.tone}` }), r.label)));
}

function remarks(run) {
  const failures = run.beams.filter((b) => b.failure).map((b) => `${beamName(b.beam)}: ${b.failure}`);
  const all = [...new Set([...(run.report.remarks ?? []), ...(run.sift?.remarks ?? [])])];
  const list = all.length ? all : failures;
  return list.length ? h("div", { class: "remarks" }, h("h3", {}, "Remarks"), h("ul", {}, list.map((line) => h("li", {}, line)))) :
    h("p", { class: "empty" }, "The run made no remarks.");
}

export function lossesSection(run) {
  const rules = rulesInUse(run.beams);
  const columns = [{ title: "Beam" }, { title: "Lost" }, { title: "Flagged", numeric: true }, { title: "Flagged by rule" }, { title: "Length", numeric: true }];
  const sum = run.beams.reduce((f, b) => [f[0] + (b.flags?.fraction ?? 0) * (b.flags?.total_samples ?? 0), f[1] + (b.flags?.total_samples ?? 0)], [0, 0]);
  const note = sum[1] > 0 && is(sum[0]) ? `${percent(sum[0] / sum[1])} of all samples were flagged. Each sample is counted once, by the first rule that took it; a bar's full width is the whole beam. A percentage with ! is above rfi.flagged_max.` : null;
  return section("losses", "Lost and flagged", note,
    run.beams.length ? table("Lost and flagged, by beam", columns, run.beams.map((b) => row(b, rules))) : null, legend(rules), remarks(run));
}
