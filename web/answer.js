// @ts-check
import { el } from "./dom.js";
import { shapeOf } from "./tensor.js";

/** @typedef {import("./tensor.js").Signature} Signature */

/** Up to so many classes stay in their order, so that bars do not change places while somebody draws. */
const fixedBars = 12;
const mostBars = 10;
const mostRows = 16;

/**
 * Shows answers.
 *
 * @param {HTMLElement} container
 * @param {{signature: Signature, labels?: string[]}} options
 */
export function answerView(container, { signature, labels }) {
  /** @type {Map<string, {kind: string, element: HTMLElement, update: (value: any) => void}>} */
  let views = new Map();

  /** @param {string} message */
  function empty(message) {
    views = new Map();
    container.replaceChildren(el("p", { class: "empty" }, message));
  }

  /**
   * @param {any} reply
   * @returns {string} what it says, in words
   */
  function show(reply) {
    const parts = outputs(reply, signature);
    const next = new Map();
    const said = parts.map(({ key, title, value }) => {
      const { kind, make, say } = choose(value, title, labels);
      const old = views.get(key);
      const view = old?.kind === kind ? old : { kind, ...make() };
      view.update(value);
      next.set(key, view);
      return say(value);
    });
    const changed = next.size !== views.size || [...next].some(([key, view]) => views.get(key) !== view);
    if (changed) {
      const titled = parts.length > 1 || signature.outputs.length > 1;
      container.replaceChildren(
        ...parts.map(({ key, title }) => el("div", { class: "output" }, ...(titled ? [el("h3", {}, title)] : []), /** @type {any} */ (next.get(key)).element)),
      );
    }
    views = next;
    return said.filter(Boolean).join("; ");
  }

  return { empty, show };
}

/**
 * The tensors of a reply, a part for each row and output.
 *
 * @param {any} reply
 * @param {Signature} signature
 * @returns {{key: string, title: string, value: any}[]}
 */
function outputs(reply, signature) {
  const only = signature.outputs.length === 1 ? signature.outputs[0].name : "answer";
  const split = (/** @type {any} */ value, /** @type {string} */ row) =>
    isObject(value)
      ? Object.entries(value).map(([name, v]) => ({ key: `${row}${name}`, title: `${row}${name}`, value: v }))
      : [{ key: `${row}${only}`, title: `${row}${only}`, value }];
  if (!isObject(reply)) return [{ key: "reply", title: "answer", value: reply }];
  if (reply.outputs !== undefined) return split(reply.outputs, "");
  const rows = reply.predictions ?? reply.results;
  if (!Array.isArray(rows)) return [{ key: "reply", title: "answer", value: reply }];
  const shown = rows.slice(0, mostRows).flatMap((row, i) => split(row, rows.length > 1 ? `Row ${i + 1}: ` : ""));
  if (rows.length > mostRows) shown.push({ key: "more", title: "more", value: `${rows.length - mostRows} more rows are in the reply as JSON.` });
  return shown;
}

/** @param {any} v */
const isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v) && !("b64" in v);

/**
 * How a value is shown.
 *
 * @param {any} value
 * @param {string} title
 * @param {string[]} [labels]
 * @returns {{kind: string, make: () => {element: HTMLElement, update: (value: any) => void}, say: (value: any) => string}}
 */
function choose(value, title, labels) {
  const shape = shapeOf(value);
  const flat = Array.isArray(value) ? value.flat(Infinity) : [value];
  const numeric = flat.length > 0 && flat.every((v) => typeof v === "number");
  if (shape.length === 2 && shape[1] === 2 && value.every((/** @type {any} */ p) => typeof p[0] === "string" && typeof p[1] === "number")) {
    return bars(`pairs ${shape[0]}`, (v) => v.map((/** @type {any[]} */ [name, score]) => ({ name, score })));
  }
  if (numeric && shape.length === 2 && shape[0] === 1) return squeeze(value, title, labels);
  if (numeric && shape.length === 1 && shape[0] > 1) {
    const names = labels?.length === shape[0] ? labels : undefined;
    if (names || isDistribution(flat) || /prob|score|logit|class|softmax/i.test(title)) {
      return bars(`bars ${shape[0]}`, (v) => v.map((/** @type {number} */ score, /** @type {number} */ i) => ({ name: names?.[i] ?? String(i), score })));
    }
  }
  if (numeric && shape.length === 0)
    return simple(
      "value",
      "value",
      (v) => number(v),
      (v) => `${title}: ${number(v)}`,
    );
  if (numeric && (shape.length === 1 || shape.length === 2) && flat.length <= 64) return table(shape, title);
  if (numeric && (shape.length === 1 || shape.length === 2)) return heatmap(shape);
  if (numeric && shape.length === 3 && [1, 3, 4].includes(shape[2]) && shape[0] > 4 && shape[1] > 4) return image(shape);
  if (shape.length === 0 && value?.b64 !== undefined) return encoded();
  if (shape.length === 0 && (typeof value === "string" || typeof value === "boolean"))
    return simple(
      "text",
      "text",
      (v) => String(v),
      (v) => String(v).slice(0, 200),
    );
  if (shape.length === 1 && flat.length <= 64 && flat.every((v) => typeof v === "string" || typeof v === "boolean")) return table(shape, title);
  return simple(
    "json",
    "text mono",
    (v) => JSON.stringify(v, null, 1).slice(0, 20_000),
    () => "",
  );
}

