// SPDX-License-Identifier: Apache-2.0
// Reading in components: what was read last is shown at once and read again; what passes is asked
// again by itself; events of the console make it read anew.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get } from "./client";
import { type LiveType, listen } from "./live";
import { type Problem, asProblem } from "./problem";

export interface Got<T> {
	data: T | undefined;
	error: Problem | undefined;
	loading: boolean;
	reload: () => void;
}

const kept = new Map<string, unknown>();
const KEPT_MAX = 60;
const SLOW_MS = 60_000;

function keep(path: string, data: unknown): void {
	kept.delete(path);
	kept.set(path, data);
	if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value as string);
}

/** Nothing of one user is shown to the next. */
export function forgetAll(): void {
	kept.clear();
}

interface State<T> {
	path: string | null;
	data: T | undefined;
	error: Problem | undefined;
	loading: boolean;
}

/** Reads `path` (null: nothing). `live`: events after which it is read again. */
export function useGet<T>(path: string | null, live: LiveType[] = []): Got<T> {
	const [turn, setTurn] = useState(0);
	const [state, setState] = useState<State<T>>({ path: null, data: undefined, error: undefined, loading: true });
	const reload = useCallback(() => setTurn((n) => n + 1), []);
	const asked = useRef(0);

	useEffect(() => {
		if (path === null) return;
		const abort = new AbortController();
		let timer: ReturnType<typeof setTimeout> | undefined;
		asked.current = Date.now();
		setState((s) => ({
			path,
			data: s.path === path && s.data !== undefined ? s.data : (kept.get(path) as T | undefined),
			error: s.path === path ? s.error : undefined,
			loading: true,
		}));
		get<T>(path, { signal: abort.signal }).then(
			(data) => {
				keep(path, data);
				setState({ path, data, error: undefined, loading: false });
			},
			(e: unknown) => {
				if (abort.signal.aborted) return;
				const error = asProblem(e);
				setState((s) => ({ path, data: s.path === path ? s.data : undefined, error, loading: false }));
				if (error.passing) timer = setTimeout(reload, Math.max(error.retryAfter, 3) * 1000);
			},
		);
		return () => {
			clearTimeout(timer);
			abort.abort();
		};
	}, [path, turn, reload]);

	// What is counted over the fleet is new a moment after what it is counted from: "posture" tells when.
	const wanted = (live.some((t) => t !== "portal") && !live.includes("posture") ? [...live, "posture"] : live).join();
	useEffect(() => {
		if (path === null || wanted === "") return;
		let timer: ReturnType<typeof setTimeout> | undefined;
		// Many events at once make one reading, at most one in a second.
		const stop = listen(wanted.split(",") as LiveType[], () => {
			timer ??= setTimeout(
				() => {
					timer = undefined;
					reload();
				},
				Math.max(250, 1000 - (Date.now() - asked.current)),
			);
		});
		// Also slowly by itself: a proxy may keep events from coming.
		const slow = setInterval(() => {
			if (!document.hidden && Date.now() - asked.current > SLOW_MS - 1000) reload();
		}, SLOW_MS);
		return () => {
			clearTimeout(timer);
			clearInterval(slow);
			stop();
		};
	}, [path, wanted, reload]);

	// Of another path nothing is shown, not even for one frame.
	if (state.path !== path)
		return {
			data: path === null ? undefined : (kept.get(path) as T | undefined),
			error: undefined,
			loading: path !== null,
			reload,
		};
	return { data: state.data, error: state.error, loading: state.loading, reload };
}
