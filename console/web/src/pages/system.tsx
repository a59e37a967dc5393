// SPDX-License-Identifier: Apache-2.0
// One system: what is open on it and why, what it runs, and what happened.
import { useState } from "preact/hooks";
import { del, get, part, post, withQuery } from "../api/client";
import { useMay } from "../api/session";
import type { Page as PageOf, System, SystemDetails, SystemFinding, TimelineEvent } from "../api/types";
import { useGet } from "../api/use";
import { capital, count, counted, relative, short, tagsOf, text } from "../lib/format";
import { go, usePlace } from "../lib/url";
import { type Tone, openOf, outcomeTone, verdictOf } from "../lib/verdicts";
import { CopyButton } from "../parts/copy";
import { Confirm, FormDialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Text } from "../parts/fields";
import { SearchFilter, VerdictFilter } from "../parts/filters";
import { Icon } from "../parts/icons";
import { JobDialog } from "../parts/job-dialog";
import { Link } from "../parts/link";
import { CveLink, nameOf } from "../parts/names";
import { Page } from "../parts/page";
import { Badge, Card, Dash, Empty, Facts, Mono, Progress, ProtectionBadge, Severity, Skeleton, Tags, VerdictBadge, VerdictLegend, When } from "../parts/small";
import { ListCard, useList } from "../parts/list";
import { Tabs } from "../parts/tabs";
import { said } from "../parts/toast";

export function SystemPage({ params }: { params: Record<string, string> }) {
	const id = params.id ?? "";
	const path = `/v1/systems/${part(id)}`;
	const { data: s, error, reload } = useGet<SystemDetails>(path, ["system", "job", "scan"]);
	const { query } = usePlace();
	const tab = query.get("tab") ?? "findings";
	const operator = useMay("operator");
	const [dialog, setDialog] = useState<"job" | "link" | "forget" | null>(null);
	const name = s ? nameOf(s) : id;
	return (
		<Page
			title={name}
			back={{ to: "/systems", label: "Systems" }}
			kicker={
				s ? (
					<>
						<ProtectionBadge protection={s.protection} />
						{s.silent ? <Badge tone="warn">silent</Badge> : null}
						{s.system_id ? null : <Badge tone="quiet">not registered</Badge>}
					</>
				) : null
			}
			actions={
				s ? (
					<>
						<a class="button" href={`${path}/openvex`} download>
							<Icon name="download" /> OpenVEX
						</a>
						<a class="button" href={`${path}/csaf`} download>
							<Icon name="download" /> CSAF
						</a>
						{operator && !s.portal_known ? (
							<>
								<button type="button" class="button" onClick={() => setDialog("link")}>
									<Icon name="link" /> Link to a system
								</button>
								<button type="button" class="button" onClick={() => setDialog("forget")}>
									Forget
								</button>
							</>
						) : null}
						{operator && s.system_id ? (
							<button type="button" class={s.verdicts?.["fix-ready"] ? "button primary" : "button"} onClick={() => setDialog("job")}>
								<Icon name="bolt" /> Live patch
							</button>
						) : null}
					</>
				) : null
			}
		>
			{error ? <Failure problem={error} retry={reload} /> : null}
			{!s && !error ? (
				<Card title="System">
					<Skeleton lines={5} />
				</Card>
			) : null}
			{s ? (
				<>
					<div class="grid even">
						<div class="two-thirds">
							<Overview s={s} />
						</div>
						<div class="third">
							<Why s={s} />
						</div>
					</div>
					<Tabs
						label="Of this system"
						tabs={[
							["findings", "Findings", s.findings],
							["libraries", "Libraries", s.libraries?.length],
							["timeline", "Timeline"],
							["portal", "From the portal"],
						]}
					/>
					{tab === "libraries" ? <Libraries s={s} /> : tab === "timeline" ? <Timeline path={path} id={s.id} /> : tab === "portal" ? <FromPortal s={s} /> : <Findings path={path} s={s} />}
				</>
			) : null}
			{s && dialog === "job" ? <JobDialog select={{ systems: [s.id] }} title={`Patch ${name}`} close={() => setDialog(null)} /> : null}
			{s && dialog === "link" ? <LinkDialog path={path} close={() => setDialog(null)} /> : null}
			{s && dialog === "forget" ? (
				<Confirm
					title={`Forget ${name}?`}
					action="Forget"
					onClose={() => setDialog(null)}
					run={async () => {
						await del(path);
						said("The host is forgotten.");
						go("/systems");
					}}
				>
					<p>Its findings and its timeline go with it. The next scan that names it brings it back.</p>
				</Confirm>
			) : null}
		</Page>
	);
}

