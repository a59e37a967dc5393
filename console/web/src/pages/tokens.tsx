// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { del, part, post } from "../api/client";
import { may, useMe } from "../api/session";
import type { Token } from "../api/types";
import { stamp } from "../lib/format";
import { CopyBox } from "../parts/copy";
import { Confirm, Dialog, FormDialog } from "../parts/dialog";
import { Choices, Text } from "../parts/fields";
import { Icon } from "../parts/icons";
import { ListPage, useList } from "../parts/list";
import { Badge, Empty, Tags, When } from "../parts/small";
import { said } from "../parts/toast";
import { roleWords } from "./users";

export function TokensPage() {
	const me = useMe();
	const list = useList<Token>("/v1/tokens", []);
	const [making, setMaking] = useState(false);
	const [revoking, setRevoking] = useState<Token | null>(null);
	return (
		<ListPage
			heading="API tokens"
			note="For programs that use the API: they send it as Authorization: Bearer TOKEN."
			actions={
				<button type="button" class="button primary" onClick={() => setMaking(true)}>
					<Icon name="plus" /> New token
				</button>
			}
			list={list}
			one="token"
			caption="API tokens"
			rowKey={(t) => t.id}
			columns={[
				{
					key: "name",
					title: "Token",
					grow: true,
					cell: (t) => (
						<>
							<span class="cell-main">{t.name}</span>
							<span class="cell-sub mono">{t.hint}</span>
						</>
					),
				},
				{ key: "user", title: "User", cell: (t) => t.user },
				{ key: "roles", title: "Roles", cell: (t) => <Tags of={t.roles} /> },
				{
					key: "expires",
					title: "Expires",
					cell: (t) => (t.expires && stamp(t.expires) < Date.now() ? <Badge tone="warn">Expired</Badge> : <When at={t.expires} none="never" />),
				},
				{ key: "used", title: "Last used", cell: (t) => <When at={t.last_used} /> },
				{
					key: "do",
					title: "",
					actions: true,
					cell: (t) =>
						t.user === me.name || may(me, "admin") ? (
							<button type="button" class="button small" onClick={() => setRevoking(t)}>
								Revoke<span class="sr"> {t.name}</span>
							</button>
						) : null,
				},
			]}
			empty={
				<Empty
					icon="tokens"
					title="No tokens"
					action={
						<button type="button" class="button primary" onClick={() => setMaking(true)}>
							New token
						</button>
					}
				>
					A token lets a program do what you may do, or less of it.
				</Empty>
			}
		>
			{making ? (
				<NewToken
					close={() => {
						setMaking(false);
						list.reload();
					}}
				/>
			) : null}
			{revoking ? (
				<Confirm
					title={`Revoke ${revoking.name}?`}
					action="Revoke"
					onClose={() => setRevoking(null)}
					run={async () => {
						await del(`/v1/tokens/${part(revoking.id)}`);
						said("The token is revoked.");
						list.reload();
					}}
				>
					<p>What uses it is refused from now on.</p>
				</Confirm>
			) : null}
		</ListPage>
	);
}

function NewToken({ close }: { close: () => void }) {
	const me = useMe();
	const [name, setName] = useState("");
	const [days, setDays] = useState("90");
	const [roles, setRoles] = useState<string[]>(["viewer"]);
	const [made, setMade] = useState<Token | null>(null);
	const options = roleWords.filter(([r]) => may(me, r));
	if (made)
		return (
			<Dialog title="The token is made" onClose={close}>
				<div class="dialog-body">
					<p>Keep it now: it is shown once.</p>
					<CopyBox label="API token" text={made.token ?? ""} />
				</div>
				<footer class="dialog-foot">
					<button type="button" class="button primary" onClick={close}>
						Done
					</button>
				</footer>
			</Dialog>
		);
	return (
		<FormDialog
			title="New token"
			action="Make the token"
			onClose={close}
			disabled={name.trim() === "" || roles.length === 0}
			send={async () => {
				const d = Number.parseInt(days, 10);
				const expires = d > 0 ? { expires: new Date(Date.now() + d * 86_400_000).toISOString().replace(/\.\d+Z$/, "Z") } : {};
				setMade(await post<Token>("/v1/tokens", { name: name.trim(), roles, ...expires }));
			}}
		>
			{(problem) => (
				<>
					<Text label="Name" value={name} set={setName} required maxLength={200} placeholder="what uses it" error={problem?.field("name")} />
					<Text label="Expires after, days" type="number" min={1} value={days} set={setDays} hint="Empty: it does not expire." error={problem?.field("expires")} />
					<Choices label="Roles" options={options} value={roles} set={setRoles} hint="No more than it needs." />
				</>
			)}
		</FormDialog>
	);
}
