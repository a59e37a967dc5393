// SPDX-License-Identifier: Apache-2.0
import { count } from "../lib/format";
import { usePlace } from "../lib/url";
import { Link } from "./link";

/** Parts of a page, each with its own address (?tab=). The first one is the page without it. */
export function Tabs({ label, tabs }: { label: string; tabs: [string, string, (number | null)?][] }) {
	const { path, query } = usePlace();
	const is = query.get("tab") ?? tabs[0]?.[0];
	return (
		<nav class="tabs" aria-label={label}>
			{tabs.map(([id, words, n], i) => (
				<Link key={id} class="tab" to={i === 0 ? path : `${path}?tab=${id}`} aria-current={is === id ? "page" : undefined}>
					{words}
					{typeof n === "number" ? <span class="muted">{count(n)}</span> : null}
				</Link>
			))}
		</nav>
	);
}