/** The view of a matrix of one row is that of the row. @type {typeof choose} */
function squeeze(value, title, labels) {
  const inner = choose(value[0], title, labels);
  return {
    kind: `row of ${inner.kind}`,
    make() {
      const { element, update } = inner.make();
      return { element, update: (v) => update(v[0]) };
    },
    say: (v) => inner.say(v[0]),
  };
}

/** @param {number[]} values */
function isDistribution(values) {
  const sum = values.reduce((a, b) => a + b, 0);
  return values.every((v) => v >= 0 && v <= 1) && Math.abs(sum - 1) < 0.02;
}

/**
 * @param {string} kind
 * @param {string} style
 * @param {(value: any) => string} text
 * @param {(value: any) => string} say
 */
function simple(kind, style, text, say) {
  return {
    kind,
    say,
    make() {
      const element = el("p", { class: style });
      return { element, update: (/** @type {any} */ value) => (element.textContent = text(value)) };
    },
  };
}

/**
 * @param {string} kind
 * @param {(value: any) => {name: string, score: number}[]} classes
 */
function bars(kind, classes) {
  const percent = (/** @type {{score: number}[]} */ all) => all.every(({ score }) => score >= 0 && score <= 1.0001);
  const show = (/** @type {number} */ score, /** @type {boolean} */ share) =>
    share ? `${(100 * score).toFixed(score > 0.9995 || score < 0.0005 ? 0 : 1)} %` : number(score);
  const ranked = (/** @type {any} */ value) => [...classes(value)].sort((a, b) => b.score - a.score);
  return {
    kind,
    say(/** @type {any} */ value) {
      const all = ranked(value);
      return all.length ? `${all[0].name}, ${show(all[0].score, percent(all))}` : "";
    },
    make() {
      const name = el("strong");
      const score = el("span", { class: "muted" });
      /** @type {{item: HTMLElement, fill: HTMLElement, name: HTMLElement, score: HTMLElement}[]} */
      let items = [];
      const list = el("ol", { class: "bars" });
      return {
        element: el("div", { class: "output" }, el("p", { class: "best" }, name, score), list),
        update(/** @type {any} */ value) {
          const best = ranked(value);
          const all = best.length <= fixedBars ? classes(value) : best.slice(0, mostBars);
          const share = percent(best);
          const most = Math.max(...best.map((c) => Math.abs(c.score)), 1e-12);
          while (items.length < all.length) {
            const parts = { fill: el("span", { class: "fill" }), name: el("span"), score: el("span") };
            items.push({ item: el("li", {}, parts.fill, parts.name, parts.score), ...parts });
          }
          items = items.slice(0, all.length);
          if (list.children.length !== items.length) list.replaceChildren(...items.map((i) => i.item));
          all.forEach((c, i) => {
            items[i].name.textContent = c.name;
            items[i].score.textContent = show(c.score, share);
            items[i].fill.style.width = `${share ? 100 * c.score : (100 * Math.abs(c.score)) / most}%`;
            items[i].item.classList.toggle("first", c === best[0] || (c.name === best[0].name && c.score === best[0].score));
          });
          name.textContent = best[0]?.name ?? "";
          name.classList.toggle("long", name.textContent.length > 14);
          score.textContent = best.length ? show(best[0].score, share) : "";
        },
      };
    },
  };
}

