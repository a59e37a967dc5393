// SPDX-License-Identifier: Apache-2.0
// Rows that are picked, on this page of a list and on others, and "Live patch these".
import { useRef, useState } from "preact/hooks";
import { useMay } from "../api/session";
import type { JobSelect } from "../api/types";
import { count } from "../lib/format";
import { toMain } from "../lib/url";
import { Icon } from "./icons";
import { JobDialog } from "./job-dialog";
import type { Picking } from "./table";

export interface Patching<T> {
	/** What a person calls the row. */
	name: (row: T) => string;
	/** What a job selects, of the ids that are picked. */
	select: (ids: string[]) => JobSelect;
	title: (names: string[]) => string;
}

/** For a table the boxes, and for below it the line with the button; both are nothing for who makes no jobs. */
export function usePatching<T>(rows: T[] | undefined, rowKey: (row: T) => string, p: Patching<T> | undefined) {
	const operator = useMay("operator");
	const [picked, set] = useState<ReadonlySet<string>>(new Set());
	const [making, setMaking] = useState(false);
	// Rows of other pages are picked still, so their names are kept.
	const names = useRef(new Map<string, string>()).current;
	if (!operator || !p) return { picking: undefined, bar: null };
	for (const r of rows ?? []) names.set(rowKey(r), p.name(r));
	const name = (id: string): string => names.get(id) ?? id;
	const ids = [...picked];
	const picking: Picking = { picked, set, name };
	return {
		picking,
		bar: (
			<>
				{ids.length > 0 ? (
					<div class="pickbar" role="region" aria-label="Selected">
						<span role="status">
							<strong>{count(ids.length)}</strong> selected
						</span>
						<button
							type="button"
							class="button ghost"
							onClick={() => {
								set(new Set());
								toMain();
							}}
						>
							Clear
						</button>
						<button type="button" class="button primary" onClick={() => setMaking(true)}>
							<Icon name="bolt" /> Live patch these
						</button>
					</div>
				) : null}
				{making ? <JobDialog close={() => setMaking(false)} select={p.select(ids)} title={p.title(ids.map(name)).slice(0, 200)} /> : null}
			</>
		),
	};
}
