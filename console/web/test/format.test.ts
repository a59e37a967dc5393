// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { absolute, count, counted, day, duration, millis, relative, share, short, size, text, webAddress } from "../src/lib/format";

describe("numbers", () => {
	it("have separators, and a dash when there is none", () => {
		expect(count(12345)).toBe("12,345");
		expect(count(0)).toBe("0");
		expect(count(null)).toBe("–");
		expect(counted(1, "system")).toBe("1 system");
		expect(counted(2, "process", "processes")).toBe("2 processes");
	});
	it("of bytes have a unit", () => {
		expect(size(512)).toBe("512 B");
		expect(size(1536)).toBe("1.5 KiB");
		expect(size(734003200)).toBe("700 MiB");
		expect(size(undefined)).toBe("–");
	});
	it("of shares never round to all or nothing", () => {
		expect(share(1, 1000)).toBe("< 1 %");
		expect(share(999, 1000)).toBe("> 99 %");
		expect(share(0, 10)).toBe("0 %");
		expect(share(10, 10)).toBe("100 %");
		expect(share(1, 0)).toBe("–");
	});
	it("of durations take the unit that fits", () => {
		expect(duration(45)).toBe("45 s");
		expect(duration(720)).toBe("12 min");
		expect(duration(2 * 3600)).toBe("2 h");
		expect(duration(5 * 86400)).toBe("5 d");
		expect(duration(-1)).toBe("–");
		expect(millis(42)).toBe("42 ms");
		expect(millis(4200)).toBe("4.2 s");
	});
});

describe("times", () => {
	const now = Date.parse("2026-11-22T12:00:00Z");
	it("are relative in both directions", () => {
		expect(relative("2026-11-22T11:57:00Z", now)).toBe("3 min ago");
		expect(relative("2026-11-22T14:00:00Z", now)).toBe("in 2 h");
		expect(relative("2026-11-22T11:59:58Z", now)).toBe("just now");
		expect(relative(null, now)).toBe("never");
		expect(relative("nonsense", now)).toBe("never");
	});
	it("are absolute in UTC", () => {
		expect(absolute("2026-11-22T04:05:06Z")).toBe("2026-11-22 04:05:06 UTC");
		expect(absolute("<b>")).toBe("");
		expect(day("2026-11-22")).toBe("22 Nov");
	});
});

describe("texts from outside", () => {
	it("are links only when they lead to the web", () => {
		expect(webAddress("https://example.org/a?b")).toBe("https://example.org/a?b");
		expect(webAddress("javascript:alert(1)")).toBeNull();
		expect(webAddress("JaVaScRiPt:alert(1)")).toBeNull();
		expect(webAddress("data:text/html,x")).toBeNull();
		expect(webAddress("https://user:pass@example.org/")).toBeNull();
		expect(webAddress("//example.org")).toBeNull();
		expect(webAddress(7)).toBeNull();
	});
	it("stay what they are", () => {
		expect(text("<script>")).toBe("<script>");
		expect(text({ a: 1 })).toBe('{"a":1}');
		expect(text(null)).toBe("");
		expect(short("0123456789abcdef", 4)).toBe("0123…");
	});
});
