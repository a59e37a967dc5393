// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { Job, JobSelect } from "../api/types";
import { count } from "../lib/format";
import { useQuery } from "../lib/url";
import { isVerdict, jobOf, jobSystemOrder } from "../lib/verdicts";
import { Export } from "../parts/export";
import { Icon } from "../parts/icons";
import { JobDialog, actionWords } from "../parts/job-dialog";
import { Link } from "../parts/link";
import { ListPage, useList } from "../parts/list";
import { Badge, Empty, When } from "../parts/small";

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

export function JobState({ of }: { of: Job }) {
	const { label, tone } = jobOf(of);
	return <Badge tone={tone}>{label}</Badge>;
}

export function JobsPage() {
	const list = useList<Job>("/v1/jobs", [], ["job"]);
	const operator = useMay("operator");
	const [query, setQuery] = useQuery();
	const [making, setMaking] = useState(false);
	const verdict = query.get("verdict");
	const select = useMemo<JobSelect>(() => ({ verdicts: [isVerdict(verdict) ? verdict : "fix-ready"] }), [verdict]);
	return (
		<ListPage
			heading="Jobs"
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
			list={list}
			one="job"
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
								{actionWords(j.action)}
								{j.products?.length ? ` · ${j.products.join(", ")}` : ""}
								{j.dry_run ? " · dry run" : ""}
							</span>
						</>
					),
				},
				{
					key: "state",
					title: "State",
					cell: (j) => <JobState of={j} />,
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
		>
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
		</ListPage>
	);
}
