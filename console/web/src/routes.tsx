// SPDX-License-Identifier: Apache-2.0
// Every page: where it is, who sees it, and how it is called in the menu.
import type { ComponentType } from "preact";
import type { Role } from "./api/types";
import { AuditPage } from "./pages/audit";
import { CoveragePage } from "./pages/coverage";
import { CvePage } from "./pages/cve";
import { CvesPage } from "./pages/cves";
import { FindingPage } from "./pages/finding";
import { FindingsPage } from "./pages/findings";
import { JobPage } from "./pages/job";
import { JobSystemPage } from "./pages/job-system";
import { JobsPage } from "./pages/jobs";
import { KeysPage } from "./pages/keys";
import { PatchesPage } from "./pages/patches";
import { PosturePage } from "./pages/posture";
import { ScanPage } from "./pages/scan";
import { ScansPage } from "./pages/scans";
import { SettingsPage } from "./pages/settings";
import { SystemPage } from "./pages/system";
import { SystemsPage } from "./pages/systems";
import { TokensPage } from "./pages/tokens";
import { UsersPage } from "./pages/users";
import { WebhooksPage } from "./pages/webhooks";
import type { IconName } from "./parts/icons";

export type Params = Record<string, string>;

export interface Route {
	pattern: string;
	page: ComponentType<{ params: Params }>;
	/** Whose it is; none: of all who are signed in. An admin sees all. */
	roles?: Role[];
}

const keyReaders: Role[] = ["key-manager", "auditor"];
const auditors: Role[] = ["auditor"];

export const routes: Route[] = [
	{ pattern: "/", page: PosturePage },
	{ pattern: "/systems", page: SystemsPage },
	{ pattern: "/systems/:id", page: SystemPage },
	{ pattern: "/cves", page: CvesPage },
	{ pattern: "/cves/:cve", page: CvePage },
	{ pattern: "/findings", page: FindingsPage },
	{ pattern: "/findings/:id", page: FindingPage },
	{ pattern: "/scans", page: ScansPage },
	{ pattern: "/scans/:id", page: ScanPage },
	{ pattern: "/patches", page: PatchesPage },
	{ pattern: "/coverage", page: CoveragePage },
	{ pattern: "/jobs", page: JobsPage },
	{ pattern: "/jobs/:id", page: JobPage },
	{ pattern: "/jobs/:id/systems/:system", page: JobSystemPage },
	{ pattern: "/keys", page: KeysPage, roles: keyReaders },
	{ pattern: "/users", page: UsersPage, roles: auditors },
	{ pattern: "/tokens", page: TokensPage },
	{ pattern: "/webhooks", page: WebhooksPage },
	{ pattern: "/audit", page: AuditPage, roles: auditors },
	{ pattern: "/settings", page: SettingsPage },
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
			{ to: "/keys", label: "Keys and enrolment", icon: "keys", roles: keyReaders },
		],
	},
	{
		title: "Exposure",
		entries: [
			{ to: "/cves", label: "CVEs", icon: "cve" },
			{ to: "/findings", label: "Findings", icon: "findings" },
			{ to: "/scans", label: "Scans", icon: "scans" },
		],
	},
	{
		title: "Patching",
		entries: [
			{ to: "/jobs", label: "Jobs", icon: "jobs" },
			{ to: "/patches", label: "Patches", icon: "patches" },
			{ to: "/coverage", label: "Coverage", icon: "coverage" },
		],
	},
	{
		title: "Administration",
		entries: [
			{ to: "/users", label: "Users", icon: "users", roles: auditors },
			{ to: "/tokens", label: "API tokens", icon: "tokens" },
			{ to: "/webhooks", label: "Webhooks", icon: "webhooks" },
			{ to: "/audit", label: "Audit", icon: "audit", roles: auditors },
			{ to: "/settings", label: "Settings", icon: "settings" },
		],
	},
];
