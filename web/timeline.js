// @ts-check
import { bytes, duration, el } from "./dom.js";

/**
 * @typedef {{name: string, startMs: number, endMs: number, bytes?: number}} Stage
 * @typedef {{totalMs: number, stages: Stage[], libraryFrom: string, modelFrom: string}} Report
 */

const places = /** @type {Record<string, string>} */ ({ memfd: "memory", tmp: "the temporary folder", raw: "its folder", s3: "S3", file: "a file" });

/** The least width of a bar, as in style.css. */
const narrowest = "3px";

/**
 * The stages of a start as bars, each from its start to its end: what overlaps is seen to
 * overlap.
 *
 * @param {Report} report
 */
export function timeline({ totalMs, stages, libraryFrom, modelFrom }) {
  const total = Math.max(totalMs, ...stages.map((s) => s.endMs), 0.1);
  const items = stages.map((stage) => {
    const span = el("span", { class: "span" });
    // The shortest bars are as wide as can be seen: at the end they begin earlier.
    span.style.left = `min(${(100 * stage.startMs) / total}%, 100% - ${narrowest})`;
    span.style.width = `${(100 * (stage.endMs - stage.startMs)) / total}%`;
    const size = stage.bytes ? `, ${bytes(stage.bytes)}` : "";
    return el(
      "li",
      { title: `${stage.name}: from ${duration(stage.startMs)} to ${duration(stage.endMs)}${size}` },
      el("span", {}, stage.name),
      el("span", { class: "track", "aria-hidden": "true" }, span),
      el("span", { class: "ms" }, duration(stage.endMs - stage.startMs)),
    );
  });
  return [
    el("ol", { class: "stages" }, ...items),
    el("p", { class: "muted" }, `The library came from ${places[libraryFrom] ?? libraryFrom}, the model from ${places[modelFrom] ?? modelFrom}.`),
  ];
}
