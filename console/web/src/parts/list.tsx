// SPDX-License-Identifier: Apache-2.0
// One page of a list of the console, with its filters in the address: what most pages are.
import type { ComponentChildren } from "preact";
import { withQuery } from "../api/client";
import type { LiveType } from "../api/live";
import type { Page as PageOf } from "../api/types";
import { type Got, useGet } from "../api/use";
import { toMain, usePlace, useQuery } from "../lib/url";
import { Failure } from "./failure";
import { Filters } from "./filters";
import { Icon } from "./icons";
import { Page } from "./page";
import { type Patching, usePatching } from "./patching";
import { Card, Empty } from "./small";
import { Table, type TableProps } from "./table";

export interface Listed<T> extends Got<PageOf<T>> {
	rows: T[] | undefined;
	/** The filters that are set. */
	set: string[];
}

/** One page of the list at `path`; `filters`: members of the address that go into its query. */
export function useList<T>(path: string | null, filters: string[], live: LiveType[] = [], limit = 50, fixed: Record<string, string> = {}): Listed<T> {
	const { query } = usePlace();
	const q: Record<string, string | number | null> = { limit, ...fixed };
	for (const f of filters) q[f] = query.get(f);
	q.cursor = query.get("cursor");
	const got = useGet<PageOf<T>>(path === null ? null : withQuery(path, q), live);
	return { ...got, rows: got.data?.items, set: filters.filter((f) => f !== "sort" && query.has(f)) };
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

type ListProps<T> = Omit<TableProps<T>, "rows" | "loading" | "picking"> & {
	list: Listed<T>;
	/** What one row is, for when the filters leave none. */
	one: string;
	filters?: ComponentChildren;
	patching?: Patching<T>;
	title?: ComponentChildren;
	aside?: ComponentChildren;
};

/** Filters, table, what went wrong, pages, and what can be done with picked rows. `empty`: for when there is nothing even without filters. */
export function ListCard<T>({ list, one, filters, patching, title, aside, empty, ...table }: ListProps<T>) {
	const [, setQuery] = useQuery();
	const { picking, bar } = usePatching(list.rows, table.rowKey, patching);
	const none =
		list.set.length > 0 ? (
			<Empty
				icon="search"
				title={`No ${one} is like that`}
				action={
					<button type="button" class="button" onClick={() => {
							setQuery(Object.fromEntries(list.set.map((f) => [f, null])));
							toMain();
						}}
					>
						Show all
					</button>
				}
			>
				Take a filter away, or look for something shorter.
			</Empty>
		) : (
			empty
		);
	return (
		<>
			<Card flush title={title} aside={aside}>
				{filters ? <Filters>{filters}</Filters> : null}
				{list.error ? <Failure problem={list.error} retry={list.reload} /> : null}
				{list.error && !list.rows ? null : <Table {...table} picking={picking} empty={none} rows={list.rows} loading={list.loading} />}
				<Pager next={list.data?.next} shown={list.rows?.length} loading={list.loading} />
			</Card>
			{bar}
		</>
	);
}

/** A page that is one list. `children`: dialogs, and what stands above it is `before`. */
export function ListPage<T>({
	heading,
	note,
	actions,
	before,
	children,
	...list
}: ListProps<T> & { heading: string; note?: ComponentChildren; actions?: ComponentChildren; before?: ComponentChildren; children?: ComponentChildren }) {
	return (
		<Page title={heading} note={note} actions={actions}>
			{before}
			<ListCard {...list} />
			{children}
		</Page>
	);
}
