// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, vi } from "vitest";
import { call, get, headersOf, onSessionEnd, part, post, withQuery } from "../src/api/client";
import { Problem, asProblem, problemOf } from "../src/api/problem";

const answers = (status: number, body: unknown, headers: Record<string, string> = {}) =>
	vi.stubGlobal(
		"fetch",
		vi.fn(async () => new Response(status === 204 ? null : typeof body === "string" ? body : JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } })),
	);

const fails = async (p: Promise<unknown>): Promise<Problem> => {
	try {
		await p;
	} catch (e) {
		return asProblem(e);
	}
	throw new Error("it did not fail");
};

afterEach(() => {
	vi.unstubAllGlobals();
	onSessionEnd(() => {});
});

describe("requests", () => {
	it("that write say that they come from these pages", () => {
		expect(headersOf("GET", {})["Suture-CSRF"]).toBeUndefined();
		for (const m of ["POST", "PUT", "PATCH", "DELETE"] as const) expect(headersOf(m, {})["Suture-CSRF"]).toBe("1");
	});
	it("have a content type only with a body", () => {
		expect(headersOf("POST", {})["Content-Type"]).toBeUndefined();
		expect(headersOf("POST", { body: {} })["Content-Type"]).toBe("application/json");
	});
	it("that make something are done once, each with a key of its own", () => {
		const a = headersOf("POST", {})["Idempotency-Key"];
		expect(a).toMatch(/^[0-9a-f]{32}$/);
		expect(headersOf("POST", {})["Idempotency-Key"]).not.toBe(a);
		expect(headersOf("PATCH", {})["Idempotency-Key"]).toBeUndefined();
	});
	it("name the version that was read", () => {
		expect(headersOf("PATCH", { version: 3 })["If-Match"]).toBe('"v3"');
	});
	it("escape what they put into the path and the query", () => {
		expect(part("a/b?c")).toBe("a%2Fb%3Fc");
		expect(withQuery("/v1/systems", { q: "a b&c", limit: 5, cursor: null, tag: "" })).toBe("/v1/systems?q=a+b%26c&limit=5");
	});
});

describe("answers", () => {
	it("are JSON, or nothing", async () => {
		answers(200, { a: 1 });
		expect(await get("/v1/x")).toEqual({ a: 1 });
		answers(204, "");
		expect(await post("/v1/x", {})).toBeUndefined();
	});
	it("that are a page of a proxy are told as such", async () => {
		answers(200, "<html>login</html>", { "Content-Type": "text/html" });
		expect((await fails(get("/v1/x"))).detail).toContain("not JSON");
	});
	it("that say no keep their words, code and fields", async () => {
		answers(422, { code: "invalid-field", detail: "a window is not understood", request_id: "r1", errors: [{ pointer: "/windows/0", detail: "no window" }, { bad: 1 }] });
		const p = await fails(post("/v1/jobs", {}));
		expect([p.status, p.code, p.detail, p.requestId]).toEqual([422, "invalid-field", "a window is not understood", "r1"]);
		expect(p.field("windows")).toBe("no window");
		expect(p.field("window")).toBe("");
		expect(p.passing).toBe(false);
	});
	it("without a session end the session, but a wrong password does not", async () => {
		const ended = vi.fn();
		onSessionEnd(ended);
		answers(401, { code: "token-missing", detail: "there is no token" });
		await fails(call("POST", "/v1/sessions", { quiet401: true }));
		expect(ended).not.toHaveBeenCalled();
		await fails(get("/v1/systems"));
		expect(ended).toHaveBeenCalledOnce();
	});
	it("of 503 say when to come again", () => {
		const p = problemOf(503, "application/problem+json", '{"code":"busy","detail":"later"}', "7");
		expect([p.passing, p.retryAfter]).toEqual([true, 7]);
		expect(problemOf(503, "text/html", "<h1>", "99999").retryAfter).toBe(300);
	});
	it("that never come are told in words", async () => {
		vi.stubGlobal("fetch", vi.fn(async () => Promise.reject(new TypeError("Failed to fetch"))));
		const p = await fails(get("/v1/x"));
		expect([p.status, p.code, p.passing]).toEqual([0, "no-answer", true]);
	});
});
