// SPDX-License-Identifier: Apache-2.0
// What is said about a finding on a host: order, words and colour, in one place.
import type { JobState, JobSystemState, Protection, Verdict, Verdicts } from "../api/types";

export type Tone = "good" | "ready" | "warn" | "bad" | "info" | "quiet";

interface Said {
	label: string;
	tone: Tone;
	says: string;
}

/** Worst first. */
export const verdictOrder: Verdict[] = [
	"fix-ready",
	"partial",
	"fix-held",
	"reboot-needed",
	"no-fix",
	"unknown-target",
	"not-affected",
	"live-fixed",
];

export const verdicts: Record<Verdict, Said> = {
	"fix-ready": { label: "Fix ready", tone: "ready", says: "A live patch closes it now. Make a job." },
	partial: { label: "Partly fixed", tone: "warn", says: "Some processes have the patch, or it closes a part of it." },
	"fix-held": { label: "Fix held", tone: "warn", says: "There is a live patch; a delay, a hold or a pin keeps it back." },
	"reboot-needed": { label: "Reboot needed", tone: "bad", says: "No live patch; a newer package closes it after a restart." },
	"no-fix": { label: "No fix", tone: "bad", says: "Neither a live patch nor a package closes it yet." },
	"unknown-target": { label: "Unknown target", tone: "quiet", says: "No patches are made for this kernel or library, or nothing is known of the host." },
	"not-affected": { label: "Not affected", tone: "quiet", says: "The package has it closed already, or it does not run." },
	"live-fixed": { label: "Live-fixed", tone: "good", says: "Closed in memory by a live patch." },
};

export const verdictOf = (v: string): Said => (Object.hasOwn(verdicts, v) ? verdicts[v as Verdict] : undefined) ?? { label: v || "unknown", tone: "quiet", says: "" };

export const isVerdict = (v: string | null): v is Verdict => v !== null && Object.hasOwn(verdicts, v);

const closed = new Set<string>(["live-fixed", "not-affected"]);

/** How many of them are still open. */
export const openOf = (v: Verdicts | undefined): number =>
	Object.entries(v ?? {}).reduce((n, [k, x]) => (closed.has(k) ? n : n + (x ?? 0)), 0);

export const protections: Record<Protection, Said> = {
	protected: { label: "Protected", tone: "good", says: "Registered, scanned, and nothing that a live patch could close is open." },
	exposed: { label: "Exposed", tone: "bad", says: "Something is open that a live patch could close." },
	unknown: { label: "Not scanned", tone: "quiet", says: "No scan has told anything about it." },
	offline: { label: "Offline", tone: "warn", says: "It has not called for a while." },
};

export const protectionOf = (p: string): Said => protections[p as Protection] ?? { label: p || "unknown", tone: "quiet", says: "" };

const severityTone: Record<string, Tone> = { critical: "bad", high: "warn", important: "warn", medium: "info", moderate: "info", low: "quiet" };

export const severityOf = (s: string | null | undefined): Said => {
	const w = (s ?? "").toLowerCase();
	return { label: w === "" || w === "none" || w === "unknown" ? "unrated" : w, tone: severityTone[w] ?? "quiet", says: "" };
};

/** Of what an agent says of itself at the end of a job: docs/formats/job.md. */
export const outcomeTone = (o: string): Tone => (/^(applied|already-applied|reverted|nothing-applied|verified|current|ready|checked)$/.test(o) ? "good" : o === "waiting" ? "info" : "bad");

const jobTones: Record<JobState, Tone> = { draft: "quiet", running: "info", stopped: "bad", cancelled: "quiet", done: "good" };

export const jobTone = (s: string): Tone => jobTones[s as JobState] ?? "quiet";

/** Of a job that is over with failures the badge says so: "done" alone would sound as if all were well. */
export function jobOf(j: { state: string; counts?: Partial<Record<string, number>> }): { label: string; tone: Tone } {
	const bad = (j.counts?.failed ?? 0) + (j.counts?.expired ?? 0);
	if (j.state === "done" && bad > 0) return { label: `done, ${bad} not patched`, tone: "warn" };
	return { label: j.state, tone: jobTone(j.state) };
}

/** What a state of a system in a job means. */
export const jobSystemSays: Record<JobSystemState, string> = {
	queued: "Its batch has not begun.",
	offered: "The job waits for its agent to call.",
	running: "Its agent is at work.",
	waiting: "Its agent has the job and waits for the maintenance window.",
	done: "Its signed result says that it is done.",
	failed: "Its signed result says why not, or nothing was heard of it.",
	expired: "It did not call in time.",
	skipped: "It was left out when the job was made.",
	cancelled: "The job ended before its turn.",
};

const jobSystemTones: Record<JobSystemState, Tone> = {
	queued: "quiet",
	offered: "info",
	waiting: "info",
	running: "info",
	done: "good",
	failed: "bad",
	skipped: "quiet",
	cancelled: "quiet",
	expired: "warn",
};

export const jobSystemTone = (s: string): Tone => jobSystemTones[s as JobSystemState] ?? "quiet";

/** In the order in which a system goes through a job. */
export const jobSystemOrder: JobSystemState[] = ["done", "running", "waiting", "offered", "queued", "failed", "expired", "skipped", "cancelled"];
