// SPDX-License-Identifier: Apache-2.0
// Form fields: a label that belongs to its input, a hint, and what is wrong.
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

interface Common {
	label: string;
	hint?: ComponentChildren;
	error?: string;
}

function Frame({ id, label, hint, error, children }: Common & { id: string; children: ComponentChildren }) {
	return (
		<div class={error ? "field bad" : "field"}>
			<label for={id}>{label}</label>
			{children}
			{hint ? (
				<p class="hint" id={`${id}-hint`}>
					{hint}
				</p>
			) : null}
			{error ? (
				<p class="field-error" id={`${id}-error`}>
					{error}
				</p>
			) : null}
		</div>
	);
}

const described = (id: string, c: Common): string | undefined =>
	[c.hint ? `${id}-hint` : "", c.error ? `${id}-error` : ""].filter(Boolean).join(" ") || undefined;

type InputProps = Common &
	Omit<JSX.HTMLAttributes<HTMLInputElement>, "label" | "value" | "onChange"> & {
		value: string;
		set: (v: string) => void;
		type?: string;
		name?: string;
		required?: boolean;
		min?: number | string;
		max?: number | string;
		maxLength?: number;
		placeholder?: string;
		autocomplete?: string;
	};

export function Text({ label, hint, error, value, set, type = "text", ...rest }: InputProps) {
	const id = useId();
	return (
		<Frame id={id} label={label} hint={hint} error={error}>
			<input
				id={id}
				type={type}
				value={value}
				onInput={(e) => set(e.currentTarget.value)}
				aria-describedby={described(id, { label, hint, error })}
				aria-invalid={error ? true : undefined}
				autocomplete="off"
				spellcheck={false}
				{...rest}
			/>
		</Frame>
	);
}

export function Area({ label, hint, error, value, set, rows = 4, placeholder }: Common & { value: string; set: (v: string) => void; rows?: number; placeholder?: string }) {
	const id = useId();
	return (
		<Frame id={id} label={label} hint={hint} error={error}>
			<textarea
				id={id}
				rows={rows}
				value={value}
				placeholder={placeholder}
				onInput={(e) => set(e.currentTarget.value)}
				aria-describedby={described(id, { label, hint, error })}
				aria-invalid={error ? true : undefined}
				spellcheck={false}
			/>
		</Frame>
	);
}

export function Select({ label, hint, error, value, set, options }: Common & { value: string; set: (v: string) => void; options: readonly (readonly [string, string])[] }) {
	const id = useId();
	return (
		<Frame id={id} label={label} hint={hint} error={error}>
			<select id={id} value={value} onChange={(e) => set(e.currentTarget.value)} aria-describedby={described(id, { label, hint, error })}>
				{options.map(([v, words]) => (
					<option key={v} value={v}>
						{words}
					</option>
				))}
			</select>
		</Frame>
	);
}

export function Check({ label, hint, value, set, disabled }: { label: ComponentChildren; hint?: ComponentChildren; value: boolean; set: (v: boolean) => void; disabled?: boolean }) {
	const id = useId();
	return (
		<div class="check">
			<input
				id={id}
				type="checkbox"
				checked={value}
				disabled={disabled}
				onChange={(e) => set(e.currentTarget.checked)}
				aria-describedby={hint ? `${id}-hint` : undefined}
			/>
			<div>
				<label for={id}>{label}</label>
				{hint ? (
					<p class="hint" id={`${id}-hint`}>
						{hint}
					</p>
				) : null}
			</div>
		</div>
	);
}

/** Several of a few. */
export function Choices({ label, options, value, set, hint }: { label: string; options: readonly (readonly [string, string])[]; value: string[]; set: (v: string[]) => void; hint?: string }) {
	return (
		<fieldset class="choices">
			<legend>{label}</legend>
			<div class="choices-list">
				{options.map(([v, words]) => (
					<label key={v} class="choice">
						<input
							type="checkbox"
							checked={value.includes(v)}
							onChange={(e) => set(e.currentTarget.checked ? [...value, v] : value.filter((x) => x !== v))}
						/>
						{words}
					</label>
				))}
			</div>
			{hint ? <p class="hint">{hint}</p> : null}
		</fieldset>
	);
}
