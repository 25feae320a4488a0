// DM against time of all candidates that pass the filters, on a canvas: the size says the S/N, colour and
// shape the class. A click selects; a box drawn with the mouse filters to its times and DMs.
import { kClasses, className, mark, tracePath } from "./classes.js";
import { padded, scale, tickText } from "./axes.js";
import { h, hint, section } from "./dom.js";
import { beamName, dm, is, snr, time } from "./format.js";
import { extent, streamsOf } from "./run.js";

const kMargin = { left: 58, right: 14, top: 12, bottom: 42 };
const kReach = 14;  // pixels within which a click takes a point
const kUsualThreshold = 7;  // S/N of the smallest mark, unless there are weaker candidates
const kOrder = ["rfi", "unsifted", "known", "astrophysical"];  // drawn last: on top

const shapeOf = Object.fromEntries(kClasses.map((c) => [c.key, c.shape]));

/** Radius in pixels: the area grows with S/N over that of the smallest mark. */
function radius(c, weakest) {
  const r = (c.key === "rfi" ? 2.2 : 3) * Math.sqrt(Math.max(1, (is(c.snr) ? c.snr : 1) / weakest));
  return Math.min(11, r);
}

export class Scatter {
  constructor(run, state) {
    this.run = run;
    this.state = state;
    this.isLog = false;
    this.weakest = Math.min(kUsualThreshold, extent(run.candidates, "snr")?.[0] || kUsualThreshold);
    this.length_s = Math.max(0, ...streamsOf(run).map((s) => s.n_time * s.sample_time_s).filter(is));
    this.canvas = h("canvas", { tabindex: "0", role: "application", id: "scatter", "aria-describedby": "scatter-keys",
      "aria-label": "Candidates: dispersion measure against time" });
    this.tip = h("div", { class: "tip", hidden: true });
    this.frame = h("div", { class: "plot" }, this.canvas, this.tip);
    this.listen();
  }

