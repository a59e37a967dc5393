// SPDX-License-Identifier: Apache-2.0
// "Live patch these": what would be done is shown first, by the console itself, and again after every change.
import { useEffect, useMemo, useState } from "preact/hooks";
import { part, post } from "../api/client";
import { type Problem, asProblem } from "../api/problem";
import type { Job, JobAction, JobPreview, JobRequest, JobSelect, Product } from "../api/types";
import { count, counted } from "../lib/format";
import { go } from "../lib/url";
import { verdictOf } from "../lib/verdicts";
import { FormDialog } from "./dialog";
import { Failure } from "./failure";
import { Area, Check, Choices, Select, Text } from "./fields";
import { nameOf } from "./names";
import { Skeleton } from "./small";
import { said } from "./toast";

const actions: readonly (readonly [JobAction, string])[] = [
	["apply", "Apply live patches"],
	["unload", "Take live patches out"],
	["verify", "Verify what runs"],
	["check", "Check for patches"],
	["preflight", "Look for conflicts"],
];

export const actionWords = (a: string): string => actions.find(([is]) => is === a)?.[1] ?? a;

export function describe(s: JobSelect): string {
	const said: string[] = [];
	if (s.systems?.length) said.push(counted(s.systems.length, "system"));
	if (s.cves?.length) said.push(s.cves.length <= 3 ? s.cves.join(", ") : counted(s.cves.length, "CVE"));
	if (s.findings?.length) said.push(counted(s.findings.length, "finding"));
	if (s.verdicts?.length) said.push(s.verdicts.map((v) => verdictOf(v).label.toLowerCase()).join(", "));
	const q = s.query ?? {};
	for (const [k, v] of Object.entries(q)) if (v) said.push(`${k} “${v}”`);
	return said.length > 0 ? said.join(" · ") : "all systems";
}

/** Lines that are not empty. */
export const lines = (s: string): string[] =>
	s
		.split("\n")
		.map((x) => x.trim())
		.filter(Boolean);

const numberOf = (s: string): number => {
	const n = Number.parseInt(s, 10);
	return Number.isFinite(n) && n >= 0 ? n : 0;
};

export function JobDialog({ select, title: given, close }: { select: JobSelect; title?: string; close: () => void }) {
	const [title, setTitle] = useState(given ?? "Live patch");
	const [action, setAction] = useState<JobAction>("apply");
	const [products, setProducts] = useState<string[]>(["kernel", "library"]);
	const [windows, setWindows] = useState("");
	const [batch, setBatch] = useState("0");
	const [pause, setPause] = useState("60");
	const [maxFailed, setMaxFailed] = useState("1");
	const [expires, setExpires] = useState("24");
	const [dry, setDry] = useState(false);
	const request = useMemo<JobRequest>(() => {
		const r: JobRequest = {
			title: title.trim() || "Live patch",
			action,
			products: products as Product[],
			select,
			dry_run: dry,
			batch: { size: numberOf(batch), pause_s: numberOf(pause) },
			max_failed: numberOf(maxFailed),
			expires_hours: Math.max(numberOf(expires), 1),
		};
		const w = lines(windows);
		if (w.length > 0) r.windows = w;
		return r;
	}, [title, action, products, select, dry, batch, pause, maxFailed, expires, windows]);
	const preview = usePreview(request);
	const nothing = preview.data !== undefined && preview.data.n === 0;
	return (
		<FormDialog
			title={dry ? "Rehearse a job" : "New job"}
			action={preview.data ? `${dry ? "Rehearse on" : "Start on"} ${counted(preview.data.n, "system")}` : "Start"}
			wide
			disabled={!preview.data || nothing || products.length === 0}
			onClose={close}
			send={async () => {
				const job = await post<Job>("/v1/jobs", request);
				said("The job is on its way.");
				close();
				go(`/jobs/${part(job.id)}`);
			}}
		>
			{(problem) => (
				<>
					<Preview {...preview} select={select} />
					<div class="fields">
						<div class="full">
							<Text label="Title" value={title} set={setTitle} maxLength={200} required error={problem?.field("title")} />
						</div>
						<Select label="What is done" value={action} set={(v) => setAction(v as JobAction)} options={actions} />
						<Choices
							label="Of what"
							value={products}
							set={setProducts}
							options={[
								["kernel", "Kernel"],
								["library", "Libraries"],
							]}
						/>
						<Text label="Systems in a batch" type="number" min={0} value={batch} set={setBatch} hint="0: all at once." error={problem?.field("batch")} />
						<Text label="Pause between batches, seconds" type="number" min={0} value={pause} set={setPause} />
						<Text label="Failures that are borne" type="number" min={0} value={maxFailed} set={setMaxFailed} hint="With one more the job stops; systems it has not reached stay as they are." error={problem?.field("max_failed")} />
						<Text label="Give up after, hours" type="number" min={1} value={expires} set={setExpires} hint="For systems that do not call in time." error={problem?.field("expires_hours")} />
						<div class="full">
							<Area label="Maintenance windows" rows={2} placeholder="Mon-Fri 22:00-04:00" value={windows} set={setWindows} hint="One a line, by the clock of the system. Empty: at any time." error={problem?.field("windows")} />
						</div>
						<div class="full">
							<Check label="Dry run" hint="Everything is checked on the systems, nothing is changed." value={dry} set={setDry} />
						</div>
					</div>
				</>
			)}
		</FormDialog>
	);
}

