// Axes of plots: round ticks, and maps from values to pixels.

/** About n round values (1, 2 or 5 times a power of ten) that cover [low, high]. */
export function roundTicks(low, high, n) {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / n));
  const step = power * [1, 2, 5, 10].find((m) => span / (m * power) <= n);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k) ticks.push(k * step);
  return ticks;
}

/** Decades from 0 or 1 on, for an axis of log(1 + value). */
const decades = (low, high) => [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000].filter((v) => v >= low && v <= high);

/** at(value) -> pixel, value(pixel) -> value, ticks. The pixels run from `begin` to `end`. */
export function scale(low, high, begin, end, isLog = false) {
  const forward = isLog ? (v) => Math.log10(1 + Math.max(0, v)) : (v) => v;
  const back = isLog ? (v) => 10 ** v - 1 : (v) => v;
  const [a, b] = [forward(low), forward(high)];
  const perUnit = (end - begin) / (b - a || 1);
  const n = Math.max(2, Math.abs(end - begin) / 70);
  return { low, high, begin, end, at: (v) => begin + (forward(v) - a) * perUnit, value: (p) => back(a + (p - begin) / perUnit),
    ticks: isLog ? decades(low, high) : roundTicks(low, high, n) };
}

export const tickText = (value) => String(Number(value.toPrecision(6))).replace("-", "−");

/** [low, high] with room at both ends; no lower than `floor`. */
export function padded([low, high], floor = -Infinity) {
  const room = 0.04 * (high - low) || Math.max(1, 0.1 * Math.abs(high));
  return [Math.max(floor, low - room), high + room];
}
