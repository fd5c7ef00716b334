// The page of what recorded events come to: balances, and every charge of every user.

import { instant, text } from "./page";

/** A charge. */
export interface Entry {
  resource: string;
  instanceID: string | null;
  from: number;
  to: number;
  volume: string;
  price?: string;
  agreement: string | null;
  credits: string;
  uncovered: boolean;
}

interface User {
  balance: string;
  accrued: string;
  charged: string;
  refilled: string;
  entries: Entry[];
}

/** What events come to, as the server answers it. */
export interface Report {
  at: number;
  users: Record<string, User>;
  duplicates: number;
  quarantined: { reason: string; line: number | null; message: string }[];
}

/** How many entries of a user are shown. */
const ENTRIES_MAX = 200;

/** The body of the page. */
export function chargesBody(name: string, report: Report): string {
  const users = Object.entries(report.users);
  return `<h1>${text(name)}</h1><p>at ${instant(report.at)}: ${count(users.length, "user")}, ${count(report.duplicates, "duplicate")},
    ${count(report.quarantined.length, "event")} without effect</p>
    ${table(["user", "balance", "refilled", "charged", "accrued"], users.map(([id, user]) => balances(id, user)))}
    ${users.map(([id, user]) => entries(id, user)).join("")}
    ${report.quarantined.length > 0 ? `<h2>without effect</h2>${table(["line", "reason", "message"], report.quarantined.map(without))}` : ""}`;
}

function balances(id: string, user: User): string[] {
  return [left(id), right(user.balance), right(user.refilled), right(user.charged), right(user.accrued)];
}

function entries(id: string, user: User): string {
  const rows = user.entries.slice(0, ENTRIES_MAX).map((entry) => [
    left(entry.resource),
    left(entry.instanceID ?? ""),
    left(instant(entry.from)),
    left(instant(entry.to)),
    right(entry.volume),
    right(entry.price ?? "tiers"),
    left(entry.agreement ?? "none"),
    right(entry.uncovered ? "uncovered" : entry.credits),
  ]);
  const more = user.entries.length > ENTRIES_MAX ? `<p>and ${user.entries.length - ENTRIES_MAX} more</p>` : "";
  const head = ["resource", "instance", "from", "to", "volume", "price", "agreement", "credits"];
  return `<details><summary>${text(id)}: ${count(user.entries.length, "charge")}</summary>${table(head, rows)}${more}</details>`;
}

function without(event: Report["quarantined"][number]): string[] {
  return [right(String(event.line ?? "")), left(event.reason), left(event.message)];
}

function table(head: string[], rows: string[][]): string {
  const titles = head.map((title) => `<th scope="col">${text(title)}</th>`).join("");
  return `<table><thead><tr>${titles}</tr></thead><tbody>${rows.map((row) => `<tr>${row.join("")}</tr>`).join("")}</tbody></table>`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
const left = (value: string): string => `<td class="text">${text(value)}</td>`;
const right = (value: string): string => `<td class="number">${text(value)}</td>`;
