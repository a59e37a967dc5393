// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { capital } from "../src/lib/format";
import { jobOf, jobSystemOrder, jobSystemSays, outcomeTone, protections } from "../src/lib/verdicts";
import { actionWords, describe as say, leftOut } from "../src/parts/job-dialog";

describe("a job", () => {
	it("that is over with failures does not sound as if all were well", () => {
		expect(jobOf({ state: "done", counts: { done: 9 } })).toEqual({ label: "done", tone: "good" });
		expect(jobOf({ state: "done", counts: { done: 7, failed: 1, expired: 1 } })).toEqual({ label: "done, 2 not patched", tone: "warn" });
		expect(jobOf({ state: "running", counts: { failed: 1 } }).label).toBe("running");
		expect(jobOf({ state: "brand-new" })).toEqual({ label: "brand-new", tone: "quiet" });
	});
	it("explains every state of a system", () => {
		expect(Object.keys(jobSystemSays).sort()).toEqual([...jobSystemOrder].sort());
	});
	it("says what was selected in words", () => {
		expect(say({})).toBe("all systems");
		expect(say({ systems: ["a", "b"], verdicts: ["fix-ready"] })).toBe("2 systems · fix ready");
		expect(say({ cves: ["CVE-2026-1"], query: { feed: "stable" } })).toBe("CVE-2026-1 · feed “stable”");
		expect(actionWords("apply")).toBe("Apply live patches");
		expect(actionWords("brand-new")).toBe("brand-new");
	});
	it("names those that it leaves out once for each reason", () => {
		const by = leftOut([
			{ system: { id: "1", hostname: "web-1" }, reason: "busy", message: "It is in another job." },
			{ system: "web-2", reason: "offline" },
			{ system: { id: "3" }, reason: "busy", message: "It is in another job." },
		]);
		expect([...by]).toEqual([
			["It is in another job.", ["web-1", "3"]],
			["offline", ["web-2"]],
		]);
	});
});

describe("words", () => {
	it("begin with a capital where they stand alone", () => {
		expect(capital("running")).toBe("Running");
		expect(capital("")).toBe("");
	});
	it("of an agent are good, bad, or not yet known", () => {
		expect(outcomeTone("applied")).toBe("good");
		expect(outcomeTone("text-mismatch")).toBe("bad");
		expect(outcomeTone("waiting")).toBe("info");
	});
	it("of protection are those that can be filtered by", () => {
		expect(Object.keys(protections)).toEqual(["protected", "exposed", "unknown", "offline"]);
	});
});
