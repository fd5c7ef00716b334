// The page of an agreement's week: which price and expression hold in which hour.

import { text } from "./page";

interface Wording {
  price: string | null;
  expression: string | null;
}

interface Link {
  words: string;
  uri: string;
  range: { start: { line: number } };
}

interface Asked {
  resource: string;
  now: Wording;
  priceChain: Link[];
  expressionChain: Link[];
  values: Wording[];
  days: { date: string; hours: number[][] }[];
}

/** What an agreement asks, as the server answers it. */
export interface Week {
  agreement: string;
  zone: string;
  at: number;
  resources: Asked[];
}

/** The body of the page. */
export function weekBody(week: Week): string {
  const at = new Date(week.at).toISOString();
  return `<h1>${text(week.agreement)}</h1><p>on the clock of ${text(week.zone)}, in the week of ${at}</p>${week.resources.map(resource).join("")}`;
}

function resource(asked: Asked): string {
  const legend = asked.values.map((value, index) => `<li><span class="key v${index % 8}">${letter(index)}</span> ${words(value)}</li>`);
  const hours = Array.from({ length: 24 }, (_, hour) => `<th scope="col">${hour}</th>`).join("");
  const rows = asked.days.map((day) => `<tr><th scope="row">${text(day.date)}</th>${day.hours.map(cell).join("")}</tr>`);
  return `<section><h2>${text(asked.resource)}</h2><p>now: ${words(asked.now)}</p>
    <table class="week"><thead><tr><th></th>${hours}</tr></thead><tbody>${rows.join("")}</tbody></table>
    <ul class="legend">${legend.join("")}</ul>${chain("price", asked.priceChain)}${chain("expression", asked.expressionChain)}</section>`;
}

// An hour in which two prices hold shows both; one that the clock skips shows none.
function cell(values: number[]): string {
  const first = values[0];
  if (first === undefined) return `<td class="skipped" title="the clock skips this hour"></td>`;
  return `<td class="v${first % 8}">${values.map(letter).join("")}</td>`;
}

function letter(index: number): string {
  return String.fromCharCode(65 + (index % 26));
}

function words(wording: Wording): string {
  if (wording.price === null || wording.expression === null) return "not covered";
  return `${text(wording.price)}, <code>${text(wording.expression)}</code>`;
}

function chain(what: string, links: Link[]): string {
  const items = links.map((link) => `<li>${text(link.words)} <small>${text(link.uri.split("/").pop() ?? "")}:${link.range.start.line + 1}</small></li>`);
  return `<details><summary>where the ${what} comes from</summary><ol>${items.join("")}</ol></details>`;
}
