// SPDX-License-Identifier: Apache-2.0
// Every page: where it is, who sees it, and how it is called in the menu.
import type { ComponentType } from "preact";
import type { Role } from "./api/types";
import type { IconName } from "./parts/icons";
import { PosturePage } from "./pages/posture";
import { SystemPage } from "./pages/system";
import { SystemsPage } from "./pages/systems";

export type Params = Record<string, string>;

export interface Route {
	pattern: string;
	page: ComponentType<{ params: Params }>;
	/** Whose it is; none: of all who are signed in. */
	roles?: Role[];
}

export const routes: Route[] = [
	{ pattern: "/", page: PosturePage },
	{ pattern: "/systems", page: SystemsPage },
	{ pattern: "/systems/:id", page: SystemPage },
];

export interface Entry {
	to: string;
	label: string;
	icon: IconName;
	roles?: Role[];
}

export const menu: { title: string; entries: Entry[] }[] = [
	{
		title: "Fleet",
		entries: [
			{ to: "/", label: "Posture", icon: "posture" },
			{ to: "/systems", label: "Systems", icon: "systems" },
		],
	},
];
