// SPDX-License-Identifier: Apache-2.0
import type { Problem } from "../api/problem";
import { Icon } from "./icons";

/** What went wrong, in the words of the console, and what can be done. */
export function Failure({ problem, retry, title }: { problem: Problem; retry?: () => void; title?: string }) {
	const passing = problem.passing;
	return (
		<div class={passing ? "notice tone-warn" : "notice tone-bad"} role="alert">
			<Icon name={passing ? "clock" : "cve"} />
			<div class="notice-body">
				<p class="notice-title">{title ?? (passing ? "Not right now" : "This did not work")}</p>
				<p>{problem.detail}</p>
				{problem.fields.length > 0 ? (
					<ul>
						{problem.fields.map((f) => (
							<li key={f.pointer}>
								<span class="mono">{f.pointer.replace(/^\//, "")}</span>: {f.detail}
							</li>
						))}
					</ul>
				) : null}
				{problem.requestId ? (
					<p class="small">
						Request <span class="mono">{problem.requestId}</span>
					</p>
				) : null}
			</div>
			{retry ? (
				<button type="button" class="button small" onClick={retry}>
					<Icon name="retry" /> Try again
				</button>
			) : null}
		</div>
	);
}
