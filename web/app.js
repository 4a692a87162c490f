// @ts-check
import { answerView } from "./answer.js";
import { latest, predict, Refusal, send } from "./api.js";
import { batch } from "./batch.js";
import { details, facts, unfold } from "./card.js";
import { byId, bytes, duration, el, segments, tabs } from "./dom.js";
import { makeForm, WrongValue } from "./form.js";
import { routes } from "./routes.js";
import { fileToSave, languages } from "./snippets.js";
import { timeline } from "./timeline.js";

/** @typedef {import("./tensor.js").Card} Card */
/** @typedef {import("./api.js").Request} Request */

const invitation = "The answer appears here.";

/** How many runs the median is of. */
const remembered = 50;

/** What is shown of a reply as JSON; browsers are slow with more text. */
const mostRaw = 100_000;

/** An answer that takes no longer, in ms, is not announced: signs that only flash up disturb. */
const unannounced = 150;

/** What is asked now. @type {{form: ReturnType<typeof makeForm>, answers: ReturnType<typeof answerView>, name: string}} */
let current;

/** @type {Card} */
let card;

/** The latest request, for the code. @type {Request | null} */
let asked = null;
let language = languages[0];

/** @type {number[]} */
let times = [];

/** Takes the request back that is on its way. */
let onItsWay = new AbortController();

/** Counts how often the input was taken away: answers to what was there before do not count. */
let era = 0;

/** @param {string} text @param {"good" | "bad" | ""} kind */
function state(text, kind) {
  byId("state").textContent = text;
  byId("state").className = `state ${kind}`;
}

/** @param {unknown} cause */
function fail(cause) {
  byId("failure").textContent = cause instanceof Error ? cause.message : String(cause);
  byId("failure").hidden = false;
  state("not ready", "bad");
}

/** Asks for a signature from now on. @param {string} name */
function use(name) {
  const signature = card.signatures[name];
  const form = makeForm(byId("form"), { signature, name, isDefault: name === card.default, pixels: card.pixels, changed });
  const answers = answerView(byId("answer"), { signature, labels: card.labels });
  current = { form, answers, name };
  byId("as-form").click();
  unfold(byId("model"), name);
  forget();
}

/** Takes the last answer away. */
function forget() {
  era++;
  onItsWay.abort();
  asked = null;
  times = [];
  say("");
  byId("latency").textContent = "";
  byId("answer").classList.remove("stale");
  byId("raw-text").textContent = "There is none yet.";
  current.answers.empty(invitation);
  preview();
}

/** The input has changed. */
function changed() {
  if (byId("live").checked) ask(current);
  else preview();
}

/** Asks the model, one request at a time; of changes meanwhile the latest counts. */
const ask = latest(async (/** @type {typeof current} */ of) => {
  if (of !== current) return;
  const began = era;
  onItsWay = new AbortController();
  try {
    const request = await of.form.request();
    asked = request;
    code();
    const { text, reply, ms } = await awaited(predict(card.name, request, onItsWay.signal));
    if (began !== era) return;
    say(of.answers.show(reply));
    took(ms);
    byId("raw-text").textContent = text.length > mostRaw ? `${text.slice(0, mostRaw)}… ${bytes(text.length)} in all` : text;
    byId("answer").classList.remove("stale");
    state("ready", "good");
  } catch (cause) {
    if (began !== era) return;
    byId("answer").classList.add("stale");
    if (cause instanceof WrongValue) return; // the form has said it
    of.form.blame(cause instanceof Error ? cause.message : String(cause));
    if (cause instanceof Refusal && cause.status === 0) state("no answer", "bad");
  }
});

/**
 * Shows that an answer is awaited, and for how long, once that takes a while.
 *
 * @template T
 * @param {Promise<T>} answer
 */
async function awaited(answer) {
  const began = performance.now();
  const show = (/** @type {boolean} */ busy) => {
    byId("answer").setAttribute("aria-busy", String(busy));
    byId("latency").classList.toggle("running", busy);
    byId("latency").textContent = busy ? `running ${((performance.now() - began) / 1000).toFixed(1)} s` : "";
    byId("run").textContent = busy ? "Running…" : "Run";
  };
  let timer = setTimeout(() => {
    show(true);
    timer = setInterval(show, 100, true);
  }, unannounced);
  try {
    return await answer;
  } finally {
    clearInterval(timer);
    if (byId("run").textContent !== "Run") show(false);
  }
}

