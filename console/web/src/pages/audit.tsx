// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { withQuery } from "../api/client";
import { useMay } from "../api/session";
import type { AuditEntry } from "../api/types";
import { text } from "../lib/format";
import { Dialog } from "../parts/dialog";
import { Text } from "../parts/fields";
import { SearchFilter } from "../parts/filters";
import { Icon } from "../parts/icons";
import { ListPage, useList } from "../parts/list";
import { Dash, Empty, When } from "../parts/small";

export function AuditPage() {
	const list = useList<AuditEntry>("/v1/audit", ["actor", "action", "object"]);
	const evidence = useMay("auditor", "operator");
	const [asking, setAsking] = useState(false);
	return (
		<ListPage
			heading="Audit"
			note="Who did what, newest first. Nothing in it can be changed. The filters compare whole names."
			actions={
				evidence ? (
					<button type="button" class="button" onClick={() => setAsking(true)}>
						<Icon name="download" /> Evidence
					</button>
				) : null
			}
			filters={
				<>
					<SearchFilter name="actor" label="User or system" />
					<SearchFilter name="action" label="Action, as job.create" />
					<SearchFilter name="object" label="What it was done to" />
				</>
			}
			list={list}
			one="entry"
			caption="Audit log"
			rowKey={(e) => String(e.id)}
			columns={[
				{ key: "at", title: "When", cell: (e) => <When at={e.at} exact /> },
				{
					key: "actor",
					title: "Who",
					cell: (e) => (
						<>
							<span class="cell-main">{e.actor || e.actor_kind}</span>
							<span class="cell-sub">{e.address}</span>
						</>
					),
				},
				{ key: "action", title: "Did", cell: (e) => <span class="mono">{e.action}</span> },
				{
					key: "object",
					title: "To",
					cell: (e) => (
						<>
							{e.object_kind} <span class="mono">{e.object}</span>
						</>
					),
				},
				{
					key: "detail",
					title: "With",
					grow: true,
					cell: (e) => {
						const d = Object.entries(e.detail ?? {});
						if (d.length === 0) return <Dash />;
						return (
							<span class="small">
								{d.map(([k, v], i) => (
									<span key={k}>
										{i > 0 ? ", " : ""}
										<span class="muted">{k}:</span> {text(v)}
									</span>
								))}
							</span>
						);
					},
				},
				{ key: "request", title: "Request", minor: true, cell: (e) => <span class="mono small">{e.request_id || "–"}</span> },
			]}
			empty={
				<Empty icon="audit" title="Nothing was done yet">
					Sign-ins, keys, scans, jobs and settings appear here.
				</Empty>
			}
		>
			{asking ? <Evidence close={() => setAsking(false)} /> : null}
		</ListPage>
	);
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function Evidence({ close }: { close: () => void }) {
	const [from, setFrom] = useState(dayOf(Date.now() - 30 * 86_400_000));
	const [to, setTo] = useState(dayOf(Date.now() + 86_400_000));
	const ok = from !== "" && to !== "" && from < to;
	return (
		<Dialog title="Evidence for auditors" onClose={close}>
			<div class="dialog-body">
				<p>An archive with what was patched where and when: the job manifests and results as they were signed, the keys, the signatures of the patches, and how to check all of it with openssl and minisign.</p>
				<div class="fields">
					<Text label="From" type="date" value={from} set={setFrom} />
					<Text label="To, without that day" type="date" value={to} set={setTo} error={ok ? "" : "It has to be later than the first day."} />
				</div>
			</div>
			<footer class="dialog-foot">
				<button type="button" class="button" onClick={close}>
					Close
				</button>
				{ok ? (
					<a class="button primary" href={withQuery("/v1/evidence", { from: `${from}T00:00:00Z`, to: `${to}T00:00:00Z` })} download>
						<Icon name="download" /> Download
					</a>
				) : null}
			</footer>
		</Dialog>
	);
}
