// SPDX-License-Identifier: Apache-2.0
// Every page of the console: its name, and where it is in a seeded fleet.

export async function pages(api) {
	const systems = (await api("GET", "/v1/systems?limit=100")).items;
	const worst = systems.find((s) => s.system_id && (s.findings ?? 0) > 0) ?? systems[0];
	const hostile = systems.find((s) => JSON.stringify(s).includes("<img") && s.system_id) ?? worst;
	const cve = (await api("GET", "/v1/cves?limit=1")).items[0]?.cve ?? "CVE-2026-1000";
	const finding = (await api("GET", "/v1/findings?limit=50")).items.find((f) => f.title?.includes("<img")) ?? (await api("GET", "/v1/findings?limit=1")).items[0];
	const scans = (await api("GET", "/v1/scans?limit=50")).items;
	const scan = scans.find((s) => s.state === "done");
	const broken = scans.find((s) => s.state === "failed");
	const job = (await api("GET", "/v1/jobs?limit=1")).items[0];
	const inJob = job ? (await api("GET", `/v1/jobs/${job.id}/systems?limit=1`)).items[0] : null;
	return [
		["posture", "/"],
		["systems", "/systems"],
		["system", `/systems/${worst?.id}`],
		["system-libraries", `/systems/${hostile?.id}?tab=libraries`],
		["system-timeline", `/systems/${worst?.id}?tab=timeline`],
		["system-portal", `/systems/${hostile?.id}?tab=portal`],
		["cves", "/cves"],
		["cve", `/cves/${cve}`],
		["findings", "/findings"],
		...(finding ? [["finding", `/findings/${encodeURIComponent(finding.id)}`]] : []),
		["scans", "/scans"],
		...(scan ? [["scan", `/scans/${scan.id}`]] : []),
		...(broken ? [["scan-failed", `/scans/${broken.id}`]] : []),
		["patches", "/patches"],
		["coverage", "/coverage"],
		["jobs", "/jobs"],
		...(job ? [["job", `/jobs/${job.id}`]] : []),
		...(inJob ? [["job-system", `/jobs/${job.id}/systems/${inJob.system.id}`]] : []),
		["keys", "/keys"],
		["enrolments", "/keys?tab=enrolments"],
		["users", "/users"],
		["tokens", "/tokens"],
		["webhooks", "/webhooks"],
		["audit", "/audit"],
		["settings", "/settings"],
	];
}
