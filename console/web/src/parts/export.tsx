// SPDX-License-Identifier: Apache-2.0
import { withQuery } from "../api/client";
import { usePlace } from "../lib/url";
import { Icon } from "./icons";

/** The list of the page as CSV, with the filters of the page. */
export function Export({ name, filters }: { name: "systems" | "findings" | "cves" | "jobs"; filters: string[] }) {
	const { query } = usePlace();
	const q: Record<string, string | null> = {};
	for (const f of filters) if (f !== "sort") q[f] = query.get(f);
	return (
		<a class="button" href={withQuery(`/v1/exports/${name}.csv`, q)} download>
			<Icon name="download" /> CSV
		</a>
	);
}
