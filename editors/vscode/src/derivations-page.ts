// The page of how the charges of a test came about: each with its terms, and the arithmetic step by step.

import type { Entry } from "./charges-page";
import { instant, text } from "./page";

/** How a charge came about, as `aquariumc test --explain --format json` has it. */
export interface Derivation {
  entry: Entry & {
    userID: string;
    item?: string | null;
    source?: string | null;
    algorithm?: string | null;
    algorithmSource?: string | null;
    reason?: string;
  };
  expression: string | null;
  steps: { text: string | null; source: string | null; value: string; unit: string }[];
  value: string | null;
  precision: number;
}

/** How many charges are shown. */
const DERIVATIONS_MAX = 200;

/** The body of the page. */
export function derivationsBody(name: string, outcome: string, derivations: Derivation[]): string {
  const shown = derivations.slice(0, DERIVATIONS_MAX).map(charge);
  const more = derivations.length > DERIVATIONS_MAX ? `<p>and ${derivations.length - DERIVATIONS_MAX} more</p>` : "";
  return `<h1>${text(name)}</h1><p>${text(outcome)}</p>${shown.join("") || "<p>nothing was charged</p>"}${more}`;
}

function charge({ entry, expression, steps, value, precision }: Derivation): string {
  const instance = entry.instanceID === null ? "" : ` ${entry.instanceID}`;
  const why = entry.reason ?? "no price or no expression covers it";
  const comes = value === null ? `0: ${why}` : `${value}, rounded half to even to ${precision} places: ${entry.credits}`;
  return `<h2>${text(`${entry.userID}, ${entry.resource}${instance}: ${entry.credits} credits`)}</h2>
    <p>${text(`${instant(entry.from)} to ${instant(entry.to)}, volume ${entry.volume}, agreement ${entry.agreement ?? "none"}`)}</p>
    <p>${text(`price ${entry.price ?? "in tiers"}${given(entry.item, entry.source)}`)}<br>
    <code>${text(expression?.trim() ?? "no expression")}</code>${text(given(entry.algorithm, entry.algorithmSource))}</p>
    <table><thead><tr><th scope="col">step</th><th scope="col">value</th><th scope="col">unit</th></tr></thead>
    <tbody>${steps.map(step).join("")}</tbody></table><p>comes to ${text(comes)}</p>`;
}

function step({ text: part, source, value, unit }: Derivation["steps"][number]): string {
  return `<tr><td class="text"><code>${text(part ?? source ?? "")}</code></td><td class="number">${text(value)}</td><td class="text">${text(unit)}</td></tr>`;
}

function given(item?: string | null, source?: string | null): string {
  const parts = [item, source].filter((part) => part !== null && part !== undefined);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
