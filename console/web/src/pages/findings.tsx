// SPDX-License-Identifier: Apache-2.0
// What scanners call it: definitions, plugins. Each stands for one or more CVEs.
import { part } from "../api/client";
import type { Finding } from "../api/types";
import { count } from "../lib/format";
import { openOf } from "../lib/verdicts";
import { Export } from "../parts/export";
import { SearchFilter, VerdictFilter } from "../parts/filters";
import { Link } from "../parts/link";
import { ListPage, useList } from "../parts/list";
import { Some, cvePath } from "../parts/names";
import { Empty, Ready, VerdictBadge, VerdictBar } from "../parts/small";

const filters = ["q", "verdict"];

export function FindingsPage() {
	const list = useList<Finding>("/v1/findings", filters, ["scan", "job"]);
	return (
		<ListPage
			heading="Findings"
			note="As scanners name them: a definition or a plugin may stand for several CVEs; its verdict is that of the worst."
			actions={<Export name="findings" filters={filters} />}
			filters={
				<>
					<SearchFilter label="Key, title or CVE" />
					<VerdictFilter />
				</>
			}
			list={list}
			one="finding"
			caption="Findings of scanners"
			rowKey={(f) => f.id}
			patching={{
				name: (f) => f.key,
				select: (findings) => ({ findings, verdicts: ["fix-ready"] }),
				title: (keys) => `Close ${keys.length === 1 ? keys[0] : `${keys.length} findings`}`,
			}}
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
				{ key: "open", title: "Open", number: true, cell: (f) => count(openOf(f.verdicts)) },
				{ key: "ready", title: "Fix ready", number: true, cell: (f) => <Ready of={f.verdicts} /> },
				{ key: "verdicts", title: "Verdicts", cell: (f) => <VerdictBar verdicts={f.verdicts} /> },
				{ key: "cves", title: "CVEs", cell: (f) => <Some of={f.cves} max={2} link={cvePath} /> },
			]}
			empty={
				<Empty icon="findings" title="No findings yet" action={<Link class="button" to="/scans">Import a scan</Link>}>
					They come with scans. Those of the built-in scan are CVEs only.
				</Empty>
			}
		/>
	);
}
