// SPDX-License-Identifier: Apache-2.0
// What one system did in a job, step by step, with the signed result.
import { part } from "../api/client";
import type { JobSystemDetails } from "../api/types";
import { useGet } from "../api/use";
import { count, counted, millis, short, text } from "../lib/format";
import { type Tone, jobSystemTone } from "../lib/verdicts";
import { CopyButton } from "../parts/copy";
import { Failure } from "../parts/failure";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { nameOf } from "../parts/names";
import { Page } from "../parts/page";
import { Badge, Card, Empty, Facts, Mono, Progress, Skeleton, When } from "../parts/small";

const stepTone = (outcome: string | null | undefined): Tone =>
	!outcome ? "quiet" : /^(ok|done|good|applied|passed|success)/i.test(outcome) ? "good" : /skip|none|not/i.test(outcome) ? "quiet" : "bad";

const endOf = (r: JobSystemDetails): string =>
	r.after_level === null || r.after_level === undefined ? "It is not known how it ended" : r.after_level === (r.before_level ?? 0) ? `${librariesOf(r.result).length > 0 ? "Its kernel" : "It"} runs what it ran before` : `It runs level ${r.after_level}`;

interface JobLibrary {
	build_id: string;
	name: string;
	outcome: string;
	level: number;
	processes: number;
	patched: number;
	why: [string, unknown][];
	error: string;
}

/** What the signed result says of libraries, as far as it is what it is to be. */
function librariesOf(result: unknown): JobLibrary[] {
	const list = typeof result === "object" && result !== null && "libraries" in result ? result.libraries : null;
	return (Array.isArray(list) ? list : [])
		.filter((l): l is Record<string, unknown> => typeof l === "object" && l !== null)
		.map((l) => ({
			build_id: text(l.build_id),
			name: text(l.name),
			outcome: text(l.outcome),
			level: Number(l.level) || 0,
			processes: Number(l.processes) || 0,
			patched: Number(l.patched) || 0,
			why: Object.entries(l.reasons ?? {}).filter(([, n]) => Number(n) > 0),
			error: typeof l.error === "object" && l.error !== null && "message" in l.error ? text(l.error.message) : "",
		}));
}

function Libraries({ of }: { of: JobLibrary[] }) {
	return (
		<Card title="Libraries">
			<ul class="libs">
				{of.map((l, i) => (
					<li key={`${l.build_id}${i}`} class="lib">
						<span>
							<strong>{l.name}</strong> <span class="muted">{l.level ? `level ${l.level}` : ""}</span> <span class="mono">{l.outcome}</span>
							<span class="cell-sub mono" title={l.build_id}>
								{short(l.build_id, 16)}
							</span>
							{l.error ? <span class="cell-sub">{l.error}</span> : null}
						</span>
						{l.processes ? (
							<span>
								<span class="lib-count">
									{count(l.patched)} of {counted(l.processes, "process", "processes")}
								</span>
								<Progress value={l.patched} max={l.processes} label={`${l.name}: ${l.patched} of ${l.processes} processes patched`} />
								{l.why.length > 0 ? <span class="cell-sub">{l.why.map(([word, n]) => `${text(n)} ${word}`).join(", ")}</span> : null}
							</span>
						) : null}
					</li>
				))}
			</ul>
		</Card>
	);
}

export function JobSystemPage({ params }: { params: Record<string, string> }) {
	const job = params.id ?? "";
	const { data: r, error, reload } = useGet<JobSystemDetails>(`/v1/jobs/${part(job)}/systems/${part(params.system ?? "")}`, ["job"]);
	const libraries = librariesOf(r?.result);
	const doc = r?.result ? JSON.stringify(r.result, null, 2) : "";
	return (
		<Page title={r ? nameOf(r.system) : "Result"} back={{ to: `/jobs/${part(job)}`, label: "Job" }} kicker={r ? <Badge tone={jobSystemTone(r.state)}>{r.state}</Badge> : null}>
			{error ? <Failure problem={error} retry={reload} /> : null}
			{!r && !error ? (
				<Card title="Result">
					<Skeleton lines={5} />
				</Card>
			) : null}
			{r ? (
				<>
					{r.state === "failed" ? (
						<div class="notice tone-bad" role="status">
							<Icon name="cve" />
							<div class="notice-body">
								<p class="notice-title">{endOf(r)}</p>
								<p>{r.message || r.reason || "It did not say why."}</p>
							</div>
							<Link class="button small" to={`/systems/${part(r.system.id)}`}>
								The system
							</Link>
						</div>
					) : null}
					<Card title="Result">
						<div class="stack">
							{r.message && r.state !== "failed" ? <p>{r.message}</p> : null}
							<Facts
								of={[
									{ name: "System", value: <Link to={`/systems/${part(r.system.id)}`}>{nameOf(r.system)}</Link> },
									{ name: "System ID", value: r.system.system_id ? <Mono>{r.system.system_id}</Mono> : null },
									{ name: "Outcome", value: r.outcome },
									r.reason && r.reason !== r.outcome ? { name: "Reason", value: <Mono>{r.reason}</Mono> } : null,
									{ name: "Kernel level", value: r.after_level === null || r.after_level === undefined ? null : `${r.before_level ?? 0} → ${r.after_level}` },
									{ name: "Offered", value: <When at={r.offered_at} none="not yet" /> },
									{ name: "Finished", value: <When at={r.finished_at} none="not yet" /> },
									{ name: "Took", value: millis(r.took_ms) },
									{ name: "Signature of the result", value: r.signature ? <Badge tone={r.signature === "good" ? "good" : "bad"}>{r.signature}</Badge> : null },
								]}
							/>
						</div>
					</Card>
					{libraries.length > 0 ? <Libraries of={libraries} /> : null}
					<Card title="Steps">
						{r.steps && r.steps.length > 0 ? (
							<ol class="steps">
								{r.steps.map((s, i) => (
									<li key={`${s.step}${i}`} class={`tone-${stepTone(s.outcome)}`}>
										<Icon name={stepTone(s.outcome) === "bad" ? "close" : stepTone(s.outcome) === "good" ? "check" : "clock"} />
										<strong>{s.step}</strong>
										<span class="muted">{millis(s.took_ms)}</span>
										<span>
											{s.outcome === "ok" && s.text ? null : <span class="mono">{s.outcome}</span>} {s.text}
										</span>
									</li>
								))}
							</ol>
						) : (
							<Empty icon="clock" title="No steps yet">
								The system tells them with its result, when it is done.
							</Empty>
						)}
					</Card>
					{doc ? (
						<Card title="The result as it was signed" aside={<CopyButton text={doc} label="Copy JSON" />}>
							<pre class="json" tabIndex={0} aria-label="The result as JSON">
								{doc}
							</pre>
						</Card>
					) : null}
				</>
			) : null}
		</Page>
	);
}
