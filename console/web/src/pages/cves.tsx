// SPDX-License-Identifier: Apache-2.0
import { part } from "../api/client";
import type { Cve } from "../api/types";
import { count } from "../lib/format";
import { Export } from "../parts/export";
import { SearchFilter, SelectFilter, VerdictFilter } from "../parts/filters";
import { Link } from "../parts/link";
import { ListPage, useList } from "../parts/list";
import { Some } from "../parts/names";
import { Empty, Ready, Severity, VerdictBar } from "../parts/small";

const filters = ["q", "verdict", "severity", "sort"];

const severities = [
	["critical", "Critical"],
	["high", "High"],
	["medium", "Medium"],
	["low", "Low"],
] as const;

export function CvesPage() {
	const list = useList<Cve>("/v1/cves", filters, ["scan", "job", "posture"]);
	return (
		<ListPage
			heading="CVEs"
			note="What scans found, by CVE, worst first. Select some to live patch every system on which a fix for them is ready."
			actions={<Export name="cves" filters={filters} />}
			filters={
				<>
					<SearchFilter label="CVE" />
					<SelectFilter name="severity" label="Severity" options={severities} />
					<VerdictFilter />
				</>
			}
			list={list}
			one="CVE"
			caption="CVEs"
			rowKey={(c) => c.cve}
			patching={{
				name: (c) => c.cve,
				select: (cves) => ({ cves, verdicts: ["fix-ready"] }),
				title: (cves) => (cves.length <= 2 ? `Close ${cves.join(" and ")}` : `Close ${cves.length} CVEs`),
			}}
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
				{ key: "ready", title: "Fix ready", number: true, cell: (c) => <Ready of={c.verdicts} /> },
				{ key: "verdicts", title: "Verdicts", cell: (c) => <VerdictBar verdicts={c.verdicts} /> },
				{ key: "products", title: "In", cell: (c) => <Some of={c.products} /> },
				{ key: "patchsets", title: "Patchsets", minor: true, cell: (c) => <Some of={c.patchsets} max={2} /> },
			]}
			empty={
				<Empty icon="cve" title="No CVEs yet" action={<Link class="button" to="/scans">Import a scan</Link>}>
					CVEs appear when a scan names them.
				</Empty>
			}
		/>
	);
}
