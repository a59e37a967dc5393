// SPDX-License-Identifier: Apache-2.0
// What runs in the fleet, and whether patches are made for it.
import type { Coverage } from "../api/types";
import { count, short } from "../lib/format";
import { ListPage, useList } from "../parts/list";
import { Badge, Dash, Empty, Mono } from "../parts/small";

export function CoveragePage() {
	const list = useList<Coverage>("/v1/coverage", [], ["portal", "system"]);
	return (
		<ListPage
			heading="Coverage"
			note="The kernels and libraries that run in this fleet, and whether live patches are made for them."
			list={list}
			one="kernel or library"
			caption="Kernels and libraries of the fleet"
			rowKey={(c) => c.build_id}
			columns={[
				{
					key: "package",
					title: "Kernel or library",
					grow: true,
					cell: (c) => (
						<>
							<span class="cell-main">{c.package || c.release || <Mono>{short(c.build_id, 20)}</Mono>}</span>
							<span class="cell-sub mono" title={c.build_id}>
								{c.package_version || ""} {short(c.build_id)}
							</span>
						</>
					),
				},
				{ key: "product", title: "Kind", cell: (c) => c.product ?? <Dash /> },
				{ key: "systems", title: "Systems", number: true, cell: (c) => count(c.systems) },
				{ key: "known", title: "Patches", cell: (c) => (c.known ? <Badge tone="good">Covered</Badge> : <Badge tone="warn">Not covered</Badge>) },
				{ key: "newest", title: "Newest level", number: true, cell: (c) => c.newest_level ?? <Dash /> },
				{ key: "fixed", title: "CVEs closed", number: true, cell: (c) => (c.known ? count(c.fixed ?? 0) : <Dash />) },
				{ key: "reboot", title: "Need a reboot", number: true, cell: (c) => (c.known ? count(c.pending_reboot ?? 0) : <Dash />) },
			]}
			empty={
				<Empty icon="coverage" title="Nothing is known to run">
					Kernels and libraries appear when registered systems have told what they run.
				</Empty>
			}
		/>
	);
}
