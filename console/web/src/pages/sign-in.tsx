// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { post } from "../api/client";
import { type Problem, asProblem } from "../api/problem";
import type { Session } from "../api/types";
import { Failure } from "../parts/failure";
import { Text } from "../parts/fields";
import { Mark } from "../parts/icons";

export function SignIn({ ended, done }: { ended: boolean; done: () => void }) {
	const [user, setUser] = useState("");
	const [password, setPassword] = useState("");
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<Problem>();
	document.title = "Sign in · Suture";
	const submit = async (e: Event): Promise<void> => {
		e.preventDefault();
		if (busy) return;
		setBusy(true);
		setProblem(undefined);
		try {
			await post<Session>("/v1/sessions", { user, password, cookie: true }, { quiet401: true });
			setPassword("");
			done();
		} catch (x) {
			setProblem(asProblem(x));
			setBusy(false);
		}
	};
	return (
		<main class="door">
			<form class="door-card" onSubmit={(e) => void submit(e)}>
				<div class="door-brand">
					<Mark size={36} />
					<div>
						<h1>Suture</h1>
						<p class="muted">Console</p>
					</div>
				</div>
				{ended ? (
					<p class="notice tone-info" role="status">
						<span class="notice-body">Your session is over. Sign in to go on where you were.</span>
					</p>
				) : null}
				<Text label="User" name="username" autocomplete="username" autofocus required maxLength={63} value={user} set={setUser} />
				<Text label="Password" name="password" type="password" autocomplete="current-password" required maxLength={1024} value={password} set={setPassword} />
				{problem ? <Failure problem={problem} title={problem.status === 401 ? "Not signed in" : undefined} /> : null}
				<button type="submit" class="button primary block" disabled={busy} aria-busy={busy}>
					{busy ? "Signing in…" : "Sign in"}
				</button>
				<p class="small muted">
					The first user is <span class="mono">admin</span>; <span class="mono">suture-console init</span> printed its one-time password.
				</p>
			</form>
		</main>
	);
}
