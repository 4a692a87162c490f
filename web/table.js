// @ts-check
import { el, number } from "./dom.js";

/** @typedef {import("./views.js").View} View */

/** As many rows a table has: a page with tens of thousands of them can hardly be scrolled. */
const mostRows = 100;

/** @param {any} v */
const cell = (v) => (typeof v === "number" ? number(v) : String(v));

/**
 * A table of a row, or of rows with their numbers.
 *
 * @param {number[]} shape of one or two dimensions
 * @param {string} title
 * @returns {View}
 */
export function table(shape, title) {
  const single = shape.length === 1;
  const rest = single ? 0 : shape[0] - mostRows;
  return {
    kind: `table ${shape.join("x")}`,
    say: (value) => value.slice(0, 8).flat().slice(0, 8).map(cell).join(", "),
    make() {
      const scroll = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title });
      const more = el("p", { class: "muted" }, `${rest.toLocaleString("en")} more rows`);
      return {
        element: rest > 0 ? el("div", { class: "output" }, scroll, more) : scroll,
        update(value) {
          const rows = single ? [value] : value.slice(0, mostRows);
          const head = [
            ...(single ? [] : [el("td")]),
            ...rows[0].map((/** @type {any} */ _, /** @type {number} */ i) => el("th", { scope: "col" }, String(i))),
          ];
          const body = rows.map((/** @type {any[]} */ row, /** @type {number} */ i) =>
            el("tr", {}, ...(single ? [] : [el("th", { scope: "row" }, String(i))]), ...row.map((v) => el("td", { class: "num" }, cell(v)))),
          );
          scroll.replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
        },
      };
    },
  };
}
