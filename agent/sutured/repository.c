// SPDX-License-Identifier: Apache-2.0
#include "sutured/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "sutured/half.h"
#include "sutured/published.h"
#include "tuf/filename.h"
#include "tuf/json.h"
#include "tuf/trusted.h"

enum {
	SIG_MAX = 4096,
	LEVELS_FOR_NAME = 128,
	LEVELS_DOWN = 8,	/* below the highest one that are looked for */
	SPACE_LEFT = 1 << 20,	/* bytes that stay free on the disk */
	TRIES = 6,		/* of a download that breaks off, as long as it gets on */
	NEAR_EVERY = 24 * 3600, /* seconds: reading all roles costs traffic */
	NEAR_KERNELS = 4,
	CALLED_MAX = 256, /* bytes of the name of a library or package */
};

/* ------------------------------------------------------------------ */
/* Trust                                                                */

/* The root that is trusted cannot be read any more. */
static bool is_root_damaged(struct net *n)
{
	struct agent_path path = agent_path(n->root, AGENT_TUF "/root.json");
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	_cleanup_(sut_tuf_trusted_freep) struct sut_tuf_trusted *t = NULL;
	int r = sut_file_read(path.s, &b, NULL);

	if (r == 0)
		r = sut_tuf_trusted_new(b.data, b.len, net_now(n), &t, NULL);
	return r == -EBADMSG || r == -EKEYREJECTED || r == -EFBIG;
}

/* AGENT_TUF from AGENT_ROOT_JSON: the first time, when root has put another file there, and when what is there is
 * damaged. Never because of what a server sent: it could send old things then. */
static int make_trust(struct net *n, bool again, struct sut_err *err)
{
	struct agent_path given = agent_path(n->root, AGENT_ROOT_JSON);
	struct agent_path dir = agent_path(n->root, AGENT_TUF);
	struct agent_path path = agent_path(n->root, AGENT_TUF "/root.json");
	_cleanup_buf_ struct sut_buf root = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	char hash[SUT_DIGEST_HEX_MAX], known[SUT_DIGEST_HEX_MAX];
	bool there = sut_exists(path.s);
	int r = sut_file_read(given.s, &root, err);

	if (r == -ENOENT && there && !again)
		return 0;
	if (r == -ENOENT)
		return sut_err_reason(
			err, ENOENT, "no-root",
			"there is no %s: whose patches this machine is to trust is not "
			"known. The portal's installer puts it there",
			AGENT_ROOT_JSON);
	if (r == 0)
		r = sut_digest_of(SUT_DIGEST_SHA256, root.data, root.len, hash, err);
	if (r < 0)
		return r;
	state_text(n, "_trust", "root", known, sizeof(known));
	if (!there || again || (known[0] && !sut_streq(known, hash))) {
		r = sut_mkdir_p(dir.s, err);
		if (r == 0)
			r = sut_tuf_init(dir.s, root.data, root.len, err);
		if (r == 0)
			net_log(NET_INFO, "trusts the repository of %s", AGENT_ROOT_JSON);
	}
	if (r == 0 && !sut_streq(known, hash))
		state_set(n, "_trust", json_pack("{s:s}", "root", hash));
	return r;
}

static int refresh(struct repository *r, struct sut_err *err)
{
	struct agent_path dir = agent_path(r->net->root, AGENT_TUF);
	char base[AGENT_URL_MAX + 1], metadata[AGENT_URL_MAX + sizeof("/metadata")];
	struct sut_tuf_client_opts opts = {
		.metadata_dir = dir.s,
		.metadata_url = metadata,
		.targets_url = r->targets,
		.fetcher = sut_tuf_fetch_http(r->http),
		.now = net_now(r->net),
	};
	int k = net_repository(r->net, base, err);

	if (k < 0)
		return k;
	snprintf(metadata, sizeof(metadata), "%s/metadata", base);
	snprintf(r->targets, sizeof(r->targets), "%s/targets", base);
	k = sut_tuf_client_new(&opts, &r->tuf, err);
	return k == 0 ? sut_tuf_refresh(r->tuf, err) : k;
}

