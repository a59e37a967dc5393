// SPDX-License-Identifier: Apache-2.0
// A table, whose order is in the address. On a small screen every row becomes a card whose fields carry
// the names of the columns.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useQuery } from "../lib/url";
import { Icon } from "./icons";

export interface Column<T> {
	key: string;
	title: string;
	cell: (row: T) => ComponentChildren;
	/** The value of ?sort= that orders by this column. */
	sort?: string;
	/** It orders from the least on, as names do. */
	up?: boolean;
	number?: boolean;
	/** Not shown where there is little room. */
	minor?: boolean;
	/** Names and versions, which should not be broken early. */
	keep?: boolean;
	/** Buttons of a row: no more room than they need, at the end of it. */
	actions?: boolean;
	/** The column that grows. */
	grow?: boolean;
}

export interface Picking {
	picked: ReadonlySet<string>;
	set: (s: ReadonlySet<string>) => void;
	name: (id: string) => string;
	can?: (id: string) => boolean;
}

export interface TableProps<T> {
	caption: string;
	columns: Column<T>[];
	rows: T[] | undefined;
	rowKey: (row: T) => string;
	loading?: boolean;
	empty: ComponentChildren;
	picking?: Picking;
	/** What is the order when the address says none. */
	sorted?: string;
	expect?: number;
}

export function Table<T>({ caption, columns, rows, rowKey, loading = false, empty, picking, sorted, expect = 8 }: TableProps<T>) {
	const [query, setQuery] = useQuery();
	const sort = query.get("sort") ?? sorted;
	const all = useRef<HTMLInputElement>(null);
	const ids = picking ? (rows ?? []).map(rowKey).filter((id) => picking.can?.(id) ?? true) : [];
	const chosen = picking ? ids.filter((id) => picking.picked.has(id)).length : 0;
	useEffect(() => {
		if (all.current) all.current.indeterminate = chosen > 0 && chosen < ids.length;
	}, [chosen, ids.length]);
	if (rows && rows.length === 0) return <>{empty}</>;
	const toggle = (id: string, on: boolean): void => {
		if (!picking) return;
		const s = new Set(picking.picked);
		if (on) s.add(id);
		else s.delete(id);
		picking.set(s);
	};
	return (
		<div class="table-wrap">
			<table class="table" aria-busy={loading}>
				<caption class="sr">{caption}</caption>
				<thead>
					<tr>
						{picking ? (
							<th scope="col" class="pick">
								<input
									ref={all}
									type="checkbox"
									aria-label="Select all on this page"
									checked={ids.length > 0 && chosen === ids.length}
									disabled={ids.length === 0}
									onChange={(e) => {
										const s = new Set(picking.picked);
										for (const id of ids) {
											if (e.currentTarget.checked) s.add(id);
											else s.delete(id);
										}
										picking.set(s);
									}}
								/>
							</th>
						) : null}
						{columns.map((c) => (
							<th
								key={c.key}
								scope="col"
								class={classes(c)}
								aria-sort={c.sort ? (sort !== c.sort ? "none" : c.up ? "ascending" : "descending") : undefined}
							>
								{c.sort ? (
									<button type="button" class="sort" onClick={() => setQuery({ sort: c.sort === sorted ? null : (c.sort ?? null) })}>
										{c.title}
										<span class={sort === c.sort ? "sort-mark on" : "sort-mark"}>
											<Icon name={c.up ? "up" : "down"} size={12} />
										</span>
									</button>
								) : (
									c.title || <span class="sr">Actions</span>
								)}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{rows
						? rows.map((row) => {
								const id = rowKey(row);
								return (
									<tr key={id} class={picking?.picked.has(id) ? "picked" : undefined}>
										{picking ? (
											<td class="pick">
												<input
													type="checkbox"
													aria-label={`Select ${picking.name(id)}`}
													checked={picking.picked.has(id)}
													disabled={picking.can ? !picking.can(id) : false}
													onChange={(e) => toggle(id, e.currentTarget.checked)}
												/>
											</td>
										) : null}
										{columns.map((c) => (
											<td key={c.key} class={classes(c)} data-label={c.title}>
												<div class="cell">{c.cell(row)}</div>
											</td>
										))}
									</tr>
								);
							})
						: Array.from({ length: expect }, (_, i) => (
								<tr key={i} class="waiting" aria-hidden="true">
									{picking ? <td class="pick" /> : null}
									{columns.map((c, k) => (
										<td key={c.key} class={classes(c)}>
											<span class={`skeleton w${((i + k) % 4) + 1}`} />
										</td>
									))}
								</tr>
							))}
				</tbody>
			</table>
		</div>
	);
}

const classes = <T,>(c: Column<T>): string | undefined =>
	[c.number && "number", c.minor && "minor", c.keep && "keep", c.grow && "grow", c.actions && "actions"].filter(Boolean).join(" ") || undefined;
