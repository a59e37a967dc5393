// SPDX-License-Identifier: Apache-2.0
// A fleet behind a real portal and a real console, made by their APIs: what agents and scanners would tell, with
// hostile texts wherever one of them may write some.
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";

/** What no page may ever run. */
export const EVIL = `<img src=x onerror=alert(1)>"'><script>alert(2)</script>`;

const auth = (file) => readFileSync(file, "utf8").trim().replace(/^Authorization: /, "");

function client(base, authorization) {
	return async (method, path, body, headers = {}) => {
		const raw = typeof body === "string" || body instanceof Uint8Array;
		const r = await fetch(base + path, {
			method,
			headers: {
				...(authorization ? { Authorization: authorization } : {}),
				...(body === undefined ? {} : { "Content-Type": raw ? "application/octet-stream" : "application/json" }),
				...headers,
			},
			...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
		});
		const text = await r.text();
		if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${text.slice(0, 500)}`);
		return text === "" ? null : JSON.parse(text);
	};
}

export const portal = () => client(process.env.PORTAL, auth(process.env.PORTAL_AUTH));
export const console_ = () => client(process.env.CONSOLE, auth(process.env.CONSOLE_AUTH));

export async function until(seconds, what, ask) {
	let last;
	for (let i = 0; i < seconds * 4; i++) {
		last = await ask();
		if (last) return last;
		await new Promise((r) => setTimeout(r, 250));
	}
	throw new Error(`did not come true in ${seconds} s: ${what}`);
}

export const PASSWORD = "seven tall ships at anchor";

/** Users of each role, whose passwords are their own already. */
export async function users() {
	const api = console_();
	const all = [
		["vera", "Vera, who looks", ["viewer"]],
		["otto", "Otto, on call", ["viewer", "operator"]],
		["kim", "Kim, enrolment", ["viewer", "key-manager"]],
		["ada", "Ada, the auditor", ["auditor"]],
		["root", EVIL, ["viewer", "operator", "key-manager", "admin", "auditor"]],
	];
	for (const [name, title, roles] of all) {
		const u = await api("POST", "/v1/users", { name, title, roles });
		const anon = client(process.env.CONSOLE, null);
		const s = await anon("POST", "/v1/sessions", { user: name, password: u.password });
		await client(process.env.CONSOLE, `Bearer ${s.token}`)("POST", "/v1/password", { old: u.password, new: PASSWORD });
	}
	return api("POST", "/v1/users", { name: "newcomer", title: "", roles: ["viewer"] });
}

// --- what an agent does with a job: docs/formats/job.md and console-agent.md ---

const raw = (key) => key.export({ type: "spki", format: "der" }).subarray(-32);
const digest = (b, encoding) => createHash("sha256").update(b).digest(encoding);

/** A key as agents make one; its public half as the portal is told it. */
function jobKey() {
	const { publicKey, privateKey } = generateKeyPairSync("ed25519");
	const r = raw(publicKey);
	return { privateKey, keyid: digest(r, "hex"), fact: Buffer.concat([Buffer.from("Ed"), digest(r).subarray(0, 8), r]).toString("base64") };
}

async function signed(system, method, path, body) {
	const url = process.env.CONSOLE + path;
	const covered = ["@method", "@target-uri", ...(body ? ["content-digest"] : [])];
	const values = { "@method": method, "@target-uri": url, "content-digest": body ? `sha-256=:${digest(body, "base64")}:` : "" };
	const params = `(${covered.map((c) => `"${c}"`).join(" ")});created=${Math.floor(Date.now() / 1000)};keyid="${system.system_id}";alg="ed25519";nonce="${randomBytes(16).toString("base64")}";tag="suture-agent"`;
	const base = [...covered.map((c) => `"${c}": ${values[c]}`), `"@signature-params": ${params}`].join("\n");
	return fetch(url, {
		method,
		headers: {
			"Signature-Input": `sig1=${params}`,
			Signature: `sig1=:${sign(null, Buffer.from(base), system.key.privateKey).toString("base64")}:`,
			...(body ? { "Content-Digest": values["content-digest"], "Content-Type": "application/vnd.dsse.envelope.v1+json" } : {}),
		},
		...(body ? { body } : {}),
	});
}

const TYPE = "application/vnd.suture.job-result+json";
const second = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function result(system, manifest, payload, error) {
	const now = Date.now();
	const steps = ["manifest", "metadata", "download", "stage", "apply"].map((step, i) => ({
		step,
		begun: second(now - 5000 + i * 800),
		ended: second(now - 4400 + i * 800),
		took_ms: [3, 120, 812, 44, 377][i],
		outcome: error && step === "apply" ? "failed" : "ok",
		text: error && step === "apply" ? error : step === "manifest" ? manifest.issuer : "",
	}));
	const at = (level) => ({ patchset: level ? "K20261101_01" : null, level, effective_version: level ? "6.1.170-3+suture1" : "6.1.170-3", boot_id: `b1b1b1b1-${system.n}`, phase: "idle", probation: null, quarantined: [] });
	return {
		format: "suture-job-result",
		version: 1,
		job: manifest.id,
		issuer: manifest.issuer,
		action: manifest.action,
		manifest_sha256: digest(payload, "hex"),
		agent: "1.0.0",
		outcome: error ? "text-mismatch" : "applied",
		exit: error ? 1 : 0,
		dry_run: false,
		begun: second(now - 5000),
		ended: second(now),
		system: { system_id: system.system_id, external_id: null, hostname: system.hostname, machine_id: system.machine, key_id: system.key.keyid },
		kernel: { release: "6.1.0-47-cloud-amd64", arch: "x86_64", build_id: KERNEL, kernel_id: null, package_version: "6.1.170-3" },
		before: at(0),
		after: at(error ? 0 : 1),
		steps,
		libraries: [{ build_id: "cafe0123456789abcafe0123456789abcafe0123", name: "libcrypto.so.3", outcome: "applied", level: 1, patchset: "U20261101_01", processes: 14, patched: 13, reasons: { traced: 1 }, error: null }],
		available: null,
		result: null,
		shortened: false,
		error: error ? { reason: "text-mismatch", message: error } : null,
	};
}

/** These systems ask for their jobs and answer: done, or failed with the text `error`. */
export async function answerJobs(systems, error) {
	for (const s of systems) {
		const r = await signed(s, "GET", `/v1/agent/jobs?system=${s.system_id}&wait=0`);
		if (r.status !== 200) throw new Error(`${s.hostname} gets ${r.status} ${await r.text()}`);
		for (const envelope of (await r.json()).jobs) {
			const payload = Buffer.from(envelope.payload, "base64");
			const body = Buffer.from(JSON.stringify(result(s, JSON.parse(payload), payload, error)));
			const pae = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${body.length} `), body]);
			const answer = JSON.stringify({ payloadType: TYPE, payload: body.toString("base64"), signatures: [{ keyid: s.key.keyid, sig: sign(null, pae, s.key.privateKey).toString("base64") }] });
			const taken = await signed(s, "POST", "/v1/agent/results", answer);
			if (taken.status >= 300) throw new Error(`${s.hostname}'s result: ${taken.status} ${await taken.text()}`);
			// As an agent does after a change.
			if (!error) s.level = 1;
			await checkin(s);
		}
	}
}

