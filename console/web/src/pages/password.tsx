// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { del, post } from "../api/client";
import { type Problem, asProblem } from "../api/problem";
import type { Whoami } from "../api/types";
import { Failure } from "../parts/failure";
import { Text } from "../parts/fields";
import { Mark } from "../parts/icons";

/** The whole page until a password that somebody else gave has been changed. */
export function ChangePassword({ me, done }: { me: Whoami; forced: true; done: () => void }) {
	const form = usePasswordForm(done);
	document.title = "Choose a password · Suture";
	return (
		<main class="door">
			<form class="door-card" onSubmit={(e) => void form.submit(e)}>
				<div class="door-brand">
					<Mark size={36} />
					<div>
						<h1>Choose a password</h1>
						<p class="muted">{me.name}</p>
					</div>
				</div>
				<p>The password you used was given by somebody else. Choose one that only you know; then you go on.</p>
				{form.fields}
				<button type="submit" class="button primary block" disabled={form.busy || !form.ready} aria-busy={form.busy}>
					Change and go on
				</button>
				<button
					type="button"
					class="button ghost block"
					onClick={() => {
						void del("/v1/sessions/current").finally(done);
					}}
				>
					Sign out
				</button>
			</form>
		</main>
	);
}

export function usePasswordForm(done: () => void) {
	const [old, setOld] = useState("");
	const [fresh, setFresh] = useState("");
	const [again, setAgain] = useState("");
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<Problem>();
	const differs = again !== "" && fresh !== again;
	const ready = old !== "" && fresh !== "" && fresh === again;
	const change = async (): Promise<void> => {
		await post("/v1/password", { old, new: fresh });
		setOld("");
		setFresh("");
		setAgain("");
		done();
	};
	const submit = async (e: Event): Promise<void> => {
		e.preventDefault();
		if (busy || !ready) return;
		setBusy(true);
		setProblem(undefined);
		try {
			await change();
		} catch (x) {
			setProblem(asProblem(x));
		} finally {
			setBusy(false);
		}
	};
	const fields = (
		<>
			<Text label="Password now" type="password" autocomplete="current-password" required value={old} set={setOld} />
			<Text
				label="New password"
				type="password"
				autocomplete="new-password"
				required
				value={fresh}
				set={setFresh}
				hint="At least 12 characters. Several words are easier to keep than signs."
				error={problem?.field("new")}
			/>
			<Text label="New password again" type="password" autocomplete="new-password" required value={again} set={setAgain} error={differs ? "The two are not alike." : ""} />
			{problem ? <Failure problem={problem} /> : null}
		</>
	);
	return { fields, submit, change, busy, ready };
}
