// Bundles src/ into dist/report.js and dist/report.css, which the program takes in. Usage: npm run build
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL(".", import.meta.url));
const tabulator = `${web}node_modules/tabulator-tables`;
const { version } = JSON.parse(readFileSync(`${tabulator}/package.json`, "utf8"));
const licence = readFileSync(`${tabulator}/LICENSE`, "utf8").trim();

await build({
  absWorkingDir: web,
  entryPoints: { report: "src/main.js" },
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome105", "firefox121", "safari15.4"],
  legalComments: "eof",
  charset: "utf8",
  banner: { js: `/*! tianyan's report page, GPL-3.0-or-later; it contains Tabulator ${version}:\n${licence} */` },
  logLevel: "info",
});
