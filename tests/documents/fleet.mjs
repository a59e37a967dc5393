// SPDX-License-Identifier: Apache-2.0
// A fleet with a scan behind a real portal and a real console (tests/web/seed.mjs), then CSAF and OpenVEX of every system into a folder.
// Wants what web_node gives it.
//
//   node fleet.mjs FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agents, console_, csv, scanned, until } from "../web/seed.mjs";

const to = process.argv[2];
const api = console_();

await api("PUT", "/v1/portal", { ...JSON.parse(readFileSync(process.env.CONNECT, "utf8")), ca: null });
const { key } = await api("POST", "/v1/keys", { kind: "random", note: "fleet", feed: "stable" });
const fleet = await agents(14, key);
await api("POST", "/v1/portal/sync", {});
await until(60, "the console has the systems", async () => (await api("GET", "/v1/systems?limit=100")).items.filter((s) => s.agent).length >= fleet.length);
const scan = await api("POST", "/v1/scans?name=fleet.csv", csv(fleet));
const done = await scanned(api, scan.id);
if (done.state !== "done") throw new Error(JSON.stringify(done));
await until(60, "it is mapped", async () => (await api("GET", "/v1/posture")).fixable_now > 0);

const verdicts = new Set();
for (const s of (await api("GET", "/v1/systems?limit=100")).items) {
	for (const kind of ["csaf", "openvex"]) writeFileSync(join(to, `${s.id}.${kind}.json`), JSON.stringify(await api("GET", `/v1/systems/${s.id}/${kind}`)));
	for (const f of (await api("GET", `/v1/systems/${s.id}/findings?limit=100`)).items) verdicts.add(f.verdict);
}
console.log([...verdicts].sort().join(" "));
