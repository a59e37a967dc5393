// SPDX-License-Identifier: Apache-2.0
/* Logging in and out, who one is, and the own password. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "call.h"
#include "settings.h"
#include "show.h"
#include "term.h"

/* An option whose value is for us: taken out of the body. NULL when it was not given; the JSON keeps it. */
static json_t *own(const struct admin_input *in, const char *field)
{
	json_t *v = json_incref(json_object_get(in->body, field));

	json_object_del(in->body, field);
	return v;
}

static void drop(json_t **v)
{
	json_decref(*v);
}

/* A field of a body that holds a secret. json_decref() would leave it in freed memory. */
static void wipe(json_t **body)
{
	const char *name;
	json_t *v;

	json_object_foreach(*body, name, v) {
		if (json_is_string(v))
			explicit_bzero((char *)json_string_value(v), json_string_length(v));
	}
	json_decref(*body);
}

static int login(struct admin *a, const struct admin_verb *v, const struct admin_input *in)
{
	_cleanup_(drop) json_t *file = own(in, "password_file");
	_cleanup_secret_ struct sut_buf password = SUT_BUF_INIT(SUT_SECRET_MAX);
	_cleanup_(wipe) json_t *body = NULL, *answer = NULL;
	const char *user = in->args.n ? in->args.v[0] : NULL;
	struct sut_err err = {0};
	const char *token;
	int status;

	if (!user || !user[0]) {
		admin_say("who? 'suture-admin login USER'");
		return ADMIN_USAGE;
	}
	if (term_password(json_string_value(file), "Password", false, &password, &err) < 0)
		return admin_fail(&err);
	body = json_pack("{s:s, s:s}", "user", user, "password", sut_buf_str(&password));
	if (!body)
		return admin_fail(
			&(struct sut_err){.msg = "the name and the password are to be UTF-8"});
	status = admin_call(
		a,
		&(struct call){
			.method = v->method, .target = v->path, .body = body, .no_token = true},
		&answer);
	if (status != ADMIN_OK)
		return status;
	token = json_string_value(json_object_get(answer, "token"));
	if (!token)
		return admin_fail(&(struct sut_err){.msg = "the portal gave no token"});
	if (settings_keep(a, token, &err) < 0)
		return admin_fail(&err);
	if (a->json) {
		json_object_del(answer, "token");
		return show_json(answer);
	}
	status = show_record(answer, "token");
	if (json_is_true(json_object_get(answer, "must_change")))
		admin_say("this password was for once: 'suture-admin password' sets your own, and "
			  "until then nothing else works");
	return status;
}

static int logout(struct admin *a, const struct admin_verb *v, const struct admin_input *in)
{
	int status = admin_verb_call(a, v, in);

	if (status == ADMIN_OK && unlink(a->token_file) < 0 && errno != ENOENT) {
		admin_say("cannot remove %s", a->token_file);
		return ADMIN_ERROR;
	}
	return status;
}

static int password(struct admin *a, const struct admin_verb *v, const struct admin_input *in)
{
	_cleanup_(drop) json_t *old_file = own(in, "old_password_file"),
			       *new_file = own(in, "password_file");
	_cleanup_secret_ struct sut_buf old = SUT_BUF_INIT(SUT_SECRET_MAX),
					fresh = SUT_BUF_INIT(SUT_SECRET_MAX);
	_cleanup_(wipe) json_t *body = NULL;
	struct sut_err err = {0};
	int status;

	if (term_password(json_string_value(old_file), "Old password", false, &old, &err) < 0 ||
	    term_password(json_string_value(new_file), "New password", true, &fresh, &err) < 0)
		return admin_fail(&err);
	body = json_pack("{s:s, s:s}", "old", sut_buf_str(&old), "new", sut_buf_str(&fresh));
	if (!body)
		return admin_fail(&(struct sut_err){.msg = "a password is to be UTF-8"});
	status = admin_call(a, &(struct call){.method = v->method, .target = v->path, .body = body},
			    NULL);
	if (status == ADMIN_OK && !a->json)
		puts(v->done);
	return status;
}

static const struct admin_arg user_arg[] = {{"USER", "user", NULL}, {0}};

static const struct admin_opt login_opts[] = {
	{"password-file", "password_file", ADMIN_TEXT, 0, "FILE",
	 "its first line, instead of asking on the terminal"},
	{0},
};
static const struct admin_verb login_verbs[] = {
	{"", "ask for a session token, for 12 hours, and keep it in the token file", "POST",
	 "/v1/sessions", user_arg, login_opts, .flags = ADMIN_NO_TOKEN, .run = login},
	{0},
};
const struct admin_noun admin_login = {"login", "log in with name and password", login_verbs, NULL};

static const struct admin_verb logout_verbs[] = {
	{"", "end the session and remove the token file", "DELETE", "/v1/sessions/current",
	 .done = "logged out", .run = logout},
	{0},
};
const struct admin_noun admin_logout = {"logout", "end the session", logout_verbs, NULL};

static const struct admin_verb whoami_verbs[] = {
	{"", "whose token it is, and what it may do", "GET", "/v1/whoami"},
	{0},
};
const struct admin_noun admin_whoami = {"whoami", "who one is here", whoami_verbs, NULL};

static const struct admin_opt password_opts[] = {
	{"old-password-file", "old_password_file", ADMIN_TEXT, 0, "FILE",
	 "its first line, instead of asking"},
	{"password-file", "password_file", ADMIN_TEXT, 0, "FILE",
	 "its first line is the new one, instead of asking"},
	{0},
};
static const struct admin_verb password_verbs[] = {
	{"", "change the own password; all other sessions end", "POST", "/v1/password",
	 .opts = password_opts, .done = "changed", .run = password},
	{0},
};
const struct admin_noun admin_password = {"password", "change the own password", password_verbs,
					  NULL};