int repository_open(struct net *n, struct repository *ret, struct sut_err *err)
{
	struct repository r = {.net = n};
	char base[AGENT_URL_MAX + 1];
	int k = net_repository(n, base, err);

	if (k == 0)
		k = make_trust(n, false, err);
	if (k == 0)
		k = net_http(n, &r.http, err);
	if (k == 0)
		k = refresh(&r, err);
	if (k < 0 && r.http && k != -ENOMEM && is_root_damaged(n)) {
		net_log(NET_WARNING, "%s is damaged, and made anew from %s", AGENT_TUF,
			AGENT_ROOT_JSON);
		repository_close(&r);
		k = make_trust(n, true, err);
		if (k == 0)
			k = refresh(&r, err);
	}
	if (k < 0) {
		repository_close(&r);
		return k;
	}
	*ret = r;
	return 0;
}

void repository_close(struct repository *r)
{
	sut_tuf_client_freep(&r->tuf);
}

/* ------------------------------------------------------------------ */
/* What there is                                                        */

/* The time of first sight; what lies in the future now was a clock that was wrong. */
static int64_t seen_of(const json_t *old, const char *sha256, int64_t now)
{
	const json_t *levels = json_object_get(old, "levels"), *l;
	size_t i;

	json_array_foreach(levels, i, l) {
		const char *s = json_string_value(json_object_get(l, "sha256"));
		json_int_t seen = json_integer_value(json_object_get(l, "seen"));

		if (s && sut_streq(s, sha256))
			return seen < now ? seen : now;
	}
	return now;
}

static bool has_level(const json_t *levels, uint32_t level)
{
	const json_t *l;
	size_t i;

	json_array_foreach(levels, i, l)
		if (json_integer_value(json_object_get(l, "level")) == level)
			return true;
	return false;
}

/* True for no id at all. */
static bool has_id(const json_t *levels, const char *id)
{
	const json_t *l;
	size_t i;

	if (!id || !*id)
		return true;
	json_array_foreach(levels, i, l) {
		const char *s = json_string_value(json_object_get(l, "id"));

		if (s && sut_streq(s, id))
			return true;
	}
	return false;
}

struct build {
	bool library; /* else a kernel */
	const char *id;
};

/* One level more, when there is such a one, and it is called id (NULL: whatever it is called). */
static int add_level(struct repository *r, const struct build *b, uint32_t level, const char *id,
		     const json_t *old, json_t *levels, struct sut_err *err)
{
	const char *its;
	char path[PUBLISHED_PATH];
	struct sut_tuf_target t;
	int64_t now = net_now(r->net);
	json_t *j;
	int k;

	if (json_array_size(levels) == PUBLISHED_LEVELS_MAX || has_level(levels, level))
		return 0;
	published_path(b->library, b->id, level, path);
	k = sut_tuf_find(r->tuf, path, &t, err);
	if (k == -ENOENT)
		return 0;
	if (k == 0 && !t.hashes.sha256[0])
		return 0; /* a hash that the root half cannot be told */
	its = k == 0 ? json_string_value(json_object_get(t.custom, "id")) : NULL;
	if (k == 0 && id && (!its || !sut_streq(its, id)))
		return 0;
	if (k == 0)
		k = published_level(&t, b->id, seen_of(old, t.hashes.sha256, now), &j, err);
	if (k < 0)
		return k;
	return json_array_append_new(levels, j) < 0 ? sut_err_oom(err) : 0;
}

static int list_levels(struct repository *r, const struct build *b, const json_t *old,
		       const struct repository_wants *more, json_t *levels, struct sut_err *err)
{
	char path[PUBLISHED_PATH];
	struct sut_tuf_target t;
	json_int_t top;
	int k;

	published_path(b->library, b->id, 0, path);
	k = sut_tuf_find(r->tuf, path, &t, err);
	if (k < 0)
		return k == -ENOENT ? 0 : k;
	top = json_integer_value(json_object_get(t.custom, "level"));
	if (top < 1 || top > INT32_MAX)
		return sut_err_reason(err, EBADMSG, "format",
				      "the repository's entry of '%s' has no level", path);
	for (json_int_t l = top; l > 0 && l > top - LEVELS_DOWN && k == 0; l--)
		k = add_level(r, b, (uint32_t)l, NULL, old, levels, err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(more->levels) && k == 0; i++)
		if (more->levels[i] >= 1 && more->levels[i] <= INT32_MAX)
			k = add_level(r, b, more->levels[i], NULL, old, levels, err);
	/* A name does not tell its level. */
	for (size_t i = 0; i < SUT_ARRAY_SIZE(more->ids); i++)
		for (json_int_t l = top - LEVELS_DOWN;
		     k == 0 && l > 0 && l > top - LEVELS_FOR_NAME && !has_id(levels, more->ids[i]);
		     l--)
			k = add_level(r, b, (uint32_t)l, more->ids[i], old, levels, err);
	return k;
}

