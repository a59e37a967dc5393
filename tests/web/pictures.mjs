// SPDX-License-Identifier: Apache-2.0
// Pictures of every page, light and dark, of a fleet that is seeded for it: docs/console. As walk.mjs, it wants the addresses of a real console
// and a real portal in its environment; tests/web/pictures sets them.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { launch, open, settled, signIn, visit } from "./browser.mjs";
import { pages } from "./pages.mjs";
import { palette } from "./png.mjs";
import { PASSWORD, agents, answerJobs, console_, csv, scanned, until, users } from "./seed.mjs";

const out = process.argv[2];
mkdirSync(out, { recursive: true });
const api = console_();
const MAX = 120_000;

// --- a fleet with a history ---

// The console counts once a day, so the days before are written where it keeps them: exposed, fixable, live-fixed, systems, protected.
function past(days) {
	const today = Math.floor(Date.now() / 86_400_000);
	const rows = [];
	for (let i = days; i > 0; i--) {
		const wave = Math.round(18 * Math.sin(i * 1.7));
		const fixed = Math.round(118 - i * 5.5 + wave / 3);
		rows.push(`INSERT OR REPLACE INTO posture_days SELECT id, ${today - i}, ${410 + i * 9 + wave}, ${70 + i * 6 - wave}, ${Math.max(fixed, 0)}, 43, ${Math.max(5 - (i >> 2), 0)} FROM tenants WHERE id = (SELECT MAX(tenant) FROM users);`);
	}
	// What was closed then, and how long after the scan.
	for (let i = 0; i < 60; i++) rows.push(`INSERT INTO protect_times (tenant, host, since, protected, cves) SELECT MAX(tenant), ${9000 + i}, ${today * 86_400 - 90_000 * (i % 9) - 1500 * i}, ${today * 86_400 - 90_000 * (i % 9) - 1500 * i + 900 + 420 * i}, 1 FROM users;`);
	execFileSync("sqlite3", ["-cmd", ".timeout 10000", process.env.CONSOLE_DATABASE, rows.join("\n")]);
}

await users();
await api("PUT", "/v1/portal", { ...JSON.parse(readFileSync(process.env.CONNECT, "utf8")), ca: null });
const key = await api("POST", "/v1/keys", { kind: "random", note: "web servers, eu-1", feed: "stable", max_systems: 100 });
await api("POST", "/v1/keys", { kind: "random", note: "build machines", feed: "stable" });
const retired = await api("POST", "/v1/keys", { kind: "random", note: "old rack", feed: "stable" });
await api("POST", `/v1/keys/${retired.id}/revoke`, {});
const fleet = await agents(42, key.key, { hostile: false });
await api("POST", "/v1/enrolments", { key: key.id, hostname: "web-90", external_id: "cmdb-1090", machine_id: "0123456789abcdef0123456789abcdef" });
await api("POST", "/v1/enrolments", { key: key.id, hostname: "db-91", external_id: "cmdb-1091" });
await api("POST", "/v1/portal/sync", {});
await until(60, "the console has the systems", async () => (await api("GET", "/v1/systems?limit=100")).items.filter((s) => s.agent).length >= fleet.length);
const send = async (name, text) => scanned(api, (await api("POST", `/v1/scans?name=${encodeURIComponent(name)}`, text)).id);
await send("fleet-monday.csv", csv(fleet.slice(0, 36), 16, { hostile: false }));
await send("truncated.json", '{"SchemaVersion": 2,\n "ArtifactName": "web-00",\n "Results": [ {"Vulnerabilities": [ } ]}');
await api("POST", "/v1/webhooks", { url: "https://hooks.example/suture", events: ["*"], note: "the chat of the people on call" }).catch(() => {});
await api("POST", "/v1/tokens", { name: "grafana", roles: ["viewer"], expires: new Date(Date.now() + 90 * 86_400_000).toISOString().replace(/\.\d+Z/, "Z") });

