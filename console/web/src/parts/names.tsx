// SPDX-License-Identifier: Apache-2.0
// How systems and CVEs are written, as links.
import type { SystemRef } from "../api/types";
import { part } from "../api/client";
import { Link } from "./link";

/** What a person would call it. Names come from hosts and scanners: they are text, and may be empty. */
export const nameOf = (s: { id: string; hostname?: string | null; fqdn?: string | null; system_id?: string | null }): string =>
	s.hostname || s.fqdn || s.system_id || s.id;

export function SystemLink({ of, sub }: { of: SystemRef; sub?: boolean }) {
	return (
		<>
			<Link class="cell-main" to={`/systems/${part(of.id)}`}>
				{nameOf(of)}
			</Link>
			{sub && of.system_id ? <span class="cell-sub mono">{of.system_id}</span> : null}
		</>
	);
}

export function CveLink({ cve }: { cve: string }) {
	return (
		<Link class="nowrap" to={`/cves/${part(cve)}`}>
			{cve}
		</Link>
	);
}

/** A few of many names, and how many more there are. */
export function Some({ of, max = 3 }: { of: readonly string[] | undefined; max?: number }) {
	if (!of || of.length === 0) return <span class="muted">–</span>;
	return (
		<span title={of.slice(0, 50).join(", ")}>
			{of.slice(0, max).join(", ")}
			{of.length > max ? <span class="muted"> +{of.length - max}</span> : null}
		</span>
	);
}