// --- the fleet ---

const pad = (n) => String(n).padStart(2, "0");
export const KERNEL = "a".repeat(40);
const OTHER = "b".repeat(40);
const names = ["web", "db", "cache", "mail", "build", "proxy"];

/** What the agent of `s` tells the portal of itself now. */
async function checkin(s) {
	const evil = s.hostile && s.n === 1;
	const answer = await client(process.env.PORTAL, `Bearer ${s.credential}`)("POST", "/v1/checkin", {
		serial: s.serial,
		nonce: `checkin-${s.n}-${s.serial}`,
		machine_id: s.machine,
		boot_id: `b1b1b1b1-${s.n}`,
		state: s.level ? "current" : evil ? "failed" : "pending",
		products: ["kernel"],
		level: s.level,
		...(s.level ? { patchset: "K20261101_01" } : {}),
		kernel: { release: s.known ? "6.1.0-47-cloud-amd64" : "6.6.13-custom", arch: "x86_64", build_id: s.known ? KERNEL : OTHER },
		agent: "1.0.0",
		libraries: [{ build_id: "cafe0123456789abcafe0123456789abcafe0123", name: evil ? EVIL : "libssl.so.3", version: "3.0.11-1", level: s.n % 2, processes: 14, patched: s.n % 2 ? 11 : 0 }],
		...(evil ? { errors: [{ code: "apply-failed", message: EVIL }] } : {}),
	});
	s.serial = answer.serial;
}

