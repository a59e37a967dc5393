// SPDX-License-Identifier: Apache-2.0
#include "suture-apply/library/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "kernel/policy.h"

#define PATCH_END ".upatch.bin"
#define SIG_END PATCH_END ".sig"
#define FACTS_END ".json"
#define INSECURE_END ".insecure"

enum { PAYLOAD_BUILD_ID = 16 }; /* docs/formats/library.md: behind magic, version and machine */
enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static const struct guard_home home = {AGENT_LIBRARIES, "wanted.json"};
static const struct guard_patch none;

bool store_is_build_id(const char *s)
{
	return strlen(s) == STORE_BUILD_ID - 1 &&
	       strspn(s, "0123456789abcdef") == STORE_BUILD_ID - 1;
}

static struct agent_path folder(const struct apply *a, const char *build_id)
{
	char path[sizeof(AGENT_LIBRARIES) + STORE_BUILD_ID + 1];

	snprintf(path, sizeof(path), AGENT_LIBRARIES "/%s", build_id);
	return agent_path(a->root, path);
}

static void place(const struct apply *a, const char *build_id, const char *sha256,
		  struct stage_place *ret)
{
	struct agent_path dir = folder(a, build_id);

	stage_place_in(&dir, sha256, PATCH_END, ret);
}

/* The mark that root wanted it in spite of all. A path that does not fit names nothing. */
static struct agent_path insecure_mark(const struct apply *a, const char *build_id,
				       const char *sha256)
{
	struct agent_path dir = folder(a, build_id), p;

	if (snprintf(p.s, sizeof(p.s), "%s/%s" INSECURE_END, dir.s, sha256) >= (int)sizeof(p.s))
		*p.s = 0;
	return p;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int store_list(const struct apply *a, struct sut_strv *ret, struct sut_err *err)
{
	struct agent_path path = agent_path(a->root, AGENT_LIBRARIES);
	_cleanup_(sut_closedirp) DIR *d = opendir(path.s);
	const struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0
				       : sut_err_errno(err, "cannot read the folder %s", path.s);
	while ((e = readdir(d)))
		if (store_is_build_id(e->d_name) && ret->n < STORE_LIBRARIES_MAX &&
		    sut_strv_add(ret, e->d_name) < 0)
			return sut_err_oom(err);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(ret->v[0]), by_name);
	return 0;
}

int store_insecure_allowed(const struct apply *a, struct sut_err *err)
{
	const struct sut_trust_opts o = {.insecure_local = true};
	struct agent_path path = agent_path(a->root, SUT_POLICY_FILE);
	struct sut_policy policy = {0};
	struct sut_err broken = {0};

	(void)!sut_policy_read(path.s, &policy, &broken);
	return sut_trust_allowed(&o, &policy, &broken, err);
}

/* ------------------------------------------------------------------ */
/* in                                                                  */

/*
 * The new code is for the file that the manifest names. What else is in it is read by suture-process, whose business it is:
 * one that is malformed is refused there, before anything is touched.
 */
static int check_payload(const struct sut_loaded *l, struct sut_err *err)
{
	static const char magic[] = "SUTULIB1";
	const struct sut_member *p = l->payload;

	if (p->len >= PAYLOAD_BUILD_ID + SUTURE_BUILD_ID_LEN &&
	    memcmp(p->data, magic, sizeof(magic) - 1) == 0 &&
	    memcmp(p->data + PAYLOAD_BUILD_ID, l->manifest->target.build_id, SUTURE_BUILD_ID_LEN) ==
		    0)
		return 0;
	return sut_err_reason(err, EBADMSG, "disagree",
			      "the manifest of %s and its new code name different files. Do not "
			      "use this patch; tell its author",
			      l->manifest->id);
}

static json_t *facts_of(const struct sut_loaded *l, const struct sut_trust *t, const char *build_id)
{
	const struct sut_manifest *m = l->manifest;
	json_t *j = stage_facts_of(l, t);
	json_t *more =
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "kind", "library", "build_id", build_id,
			  "soname", m->target.soname, "file", m->target.file, "package",
			  m->target.package, "insecure_local", !sut_trust_is_good(t));

	if (j && (!more || json_object_update(j, more) < 0)) {
		json_decref(j);
		j = NULL;
	}
	json_decref(more);
	return j;
}

