// SPDX-License-Identifier: Apache-2.0
// A browser for the tests: Debian's Chromium, a fresh profile for each context, and a watch over what
// goes wrong in a page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () =>
	chromium.launch({
		executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
		headless: true,
		args: [
			"--no-sandbox",
			"--disable-gpu",
			"--disable-quic",
			"--no-first-run",
			"--disable-background-networking",
			"--disable-component-update",
			"--disable-sync",
			"--font-render-hinting=none",
		],
	});

let failures = 0;

/** Runs one test and prints its line; what it throws comes before it. */
export async function test(name, run) {
	try {
		await run();
		console.log(`ok web: ${name}`);
	} catch (e) {
		for (const line of String(e?.message ?? e).split("\n").slice(0, 30)) console.log(`  ${line}`);
		console.log(`not ok web: ${name}`);
		failures++;
	}
}

export const failed = () => failures;

export function expect(what, message) {
	if (!what) throw new Error(message);
}

/**
 * A page, and what went wrong in it: errors of its scripts, what the content security policy refused, dialogs that a script in data opened.
 * Answers of the API that say no are no fault of the page.
 */
export async function open(browser, { width = 1366, height = 820, theme = "light", permissions = [] } = {}) {
	const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, permissions, acceptDownloads: true });
	context.setDefaultTimeout(10_000);
	const page = await context.newPage();
	const wrong = [];
	await page.addInitScript(() => {
		document.addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));
	});
	page.on("pageerror", (e) => wrong.push(`error: ${e.message}`));
	page.on("console", (m) => {
		if (m.type() === "error" && !/Failed to load resource: (the server responded with a status of|net::ERR)/.test(m.text())) wrong.push(m.text());
	});
	page.on("dialog", (d) => {
		wrong.push(`a dialog of the page: ${d.message()}`);
		void d.dismiss();
	});
	page.on("request", (r) => {
		if (!r.url().startsWith(process.env.CONSOLE)) wrong.push(`asked elsewhere: ${r.url()}`);
	});
	return { page, context, wrong, fine: () => expect(wrong.length === 0, wrong.join("\n")) };
}

/** Signed in by the form, at `path`. */
export async function signIn(page, user, password, path = "/") {
	await page.goto(process.env.CONSOLE + path);
	await page.getByLabel("User", { exact: true }).fill(user);
	await page.getByLabel("Password", { exact: true }).fill(password);
	await page.getByRole("button", { name: "Sign in" }).click();
	await page.locator("#menu").waitFor({ state: "attached" });
}

/** At `path`, with everything there that it asks for. */
export async function visit(page, path) {
	await page.goto(process.env.CONSOLE + path);
	await settled(page);
}

export async function settled(page) {
	await page.locator("h1").first().waitFor();
	await page.waitForFunction(() => !document.querySelector(".skeleton, [aria-busy='true']"), null, { timeout: 10_000 });
}

/** What axe finds against WCAG 2.1 A and AA. */
export async function axe(page) {
	await page.evaluate(axeSource);
	const found = await page.evaluate(async () => {
		const r = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
		return r.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} (${n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ""})`).join("; ")}`);
	});
	expect(found.length === 0, found.join("\n"));
}

/** Nothing is wider than the window, and no table wider than its card: on a screen half of a column is none. */
export async function fits(page) {
	const [is, has, tables] = await page.evaluate(() => [
		document.documentElement.scrollWidth,
		document.documentElement.clientWidth,
		[...document.querySelectorAll(".table-wrap")].filter((t) => t.scrollWidth > t.clientWidth).map((t) => `${t.querySelector("caption")?.textContent}: ${t.scrollWidth} in ${t.clientWidth}`),
	]);
	expect(is <= has, `the page is ${is} wide in a window of ${has}`);
	expect(tables.length === 0, `tables are too wide: ${tables.join("; ")}`);
}
