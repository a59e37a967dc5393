// SPDX-License-Identifier: Apache-2.0
/* Writing what is true to where others read it, and removing what is not. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "common/conf.h"
#include "common/paths.h"
#include "internal.h"

enum {
	NET_STATE_MAX = 16 << 10,
	PATH_FILE_MAX = 4096,
};

/* Keeps the first error of several. */
static int keep(int before, int r, struct sut_err *err, const struct sut_err *now)
{
	if (r >= 0 || before < 0)
		return before < 0 ? before : 0;
	if (err)
		*err = *now;
	return r;
}

static int drop(const char *path, struct sut_err *err)
{
	if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	return sut_err_errno(err, "%s: it is not true any more, and cannot be removed", path);
}

/* What r says of b goes to path: 0 writes it, -ENODATA removes what is there, and so does an error. */
static int settle(const char *path, int r, const struct sut_buf *b, struct sut_err *err)
{
	if (!r)
		r = sut_file_write(path, b->data ? (const void *)b->data : "", b->len, 0644, err);
	if (r < 0) {
		int d = drop(path, r == -ENODATA ? err : NULL);

		return r == -ENODATA ? d : r;
	}
	return 0;
}

/* The text of j (dropped), with a newline. */
static int dump(json_t *j, struct sut_buf *b, struct sut_err *err)
{
	char *s = json_dumps(j, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	int r = s ? sut_buf_addf(b, "%s\n", s) : -ENOMEM;

	free(s);
	json_decref(j);
	return r < 0 ? sut_err_set(err, -r, "what is true: %s", strerror(-r)) : 0;
}

static int put_effective(const char *root, const json_t *state, const struct truth_host *h,
			 struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TRUTH_FILE_MAX);
	struct agent_path path = agent_path(root, AGENT_EFFECTIVE);
	char version[2 * TRUTH_WORD_MAX];
	int r = truth_is_live(state) ? truth_effective(state, h, version) : -ENODATA;

	if (!r && sut_buf_addf(&b, "%s\n", version) < 0)
		r = sut_err_oom(err);
	return settle(path.s, r, &b, err);
}

static int put_cves(const char *root, const json_t *state, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TRUTH_FILE_MAX);
	struct agent_path path = agent_path(root, AGENT_CVES);

	return settle(path.s, truth_cves(state, &b, err), &b, err);
}

static int put_release(const char *root, const json_t *state, const struct truth_host *h,
		       int64_t now, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TRUTH_FILE_MAX);
	struct agent_path path = agent_path(root, AGENT_RELEASE);
	json_t *j;
	int r = truth_release(state, h, now, &j, err);

	if (!r)
		r = dump(j, &b, err);
	return settle(path.s, r, &b, err);
}

int64_t truth_vex_version(const char *root, const json_t *state)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TRUTH_FILE_MAX);
	struct agent_path path = agent_path(root, AGENT_VEX);
	int64_t version = 0;
	json_t *j;

	if (sut_file_read(path.s, &b, NULL) < 0)
		return 1;
	j = json_loadb(sut_buf_str(&b), b.len, JSON_REJECT_DUPLICATES, NULL);
	if (sut_startswith(truth_text(j, "@id"), "urn:uuid:") &&
	    sut_streq(truth_text(j, "@id") + 9, truth_text(state, "boot_id")))
		version = json_integer_value(json_object_get(j, "version"));
	json_decref(j);
	return version > 0 && version < INT32_MAX ? version + 1 : 1;
}

void truth_host_name(const char *root, char ret[TRUTH_WORD_MAX])
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(PATH_FILE_MAX);
	char name[TRUTH_WORD_MAX] = "";

	if (!root || !*root) {
		if (gethostname(name, sizeof(name) - 1) < 0)
			*name = 0;
	} else if (!sut_file_read(agent_path(root, "/etc/hostname").s, &b, NULL)) {
		truth_word(name, b.data, strcspn(sut_buf_str(&b), " \t\r\n"));
	}
	truth_word(ret, name, strlen(name));
	if (!*ret)
		memcpy(ret, "unnamed", sizeof("unnamed"));
}

static int put_vex(const char *root, const json_t *state, const struct truth_host *h,
		   const struct agent_conf *conf, int64_t now, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TRUTH_FILE_MAX);
	struct agent_path path = agent_path(root, AGENT_VEX);
	char host[TRUTH_WORD_MAX];
	struct sut_err why;
	int r = -ENODATA;
	json_t *j;

	if (conf && conf->vex) {
		truth_host_name(root, host);
		r = truth_vex(state, h, host, now, truth_vex_version(root, state), &j, &why);
		if (r < 0 && r != -ENODATA && err)
			*err = why;
	}
	if (!r)
		r = dump(j, &b, err);
	return settle(path.s, r, &b, err);
}

static json_t *read_net(const char *root)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(NET_STATE_MAX);

	if (sut_file_read(agent_path(root, AGENT_NET_SAID).s, &b, NULL) < 0)
		return NULL;
	return json_loadb(sut_buf_str(&b), b.len, JSON_REJECT_DUPLICATES, NULL);
}