/** `n` servers that agents registered at the portal and report for. */
export async function agents(n, key, { hostile = true } = {}) {
	const anon = client(process.env.PORTAL, null);
	const made = [];
	for (let i = 0; i < n; i++) {
		const hostname = `${names[i % names.length]}-${pad(i)}`;
		const machine = (0x1000 + i).toString(16).padStart(32, "0");
		const known = i % 7 !== 6;
		const agent = jobKey();
		const e = await anon("POST", "/v1/enroll", {
			key,
			external_id: hostile && i === 1 ? EVIL : `cmdb-${1000 + i}`,
			products: ["kernel"],
			system: {
				machine_id: machine,
				hostname,
				fqdn: hostile && i === 1 ? EVIL : `${hostname}.prod.example`,
				addresses: [`10.20.${i >> 8}.${i & 255}`],
				distribution: hostile && i === 1 ? EVIL : "debian 12",
				facts: { rack: hostile && i === 1 ? EVIL : `r${i % 4}`, job_key: agent.fact },
			},
		});
		const s = { n: i, hostname, machine, system_id: e.system_id, key: agent, known, credential: e.credential, serial: e.serial, level: known && i % 3 === 0 ? 1 : 0, hostile };
		await checkin(s);
		made.push(s);
	}
	return made;
}

const quote = (s) => `"${String(s).replaceAll('"', '""')}"`;

/** A scan of these systems as CSV: every CVE that patches close, and others. */
export function csv(systems, cves = 12, { hostile = true } = {}) {
	const rows = ["host,os,kernel,cve,severity,package,version,fixed_version,title,id"];
	const severities = ["critical", "high", "medium", "low"];
	for (const [i, s] of systems.entries())
		for (let c = 0; c < cves; c++) {
			const evil = hostile && i === 1 && c === 1;
			rows.push(
				[
					s.hostname,
					evil ? EVIL : "Debian GNU/Linux 12 (bookworm)",
					s.known ? "6.1.0-47-cloud-amd64" : "6.6.13-custom",
					`CVE-2026-${1000 + c}`,
					severities[(c + 1) % 4],
					evil ? EVIL : "linux-image-6.1.0-47-cloud-amd64",
					evil ? EVIL : "6.1.170-3",
					evil ? EVIL : `6.1.${171 + c}-1`,
					evil ? EVIL : `CVE-2026-${1000 + c} on linux - security update`,
					evil ? EVIL : `plugin-${20_000 + c}`,
				]
					.map(quote)
					.join(","),
			);
		}
	// A host that only the scanner knows.
	if (hostile) rows.push(["only-scanned-1", EVIL, EVIL, "CVE-2026-1003", "high", EVIL, EVIL, EVIL, EVIL, EVIL].map(quote).join(","));
	return `${rows.join("\n")}\n`;
}

export async function scanned(api, id) {
	return until(60, `the scan ${id} is read`, async () => {
		const s = await api("GET", `/v1/scans/${id}`);
		return s.state === "done" || s.state === "failed" ? s : null;
	});
}
