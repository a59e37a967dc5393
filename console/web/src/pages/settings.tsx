// SPDX-License-Identifier: Apache-2.0
// The connection to the portal, and the key that signs jobs.
import { useState } from "preact/hooks";
import { post, put } from "../api/client";
import { announce } from "../api/live";
import { type Problem, asProblem } from "../api/problem";
import { useMay } from "../api/session";
import type { Portal } from "../api/types";
import { type Got, useGet } from "../api/use";
import { absolute, count } from "../lib/format";
import { CopyBox } from "../parts/copy";
import { Failure } from "../parts/failure";
import { Area, Text } from "../parts/fields";
import { Icon } from "../parts/icons";
import { Page } from "../parts/page";
import { Badge, Card, Empty, Facts, Mono, Skeleton, When } from "../parts/small";
import { failed, said } from "../parts/toast";

const words = {
	ok: ["Connected", "good"],
	away: ["Away", "warn"],
	refused: ["Refused", "bad"],
	unset: ["Not connected", "quiet"],
} as const;

export function SettingsPage() {
	const admin = useMay("admin");
	const got = useGet<Portal>("/v1/portal", ["portal"]);
	const p = got.data;
	return (
		<Page title="Settings">
			{got.error ? <Failure problem={got.error} retry={got.reload} /> : null}
			<div class="grid">
				<div class="half stack">
					<Connection got={got} />
					{admin && p ? <Connect key={p.url ?? ""} p={p} done={got.reload} /> : null}
				</div>
				<div class="half">
					<Card title="Job key">
						{!p ? (
							<Skeleton lines={3} />
						) : p.job_key ? (
							<div class="stack">
								<p>
									The console signs its jobs with this key. Agents do only what it signed; the command of “Add a server” tells them to trust it.
								</p>
								<Facts of={[{ name: "Key ID", value: <Mono>{p.job_key.key_id}</Mono>, wide: true }]} />
								<CopyBox label="Public key, for /etc/suture/job-keys.d" text={p.job_key.public} />
							</div>
						) : (
							<Empty icon="keys" title="No job key">
								The console makes one when it first needs it.
							</Empty>
						)}
					</Card>
				</div>
			</div>
		</Page>
	);
}

function Connection({ got }: { got: Got<Portal> }) {
	const p = got.data;
	const asks = useMay("operator", "key-manager");
	const [word, tone] = p ? (words[p.state] ?? [p.state, "quiet"]) : ["", "quiet" as const];
	const sync = async (): Promise<void> => {
		try {
			await post("/v1/portal/sync");
			said("The portal is asked now.");
			got.reload();
		} catch (e) {
			failed(e);
		}
	};
	return (
		<Card
			title="Portal"
			aside={
				p?.configured && asks ? (
					<button type="button" class="button small" onClick={() => void sync()}>
						<Icon name="retry" /> Ask now
					</button>
				) : null
			}
		>
			{!p ? (
				<Skeleton lines={4} />
			) : (
				<div class="stack">
					{p.error ? (
						<div class="notice tone-warn">
							<Icon name="clock" />
							<div class="notice-body">
								<p class="notice-title">
									{p.state === "refused" ? "The portal refuses this console" : "The portal is away"}
									{p.since ? ` since ${absolute(p.since)}` : ""}
								</p>
								<p>{p.error}</p>
							</div>
						</div>
					) : null}
					<Facts
						of={[
							{ name: "State", value: <Badge tone={tone}>{word}</Badge> },
							{ name: "Address", value: p.url },
							{ name: p.state === "ok" ? "Connected since" : "Since", value: <When at={p.since} none="–" /> },
							{ name: "Last answer", value: <When at={p.last_ok} /> },
							{ name: "Systems read", value: <When at={p.systems_at} /> },
							{ name: "Coverage read", value: <When at={p.coverage_at} /> },
							{ name: "Kernels and libraries covered", value: count(p.targets ?? 0) },
						]}
					/>
				</div>
			)}
		</Card>
	);
}

function Connect({ p, done }: { p: Portal; done: () => void }) {
	const [url, setUrl] = useState(p.url ?? "");
	const [token, setToken] = useState("");
	const [ca, setCa] = useState("");
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<Problem>();
	const submit = async (e: Event): Promise<void> => {
		e.preventDefault();
		setBusy(true);
		setProblem(undefined);
		try {
			await put<Portal>("/v1/portal", { url: url.trim(), token: token.trim(), ca: ca.trim() || null });
			setToken("");
			said("The portal is connected.");
			announce("portal");
			done();
		} catch (x) {
			setProblem(asProblem(x));
		} finally {
			setBusy(false);
		}
	};
	return (
		<Card title={p.configured ? "Change the connection" : "Connect a portal"}>
			<form class="stack" onSubmit={(e) => void submit(e)}>
				<Text label="Address" type="url" required value={url} set={setUrl} placeholder="https://portal.example" maxLength={1000} error={problem?.field("url")} />
				<Text
					label="API token"
					type="password"
					autocomplete="off"
					required
					value={token}
					set={setToken}
					maxLength={200}
					hint="Of a user of the portal with the roles viewer and key-manager. It is kept sealed."
					error={problem?.field("token")}
				/>
				<Area label="Certificate authority" value={ca} set={setCa} rows={3} placeholder="-----BEGIN CERTIFICATE-----" hint="PEM; only when the portal’s certificate is not from a public authority." error={problem?.field("ca")} />
				{problem ? <Failure problem={problem} title="The portal was tried, and nothing was changed" /> : null}
				<div>
					<button type="submit" class="button primary" disabled={busy || url.trim() === "" || token.trim() === ""} aria-busy={busy}>
						{busy ? "Trying…" : p.configured ? "Change" : "Connect"}
					</button>
				</div>
			</form>
		</Card>
	);
}
