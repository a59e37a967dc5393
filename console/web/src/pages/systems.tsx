// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { System } from "../api/types";
import { count } from "../lib/format";
import { usePlace } from "../lib/url";
import { verdictOrder, verdicts } from "../lib/verdicts";
import { ChipFilter, Filters, SearchFilter, SelectFilter } from "../parts/filters";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { nameOf } from "../parts/names";
import { Page } from "../parts/page";
import { Export } from "../parts/export";
import { Badge, Card, Dash, Empty, ProtectionBadge, VerdictBar, When } from "../parts/small";
import { List, useList } from "../parts/table";
import { JobDialog } from "../parts/job-dialog";

const filters = ["q", "state", "verdict", "cve", "feed", "tag", "protection", "sort"];

export function SystemsPage() {
	const list = useList<System>("/v1/systems", filters, ["system", "job", "scan"]);
	const operator = useMay("operator");
	const keys = useMay("key-manager");
	const { query } = usePlace();
	const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
	const [making, setMaking] = useState(false);
	const names = new Map((list.rows ?? []).map((s) => [s.id, nameOf(s)]));
	return (
		<Page
			title="Systems"
			actions={
				<>
					<Export name="systems" filters={filters} />
					{keys ? (
						<Link class="button primary" to="/keys?tab=enrolments">
							<Icon name="plus" /> Add a server
						</Link>
					) : null}
				</>
			}
		>
			<Card flush>
				<Filters>
					<SearchFilter label="Name, address or System ID" />
					<SelectFilter
						name="protection"
						label="Protection"
						options={[
							["exposed", "Exposed"],
							["protected", "Protected"],
							["unknown", "Not scanned"],
							["offline", "Offline"],
						]}
					/>
					<SelectFilter name="verdict" label="Verdict" options={verdictOrder.map((v) => [v, verdicts[v].label] as const)} />
					<ChipFilter name="cve" label="CVE" />
					<ChipFilter name="feed" label="Feed" />
					<ChipFilter name="tag" label="Tag" />
					<ChipFilter name="state" label="State" />
				</Filters>
				<List
					list={list}
					caption="Systems"
					rowKey={(s) => s.id}
					sorted="name"
					picking={operator ? { picked, set: setPicked, name: (id) => names.get(id) ?? id } : undefined}
					columns={[
						{
							key: "name",
							title: "System",
							sort: "name",
							cell: (s) => (
								<>
									<Link class="cell-main" to={`/systems/${part(s.id)}`}>
										{nameOf(s)}
									</Link>
									<span class="cell-sub">{s.os || s.addresses?.[0] || ""}</span>
								</>
							),
						},
						{ key: "protection", title: "Protection", cell: (s) => <ProtectionBadge protection={s.protection} /> },
						{ key: "exposed", title: "Open", sort: "exposed", number: true, cell: (s) => (s.scanned_at ? count(s.exposed) : <Dash />) },
						{ key: "verdicts", title: "Verdicts", cell: (s) => <VerdictBar verdicts={s.verdicts} /> },
						{
							key: "kernel",
							title: "Kernel",
							keep: true,
							cell: (s) => (
								<>
									<span class="mono">{s.kernel?.release || "–"}</span>
									<span class="cell-sub">{s.level ? `level ${s.level}${s.patchset ? ` · ${s.patchset}` : ""}` : "no live patch"}</span>
								</>
							),
						},
						{ key: "feed", title: "Feed", minor: true, cell: (s) => s.feed || <Dash /> },
						{
							key: "scanned",
							title: "Scanned",
							minor: true,
							cell: (s) => <When at={s.scanned_at} />,
						},
						{
							key: "seen",
							title: "Last seen",
							sort: "seen",
							cell: (s) => (
								<>
									<When at={s.last_seen} />
									{s.silent ? (
										<span class="cell-sub">
											<Badge tone="warn">silent</Badge>
										</span>
									) : null}
								</>
							),
						},
					]}
					empty={
						list.filtered ? (
							<Empty icon="search" title="No system is like that" action={<Link class="button" to="/systems">Show all systems</Link>}>
								Take a filter away or look for something shorter.
							</Empty>
						) : (
							<Empty
								icon="systems"
								title="No systems yet"
								action={
									keys ? (
										<Link class="button primary" to="/keys?tab=enrolments">
											Add a server
										</Link>
									) : undefined
								}
							>
								Enrol a server at the portal, or import a scan: its hosts appear here.
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
					select={{ systems: [...picked], ...(query.get("cve") ? { cves: [query.get("cve") as string] } : {}) }}
					title={picked.size === 1 ? `Patch ${names.get([...picked][0] as string) ?? "one system"}` : `Patch ${picked.size} systems`}
				/>
			) : null}
		</Page>
	);
}