function Overview({ s }: { s: SystemDetails }) {
	return (
		<Card title="System">
			<Facts
				of={[
					{ name: "Open findings", value: s.scanned_at ? `${count(s.exposed ?? openOf(s.verdicts))} of ${count(s.findings)}` : "not scanned" },
					{ name: "Live patch", value: s.level ? `level ${s.level}${s.patchset ? ` (${s.patchset})` : ""}` : "none" },
					{ name: "Kernel", value: s.kernel?.release ? <Mono>{s.kernel.release}</Mono> : null },
					{ name: "Kernel package", value: s.kernel?.package_version ? <Mono>{s.kernel.package_version}</Mono> : null },
					{ name: "Build ID", value: s.kernel?.build_id ? <Mono title={s.kernel.build_id}>{short(s.kernel.build_id)}</Mono> : null },
					{ name: "Operating system", value: s.os },
					{ name: "System ID", value: s.system_id ? <Mono>{s.system_id}</Mono> : "not registered" },
					{ name: "Names", value: [s.fqdn, s.external_id].filter(Boolean).join(", ") },
					{ name: "Addresses", value: s.addresses?.join(", ") },
					{ name: "Feed", value: s.feed },
					{ name: "Agent", value: s.agent },
					{ name: "State", value: s.state },
					{ name: "Last seen", value: <When at={s.last_seen} /> },
					{
						name: "Scanned",
						value: s.scanned_at ? (
							<>
								<When at={s.scanned_at} />
								{s.scanner ? ` by ${s.scanner}` : ""}
							</>
						) : null,
					},
					{ name: "Found by", value: s.matched_by },
					{ name: "Tags", value: <Tags of={tagsOf(s.tags)} /> },
				]}
			/>
		</Card>
	);
}

function Why({ s }: { s: SystemDetails }) {
	const { path } = usePlace();
	const why = s.why ?? [];
	const errors = s.errors ?? [];
	return (
		<Card title="What is open, and why">
			{s.findings ? <VerdictLegend verdicts={s.verdicts} to={(v) => `${path}?verdict=${v}`} /> : null}
			{why.length === 0 && errors.length === 0 ? (
				<p class="row">
					<Icon name="check" /> {s.scanned_at ? "Nothing stands in the way of live patches." : "Nothing stands in the way. What is open a scan will tell."}
				</p>
			) : (
				<ul class="why">
					{why.map((w, i) => (
						<li key={`${w.code}${i}`} class={w.code === "current" ? "fine" : undefined}>
							<Icon name={w.code === "current" ? "check" : "info"} />
							<span>
								{w.text}
								{w.until ? <span class="muted"> (ends {relative(w.until)})</span> : null}
							</span>
						</li>
					))}
					{errors.map((e, i) => (
						<li key={`e${i}`}>
							<Icon name="cve" />
							<span>{text(typeof e === "object" && e !== null && "message" in e ? (e as { message: unknown }).message : e)}</span>
						</li>
					))}
				</ul>
			)}
		</Card>
	);
}

function Findings({ path, s }: { path: string; s: SystemDetails }) {
	const list = useList<SystemFinding>(`${path}/findings`, ["verdict", "q"], ["scan", "job"]);
	return (
		<ListCard
			filters={
				<>
					<SearchFilter label="CVE or package" />
					<VerdictFilter />
				</>
			}
			list={list}
			one="finding"
			caption="Findings of this system"
			rowKey={(f) => `${f.cve} ${f.package ?? ""} ${f.version ?? ""} ${f.finding?.id ?? ""}`}
			columns={[
				{ key: "cve", title: "CVE", cell: (f) => <CveLink cve={f.cve} /> },
				{ key: "severity", title: "Severity", cell: (f) => <Severity of={f.severity} /> },
				{ key: "verdict", title: "Verdict", cell: (f) => <VerdictBadge verdict={f.verdict} /> },
				{
					key: "detail",
					title: "Why",
					grow: true,
					cell: (f) => (
						<>
							{f.detail || <span class="muted">{f.not_running ? "Installed, not running" : verdictOf(f.verdict).says}</span>}
							{f.processes ? (
								<span class="cell-sub">
									{count(f.patched ?? 0)} of {counted(f.processes, "process", "processes")} patched
								</span>
							) : null}
							{f.until ? <span class="cell-sub">ends {relative(f.until)}</span> : null}
						</>
					),
				},
				{
					key: "package",
					title: "Package",
					keep: true,
					cell: (f) => (
						<>
							{f.package || <Dash />}
							{f.version ? <span class="cell-sub mono">{f.version}</span> : null}
						</>
					),
				},
				{ key: "fixed", title: "Fixed in", cell: (f) => (f.level ? `level ${f.level}` : f.fixed_in ? <Mono>{f.fixed_in}</Mono> : <Dash />) },
				{
					key: "finding",
					title: "Scanner’s finding",
					minor: true,
					cell: (f) =>
						f.finding ? (
							<Link to={`/findings/${part(f.finding.id)}`} title={f.finding.title}>
								{f.finding.key}
							</Link>
						) : (
							<Dash />
						),
				},
			]}
			empty={
				s.scanned_at ? (
					<Empty icon="check" title="Nothing found">
						The scan of {relative(s.scanned_at)} found nothing on this system.
					</Empty>
				) : (
					<Empty icon="scans" title="Not scanned yet" action={<Link class="button" to="/scans">Import a scan</Link>}>
						Import a scan that names this host, or have the console look itself.
					</Empty>
				)
			}
		/>
	);
}

