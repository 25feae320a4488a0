// Makes a run directory as a search of 19 beams leaves it, with as many candidates as asked, for tests of the
// page and for looking at it: node tests/web/make_run.mjs DIRECTORY [N_CANDIDATE]
import { mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { deflateSync, crc32 } from "node:zlib";

const kLengthS = 600, kDetections = 12, kStartMjd = 60310.75;
const kRules = ["recorded", "bands", "channels", "iqrm", "times", "kurtosis", "sum_threshold"];
const kSearched = Array.from({ length: 19 }, (_, b) => b + 1).filter((b) => b !== 14);  // that beam failed
const beamName = (b) => `M${String(b).padStart(2, "0")}`;

/** Numbers in [0, 1) that are the same in every run (a 32-bit mulberry). */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function pulse(random, key) {
  const snr = 7 + (key === "rfi" ? 3 : 14) * -Math.log(1 - random());
  const dm = key === "rfi" ? 2000 * random() ** 4 : 100 + 1400 * random();
  return { time_s: kLengthS * random(), dm_pc_cm3: dm, dm_err_pc_cm3: 0.2 + dm / 1000, snr, width_s: 0.0002 * 2 ** Math.floor(8 * random()), n_members: 1 + Math.floor(40 * random()) };
}

/** Groups of detections first, then interference in several beams, then the rest. */
function makeCandidates(n, random) {
  const all = [];
  for (let g = 0; g < kDetections; ++g) {
    const isKnown = g % 4 === 3;
    const p = isKnown ? { ...pulse(random, "known"), dm_pc_cm3: 56.77 + 0.05 * random(), dm_err_pc_cm3: 0.03 } : pulse(random, "astrophysical");
    const detection = `TY20240101T18${String(g).padStart(2, "0")}00.000_M01`;
    for (let k = 0; k <= g % 3 && all.length < n; ++k)
      all.push({ ...p, snr: p.snr * 0.7 ** k, beam: kSearched[(g + k) % kSearched.length], class: isKnown ? "known:B0531+21" : "astrophysical", detection,
        reasons: isKnown ? "DM and position of B0531+21" : k ? "neighbouring beams" : "one beam; dispersed; above the threshold" });
  }
  for (let g = 0; all.length < n; ++g) {
    const p = pulse(random, "rfi");
    for (let k = 0; k <= g % 7 && all.length < n; ++k)
      all.push({ ...p, time_s: p.time_s + 1e-3 * k, snr: p.snr * (1 - 0.02 * k), beam: kSearched[(3 * g + 5 * k) % kSearched.length], class: "rfi", detection: `R${g}`,
        reasons: p.dm_pc_cm3 < 20 ? "DM near zero" : "seen in beams that are not neighbours" });
  }
  for (const c of all) Object.assign(c, { mjd: kStartMjd + c.time_s / 86400, ref_freq_mhz: 1499.939, snr_white: 1.02 * c.snr });
  all.sort((a, b) => b.snr - a.snr);
  all.forEach((c, i) => Object.assign(c, { rank: i + 1 }));
  return all;
}

function makeDetections(candidates) {
  const groups = new Map();
  for (const c of candidates.filter((x) => x.class !== "rfi")) groups.set(c.detection, [...(groups.get(c.detection) ?? []), c]);
  return [...groups.values()].map(([best, ...others]) => ({ ...best, id: best.detection, n_beams: 1 + others.length, beams: [best, ...others].map((c) => beamName(c.beam)).join(" "),
    ra_deg: 83.6331 + 0.1 * best.beam, dec_deg: 22.0145 - 0.02 * best.beam, pos_err_deg: others.length ? 0.012 : 0.024, mjd_inf_bary: best.mjd + 0.0031, scan: 0 }));
}

const kTypes = { beam: "int64", n_members: "int64", rank: "int64", n_beams: "int64", scan: "int64", n_injected: "int64", n_recovered: "int64",
  class: "string", detection: "string", reasons: "string", beams: "string", id: "string", axis: "string" };
const kDigits = { mjd: 12, mjd_inf_bary: 12, time_s: 9, width_s: 9 };

function cell(name, value) {
  if (kTypes[name] === "string") return `"${String(value).replaceAll('"', '""')}"`;
  return kTypes[name] ? String(value) : Number.isFinite(value) ? value.toFixed(kDigits[name] ?? 4) : '""';
}

export function ecsv(names, rows) {
  const head = ["%ECSV 1.0", "---", "datatype:", ...names.map((n) => `- {name: ${n}, datatype: ${kTypes[n] ?? "float64"}}`), "delimiter: ','", "schema: astropy-2.0"];
  return [...head.map((line) => `# ${line}`), names.join(","), ...rows.map((row) => names.map((n) => cell(n, row[n])).join(","))].join("\n") + "\n";
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body) >>> 0, body.length + 4);
  return out;
}

