// @ts-check
import { bytes, definitions, el } from "./dom.js";
import { showShape, showType } from "./tensor.js";

/** @typedef {import("./tensor.js").Card} Card */

const formats = /** @type {Record<string, string>} */ ({ savedmodel: "SavedModel", graphdef: "frozen graph" });

/** What stands beside the model's name. @param {Card} card */
export function facts({ version, format, bytes: size, tensorflow }) {
  /** @type {[string, string][]} */
  const entries = [
    ["Version", version],
    ["Format", formats[format] ?? format],
  ];
  if (size) entries.push(["Size", bytes(size)]);
  if (tensorflow) entries.push(["TensorFlow", tensorflow]);
  return definitions(entries);
}

/** Unfolds the tensors of the signature that is asked, and no others. @param {HTMLElement} model @param {string} signature */
export function unfold(model, signature) {
  for (const details of model.querySelectorAll("details")) details.open = details.dataset.signature === signature;
}

/** All that is known of a model. @param {Card} card */
export function details(card) {
  /** @type {(Node | string)[]} */
  const sums = [];
  if (card.sha256) sums.push(el("dt", {}, "SHA-256"), el("dd", { class: "mono" }, card.sha256));
  if (card.identity) sums.push(el("dt", {}, "Identity"), el("dd", { class: "mono" }, card.identity));
  if (card.labels)
    sums.push(el("dt", {}, "Labels"), el("dd", {}, `${card.labels.length}: ${card.labels.slice(0, 12).join(", ")}${card.labels.length > 12 ? ", …" : ""}`));
  sums.push(el("dt", {}, "Largest request"), el("dd", {}, bytes(card.limits.maxBodyBytes)));
  return [
    el("dl", { class: "sums" }, ...sums),
    ...Object.entries(card.signatures).map(([name, { method, inputs, outputs }]) => {
      const rows = [...inputs.map((t) => row("input", t)), ...outputs.map((t) => row("output", t))];
      return el(
        "details",
        { class: "signature", "data-signature": name },
        el(
          "summary",
          {},
          el("span", { class: "name" }, name, el("span", { class: "muted" }, [name === card.default ? "default" : "", method].filter(Boolean).join(", "))),
        ),
        el(
          "div",
          { class: "scroll", tabindex: 0, role: "region", "aria-label": `Tensors of ${name}` },
          el(
            "table",
            {},
            el("thead", {}, el("tr", {}, ...["", "Name", "Type", "Shape"].map((h) => (h ? el("th", { scope: "col" }, h) : el("td"))))),
            el("tbody", {}, ...rows),
          ),
        ),
      );
    }),
  ];
}

/** @param {string} what @param {import("./tensor.js").Tensor} tensor */
const row = (what, { name, dtype, shape }) =>
  el(
    "tr",
    {},
    el("td", { class: "muted" }, what),
    el("th", { scope: "row" }, name),
    el("td", { class: "mono" }, showType(dtype)),
    el("td", { class: "mono" }, showShape(shape)),
  );
