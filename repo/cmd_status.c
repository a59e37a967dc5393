// SPDX-License-Identifier: Apache-2.0
/* suture-repo status: for people and for monitoring. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "base/str.h"
#include "describe.h"
#include "health.h"
#include "signer_client.h"
#include "tuf/json.h"

static const char usage_text[] =
	"usage: suture-repo status [--json] [--repo DIR]\n"
	"\n"
	"Says of each role until when it is valid, and how many of its keys have signed it; what is\n"
	"pending; and whether the signer answers.\n"
	"\n"
	"Exit status: 0 all is well; 3 something is due: half of a role's life is over, a change is\n"
	"pending, or no signer answers; 4 something has expired, and clients refuse it.\n"
	"\n"
	"  --json                  print JSON\n" ARGS_REPO_HELP;

static const char *const state_words[] = {"ok", "due", "EXPIRED"};

struct status {
	const struct sut_repo *repo;
	struct sut_change *change;
	struct sut_err signer; /* why it does not answer; code 0: it does */
	enum sut_health_state worst;
	bool pending;
};

static int exit_of(const struct status *s)
{
	if (s->worst == SUT_HEALTH_EXPIRED)
		return SUT_EXIT_ALARM;
	return s->worst == SUT_HEALTH_SOON || s->pending || s->signer.code ? SUT_EXIT_WARNING
									   : SUT_EXIT_OK;
}

/* "kernel-3f" of "kernel": shown as one line with its sisters, by the one that is worst. */
static bool is_bin(const struct sut_tree_role *r)
{
	size_t n = strlen(r->delegator);

	return sut_startswith(r->name, r->delegator) && r->name[n] == '-' &&
	       strspn(r->name + n + 1, "0123456789abcdef") == strlen(r->name + n + 1);
}

static void print_role(const char *name, const struct sut_tree_role *r, const struct sut_health *h,
		       int64_t now)
{
	char when[64];

	sut_describe_time(r->meta->expires, now, when);
	printf("%-14s %7" PRId64 "  %-8s %-36s %zu of %zu, needs %u\n", name, r->meta->version,
	       state_words[h->state], when, h->good, h->keys, h->threshold);
}

/* The bins of one role, which is before them. Returns how many there are. */
static size_t print_bins(const struct status *s, size_t first)
{
	const struct sut_tree_state *st = &s->repo->state;
	const struct sut_tree_role *worst = NULL;
	struct sut_health h, least = {0};
	char name[100];
	size_t n = 0;

	for (size_t i = first; i < st->nroles && is_bin(&st->roles[i]) &&
			       sut_streq(st->roles[i].delegator, st->roles[first].delegator);
	     i++, n++) {
		sut_health_of(s->repo, &st->roles[i], &h);
		if (!worst || h.left < least.left) {
			worst = &st->roles[i];
			least = h;
		}
	}
	snprintf(name, sizeof(name), "%s-* (%zu)", st->roles[first].delegator, n);
	if (worst)
		print_role(name, worst, &least, s->repo->now);
	return n;
}

static void print_pending(const struct status *s)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);

	if (!s->pending)
		return;
	printf("\nA change is pending; 'suture-repo show-change' shows it.\n");
	if (sut_describe_needs(s->change, &b, NULL) == 0)
		fputs(sut_buf_str(&b), stdout);
}

static void print_text(const struct status *s)
{
	const struct sut_tree_state *st = &s->repo->state;

	if (!st->nroles)
		printf("nothing is published yet\n");
	else
		printf("%-14s %7s  %-8s %-36s %s\n", "ROLE", "VERSION", "STATE", "VALID UNTIL",
		       "SIGNATURES");
	for (size_t i = 0; i < st->nroles;) {
		struct sut_health h;

		if (is_bin(&st->roles[i])) {
			i += print_bins(s, i);
			continue;
		}
		sut_health_of(s->repo, &st->roles[i], &h);
		print_role(st->roles[i].name, &st->roles[i], &h, s->repo->now);
		i++;
	}
	if (s->repo->root_ahead)
		printf("\nA publication was interrupted after its root; run 'suture-repo "
		       "publish'.\n");
	print_pending(s);
	if (s->signer.code)
		printf("\nsigner: %s\n", s->signer.msg);
}

