// @ts-check
import { el } from "./dom.js";

/**
 * What is read of an OpenAPI document.
 *
 * @typedef {{$ref: string}} Reference
 * @typedef {{content: Record<string, unknown>}} Body
 * @typedef {{summary: string, tags: string[], requestBody?: Reference, responses: Record<string, Reference>}} Operation
 * @typedef {{tags: {name: string, description: string}[], paths: Record<string, Record<string, Operation>>,
 *   components: {requestBodies?: Record<string, Body>, responses: Record<string, Body>}}} Document
 */

/** Media types in a word. */
const types = /** @type {Record<string, string>} */ ({
  "application/json": "JSON",
  "application/jsonlines": "JSON lines",
  "application/octet-stream": "bytes",
  "application/x-npy": "NumPy",
  "image/jpeg": "JPEG",
  "image/png": "PNG",
  "text/csv": "CSV",
});

/** @param {Body | undefined} body */
const words = (body) =>
  Object.keys(body?.content ?? {})
    .map((type) => types[type] ?? type)
    .join(", ");

/** The name at the end of a reference. @param {Reference} reference */
const named = ({ $ref }) => $ref.slice($ref.lastIndexOf("/") + 1);

/**
 * The routes of a document, by protocol, those that ask the model first.
 *
 * @param {Document} document
 */
export function routes({ tags, paths, components }) {
  const all = Object.entries(paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, operation })));
  return tags.map(({ name, description }) => {
    const of = all.filter(({ operation }) => operation.tags.includes(name)).sort((a, b) => b.method.localeCompare(a.method) || a.path.length - b.path.length);
    return el("div", { class: "output" }, el("h3", {}, description), el("ul", { class: "routes" }, ...of.map((r) => route(r, components))));
  });
}

/**
 * @param {{path: string, method: string, operation: Operation}} route
 * @param {Document["components"]} components
 */
function route({ path, method, operation: { summary, requestBody, responses } }, components) {
  const takes = requestBody ? words(components.requestBodies?.[named(requestBody)]) : "";
  const answers = words(components.responses[named(responses["200"])]);
  // A line of a phone ends before a slash or a colon rather than in a word.
  const text = path.split(/(?=[/:])/).flatMap((part) => [el("wbr"), part]);
  // Relative, as the page may stand below a stage of API Gateway.
  const where = method === "get" ? [el("a", { href: path.slice(1) }, ...text)] : text;
  return el(
    "li",
    {},
    el("span", { class: `verb ${method}` }, method.toUpperCase()),
    el("span", { class: "mono path" }, ...where),
    el("span", {}, summary),
    el("span", { class: "muted" }, takes ? `takes ${takes}; answers ${answers}` : `answers ${answers}`),
  );
}