if (process.env.CONSOLE_DATABASE) past(20);
await until(30, "something is fix-ready", async () => (await api("GET", "/v1/posture")).fixable_now > 0);
const ready = async () => (await api("GET", "/v1/systems?verdict=fix-ready&limit=100")).items.filter((s) => s.system_id);
const offered = async (job) => {
	const ids = new Set((await api("GET", `/v1/jobs/${job}/systems?state=offered&limit=200`)).items.map((r) => r.system.system_id));
	return fleet.filter((s) => ids.has(s.system_id));
};
const make = (title, systems, more = {}) =>
	api("POST", "/v1/jobs", { title, action: "apply", select: { systems: systems.map((s) => s.id), verdicts: ["fix-ready"] }, batch: { size: 0, pause_s: 0 }, max_failed: 3, expires_hours: 24, ...more });
const first = await make("Web tier, first wave", (await ready()).slice(0, 9));
const wave = await until(20, "systems are offered", async () => ((await offered(first.id)).length > 0 ? offered(first.id) : null));
await answerJobs(wave.slice(1));
await answerJobs(wave.slice(0, 1), "tcp_ack+0x11f: the running bytes differ from those that the patch was built against");
await api("POST", "/v1/portal/sync", {});
const second = await make("Everything else, tonight", (await ready()).slice(0, 12), { batch: { size: 6, pause_s: 60 }, windows: ["daily 00:00-24:00"], max_failed: 2 });
const more = await until(20, "systems are offered", async () => ((await offered(second.id)).length > 0 ? offered(second.id) : null));
await answerJobs(more.slice(0, 4));

// --- the pictures ---

const browser = await launch();
const all = await pages(api);
const answered = (await api("GET", `/v1/jobs/${first.id}/systems?limit=20`)).items.find((r) => r.state === "failed");
const list = [
	...all.filter(([name]) => !["job", "job-system", "system-portal"].includes(name)),
	["job", `/jobs/${second.id}`],
	["job-system", `/jobs/${first.id}/systems/${answered.system.id}`],
];
const total = { files: 0, bytes: 0 };

async function picture(page, name) {
	// Short of its end, when a page is long: the first view is what is looked at.
	const height = Math.min(await page.evaluate(() => document.documentElement.scrollHeight), 1400);
	const png = palette(await page.screenshot({ clip: { x: 0, y: 0, width: page.viewportSize().width, height }, fullPage: true, animations: "disabled" }));
	if (png.length > MAX) throw new Error(`${name}.png has ${png.length} bytes`);
	writeFileSync(`${out}/${name}.png`, png);
	total.files++;
	total.bytes += png.length;
}

for (const theme of ["light", "dark"]) {
	const { page, context } = await open(browser, { theme });
	await page.goto(process.env.CONSOLE);
	await settled(page);
	await picture(page, `sign-in-${theme}`);
	await signIn(page, "root", PASSWORD);
	for (const [name, path] of list) {
		await visit(page, path);
		await picture(page, `${name}-${theme}`);
	}
	await visit(page, "/jobs?new=1");
	await page.locator(".preview-n", { hasText: "system" }).waitFor();
	await picture(page, `new-job-${theme}`);
	await visit(page, "/systems");
	await context.close();
	const phone = await open(browser, { theme, width: 390, height: 844 });
	await signIn(phone.page, "root", PASSWORD);
	for (const [name, path] of list.filter(([n]) => ["posture", "systems", "job"].includes(n))) {
		await visit(phone.page, path);
		await picture(phone.page, `${name}-phone-${theme}`);
	}
	await phone.context.close();
}
process.kill(Number(process.env.PORTAL_PID), "SIGKILL");
await api("POST", "/v1/portal/sync", {}).catch(() => {});
const { page, context } = await open(browser, { theme: "light" });
await signIn(page, "root", PASSWORD);
await page.locator(".portal-chip.is-away").waitFor({ timeout: 90_000 });
await settled(page);
await picture(page, "portal-away-light");
await context.close();
await browser.close();
console.log(`${total.files} pictures, ${Math.round(total.bytes / 1024)} KiB`);