static json_t *role_json(const struct sut_tree_role *r, const struct sut_health *h)
{
	char expires[32];

	sut_tuf_time_format(r->meta->expires, expires);
	return json_pack("{s:s s:s s:I s:s s:I s:s s:I s:I s:I}", "name", r->name, "delegator",
			 r->delegator, "version", (json_int_t)r->meta->version, "expires", expires,
			 "seconds_left", (json_int_t)h->left, "state",
			 h->state == SUT_HEALTH_OK     ? "ok"
			 : h->state == SUT_HEALTH_SOON ? "due"
						       : "expired",
			 "threshold", (json_int_t)h->threshold, "keys", (json_int_t)h->keys,
			 "signatures", (json_int_t)h->good);
}

static json_t *needs_json(const struct sut_change *c)
{
	_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
	json_t *list = json_array();

	if (sut_change_needs(c, &needs, NULL) < 0)
		return list;
	for (size_t i = 0; i < needs.n; i++) {
		const struct sut_change_need *n = &needs.v[i];
		json_t *missing = json_array();

		for (size_t k = 0; k < n->missing.n; k++)
			json_array_append_new(missing, json_string(n->missing.v[k]));
		json_array_append_new(list, json_pack("{s:s s:s s:I s:I s:o}", "role", n->role,
						      "by", n->why, "threshold",
						      (json_int_t)n->threshold, "signatures",
						      (json_int_t)n->have, "not_signed", missing));
	}
	return list;
}

static int print_json(const struct status *s)
{
	json_t *roles = json_array();
	_cleanup_json_ json_t *j =
		json_pack("{s:o s:b s:s s:o}", "roles", roles, "pending", s->pending, "signer",
			  s->signer.code ? s->signer.msg : "ok", "needs",
			  s->pending ? needs_json(s->change) : json_array());

	for (size_t i = 0; j && i < s->repo->state.nroles; i++) {
		struct sut_health h;

		sut_health_of(s->repo, &s->repo->state.roles[i], &h);
		if (json_array_append_new(roles, role_json(&s->repo->state.roles[i], &h)) < 0)
			return -1;
	}
	if (!j || json_dumpf(j, stdout, JSON_INDENT(2)) < 0)
		return -1;
	putchar('\n');
	return 0;
}

int cmd_status(int argc, char **argv)
{
	enum { OPT_JSON = ARG_OWN };
	static const struct option options[] = {
		ARGS_REPO, {"json", no_argument, NULL, OPT_JSON}, {0}};
	struct args a = ARGS("status", usage_text);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_json_ json_t *answer = NULL;
	struct status s = {0};
	struct sut_err err = {0};
	bool json = false;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == OPT_JSON)
			json = true;
		else if (!args_common(&a, opt, &r))
			return r;
	}
	if (optind != argc)
		return args_usage(&a, "there are no arguments");
	r = args_open(&a, &repo, &c);
	if (r)
		return r;
	s.repo = repo;
	s.change = c;
	s.pending = !sut_change_empty(c);
	(void)!sut_signer_status(repo->settings.signer, &answer, &s.signer);
	for (size_t i = 0; i < repo->state.nroles; i++) {
		struct sut_health h;

		sut_health_of(repo, &repo->state.roles[i], &h);
		if (h.state > s.worst)
			s.worst = h.state;
	}
	if (!json)
		print_text(&s);
	else if (print_json(&s) < 0)
		return cmd_fail(a.name, (sut_err_oom(&err), &err));
	return exit_of(&s);
}
