// SPDX-License-Identifier: Apache-2.0
// One step of an operator in Debian's Chromium, against the console at $CONSOLE; what he is signed in by is kept in the file $STATE from step to step.
// For tests/vm/console/run, which does what happens on servers in between. A picture of where a step failed is written to $PICTURE.
//
//   node flow.mjs STEP ARGUMENT...
import { readFileSync, writeFileSync, existsSync } from "node:fs";
import { chromium } from "playwright-core";

const base = process.env.CONSOLE;
const state = process.env.STATE;
const [step, ...args] = process.argv.slice(2);

const steps = {
	// The one-time password has to be changed.
	async "sign-in"(page, once, password) {
		await page.goto(base);
		await page.getByLabel("User").fill("admin");
		await page.getByLabel("Password").fill(once);
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.getByRole("heading", { name: "Choose a password" }).waitFor();
		await page.getByLabel("Password now").fill(once);
		await page.getByLabel("New password", { exact: true }).fill(password);
		await page.getByLabel("New password again").fill(password);
		await page.getByRole("button", { name: "Change and go on" }).click();
		await page.getByRole("heading", { name: "Posture" }).waitFor();
	},
	async "connect-portal"(page, url, tokenFile, caFile) {
		await page.goto(`${base}/settings`);
		await page.getByLabel("Address").fill(url);
		await page.getByLabel(/token/i).fill(readFileSync(tokenFile, "utf8").trim());
		await page.getByLabel(/certificate|authority/i).fill(readFileSync(caFile, "utf8"));
		await page.getByRole("button", { name: /^(Connect|Change)/ }).click();
		await page.getByText("Connected", { exact: true }).first().waitFor();
	},
	async "create-key"(page, note) {
		await page.goto(`${base}/keys`);
		await page.getByRole("button", { name: "New key" }).first().click();
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Note").fill(note);
		await dialog.getByLabel("Feed").fill("stable");
		await dialog.getByRole("button", { name: "Make the key" }).click();
		await page.getByText("The key is made").waitFor();
		const key = await dialog.getByText(/^sutkey_/).first().textContent();
		if (!/^sutkey_[\w-]{20,}$/.test(key.trim())) throw new Error(`no key is shown: ${key}`);
		await dialog.getByRole("button", { name: "Done" }).click();
		await page.getByText(note).first().waitFor();
	},
	// The command is written to a file, as an operator would copy it.
	async "add-server"(page, hostname, external, file) {
		await page.goto(`${base}/keys?tab=enrolments`);
		await page.getByRole("button", { name: "Add a server" }).first().click();
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Host name").fill(hostname);
		await dialog.getByLabel("External ID").fill(external);
		await dialog.getByRole("button", { name: "Add", exact: true }).click();
		await page.getByText("The server is added").waitFor();
		const command = await dialog.getByText(/^curl /).first().textContent();
		writeFileSync(file, `${command.trim()}\n`);
	},
	async "system-is-shown"(page, hostname, id) {
		await page.goto(`${base}/systems`);
		await page.getByRole("link", { name: hostname }).first().click();
		await page.getByText(id).first().waitFor();
	},
	async upload(page, file) {
		await page.goto(`${base}/scans`);
		await page.getByLabel("Scan files").setInputFiles(file);
		await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
		await page.getByRole("dialog").waitFor({ state: "detached" });
		await page.getByText(file.replace(/.*\//, "")).first().waitFor();
	},
	async "cve-is"(page, cve, verdict) {
		await page.goto(`${base}/cves`);
		await page.getByRole("searchbox").first().fill(cve);
		await page.getByRole("link", { name: cve }).first().click();
		await page.getByRole("heading", { name: cve }).waitFor();
		await page.getByRole("table", { name: `Systems with ${cve}` }).getByText(new RegExp(`^${verdict}`, "i")).first().waitFor();
	},
	async "live-patch"(page, cve, title) {
		await page.goto(`${base}/cves/${cve}`);
		await page.getByRole("checkbox", { name: /server1/ }).first().check();
		await page.getByRole("button", { name: "Live patch these" }).click();
		const dialog = page.getByRole("dialog");
		await dialog.getByText("1 system").first().waitFor();
		await dialog.getByLabel("Title").fill(title);
		await dialog.getByRole("button", { name: "Start on 1 system" }).click();
		await page.getByRole("heading", { name: title }).waitFor();
	},
	async "job-is"(page, job) {
		await page.goto(`${base}/jobs/${job}`);
		await page.getByText("applied").first().waitFor();
		await page.getByRole("link", { name: "server1" }).first().click();
		for (const name of ["manifest", "download"]) await page.getByText(name, { exact: true }).first().waitFor();
	},
	async posture(page) {
		await page.goto(base);
		await page.getByRole("heading", { name: "Posture" }).waitFor();
		await page.getByText(/protect/i).first().waitFor();
	},
};

if (!base || !state || !steps[step]) {
	console.error(`usage: CONSOLE=URL STATE=FILE node flow.mjs STEP ARGUMENT...; steps: ${Object.keys(steps).join(" ")}`);
	process.exit(64);
}
const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({
	ignoreHTTPSErrors: true,
	viewport: { width: 1366, height: 900 },
	storageState: existsSync(state) ? state : undefined,
});
const page = await context.newPage();
page.setDefaultTimeout(30000);
const said = [];
page.on("console", (m) => {
	// A status that a page shows is no error of the page.
	if (m.type() === "error" && !/Failed to load resource/.test(m.text())) said.push(m.text());
});
page.on("pageerror", (e) => said.push(String(e)));
try {
	await steps[step](page, ...args);
	if (said.length > 0) throw new Error(`the browser's console says: ${said.join("; ")}`);
	await context.storageState({ path: state });
} catch (e) {
	console.log(String(e));
	console.log((await page.locator("body").innerText().catch(() => "")).slice(0, 3000));
	if (process.env.PICTURE) await page.screenshot({ path: process.env.PICTURE }).catch(() => {});
	process.exitCode = 1;
} finally {
	await browser.close();
}
