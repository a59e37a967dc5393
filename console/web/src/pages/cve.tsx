// SPDX-License-Identifier: Apache-2.0
// One CVE: which systems have it, by verdict, and what closes it.
import { useState } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { CveDetails, CveSystem } from "../api/types";
import { useGet } from "../api/use";
import { counted, relative } from "../lib/format";
import { usePlace } from "../lib/url";
import { verdictOf } from "../lib/verdicts";
import { Failure } from "../parts/failure";
import { VerdictFilter } from "../parts/filters";
import { Icon } from "../parts/icons";
import { JobDialog } from "../parts/job-dialog";
import { Outside } from "../parts/link";
import { SystemLink, nameOf } from "../parts/names";
import { Page } from "../parts/page";
import { Badge, Card, Dash, Empty, Mono, Severity, Skeleton, VerdictBadge, VerdictLegend } from "../parts/small";
import { ListCard, useList } from "../parts/list";
import { Table } from "../parts/table";

export function CvePage({ params }: { params: Record<string, string> }) {
	const name = params.cve ?? "";
	const path = `/v1/cves/${part(name)}`;
	const { data: c, error, reload } = useGet<CveDetails>(path, ["scan", "job", "posture"]);
	const list = useList<CveSystem>(`${path}/systems`, ["verdict"], ["scan", "job"]);
	const { path: here } = usePlace();
	const operator = useMay("operator");
	const [making, setMaking] = useState(false);
	const ready = c?.verdicts?.["fix-ready"] ?? 0;
	const known = /^CVE-\d{4}-\d{4,}$/.test(name);
	return (
		<Page
			title={name}
			back={{ to: "/cves", label: "CVEs" }}
			kicker={c ? <Severity of={c.severity} /> : null}
			actions={
				<>
					{known ? (
						<Outside class="button" href={`https://www.cve.org/CVERecord?id=${name}`}>
							cve.org <Icon name="out" size={14} />
						</Outside>
					) : null}
					{operator && ready > 0 ? (
						<button type="button" class="button primary" onClick={() => setMaking(true)}>
							<Icon name="bolt" /> Live patch {counted(ready, "system")}
						</button>
					) : null}
				</>
			}
		>
			{error ? <Failure problem={error} retry={reload} /> : null}
			{c || !error ? (
				<div class="grid even">
					<div class="third">
						<Card title="Systems by verdict" aside={c ? <span class="muted">{counted(c.systems, "system")}</span> : null}>
							{c ? (
								<VerdictLegend verdicts={c.verdicts} to={(v) => `${here}?verdict=${v}`} />
							) : (
								<Skeleton lines={5} />
							)}
						</Card>
					</div>
					<div class="two-thirds">
						<Card title="What closes it" flush>
							<Table
								caption="Live patches and packages that close it"
								rows={c ? (c.fixes ?? []) : undefined}
								expect={3}
								rowKey={(f) => `${f.target ?? ""} ${f.package ?? ""} ${f.patchset ?? ""} ${f.level ?? ""}`}
								columns={[
									{
										key: "target",
										title: "For",
										grow: true,
										cell: (f) => (
											<>
												{f.package || f.target || <Dash />}
												<span class="cell-sub">{f.product}</span>
											</>
										),
									},
									{ key: "patchset", title: "Patchset", keep: true, cell: (f) => (f.patchset ? <Mono>{f.patchset}</Mono> : <Dash />) },
									{ key: "level", title: "Level", number: true, cell: (f) => f.level ?? <Dash /> },
									{ key: "status", title: "State", cell: (f) => (f.status ? <Badge tone={/active|fixed|ok/.test(f.status) ? "good" : "warn"}>{f.status}</Badge> : <Dash />) },
									{ key: "fixed", title: "Package that has it", cell: (f) => (f.fixed_in ? <Mono>{f.fixed_in}</Mono> : <Dash />) },
								]}
								empty={
									<Empty icon="patches" title="No live patch closes it">
										The portal’s coverage names none for the kernels and libraries of this fleet.
									</Empty>
								}
							/>
						</Card>
					</div>
				</div>
			) : null}
			<ListCard
				title="Systems"
				filters={<VerdictFilter />}
				list={list}
				one="system"
				caption={`Systems with ${name}`}
				rowKey={(r) => r.system.id}
				patching={{ name: (r) => nameOf(r.system), select: (systems) => ({ systems, cves: [name] }), title: () => `Close ${name}` }}
				columns={[
					{ key: "system", title: "System", cell: (r) => <SystemLink of={r.system} sub /> },
					{ key: "verdict", title: "Verdict", cell: (r) => <VerdictBadge verdict={r.verdict} /> },
					{
						key: "detail",
						title: "Why",
						grow: true,
						cell: (r) => (
							<>
								{r.detail || <span class="muted">{verdictOf(r.verdict).says}</span>}
								{r.until ? <span class="cell-sub">ends {relative(r.until)}</span> : null}
							</>
						),
					},
					{
						key: "package",
						title: "Package",
						keep: true,
						cell: (r) => (
							<>
								{r.package || <Dash />}
								{r.version ? <span class="cell-sub mono">{r.version}</span> : null}
							</>
						),
					},
				]}
				empty={
					<Empty icon="search" title="No system has it">
						No scan of a present system names this CVE.
					</Empty>
				}
			/>
			{making ? <JobDialog close={() => setMaking(false)} title={`Close ${name}`} select={{ cves: [name], verdicts: ["fix-ready"] }} /> : null}
		</Page>
	);
}
