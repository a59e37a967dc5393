// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { Job, JobSelect } from "../api/types";
import { count } from "../lib/format";
import { useQuery } from "../lib/url";
import { isVerdict, jobSystemOrder, jobTone } from "../lib/verdicts";
import { Export } from "../parts/export";
import { Icon } from "../parts/icons";
import { JobDialog } from "../parts/job-dialog";
import { Link } from "../parts/link";
import { Page } from "../parts/page";
import { Badge, Card, Empty, When } from "../parts/small";
import { List, useList } from "../parts/table";

/** How many systems are in which state, as a bar and in words. */
export function JobBar({ of }: { of: Job["counts"] }) {
	const present = jobSystemOrder.filter((s) => (of?.[s] ?? 0) > 0);
	const said = present.map((s) => `${count(of?.[s])} ${s}`).join(", ");
	return (
		<span title={said}>
			<span class="job-bar" aria-hidden="true">
				{present.map((s) => (
					<span key={s} class={`j-${s}`} style={{ flexGrow: of?.[s] ?? 0 }} />
				))}
			</span>
			<span class="sr">{said || "no systems"}</span>
		</span>
	);
}

export function JobsPage() {
	const list = useList<Job>("/v1/jobs", [], ["job"]);
	const operator = useMay("operator");
	const [query, setQuery] = useQuery();
	const [making, setMaking] = useState(false);
	const verdict = query.get("verdict");
	const select = useMemo<JobSelect>(() => ({ verdicts: [isVerdict(verdict) ? verdict : "fix-ready"] }), [verdict]);
	return (
		<Page
			title="Jobs"
			actions={
				<>
					<Export name="jobs" filters={[]} />
					{operator ? (
						<button type="button" class="button primary" onClick={() => setMaking(true)}>
							<Icon name="plus" /> New job
						</button>
					) : null}
				</>
			}
		>
			<Card flush>
				<List
					list={list}
					caption="Jobs"
					rowKey={(j) => j.id}
					columns={[
						{
							key: "title",
							title: "Job",
							grow: true,
							cell: (j) => (
								<>
									<Link class="cell-main" to={`/jobs/${part(j.id)}`}>
										{j.title || "Job"}
									</Link>
									<span class="cell-sub">
										{j.action}
										{j.products?.length ? ` · ${j.products.join(", ")}` : ""}
										{j.dry_run ? " · dry run" : ""}
									</span>
								</>
							),
						},
						{
							key: "state",
							title: "State",
							cell: (j) => <Badge tone={jobTone(j.state)}>{j.state}</Badge>,
						},
						{ key: "bar", title: "Systems", cell: (j) => <JobBar of={j.counts} /> },
						{ key: "done", title: "Done", number: true, cell: (j) => `${count(j.counts?.done ?? 0)} of ${count(j.counts?.total ?? 0)}` },
						{ key: "failed", title: "Failed", number: true, cell: (j) => (j.counts?.failed ? <Badge tone="bad">{count(j.counts.failed)}</Badge> : "0") },
						{
							key: "created",
							title: "Made",
							cell: (j) => (
								<>
									<When at={j.created} />
									{j.created_by ? <span class="cell-sub">by {j.created_by}</span> : null}
								</>
							),
						},
					]}
					empty={
						<Empty
							icon="jobs"
							title="No jobs yet"
							action={
								operator ? (
									<button type="button" class="button primary" onClick={() => setMaking(true)}>
										New job
									</button>
								) : undefined
							}
						>
							A job applies live patches to systems and tells what became of it. It can also be made from CVEs, findings and systems.
						</Empty>
					}
				/>
			</Card>
			{operator && (making || query.has("new")) ? (
				<JobDialog
					select={select}
					title="Live patch what is ready"
					close={() => {
						setMaking(false);
						if (query.has("new")) setQuery({ new: null, verdict: null }, { replace: true });
					}}
				/>
			) : null}
		</Page>
	);
}
