// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { Scan, ScanHost } from "../api/types";
import { useGet } from "../api/use";
import { count, counted, size } from "../lib/format";
import { go } from "../lib/url";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { Page } from "../parts/page";
import { Badge, Card, Empty, Facts, Progress, Skeleton, When } from "../parts/small";
import { ListCard, useList } from "../parts/list";
import { said } from "../parts/toast";
import { ScanError, forgetScan, scanTone } from "./scans";

const systemOf = (h: ScanHost): string | null => (typeof h.system === "string" ? h.system : (h.system?.id ?? null));

export function ScanPage({ params }: { params: Record<string, string> }) {
	const id = params.id ?? "";
	const path = `/v1/scans/${part(id)}`;
	const { data: s, error, reload } = useGet<Scan>(path, ["scan"]);
	const list = useList<ScanHost>(`${path}/hosts`, [], ["scan"]);
	const operator = useMay("operator");
	const [asking, setAsking] = useState(false);
	return (
		<Page
			title={s ? s.name || s.tool || "Scan" : "Scan"}
			back={{ to: "/scans", label: "Scans" }}
			kicker={s ? <Badge tone={scanTone[s.state] ?? "quiet"}>{s.state}</Badge> : null}
			actions={
				operator && s ? (
					<button type="button" class="button" onClick={() => setAsking(true)}>
						<Icon name="close" /> Delete
					</button>
				) : null
			}
		>
			{error ? <Failure problem={error} retry={reload} /> : null}
			{s?.error ? (
				<div class="notice tone-bad" role="status">
					<Icon name="cve" />
					<div class="notice-body">
						<p class="notice-title">This file could not be read to its end</p>
						<ScanError of={s.error} />
						<p>Nothing of it counts. Mend the file or scan again, and import it once more.</p>
					</div>
				</div>
			) : null}
			<Card title="Scan">
				{s?.state === "failed" ? (
					<Facts
						of={[
							s.format ? { name: "Format", value: s.format } : null,
							{ name: "Size", value: size(s.bytes) },
							{ name: "Imported by", value: s.by },
							{ name: "Imported", value: <When at={s.created} /> },
						]}
					/>
				) : s ? (
					<div class="stack">
						{s.state === "running" || s.state === "waiting" ? <Progress value={s.done_bytes ?? 0} max={s.bytes ?? 0} label={`${size(s.done_bytes)} of ${size(s.bytes)} read`} /> : null}
						<Facts
							of={[
								{ name: "Format", value: s.format },
								{ name: "Made by", value: s.tool },
								{ name: "Size", value: size(s.bytes) },
								{ name: "Hosts", value: count(s.hosts) },
								{ name: "Findings", value: count(s.findings) },
								{ name: "CVEs, summed over hosts", value: count(s.cves) },
								{ name: "Hosts that were new", value: count(s.unmatched) },
								{ name: "Findings without a CVE", value: count(s.without_cve) },
								{ name: "Imported by", value: s.by },
								{ name: "Imported", value: <When at={s.created} /> },
								{ name: "Finished", value: <When at={s.finished} none="not yet" /> },
							]}
						/>
					</div>
				) : error ? null : (
					<Skeleton lines={4} />
				)}
			</Card>
			{s?.state === "failed" ? null : (
				<ListCard
					title="Hosts in it"
					list={list}
					one="host"
					caption="Hosts in this scan"
					rowKey={(h) => `${systemOf(h) ?? ""} ${h.name}`}
					columns={[
						{
							key: "name",
							title: "Host",
							grow: true,
							cell: (h) => {
								const to = systemOf(h);
								return to ? (
									<Link class="cell-main" to={`/systems/${part(to)}`}>
										{h.name || to}
									</Link>
								) : (
									h.name
								);
							},
						},
						{ key: "matched", title: "Found by", cell: (h) => (h.matched_by ? <Badge tone="good">{h.matched_by}</Badge> : <Badge tone="quiet">new</Badge>) },
						{ key: "findings", title: "Findings", number: true, cell: (h) => count(h.findings) },
					]}
					empty={
						<Empty icon="systems" title="No hosts">
							{s?.state === "running" || s?.state === "waiting" ? "They appear when the file has been read." : "Nothing of this file belongs to a host."}
						</Empty>
					}
				/>
			)}
			{asking && s ? (
				<Confirm
					title="Delete this scan?"
					action="Delete"
					onClose={() => setAsking(false)}
					run={async () => {
						await forgetScan(id);
						said("The scan is deleted.");
						go("/scans");
					}}
				>
					<p>
						{counted(s.hosts ?? 0, "host")} of it keep nothing of it: they show no findings until their next scan.
					</p>
				</Confirm>
			) : null}
		</Page>
	);
}