/* A text that is short and plain, and a count: nothing else is taken over. */
static int keep_member(json_t *to, const json_t *from, const char *key)
{
	const json_t *v = json_object_get(from, key);
	const char *s = json_string_value(v);
	char word[TRUTH_WORD_MAX];

	if (s) {
		truth_word(word, s, strlen(s));
		return json_object_set_new(to, key, json_string(word));
	}
	if (json_is_boolean(v) || (json_is_integer(v) && json_integer_value(v) >= 0))
		return json_object_set(to, key, (json_t *)v);
	return 0;
}

int truth_said(const char *root, const json_t *said, struct sut_err *err)
{
	static const char *const groups[] = {"checkin", "check"}, *const members[] = {"last",
										      "failures",
										      "expires"};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(NET_STATE_MAX);
	json_t *j = json_object();
	int r = j ? 0 : -1;

	if (r == 0)
		r = keep_member(j, said, "registered") < 0 || keep_member(j, said, "state") < 0 ? -1
												: 0;
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(groups); i++) {
		json_t *group = json_object();

		for (size_t k = 0; group && r == 0 && k < SUT_ARRAY_SIZE(members); k++)
			r = keep_member(group, json_object_get(said, groups[i]), members[k]);
		if (json_object_set_new(j, groups[i], group) < 0)
			r = -1;
	}
	if (r < 0) {
		json_decref(j);
		return sut_err_oom(err);
	}
	r = dump(j, &b, err);
	return r < 0 ? r
		     : sut_file_write(agent_path(root, AGENT_NET_SAID).s, b.data, b.len, 0644, err);
}

/* Where the metrics were written last; "" when nowhere. */
static int metrics_at(const char *root, struct sut_buf *ret, struct sut_err *err)
{
	struct agent_path path = agent_path(root, AGENT_METRICS_AT);
	struct sut_err why;
	int r = sut_file_read(path.s, ret, &why);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0 && err)
		*err = why;
	return r;
}

static int drop_metrics(const char *root, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf at = SUT_BUF_INIT(PATH_FILE_MAX);
	int r = metrics_at(root, &at, err);

	if (r < 0 || !at.len)
		return r;
	at.data[strcspn(sut_buf_str(&at), "\n")] = 0;
	if (at.data[0] == '/')
		r = drop(agent_path(root, sut_buf_str(&at)).s, err);
	return r < 0 ? r : drop(agent_path(root, AGENT_METRICS_AT).s, err);
}

/* Notes where the metrics are going to be, so that they are found when the setting has changed. */
static int note_metrics(const char *root, const char *where, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf at = SUT_BUF_INIT(PATH_FILE_MAX),
				     now = SUT_BUF_INIT(PATH_FILE_MAX);
	struct agent_path path = agent_path(root, AGENT_METRICS_AT);
	int r = sut_buf_addf(&now, "%s\n", where);

	if (r < 0)
		return sut_err_set(err, -r, "metrics = %s: %s", where, strerror(-r));
	r = metrics_at(root, &at, err);
	if (r < 0 || sut_streq(sut_buf_str(&at), sut_buf_str(&now)))
		return r;
	r = drop_metrics(root, err);
	if (!r)
		r = sut_mkdir_p(agent_path(root, AGENT_APPLY_DIR).s, err);
	return r < 0 ? r : sut_file_write(path.s, now.data, now.len, 0644, err);
}

static int put_metrics(const char *root, const json_t *state, const struct truth_host *h,
		       const struct agent_conf *conf, int64_t now, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TRUTH_FILE_MAX);
	struct agent_path path;
	json_t *net;
	int r;

	if (!conf || !*conf->metrics)
		return drop_metrics(root, err);
	path = agent_path(root, conf->metrics);
	r = note_metrics(root, conf->metrics, err);
	if (r < 0) {
		(void)(drop_metrics(root, NULL) < 0); /* r says it */
		return settle(path.s, r, &b, NULL);
	}
	net = read_net(root);
	r = truth_metrics(state, net, h, now, &b, err);
	json_decref(net);
	return settle(path.s, r, &b, err);
}

int truth_publish(const char *root, const json_t *state, const struct agent_conf *conf,
		  struct sut_err *err)
{
	int64_t now = time(NULL);
	struct truth_host h;
	struct sut_err why = {0};
	int r, first = 0;

	r = truth_host_read(root, state, &h, &why);
	if (r < 0) {
		/* What there is may be of another state. */
		if (truth_withdraw(root, NULL) < 0)
			sut_err_prefix(&why, "old files may be left in " AGENT_RUN);
		return keep(0, r, err, &why);
	}
	first = keep(first, put_effective(root, state, &h, &why), err, &why);
	first = keep(first, put_cves(root, state, &why), err, &why);
	first = keep(first, put_release(root, state, &h, now, &why), err, &why);
	first = keep(first, put_vex(root, state, &h, conf, now, &why), err, &why);
	return keep(first, put_metrics(root, state, &h, conf, now, &why), err, &why);
}

int truth_withdraw(const char *root, struct sut_err *err)
{
	static const char *const files[] = {AGENT_VEX, AGENT_CVES, AGENT_RELEASE, AGENT_EFFECTIVE};
	struct sut_err why = {0};
	int first = 0;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(files); i++)
		first = keep(first, drop(agent_path(root, files[i]).s, &why), err, &why);
	return keep(first, drop_metrics(root, &why), err, &why);
}
