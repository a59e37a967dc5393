// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { changed, match } from "../src/lib/url";

describe("the address as state", () => {
	it("keeps what is not changed", () => {
		expect(changed(new URLSearchParams("q=a&sort=seen"), { q: "b" })).toBe("?q=b&sort=seen");
	});
	it("begins at the first page when a filter changes", () => {
		expect(changed(new URLSearchParams("q=a&cursor=x&page=3"), { q: "b" })).toBe("?q=b");
	});
	it("keeps the filters when the page changes", () => {
		expect(changed(new URLSearchParams("q=a"), { cursor: "x", page: "2" })).toBe("?q=a&cursor=x&page=2");
	});
	it("is short when nothing is set", () => {
		expect(changed(new URLSearchParams("q=a"), { q: "" })).toBe("");
	});
	it("escapes what people type", () => {
		expect(changed(new URLSearchParams(), { q: "a&b=<c>" })).toBe("?q=a%26b%3D%3Cc%3E");
	});
});

describe("routes", () => {
	it("match whole paths", () => {
		expect(match("/", "/")).toEqual({});
		expect(match("/systems", "/systems")).toEqual({});
		expect(match("/systems", "/systems/")).toEqual({});
		expect(match("/systems", "/systems/x")).toBeNull();
		expect(match("/", "/systems")).toBeNull();
	});
	it("decode what is named", () => {
		expect(match("/jobs/:id/systems/:system", "/jobs/a%2Fb/systems/c")).toEqual({ id: "a/b", system: "c" });
		expect(match("/jobs/:id", "/jobs/%E0%A4%A")).toBeNull();
		expect(match("/jobs/:id", "/jobs/")).toBeNull();
	});
});