interface Previewed {
	data: JobPreview | undefined;
	problem: Problem | undefined;
}

function usePreview(request: JobRequest): Previewed {
	const [state, set] = useState<Previewed>({ data: undefined, problem: undefined });
	const body = JSON.stringify(request);
	useEffect(() => {
		const abort = new AbortController();
		const t = setTimeout(() => {
			post<JobPreview>("/v1/jobs?preview=true", JSON.parse(body), { signal: abort.signal, harmless: true }).then(
				(data) => set({ data, problem: undefined }),
				(e: unknown) => {
					if (!abort.signal.aborted) set({ data: undefined, problem: asProblem(e) });
				},
			);
		}, 300);
		return () => {
			clearTimeout(t);
			abort.abort();
		};
	}, [body]);
	return state;
}

/** Those that take no part, by the reason. */
export function leftOut(skipped: NonNullable<JobPreview["skipped"]>): Map<string, string[]> {
	const by = new Map<string, string[]>();
	for (const s of skipped) {
		const why = s.message || s.reason;
		by.set(why, [...(by.get(why) ?? []), typeof s.system === "string" ? s.system : nameOf(s.system)]);
	}
	return by;
}

function Preview({ data, problem, select }: Previewed & { select: JobSelect }) {
	if (problem) return <Failure problem={problem} title="It cannot be told what this would do" />;
	const skipped = data?.skipped ?? [];
	return (
		<div class="preview" aria-live="polite">
			<div class="preview-head">
				{data ? (
					<>
						<span class="preview-n">{counted(data.n, "system")}</span>
						{data.cves !== undefined ? <span>{counted(data.cves, "open CVE")} to close</span> : null}
						{skipped.length > 0 ? <span class="muted">{count(skipped.length)} left out</span> : null}
					</>
				) : (
					<span class="preview-n muted">Looking what would be done…</span>
				)}
				<span class="muted small">from {describe(select)}</span>
			</div>
			<div class="preview-list" tabIndex={0} role="group" aria-label="What would be done">
				{!data ? <Skeleton lines={3} /> : null}
				{data && data.n === 0 ? <p>There is nothing to do on these systems: either it is closed, or no live patch is ready for it.</p> : null}
				<ul>
					{(data?.systems ?? []).slice(0, 100).map((s) => (
						<li key={s.id}>
							<span>{nameOf(s)}</span>
							<span class="muted mono">{s.system_id}</span>
						</li>
					))}
					{[...leftOut(skipped)].map(([why, names]) => (
						<li key={why} class="preview-out">
							<span>
								<strong>{counted(names.length, "system")} left out:</strong> {why}
							</span>
							<span class="muted">
								{names.slice(0, 20).join(", ")}
								{names.length > 20 ? ` and ${count(names.length - 20)} more` : ""}
							</span>
						</li>
					))}
				</ul>
			</div>
		</div>
	);
}
