// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { del, part, patch, post } from "../api/client";
import { useMay, useMe } from "../api/session";
import type { Role, User } from "../api/types";
import { CopyBox } from "../parts/copy";
import { Confirm, Dialog, FormDialog } from "../parts/dialog";
import { Check, Choices, Text } from "../parts/fields";
import { Icon } from "../parts/icons";
import { ListPage, useList } from "../parts/list";
import { Badge, Empty, Tags, When } from "../parts/small";
import { said } from "../parts/toast";

export const roleWords: readonly (readonly [Role, string])[] = [
	["viewer", "viewer: sees"],
	["operator", "operator: scans and jobs"],
	["key-manager", "key-manager: keys and enrolment"],
	["auditor", "auditor: sees all, with audit and evidence"],
	["admin", "admin: everything"],
];

type Doing = { what: "new" } | { what: "edit" | "reset" | "delete"; user: User } | { what: "made"; user: User } | null;

export function UsersPage() {
	const me = useMe();
	const admin = useMay("admin");
	const list = useList<User>("/v1/users", []);
	const [doing, setDoing] = useState<Doing>(null);
	const close = (): void => {
		setDoing(null);
		list.reload();
	};
	return (
		<ListPage
			heading="Users"
			actions={
				admin ? (
					<button type="button" class="button primary" onClick={() => setDoing({ what: "new" })}>
						<Icon name="plus" /> New user
					</button>
				) : null
			}
			list={list}
			one="user"
			caption="Users"
			rowKey={(u) => u.id}
			columns={[
				{
					key: "name",
					title: "User",
					grow: true,
					cell: (u) => (
						<>
							<span class="cell-main">{u.name}</span>
							{u.name === me.name ? <span class="muted"> (you)</span> : null}
							<span class="cell-sub">{u.title}</span>
						</>
					),
				},
				{ key: "roles", title: "Roles", cell: (u) => <Tags of={u.roles} /> },
				{
					key: "state",
					title: "State",
					cell: (u) =>
						u.disabled ? (
							<Badge tone="bad">Disabled</Badge>
						) : u.service ? (
							<Badge tone="info">Service</Badge>
						) : u.must_change ? (
							<Badge tone="warn">One-time password</Badge>
						) : (
							<Badge tone="good">Active</Badge>
						),
				},
				{ key: "login", title: "Last sign-in", cell: (u) => <When at={u.last_login} /> },
				{ key: "created", title: "Made", minor: true, cell: (u) => <When at={u.created} /> },
				...(admin
					? [
							{
								key: "do",
								title: "",
								actions: true,
								cell: (u: User) => (
									<span class="row">
										<button type="button" class="button small" onClick={() => setDoing({ what: "edit", user: u })}>
											Change<span class="sr"> {u.name}</span>
										</button>
										{u.service ? null : (
											<button type="button" class="button small" onClick={() => setDoing({ what: "reset", user: u })}>
												New password<span class="sr"> for {u.name}</span>
											</button>
										)}
										{u.name === me.name ? null : (
											<button type="button" class="button small" onClick={() => setDoing({ what: "delete", user: u })}>
												Delete<span class="sr"> {u.name}</span>
											</button>
										)}
									</span>
								),
							},
						]
					: []),
			]}
			empty={<Empty icon="users" title="No users" />}
		>
			{doing?.what === "new" ? <NewUser close={close} made={(user) => setDoing({ what: "made", user })} /> : null}
			{doing?.what === "edit" ? <EditUser user={doing.user} close={close} /> : null}
			{doing?.what === "made" ? (
				<Dialog title={`Password of ${doing.user.name}`} onClose={close}>
					<div class="dialog-body">
						<p>Give it to the user. It is shown once, and has to be changed at the first sign-in.</p>
						<CopyBox label="One-time password" text={doing.user.password ?? ""} />
					</div>
					<footer class="dialog-foot">
						<button type="button" class="button primary" onClick={close}>
							Done
						</button>
					</footer>
				</Dialog>
			) : null}
			{doing?.what === "reset" ? (
				<FormDialog
					title={`A new password for ${doing.user.name}?`}
					action="Make one"
					onClose={close}
					send={async () => {
						const u = await post<User>(`/v1/users/${part(doing.user.id)}/reset-password`);
						setDoing({ what: "made", user: { ...doing.user, ...u } });
					}}
				>
					<p>The old one stops working, and sessions of {doing.user.name} end.</p>
				</FormDialog>
			) : null}
			{doing?.what === "delete" ? (
				<Confirm
					title={`Delete ${doing.user.name}?`}
					action="Delete"
					onClose={close}
					run={async () => {
						await del(`/v1/users/${part(doing.user.id)}`, { version: doing.user.version });
						said(`${doing.user.name} is deleted.`);
					}}
				>
					<p>The user’s tokens go, too. What the user did stays in the audit log.</p>
				</Confirm>
			) : null}
		</ListPage>
	);
}

function NewUser({ close, made }: { close: () => void; made: (u: User) => void }) {
	const [name, setName] = useState("");
	const [title, setTitle] = useState("");
	const [roles, setRoles] = useState<string[]>(["viewer"]);
	const [service, setService] = useState(false);
	return (
		<FormDialog
			title="New user"
			action="Make the user"
			onClose={close}
			disabled={name.trim() === "" || roles.length === 0}
			send={async () => {
				const u = await post<User>("/v1/users", { name: name.trim(), title: title.trim(), roles, ...(service ? { service: true } : {}) });
				if (u.password) made(u);
				else {
					said(`${u.name} is made.`);
					close();
				}
			}}
		>
			{(problem) => (
				<>
					<Text label="Name" value={name} set={setName} required maxLength={63} hint="What one signs in with: small letters, digits, . _ -" error={problem?.field("name")} />
					<Text label="Who it is" value={title} set={setTitle} maxLength={200} error={problem?.field("title")} />
					<Choices label="Roles" options={roleWords} value={roles} set={setRoles} />
					<Check label="A program" hint="No password; it uses API tokens that you make for it." value={service} set={setService} />
				</>
			)}
		</FormDialog>
	);
}

function EditUser({ user, close }: { user: User; close: () => void }) {
	const [title, setTitle] = useState(user.title ?? "");
	const [roles, setRoles] = useState<string[]>(user.roles);
	const [disabled, setDisabled] = useState(!!user.disabled);
	return (
		<FormDialog
			title={`Change ${user.name}`}
			action="Save"
			onClose={close}
			disabled={roles.length === 0}
			send={async () => {
				await patch(`/v1/users/${part(user.id)}`, { title: title.trim(), roles, disabled }, { version: user.version });
				said("Saved.");
				close();
			}}
		>
			{(problem) => (
				<>
					<Text label="Who it is" value={title} set={setTitle} maxLength={200} error={problem?.field("title")} />
					<Choices label="Roles" options={roleWords} value={roles} set={setRoles} />
					<Check label="Disabled" hint="No sign-in, and its tokens do nothing." value={disabled} set={setDisabled} />
				</>
			)}
		</FormDialog>
	);
}
