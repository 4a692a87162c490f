// @ts-check
import { Refusal, send } from "./api.js";
import { bytes, definitions, duration, el, segments } from "./dom.js";
import { receive } from "./image.js";
import { exampleRows } from "./rows.js";

/** @typedef {import("./tensor.js").Card} Card */

/** As many rows, and as many errors, are shown while they come; the download has all. */
const mostShown = 100;

const types = /** @type {Record<string, string>} */ ({ csv: "text/csv", jsonl: "application/jsonlines" });

/**
 * Scores the rows of a file and shows the answers as they come.
 *
 * @param {HTMLElement} panel
 * @param {Card} card
 * @param {() => string} signature the name of the one to ask
 */
export function batch(panel, card, signature) {
  /** @type {AbortController | null} */
  let running = null;
  /** @type {File | null} */
  let input = null;
  let format = "jsonl";
  let saved = "";

  const chosen = el("p", { class: "muted", id: "batch-file" }, "Drop a CSV or JSON lines file here");
  const file = el("input", {
    type: "file",
    accept: ".csv,.jsonl,.ndjson",
    "aria-label": "Choose a CSV or JSON lines file",
    change: () => file.files?.[0] && take(file.files[0]),
  });
  const sample = el("button", { type: "button", click: () => take(exampleRows(card, signature())) }, "Example rows");
  const box = el("div", { class: "drop" }, chosen, el("div", { class: "buttons" }, el("label", { class: "button" }, file, "Choose a file"), sample));
  const formats = ["jsonl", "csv"].map((f) => el("button", { type: "button", "aria-pressed": String(f === format) }, f === "csv" ? "CSV" : "JSON lines"));
  const go = el("button", { type: "button", class: "primary", disabled: true, click: () => (running ? running.abort() : run()) }, "Score");
  const download = el("a", { class: "button", hidden: true }, "Download");
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const progress = el("progress", { max: 1, value: 0, "aria-label": "Rows scored" });
  const counts = el("dl", { class: "counts" });
  const status = el("p", { class: "hidden", role: "status", "aria-live": "polite" });
  const rows = el("tbody");
  const errors = el("tbody");
  const failed = el("div", { class: "output", hidden: true }, el("h3", {}, "Rows with errors"), scroll("Rows with errors", errors));
  segments(formats, (i) => (format = ["jsonl", "csv"][i]));
  receive(box, take);

  panel.replaceChildren(
    el(
      "div",
      { class: "pair" },
      el(
        "section",
        { class: "card", "aria-labelledby": "batch-title" },
        el("div", { class: "head" }, el("h2", { id: "batch-title" }, "Rows")),
        box,
        el("div", { class: "inline" }, "Answers as", el("div", { class: "segments", role: "group", "aria-label": "Format of the answers" }, ...formats)),
        error,
        el("div", { class: "foot" }, go, download),
      ),
      el(
        "section",
        { class: "card", "aria-labelledby": "results-title" },
        el("div", { class: "head" }, el("h2", { id: "results-title" }, "Answers")),
        counts,
        progress,
        status,
        el("div", { class: "rows" }, scroll("Rows scored", rows)),
        failed,
      ),
    ),
  );
  tell({ rows: 0, errors: 0, ms: 0 });

  /** @param {File} given */
  function take(given) {
    const name = given.name.toLowerCase();
    const known = name.endsWith(".csv") || name.endsWith(".jsonl") || name.endsWith(".ndjson");
    const tooLarge = given.size > card.limits.maxBodyBytes;
    input = known && !tooLarge ? given : null;
    chosen.textContent = `${given.name}, ${bytes(given.size)}`;
    say(
      !known
        ? `${given.name} is neither .csv nor .jsonl.`
        : tooLarge
          ? `The file is larger than a request may be (${bytes(card.limits.maxBodyBytes)}): bootstrap score takes files of any size.`
          : "",
    );
    go.disabled = !input;
  }

  /** @param {string} message */
  function say(message) {
    error.textContent = message;
    error.hidden = !message;
  }

  /** @param {{rows: number, errors: number, ms: number}} done */
  function tell(done) {
    const rate = done.rows ? Math.round((1000 * done.rows) / Math.max(done.ms, 1)).toLocaleString("en") : "–";
    counts.replaceChildren(
      ...definitions([
        ["rows", done.rows.toLocaleString("en")],
        ["errors", done.errors.toLocaleString("en")],
        ["rows a second", rate],
        ["time", done.ms ? duration(done.ms) : "–"],
      ]),
    );
  }

  async function run() {
    if (!input) return;
    const source = input;
    const kind = source.name.toLowerCase().endsWith(".csv") ? "csv" : "jsonl";
    const output = format;
    const abort = (running = new AbortController());
    const done = { rows: 0, errors: 0, ms: 0 };
    /** @type {Uint8Array[]} */
    const chunks = [];
    say("");
    go.textContent = "Stop";
    download.hidden = failed.hidden = true;
    rows.replaceChildren();
    errors.replaceChildren();
    status.textContent = "";
    file.value = ""; // the same file may be chosen again when it has been changed
    const text = await source.text();
    const expected = Math.max(text.split("\n").filter((line) => line.trim()).length, 1);
    const start = performance.now();
    const query = new URLSearchParams({ format: output, name: source.name, ...(signature() === card.default ? {} : { signature: signature() }) });
    const reading = reader(output, (line, message) => {
      done.rows++;
      if (message !== undefined) {
        done.errors++;
        failed.hidden = false;
        if (done.errors <= mostShown) errors.append(entry(done.rows, message));
      }
      if (done.rows <= mostShown) rows.append(entry(done.rows, line, message !== undefined));
    });
    try {
      const response = await send(`playground/score?${query}`, {
        method: "POST",
        headers: { "Content-Type": types[kind] },
        body: source,
        signal: abort.signal,
      });
      const stream = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
      for (let part = await stream.read(); !part.done; part = await stream.read()) {
        chunks.push(part.value);
        reading.take(part.value);
        done.ms = performance.now() - start;
        tell(done);
        progress.value = Math.min(done.rows / expected, 1);
      }
      reading.end();
      done.ms = performance.now() - start;
      tell(done);
      progress.value = 1;
      status.textContent = `${done.rows} rows scored, ${done.errors} of them with errors.`;
      if (done.rows === 0) say(`${source.name} has no rows.`);
    } catch (cause) {
      if (abort.signal.aborted) say(`Stopped after ${done.rows} rows.`);
      else if (cause instanceof Refusal) say(cause.message);
      else say(`The server broke off after ${done.rows} rows: its log says why.`);
    } finally {
      running = null;
      go.textContent = "Score";
      if (done.rows) offer(chunks, source.name, output);
    }
  }

  /** @param {Uint8Array[]} chunks @param {string} name @param {string} output */
  function offer(chunks, name, output) {
    if (saved) URL.revokeObjectURL(saved);
    saved = URL.createObjectURL(new Blob(/** @type {BlobPart[]} */ (chunks), { type: types[output] }));
    download.href = saved;
    download.setAttribute("download", `${name.replace(/\.[^.]*$/, "")}.out.${output}`);
    download.hidden = false;
  }
}

