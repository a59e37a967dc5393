// SPDX-License-Identifier: Apache-2.0
// One job, as it goes on, and what became of every system.
import { useState } from "preact/hooks";
import { part, post } from "../api/client";
import { useMay } from "../api/session";
import type { Job, JobSystem } from "../api/types";
import { useGet } from "../api/use";
import { capital, count, counted, duration, millis, stamp } from "../lib/format";
import { go, usePlace } from "../lib/url";
import { jobSystemOrder, jobSystemSays, jobSystemTone } from "../lib/verdicts";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { SelectFilter } from "../parts/filters";
import { Icon } from "../parts/icons";
import { actionWords, describe } from "../parts/job-dialog";
import { Link } from "../parts/link";
import { nameOf } from "../parts/names";
import { Page } from "../parts/page";
import { Badge, Card, Dash, Empty, Facts, Mono, Skeleton, When } from "../parts/small";
import { ListCard, useList } from "../parts/list";
import { said } from "../parts/toast";
import { JobBar, JobState } from "./jobs";

export function JobPage({ params }: { params: Record<string, string> }) {
	const id = params.id ?? "";
	const path = `/v1/jobs/${part(id)}`;
	const { data: j, error, reload } = useGet<Job>(path, ["job"]);
	const operator = useMay("operator");
	const [asking, setAsking] = useState<"cancel" | "retry" | null>(null);
	// Of a job that stopped by itself also those that were not begun.
	const again = (j?.counts?.failed ?? 0) + (j?.counts?.expired ?? 0) + (j?.state === "stopped" ? (j.counts?.cancelled ?? 0) : 0);
	return (
		<Page
			title={j?.title || "Job"}
			back={{ to: "/jobs", label: "Jobs" }}
			kicker={
				j ? (
					<>
						<JobState of={j} />
						{j.dry_run ? <Badge tone="info">dry run</Badge> : null}
					</>
				) : null
			}
			actions={
				j && operator ? (
					<>
						{j.state === "running" ? (
							<button type="button" class="button" onClick={() => setAsking("cancel")}>
								<Icon name="stop" /> Cancel
							</button>
						) : null}
						{j.state !== "running" && again > 0 ? (
							<button type="button" class="button primary" onClick={() => setAsking("retry")}>
								<Icon name="retry" /> Retry {counted(again, "system")}
							</button>
						) : null}
					</>
				) : null
			}
		>
			{error ? <Failure problem={error} retry={reload} /> : null}
			{j?.stop_reason ? (
				<div class="notice tone-bad slim" role="status">
					<Icon name="cve" />
					<div class="notice-body">
						<strong>The job stopped.</strong> {j.stop_reason}. Those that were not begun stay as they were.
					</div>
				</div>
			) : null}
			{j || !error ? <Progressed j={j} /> : null}
			<Systems path={path} id={id} />
			{asking === "cancel" ? (
				<Confirm
					title="Cancel this job?"
					action="Cancel the job"
					onClose={() => setAsking(null)}
					run={async () => {
						await post(`${path}/cancel`);
						said("The job is cancelled.");
						reload();
					}}
				>
					<p>Systems that have begun finish; the others are left as they are. What is already patched stays patched.</p>
				</Confirm>
			) : null}
			{asking === "retry" ? (
				<Confirm
					title="Retry what failed?"
					action="Retry"
					danger={false}
					onClose={() => setAsking(null)}
					run={async () => {
						const n = await post<Job>(`${path}/retry`);
						said("A new job is on its way.");
						go(`/jobs/${part(n.id)}`);
					}}
				>
					<p>A new job is made of {counted(again, "system")}, with the settings of this one.</p>
				</Confirm>
			) : null}
		</Page>
	);
}

