// SPDX-License-Identifier: Apache-2.0
import { useRef, useState } from "preact/hooks";
import { Icon } from "./icons";

/** Puts `text` where it can be pasted from. Over plain http the browser has no clipboard for pages: then the text is selected. */
export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
	const [done, setDone] = useState(false);
	const button = useRef<HTMLButtonElement>(null);
	const copy = async (): Promise<void> => {
		try {
			await navigator.clipboard.writeText(text);
		} catch {
			const area = document.createElement("textarea");
			area.value = text;
			area.className = "sr";
			(button.current?.parentElement ?? document.body).append(area);
			area.select();
			document.execCommand("copy");
			area.remove();
			button.current?.focus();
		}
		setDone(true);
		setTimeout(() => setDone(false), 2000);
	};
	return (
		<button type="button" class="button small" ref={button} onClick={() => void copy()}>
			<Icon name={done ? "check" : "copy"} /> <span aria-live="polite">{done ? "Copied" : label}</span>
		</button>
	);
}

/** A line to paste into a shell, or something else to take away. */
export function CopyBox({ text, label }: { text: string; label: string }) {
	return (
		<div class="copybox">
			<div class="copybox-head">
				<span>{label}</span>
				<CopyButton text={text} />
			</div>
			<pre tabIndex={0} aria-label={label}>
				{text}
			</pre>
		</div>
	);
}
