// SPDX-License-Identifier: Apache-2.0
// What is exposed now, worst first, and what to do about it.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { part } from "../api/client";
import { useMay } from "../api/session";
import type { Cve, Posture, System } from "../api/types";
import { useGet } from "../api/use";
import { count, counted, duration, share } from "../lib/format";
import { Failure } from "../parts/failure";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { nameOf } from "../parts/names";
import { Page } from "../parts/page";
import { type Line, Plot } from "../parts/plot";
import { Card, Empty, Ready, Severity, Skeleton, VerdictBar, VerdictLegend, When } from "../parts/small";
import { Table } from "../parts/table";

export function PosturePage() {
	const { data: p, error, reload } = useGet<Posture>("/v1/posture", ["posture", "job", "scan", "portal"]);
	const operator = useMay("operator");
	const fresh = p && (p.portal?.configured === false || p.systems.total === 0);
	return (
		<Page
			title="Posture"
			kicker={p?.at ? <span class="muted small">as of <When at={p.at} /></span> : null}
			actions={
				operator && p && p.fixable_now > 0 ? (
					<Link class="button primary" to="/jobs?new=1&verdict=fix-ready">
						<Icon name="bolt" /> Live patch what is ready
					</Link>
				) : null
			}
		>
			{error ? <Failure problem={error} retry={reload} /> : null}
			{p || !error ? <Figures p={p} /> : null}
			{fresh ? <NextSteps p={p} /> : null}
			{p && !fresh ? <Filled p={p} /> : null}
			{!p && !error ? (
				<Card title="Open findings">
					<Skeleton lines={6} />
				</Card>
			) : null}
		</Page>
	);
}

function Figure({ name, value, note, tone, to }: { name: string; value: ComponentChildren; note: ComponentChildren; tone?: "bad" | "ready" | "good"; to?: string }) {
	const body = (
		<>
			<span class="figure-name">{name}</span>
			<span class={tone ? `figure-value is-${tone}` : "figure-value"}>{value}</span>
			<span class="figure-note">{note}</span>
		</>
	);
	return to ? (
		<Link class="figure" to={to}>
			{body}
		</Link>
	) : (
		<div class="figure">{body}</div>
	);
}

function Figures({ p }: { p: Posture | undefined }) {
	const wait = <span class="skeleton w2" aria-hidden="true" />;
	const s = p?.systems;
	const t = p?.time_to_protect;
	return (
		<div class="figures">
			<Figure
				name="Systems exposed"
				value={s ? count(s.exposed) : wait}
				note={s ? `of ${counted(s.total, "system")}` : ""}
				tone={s && s.exposed > 0 ? "bad" : undefined}
				to="/systems?protection=exposed&sort=exposed"
			/>
			<Figure
				name="Fixable now"
				value={p ? count(p.fixable_now) : wait}
				note="findings with a live patch ready"
				tone={p && p.fixable_now > 0 ? "ready" : undefined}
				to="/cves?verdict=fix-ready"
			/>
			<Figure name="Open findings" value={p ? count(p.exposed) : wait} note="CVEs, summed over systems" to="/cves" />
			<Figure
				name="Protected"
				value={s ? share(s.protected, s.total) : wait}
				note={s ? counted(s.protected, "system") : ""}
				tone={s && s.total > 0 && s.protected === s.total ? "good" : undefined}
				to="/systems?protection=protected"
			/>
			<Figure
				name="Time to protect"
				value={p ? duration(t?.p50_s) : wait}
				note={!p ? "" : t?.n ? `median; 95 of 100 in ${duration(t.p95_s)}` : "no live patch closed anything yet"}
			/>
			<Figure
				name="Not known"
				value={s ? count(s.unknown + s.offline) : wait}
				note={s ? `${count(s.unknown)} not scanned, ${count(s.offline)} offline` : ""}
				to="/systems?protection=unknown"
			/>
		</div>
	);
}

function NextSteps({ p }: { p: Posture }) {
	const admin = useMay("admin");
	const keys = useMay("key-manager");
	const operator = useMay("operator");
	const connected = p.portal?.configured !== false;
	const steps = [
		{
			title: "Connect the portal",
			text: "It knows the registered systems and what live patches close.",
			done: connected,
			to: "/settings",
			label: "Open settings",
			may: admin,
		},
		{ title: "Enrol a first server", text: "Make a key, add the server, and paste one command on it.", done: p.systems.total > 0, to: "/keys?tab=enrolments", label: "Add a server", may: keys },
		{ title: "Import a scan", text: "OpenSCAP, Trivy, Grype, debsecan, Nessus or CSV; or have the console look itself.", done: !!p.scans?.last, to: "/scans", label: "Import a scan", may: operator },
	];
	return (
		<Card title="What to do next">
			<ol class="next-steps">
				{steps.map((s) => (
					<li key={s.title} class={s.done ? "next-step done" : "next-step"}>
						<div>
							<h3>{s.title}</h3>
							<p class="muted">{s.done ? "Done." : s.may ? s.text : `${s.text} Somebody with the role for it has to do it.`}</p>
						</div>
						{s.may && !s.done ? (
							<Link class="button" to={s.to}>
								{s.label}
							</Link>
						) : (
							<span />
						)}
					</li>
				))}
			</ol>
		</Card>
	);
}

