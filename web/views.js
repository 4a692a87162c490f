// @ts-check
import { bars } from "./bars.js";
import { el, number } from "./dom.js";
import { encoded, heatmap, image } from "./pixels.js";
import { table } from "./table.js";
import { shapeOf } from "./tensor.js";

/**
 * A way to show values. The element of a view is kept while values of the same kind come.
 *
 * @typedef {object} View
 * @property {string} kind
 * @property {() => {element: HTMLElement, update: (value: any) => void}} make
 * @property {(value: any) => string} say the value in words, "" where there are none
 */

/** Up to so many numbers are a table whatever their shape. */
const mostCells = 64;

/** A matrix of so few columns is a list of points, boxes or the like: a table, however long. */
const fewColumns = 8;

/** Longer texts may be higher than their box. */
const longText = 500;

/** As much JSON is shown. */
const mostJSON = 20_000;

/**
 * How a value is shown.
 *
 * @param {any} value
 * @param {string} title
 * @param {string[]} [labels]
 * @returns {View}
 */
export function choose(value, title, labels) {
  const shape = shapeOf(value);
  const flat = Array.isArray(value) ? value.flat(Infinity) : [value];
  const numeric = flat.length > 0 && flat.every((v) => typeof v === "number");
  if (shape.length === 2 && shape[1] === 2 && value.every((/** @type {any} */ p) => typeof p[0] === "string" && typeof p[1] === "number")) {
    return bars(`pairs ${shape[0]}`, (v) => v.map((/** @type {any[]} */ [name, score]) => ({ name, score })));
  }
  const plain = flat.every((v) => typeof v !== "object");
  if (plain && shape.length <= 2 && shape[0] === 1) return as("only", (v) => v[0], choose(value[0], title, labels));
  if (numeric && shape.length === 1 && shape[0] > 1) {
    const names = labels?.length === shape[0] ? labels : undefined;
    if (names || isScores(flat, title)) {
      return bars(`bars ${shape[0]}`, (v) => v.map((/** @type {number} */ score, /** @type {number} */ i) => ({ name: names?.[i] ?? String(i), score })));
    }
  }
  if (plain) {
    const view = numeric && shape.length === 0 ? scalar(title) : scalars(shape, flat, title, numeric);
    if (view) return view;
  }
  if (numeric && shape.length === 3) {
    const layout = imageLayout(shape);
    if (layout) return image(layout);
  }
  if (shape.length === 0 && value?.b64 !== undefined) return encoded();
  return json(title);
}

/**
 * The view of a part, or of another form, of a value.
 *
 * @param {string} what
 * @param {(value: any) => any} part
 * @param {View} inner
 * @returns {View}
 */
function as(what, part, inner) {
  return {
    kind: `${what} of ${inner.kind}`,
    make() {
      const { element, update } = inner.make();
      return { element, update: (v) => update(part(v)) };
    },
    say: (v) => inner.say(part(v)),
  };
}

/**
 * Whether numbers are scores of classes: by what they are, or by their name. What is called
 * after classes may as well be the numbers of classes that were found.
 *
 * @param {number[]} values
 * @param {string} title
 */
function isScores(values, title) {
  const shares = values.every((v) => v >= 0 && v <= 1);
  if (shares && Math.abs(values.reduce((a, b) => a + b, 0) - 1) < 0.02) return true;
  if (/prob|score|logit|softmax/i.test(title)) return true;
  return shares && /class/i.test(title) && !values.every(Number.isInteger);
}

/**
 * The size of the image that a shape of three is, null where it is none: [H,W,C] or [C,H,W].
 *
 * @param {number[]} shape
 */
function imageLayout([a, b, c]) {
  const colours = (/** @type {number} */ d) => d === 1 || d === 3 || d === 4;
  if (colours(c) && a > 4 && b > 4) return { height: a, width: b, channels: c, planes: false };
  return colours(a) && b > 4 && c > 4 ? { height: b, width: c, channels: a, planes: true } : null;
}

/** @param {string} title */
const scalar = (title) =>
  simple(
    "value",
    "value",
    (v) => number(v),
    (v) => `${title}: ${number(v)}`,
  );

/**
 * Scalars of no, one or two dimensions.
 *
 * @param {number[]} shape
 * @param {any[]} flat
 * @param {string} title
 * @param {boolean} numeric
 * @returns {View | null}
 */
function scalars(shape, flat, title, numeric) {
  if (shape.length === 0)
    return simple(
      "text",
      "text",
      (v) => String(v),
      (v) => String(v).slice(0, 200),
    );
  if (shape.length > 2 || flat.length === 0) return null;
  if (flat.length <= mostCells || (shape.length === 2 && shape[1] <= fewColumns)) return table(shape, title);
  // A picture says nothing of numbers that are names of something, as ids are.
  if (shape.length === 1 && (!numeric || flat.every(Number.isInteger))) {
    return as("column", (v) => v.map((/** @type {any} */ cell) => [cell]), table([shape[0], 1], title));
  }
  return numeric ? heatmap(shape) : null;
}

/**
 * @param {string} kind
 * @param {string} style
 * @param {(value: any) => string} text
 * @param {(value: any) => string} say
 * @returns {View}
 */
function simple(kind, style, text, say) {
  return {
    kind,
    say,
    make() {
      const element = el("p", { class: style });
      return {
        element,
        update(value) {
          element.textContent = text(value);
          // What may have to be scrolled must be reached by keys.
          if (element.textContent.length > longText) element.tabIndex = 0;
          else element.removeAttribute("tabindex");
        },
      };
    },
  };
}

/** @param {string} title @returns {View} */
function json(title) {
  return {
    kind: "json",
    say: () => "",
    make() {
      const text = el("pre", { class: "mono", tabindex: 0, role: "region", "aria-label": `${title} as JSON` });
      const more = el("p", { class: "muted" });
      return {
        element: el("div", { class: "output" }, text, more),
        update(value) {
          const all = write(value, "\n");
          text.textContent = all.slice(0, mostJSON);
          more.textContent = `The beginning of ${shapeOf(value).join(" × ") || "many"} values`;
          more.hidden = all.length <= mostJSON;
        },
      };
    },
  };
}

/** JSON with a line for each of the innermost lists. @param {any} value @param {string} line the start of a line @returns {string} */
function write(value, line) {
  if (!Array.isArray(value)) return JSON.stringify(value, null, 1).replaceAll("\n", line);
  if (!value.some((v) => typeof v === "object" && v !== null)) return `[${value.map((v) => JSON.stringify(v)).join(", ")}]`;
  const inner = `${line} `;
  let text = "[";
  for (const [i, v] of value.entries()) {
    text += `${i ? "," : ""}${inner}${write(v, inner)}`;
    if (text.length > mostJSON) return text; // more would not be shown
  }
  return `${text}${line}]`;
}
