// SPDX-License-Identifier: Apache-2.0
// The address is the state: path, filters, order and page are in it, so a reload, a bookmark and the
// back button do what one expects.
import { useCallback, useEffect, useState } from "preact/hooks";

export interface Place {
	path: string;
	query: URLSearchParams;
}

const watchers = new Set<() => void>();

export const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

function moved(): void {
	for (const w of watchers) w();
}

if (typeof addEventListener !== "undefined") addEventListener("popstate", moved);

export function go(to: string, o: { replace?: boolean } = {}): void {
	if (o.replace) history.replaceState(null, "", to);
	else history.pushState(null, "", to);
	moved();
}

/** The button that had the focus goes away: one is at the page, not at its very beginning. */
export const toMain = (): void => document.getElementById("main")?.focus({ preventScroll: true });

export function usePlace(): Place {
	const [place, set] = useState(here);
	useEffect(() => {
		const w = (): void => set(here());
		watchers.add(w);
		return () => {
			watchers.delete(w);
		};
	}, []);
	return place;
}

/** `query` with `change` on top: null and "" take away. A changed filter begins at the first page. */
export function changed(query: URLSearchParams, change: Record<string, string | null>): string {
	const q = new URLSearchParams(query);
	for (const [k, v] of Object.entries(change)) {
		if (v === null || v === "") q.delete(k);
		else q.set(k, v);
	}
	if (!("cursor" in change)) {
		q.delete("cursor");
		q.delete("page");
	}
	const s = q.toString();
	return s === "" ? "" : `?${s}`;
}

/** Filters of this page in the address, and a way to change them. */
export function useQuery(): [URLSearchParams, (change: Record<string, string | null>, o?: { replace?: boolean }) => void] {
	const { query } = usePlace();
	const set = useCallback((change: Record<string, string | null>, o: { replace?: boolean } = {}) => {
		const h = here();
		go(h.path + changed(h.query, change), o);
	}, []);
	return [query, set];
}

/** The values in `path` for the `:names` of `pattern`; null when it is another path. */
export function match(pattern: string, path: string): Record<string, string> | null {
	const a = pattern.split("/");
	const b = path.replace(/\/+$/, "").split("/");
	if (path === "/" ? pattern !== "/" : a.length !== b.length) return null;
	if (path === "/") return {};
	const out: Record<string, string> = {};
	for (let i = 0; i < a.length; i++) {
		const want = a[i] as string;
		const is = b[i] as string;
		if (want.startsWith(":")) {
			if (is === "") return null;
			try {
				out[want.slice(1)] = decodeURIComponent(is);
			} catch {
				return null;
			}
		} else if (want !== is) return null;
	}
	return out;
}
