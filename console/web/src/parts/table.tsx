// SPDX-License-Identifier: Apache-2.0
// A table of one page of a list of the console. Filters, order and page are in the address; on a
// small screen every row becomes a card whose lines carry the names of the columns.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { LiveType } from "../api/live";
import { type Got, useGet } from "../api/use";
import { withQuery } from "../api/client";
import type { Page } from "../api/types";
import { usePlace, useQuery } from "../lib/url";
import { Failure } from "./failure";
import { Icon } from "./icons";

export interface Column<T> {
	key: string;
	title: string;
	cell: (row: T) => ComponentChildren;
	/** The value of ?sort= that orders by this column. */
	sort?: string;
	number?: boolean;
	/** Not shown on screens that are no phone but narrow. */
	minor?: boolean;
	/** Names and versions, which should not be broken early. */
	keep?: boolean;
	/** The column that grows. */
	grow?: boolean;
}

export interface Picking {
	picked: ReadonlySet<string>;
	set: (s: ReadonlySet<string>) => void;
	name: (id: string) => string;
	can?: (id: string) => boolean;
}

interface Props<T> {
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

export function Table<T>({ caption, columns, rows, rowKey, loading = false, empty, picking, sorted, expect = 8 }: Props<T>) {
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
								aria-sort={c.sort ? (sort === c.sort ? "descending" : "none") : undefined}
							>
								{c.sort ? (
									<button type="button" class="sort" onClick={() => setQuery({ sort: c.sort === sorted ? null : (c.sort ?? null) })}>
										{c.title}
										<span class={sort === c.sort ? "sort-mark on" : "sort-mark"}>
											<Icon name="down" size={12} />
										</span>
									</button>
								) : (
									c.title
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
	[c.number ? "number" : "", c.minor ? "minor" : "", c.keep ? "keep" : "", c.grow ? "grow" : ""].filter(Boolean).join(" ") || undefined;

export interface Listed<T> extends Got<Page<T>> {
	rows: T[] | undefined;
	/** Whether a filter of `filters` is set. */
	filtered: boolean;
}

/** One page of the list at `path`; `filters`: members of the address that go into its query. */
export function useList<T>(path: string | null, filters: string[], live: LiveType[] = [], limit = 50, fixed: Record<string, string> = {}): Listed<T> {
	const { query } = usePlace();
	const q: Record<string, string | number | null> = { limit, ...fixed };
	for (const f of filters) q[f] = query.get(f);
	q.cursor = query.get("cursor");
	const got = useGet<Page<T>>(path === null ? null : withQuery(path, q), live);
	return { ...got, rows: got.data?.items, filtered: filters.some((f) => f !== "sort" && query.has(f)) };
}

// The cursors that led here, by page: the console only tells the next one.
const trails = new Map<string, string[]>();

function trailKey(path: string, query: URLSearchParams): string {
	const q = new URLSearchParams(query);
	q.delete("cursor");
	q.delete("page");
	q.sort();
	return `${path}?${q}`;
}

export function Pager({ next, shown, loading }: { next: string | null | undefined; shown: number | undefined; loading: boolean }) {
	const { path, query } = usePlace();
	const [, setQuery] = useQuery();
	const page = Math.max(Number.parseInt(query.get("page") ?? "1", 10) || 1, 1);
	const trail = trails.get(trailKey(path, query)) ?? [];
	if (page === 1 && !next) return null;
	const to = (n: number, cursor: string | null): void => {
		setQuery({ cursor, page: n === 1 ? null : String(n) });
		document.getElementById("main")?.scrollTo({ top: 0 });
		scrollTo({ top: 0 });
	};
	return (
		<nav class="pager" aria-label="Pages">
			<button
				type="button"
				class="button small"
				disabled={page === 1}
				onClick={() => {
					const cursor = page > 2 ? trail[page - 2] : undefined;
					to(cursor ? page - 1 : 1, cursor ?? null);
				}}
			>
				<Icon name="left" /> Previous
			</button>
			<span class="pager-here" aria-live="polite">
				Page {page}
				{shown !== undefined ? ` · ${shown} rows` : ""}
			</span>
			<button
				type="button"
				class="button small"
				disabled={!next || loading}
				onClick={() => {
					if (!next) return;
					const t = [...trail];
					t[page] = next;
					trails.set(trailKey(path, query), t);
					to(page + 1, next);
				}}
			>
				Next <Icon name="right" />
			</button>
		</nav>
	);
}

/** Table, what went wrong, and pages: all that a list needs. */
export function List<T>({ list, ...rest }: Omit<Props<T>, "rows" | "loading"> & { list: Listed<T> }) {
	return (
		<>
			{list.error ? <Failure problem={list.error} retry={list.reload} /> : null}
			{list.error && !list.rows ? null : <Table {...rest} rows={list.rows} loading={list.loading} />}
			<Pager next={list.data?.next} shown={list.rows?.length} loading={list.loading} />
		</>
	);
}
