// SPDX-License-Identifier: Apache-2.0
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { System } from "../api/types";
import { count } from "../lib/format";
import { usePlace } from "../lib/url";
import { protections } from "../lib/verdicts";
import { Export } from "../parts/export";
import { ChipFilter, SearchFilter, SelectFilter, VerdictFilter } from "../parts/filters";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { ListPage, useList } from "../parts/list";
import { nameOf } from "../parts/names";
import { Badge, Dash, Empty, ProtectionBadge, Ready, VerdictBar, When } from "../parts/small";

const filters = ["q", "state", "verdict", "cve", "feed", "tag", "protection", "sort"];

export function SystemsPage() {
	const list = useList<System>("/v1/systems", filters, ["system", "job", "scan"]);
	const keys = useMay("key-manager");
	const cve = usePlace().query.get("cve");
	return (
		<ListPage
			heading="Systems"
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
			filters={
				<>
					<SearchFilter label="Name, address or System ID" />
					<SelectFilter name="protection" label="Protection" options={Object.entries(protections).map(([p, { label }]) => [p, label] as const)} />
					<VerdictFilter />
					<ChipFilter name="cve" label="CVE" />
					<ChipFilter name="feed" label="Feed" />
					<ChipFilter name="tag" label="Tag" />
					<ChipFilter name="state" label="State" />
				</>
			}
			list={list}
			one="system"
			caption="Systems"
			rowKey={(s) => s.id}
			sorted="name"
			patching={{
				name: nameOf,
				select: (systems) => ({ systems, ...(cve ? { cves: [cve] } : {}) }),
				title: (names) => `Patch ${names.length === 1 ? names[0] : `${names.length} systems`}`,
			}}
			columns={[
				{
					key: "name",
					title: "System",
					sort: "name",
					up: true,
					cell: (s) => (
						<>
							<Link class="cell-main" to={`/systems/${part(s.id)}`}>
								{nameOf(s)}
							</Link>
							<span class="cell-sub">{[s.os || s.addresses?.[0], s.feed].filter(Boolean).join(" · ")}</span>
						</>
					),
				},
				{ key: "protection", title: "Protection", cell: (s) => <ProtectionBadge protection={s.protection} /> },
				{ key: "exposed", title: "Open", sort: "exposed", number: true, cell: (s) => (s.scanned_at ? count(s.exposed) : <Dash />) },
				{ key: "ready", title: "Fix ready", number: true, cell: (s) => <Ready of={s.verdicts} /> },
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
			}
		/>
	);
}
