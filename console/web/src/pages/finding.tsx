// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { FindingDetails } from "../api/types";
import { useGet } from "../api/use";
import { count, counted } from "../lib/format";
import { openOf } from "../lib/verdicts";
import { Failure } from "../parts/failure";
import { Icon } from "../parts/icons";
import { JobDialog } from "../parts/job-dialog";
import { Link } from "../parts/link";
import { CveLink } from "../parts/names";
import { Page } from "../parts/page";
import { Card, Empty, Facts, Mono, Skeleton, VerdictBadge, VerdictBar, VerdictLegend } from "../parts/small";
import { Table } from "../parts/table";

export function FindingPage({ params }: { params: Record<string, string> }) {
	const id = params.id ?? "";
	const { data: f, error, reload } = useGet<FindingDetails>(`/v1/findings/${part(id)}`, ["scan", "job"]);
	const operator = useMay("operator");
	const [making, setMaking] = useState(false);
	const only = f?.cves?.length === 1 ? f.cves[0] : undefined;
	return (
		<Page
			title={f ? f.title || f.key : "Finding"}
			back={{ to: "/findings", label: "Findings" }}
			kicker={f ? <VerdictBadge verdict={f.verdict} /> : null}
			actions={
				operator && f && (f.verdicts?.["fix-ready"] ?? 0) > 0 ? (
					<button type="button" class="button primary" onClick={() => setMaking(true)}>
						<Icon name="bolt" /> Live patch
					</button>
				) : null
			}
		>
			{error ? <Failure problem={error} retry={reload} /> : null}
			{!f && !error ? (
				<Card title="Finding">
					<Skeleton />
				</Card>
			) : null}
			{f ? (
				<>
					<div class="grid even">
						<div class="half">
							<Card title="Finding">
								<Facts
									of={[
										{ name: "Scanner’s key", value: <Mono>{f.key}</Mono> },
										{ name: "Open", value: count(openOf(f.verdicts)) },
										{ name: "Systems", value: only ? <Link to={`/systems?cve=${part(only)}`}>{counted(f.systems, "system")}</Link> : count(f.systems) },
									]}
								/>
							</Card>
						</div>
						<div class="half">
							<Card title="By verdict">
								<VerdictLegend verdicts={f.verdicts} to={(v) => (only ? `/cves/${part(only)}?verdict=${v}` : `/cves?verdict=${v}`)} />
							</Card>
						</div>
					</div>
					<Card title="By CVE" flush>
						<Table
							caption="Verdicts by CVE"
							rows={f.by_cve ?? []}
							rowKey={(c) => c.cve}
							columns={[
								{ key: "cve", title: "CVE", cell: (c) => <CveLink cve={c.cve} /> },
								{ key: "open", title: "Open", number: true, cell: (c) => count(openOf(c.verdicts)) },
								{ key: "fixed", title: "Live-fixed", number: true, cell: (c) => count(c.verdicts["live-fixed"] ?? 0) },
								{ key: "verdicts", title: "Verdicts", grow: true, cell: (c) => <VerdictBar verdicts={c.verdicts} /> },
							]}
							empty={
								<Empty icon="cve" title="It names no CVE">
									Without a CVE it cannot be told whether a live patch closes it.
								</Empty>
							}
						/>
					</Card>
				</>
			) : null}
			{f && making ? <JobDialog close={() => setMaking(false)} select={{ findings: [f.id], verdicts: ["fix-ready"] }} title={`Close ${f.key}`.slice(0, 200)} /> : null}
		</Page>
	);
}