/** @param {number[]} shape @param {string} title */
function table(shape, title) {
  return {
    kind: `table ${shape.join("x")}`,
    say: (/** @type {any} */ value) => value.flat(Infinity).slice(0, 8).map(cell).join(", "),
    make() {
      const element = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title });
      return {
        element,
        update(/** @type {any} */ value) {
          const rows = shape.length === 1 ? [value] : value;
          const head = el(
            "tr",
            {},
            ...(shape.length === 1 ? [] : [el("td")]),
            ...rows[0].map((/** @type {any} */ _, /** @type {number} */ i) => el("th", { scope: "col" }, String(i))),
          );
          const body = rows.map((/** @type {any[]} */ row, /** @type {number} */ i) =>
            el("tr", {}, ...(shape.length === 1 ? [] : [el("th", { scope: "row" }, String(i))]), ...row.map((v) => el("td", { class: "num" }, cell(v)))),
          );
          element.replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)));
        },
      };
    },
  };
}

/** A picture of numbers; the colours go from the least to the most. @param {number[]} shape */
function heatmap(shape) {
  // A vector is laid out in lines, as near a square as it gets.
  const [height, width] = shape.length === 2 ? shape : [Math.ceil(shape[0] / Math.ceil(Math.sqrt(shape[0]))), Math.ceil(Math.sqrt(shape[0]))];
  return picture(`map ${shape.join("x")}`, width, height, (value, paint) => {
    const flat = value.flat();
    const finite = /** @type {number[]} */ (flat.filter(Number.isFinite));
    const [least, most] = [finite.reduce((a, b) => Math.min(a, b), Infinity), finite.reduce((a, b) => Math.max(a, b), -Infinity)];
    flat.forEach((/** @type {number} */ v, /** @type {number} */ i) => paint(i, heat((v - least) / (most - least || 1))));
    return `${shape.join(" × ")}, from ${number(least)} (dark) to ${number(most)} (light)`;
  });
}

/** @param {number[]} shape */
function image([height, width, channels]) {
  return picture(`image ${height}x${width}x${channels}`, width, height, (value, paint) => {
    const flat = value.flat(2);
    const scale = flat.some((/** @type {number} */ v) => v > 1.5) ? 1 : 255;
    for (let i = 0; i < width * height; i++) {
      const pixel = flat.slice(i * channels, (i + 1) * channels).map((/** @type {number} */ v) => v * scale);
      paint(i, channels === 1 ? [pixel[0], pixel[0], pixel[0]] : pixel);
    }
    return `An image of ${width} × ${height}`;
  });
}

/**
 * @param {string} kind
 * @param {number} width
 * @param {number} height
 * @param {(value: any, paint: (i: number, colour: number[]) => void) => string} draw returns the caption
 */
function picture(kind, width, height, draw) {
  return {
    kind,
    say: () => "",
    make() {
      const canvas = el("canvas", { width, height, role: "img" });
      const caption = el("figcaption");
      const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      return {
        element: el("figure", { class: "map" }, canvas, caption),
        update(/** @type {any} */ value) {
          const pixels = pen.createImageData(width, height);
          caption.textContent = draw(value, (i, [r, g, b, a = 255]) => pixels.data.set([r, g, b, a], 4 * i));
          canvas.setAttribute("aria-label", caption.textContent);
          pen.putImageData(pixels, 0, 0);
        },
      };
    },
  };
}

/** Bytes of a string: shown where they are an image. */
function encoded() {
  return {
    kind: "bytes",
    say: () => "",
    make() {
      const element = el("div");
      return {
        element,
        update(/** @type {any} */ { b64 }) {
          const type = { "/9j/": "image/jpeg", iVBO: "image/png" }[String(b64).slice(0, 4)];
          element.replaceChildren(
            type ? el("img", { src: `data:${type};base64,${b64}`, alt: "Image of the answer" }) : el("p", { class: "text mono" }, String(b64)),
          );
        },
      };
    },
  };
}

/** A colour of a heat map: dark blue over violet and orange to yellow. @param {number} t */
function heat(t) {
  const stops = [
    [13, 8, 135],
    [126, 3, 168],
    [204, 71, 120],
    [248, 149, 64],
    [240, 249, 33],
  ];
  const at = Math.min(Math.max(Number.isFinite(t) ? t : 0, 0), 0.9999) * (stops.length - 1);
  const [from, to] = [stops[Math.floor(at)], stops[Math.floor(at) + 1]];
  return from.map((v, i) => v + (to[i] - v) * (at % 1));
}

/** @param {any} v */
const cell = (v) => (typeof v === "number" ? number(v) : String(v));

/** A number in six digits. @param {number} v */
export function number(v) {
  if (Number.isInteger(v) || !Number.isFinite(v)) return String(v);
  return Math.abs(v) >= 1e-4 && Math.abs(v) < 1e7 ? String(Number(v.toPrecision(6))) : v.toExponential(3);
}
