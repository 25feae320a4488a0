// What made this run: program, config, machine, input files.
import { h, section, table } from "./dom.js";
import { beamName, bytes, count, duration, is, kMissing } from "./format.js";

function facts(run) {
  const r = run.report;
  const all = [
    ["Program", `tianyan ${r.version ?? "of unknown version"}`],
    ["Config hash", r.config_hash],
    ["Dispersion constant", is(r.dispersion_constant_s_mhz2_cm3_pc) ? `${r.dispersion_constant_s_mhz2_cm3_pc.toFixed(6)} s MHz² cm³/pc` : null],
    ["Beam width (FWHM)", is(run.sift?.beam_fwhm_arcmin) ? `${run.sift.beam_fwhm_arcmin.toFixed(2)}′` : null],
    ["Ran on", is(r.threads) ? `${r.threads} threads, ${r.vector_instructions ?? "unknown"} instructions` : null],
    ["Memory", is(r.memory_bytes) ? bytes(r.memory_bytes) : null],
    ["Took", is(r.seconds) ? duration(r.seconds) : null],
  ];
  return h("dl", { class: "pairs" }, all.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function inputs(run) {
  const files = run.beams.flatMap((b) => (b.files ?? []).map((f) => ({ ...f, beam: b.beam })));
  if (!files.length) return null;
  const total = files.reduce((sum, f) => sum + (f.size_bytes ?? 0), 0);
  const columns = [{ title: "Beam" }, { title: "File" }, { title: "Size", numeric: true }, { title: "Spectra", numeric: true }, { title: "Header checksum" }];
  const rows = files.map((f) => [beamName(f.beam), h("code", {}, f.path), bytes(f.size_bytes), count(f.n_time), h("code", {}, f.header_checksum ?? kMissing)]);
  return h("details", { open: files.length <= 20 }, h("summary", {}, `Inputs: ${count(files.length)} files, ${bytes(total)}`), table("Input files", columns, rows));
}

export function provenanceSection(run) {
  const config = run.config ? h("details", { id: "config" }, h("summary", {}, "config.toml"), h("pre", { tabindex: "0", "aria-label": "config.toml" }, run.config)) : null;
  return section("provenance", "Provenance", null, facts(run), inputs(run), config);
}
