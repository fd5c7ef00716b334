// A daemon over the quickstart, with two deployments and with what the worst of senders sent.

import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const HOSTILE = "<script>document.title='run'</script>\u202eabc\u0000\"'<img src=x onerror=\"document.title='run'\">";

export class Daemon {
  constructor(quickstart) {
    this.directory = mkdtempSync(join(tmpdir(), "aquarium-console-"));
    this.policy = join(this.directory, "policy.aquarium.yaml");
    for (const name of ["policy.aquarium.yaml", "events.ndjson"]) cpSync(join(quickstart, name), join(this.directory, name));
    this.port = 20_000 + Math.floor(Math.random() * 20_000);
    this.address = `http://127.0.0.1:${this.port}`;
  }

  async prepare() {
    await this.start();
    await this.stop();
    // The same policy, dearer: its deployment changes one price.
    writeFileSync(this.policy, readFileSync(this.policy, "utf8").replace(/vmtime: 0\.05/, "vmtime: 0.06"));
    await this.start();
    await this.send();
  }

  // The same policy with the clocks of another zone.
  async moveTo(zone) {
    await this.stop();
    writeFileSync(this.policy, readFileSync(this.policy, "utf8").replace("name: quickstart", `name: quickstart\n  timezone: ${zone}`));
    await this.start();
  }

  // Serves, as soon as this is fulfilled.
  start() {
    const listen = `127.0.0.1:${this.port}`;
    this.process = spawn(process.env.AQUARIUMD, ["up", this.directory, "--console", "--listen", listen], { stdio: ["ignore", "pipe", "inherit"] });
    return new Promise((resolve, reject) => {
      let said = "";
      this.process.stdout.on("data", (part) => {
        said += part;
        if (said.includes("listening on http://")) resolve();
      });
      this.process.on("exit", (code) => reject(new Error(`the daemon ended with ${code}: ${said}`)));
    });
  }

  stop(signal = "SIGTERM") {
    return new Promise((resolve) => {
      this.process.removeAllListeners("exit");
      this.process.once("exit", resolve);
      this.process.kill(signal);
    });
  }

  async end() {
    if (this.process?.exitCode === null) await this.stop("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }

  async send() {
    const base = { occurredMillis: Date.now() - 3_600_000, clientID: "cyclades", userID: HOSTILE, instanceID: HOSTILE, eventVersion: "1.0" };
    const details = { [HOSTILE]: HOSTILE };
    const event = (id, more) => ({ id, ...base, resource: "vmtime", value: 1, details, ...more });
    const events = [
      event("on", {}),
      event("off", { occurredMillis: base.occurredMillis + 1_000_000, value: 0 }),
      event("odd", { resource: HOSTILE }),
      event("refused", { eventVersion: HOSTILE }),
      // An event that comes after something that happened later.
      event("now", { userID: "1040", instanceID: "vm-1", occurredMillis: Date.now() - 1_000, value: 1 }),
    ];
    await this.post(events);
    await this.post([event("late", { userID: "1040", resource: "bandwidthup", value: 900, occurredMillis: Date.now() - 60_000 })]);
  }

  async post(events) {
    const answer = await fetch(`${this.address}/events`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(events) });
    if (!answer.ok) throw new Error(await answer.text());
  }
}