/* Kernels that there are patches for, the newest of this machine's flavour. */
struct near {
	const struct half *h;
	char names[NEAR_KERNELS][65];
	size_t n;
};

static bool is_newest_of_kernel(void *ctx, const char *path)
{
	const char *build_id = path + strlen("kernel/");

	(void)ctx;
	return sut_startswith(path, "kernel/") &&
	       sut_streq(build_id + strcspn(build_id, "/"), "/kpatch.bin");
}

/* "cloud-amd64" of "6.1.0-47-cloud-amd64". */
static const char *flavour(const char *release)
{
	const char *s = release + strspn(release, "0123456789.-+~");

	return *s ? s : release;
}

static int note_near(void *ctx, const struct sut_tuf_target *t, struct sut_err *err)
{
	struct near *near = ctx;
	const char *arch = json_string_value(json_object_get(t->custom, "arch"));
	const char *name = json_string_value(json_object_get(t->custom, "target"));
	const char *release = name ? strrchr(name, '/') : NULL;
	size_t i;

	(void)err;
	release = release ? release + 1 : name;
	if (!release || !arch || !sut_streq(arch, near->h->h.arch) ||
	    strlen(release) >= sizeof(near->names[0]) ||
	    !sut_streq(flavour(release), flavour(near->h->h.release)))
		return 0;
	for (i = 0; i < near->n && strverscmp(near->names[i], release) > 0; i++)
		;
	if (i == NEAR_KERNELS || (i < near->n && sut_streq(near->names[i], release)))
		return 0;
	if (near->n < NEAR_KERNELS)
		near->n++;
	memmove(near->names[i + 1], near->names[i], (near->n - i - 1) * sizeof(near->names[0]));
	snprintf(near->names[i], sizeof(near->names[i]), "%s", release);
	return 0;
}

/* For a kernel without patches: which ones have some. */
static json_t *list_near(struct repository *r, const struct half *h, const json_t *old,
			 int64_t *ret_at)
{
	struct near near = {.h = h};
	int64_t now = net_now(r->net);
	int64_t at = json_integer_value(json_object_get(old, "near_at"));
	char text[PUBLISHED_NEAR_MAX] = "";
	struct sut_err err;
	size_t len = 0;

	*ret_at = at;
	if (at > now - NEAR_EVERY && at <= now)
		return json_incref(json_object_get(old, "near"));
	*ret_at = now;
	if (sut_tuf_each(r->tuf, is_newest_of_kernel, note_near, &near, &err) < 0)
		net_log(NET_INFO, "which kernels have patches is not known: %s", err.msg);
	for (size_t i = 0; i < near.n && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
					near.names[i]);
	return json_string(text);
}

static json_t *asked_json(const struct repository_wants *more)
{
	json_t *list = json_array();

	for (size_t i = 0; i < SUT_ARRAY_SIZE(more->levels); i++)
		(void)json_array_append_new(list, json_integer(more->levels[i]));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(more->ids); i++)
		(void)json_array_append_new(list, json_string(more->ids[i] ? more->ids[i] : ""));
	return list;
}

/* Was all of it looked for, in this very snapshot? What runs may not be there any more, so that to have
 * looked is what counts. */
static bool is_listed(const json_t *old, const char *build_id, int64_t snapshot,
		      const struct repository_wants *more)
{
	const char *known = json_string_value(json_object_get(old, "build_id"));
	const json_t *levels = json_object_get(old, "levels");
	_cleanup_json_ json_t *asked = asked_json(more);
	bool there = true;

	if (!known || !sut_streq(known, build_id) ||
	    json_integer_value(json_object_get(old, "snapshot")) != snapshot)
		return false;
	if (json_equal(asked, json_object_get(old, "asked")))
		return true;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(more->levels); i++)
		there = there && (!more->levels[i] || has_level(levels, more->levels[i]));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(more->ids); i++)
		there = there && has_id(levels, more->ids[i]);
	return there;
}

