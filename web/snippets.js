// @ts-check
import { pathOf, url } from "./api.js";

/** @typedef {import("./api.js").Request} Request */

/** Bodies above this are read from a file: nobody copies longer ones into a shell. */
const maxInline = 4000;

/**
 * The ways to ask that are shown.
 *
 * @type {{name: string, write: (name: string, request: Request) => string}[]}
 */
export const languages = [
  { name: "curl", write: curl },
  { name: "Python", write: python },
  { name: "JavaScript", write: javascript },
];

/** @param {Request} request */
const fileOf = ({ body, file }) => (body instanceof Blob ? file || "image" : "request.json");

/**
 * The file that the code reads, null where it has all of the request in it. Only the page
 * has that file yet: it is to be offered beside the code.
 *
 * @param {Request} request
 */
export const fileToSave = (request) => (inline(request) === null ? { name: fileOf(request), content: new Blob([request.body], { type: request.type }) } : null);

/** A JSON body that is short enough to be written out. @param {Request} request */
const inline = ({ body }) => (typeof body === "string" && body.length <= maxInline ? body : null);

/** @param {string} name @param {Request} request */
function curl(name, request) {
  const body = inline(request);
  const data = body === null ? `--data-binary ${shell(`@${fileOf(request)}`)}` : `-d ${shell(body)}`;
  return `curl ${data} \\\n  -H ${shell(`Content-Type: ${request.type}`)} \\\n  ${shell(url(pathOf(name, request)))}`;
}

/** A word of a shell's command line. @param {string} text */
const shell = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** @param {string} name @param {Request} request */
function python(name, request) {
  const body = inline(request);
  const value = body === null ? undefined : exact(body);
  const lines = ["import requests", "", `url = ${pythonLiteral(url(pathOf(name, request)))}`];
  if (body === null) {
    lines.push(`with open(${pythonLiteral(fileOf(request))}, "rb") as body:`);
    lines.push(`    reply = requests.post(url, data=body, headers={"Content-Type": ${pythonLiteral(request.type)}})`);
  } else if (value === undefined) {
    lines.push(`reply = requests.post(url, data=${pythonLiteral(body)}.encode())`);
  } else {
    lines.push(`reply = requests.post(url, json=${pythonLiteral(value)})`);
  }
  lines.push("reply.raise_for_status()", "print(reply.json())");
  return lines.join("\n");
}

/** @param {string} name @param {Request} request */
function javascript(name, request) {
  const body = inline(request);
  const value = body === null ? undefined : exact(body);
  const lines = [];
  if (body === null) lines.push('import { readFile } from "node:fs/promises";', "", `const body = await readFile(${JSON.stringify(fileOf(request))});`);
  else if (value === undefined) lines.push(`const body = ${JSON.stringify(body)};`);
  else lines.push(`const body = JSON.stringify(${spaced(value)});`);
  lines.push(
    `const reply = await fetch(${JSON.stringify(url(pathOf(name, request)))}, {`,
    '  method: "POST",',
    `  headers: { "Content-Type": ${JSON.stringify(request.type)} },`,
    "  body,",
    "});",
    "if (!reply.ok) throw new Error(await reply.text());",
    "console.log(await reply.json());",
  );
  return lines.join("\n");
}

/**
 * The value of a JSON text, undefined where JavaScript's numbers could not say the same.
 *
 * @param {string} text
 */
function exact(text) {
  if (/\d{16}/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, ""))) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** JSON with a space behind commas and colons. @param {any} value @returns {string} */
function spaced(value) {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value === "object" && value !== null)
    return `{ ${Object.entries(value)
      .map(([k, v]) => `${JSON.stringify(k)}: ${spaced(v)}`)
      .join(", ")} }`;
  return JSON.stringify(value);
}

/** @param {any} value @returns {string} */
function pythonLiteral(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([k, v]) => `${pythonLiteral(k)}: ${pythonLiteral(v)}`)
      .join(", ")}}`;
  // JSON's strings are Python's, but for characters beyond 16 bits, which stand as they are.
  return JSON.stringify(value);
}
