// SPDX-License-Identifier: Apache-2.0
// The browser's own modal dialog: it traps the focus, closes with Escape and gives the focus back.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Problem, asProblem } from "../api/problem";
import { Failure } from "./failure";
import { Icon } from "./icons";

export function Dialog({
	title,
	onClose,
	children,
	wide = false,
	busy = false,
}: {
	title: string;
	onClose: () => void;
	children: ComponentChildren;
	wide?: boolean;
	busy?: boolean;
}) {
	const ref = useRef<HTMLDialogElement>(null);
	const id = useId();
	useEffect(() => {
		const d = ref.current;
		const before = document.activeElement;
		d?.showModal();
		// Not the button that closes it: the first thing to fill in, or else what ends it without harm.
		(d?.querySelector<HTMLElement>(".dialog-body :is(input, select, textarea)") ?? d?.querySelector<HTMLElement>(".dialog-foot :is(button, a)"))?.focus();
		return () => {
			d?.close();
			if (before instanceof HTMLElement && before.isConnected) before.focus();
		};
	}, []);
	return (
		<dialog
			ref={ref}
			class={wide ? "dialog wide" : "dialog"}
			aria-labelledby={id}
			onCancel={(e) => {
				e.preventDefault();
				if (!busy) onClose();
			}}
		>
			<header class="dialog-head">
				<h2 id={id}>{title}</h2>
				<button type="button" class="button ghost icon-only" aria-label="Close" disabled={busy} onClick={onClose}>
					<Icon name="close" />
				</button>
			</header>
			{children}
		</dialog>
	);
}

/** A form in a dialog: Enter sends it, what the console says against it stays in sight. */
export function FormDialog({
	title,
	action,
	onClose,
	send,
	children,
	wide = false,
	danger = false,
	disabled = false,
}: {
	title: string;
	action: string;
	onClose: () => void;
	send: () => Promise<void>;
	children: ComponentChildren | ((p: Problem | undefined) => ComponentChildren);
	wide?: boolean;
	danger?: boolean;
	disabled?: boolean;
}) {
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<Problem>();
	const submit = async (e: Event): Promise<void> => {
		e.preventDefault();
		if (busy) return;
		setBusy(true);
		setProblem(undefined);
		try {
			await send();
		} catch (x) {
			setProblem(asProblem(x));
		} finally {
			setBusy(false);
		}
	};
	return (
		<Dialog title={title} onClose={onClose} wide={wide} busy={busy}>
			<form class="dialog-form" onSubmit={(e) => void submit(e)}>
				<div class="dialog-body">
					{typeof children === "function" ? children(problem) : children}
					{problem ? <Failure problem={problem} /> : null}
				</div>
				<footer class="dialog-foot">
					<button type="button" class="button" onClick={onClose} disabled={busy}>
						Cancel
					</button>
					<button type="submit" class={danger ? "button danger" : "button primary"} disabled={busy || disabled} aria-busy={busy}>
						{action}
					</button>
				</footer>
			</form>
		</Dialog>
	);
}

/** Asks before something that cannot be taken back. */
export function Confirm({
	title,
	action,
	children,
	run,
	onClose,
	danger = true,
}: {
	title: string;
	action: string;
	children: ComponentChildren;
	run: () => Promise<void>;
	onClose: () => void;
	danger?: boolean;
}) {
	return (
		<FormDialog
			title={title}
			action={action}
			danger={danger}
			onClose={onClose}
			send={async () => {
				await run();
				onClose();
			}}
		>
			<div class="prose">{children}</div>
		</FormDialog>
	);
}