/* One more folder than are looked at would be one that nothing is done for. */
static int check_room(const struct apply *a, const char *build_id, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv all = {0};
	int r = store_list(a, &all, err);

	if (r < 0 || all.n < STORE_LIBRARIES_MAX || sut_exists(folder(a, build_id).s))
		return r;
	return sut_err_reason(err, E2BIG, "limit",
			      "patches of %d libraries are kept here already. Remove folders of "
			      "libraries that are not in use any more from " AGENT_LIBRARIES,
			      STORE_LIBRARIES_MAX);
}

int store_keep(struct apply *a, const struct sut_loaded *l, const struct sut_trust *t, int patch_fd,
	       const struct sut_buf *sig, json_t **ret_facts, struct sut_err *err)
{
	char build_id[STORE_BUILD_ID];
	struct agent_path mark;
	struct stage_place p;
	json_t *facts;
	int r = check_payload(l, err);

	sut_hex(l->manifest->target.build_id, SUTURE_BUILD_ID_LEN, build_id);
	if (r == 0)
		r = check_room(a, build_id, err);
	if (r < 0)
		return r;
	place(a, build_id, l->sha256, &p);
	mark = insecure_mark(a, build_id, l->sha256);
	facts = facts_of(l, t, build_id);
	r = facts ? sut_mkdir_p(p.dir.s, err) : sut_err_oom(err);
	if (r == 0 && !sut_trust_is_good(t))
		r = sut_file_write(mark.s, "", 0, 0644, err);
	if (r == 0)
		r = stage_keep(&p, patch_fd, sig, facts, err);
	if (r < 0) {
		json_decref(facts);
		return r;
	}
	*ret_facts = facts;
	return 0;
}

/* ------------------------------------------------------------------ */
/* out                                                                 */

int store_find(const struct apply *a, const char *sha256, char ret_build_id[static STORE_BUILD_ID],
	       struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv all = {0};
	struct stage_place p;
	int r = stage_is_sha256(sha256) ? store_list(a, &all, err) : 0;

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		place(a, all.v[i], sha256, &p);
		if (!sut_exists(p.patch.s))
			continue;
		memcpy(ret_build_id, all.v[i], STORE_BUILD_ID);
		return 0;
	}
	return r < 0 ? r
		     : sut_err_reason(err, ENOENT, "not-staged",
				      "there is no patch of a library with the SHA-256 %.16s… on "
				      "this machine. Fetch it with 'suture lib update'",
				      sha256);
}

