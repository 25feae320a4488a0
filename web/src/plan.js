// The DM plan: one row a pass, its trials and the S/N that it gives away.
import { h, section, table } from "./dom.js";
import { beamList, count, fixed, percent, plural } from "./format.js";

const kLosses = [["dm_step", "DM step"], ["delay_rounding", "Delay rounding"], ["downsampling", "Down\u00adsampling"], ["boxcar", "Boxcar"],
  ["smearing", "Smearing"], ["quantisation", "Quanti\u00adsation"], ["flagged_band", "Static bands"], ["zero_dm_filter", "Zero-DM filter"]];

function widths(pass, sample_s) {
  const w = pass.widths_samples ?? [];
  if (!w.length) return "–";
  const ms = (n) => Number((n * pass.downsampling * sample_s * 1e3).toPrecision(3));
  return `${ms(w[0])}–${ms(w.at(-1))} (${w.length})`;
}

function planTable(plan, sample_s, caption) {
  const columns = [{ title: "DM", unit: "pc/cm³" }, { title: "Step", unit: "pc/cm³", numeric: true }, { title: "Trials", numeric: true },
    { title: "Sample", unit: "ms", numeric: true }, { title: "Widths", unit: "ms", numeric: true },
    ...kLosses.map(([, title]) => ({ title, unit: "%", numeric: true }))];
  const rows = plan.passes.map((p) => [`${fixed(p.dm_begin_pc_cm3, 1)}–${fixed(p.dm_end_pc_cm3, 1)}`, fixed(p.dm_step_pc_cm3, 3), count(p.n_trial),
    fixed(p.downsampling * sample_s * 1e3, 3), widths(p, sample_s), ...kLosses.map(([key]) => fixed(100 * p.loss?.[key], 1))]);
  return table(caption, columns, rows);
}

export function planSection(run) {
  const plans = new Map();
  for (const b of run.beams.filter((x) => x.plan?.passes?.length && x.stream)) {
    const key = JSON.stringify([b.plan.passes, b.stream.sample_time_s]);
    plans.set(key, [...(plans.get(key) ?? []), b]);
  }
  if (!plans.size) return null;
  const parts = [...plans.values()].map((beams) => {
    const names = beams.length === run.beams.length ? "all beams" : beamList(beams.map((b) => b.beam));
    const title = `${plural(beams[0].plan.n_trial, "trial")} in ${plural(beams[0].plan.passes.length, "pass", "passes")}, ${names}`;
    return [h("h3", {}, title), planTable(beams[0].plan, beams[0].stream.sample_time_s, `DM plan: ${title}`)];
  });
  return section("plan", "DM plan", "Percentages are the S/N that a pulse in the middle of a pass loses by each cause.", parts);
}
