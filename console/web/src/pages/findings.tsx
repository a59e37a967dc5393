// SPDX-License-Identifier: Apache-2.0
// What scanners call it: definitions, plugins. Each stands for one or more CVEs.
import { useState } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { Finding } from "../api/types";
import { count } from "../lib/format";
import { verdictOrder, verdicts } from "../lib/verdicts";
import { Export } from "../parts/export";
import { Filters, SearchFilter, SelectFilter } from "../parts/filters";
import { Icon } from "../parts/icons";
import { JobDialog } from "../parts/job-dialog";
import { Link } from "../parts/link";
import { Some } from "../parts/names";
import { Page } from "../parts/page";
import { Card, Empty, VerdictBadge, VerdictBar } from "../parts/small";
import { List, useList } from "../parts/table";

const filters = ["q", "verdict"];

export function FindingsPage() {
	const list = useList<Finding>("/v1/findings", filters, ["scan", "job"]);
	const operator = useMay("operator");
	const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
	const [making, setMaking] = useState(false);
	const keys = new Map((list.rows ?? []).map((f) => [f.id, f.key]));
	return (
		<Page title="Findings" note="As scanners name them: a definition or a plugin may stand for several CVEs; its verdict is that of the worst." actions={<Export name="findings" filters={filters} />}>
			<Card flush>
				<Filters>
					<SearchFilter label="Key, title or CVE" />
					<SelectFilter name="verdict" label="Verdict" options={verdictOrder.map((v) => [v, verdicts[v].label] as const)} />
				</Filters>
				<List
					list={list}
					caption="Findings of scanners"
					rowKey={(f) => f.id}
					picking={operator ? { picked, set: setPicked, name: (id) => keys.get(id) ?? id } : undefined}
					columns={[
						{
							key: "key",
							title: "Finding",
							grow: true,
							cell: (f) => (
								<>
									<Link class="cell-main" to={`/findings/${part(f.id)}`}>
										{f.title || f.key}
									</Link>
									<span class="cell-sub mono">{f.key}</span>
								</>
							),
						},
						{ key: "verdict", title: "Verdict", cell: (f) => <VerdictBadge verdict={f.verdict} /> },
						{ key: "systems", title: "Systems", number: true, cell: (f) => count(f.systems) },
						{ key: "verdicts", title: "By verdict", cell: (f) => <VerdictBar verdicts={f.verdicts} /> },
						{ key: "cves", title: "CVEs", cell: (f) => <Some of={f.cves} max={2} /> },
					]}
					empty={
						list.filtered ? (
							<Empty icon="search" title="No finding is like that" action={<Link class="button" to="/findings">Show all findings</Link>}>
								Take a filter away.
							</Empty>
						) : (
							<Empty icon="findings" title="No findings yet" action={<Link class="button" to="/scans">Import a scan</Link>}>
								They come with scans. Those of the built-in scan are CVEs only.
							</Empty>
						)
					}
				/>
			</Card>
			{picked.size > 0 ? (
				<div class="pickbar">
					<span>
						<strong>{picked.size}</strong> selected
					</span>
					<button type="button" class="button ghost" onClick={() => setPicked(new Set())}>
						Clear
					</button>
					<button type="button" class="button primary" onClick={() => setMaking(true)}>
						<Icon name="bolt" /> Live patch these
					</button>
				</div>
			) : null}
			{making ? (
				<JobDialog close={() => setMaking(false)} select={{ findings: [...picked], verdicts: ["fix-ready"] }} title={`Close ${picked.size === 1 ? (keys.get([...picked][0] as string) ?? "a finding") : `${picked.size} findings`}`} />
			) : null}
		</Page>
	);
}
