// SPDX-License-Identifier: Apache-2.0
// What the console's API answers: docs/formats/console-api.md. Members that an older or a newer
// console may leave out are optional; texts of scanners and hosts are plain text everywhere.

export type Verdict =
	| "fix-ready"
	| "partial"
	| "fix-held"
	| "reboot-needed"
	| "no-fix"
	| "unknown-target"
	| "not-affected"
	| "live-fixed";

export type Verdicts = Partial<Record<Verdict, number>>;
export type Role = "viewer" | "operator" | "release-manager" | "key-manager" | "admin" | "auditor";
export type Product = "kernel" | "library";
export type Time = string;

export interface Page<T> {
	items: T[];
	next: string | null;
}

export interface Session {
	user: string;
	tenant: string;
	roles: Role[];
	staff: boolean;
	must_change: boolean;
}

export interface Whoami {
	kind: string;
	name: string;
	tenant: string;
	staff: boolean;
	roles: Role[];
	must_change: boolean;
}

export interface Portal {
	configured: boolean;
	url?: string | null;
	state: "ok" | "away" | "refused" | "unset";
	since?: Time | null;
	last_ok?: Time | null;
	error?: string | null;
	systems_at?: Time | null;
	coverage_at?: Time | null;
	targets?: number;
	job_key?: { public: string; key_id: string } | null;
}

export interface Key {
	id: string;
	kind: "random" | "customer";
	note: string;
	key?: string;
	hint?: string;
	feed?: string | null;
	max_systems?: number | null;
	systems?: number;
	install_command?: string | null;
	created: Time;
	expires?: Time | null;
	revoked?: Time | null;
	version?: number;
}

export interface Enrolment {
	id: string;
	system_id?: string | null;
	external_id?: string | null;
	hostname?: string | null;
	command?: string | null;
	state: "registered" | "waiting" | "active";
	created: Time;
	/** When its agent called first. */
	seen?: Time | null;
}

export interface SystemRef {
	id: string;
	hostname?: string | null;
	system_id?: string | null;
}

export type Protection = "protected" | "exposed" | "unknown" | "offline";

export interface System {
	id: string;
	system_id?: string | null;
	external_id?: string | null;
	hostname?: string | null;
	fqdn?: string | null;
	addresses?: string[];
	os?: string | null;
	kernel?: { release?: string | null; build_id?: string | null; package_version?: string | null } | null;
	level?: number | null;
	patchset?: string | null;
	feed?: string | null;
	state?: string | null;
	silent?: boolean;
	last_seen?: Time | null;
	agent?: string | null;
	tags?: string[] | Record<string, string>;
	protection: Protection;
	verdicts?: Verdicts;
	exposed?: number;
	findings?: number;
	scanned_at?: Time | null;
	scanner?: string | null;
	matched_by?: string | null;
	portal_known?: boolean;
}

export interface Library {
	name: string;
	build_id?: string;
	version?: string | null;
	level?: number | null;
	patchset?: string | null;
	processes?: number;
	patched?: number;
}

export interface Why {
	code: string;
	text: string;
	until?: Time | null;
}

export interface SystemDetails extends System {
	portal?: Record<string, unknown> | null;
	libraries?: Library[];
	why?: Why[];
	errors?: unknown[];
	names?: unknown;
}

export interface SystemFinding {
	cve: string;
	severity?: string | null;
	verdict: Verdict;
	detail?: string | null;
	package?: string | null;
	version?: string | null;
	fixed_in?: string | null;
	level?: number | null;
	patchset?: string | null;
	until?: Time | null;
	patched?: number | null;
	processes?: number | null;
	finding?: { id: string; key: string; title: string } | null;
	not_running?: boolean;
}

export interface TimelineEvent {
	at: Time;
	kind: string;
	text: string;
	data?: Record<string, unknown> | null;
}

export interface Scan {
	id: string;
	format?: string | null;
	name?: string | null;
	tool?: string | null;
	state: "waiting" | "running" | "done" | "failed";
	bytes?: number | null;
	done_bytes?: number | null;
	hosts?: number | null;
	findings?: number | null;
	cves?: number | null;
	unmatched?: number | null;
	without_cve?: number | null;
	error?: { code: string; detail: string; line?: number | null } | null;
	by?: string | null;
	created: Time;
	finished?: Time | null;
}

export interface ScanHost {
	system?: string | SystemRef | null;
	name: string;
	matched_by?: string | null;
	findings?: number;
}

export interface Cve {
	cve: string;
	severity?: string | null;
	systems: number;
	exposed: number;
	verdicts?: Verdicts;
	products?: Product[];
	patchsets?: string[];
}

export interface CveFix {
	product?: Product;
	target?: string | null;
	package?: string | null;
	level?: number | null;
	patchset?: string | null;
	status?: string | null;
	fixed_in?: string | null;
}

export interface CveDetails extends Cve {
	fixes?: CveFix[];
}

export interface CveSystem {
	system: SystemRef;
	verdict: Verdict;
	detail?: string | null;
	until?: Time | null;
	package?: string | null;
	version?: string | null;
}

