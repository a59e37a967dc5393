// SPDX-License-Identifier: Apache-2.0
// Who is signed in, and what this person may do. The console decides; here it is only decided what
// is worth showing.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Role, Whoami } from "./types";

export const Me = createContext<Whoami>({
	kind: "user",
	name: "",
	tenant: "",
	staff: false,
	roles: [],
	must_change: false,
});

export const useMe = (): Whoami => useContext(Me);

/** An admin is all of the tenant. */
export const may = (me: Whoami, ...roles: Role[]): boolean => me.roles.includes("admin") || roles.some((r) => me.roles.includes(r));

/** Whether one of `roles` is there. */
export const useMay = (...roles: Role[]): boolean => may(useMe(), ...roles);
