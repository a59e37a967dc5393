// SPDX-License-Identifier: Apache-2.0
// One CVE: which systems have it, by verdict, and what closes it.
import { useState } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { CveDetails, CveSystem } from "../api/types";
import { useGet } from "../api/use";
import { count, counted, relative } from "../lib/format";
import { usePlace } from "../lib/url";
import { verdictOf, verdictOrder, verdicts } from "../lib/verdicts";
import { Failure } from "../parts/failure";
import { Filters, SelectFilter } from "../parts/filters";
import { Icon } from "../parts/icons";
import { JobDialog } from "../parts/job-dialog";
import { Link, Outside } from "../parts/link";
import { SystemLink, nameOf } from "../parts/names";
import { Page } from "../parts/page";
import { Badge, Card, Dash, Empty, Mono, Severity, Skeleton, VerdictBadge, VerdictBar } from "../parts/small";
import { List, Table, useList } from "../parts/table";

export function CvePage({ params }: { params: Record<string, string> }) {
	const name = params.cve ?? "";
	const path = `/v1/cves/${part(name)}`;
	const { data: c, error, reload } = useGet<CveDetails>(path, ["scan", "job", "posture"]);
	const list = useList<CveSystem>(`${path}/systems`, ["verdict"], ["scan", "job"]);
	const { path: here } = usePlace();
	const operator = useMay("operator");
	const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
	const [making, setMaking] = useState<"all" | "picked" | null>(null);
	const names = new Map((list.rows ?? []).map((r) => [r.system.id, nameOf(r.system)]));
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
						<button type="button" class="button primary" onClick={() => setMaking("all")}>
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
								<>
									<VerdictBar verdicts={c.verdicts} wide />
									<ul class="legend">
										{verdictOrder
											.filter((v) => (c.verdicts?.[v] ?? 0) > 0)
											.map((v) => (
												<li key={v}>
													<Link to={`${here}?verdict=${v}`} title={verdicts[v].says}>
														<span class={`legend-swatch v-${v}`} aria-hidden="true" />
														{verdicts[v].label}
														<span class="legend-count">{count(c.verdicts?.[v])}</span>
													</Link>
												</li>
											))}
									</ul>
								</>
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
			<Card title="Systems" flush>
				<Filters>
					<SelectFilter name="verdict" label="Verdict" options={verdictOrder.map((v) => [v, verdicts[v].label] as const)} />
				</Filters>
				<List
					list={list}
					caption={`Systems with ${name}`}
					rowKey={(r) => r.system.id}
					picking={operator ? { picked, set: setPicked, name: (id) => names.get(id) ?? id } : undefined}
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
						<Empty icon="search" title={list.filtered ? "No system has this verdict" : "No system has it"} action={list.filtered ? <Link class="button" to={here}>Show all</Link> : undefined}>
							{list.filtered ? "Take the filter away." : "No scan of a present system names this CVE."}
						</Empty>
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
					<button type="button" class="button primary" onClick={() => setMaking("picked")}>
						<Icon name="bolt" /> Live patch these
					</button>
				</div>
			) : null}
			{making ? (
				<JobDialog
					close={() => setMaking(null)}
					title={`Close ${name}`}
					select={making === "picked" ? { systems: [...picked], cves: [name] } : { cves: [name], verdicts: ["fix-ready"] }}
				/>
			) : null}
		</Page>
	);
}
