// SPDX-License-Identifier: Apache-2.0
// One way to the API. A browser's session is a cookie that scripts cannot read; what writes has the
// header that a foreign page cannot send.
import { Problem, problemOf } from "./problem";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Options {
	body?: unknown;
	/** For If-Match: the version that was read. */
	version?: number;
	signal?: AbortSignal;
	/** It changes nothing, so it needs no key against being done twice. */
	harmless?: boolean;
	/** A wrong password is no ended session. */
	quiet401?: boolean;
}

let ended: () => void = () => {};

/** `f` is called when the session is over. */
export function onSessionEnd(f: () => void): void {
	ended = f;
}

/** A value for Idempotency-Key: with it a POST that is sent twice is done once. */
function once(): string {
	const b = new Uint8Array(16);
	crypto.getRandomValues(b);
	return Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
}

export function headersOf(method: Method, o: Options): Record<string, string> {
	const h: Record<string, string> = { Accept: "application/json" };
	if (method !== "GET") h["Suture-CSRF"] = "1";
	if (o.body !== undefined) h["Content-Type"] = "application/json";
	if (method === "POST" && !o.harmless) h["Idempotency-Key"] = once();
	if (o.version !== undefined) h["If-Match"] = `"v${o.version}"`;
	return h;
}

async function send(method: Method, path: string, o: Options): Promise<Response> {
	const init: RequestInit = {
		method,
		headers: headersOf(method, o),
		credentials: "same-origin",
		cache: "no-store",
		redirect: "error",
	};
	if (o.body !== undefined) init.body = JSON.stringify(o.body);
	if (o.signal) init.signal = o.signal;
	try {
		return await fetch(path, init);
	} catch (e) {
		if (o.signal?.aborted) throw e;
		throw new Problem({
			status: 0,
			code: "no-answer",
			detail: "The console does not answer. Is it running, and is the network there? It is asked again by itself.",
			retryAfter: 5,
		});
	}
}

export async function call<T>(method: Method, path: string, o: Options = {}): Promise<T> {
	const r = await send(method, path, o);
	const text = await r.text();
	if (!r.ok) {
		const p = problemOf(r.status, r.headers.get("Content-Type") ?? "", text, r.headers.get("Retry-After"));
		if (r.status === 401 && !o.quiet401) ended();
		throw p;
	}
	if (text === "") return undefined as T;
	try {
		return JSON.parse(text) as T;
	} catch {
		throw new Problem({ status: r.status, code: "unexpected", detail: "The console's answer is not JSON. Is a proxy in between?" });
	}
}

export const get = <T>(path: string, o?: Options): Promise<T> => call<T>("GET", path, o);
export const post = <T>(path: string, body?: unknown, o: Options = {}): Promise<T> =>
	call<T>("POST", path, body === undefined ? o : { ...o, body });
export const put = <T>(path: string, body: unknown, o: Options = {}): Promise<T> => call<T>("PUT", path, { ...o, body });
export const patch = <T>(path: string, body: unknown, o: Options = {}): Promise<T> => call<T>("PATCH", path, { ...o, body });
export const del = <T>(path: string, o: Options = {}): Promise<T> => call<T>("DELETE", path, o);

/** `path` with those of `query` that are set. */
export function withQuery(path: string, query: Record<string, string | number | boolean | null | undefined>): string {
	const q = new URLSearchParams();
	for (const [k, v] of Object.entries(query)) if (v !== undefined && v !== null && v !== "" && v !== false) q.set(k, String(v));
	const s = q.toString();
	return s === "" ? path : `${path}?${s}`;
}

/** A part of a path made of text from outside. */
export const part = (s: string): string => encodeURIComponent(s);

/** Sends a file as it is. `progress`: bytes that are on their way, of all. */
export function upload<T>(
	path: string,
	file: Blob,
	progress: (sent: number, total: number) => void,
	signal?: AbortSignal,
): Promise<T> {
	return new Promise<T>((resolve, reject) => {
		const x = new XMLHttpRequest();
		x.open("POST", path);
		x.setRequestHeader("Accept", "application/json");
		x.setRequestHeader("Suture-CSRF", "1");
		x.setRequestHeader("Content-Type", "application/octet-stream");
		x.upload.onprogress = (e) => progress(e.loaded, e.lengthComputable ? e.total : file.size);
		x.onload = () => {
			if (x.status >= 200 && x.status < 300) {
				try {
					resolve(JSON.parse(x.responseText) as T);
				} catch {
					reject(new Problem({ status: x.status, code: "unexpected", detail: "The console's answer is not JSON." }));
				}
				return;
			}
			if (x.status === 401) ended();
			reject(problemOf(x.status, x.getResponseHeader("Content-Type") ?? "", x.responseText, x.getResponseHeader("Retry-After")));
		};
		x.onerror = () =>
			reject(
				new Problem({
					status: 0,
					code: "no-answer",
					detail: "The upload broke off. Is the network there? Nothing was imported; send the file again.",
				}),
			);
		x.onabort = () => reject(new Problem({ status: 0, code: "aborted", detail: "The upload was stopped. Nothing was imported." }));
		signal?.addEventListener("abort", () => x.abort());
		x.send(file);
	});
}
