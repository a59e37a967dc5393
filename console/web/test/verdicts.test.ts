// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { may } from "../src/api/session";
import type { Whoami } from "../src/api/types";
import { isVerdict, openOf, severityOf, verdictOf, verdictOrder, verdicts } from "../src/lib/verdicts";

describe("verdicts", () => {
	it("are all in the order", () => {
		expect([...verdictOrder].sort()).toEqual(Object.keys(verdicts).sort());
	});
	it("that are open are those that are neither fixed nor not affected", () => {
		expect(openOf({ "fix-ready": 2, partial: 1, "live-fixed": 9, "not-affected": 4 })).toBe(3);
		expect(openOf(undefined)).toBe(0);
	});
	it("of a newer console are shown as they are", () => {
		expect(verdictOf("brand-new").label).toBe("brand-new");
		expect(isVerdict("brand-new")).toBe(false);
		expect(severityOf("weird").label).toBe("weird");
		expect(severityOf(null).label).toBe("unrated");
	});
});

describe("roles", () => {
	const me = (roles: Whoami["roles"]): Whoami => ({ kind: "user", name: "x", tenant: "t", staff: false, roles, must_change: false });
	it("allow what they name, and admin everything", () => {
		expect(may(me(["viewer"]), "operator")).toBe(false);
		expect(may(me(["operator"]), "operator")).toBe(true);
		expect(may(me(["admin"]), "operator", "key-manager")).toBe(true);
	});
});
