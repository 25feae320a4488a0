// Elements from a tag, attributes and children; text always goes in as text, never as markup.
const kSvg = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(kSvg, tag), attributes, children);
}

/** What to do with a view; paper leaves it out. */
export const hint = (text) => h("span", { class: "on-screen" }, ` ${text}`);

/** A section of the page with its heading; `note` says in a sentence or two what is shown. */
export function section(id, title, note, ...children) {
  return h("section", { id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, title),
    note ? h("p", { class: "note" }, note) : null,
    ...children);
}

/** A plain table. columns: [{title, unit, numeric}], rows: arrays of text or elements; the first cell names its row. */
export function table(caption, columns, rows) {
  const align = (c) => (columns[c].numeric ? "numeric" : null);
  const head = columns.map((column, c) => h("th", { scope: "col", class: align(c) }, column.title,
    column.unit ? h("span", { class: "unit" }, ` ${column.unit}`) : null));
  const body = rows.map((row) => h("tr", {}, row.map((cell, c) =>
    h(c === 0 ? "th" : "td", { class: align(c), scope: c === 0 ? "row" : null }, cell))));
  return h("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "for-reader" }, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}