static int sealed_copy(const struct sut_buf *b, int *ret, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = memfd_create("upatch.bin", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return sut_err_errno(err, "cannot make memory for a patch");
	for (size_t at = 0; at < b->len;) {
		ssize_t n = write(fd, b->data + at, b->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return sut_err_errno(err, "cannot put a patch into memory");
		at += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return sut_err_errno(err, "cannot seal a patch in memory");
	*ret = sut_steal_fd(&fd);
	return 0;
}

static int verify(struct apply *a, const struct stage_place *p, const char *build_id,
		  struct sut_loaded *l, struct sut_trust *t, struct sut_err *err)
{
	struct agent_path keys = agent_path(a->root, AGENT_KEYS);
	bool insecure = sut_exists(insecure_mark(a, build_id, l->sha256).s);
	const struct sut_trust_opts opts = {.keys = keys.s, .insecure_local = insecure};
	char is[STORE_BUILD_ID];
	int r = insecure ? store_insecure_allowed(a, err) : 0;

	if (r == 0)
		r = sut_trust_check(&opts, p->patch.s, l, t, err);
	if (r == 0)
		r = stage_parse(l, t, p->patch.s, err);
	if (r < 0)
		return r;
	sut_hex(l->manifest->target.build_id, SUTURE_BUILD_ID_LEN, is);
	if (!sut_manifest_is_library(l->manifest) || !sut_streq(is, build_id))
		return sut_err_reason(err, EBADMSG, "damaged",
				      "%s is for another file (%s) than its folder says. Remove it",
				      p->patch.s, is);
	return check_payload(l, err);
}

int store_open(struct apply *a, const char *build_id, const char *sha256, struct sut_loaded **ret,
	       struct sut_trust *ret_trust, int *ret_fd, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(STAGE_PATCH_MAX);
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	_cleanup_(sut_closep) int fd = -1;
	struct sut_trust trust;
	struct stage_place p;
	int r;

	if (!stage_is_sha256(sha256) || !store_is_build_id(build_id))
		return stage_not_staged(sha256, err);
	place(a, build_id, sha256, &p);
	r = sut_file_read(p.patch.s, &b, err);
	if (r == -ENOENT)
		return stage_not_staged(sha256, err);
	if (r == 0 && ret_fd)
		r = sealed_copy(&b, &fd, err);
	if (r == 0)
		r = sut_loaded_take(&b, &l, err);
	if (r < 0)
		return r;
	if (!sut_streq(l->sha256, sha256))
		return sut_err_reason(err, EBADMSG, "damaged",
				      "%s is not what it was when it was kept. It is fetched again "
				      "by 'suture lib update'; check the disk",
				      p.patch.s);
	r = verify(a, &p, build_id, l, &trust, err);
	if (r < 0)
		return r;
	*ret = sut_steal(l);
	*ret_trust = trust;
	if (ret_fd)
		*ret_fd = sut_steal_fd(&fd);
	return 0;
}

int store_facts(const struct apply *a, const char *build_id, const char *sha256, json_t **ret,
		struct sut_err *err)
{
	struct stage_place p;
	int r;

	if (!stage_is_sha256(sha256) || !store_is_build_id(build_id))
		return stage_not_staged(sha256, err);
	place(a, build_id, sha256, &p);
	r = stage_read_facts(&p.facts, sha256, ret, err);
	return r == -ENOENT ? stage_not_staged(sha256, err) : r;
}

/* ------------------------------------------------------------------ */

static bool is_needed(const char *name, const char *const *keep_these, size_t n)
{
	static const char *const ends[] = {PATCH_END, SIG_END, FACTS_END, INSECURE_END};
	char sha256[SUT_SHA256_HEX];
	bool ours = false;

	if (sut_startswith(name, home.name))
		return !sut_startswith(name + strlen(home.name), ".tmp-");
	/* Else what a write that was killed has left. */
	if (!stage_digest_of(name, sha256))
		return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(ends); i++)
		ours |= sut_streq(name + SUT_SHA256_HEX - 1, ends[i]);
	for (size_t i = 0; ours && i < n; i++)
		if (keep_these[i] && sut_streq(keep_these[i], sha256))
			return true;
	return false;
}

void store_tidy(const struct apply *a, const char *build_id, const struct guard *g,
		const char *keep)
{
	const char *const these[] = {g->now.sha256, g->before.sha256, g->good.sha256, keep};
	struct agent_path dir = folder(a, build_id);
	_cleanup_(sut_closedirp) DIR *d = opendir(dir.s);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_type != DT_DIR && e->d_name[0] != '.' &&
		    !is_needed(e->d_name, these, SUT_ARRAY_SIZE(these)))
			(void)!unlinkat(dirfd(d), e->d_name, 0);
}

/* ------------------------------------------------------------------ */
/* wanted.json                                                         */

int store_read(const struct apply *a, const char *build_id, struct guard *ret, struct sut_err *err)
{
	return guard_read_in(&home, a->root, build_id, ret, err);
}

int store_write(const struct apply *a, const char *build_id, const struct guard *g,
		struct sut_err *err)
{
	return guard_write_in(&home, a->root, build_id, g, err);
}

const struct guard_patch *store_wanted(const struct guard *g)
{
	/* What is being applied ends the unload when it is in. */
	if (g->phase == GUARD_APPLYING)
		return &g->now;
	if (g->unloaded)
		return &none;
	if (g->phase == GUARD_PROBATION && !guard_is_quarantined(g, g->now.sha256))
		return &g->now;
	return &g->good;
}