/** A PNG of grey pixels that stands for a plot: noise with a dispersed track. */
function png(random, width = 240, height = 180) {
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) {
      const track = 40 + (150 * (1 / (1 + y / 80) ** 2 - 0.09));
      rows[y * (width + 1) + 1 + x] = 255 * Math.min(1, 0.25 * random() + Math.exp(-(((x - track) / 3) ** 2)) * 0.7);
    }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function flags(random, beam) {
  const total = 1e10, f = { total_samples: total };
  let flagged = 0;
  for (const rule of kRules) {
    f[`${rule}_samples`] = Math.round(total * (rule === "bands" ? 0.11 : 0.03 * random() * (beam === 11 ? 4 : 1)));
    flagged += f[`${rule}_samples`];
  }
  return { ...f, fraction: flagged / total, by_band: [], by_time: [], channel_fraction: [], periodic_lines: [], n_window: 1 };
}

function plan() {
  const passes = Array.from({ length: 6 }, (_, o) => ({ downsampling: 2 ** o, dm_begin_pc_cm3: o ? 46 * 2 ** o : 0, dm_end_pc_cm3: 46 * 2 ** (o + 1), dm_step_pc_cm3: 0.0853 * 2 ** o,
    n_trial: 1078 - 40 * o, widths_samples: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128], loss: { dm_step: 0.004 + 0.002 * o, delay_rounding: 0.011, downsampling: 0.006 * o,
      searched: 0.03, quantisation: 0.003, boxcar: 0.034, smearing: 0.02 * o, flagged_band: 0.057, zero_dm_filter: 0.002 } }));
  return { passes, n_trial: passes.reduce((n, p) => n + p.n_trial, 0), window_samples: 131072, block_samples: 65536, additions_per_data_s: 4e9 };
}

function beamReport(random, beam) {
  if (beam === 14) return { beam, failure: "M14_0003.fits: row 117 is not a row of SUBINT: 2 bytes of 4194304", plan: null };
  const isCut = beam === 7;
  const stream = { n_chan: 4096, n_pol: 1, freq_low_mhz: 1000.061, channel_width_mhz: 0.1220703125, sample_time_s: 4.9152e-5, n_time: Math.round((isCut ? 412 : kLengthS) / 4.9152e-5),
    start_day: 60310, start_second: 64800, coherent_dm_pc_cm3: 0, source_name: "DRIFT+2200", telescope: "FAST", backend: "ROACH", beam, ra_deg: 83.6 + 0.1 * beam, dec_deg: 22 };
  const file = (k) => ({ path: `/data/scan/DRIFT+2200_arcdrift-${beamName(beam)}_000${k}.fits`, size_bytes: 1073741824, header_checksum: 81985529216486895, first_sample: 262144 * k, n_time: 262144 });
  return { beam, stream, format: "psrfits", files: [file(1), file(2)], losses: { gap_samples: beam === 3 ? 20480 : 0, n_gaps: beam === 3 ? 2 : 0, lost_bytes: isCut ? 73400320 : 0, notes: [], cut_short: isCut },
    candidates: [], flags: flags(random, beam), n_events: 5000, n_events_dropped: 0, seconds: 420, failure: null, plan: plan(), memory_bytes: 3e9, heavily_flagged: beam === 11, threads: 2 };
}

