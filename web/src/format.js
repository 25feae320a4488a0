// Numbers as text: fixed digits for each quantity, so that columns align; a dash where a value is missing.
export const kMissing = "–";
export const is = (value) => typeof value === "number" && Number.isFinite(value);

export const fixed = (value, digits) => (is(value) ? value.toFixed(digits).replace("-", "−") : kMissing);
export const percent = (fraction, digits = 1) => (is(fraction) ? `${fixed(100 * fraction, digits)} %` : kMissing);
export const count = (n) => (is(n) ? n.toLocaleString("en-GB").replaceAll(",", "\u202f") : kMissing);
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const beamName = (beam) => (beam > 0 ? `M${String(beam).padStart(2, "0")}` : "M–");

/** "M01–M04, M07" */
export function beamList(beams) {
  const runs = [];
  for (const b of [...beams].sort((x, y) => x - y)) {
    if (runs.length && runs.at(-1)[1] === b - 1) runs.at(-1)[1] = b;
    else runs.push([b, b]);
  }
  return runs.map(([a, b]) => (a === b ? beamName(a) : `${beamName(a)}–${beamName(b)}`)).join(", ");
}

export const snr = (value) => fixed(value, 1);
export const dm = (value) => fixed(value, 2);
export const time = (value) => fixed(value, 4);
export const widthMs = (seconds) => (is(seconds) ? fixed(seconds * 1e3, 3) : kMissing);
export const withError = (value, error, digits) =>
  is(error) && error > 0 ? `${fixed(value, digits)} ± ${fixed(error, digits)}` : fixed(value, digits);

export function bytes(n) {
  if (!is(n)) return kMissing;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let u = 0;
  for (; n >= 1000 && u < units.length - 1; ++u) n /= 1000;
  return `${n.toFixed(u === 0 || n >= 100 ? 0 : 1)} ${units[u]}`;
}

export function duration(seconds) {
  if (!is(seconds)) return kMissing;
  if (seconds < 120) return `${fixed(seconds, seconds < 10 ? 2 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** "2020-05-31 00:00:04.123 UTC": an MJD of whole days and seconds; leap seconds are not told apart. */
export function utc(day, second, digits = 0) {
  if (!is(day) || !is(second)) return kMissing;
  const scale = 10 ** digits;
  const rounded = Math.round(second * scale) / scale;
  const date = new Date((day - 40587) * 86400e3 + Math.floor(rounded) * 1e3);
  const fraction = digits > 0 ? (rounded % 1).toFixed(digits).slice(1) : "";
  return `${date.toISOString().slice(0, 19).replace("T", " ")}${fraction} UTC`;
}

export const utcOfMjd = (mjd, digits) => (is(mjd) ? utc(Math.floor(mjd), (mjd % 1) * 86400, digits) : kMissing);

function sexagesimal(value, digits) {
  const scale = 10 ** digits;
  let units = Math.round(Math.abs(value) * 3600 * scale);
  const rest = units % (60 * scale);
  units = (units - rest) / (60 * scale);
  const pad = (n) => String(n).padStart(2, "0");
  return [pad(Math.floor(units / 60)), pad(units % 60), (rest / scale).toFixed(digits).padStart(digits > 0 ? digits + 3 : 2, "0")];
}

/** "04h 12m 33.4s +21° 07′ 12″", with the radius of the 68 % region where it is known. */
export function position(ra_deg, dec_deg, err_deg) {
  if (!is(ra_deg) || !is(dec_deg)) return kMissing;
  const ra = sexagesimal(((ra_deg % 360) + 360) % 360 / 15, 1);
  const dec = sexagesimal(dec_deg, 0);
  const error = is(err_deg) ? ` ± ${fixed(err_deg * 60, 1)}′` : "";
  return `${ra[0]}h ${ra[1]}m ${ra[2]}s ${dec_deg < 0 ? "−" : "+"}${dec[0]}° ${dec[1]}′ ${dec[2]}″${error}`;
}
