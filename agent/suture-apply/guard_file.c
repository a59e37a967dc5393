// SPDX-License-Identifier: Apache-2.0
/* The guard as text, and where it is kept. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"
#include "common/paths.h"
#include "common/when.h"
#include "guard.h"
#include "json/parse.h"
#include "patch/manifest.h"

static const char *const phases[] = {
	[GUARD_IDLE] = "idle",
	[GUARD_APPLYING] = "applying",
	[GUARD_PROBATION] = "probation",
};

const char *guard_phase_word(enum guard_phase phase)
{
	return phases[phase];
}

void guard_detail(const char *text, char ret[static GUARD_DETAIL_MAX])
{
	size_t len = strlen(text);

	if (len >= GUARD_DETAIL_MAX) {
		len = GUARD_DETAIL_MAX - 1;
		/* Not in the middle of a character. */
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(ret, text, len);
	ret[len] = 0;
	sut_make_printable(ret, "");
}

static int bad(struct sut_err *err, const char *member)
{
	return sut_err_reason(err, EBADMSG, "guard", "'%s' is not what it has to be", member);
}

static const char *text_of(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);
	const char *s = json_string_value(v);

	return s && strlen(s) == json_string_length(v) ? s : NULL;
}

static bool take_number(const json_t *j, const char *name, int64_t max, int64_t *ret)
{
	const json_t *v = json_object_get(j, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return false;
	*ret = json_integer_value(v);
	return true;
}

static bool take_flag(const json_t *j, const char *name, bool *ret)
{
	const json_t *v = json_object_get(j, name);

	*ret = json_is_true(v);
	return json_is_boolean(v);
}

static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static bool load_patch(const json_t *j, struct guard_patch *p)
{
	const char *id = text_of(j, "id"), *sha256 = text_of(j, "sha256");
	int64_t level;

	if (!id || !sut_member_name_ok(id) || strlen(id) >= sizeof(p->id) || !sha256 ||
	    !is_hex(sha256, SUT_SHA256_HEX - 1) || !take_number(j, "level", UINT32_MAX, &level))
		return false;
	snprintf(p->id, sizeof(p->id), "%s", id);
	snprintf(p->sha256, sizeof(p->sha256), "%s", sha256);
	p->level = (uint32_t)level;
	return true;
}

static bool take_patch(const json_t *j, const char *name, struct guard_patch *p)
{
	const json_t *v = json_object_get(j, name);

	return json_is_null(v) || load_patch(v, p);
}

static bool is_printable(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	while (p < end)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return true;
}

static bool take_quarantined(const json_t *list, struct guard *g)
{
	const json_t *j;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > GUARD_QUARANTINED_MAX)
		return false;
	json_array_foreach(list, i, j) {
		struct guard_quarantined q = {0};
		const char *why = text_of(j, "why"), *detail = text_of(j, "detail");

		if (!load_patch(j, &q.patch) || !take_number(j, "at", WHEN_LAST, &q.at) || !why ||
		    !sut_member_name_ok(why) || strlen(why) >= sizeof(q.why) || !detail ||
		    strlen(detail) >= sizeof(q.detail) || !is_printable(detail) ||
		    guard_is_quarantined(g, q.patch.sha256))
			return false;
		snprintf(q.why, sizeof(q.why), "%s", why);
		snprintf(q.detail, sizeof(q.detail), "%s", detail);
		g->quarantined[g->nquarantined++] = q;
	}
	return true;
}

static bool take_phase(const json_t *j, struct guard *g)
{
	const char *word = text_of(j, "phase");

	for (size_t i = 0; word && i < SUT_ARRAY_SIZE(phases); i++)
		if (sut_streq(word, phases[i])) {
			g->phase = (enum guard_phase)i;
			return true;
		}
	return false;
}

static bool take_boot_id(const json_t *j, struct guard *g)
{
	const char *s = text_of(j, "boot_id");
	size_t len = s ? strlen(s) : 0;

	if (!s || (len != 0 && len != sizeof(g->boot_id) - 1) ||
	    strspn(s, "0123456789abcdef-") != len)
		return false;
	snprintf(g->boot_id, sizeof(g->boot_id), "%s", s);
	return true;
}

/* What the rules keep true between the members. */
static const char *contradiction(const struct guard *g)
{
	bool idle = g->phase == GUARD_IDLE;

	if (idle != !g->now.id[0])
		return "now";
	if (idle != !g->boot_id[0])
		return "boot_id";
	if (g->before.id[0] && g->phase != GUARD_APPLYING)
		return "before";
	if (g->good.id[0] && guard_is_quarantined(g, g->good.sha256))
		return "good";
	return NULL;
}

