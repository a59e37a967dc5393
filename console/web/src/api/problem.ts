// SPDX-License-Identifier: Apache-2.0
// Errors of the API (RFC 9457) and of the way to it, as one class.

export class Problem extends Error {
	readonly status: number;
	readonly code: string;
	readonly detail: string;
	readonly requestId: string;
	readonly fields: { pointer: string; detail: string }[];
	/** Seconds after which asking again makes sense; 0: it is not said. */
	readonly retryAfter: number;

	constructor(o: {
		status: number;
		code: string;
		detail: string;
		requestId?: string;
		fields?: { pointer: string; detail: string }[];
		retryAfter?: number;
	}) {
		super(o.detail);
		this.name = "Problem";
		this.status = o.status;
		this.code = o.code;
		this.detail = o.detail;
		this.requestId = o.requestId ?? "";
		this.fields = o.fields ?? [];
		this.retryAfter = o.retryAfter ?? 0;
	}

	/** What is wrong with the member `name` of the body that was sent; "" when nothing is. */
	field(name: string): string {
		return this.fields.find((f) => f.pointer === `/${name}` || f.pointer.startsWith(`/${name}/`))?.detail ?? "";
	}

	/** It may go away by itself. */
	get passing(): boolean {
		return this.status === 0 || this.status === 429 || this.status >= 502;
	}
}

export function asProblem(e: unknown): Problem {
	if (e instanceof Problem) return e;
	return new Problem({ status: 0, code: "unexpected", detail: e instanceof Error ? e.message : String(e) });
}

const byStatus: Record<number, string> = {
	401: "You are not signed in.",
	403: "You may not do this. Ask an administrator for the role that it needs.",
	404: "There is nothing of that name, or nothing that you may see.",
	413: "That is larger than the console takes.",
	429: "Too many requests. Wait a little.",
	503: "The console is busy or starting. It is asked again by itself.",
};

/** The problem in an answer that is no success. */
export function problemOf(status: number, type: string, text: string, retryAfter: string | null): Problem {
	const after = Math.min(Math.max(Number.parseInt(retryAfter ?? "", 10) || 0, 0), 300);
	if (/\bjson\b/.test(type)) {
		try {
			const o = JSON.parse(text) as Record<string, unknown>;
			const fields = Array.isArray(o.errors)
				? (o.errors as unknown[]).flatMap((f) => {
						const x = f as { pointer?: unknown; detail?: unknown };
						return typeof x?.pointer === "string" && typeof x.detail === "string"
							? [{ pointer: x.pointer, detail: x.detail }]
							: [];
					})
				: [];
			if (typeof o.detail === "string" || typeof o.code === "string")
				return new Problem({
					status,
					code: typeof o.code === "string" ? o.code : "unexpected",
					detail: typeof o.detail === "string" && o.detail !== "" ? o.detail : (byStatus[status] ?? `Status ${status}.`),
					requestId: typeof o.request_id === "string" ? o.request_id : "",
					fields,
					retryAfter: after,
				});
		} catch {
			// Not JSON after all: what follows.
		}
	}
	return new Problem({
		status,
		code: "unexpected",
		detail: byStatus[status] ?? `The console answered with status ${status}.`,
		retryAfter: after,
	});
}