static int list_anew(struct repository *r, const struct half *h, const json_t *old,
		     const struct repository_wants *more, json_t **ret, struct sut_err *err)
{
	_cleanup_json_ json_t *levels = json_array();
	const char *build_id = h->h.build_id;
	struct sut_tuf_target flag;
	const json_t *custom = NULL;
	json_t *near = NULL;
	int64_t near_at = 0;
	int k = levels ? sut_tuf_find(r->tuf, "stop/flag.json", &flag, err) : sut_err_oom(err);

	if (k == 0)
		custom = flag.custom;
	if (k == 0 || k == -ENOENT)
		k = list_levels(r, &(const struct build){.id = build_id}, old, more, levels, err);
	if (k < 0)
		return k;
	if (!json_array_size(levels))
		near = list_near(r, h, old, &near_at);
	*ret = json_pack("{s:s, s:O, s:o, s:o, s:o, s:I}", "build_id", build_id, "levels", levels,
			 "asked", asked_json(more), "stop", published_stop(custom, build_id),
			 "near", near ? near : json_string(""), "near_at", (json_int_t)near_at);
	return *ret ? 0 : sut_err_oom(err);
}

/* What people call a library: of its highest level's entry. */
static json_t *named(struct repository *r, const char *build_id)
{
	static const char *const members[] = {"soname", "package", "package_version"};
	char path[PUBLISHED_PATH];
	struct sut_tuf_target t;
	json_t *j = json_object();

	published_path(true, build_id, 0, path);
	if (sut_tuf_find(r->tuf, path, &t, NULL) == 0)
		for (size_t i = 0; j && i < SUT_ARRAY_SIZE(members); i++) {
			const char *s = json_string_value(json_object_get(t.custom, members[i]));

			if (s && *s && strlen(s) < CALLED_MAX)
				(void)json_object_set_new(j, members[i], json_string(s));
		}
	return j;
}

int repository_list_library(struct repository *r, const char *build_id, const json_t *old,
			    const struct repository_wants *more, json_t **ret, struct sut_err *err)
{
	const struct sut_tuf_meta *snapshot = sut_tuf_client_meta(r->tuf, SUT_TUF_SNAPSHOT);
	int64_t version = snapshot ? snapshot->version : 0;
	_cleanup_json_ json_t *levels = json_array();
	struct sut_tuf_target flag;
	const json_t *custom = NULL;
	json_t *doc, *names;
	int k;

	if (is_listed(old, build_id, version, more)) {
		*ret = json_deep_copy(old);
		return *ret ? 0 : sut_err_oom(err);
	}
	k = levels ? sut_tuf_find(r->tuf, "stop/flag.json", &flag, err) : sut_err_oom(err);
	if (k == 0)
		custom = flag.custom;
	if (k == 0 || k == -ENOENT)
		k = list_levels(r, &(const struct build){.library = true, .id = build_id}, old,
				more, levels, err);
	if (k < 0)
		return k;
	doc = json_pack("{s:s, s:O, s:o, s:o, s:I}", "build_id", build_id, "levels", levels,
			"asked", asked_json(more), "stop", published_stop(custom, build_id),
			"snapshot", (json_int_t)version);
	names = doc ? named(r, build_id) : NULL;
	if (!names || json_object_update(doc, names) < 0) {
		json_decref(names);
		json_decref(doc);
		return sut_err_oom(err);
	}
	json_decref(names);
	*ret = doc;
	return 0;
}

static int64_t first_to_expire(const struct repository *r)
{
	int64_t first = INT64_MAX;

	for (int type = SUT_TUF_ROOT; type <= SUT_TUF_TARGETS; type++) {
		const struct sut_tuf_meta *m = sut_tuf_client_meta(r->tuf, (enum sut_tuf_type)type);

		if (m && m->expires < first)
			first = m->expires;
	}
	return first;
}

