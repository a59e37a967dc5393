// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useState } from "preact/hooks";
import { get, onSessionEnd } from "./api/client";
import { closeLive, openLive } from "./api/live";
import { type Problem, asProblem } from "./api/problem";
import { Me, may } from "./api/session";
import type { Whoami } from "./api/types";
import { forgetAll } from "./api/use";
import { match, usePlace } from "./lib/url";
import { ChangePassword } from "./pages/password";
import { SignIn } from "./pages/sign-in";
import { Empty } from "./parts/small";
import { Failure } from "./parts/failure";
import { Link } from "./parts/link";
import { Page } from "./parts/page";
import { Toasts } from "./parts/toast";
import { routes } from "./routes";
import { Shell } from "./shell";

type State = { is: "asking" } | { is: "out"; ended: boolean } | { is: "in"; me: Whoami } | { is: "lost"; problem: Problem };

export function App() {
	const [state, set] = useState<State>({ is: "asking" });
	const ask = useCallback((): void => {
		get<Whoami>("/v1/whoami", { quiet401: true }).then(
			(me) => set({ is: "in", me }),
			(e: unknown) => {
				const problem = asProblem(e);
				set(problem.status === 401 ? { is: "out", ended: false } : { is: "lost", problem });
			},
		);
	}, []);
	useEffect(() => {
		onSessionEnd(() => {
			forgetAll();
			set((s) => (s.is === "in" ? { is: "out", ended: true } : s));
		});
		ask();
	}, [ask]);
	useEffect(() => {
		if (state.is !== "lost") return;
		const t = setTimeout(ask, Math.max(state.problem.retryAfter, 3) * 1000);
		return () => clearTimeout(t);
	}, [state, ask]);
	const works = state.is === "in" && !state.me.must_change;
	useEffect(() => {
		if (!works) return;
		openLive();
		return closeLive;
	}, [works]);

	switch (state.is) {
		case "asking":
			return <div class="blank" aria-busy="true" />;
		case "lost":
			return (
				<main class="door">
					<div class="door-card">
						<h1>Suture</h1>
						<Failure problem={state.problem} retry={ask} title="The console cannot be reached" />
					</div>
				</main>
			);
		case "out":
			return <SignIn ended={state.ended} done={ask} />;
		case "in":
			if (state.me.must_change) return <ChangePassword me={state.me} forced done={ask} />;
			return (
				<Me.Provider value={state.me}>
					<Shell
						out={() => {
							forgetAll();
							set({ is: "out", ended: false });
						}}
					>
						<Routed me={state.me} />
					</Shell>
					<Toasts />
				</Me.Provider>
			);
	}
}

function Routed({ me }: { me: Whoami }) {
	const { path } = usePlace();
	for (const r of routes) {
		const params = match(r.pattern, path);
		if (!params) continue;
		if (r.roles && !may(me, ...r.roles))
			return (
				<Page title="Not for you">
					<Empty icon="keys" title="Your roles do not include this page">
						It needs one of these roles: {r.roles.join(", ")}. An administrator can give you one under Users.
					</Empty>
				</Page>
			);
		const P = r.page;
		return <P key={path} params={params} />;
	}
	return (
		<Page title="There is no such page">
			<Empty icon="search" title={`Nothing is at ${path}`} action={<Link class="button" to="/">Go to Posture</Link>}>
				The address may be mistyped, or what it named is gone.
			</Empty>
		</Page>
	);
}
