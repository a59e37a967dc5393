// SPDX-License-Identifier: Apache-2.0
// The patchsets that the portal offers, newest first.
import type { Patch } from "../api/types";
import { count, counted } from "../lib/format";
import { ListPage, useList } from "../parts/list";
import { CveLink } from "../parts/names";
import { Badge, Dash, Empty, Mono, Tags, When } from "../parts/small";

export function PatchesPage() {
	const list = useList<Patch>("/v1/patches", [], ["portal", "job"]);
	return (
		<ListPage
			heading="Patches"
			note="Patchsets of live patches, as the portal’s coverage names them for the kernels and libraries of this fleet."
			list={list}
			one="patchset"
			caption="Patchsets"
			rowKey={(p) => p.patchset}
			columns={[
				{
					key: "patchset",
					title: "Patchset",
					keep: true,
					cell: (p) => (
						<>
							<span class="cell-main mono">{p.patchset}</span>
							<span class="cell-sub">{p.product}</span>
						</>
					),
				},
				{ key: "released", title: "Released", cell: (p) => <When at={p.released} none="–" /> },
				{ key: "feeds", title: "Feeds", cell: (p) => <Tags of={p.feeds} /> },
				{ key: "running", title: "Running", number: true, cell: (p) => count(p.running ?? 0) },
				{ key: "waiting", title: "Waiting", number: true, cell: (p) => (p.waiting ? <Badge tone="ready">{count(p.waiting)}</Badge> : "0") },
				{ key: "held", title: "Held", number: true, cell: (p) => (p.held ? <Badge tone="warn">{count(p.held)}</Badge> : "0") },
				{
					key: "cves",
					title: "Closes",
					grow: true,
					cell: (p) =>
						p.cves && p.cves.length > 0 ? (
							<details>
								<summary>{counted(p.cves.length, "CVE")}</summary>
								<div class="row">
									{p.cves.slice(0, 200).map((c) => (
										<CveLink key={c} cve={c} />
									))}
								</div>
							</details>
						) : (
							<Dash />
						),
				},
				{
					key: "targets",
					title: "For",
					cell: (p) =>
						p.targets && p.targets.length > 0 ? (
							<details>
								<summary>{counted(p.targets.length, "target")}</summary>
								<ul>
									{p.targets.slice(0, 100).map((t, i) => (
										<li key={`${t.build_id ?? ""}${i}`}>
											{t.package ?? t.target} <Mono>{t.package_version ?? ""}</Mono> <span class="muted">level {t.level ?? "–"}</span>
										</li>
									))}
								</ul>
							</details>
						) : (
							<Dash />
						),
				},
			]}
			empty={
				<Empty icon="patches" title="No patchsets yet">
					They come with the portal’s coverage, for kernels and libraries that run here. Is the portal connected, and has it patches for them?
				</Empty>
			}
		/>
	);
}
