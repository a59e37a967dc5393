// SPDX-License-Identifier: Apache-2.0
// What happens, told by the console as it happens. One connection for all of the page; the browser
// comes again by itself, with the number of the last event.

export type LiveType = "posture" | "scan" | "system" | "job" | "portal";
type Listener = (id: string) => void;

const types: LiveType[] = ["posture", "scan", "system", "job", "portal"];
const listeners = new Map<LiveType, Set<Listener>>();
let source: EventSource | null = null;
let retry: ReturnType<typeof setTimeout> | undefined;
let pause = 1000;
let begun = 0;

function tell(type: LiveType, data: string): void {
	let id = "";
	try {
		const o = JSON.parse(data) as { id?: unknown };
		if (typeof o?.id === "string") id = o.id;
	} catch {
		// An event without data is still an event.
	}
	for (const f of listeners.get(type) ?? []) f(id);
}

export function openLive(): void {
	if (source || typeof EventSource === "undefined") return;
	const s = new EventSource("/v1/live");
	source = s;
	begun ||= Date.now();
	// What is told from now on. A page that read something well before that reads it again.
	s.addEventListener("ready", () => {
		if (Date.now() - begun > 300) for (const t of types) tell(t, "");
	});
	s.onopen = () => {
		pause = 1000;
	};
	for (const t of types) s.addEventListener(t, (e) => tell(t, (e as MessageEvent<string>).data));
	s.onerror = () => {
		// CLOSED: the browser gave up, as after an answer of 503. Asked again more and more rarely.
		if (s.readyState !== EventSource.CLOSED || source !== s) return;
		source = null;
		clearTimeout(retry);
		retry = setTimeout(openLive, pause);
		pause = Math.min(pause * 2, 60_000);
	};
}

export function closeLive(): void {
	clearTimeout(retry);
	source?.close();
	source = null;
	begun = 0;
}

/** What this page did itself is not waited for. */
export function announce(type: LiveType): void {
	for (const f of listeners.get(type) ?? []) f("");
}

/** Calls `f` for events of these types, until what is returned is called. */
export function listen(wanted: LiveType[], f: Listener): () => void {
	for (const t of wanted) {
		const set = listeners.get(t) ?? new Set();
		set.add(f);
		listeners.set(t, set);
	}
	return () => {
		for (const t of wanted) listeners.get(t)?.delete(f);
	};
}
