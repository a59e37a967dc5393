// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "uapi/suture.h"

enum {
	ENGINE_FILE_MAX = 1 << 20, /* bytes of one source file */
	ENGINE_SYMBOLS_MAX = 64 << 20,
	ENGINE_KO_MAX = 64 << 20,
	ENGINE_TIMEOUT_SEC = 600,
};

/* Where the sources and the contract header are. */
struct sources {
	char *kmod, *header;
};

static void sources_release(struct sources *s)
{
	free(s->kmod);
	free(s->header);
}

/* Beside this program when it is installed, else in the tree it was built from. */
static int find_sources(struct sources *ret, struct sut_err *err)
{
	char exe[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return sut_err_errno(err, "/proc/self/exe");
	exe[n] = '\0';
	for (int i = 0; i < 2 && (slash = strrchr(exe, '/')); i++)
		*slash = '\0';
	ret->kmod = sut_sprintf("%s/share/suture/kmod", exe);
	ret->header = sut_sprintf("%s/share/suture/kmod/uapi/suture.h", exe);
	if (!ret->kmod || !ret->header)
		return sut_err_oom(err);
	if (sut_exists(ret->header))
		return 0;
	if (!sut_exists(SUTURE_SRC "/kmod/Kbuild"))
		return sut_err_set(err, ENOENT,
				   "the sources of suture.ko are neither in %s nor in %s/kmod: "
				   "install suture completely",
				   ret->kmod, SUTURE_SRC);
	sources_release(ret);
	ret->kmod = strdup(SUTURE_SRC "/kmod");
	ret->header = strdup(SUTURE_SRC "/include/uapi/suture.h");
	return ret->kmod && ret->header ? 0 : sut_err_oom(err);
}

static bool is_source(const char *name)
{
	/* Names that kbuild makes are left behind when somebody built in the source tree. */
	return (sut_endswith(name, ".c") && !sut_endswith(name, ".mod.c")) ||
	       (sut_endswith(name, ".h") && !sut_streq(name, "anchors.h")) ||
	       sut_streq(name, "Kbuild") || sut_streq(name, "gen-anchors");
}

static int copy(const char *from, const char *to, struct sut_buf *digest, const char *label,
		struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(ENGINE_FILE_MAX);
	int r = sut_file_read(from, &b, err);

	if (r < 0)
		return r;
	if (sut_buf_addf(digest, "%s %zu\n", label, b.len) < 0 ||
	    sut_buf_add(digest, b.data, b.len) < 0)
		return sut_err_oom(err);
	return sut_file_write(to, b.data, b.len, 0644, err);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void fts_closep(FTS **f)
{
	if (*f)
		fts_close(*f);
}

/* The sources into dir; everything read goes into *digest too, in a fixed order. */
static int copy_sources(const char *dir, struct sut_buf *digest, struct sut_err *err)
{
	_cleanup_(sources_release) struct sources s = {0};
	int r = find_sources(&s, err);
	char *const paths[] = {s.kmod, NULL};
	_cleanup_(fts_closep) FTS *fts = NULL;
	FTSENT *e;

	if (r < 0)
		return r;
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	if (!fts)
		return sut_err_errno(err, "%s", s.kmod);
	while (r >= 0 && (e = fts_read(fts))) {
		const char *rel = e->fts_path + strlen(s.kmod);
		_cleanup_(sut_freep) char *to = sut_sprintf("%s%s", dir, rel);

		if (!to)
			return sut_err_oom(err);
		if (e->fts_info == FTS_D && e->fts_name[0] == '.' && e->fts_level > 0)
			fts_set(fts, e, FTS_SKIP);
		else if (e->fts_info == FTS_D)
			r = sut_mkdir_p(to, err);
		else if (e->fts_info == FTS_F && is_source(e->fts_name))
			r = copy(e->fts_path, to, digest, rel, err);
	}
	if (r >= 0) {
		_cleanup_(sut_freep) char *to = sut_sprintf("%s/uapi/suture.h", dir);
		_cleanup_(sut_freep) char *parent = sut_sprintf("%s/uapi", dir);

		if (!to || !parent)
			return sut_err_oom(err);
		r = sut_mkdir_p(parent, err);
		if (r >= 0)
			r = copy(s.header, to, digest, "/uapi/suture.h", err);
	}
	return r;
}

/* The same script that DKMS runs against /proc/kallsyms, fed from the profile. */
static int write_anchors(const struct sut_profile *p, const char *dir, struct sut_buf *digest,
			 struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf syms = SUT_BUF_INIT(ENGINE_SYMBOLS_MAX);
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(ENGINE_FILE_MAX);
	_cleanup_(sut_freep) char *script = sut_sprintf("%s/gen-anchors", dir);
	_cleanup_(sut_freep) char *to = sut_sprintf("%s/anchors.h", dir);
	const char *const argv[] = {"sh", script, "-", NULL};
	struct sut_run_opts o = {.out = &out, .timeout_sec = ENGINE_TIMEOUT_SEC};
	char build_id[2 * SUT_BUILD_ID_LEN + 1];
	int r = 0;

	if (!script || !to)
		return sut_err_oom(err);
	for (size_t i = 0; r == 0 && i < p->nsyms; i++)
		r = sut_buf_addf(&syms, "%016llx %c %s\n", (unsigned long long)p->syms[i].addr,
				 p->syms[i].type, p->syms[i].name);
	if (r < 0)
		return sut_err_oom(err);
	o.in = syms.data;
	o.in_len = syms.len;
	r = sut_run_ok(argv, &o, err);
	if (r < 0)
		return sut_err_prefix(err, "symbols of %s", p->name);
	sut_hex(p->build_id, sizeof(p->build_id), build_id);
	if (sut_buf_addf(&out, "#define SUTURE_TARGET_BUILD_ID \"%s\"\n", build_id) < 0 ||
	    sut_buf_add(digest, out.data, out.len) < 0)
		return sut_err_oom(err);
	return sut_file_write(to, out.data, out.len, 0644, err);
}

static int run_make(const struct sut_profile *p, const char *dir, bool selftest,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) char *m = sut_sprintf("M=%s", dir);
	_cleanup_(sut_freep) char *jobs = sut_sprintf("-j%u", sut_ncpus());
	_cleanup_(sut_freep) char *version = sut_sprintf("SUTURE_KMOD_VERSION=%s", SUTURE_VERSION);
	/* No debug information, and no trace of the scratch folder's name. */
	_cleanup_(sut_freep) char *flags =
		sut_sprintf("KCFLAGS=-g0 -ffile-prefix-map=%s=kmod", dir);
	const char *const argv[] = {
		"make", "-s",  "-C",	  p->build_dir,
		m,	jobs,  version,	  selftest ? "SUTURE_SELFTEST=1" : "SUTURE_SELFTEST=0",
		flags,	"W=1", "modules", NULL};
	/* What make was told for this program is not for that one. */
	static const char *const env[] = {"MAKEFLAGS=", "MAKELEVEL=", "LC_ALL=C", NULL};
	struct sut_run_opts o = {.env = env, .timeout_sec = ENGINE_TIMEOUT_SEC};

	if (!m || !jobs || !version || !flags)
		return sut_err_oom(err);
	return sut_run_ok(argv, &o, err) < 0
		       ? sut_err_prefix(err, "building suture.ko for %s", p->name)
		       : 0;
}

/* Payloads are written with these versions, so that they fit every engine. */
static int check_versions(const char *scratch, struct sut_err *err)
{
	static const struct {
		const char *name;
		uint32_t crc;
	} wanted[] = {
		{"suture_payload_register", SUTURE_REGISTER_CRC},
		{"suture_payload_unregister", SUTURE_UNREGISTER_CRC},
	};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(ENGINE_FILE_MAX);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/Module.symvers", scratch);
	int r;

	if (!path)
		return sut_err_oom(err);
	r = sut_file_read(path, &b, err);
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(wanted); i++) {
		_cleanup_(sut_freep) char *line =
			sut_sprintf("0x%08x\t%s\t", wanted[i].crc, wanted[i].name);

		if (!line)
			return sut_err_oom(err);
		/* Without CONFIG_MODVERSIONS all versions are 0. */
		if (!strstr(sut_buf_str(&b), line) && !strstr(sut_buf_str(&b), "0x00000000\t"))
			return sut_err_set(err, EPROTO,
					   "%s has another version than payloads ask for: correct "
					   "its value in include/uapi/suture.h to one of\n%s",
					   wanted[i].name, sut_buf_str(&b));
	}
	return r;
}

