// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes, durations and times as people read them. All of it is plain text.

const whole = new Intl.NumberFormat("en-US");

export const count = (n: number | null | undefined): string =>
	n === null || n === undefined || !Number.isFinite(n) ? "–" : whole.format(n);

/** "1 system", "2,000 systems" */
export const counted = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export function size(bytes: number | null | undefined): string {
	if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return "–";
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let n = bytes;
	let u = 0;
	while (n >= 1024 && u < units.length - 1) {
		n /= 1024;
		u++;
	}
	return `${u === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[u]}`;
}

export function share(part: number, all: number): string {
	if (all <= 0) return "–";
	const p = (100 * part) / all;
	if (p > 0 && p < 1) return "< 1 %";
	if (p < 100 && p > 99) return "> 99 %";
	return `${Math.round(p)} %`;
}

/** Seconds as "45 s", "12 min", "3.5 h", "12 d". */
export function duration(s: number | null | undefined): string {
	if (s === null || s === undefined || !Number.isFinite(s)) return "–";
	if (s < 0) return "–";
	if (s < 1) return "< 1 s";
	if (s < 90) return `${Math.round(s)} s`;
	if (s < 90 * 60) return `${Math.round(s / 60)} min`;
	if (s < 36 * 3600) return `${tenth(s / 3600)} h`;
	return `${tenth(s / 86400)} d`;
}

export function millis(ms: number | null | undefined): string {
	if (ms === null || ms === undefined || !Number.isFinite(ms)) return "–";
	if (ms < 1000) return `${Math.round(ms)} ms`;
	if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
	return duration(ms / 1000);
}

const tenth = (n: number): string => (n < 10 ? String(Math.round(n * 10) / 10) : String(Math.round(n)));

/** Milliseconds of a time of the API; NaN when it is none. */
export const stamp = (t: string | null | undefined): number => (t ? Date.parse(t) : Number.NaN);

/** "3 min ago", "in 2 h", "just now" */
export function relative(t: string | null | undefined, now = Date.now()): string {
	const at = stamp(t);
	if (Number.isNaN(at)) return "never";
	const s = (now - at) / 1000;
	const d = Math.abs(s);
	if (d < 10) return "just now";
	const words =
		d < 60
			? `${Math.round(d)} s`
			: d < 3600
				? `${Math.round(d / 60)} min`
				: d < 48 * 3600
					? `${Math.round(d / 3600)} h`
					: d < 60 * 86400
						? `${Math.round(d / 86400)} d`
						: d < 730 * 86400
							? `${Math.round(d / (30.44 * 86400))} months`
							: `${Math.round(d / (365.25 * 86400))} years`;
	return s >= 0 ? `${words} ago` : `in ${words}`;
}

const two = (n: number): string => String(n).padStart(2, "0");

/** "2026-11-22 04:05:06 UTC": one clock for all who look. */
export function absolute(t: string | null | undefined): string {
	const at = stamp(t);
	if (Number.isNaN(at)) return "";
	const d = new Date(at);
	return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} UTC`;
}

/** "22 Nov" */
export function day(t: string): string {
	const d = new Date(Date.parse(t.length === 10 ? `${t}T00:00:00Z` : t));
	return Number.isNaN(d.getTime()) ? t : `${d.getUTCDate()} ${months[d.getUTCMonth()]}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A long hexadecimal name, its first and last digits. */
export const short = (s: string | null | undefined, n = 12): string => (!s ? "–" : s.length <= n + 1 ? s : `${s.slice(0, n)}…`);

/** A word at the beginning of a line or in a badge. */
export const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1);

/** Only what leads to the web: a link of a host or a scanner may be anything. */
export function webAddress(s: unknown): string | null {
	if (typeof s !== "string" || s.length > 2048) return null;
	try {
		const u = new URL(s);
		return (u.protocol === "https:" || u.protocol === "http:") && u.username === "" && u.password === "" ? u.href : null;
	} catch {
		return null;
	}
}

/** A text of any kind; of what is no text its JSON. */
export function text(v: unknown): string {
	if (v === null || v === undefined) return "";
	if (typeof v === "string") return v;
	if (typeof v === "number" || typeof v === "boolean") return String(v);
	return JSON.stringify(v);
}

/** Tags have a name and mostly a value. */
export const tagsOf = (tags: string[] | Record<string, string> | null | undefined): string[] =>
	!tags ? [] : Array.isArray(tags) ? tags : Object.entries(tags).map(([k, v]) => (v ? `${k}: ${text(v)}` : k));