int repository_list(struct repository *r, const struct half *h, const json_t *old,
		    const struct repository_wants *more, json_t **ret, struct sut_err *err)
{
	const struct sut_tuf_meta *snapshot = sut_tuf_client_meta(r->tuf, SUT_TUF_SNAPSHOT);
	int64_t version = snapshot ? snapshot->version : 0;
	json_t *doc = NULL;
	int k = 0;

	if (is_listed(old, h->h.build_id, version, more)) {
		doc = json_deep_copy(old);
		if (!doc)
			return sut_err_oom(err);
	} else {
		k = list_anew(r, h, old, more, &doc, err);
	}
	if (k < 0)
		return k;
	if (json_object_set_new(doc, "snapshot", json_integer(version)) < 0 ||
	    json_object_set_new(doc, "expires", json_integer(first_to_expire(r))) < 0 ||
	    json_object_set_new(doc, "read_at", json_integer(net_now(r->net))) < 0) {
		json_decref(doc);
		return sut_err_oom(err);
	}
	*ret = doc;
	return 0;
}

/* ------------------------------------------------------------------ */
/* Fetching                                                             */

/* Is there room for the rest of it? */
static int check_space(struct net *n, const struct sut_tuf_target *t, int64_t have,
		       struct sut_err *err)
{
	struct agent_path dir = agent_path(n->root, AGENT_DOWNLOAD);
	struct statvfs fs;
	uint64_t left, need = (uint64_t)(t->length > have ? t->length - have : 0) + SPACE_LEFT;
	int r = sut_mkdir_p(dir.s, err);

	if (r < 0)
		return r;
	if (statvfs(dir.s, &fs) < 0)
		return sut_err_errno(err, "cannot tell how full the disk of %s is", dir.s);
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left < need)
		return sut_err_reason(
			err, ENOSPC, "disk-full",
			"%s needs %llu KiB, and the disk has %llu KiB left. Make room "
			"there",
			dir.s, (unsigned long long)(need >> 10), (unsigned long long)(left >> 10));
	return 0;
}

static int64_t part_size(struct net *n, const char *target)
{
	struct agent_path dir = agent_path(n->root, AGENT_DOWNLOAD);
	_cleanup_(sut_freep) char *name = sut_tuf_file_name(target, "");
	_cleanup_(sut_freep) char *part = name ? sut_sprintf("%s/%s.part", dir.s, name) : NULL;
	struct stat st;

	return part && lstat(part, &st) == 0 ? st.st_size : 0;
}

/* What breaks off is taken up at once, as long as something comes each time. */
static int download(struct repository *r, const struct sut_tuf_target *t, char **ret_path,
		    struct sut_err *err)
{
	struct agent_path dir = agent_path(r->net->root, AGENT_DOWNLOAD);
	int64_t have = part_size(r->net, t->path);
	int k = check_space(r->net, t, have, err);

	for (int i = 0; k == 0; i++) {
		int64_t now;

		k = sut_tuf_download(r->tuf, t, dir.s, ret_path, err);
		if (k == 0)
			return 0;
		now = part_size(r->net, t->path);
		if (i + 1 == TRIES || now <= have || (k != -EIO && k != -ETIMEDOUT))
			break;
		have = now;
		k = 0;
	}
	if (k == -ENOSPC || k == -EDQUOT)
		return sut_err_reason(err, ENOSPC, "disk-full",
				      "the disk of %s is full. Make room there", dir.s);
	return k;
}

static int new_memfd(const char *name, int *ret, struct sut_err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return sut_err_errno(err, "cannot make a file in memory");
	*ret = fd;
	return 0;
}

static int put(int fd, const void *data, size_t len, struct sut_err *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sut_err_errno(err, "cannot write to a file in memory");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int seal(int fd, struct sut_err *err)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return sut_err_errno(err, "cannot seal a file in memory");
	return 0;
}