static int load(const json_t *j, struct guard *g, struct sut_err *err)
{
	const char *format = text_of(j, "format"), *wrong = NULL;
	int64_t version, tries;

	if (!format || !sut_streq(format, "suture-guard") ||
	    !take_number(j, "version", 1, &version) || version != 1)
		return bad(err, "format");
	if (!take_phase(j, g))
		wrong = "phase";
	else if (!take_patch(j, "now", &g->now))
		wrong = "now";
	else if (!take_boot_id(j, g))
		wrong = "boot_id";
	else if (!take_number(j, "since", WHEN_LAST, &g->since))
		wrong = "since";
	else if (!take_number(j, "since_uptime_s", WHEN_LAST, &g->since_uptime_s))
		wrong = "since_uptime_s";
	else if (!take_number(j, "probation_s", WHEN_LAST, &g->probation_s))
		wrong = "probation_s";
	else if (!take_patch(j, "before", &g->before))
		wrong = "before";
	else if (!take_number(j, "tries", GUARD_TRIES, &tries))
		wrong = "tries";
	else if (!take_patch(j, "good", &g->good))
		wrong = "good";
	else if (!take_number(j, "good_since", WHEN_LAST, &g->good_since))
		wrong = "good_since";
	else if (!take_flag(j, "unloaded", &g->unloaded))
		wrong = "unloaded";
	else if (!take_quarantined(json_object_get(j, "quarantined"), g))
		wrong = "quarantined";
	else
		wrong = contradiction(g);
	if (wrong)
		return bad(err, wrong);
	g->tries = (unsigned int)tries;
	return 0;
}

int guard_parse(const void *text, size_t len, struct guard *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) struct guard *g = calloc(1, sizeof(*g));
	json_t *j = NULL;
	int r;

	if (!g)
		return sut_err_oom(err);
	/* That memory is short says nothing of the text. */
	if (len <= GUARD_MAX &&
	    sut_json_object_parse(text, len, SUT_JSON_DEPTH, &j, NULL) == -ENOMEM)
		return sut_err_oom(err);
	r = load(j, g, err);
	json_decref(j);
	if (r == 0)
		*ret = *g;
	return r;
}

json_t *guard_patch_json(const struct guard_patch *p)
{
	if (!p->id[0])
		return json_null();
	return json_pack("{s:s,s:I,s:s}", "id", p->id, "level", (json_int_t)p->level, "sha256",
			 p->sha256);
}

/* A clock that is wrong by centuries must not make a guard that cannot be read again. */
static json_int_t number(int64_t v)
{
	return v < 0 ? 0 : v > WHEN_LAST ? WHEN_LAST : v;
}

