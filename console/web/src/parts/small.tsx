// SPDX-License-Identifier: Apache-2.0
// The small things that most pages are made of.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Verdict, Verdicts } from "../api/types";
import { absolute, capital, count, relative } from "../lib/format";
import { type Tone, protectionOf, severityOf, verdictOf, verdictOrder, verdicts as words } from "../lib/verdicts";
import { Icon, type IconName } from "./icons";
import { Link } from "./link";

export function Badge({ tone = "quiet", title, children }: { tone?: Tone; title?: string; children: ComponentChildren }) {
	return (
		<span class={`badge tone-${tone}`} title={title}>
			{typeof children === "string" ? capital(children) : children}
		</span>
	);
}

export function VerdictBadge({ verdict }: { verdict: string }) {
	const v = verdictOf(verdict);
	return (
		<Badge tone={v.tone} title={v.says}>
			{v.label}
		</Badge>
	);
}

export function ProtectionBadge({ protection }: { protection: string }) {
	const p = protectionOf(protection);
	return (
		<Badge tone={p.tone} title={p.says}>
			{p.label}
		</Badge>
	);
}

export function Severity({ of }: { of: string | null | undefined }) {
	const s = severityOf(of);
	return <span class={`severity tone-${s.tone}`}>{capital(s.label)}</span>;
}

/** How many of them a live patch closes now: what can be done at once. */
export function Ready({ of }: { of: Verdicts | undefined }) {
	const n = of?.["fix-ready"] ?? 0;
	return n > 0 ? <Badge tone="ready">{count(n)}</Badge> : <Dash />;
}

/** How many of each verdict, as a bar and in words. */
export function VerdictBar({ verdicts, wide = false }: { verdicts: Verdicts | undefined; wide?: boolean }) {
	const present = verdictOrder.filter((v) => (verdicts?.[v] ?? 0) > 0);
	const all = present.reduce((n, v) => n + (verdicts?.[v] ?? 0), 0);
	const said = present.map((v) => `${count(verdicts?.[v])} ${words[v].label.toLowerCase()}`).join(", ");
	return (
		<span class={wide ? "vbar wide" : "vbar"} title={said}>
			<span class="vbar-track" aria-hidden="true">
				{present.map((v) => (
					<span key={v} class={`vbar-part v-${v}`} style={{ flexGrow: (verdicts?.[v] ?? 0) / Math.max(all, 1) }} />
				))}
			</span>
			<span class="sr">{said || "nothing found"}</span>
		</span>
	);
}

/** The same with names and numbers, each a link to what it counts. `all`: also those of which there is none. */
export function VerdictLegend({ verdicts, to, all = false }: { verdicts: Verdicts | undefined; to: (v: Verdict) => string; all?: boolean }) {
	return (
		<div>
			<VerdictBar verdicts={verdicts} wide />
			<ul class="legend">
				{verdictOrder
					.filter((v) => all || (verdicts?.[v] ?? 0) > 0)
					.map((v) => (
						<li key={v}>
							<Link to={to(v)} class={verdicts?.[v] ? undefined : "none"} title={words[v].says}>
								<span class={`legend-swatch v-${v}`} aria-hidden="true" />
								{words[v].label}
								<span class="legend-count">{count(verdicts?.[v] ?? 0)}</span>
							</Link>
						</li>
					))}
			</ul>
		</div>
	);
}

const ticks = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Renders anew every half minute, so that "3 min ago" stays true. */
function useTick(): void {
	const [, set] = useState(0);
	useEffect(() => {
		const f = (): void => set((n) => n + 1);
		ticks.add(f);
		timer ??= setInterval(() => {
			for (const t of ticks) t();
		}, 30_000);
		return () => {
			ticks.delete(f);
			if (ticks.size === 0) {
				clearInterval(timer);
				timer = undefined;
			}
		};
	}, []);
}

/** A time: how long ago, and exactly when in the title. `exact`: both, where one time is compared with another. */
export function When({ at, none = "never", exact = false }: { at: string | null | undefined; none?: string; exact?: boolean }) {
	useTick();
	if (!at || absolute(at) === "") return none === "–" ? <Dash /> : <span class="muted">{none}</span>;
	if (!exact)
		return (
			<time dateTime={at} title={absolute(at)}>
				{relative(at)}
			</time>
		);
	return (
		<>
			<time dateTime={at}>{absolute(at)}</time>
			<span class="cell-sub">{relative(at)}</span>
		</>
	);
}

export function Mono({ children, title }: { children: ComponentChildren; title?: string }) {
	return (
		<span class="mono" title={title}>
			{children}
		</span>
	);
}

export function Dash() {
	return (
		<span class="muted dash">
			<span aria-hidden="true">–</span>
			<span class="sr">none</span>
		</span>
	);
}

export interface Fact {
	name: string;
	value: ComponentChildren;
	/** It is long: a line of its own. */
	wide?: boolean;
}

/** Names and values, as many columns as fit. */
export function Facts({ of }: { of: (Fact | null | undefined | false)[] }) {
	return (
		<dl class="facts">
			{of.map((f) =>
				f ? (
					<div key={f.name} class={f.wide ? "wide" : undefined}>
						<dt>{f.name}</dt>
						<dd>{f.value === null || f.value === undefined || f.value === "" ? <Dash /> : f.value}</dd>
					</div>
				) : null,
			)}
		</dl>
	);
}

export function Tags({ of }: { of: readonly string[] | undefined }) {
	if (!of || of.length === 0) return <Dash />;
	return (
		<span class="tags">
			{of.map((t) => (
				<span key={t} class="tag">
					{t}
				</span>
			))}
		</span>
	);
}

/** A list that says what it is about when there is nothing in it, and what to do next. */
export function Empty({ icon = "info", title, children, action }: { icon?: IconName; title: string; children?: ComponentChildren; action?: ComponentChildren }) {
	return (
		<div class="empty">
			<span class="empty-icon">
				<Icon name={icon} size={28} />
			</span>
			<p class="empty-title">{title}</p>
			{children ? <p class="empty-text">{children}</p> : null}
			{action ? <div class="empty-action">{action}</div> : null}
		</div>
	);
}

export function Card({ title, aside, children, flush = false, id }: { title?: ComponentChildren; aside?: ComponentChildren; children: ComponentChildren; flush?: boolean; id?: string }) {
	return (
		<section class={flush ? "card flush" : "card"} id={id}>
			{title || aside ? (
				<header class="card-head">
					{title ? <h2>{title}</h2> : <span />}
					{aside ? <div class="card-aside">{aside}</div> : null}
				</header>
			) : null}
			<div class="card-body">{children}</div>
		</section>
	);
}

export function Skeleton({ lines = 3 }: { lines?: number }) {
	return (
		<div class="skeletons" aria-hidden="true">
			{Array.from({ length: lines }, (_, i) => (
				<span key={i} class={`skeleton w${(i % 4) + 1}`} />
			))}
		</div>
	);
}

/** How far something is: drawn by the browser's own element, so that it is told to everybody. */
export function Progress({ value, max, label }: { value: number; max: number; label: string }) {
	return <progress class="progress" value={Math.min(value, max)} max={Math.max(max, 1)} aria-label={label} />;
}