function Progressed({ j }: { j: Job | undefined }) {
	const { path } = usePlace();
	const took = j?.begun ? (stamp(j.ended ?? new Date().toISOString()) - stamp(j.begun)) / 1000 : null;
	return (
		<Card
			title="Progress"
			aside={
				j?.batch && (j.batch.of ?? 0) > 1 ? (
					<span class="muted">
						Batch {count(j.batch.now ?? 0)} of {count(j.batch.of)}
					</span>
				) : null
			}
		>
			{!j ? (
				<Skeleton lines={4} />
			) : (
				<div class="stack">
					<div>
						<JobBar of={j.counts} />
						<ul class="legend" aria-live="polite">
							{jobSystemOrder
								.filter((s) => (j.counts?.[s] ?? 0) > 0 || s === "done" || s === "failed")
								.map((s) => (
									<li key={s}>
										<Link to={`${path}?state=${s}`} class={j.counts?.[s] ? undefined : "none"} title={jobSystemSays[s]}>
											<span class={`legend-swatch j-${s}`} aria-hidden="true" />
											{capital(s)}
											<span class="legend-count">{count(j.counts?.[s] ?? 0)}</span>
										</Link>
									</li>
								))}
						</ul>
					</div>
					<Facts
						of={[
							{ name: "What is done", value: `${actionWords(j.action)}${j.products?.length ? `: ${j.products.join(", ")}` : ""}` },
							{ name: "Selected", value: capital(describe(j.select ?? {})) },
							{ name: "Systems", value: count(j.counts?.total ?? 0) },
							{ name: "Begun", value: <When at={j.begun} none="not yet" /> },
							{ name: j.ended ? "Took" : "Running for", value: took === null ? null : duration(took) },
							{ name: "Tolerates", value: j.max_failed === null || j.max_failed === undefined ? null : counted(j.max_failed, "failure") },
							{ name: "Batches", value: j.batch?.size ? `${count(j.batch.size)} systems, pause ${duration(j.batch.pause_s ?? 0)}` : "All at once" },
							{ name: "Windows", value: j.windows?.length ? j.windows.join("; ") : "At any time" },
							j.not_before ? { name: "Not before", value: <When at={j.not_before} /> } : null,
							{ name: "Gives up", value: <When at={j.expires} none="–" /> },
							{ name: "Made by", value: j.created_by },
							j.retry_of ? { name: "Retry of", value: <Link to={`/jobs/${part(j.retry_of)}`}>the job before</Link> } : null,
						]}
					/>
				</div>
			)}
		</Card>
	);
}

function Systems({ path, id }: { path: string; id: string }) {
	const list = useList<JobSystem>(`${path}/systems`, ["state"], ["job"]);
	return (
		<ListCard
			title="Systems"
			filters={<SelectFilter name="state" label="State" options={jobSystemOrder.map((s) => [s, capital(s)] as const)} />}
			list={list}
			one="system"
			caption="Systems of this job"
			rowKey={(r) => r.system.id}
			columns={[
				{
					key: "system",
					title: "System",
					cell: (r) => (
						<>
							<Link class="cell-main" to={`/jobs/${part(id)}/systems/${part(r.system.id)}`}>
								{nameOf(r.system)}
							</Link>
							<span class="cell-sub mono">{r.system.system_id}</span>
						</>
					),
				},
				{ key: "state", title: "State", cell: (r) => <Badge tone={jobSystemTone(r.state)} title={jobSystemSays[r.state]}>{r.state}</Badge> },
				{
					key: "outcome",
					title: "Outcome",
					grow: true,
					cell: (r) =>
						r.outcome || r.message || r.reason ? (
							<>
								{r.outcome ?? ""} {r.reason && r.reason !== r.outcome ? <Mono>{r.reason}</Mono> : null}
								{r.message ? <span class="cell-sub">{r.message}</span> : null}
							</>
						) : (
							<Dash />
						),
				},
				{ key: "level", title: "Kernel level", cell: (r) => (r.after_level === null || r.after_level === undefined ? <Dash /> : <span class="nowrap">{`${r.before_level ?? 0} → ${r.after_level}`}</span>) },
				{ key: "took", title: "Took", number: true, cell: (r) => (r.took_ms === null || r.took_ms === undefined ? <Dash /> : millis(r.took_ms)) },
				{ key: "batch", title: "Batch", number: true, minor: true, cell: (r) => r.batch ?? <Dash /> },
				{ key: "finished", title: "Finished", cell: (r) => <When at={r.finished_at} none="–" /> },
			]}
			empty={
				<Empty icon="systems" title="No systems">
					Nothing matched what was selected when the job was made.
				</Empty>
			}
		/>
	);
}
