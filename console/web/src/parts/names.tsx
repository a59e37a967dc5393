// SPDX-License-Identifier: Apache-2.0
// How systems and CVEs are written, as links.
import type { SystemRef } from "../api/types";
import { part } from "../api/client";
import { Link } from "./link";
import { Dash } from "./small";

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

export const cvePath = (cve: string): string => `/cves/${part(cve)}`;

export function CveLink({ cve }: { cve: string }) {
	return (
		<Link class="nowrap" to={cvePath(cve)}>
			{cve}
		</Link>
	);
}

/** A few of many names, and how many more there are. `link`: where each of them leads. */
export function Some({ of, max = 3, link }: { of: readonly string[] | undefined; max?: number; link?: (name: string) => string }) {
	if (!of || of.length === 0) return <Dash />;
	return (
		<span title={of.slice(0, 50).join(", ")}>
			{of.slice(0, max).map((name, i) => (
				<span key={name}>
					{i > 0 ? ", " : ""}
					{link ? <Link to={link(name)}>{name}</Link> : name}
				</span>
			))}
			{of.length > max ? <span class="muted"> +{of.length - max}</span> : null}
		</span>
	);
}
