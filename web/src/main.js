// The page of a run, built from the JSON document that stands in it.
import "./report.css";

import { beamMapSection } from "./beam_map.js";
import { candidatesSection } from "./candidates.js";
import { completenessSection } from "./completeness.js";
import { detectionsSection } from "./detections.js";
import { h } from "./dom.js";
import { headline } from "./headline.js";
import { lossesSection } from "./losses.js";
import { planSection } from "./plan.js";
import { preparePrint } from "./print.js";
import { provenanceSection } from "./provenance.js";
import { readRun } from "./run.js";
import { scatterSection } from "./scatter.js";
import { selectionPanel } from "./selection.js";
import { makeState } from "./state.js";

function navigation(sections) {
  return h("nav", { "aria-label": "Sections" }, sections.map((s) => h("a", { href: `#${s.id}` }, s.querySelector("h2").textContent)));
}

async function show() {
  const run = readRun(document.getElementById("run").textContent);
  const state = makeState(run.candidates);
  const candidates = candidatesSection(run, state);
  const overview = scatterSection(run, state);
  const sections = [detectionsSection(run), lossesSection(run), candidates.element, overview.element, beamMapSection(run, state),
    completenessSection(run), planSection(run), provenanceSection(run)].filter(Boolean);
  const page = document.getElementById("page");
  page.replaceChildren(headline(run), navigation(sections), ...sections);
  document.body.append(selectionPanel(run, state));
  preparePrint(run, state, overview.scatter);
  const table = await candidates.build();
  // For tests and for the browser's console.
  window.tianyan = { run, state, table, scatter: overview.scatter };
  document.documentElement.dataset.ready = "true";
}

show();