/** @param {number} ms */
function took(ms) {
  times = [...times.slice(1 - remembered), ms];
  const median = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
  byId("latency").textContent = times.length === 1 ? duration(ms) : `${duration(ms)}, median ${duration(median)} of ${times.length}`;
}

let speaking = 0;

/** Says an answer to those who do not see it, once it stays for a moment. @param {string} text */
function say(text) {
  byId("glance").textContent = text;
  clearTimeout(speaking);
  speaking = setTimeout(() => (byId("spoken").textContent = text), 500);
}

/** Shows the code of what would be asked. */
async function preview() {
  const of = current;
  try {
    const request = await of.form.request(false);
    if (of === current) asked = request;
  } catch {
    asked = null; // there is nothing to send yet, or the form says what is wrong
  }
  code();
}

function code() {
  byId("snippet").textContent = asked ? language.write(card.name, asked) : "The request as code appears here once there is an input.";
  byId("copy").hidden = !asked;
  offer(asked && fileToSave(asked));
}

/** Where the file is that can be saved now. */
let offered = "";

/** Offers the file that the code reads. @param {ReturnType<typeof fileToSave>} file */
function offer(file) {
  if (offered) URL.revokeObjectURL(offered);
  offered = file ? URL.createObjectURL(file.content) : "";
  const link = byId("save");
  link.hidden = !file;
  if (!file) return;
  link.href = offered;
  link.download = file.name;
  link.textContent = file.content.type.startsWith("image/") ? "Save image" : `Save ${file.name}`;
}

/** Shows the routes, which are fetched when somebody wants to see them. */
async function showRoutes() {
  const list = byId("routes");
  if (!byId("api").open || list.querySelector("li")) return;
  try {
    list.replaceChildren(...routes(await (await send("openapi.json")).json()));
  } catch (cause) {
    list.replaceChildren(el("p", { class: "error" }, cause instanceof Error ? cause.message : String(cause)));
  }
}

async function copy() {
  const text = byId("snippet").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page that came from another machine without encryption has no clipboard.
    getSelection()?.selectAllChildren(byId("snippet"));
    document.execCommand("copy");
  }
  byId("copy").textContent = "Copied";
  setTimeout(() => (byId("copy").textContent = "Copy"), 1500);
}

function listen() {
  tabs(byId("tabs"));
  segments([byId("as-form"), byId("as-json")], (i) => current.form.asJSON(i === 1).then(preview));
  byId("form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    ask(current);
  });
  byId("example").addEventListener("click", () => current.form.example());
  byId("reset").addEventListener("click", () => {
    current.form.clear();
    forget();
  });
  byId("live").addEventListener("change", () => !current.form.isEmpty() && changed());
  byId("copy").addEventListener("click", copy);
  byId("api").addEventListener("toggle", showRoutes);
  byId("signature").addEventListener("change", () => use(byId("signature").value));
  const buttons = languages.map(({ name }, i) => el("button", { type: "button", "aria-pressed": String(i === 0) }, name));
  segments(buttons, (i) => {
    language = languages[i];
    code();
  });
  byId("languages").append(...buttons);
  // A file that misses its place must not take the page away.
  for (const type of ["dragover", "drop"]) addEventListener(type, (event) => event.preventDefault());
}

async function start() {
  card = await (await send("playground/model.json")).json();
  document.title = `${card.name} – playground`;
  byId("name").textContent = card.name;
  byId("facts").replaceChildren(...facts(card));
  byId("model").replaceChildren(...details(card));
  const names = Object.keys(card.signatures);
  if (names.length === 0) throw new Error("The model has no signature that can be called.");
  const first = names.includes(card.default) ? card.default : names[0];
  byId("signature").replaceChildren(...names.map((name) => el("option", { value: name, selected: name === first }, name)));
  byId("signature-choice").hidden = names.length === 1;
  listen();
  use(first);
  batch(byId("panel-batch"), card, () => current.name);
  state("ready", "good");
  const report = await (await send("debug/coldstart")).json();
  byId("start-total").textContent = `${duration(report.totalMs)} until the model was ready`;
  byId("timeline").replaceChildren(...timeline(report));
}

start().catch(fail);