export interface Finding {
	id: string;
	key: string;
	title: string;
	cves?: string[];
	systems: number;
	verdict: Verdict;
	verdicts?: Verdicts;
}

export interface FindingDetails extends Finding {
	by_cve?: { cve: string; verdicts: Verdicts }[];
}

export interface Patch {
	patchset: string;
	product?: Product;
	released?: Time | null;
	feeds?: string[];
	targets?: { build_id?: string; target?: string; package?: string; package_version?: string; level?: number }[];
	cves?: string[];
	running?: number;
	waiting?: number;
	held?: number;
}

export interface Coverage {
	build_id: string;
	product?: Product;
	package?: string | null;
	package_version?: string | null;
	release?: string | null;
	systems: number;
	known: boolean;
	newest_level?: number | null;
	levels?: unknown[];
	fixed?: number;
	pending_reboot?: number;
}

export interface Posture {
	at?: Time;
	systems: { total: number; protected: number; exposed: number; unknown: number; offline: number };
	verdicts?: Verdicts;
	exposed: number;
	fixable_now: number;
	worst_cves?: Cve[];
	worst_systems?: System[];
	time_to_protect?: { p50_s?: number | null; p95_s?: number | null; n?: number };
	days?: { day: string; exposed: number; fixable: number; live_fixed: number; systems: number; protected: number }[];
	scans?: { last?: Time | null; stale?: number };
	jobs?: { running?: number; failed_recently?: number };
	portal?: Portal;
}

export type JobAction = "apply" | "unload" | "verify" | "check" | "preflight";
export type JobState = "running" | "stopped" | "cancelled" | "done" | "draft";
export type JobSystemState =
	| "queued"
	| "offered"
	| "waiting"
	| "running"
	| "done"
	| "failed"
	| "skipped"
	| "cancelled"
	| "expired";

export interface JobSelect {
	systems?: string[];
	cves?: string[];
	findings?: string[];
	verdicts?: Verdict[];
	query?: { q?: string; feed?: string; tag?: string; state?: string };
}

export interface JobRequest {
	title: string;
	action: JobAction;
	products?: Product[];
	select: JobSelect;
	dry_run?: boolean;
	windows?: string[];
	not_before?: Time;
	expires_hours?: number;
	batch?: { size: number; pause_s: number };
	max_failed?: number;
	target?: { latest: true } | { patchset: string };
}

export interface JobPreview {
	systems: (SystemRef & { cves?: unknown })[];
	n: number;
	cves?: number;
	skipped?: { system: SystemRef | string; reason: string; message?: string | null }[];
}

export interface Job {
	id: string;
	title: string;
	action: JobAction;
	products?: Product[];
	state: JobState;
	dry_run?: boolean;
	counts?: Partial<Record<JobSystemState | "total", number>>;
	batch?: { size: number; pause_s?: number; now?: number; of?: number } | null;
	max_failed?: number | null;
	stop_reason?: string | null;
	windows?: string[];
	not_before?: Time | null;
	expires?: Time | null;
	created: Time;
	created_by?: string | null;
	begun?: Time | null;
	ended?: Time | null;
	retry_of?: string | null;
	select?: JobSelect | null;
}

export interface JobSystem {
	system: SystemRef;
	state: JobSystemState;
	outcome?: string | null;
	reason?: string | null;
	message?: string | null;
	batch?: number | null;
	offered_at?: Time | null;
	finished_at?: Time | null;
	before_level?: number | null;
	after_level?: number | null;
	took_ms?: number | null;
}

export interface JobStep {
	step: string;
	begun?: Time | null;
	ended?: Time | null;
	took_ms?: number | null;
	outcome?: string | null;
	text?: string | null;
}

export interface JobSystemDetails extends JobSystem {
	steps?: JobStep[];
	result?: unknown;
	signature?: string | null;
	envelope?: unknown;
}

export interface User {
	id: string;
	name: string;
	title?: string;
	roles: Role[];
	staff?: boolean;
	service?: boolean;
	must_change?: boolean;
	created: Time;
	disabled?: Time | null;
	last_login?: Time | null;
	version: number;
	password?: string;
}

export interface Token {
	id: string;
	name: string;
	user: string;
	hint?: string;
	roles: Role[];
	created: Time;
	expires?: Time | null;
	last_used?: Time | null;
	token?: string;
}

export interface AuditEntry {
	id: number;
	at: Time;
	actor_kind: string;
	actor: string;
	action: string;
	object_kind: string;
	object: string;
	detail?: Record<string, unknown>;
	address?: string;
	request_id?: string;
}

export interface Webhook {
	id: string;
	url: string;
	events: string[];
	note?: string;
	active: boolean;
	created: Time;
	failing_since?: Time | null;
	version: number;
	secret?: string;
}

export interface Delivery {
	id: string;
	type: string;
	created: Time;
	attempts: number;
	next_try?: Time | null;
	status?: number | null;
	error?: string;
	delivered?: Time | null;
}