static int keep(const char *scratch, const char *dir, const char *name, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(ENGINE_KO_MAX);
	_cleanup_(sut_freep) char *from = sut_sprintf("%s/%s", scratch, name);
	_cleanup_(sut_freep) char *to = sut_sprintf("%s/%s", dir, name);
	int r;

	if (!from || !to)
		return sut_err_oom(err);
	r = sut_file_read(from, &b, err);
	return r < 0 ? r : sut_file_write(to, b.data, b.len, 0644, err);
}

static void scratch_removep(char **dir)
{
	if (*dir && sut_rm_rf(*dir, NULL) < 0)
		return; /* nothing depends on it */
	free(*dir);
}

int sut_engine_build(const struct sut_profile *p, const char *cache,
		     const struct sut_engine_opts *opts, char **ret_dir, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf digest = SUT_BUF_INIT(32 << 20);
	_cleanup_(scratch_removep) char *scratch = NULL;
	_cleanup_(sut_closep) int lock = -1;
	_cleanup_(sut_freep) char *dir = NULL, *ko = NULL, *lockname = NULL;
	char id[2 * SUT_BUILD_ID_LEN + 1], hash[SUT_SHA256_HEX];
	int r = sut_tmpdir("engine", &scratch, err);

	if (r < 0 || (r = copy_sources(scratch, &digest, err)) < 0 ||
	    (r = write_anchors(p, scratch, &digest, err)) < 0)
		return r;
	sut_hex(p->build_id, SUT_BUILD_ID_LEN, id);
	if (sut_buf_addf(&digest, "%s %s %s %s %d\n", id, p->release, p->package_version,
			 SUTURE_VERSION, opts->selftest) < 0)
		return sut_err_oom(err);
	sut_sha256_hex(digest.data, digest.len, hash);
	dir = sut_sprintf("%s/engines/%.16s", cache, hash);
	ko = sut_sprintf("%s/engines/%.16s/suture.ko", cache, hash);
	lockname = sut_sprintf("%s/engines/%.16s/lock", cache, hash);
	if (!dir || !ko || !lockname)
		return sut_err_oom(err);
	if ((r = sut_mkdir_p(dir, err)) < 0 || (r = sut_lock(lockname, &lock, err)) < 0)
		return r;
	if (!sut_exists(ko)) {
		sut_progress_say(opts->progress, "building suture.ko for %s", p->name);
		/* suture.ko last: its being there means that all is. */
		if ((r = run_make(p, scratch, opts->selftest, err)) < 0 ||
		    (r = check_versions(scratch, err)) < 0 ||
		    (r = keep(scratch, dir, "Module.symvers", err)) < 0 ||
		    (r = keep(scratch, dir, "suture.ko", err)) < 0)
			return r;
	}
	*ret_dir = sut_steal(dir);
	return 0;
}
