// SPDX-License-Identifier: Apache-2.0
// The line of filters over a list. What is typed goes into the address a moment later.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useQuery } from "../lib/url";
import { verdictOrder, verdicts } from "../lib/verdicts";
import { Icon } from "./icons";

export function Filters({ children }: { children: ComponentChildren }) {
	return (
		<div class="filters" role="search">
			{children}
		</div>
	);
}

export function SearchFilter({ name = "q", label }: { name?: string; label: string }) {
	const [query, set] = useQuery();
	const is = query.get(name) ?? "";
	const [typed, setTyped] = useState(is);
	const sent = useRef(is);
	const id = useId();
	useEffect(() => {
		// The address changed by other means: the field follows.
		if (is !== sent.current) {
			sent.current = is;
			setTyped(is);
		}
	}, [is]);
	useEffect(() => {
		if (typed === sent.current) return;
		const t = setTimeout(() => {
			sent.current = typed;
			set({ [name]: typed.trim() || null }, { replace: true });
		}, 250);
		return () => clearTimeout(t);
	}, [typed, name, set]);
	return (
		<div class="filter-search">
			<label class="sr" for={id}>
				{label}
			</label>
			<Icon name="search" />
			<input id={id} type="search" value={typed} placeholder={label} maxLength={200} autocomplete="off" spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} />
		</div>
	);
}

export function SelectFilter({ name, label, options }: { name: string; label: string; options: readonly (readonly [string, string])[] }) {
	const [query, set] = useQuery();
	const id = useId();
	const is = query.get(name) ?? "";
	return (
		<div class="filter-select">
			<label class="sr" for={id}>
				{label}
			</label>
			<select id={id} value={is} class={is ? "on" : undefined} onChange={(e) => set({ [name]: e.currentTarget.value || null })}>
				<option value="">{label}: any</option>
				{options.map(([v, words]) => (
					<option key={v} value={v}>
						{words}
					</option>
				))}
			</select>
		</div>
	);
}

export const VerdictFilter = () => <SelectFilter name="verdict" label="Verdict" options={verdictOrder.map((v) => [v, verdicts[v].label] as const)} />;

/** A filter that came with a link and has no field of its own. */
export function ChipFilter({ name, label }: { name: string; label: string }) {
	const [query, set] = useQuery();
	const is = query.get(name);
	if (!is) return null;
	return (
		<button type="button" class="chip" onClick={() => set({ [name]: null })}>
			{label}: {is} <Icon name="close" size={12} />
			<span class="sr"> (remove this filter)</span>
		</button>
	);
}
