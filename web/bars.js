// @ts-check
import { el, number } from "./dom.js";

/** Up to so many classes stay in their order, so that bars do not change places while somebody draws. */
const fixedBars = 12;
const mostBars = 10;

/**
 * Classes by their scores.
 *
 * @param {string} kind
 * @param {(value: any) => {name: string, score: number}[]} classes
 * @returns {import("./views.js").View}
 */
export function bars(kind, classes) {
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
          const most = best.reduce((m, c) => Math.max(m, Math.abs(c.score)), 1e-12);
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