function report(random, candidates, detections) {
  const known = detections.filter((d) => d.class.startsWith("known")).length;
  return { version: "0.1.0", config_hash: "9f2c41d07be85a36", exit_code: 3, dispersion_constant_s_mhz2_cm3_pc: 1 / 2.41e-4, vector_instructions: "AVX2", threads: 16, memory_bytes: 2.4e10, seconds: 487.2,
    real_time_factor: 23.4, n_candidate: candidates.length, n_plot: detections.length,
    remarks: ["beam M14 failed: M14_0003.fits: row 117 is not a row of SUBINT: 2 bytes of 4194304", "beam M11: 48.1 % of the samples are flagged, more than rfi.flagged_max = 40 %", "skipped /data/scan/DRIFT+2200_arcdrift-M01_N_0001.fits: spectral backend"],
    sift: { n_group: new Set(candidates.map((c) => c.detection)).size, n_astrophysical: detections.length - known, n_known: known, n_rfi: 2500, rotation_deg: 23.4, beam_fwhm_arcmin: 2.9, remarks: [] },
    injections: { n_injected: 400, n_recovered: 352 }, beams: Array.from({ length: 19 }, (_, b) => beamReport(random, b + 1)) };
}

function completeness() {
  const edges = { all: [0, 1], snr: [7, 8, 10, 13, 17, 25, 50], width_s: [0.0002, 0.001, 0.004, 0.016, 0.1], dm_pc_cm3: [0, 200, 500, 1000, 2000] };
  return Object.entries(edges).flatMap(([axis, e]) => e.slice(1).map((high, i) => {
    const fraction = axis === "snr" ? 1 - 0.6 * 0.4 ** i : 0.88 - 0.02 * i, n = axis === "all" ? 400 : Math.round(400 / (e.length - 1));
    const error = Math.sqrt((fraction * (1 - fraction) + 0.002) / n);
    return { axis, low: e[i], high, n_injected: n, n_recovered: Math.round(n * fraction), fraction, fraction_low: fraction - error, fraction_high: Math.min(1, fraction + error) };
  }));
}

const kCommon = ["beam", "time_s", "mjd", "dm_pc_cm3", "dm_err_pc_cm3", "snr", "width_s", "ref_freq_mhz", "n_members"];

export function makeRun(directory, n = 10000) {
  const random = generator(20240101);
  const candidates = makeCandidates(n, random), detections = makeDetections(candidates);
  mkdirSync(`${directory}/plots`, { recursive: true });
  const write = (name, data) => writeFileSync(`${directory}/${name}`, data);
  write("candidates.ecsv", ecsv([...kCommon, "rank", "snr_white", "class", "detection", "reasons"], candidates));
  write("detections.ecsv", ecsv([...kCommon, "n_beams", "beams", "ra_deg", "dec_deg", "pos_err_deg", "mjd_inf_bary", "class", "id", "snr_white", "scan", "reasons"], detections));
  write("completeness.ecsv", ecsv(["axis", "low", "high", "n_injected", "n_recovered", "fraction", "fraction_low", "fraction_high"], completeness()));
  write("report.json", JSON.stringify(report(random, candidates, detections)));
  write("config.toml", "[search]\ndm_max_pc_cm3 = 3000.0 # <b>not bold</b>\nsnr_min = 7.0\n");
  for (const d of detections) write(`plots/${d.id}.png`, png(random));
  return { candidates, detections };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) makeRun(process.argv[2], Number(process.argv[3] ?? 10000));