function Filled({ p }: { p: Posture }) {
	const days = p.days ?? [];
	const names = useMemo(() => days.map((d) => d.day), [days]);
	const lines = useMemo<Line[]>(
		() => [
			{ label: "Open", colour: "--v-no-fix", values: days.map((d) => d.exposed), fill: true },
			{ label: "Fix ready", colour: "--v-fix-ready", values: days.map((d) => d.fixable) },
			{ label: "Live-fixed", colour: "--v-live-fixed", values: days.map((d) => d.live_fixed) },
		],
		[days],
	);
	const never = !p.scans?.last;
	return (
		<>
			{p.jobs?.failed_recently ? (
				<div class="notice tone-bad slim" role="status">
					<Icon name="cve" />
					<div class="notice-body">
						<strong>Live patching failed on {counted(p.jobs.failed_recently, "system")}</strong> in the last 24 hours. The job says why, and can be tried again from there.
					</div>
					<Link class="button small" to="/jobs">
						See jobs
					</Link>
				</div>
			) : null}
			{p.scans?.stale ? (
				<div class="notice tone-warn slim" role="status">
					<Icon name="clock" />
					<div class="notice-body">
						{p.scans.stale === 1 ? "One system has" : `${count(p.scans.stale)} systems have`} no scan of late: what is new since then is not known of {p.scans.stale === 1 ? "it" : "them"}.
					</div>
					<Link class="button small" to="/scans">
						Scans
					</Link>
				</div>
			) : null}
			<div class="grid even">
				<div class="half">
					<WorstCves of={p.worst_cves ?? []} />
				</div>
				<div class="half">
					<WorstSystems of={p.worst_systems ?? []} />
				</div>
				<div class="half">
					<Card title="By verdict">
						{never ? (
							<Empty icon="scans" title="Nothing was scanned yet" action={<Link class="button" to="/scans">Import a scan</Link>}>
								The systems are known. What is wrong with them a scan tells.
							</Empty>
						) : (
							<VerdictLegend verdicts={p.verdicts} to={(v) => `/cves?verdict=${v}`} all />
						)}
					</Card>
				</div>
				<div class="half">
					<Card title="Day by day">
						{days.length > 1 ? (
							<Plot label="Findings day by day" days={names} lines={lines} height={168} />
						) : (
							<Empty icon="coverage" title="One day makes no curve">
								The figures of each day are kept; from tomorrow on, in UTC, they are drawn here.
							</Empty>
						)}
					</Card>
				</div>
			</div>
		</>
	);
}

function WorstCves({ of }: { of: Cve[] }) {
	return (
		<Card title="Worst CVEs" aside={<Link to="/cves">All CVEs</Link>} flush>
			<Table
				caption="The worst CVEs"
				rows={of}
				rowKey={(c) => c.cve}
				columns={[
					{ key: "cve", title: "CVE", cell: (c) => <Link class="cell-main nowrap" to={`/cves/${part(c.cve)}`}>{c.cve}</Link> },
					{ key: "severity", title: "Severity", cell: (c) => <Severity of={c.severity} /> },
					{ key: "exposed", title: "Exposed", number: true, cell: (c) => `${count(c.exposed)} of ${count(c.systems)}` },
					{ key: "ready", title: "Fix ready", number: true, cell: (c) => <Ready of={c.verdicts} /> },
					{ key: "verdicts", title: "Verdicts", cell: (c) => <VerdictBar verdicts={c.verdicts} /> },
				]}
				empty={
					<Empty icon="check" title="No open CVE">
						Nothing that a scan found is open.
					</Empty>
				}
			/>
		</Card>
	);
}

function WorstSystems({ of }: { of: System[] }) {
	return (
		<Card title="Worst systems" aside={<Link to="/systems?sort=exposed">All systems</Link>} flush>
			<Table
				caption="The worst systems"
				rows={of}
				rowKey={(s) => s.id}
				columns={[
					{ key: "name", title: "System", cell: (s) => <Link class="cell-main" to={`/systems/${part(s.id)}`}>{nameOf(s)}</Link> },
					{ key: "exposed", title: "Open", number: true, cell: (s) => count(s.exposed) },
					{ key: "ready", title: "Fix ready", number: true, cell: (s) => <Ready of={s.verdicts} /> },
					{ key: "verdicts", title: "Verdicts", cell: (s) => <VerdictBar verdicts={s.verdicts} /> },
				]}
				empty={
					<Empty icon="check" title="No exposed system">
						Nothing that a scan found is open on any of them.
					</Empty>
				}
			/>
		</Card>
	);
}