/** @param {string} label @param {HTMLElement} body */
function scroll(label, body) {
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, el("table", {}, body));
}

/** @param {number} n @param {string} text */
const entry = (n, text, bad = false) =>
  el("tr", {}, el("th", { scope: "row" }, String(n)), el("td", { class: bad ? "mono bad" : "mono", title: text.slice(0, 2000) }, text.slice(0, 400)));

/**
 * Reads rows from pieces of an answer. each gets a row as text, and its error where it
 * has one.
 *
 * @param {string} format
 * @param {(line: string, error?: string) => void} each
 */
function reader(format, each) {
  const decoder = new TextDecoder();
  let rest = "";
  let column = -2; // of the errors of CSV; -2 before the header
  /** @param {string} line */
  function row(line) {
    if (format === "jsonl") {
      const error = line.startsWith('{"error"') || line.includes('"error":') ? JSON.parse(line).error : undefined;
      each(line, typeof error === "string" ? error : undefined);
      return;
    }
    const fields = split(line.replace(/\r$/, ""));
    if (column === -2) {
      column = fields.lastIndexOf("error");
      return;
    }
    each(line, fields[column] || undefined);
  }
  return {
    /** @param {Uint8Array} bytes */
    take(bytes) {
      rest += decoder.decode(bytes, { stream: true });
      let from = 0;
      for (let end = lineEnd(rest, from); end >= 0; end = lineEnd(rest, from)) {
        row(rest.slice(from, end));
        from = end + 1;
      }
      rest = rest.slice(from);
    },
    end() {
      if (rest) row(rest);
    },
  };

  /** The end of a line, or -1: one inside quotes is none. @param {string} text @param {number} from */
  function lineEnd(text, from) {
    let end = text.indexOf("\n", from);
    while (end >= 0 && format === "csv" && (text.slice(from, end).split('"').length - 1) % 2 === 1) end = text.indexOf("\n", end + 1);
    return end;
  }
}

/** The fields of a line of CSV. @param {string} line */
function split(line) {
  const fields = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/y;
  for (let comma = ","; comma === ",";) {
    const [, quoted, plain, behind] = field.exec(line) ?? ["", undefined, "", ""];
    fields.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    comma = behind;
  }
  return fields;
}