static json_t *quarantined_json(const struct guard *g)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < g->nquarantined; i++) {
		const struct guard_quarantined *q = &g->quarantined[i];

		if (json_array_append_new(list,
					  json_pack("{s:s,s:I,s:s,s:I,s:s,s:s}", "id", q->patch.id,
						    "level", (json_int_t)q->patch.level, "sha256",
						    q->patch.sha256, "at", number(q->at), "why",
						    q->why, "detail", q->detail)) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

json_t *guard_json(const struct guard *g)
{
	return json_pack("{s:s,s:i,s:s,s:o,s:s,s:I,s:I,s:I,s:o,s:i,s:o,s:I,s:b,s:o}", "format",
			 "suture-guard", "version", 1, "phase", phases[g->phase], "now",
			 guard_patch_json(&g->now), "boot_id", g->boot_id, "since",
			 number(g->since), "since_uptime_s", number(g->since_uptime_s),
			 "probation_s", number(g->probation_s), "before",
			 guard_patch_json(&g->before), "tries", (int)g->tries, "good",
			 guard_patch_json(&g->good), "good_since", number(g->good_since),
			 "unloaded", g->unloaded, "quarantined", quarantined_json(g));
}

/* ------------------------------------------------------------------ */

static const struct guard_home of_kernels = {AGENT_KERNELS, "guard.json"};

static int folder_of(const struct guard_home *h, const char *root, const char *build_id,
		     struct agent_path *ret, struct sut_err *err)
{
	char below[128];

	if (!is_hex(build_id, (size_t)2 * SUTURE_BUILD_ID_LEN))
		return sut_err_set(err, EINVAL, "'%s' is no build-id", build_id);
	snprintf(below, sizeof(below), "%s/%s", h->below, build_id);
	*ret = agent_path(root, below);
	return 0;
}

static int file_of(const struct guard_home *h, const char *root, const char *build_id,
		   struct agent_path *ret, struct sut_err *err)
{
	struct agent_path folder;
	int r = folder_of(h, root, build_id, &folder, err);

	if (r < 0)
		return r;
	if (snprintf(ret->s, sizeof(ret->s), "%s/%s", folder.s, h->name) >= (int)sizeof(ret->s))
		return sut_err_set(err, ENAMETOOLONG, "the root is too long a path");
	return 0;
}

static int damaged(const char *where, const char *why, struct sut_err *err)
{
	return sut_err_reason(err, EBADMSG, "guard",
			      "the crash guard was damaged (%s): %s. What was quarantined is not "
			      "known any more, so nothing is applied by itself. When that is no "
			      "danger, 'suture quarantine release --all' starts "
			      "a new one",
			      where, why);
}

/* Is there a guard that was moved aside, and nothing in its place? */
static bool lies_aside(const struct guard_home *h, const struct agent_path *folder,
		       char name[static 64])
{
	_cleanup_(sut_closedirp) DIR *d = opendir(folder->s);
	size_t n = strlen(h->name);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (sut_startswith(e->d_name, h->name) &&
		    sut_startswith(e->d_name + n, ".damaged-") && strlen(e->d_name) < 64) {
			snprintf(name, 64, "%s", e->d_name);
			return true;
		}
	return false;
}

/* Errors that say nothing of the file. */
static bool is_ours(int code)
{
	return code == ENOMEM || code == EMFILE || code == ENFILE || code == EINTR;
}

static int move_aside(const char *path, struct sut_err *why, struct sut_err *err)
{
	char name[PATH_MAX + 64], when[WHEN_MAX];

	when_text(time(NULL), when);
	snprintf(name, sizeof(name), "%s.damaged-%s", path, when);
	if (rename(path, name) < 0)
		return damaged(path, why->msg, err);
	return damaged(name, why->msg, err);
}

int guard_read_in(const struct guard_home *h, const char *root, const char *build_id,
		  struct guard *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(GUARD_MAX);
	struct agent_path folder, path;
	struct sut_err why = {0};
	char name[64];
	int r = folder_of(h, root, build_id, &folder, err);

	if (r == 0)
		r = file_of(h, root, build_id, &path, err);
	if (r < 0)
		return r;
	r = sut_file_read(path.s, &b, &why);
	if (r == -ENOENT) {
		if (lies_aside(h, &folder, name))
			return damaged(name, "it was moved aside", err);
		*ret = (struct guard){0};
		return 0;
	}
	if (r == 0)
		r = guard_parse(b.data, b.len, ret, &why);
	if (r == 0)
		return 0;
	if (is_ours(-r)) {
		if (err)
			*err = why;
		return r;
	}
	return move_aside(path.s, &why, err);
}

int guard_read(const char *root, const char *build_id, struct guard *ret, struct sut_err *err)
{
	return guard_read_in(&of_kernels, root, build_id, ret, err);
}

static int sync_folder(const char *path, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return sut_err_errno(err, "cannot fsync %s", path);
	return 0;
}

/* A file is as durable as the name of each folder on the way to it. */
static int sync_folders(const struct guard_home *h, const char *root, struct sut_err *err)
{
	const char *const above[] = {h->below, AGENT_APPLY_DIR, "/var/lib/suture", "/var/lib"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(above); i++) {
		int r = sync_folder(agent_path(root, above[i]).s, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int guard_write_in(const struct guard_home *h, const char *root, const char *build_id,
		   const struct guard *g, struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = NULL;
	struct agent_path folder, path;
	bool is_new;
	json_t *j;
	int r = folder_of(h, root, build_id, &folder, err);

	if (r == 0)
		r = file_of(h, root, build_id, &path, err);
	if (r < 0)
		return r;
	j = guard_json(g);
	text = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
	json_decref(j);
	if (!text)
		return sut_err_oom(err);
	is_new = !sut_exists(path.s);
	r = sut_mkdir_p(folder.s, err);
	if (r == 0 && is_new)
		r = sync_folders(h, root, err);
	return r < 0 ? r : sut_file_write(path.s, text, strlen(text), 0644, err);
}

int guard_write(const char *root, const char *build_id, const struct guard *g, struct sut_err *err)
{
	return guard_write_in(&of_kernels, root, build_id, g, err);
}
