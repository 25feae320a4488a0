// What a class of candidates looks like: a colour and a shape of its own, so that neither alone is needed.
import { svg } from "./dom.js";

export const kClasses = [
  { key: "astrophysical", label: "Astrophysical", shape: "circle" },
  { key: "known", label: "Known source", shape: "diamond" },
  { key: "unsifted", label: "Unsifted", shape: "square" },
  { key: "rfi", label: "Interference", shape: "cross" },
];

/** "known:B0531+21" is of the class "known". */
export const classKey = (name) => {
  const key = String(name || "unsifted").split(":")[0];
  return kClasses.some((c) => c.key === key) ? key : "unsifted";
};

export function className(name) {
  const key = classKey(name);
  const label = kClasses.find((c) => c.key === key).label;
  return key === "known" && name.includes(":") ? `Known: ${name.slice(name.indexOf(":") + 1)}` : label;
}

/** Path of a shape of radius r around (x, y), on a canvas's context or a Path2D. */
export function tracePath(path, shape, x, y, r) {
  if (shape === "circle") {
    path.moveTo(x + r, y);
    path.arc(x, y, r, 0, 2 * Math.PI);
  } else if (shape === "diamond") {
    path.moveTo(x, y - 1.25 * r);
    for (const [i, j] of [[1.25, 0], [0, 1.25], [-1.25, 0]]) path.lineTo(x + i * r, y + j * r);
    path.closePath();
  } else if (shape === "square") {
    path.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
  } else {
    const d = 0.8 * r;
    path.moveTo(x - d, y - d);
    path.lineTo(x + d, y + d);
    path.moveTo(x + d, y - d);
    path.lineTo(x - d, y + d);
  }
}

const kMarks = {
  circle: () => svg("circle", { cx: 6, cy: 6, r: 4.5 }),
  diamond: () => svg("path", { d: "M6 .5 11.5 6 6 11.5.5 6Z" }),
  square: () => svg("rect", { x: 1.8, y: 1.8, width: 8.4, height: 8.4 }),
  cross: () => svg("path", { d: "M2 2 10 10M10 2 2 10" }),
};

/** The class's mark, for text; it says nothing to screen readers, as its name stands beside it. */
export function mark(name) {
  const { key, shape } = kClasses.find((c) => c.key === classKey(name));
  return svg("svg", { class: `mark ${key}`, viewBox: "0 0 12 12", "aria-hidden": "true" }, kMarks[shape]());
}
