// SPDX-License-Identifier: Apache-2.0
// Short notes about what was done. They are read out, and stay long enough to be read.
import { useEffect, useState } from "preact/hooks";
import { asProblem } from "../api/problem";
import { Icon } from "./icons";

interface Note {
	n: number;
	tone: "good" | "bad";
	text: string;
}

let notes: Note[] = [];
let last = 0;
let show: (n: Note[]) => void = () => {};

function add(tone: Note["tone"], text: string): void {
	const n = ++last;
	notes = [...notes.slice(-2), { n, tone, text }];
	show(notes);
	setTimeout(() => drop(n), tone === "bad" ? 12_000 : 6000);
}

function drop(n: number): void {
	notes = notes.filter((x) => x.n !== n);
	show(notes);
}

export const said = (text: string): void => add("good", text);
export const failed = (e: unknown): void => add("bad", asProblem(e).detail);

export function Toasts() {
	const [list, set] = useState<Note[]>(notes);
	useEffect(() => {
		show = set;
		return () => {
			show = () => {};
		};
	}, []);
	return (
		<div class="toasts" role="status" aria-live="polite">
			{list.map((x) => (
				<div key={x.n} class={`toast tone-${x.tone}`}>
					<Icon name={x.tone === "good" ? "check" : "cve"} />
					<p>{x.text}</p>
					<button type="button" class="button ghost icon-only" aria-label="Dismiss" onClick={() => drop(x.n)}>
						<Icon name="close" />
					</button>
				</div>
			))}
		</div>
	);
}