  listen() {
    const c = this.canvas;
    c.addEventListener("pointermove", (e) => this.onMove(e));
    c.addEventListener("pointerleave", () => this.showTip(null));
    c.addEventListener("pointerdown", (e) => this.onDown(e));
    c.addEventListener("pointerup", (e) => this.onUp(e));
    c.addEventListener("pointercancel", () => this.endDrag());
    c.addEventListener("keydown", (e) => this.onKey(e));
    this.state.on("filter", () => this.draw());
    this.state.on("select", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  colours() {
    const style = getComputedStyle(this.canvas);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  }

  scales(width, height) {
    const { filter, shown } = this.state;
    const times = this.length_s > 0 ? [0, this.length_s] : (extent(shown, "time_s") ?? [0, 1]);
    const dms = extent(shown, "dm_pc_cm3") ?? [0, 1];
    const pick = (range, found) => [range[0] ?? found[0], range[1] ?? found[1]];
    const [t, d] = [padded(pick(filter.time, times)), padded(pick(filter.dm, dms), 0)];
    this.x = scale(...t, kMargin.left, width - kMargin.right);
    this.y = scale(...d, height - kMargin.bottom, kMargin.top, this.isLog);
  }

  draw() {
    const width = this.frame.clientWidth, height = this.frame.clientHeight;
    if (!width || !height) return;
    const ratio = Math.max(window.devicePixelRatio || 1, this.isPrinted ? 3 : 1);
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const g = this.canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    this.scales(width, height);
    const colour = this.colours();
    this.drawAxes(g, colour, width, height);
    this.drawPoints(g, colour);
    this.drawSelected(g, colour);
    this.drawBox(g, colour);
  }

  drawAxes(g, colour, width, height) {
    const bottom = height - kMargin.bottom;
    g.font = `12px ${getComputedStyle(this.canvas).fontFamily}`;
    g.lineWidth = 1;
    g.strokeStyle = colour("line");
    g.fillStyle = colour("quiet");
    g.textAlign = "center";
    for (const v of this.x.ticks) g.fillText(tickText(v), this.x.at(v), bottom + 17);
    g.textAlign = "right";
    g.beginPath();
    for (const v of this.y.ticks) {
      const y = Math.round(this.y.at(v)) + 0.5;
      g.moveTo(kMargin.left, y);
      g.lineTo(width - kMargin.right, y);
      g.fillText(tickText(v), kMargin.left - 8, y + 4);
    }
    g.stroke();
    g.textAlign = "right";
    g.fillText("Time in the scan (s)", width - kMargin.right, height - 6);
    g.save();
    g.translate(13, kMargin.top);
    g.rotate(-Math.PI / 2);
    g.fillText("DM (pc/cm³)", 0, 0);
    g.restore();
  }

  drawPoints(g, colour) {
    this.points = [];
    const weakestFirst = [...this.state.shown].reverse();
    for (const key of kOrder) {
      const shape = shapeOf[key];
      const path = new Path2D();
      for (const c of weakestFirst) {
        if (c.key !== key || !is(c.time_s) || !is(c.dm_pc_cm3)) continue;
        const [x, y, r] = [this.x.at(c.time_s), this.y.at(c.dm_pc_cm3), radius(c, this.weakest)];
        this.points.push({ x, y, c });
        tracePath(path, shape, x, y, r);
      }
      g.globalAlpha = key === "rfi" ? 0.75 : 0.8;
      g.fillStyle = g.strokeStyle = colour(key);
      g.lineWidth = 1.1;
      if (shape === "cross") g.stroke(path);
      else g.fill(path);
      if (shape !== "cross") {
        g.strokeStyle = colour("paper");
        g.lineWidth = 0.6;
        g.stroke(path);
      }
    }
    g.globalAlpha = 1;
  }

  drawSelected(g, colour) {
    const c = this.state.selected;
    const point = c && this.points.find((p) => p.c === c);
    if (!point) return;
    g.strokeStyle = colour("ink");
    g.lineWidth = 1.5;
    g.beginPath();
    g.arc(point.x, point.y, radius(c, this.weakest) + 5, 0, 2 * Math.PI);
    g.stroke();
  }

  drawBox(g, colour) {
    if (!this.drag?.isBox) return;
    const { x0, y0, x1, y1 } = this.drag;
    g.strokeStyle = colour("accent");
    g.setLineDash([4, 3]);
    g.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
    g.setLineDash([]);
  }

  /** The candidate under a pixel: the nearest, the one on top where several are as near. */
  near(x, y) {
    let best = null, distance = kReach * kReach;
    for (const p of this.points ?? []) {
      const d = (p.x - x) ** 2 + (p.y - y) ** 2;
      if (d <= distance) [best, distance] = [p, d];
    }
    return best;
  }

  onMove(event) {
    if (this.drag) {
      Object.assign(this.drag, { x1: event.offsetX, y1: event.offsetY });
      this.drag.isBox ||= Math.hypot(event.offsetX - this.drag.x0, event.offsetY - this.drag.y0) > 6;
      this.draw();
      return;
    }
    if (event.pointerType === "mouse") this.showTip(this.near(event.offsetX, event.offsetY));
  }

  onDown(event) {
    this.showTip(null);
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { x0: event.offsetX, y0: event.offsetY, x1: event.offsetX, y1: event.offsetY, isBox: false };
  }

  onUp(event) {
    const drag = this.drag;
    this.endDrag();
    if (drag?.isBox) {
      const side = (s, a, b) => [s.value(a), s.value(b)].sort((p, q) => p - q).map((v) => Number(v.toPrecision(6)));
      this.state.update({ time: side(this.x, drag.x0, drag.x1), dm: side(this.y, drag.y0, drag.y1) });
      return;
    }
    const point = this.near(event.offsetX, event.offsetY);
    if (point) this.state.select(point.c);
  }

  endDrag() {
    this.drag = null;
    this.draw();
  }

  /** Left and right go through the candidates in order of time, Home goes to the strongest. */
  onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: 0 }[event.key];
    if (step === undefined || !this.state.shown.length) return;
    event.preventDefault();
    if (step === 0) {
      this.state.select(this.state.shown.reduce((a, b) => (b.snr > a.snr ? b : a)));
      return;
    }
    const byTime = [...this.state.shown].sort((a, b) => a.time_s - b.time_s);
    const at = byTime.indexOf(this.state.selected);
    this.state.select(byTime[Math.min(byTime.length - 1, Math.max(0, at + step))]);
  }

  showTip(point) {
    this.tip.hidden = !point;
    this.canvas.style.cursor = point ? "pointer" : "crosshair";
    if (!point) return;
    const { c, x, y } = point;
    this.tip.replaceChildren(h("b", {}, `S/N ${snr(c.snr)}`), ` · DM ${dm(c.dm_pc_cm3)} · ${time(c.time_s)} s · ${beamName(c.beam)}`, h("br"), className(c.class));
    this.tip.style.left = `${Math.min(x + 12, Math.max(0, this.frame.clientWidth - 250))}px`;
    this.tip.style.top = `${y > 70 ? y - 58 : y + 14}px`;
  }
}

export function scatterSection(run, state) {
  if (!run.candidates.length) return { element: null, scatter: null };
  const scatter = new Scatter(run, state);
  const present = kClasses.filter((c) => run.candidates.some((row) => row.key === c.key));
  const legend = h("ul", { class: "legend" }, present.map((c) => h("li", {}, mark(c.key), c.label)));
  const log = h("label", { class: "check" }, h("input", { type: "checkbox", onchange: (event) => {
    scatter.isLog = event.target.checked;
    scatter.draw();
  } }), "logarithmic DM");
  const element = section("overview", "DM against time",
    ["The larger the mark, the higher the S/N; the filters of the table apply.",
      hint("Select a mark to see its group's plot; draw a box with the mouse to keep what is in it.")],
    h("div", { class: "over-plot" }, legend, log), scatter.frame,
    h("p", { id: "scatter-keys", class: "for-reader" }, "Left and right arrows select the previous and the next candidate in time, Home selects the strongest."));
  return { element, scatter };
}
