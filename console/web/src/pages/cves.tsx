// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { Cve } from "../api/types";
import { count } from "../lib/format";
import { verdictOrder, verdicts } from "../lib/verdicts";
import { Export } from "../parts/export";
import { Filters, SearchFilter, SelectFilter } from "../parts/filters";
import { Icon } from "../parts/icons";
import { JobDialog } from "../parts/job-dialog";
import { Link } from "../parts/link";
import { Some } from "../parts/names";
import { Page } from "../parts/page";
import { Card, Empty, Severity, VerdictBar } from "../parts/small";
import { List, useList } from "../parts/table";

const filters = ["q", "verdict", "severity", "sort"];

export const severities = [
	["critical", "Critical"],
	["high", "High"],
	["medium", "Medium"],
	["low", "Low"],
] as const;

export function CvesPage() {
	const list = useList<Cve>("/v1/cves", filters, ["scan", "job", "posture"]);
	const operator = useMay("operator");
	const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
	const [making, setMaking] = useState(false);
	return (
		<Page title="CVEs" note="What scans found, by CVE, worst first. Select some to live patch every system on which a fix for them is ready." actions={<Export name="cves" filters={filters} />}>
			<Card flush>
				<Filters>
					<SearchFilter label="CVE" />
					<SelectFilter name="severity" label="Severity" options={severities} />
					<SelectFilter name="verdict" label="Verdict" options={verdictOrder.map((v) => [v, verdicts[v].label] as const)} />
				</Filters>
				<List
					list={list}
					caption="CVEs"
					rowKey={(c) => c.cve}
					picking={operator ? { picked, set: setPicked, name: (id) => id } : undefined}
					columns={[
						{
							key: "cve",
							title: "CVE",
							cell: (c) => (
								<Link class="cell-main nowrap" to={`/cves/${part(c.cve)}`}>
									{c.cve}
								</Link>
							),
						},
						{ key: "severity", title: "Severity", cell: (c) => <Severity of={c.severity} /> },
						{ key: "exposed", title: "Exposed", number: true, cell: (c) => count(c.exposed) },
						{ key: "systems", title: "Systems", number: true, cell: (c) => count(c.systems) },
						{ key: "ready", title: "Fix ready", number: true, cell: (c) => count(c.verdicts?.["fix-ready"] ?? 0) },
						{ key: "verdicts", title: "Verdicts", cell: (c) => <VerdictBar verdicts={c.verdicts} /> },
						{ key: "products", title: "In", cell: (c) => <Some of={c.products} /> },
						{ key: "patchsets", title: "Patchsets", minor: true, cell: (c) => <Some of={c.patchsets} max={2} /> },
					]}
					empty={
						list.filtered ? (
							<Empty icon="search" title="No CVE is like that" action={<Link class="button" to="/cves">Show all CVEs</Link>}>
								Take a filter away.
							</Empty>
						) : (
							<Empty icon="cve" title="No CVEs yet" action={<Link class="button" to="/scans">Import a scan</Link>}>
								CVEs appear when a scan names them.
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
				<JobDialog
					close={() => setMaking(false)}
					select={{ cves: [...picked], verdicts: ["fix-ready"] }}
					title={picked.size <= 2 ? `Close ${[...picked].join(" and ")}` : `Close ${picked.size} CVEs`}
				/>
			) : null}
		</Page>
	);
}