/* The file, from the disk into memory, and its hash. */
static int into_memory(const char *path, int *ret_fd, char ret_sha256[static SUT_DIGEST_HEX_MAX],
		       struct sut_err *err)
{
	_cleanup_(sut_closep) int in = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), fd = -1;
	_cleanup_(sut_digest_freep) struct sut_digest *d = NULL;
	char chunk[32 << 10];
	int r;

	if (in < 0)
		return sut_err_errno(err, "cannot open %s", path);
	r = new_memfd("suture-target", &fd, err);
	if (r == 0)
		r = sut_digest_new(SUT_DIGEST_SHA256, &d, err);
	while (r == 0) {
		ssize_t n = read(in, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sut_err_errno(err, "cannot read %s", path);
		if (n == 0)
			break;
		r = put(fd, chunk, (size_t)n, err);
		if (r == 0)
			r = sut_digest_add(d, chunk, (size_t)n, err);
	}
	if (r == 0)
		r = seal(fd, err);
	if (r == 0)
		r = sut_digest_hex(d, ret_sha256, err);
	if (r == 0)
		*ret_fd = sut_steal_fd(&fd);
	return r;
}

/* It is no target: it lies beside the file, and proves itself by its key. */
static int fetch_sig(struct repository *r, const struct sut_tuf_target *t, int *ret_fd,
		     struct sut_err *err)
{
	const struct sut_tuf_meta *root = sut_tuf_client_meta(r->tuf, SUT_TUF_ROOT);
	const char *name = strrchr(t->path, '/') ? strrchr(t->path, '/') + 1 : t->path;
	const char *hash = t->hashes.sha256[0] ? t->hashes.sha256 : t->hashes.sha512;
	bool consistent = root && root->consistent_snapshot;
	_cleanup_(sut_freep) char *url =
		sut_sprintf("%s/%.*s%s%s%s.sig", r->targets, (int)(name - t->path), t->path,
			    consistent ? hash : "", consistent ? "." : "", name);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SIG_MAX);
	_cleanup_(sut_closep) int fd = -1;
	int k;

	if (!url)
		return sut_err_oom(err);
	k = sut_http_get(r->http, url, SIG_MAX, &sig, err);
	if (k < 0)
		return k;
	k = new_memfd("suture-sig", &fd, err);
	if (k == 0)
		k = put(fd, sig.data, sig.len, err);
	if (k == 0)
		k = seal(fd, err);
	if (k == 0)
		*ret_fd = sut_steal_fd(&fd);
	return k;
}

int repository_fetch(struct repository *r, struct task *t, const char *path, int64_t max,
		     int *ret_file, int *ret_sig, char ret_sha256[static SUT_DIGEST_HEX_MAX],
		     struct sut_err *err)
{
	_cleanup_(sut_freep) char *file = NULL;
	_cleanup_(sut_closep) int fd = -1, sig = -1;
	char hash[SUT_DIGEST_HEX_MAX];
	struct sut_tuf_target target;
	int k = sut_tuf_find(r->tuf, path, &target, err);

	if (k < 0)
		return k;
	if (target.length > max)
		return sut_err_reason(err, EFBIG, "length", "%s has %lld bytes, more than %lld",
				      path, (long long)target.length, (long long)max);
	task_progress(t, "download", "begin", path, 0, (uint64_t)target.length);
	k = download(r, &target, &file, err);
	if (k == 0)
		k = fetch_sig(r, &target, &sig, err);
	if (k == 0)
		k = into_memory(file, &fd, hash, err);
	if (k < 0)
		return k;
	task_progress(t, "download", "end", path, (uint64_t)target.length, (uint64_t)target.length);
	memcpy(ret_sha256, hash, sizeof(hash));
	*ret_file = sut_steal_fd(&fd);
	*ret_sig = sut_steal_fd(&sig);
	return 0;
}

void repository_tidy(struct net *n, const char *keep)
{
	struct agent_path path = agent_path(n->root, AGENT_DOWNLOAD);
	_cleanup_(sut_freep) char *name = keep ? sut_tuf_file_name(keep, "") : NULL;
	_cleanup_(sut_closedirp) DIR *dir = opendir(path.s);
	const struct dirent *e;

	if (!dir || (keep && !name))
		return;
	while ((e = readdir(dir))) {
		size_t len = name ? strlen(name) : 0;

		if (e->d_name[0] == '.' ||
		    (name && !strncmp(e->d_name, name, len) &&
		     (!e->d_name[len] || sut_streq(e->d_name + len, ".part"))))
			continue;
		(void)unlinkat(dirfd(dir), e->d_name, 0);
	}
}