function Libraries({ s }: { s: SystemDetails }) {
	const libs = s.libraries ?? [];
	return (
		<Card title="Libraries in memory">
			{libs.length === 0 ? (
				<Empty icon="patches" title="No libraries are known">
					The agent tells which libraries run, and in how many processes each of them is patched.
				</Empty>
			) : (
				<ul class="libs">
					{libs.map((l, i) => (
						<li key={`${l.build_id ?? l.name}${i}`} class="lib">
							<span>
								<strong>{l.name}</strong> <Mono>{l.version ?? ""}</Mono> {l.level ? <span class="muted">level {l.level}</span> : null}
								<span class="cell-sub mono" title={l.build_id}>
									{short(l.build_id, 16)}
								</span>
							</span>
							<span>
								<span class="lib-count">
									{count(l.patched ?? 0)} of {counted(l.processes ?? 0, "process", "processes")}
								</span>
								<Progress value={l.patched ?? 0} max={l.processes ?? 0} label={`${l.name}: ${l.patched ?? 0} of ${l.processes ?? 0} processes patched`} />
							</span>
						</li>
					))}
				</ul>
			)}
		</Card>
	);
}

const kinds: Record<string, [string, Tone]> = {
	registered: ["Registered", "info"],
	level: ["Patch level", "good"],
	state: ["State", "info"],
	boot: ["Booted", "quiet"],
	scan: ["Scanned", "ready"],
	job: ["Job", "ready"],
	silent: ["Silent", "warn"],
	back: ["Back again", "good"],
	linked: ["Linked", "info"],
	gone: ["Gone from the portal", "warn"],
};

function Timeline({ path, id }: { path: string; id: string }) {
	const [more, setMore] = useState<TimelineEvent[]>([]);
	const [next, setNext] = useState<string | null | undefined>(undefined);
	const { data, error, reload } = useGet<PageOf<TimelineEvent>>(withQuery(`${path}/timeline`, { limit: 50 }), ["system", "job", "scan"]);
	const cursor = next === undefined ? data?.next : next;
	const events = [...(data?.items ?? []), ...more];
	return (
		<Card title="Timeline">
			{error ? <Failure problem={error} retry={reload} /> : null}
			{!data && !error ? <Skeleton lines={6} /> : null}
			{data && events.length === 0 ? (
				<Empty icon="clock" title="Nothing happened yet">
					Registrations, scans, jobs, boots and new patch levels appear here.
				</Empty>
			) : null}
			<ol class="timeline">
				{events.map((e, i) => {
					const [word, usual] = kinds[e.kind] ?? [capital(e.kind), "quiet" as Tone];
					const job = e.kind === "job" && typeof e.data?.job === "string" ? e.data.job : null;
					const tone = job && typeof e.data?.outcome === "string" ? outcomeTone(e.data.outcome) : usual;
					return (
						<li key={`${e.at}${i}`} class={`tone-${tone}`}>
							<div>
								<div class="timeline-head">
									<strong>{job ? <Link to={`/jobs/${part(job)}/systems/${part(id)}`}>{word}</Link> : word}</strong>
									<span class="muted small">
										<When at={e.at} exact />
									</span>
								</div>
								<p class="timeline-text">{e.text}</p>
							</div>
						</li>
					);
				})}
			</ol>
			{cursor ? (
				<button
					type="button"
					class="button small"
					onClick={() =>
						void get<PageOf<TimelineEvent>>(withQuery(`${path}/timeline`, { limit: 50, cursor })).then((p) => {
							setMore([...more, ...p.items]);
							setNext(p.next);
						})
					}
				>
					Older
				</button>
			) : null}
		</Card>
	);
}

function FromPortal({ s }: { s: SystemDetails }) {
	const doc = s.portal ? JSON.stringify(s.portal, null, 2) : "";
	return (
		<Card title="As the portal tells it" aside={doc ? <CopyButton text={doc} label="Copy JSON" /> : null}>
			{doc ? (
				<pre class="json" tabIndex={0} aria-label="The system as the portal tells it">
					{doc}
				</pre>
			) : (
				<Empty icon="info" title="The portal does not know this host">
					It came with a scan. Enrol it, or link it to a system that is registered under another name.
				</Empty>
			)}
		</Card>
	);
}

function LinkDialog({ path, close }: { path: string; close: () => void }) {
	const [id, setId] = useState("");
	return (
		<FormDialog
			title="Link to a registered system"
			action="Link"
			disabled={id.trim() === ""}
			onClose={close}
			send={async () => {
				const s = await post<System>(`${path}/link`, { system_id: id.trim() });
				said("Both are one system now.");
				close();
				if (s?.id) go(`/systems/${part(s.id)}`);
			}}
		>
			<p>This host of a scan and that registered system are one machine. They become one, with the findings of the scan.</p>
			<Text label="System ID" value={id} set={setId} required maxLength={64} />
		</FormDialog>
	);
}
