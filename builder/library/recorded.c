// SPDX-License-Identifier: Apache-2.0
#include "library/recorded.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "library/linked.h"
#include "library/root.h"
#include "target/apt.h"

#define BUILT_FILE "built"
#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Compilers and linkers as packages call them. */
static const char *const tools[] = {
	"gcc",
	"cc",
	"c89",
	"c99",
	"g++",
	"c++",
	"clang",
	"clang++",
	"ld",
	"ld.bfd",
	"ld.gold",
	"ld.lld",
	"x86_64-linux-gnu-gcc",
	"x86_64-linux-gnu-g++",
	"x86_64-linux-gnu-ld",
	"x86_64-linux-gnu-ld.bfd",
	"x86_64-linux-gnu-ld.gold",
};
/* And with the major version of the compiler. */
static const char *const versioned[] = {
	"gcc", "g++", "x86_64-linux-gnu-gcc", "x86_64-linux-gnu-g++", "clang", "clang++"};

/* A build that makes no other flavours than the shipped one, and if the package cannot do that, all. */
static const char *const profiles[] = {"nocheck nobiarch noudeb noinsttest", "nocheck"};

struct build {
	const struct sut_recorded *o;
	char *root;    /* "/" with --here */
	char *parent;  /* folder that holds the source tree, as the build sees it */
	char *tree;    /* "openssl-3.0.17" */
	char *src_dir; /* parent/tree */
	char *record;  /* as the build sees it */
	int log;
};

/* ---- names ---- */

char *sut_recorded_upstream(const char *version)
{
	const char *colon = strchr(version, ':'), *from = colon ? colon + 1 : version;
	const char *dash = strrchr(from, '-');

	return strndup(from, dash ? (size_t)(dash - from) : strlen(from));
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("._+-~", c));
}

char *sut_recorded_path(const void *data, size_t len, const char *tree)
{
	const char *d = data;
	size_t n = strlen(tree);

	for (const char *p = d; (p = memmem(p, len - (size_t)(p - d), tree, n)); p++) {
		const char *from = p, *first = NULL;

		if (p == d || p[-1] != '/' || (p + n < d + len && is_name(p[n])))
			continue;
		/* Back to where the word begins: "-ffile-prefix-map=/build/x/openssl-3.0.17=." */
		while (from > d && (is_name(from[-1]) || from[-1] == '/')) {
			from--;
			if (*from == '/')
				first = from;
		}
		if (first && first < p - 1 && sut_startswith(first, "/build/"))
			return strndup(first, (size_t)(p - first) + n);
	}
	return NULL;
}

/* The path of the outside of one that the build sees. */
static char *outside(const struct build *b, const char *path)
{
	return sut_streq(b->root, "/") ? strdup(path) : sut_sprintf("%s%s", b->root, path);
}

/* ---- running ---- */

/* Adds what runs a program of the build, with the given settings of the environment. */
static int begin(const struct build *b, struct sut_strv *argv, bool network, const char *dir,
		 const char *const *env)
{
	int r;

	if (b->o->here) {
		r = sut_strv_add(argv, "env");
		if (r == 0)
			r = sut_strv_addf(argv, "--chdir=%s", dir);
		for (size_t i = 0; i < 4 && r == 0; i++)
			r = sut_strv_add(argv, (const char *const[]){"-i", "HOME=/nonexistent",
								     "LC_ALL=C.UTF-8",
								     "LANG=C.UTF-8"}[i]);
		for (; *env && r == 0; env++)
			r = sut_strv_add(argv, *env);
		return r;
	}
	r = sut_root_argv(argv, b->root, network, dir);
	if (r == 0 && b->o->from)
		for (size_t i = 0; i < 3 && r == 0; i++)
			r = sut_strv_add(argv,
					 (const char *const[]){"--ro-bind", b->o->from, "/mnt"}[i]);
	for (; *env && r == 0; env++) {
		const char *eq = strchr(*env, '=');

		r = sut_strv_add(argv, "--setenv");
		if (r == 0)
			r = sut_strv_addf(argv, "%.*s", (int)(eq - *env), *env);
		if (r == 0)
			r = sut_strv_add(argv, eq + 1);
	}
	return r;
}

/* The end of the log, for a message. */
static void log_tail(const struct build *b, char *buf, size_t size)
{
	off_t end = lseek(b->log, 0, SEEK_END);
	off_t from = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
	ssize_t n = pread(b->log, buf, size - 1, from);
	const char *nl;

	buf[n > 0 ? n : 0] = 0;
	nl = from ? strchr(buf, '\n') : NULL;
	if (nl)
		memmove(buf, nl + 1, strlen(nl + 1) + 1);
}

static int run(const struct build *b, const char *const *words, bool network, const char *dir,
	       const char *const *env, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv argv = {0};
	char tail[1400];
	int r = begin(b, &argv, network, dir, env);

	for (size_t i = 0; words[i] && r == 0; i++)
		r = sut_strv_add(&argv, words[i]);
	if (r < 0)
		return sut_err_oom(err);
	r = sut_run((const char *const *)argv.v, &(struct sut_run_opts){.log_fd = b->log}, err);
	if (r <= 0)
		return r;
	log_tail(b, tail, sizeof(tail));
	return sut_err_set(err, ECHILD, "%s ended with status %d (all of it is in %s):\n%s",
			   words[0], r, b->o->log, tail);
}

/* ---- the source ---- */

static const char *const system_env[] = {"PATH=" SYSTEM_PATH, NULL};

/* The .dsc of the source package in a folder. Caller frees. */
static int find_dsc(const struct build *b, const char *folder, char **ret, struct sut_err *err)
{
	const struct sut_deb *d = b->o->deb;
	const char *colon = strchr(d->source_version, ':');
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s_%s.dsc", folder, d->source,
						      colon ? colon + 1 : d->source_version);

	if (!path)
		return sut_err_oom(err);
	if (!sut_exists(path))
		return sut_err_set(
			err, ENOENT,
			"%s is not there: the source package %s %s, which %s %s was built "
			"from, is needed",
			path, d->source, d->source_version, d->package, d->version);
	*ret = sut_steal(path);
	return 0;
}

/* Fetches it, with the sources that apt has been told about. */
static int fetch(const struct build *b, const char *dir, struct sut_err *err)
{
	_cleanup_(sut_freep) char *spec =
		sut_sprintf("%s=%s", b->o->deb->source, b->o->deb->source_version);
	const char *const words[] = {"apt-get", "-q", "--only-source", "--download-only", "source",
				     spec,	NULL};
	int r;

	if (!spec)
		return sut_err_oom(err);
	sut_progress_say(b->o->progress, "fetching the source package %s", spec);
	r = run(b, words, true, dir, system_env, err);
	if (r < 0)
		return sut_err_prefix(
			err,
			"the archive does not give the source package %s%s; if it is "
			"elsewhere, name its folder with --from DIR",
			spec, b->o->here ? " (this machine's apt needs 'deb-src' for that)" : "");
	return 0;
}

/* Where the tree is to be: as in the shipped build when that can be seen. */
static int choose_parent(struct build *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *upstream = sut_recorded_upstream(b->o->deb->source_version);
	_cleanup_(sut_freep) char *shipped = sut_sprintf("%s/shipped", b->o->dir);
	char *const roots[] = {shipped, NULL};
	FTS *fts;

	b->tree = upstream ? sut_sprintf("%s-%s", b->o->deb->source, upstream) : NULL;
	if (!b->tree || !shipped)
		return sut_err_oom(err);
	if (b->o->here) {
		b->parent = sut_sprintf("%s/src", b->o->dir);
		return b->parent ? 0 : sut_err_oom(err);
	}
	fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	for (FTSENT *e; fts && !b->parent && (e = fts_read(fts));) {
		_cleanup_buf_ struct sut_buf bytes = SUT_BUF_INIT(SUT_LINKED_MAX);
		_cleanup_(sut_freep) char *path = NULL;

		if (e->fts_info != FTS_F || sut_file_read(e->fts_path, &bytes, NULL) < 0 ||
		    bytes.len < 4 || memcmp(bytes.data, "\177ELF", 4) != 0)
			continue;
		path = sut_recorded_path(bytes.data, bytes.len, b->tree);
		if (path) {
			path[strlen(path) - strlen(b->tree) - 1] = 0;
			b->parent = sut_steal(path);
		}
	}
	if (fts)
		fts_close(fts);
	if (!b->parent)
		b->parent = strdup("/build/reproducible-path");
	return b->parent ? 0 : sut_err_oom(err);
}

static int unpack_source(struct build *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *folder = outside(b, b->parent), *dsc = NULL, *inside = NULL;
	const char *unpack[] = {"dpkg-source", "-x", NULL, b->src_dir, NULL};
	const char *depends[] = {"apt-get",	"-qy", "--no-install-recommends",
				 "--arch-only", "-P",  "nocheck",
				 "build-dep",	NULL,  NULL};
	const char *const update[] = {"apt-get", "-q", "update", NULL};
	int r = folder ? sut_mkdir_p(folder, err) : sut_err_oom(err);

	if (r == 0 && !b->o->here) {
		sut_progress_say(b->o->progress, "updating the package lists of the root");
		r = run(b, update, true, "/", system_env, err);
	}
	if (r == 0 && !b->o->from)
		r = fetch(b, b->parent, err);
	if (r == 0)
		r = find_dsc(b, b->o->from ? b->o->from : folder, &dsc, err);
	if (r < 0)
		return r;
	inside = b->o->here
			 ? strdup(dsc)
			 : sut_sprintf("%s%s", b->o->from ? "/mnt" : b->parent, strrchr(dsc, '/'));
	if (!inside)
		return sut_err_oom(err);
	unpack[2] = inside;
	depends[7] = inside;
	if (!b->o->here) {
		sut_progress_say(b->o->progress, "installing what the build needs into the root");
		r = run(b, depends, true, "/", system_env, err);
	}
	return r < 0 ? r : run(b, unpack, false, b->parent, system_env, err);
}

/* ---- the recorder ---- */

static int copy_program(const char *from, const char *to, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 20);
	int r = sut_file_read(from, &b, err);

	return r < 0 ? r : sut_file_write(to, b.data, b.len, 0755, err);
}

/* Beside our own program, as in the build folder; or where it is installed. */
static char *recorder_path(void)
{
	static const char *const places[] = {"suture-record", NULL};
	char *path = sut_program_beside(places);

	return path ? path : strdup(SUTURE_LIBEXEC "/suture-record");
}

static int add_tool(const char *bin, const char *first, const char *name, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", bin, name);

	if (!path)
		return sut_err_oom(err);
	/* Hard links: the program sees in /proc/self/exe where it was called. */
	if (link(first, path) < 0 && errno != EEXIST)
		return sut_err_errno(err, "cannot create %s", path);
	return 0;
}

static int install_recorder(struct build *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *at = outside(b, b->record), *program = recorder_path();
	_cleanup_(sut_freep) char *bin = at ? sut_sprintf("%s/bin", at) : NULL;
	_cleanup_(sut_freep) char *store = at ? sut_sprintf("%s/store", at) : NULL;
	_cleanup_(sut_freep) char *first = at ? sut_sprintf("%s/bin/gcc", at) : NULL;
	int r;

	if (!program || !bin || !store || !first)
		return sut_err_oom(err);
	r = sut_mkdir_p(bin, err);
	if (r == 0)
		r = sut_mkdir_p(store, err);
	if (r == 0)
		r = copy_program(program, first, err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(tools) && r == 0; i++)
		r = add_tool(bin, first, tools[i], err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(versioned) && r == 0; i++)
		for (unsigned int v = 9; v <= 19 && r == 0; v++) {
			char name[64];

			snprintf(name, sizeof(name), "%s-%u", versioned[i], v);
			r = add_tool(bin, first, name, err);
		}
	return r;
}

/* ---- the build ---- */

static int build_once(struct build *b, const char *profile, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("PATH=%s/bin:" SYSTEM_PATH, b->record);
	_cleanup_(sut_freep) char *prof = sut_sprintf("DEB_BUILD_PROFILES=%s", profile);
	_cleanup_(sut_freep) char *opts = sut_sprintf(
		"DEB_BUILD_OPTIONS=nocheck nostrip noautodbgsym parallel=%u", sut_ncpus());
	const char *const env[] = {path, prof, opts, NULL};
	const char *const words[] = {"dpkg-buildpackage", "-us", "-uc", "--build=any", NULL};

	if (!path || !prof || !opts)
		return sut_err_oom(err);
	return run(b, words, false, b->src_dir, env, err);
}

static int build(struct build *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *tree = outside(b, b->src_dir), *record = outside(b, b->record);
	int r;

	if (!tree || !record)
		return sut_err_oom(err);
	for (size_t i = 0;; i++) {
		r = install_recorder(b, err);
		if (r < 0)
			return r;
		sut_progress_say(b->o->progress, "building %s %s (%s tells more)",
				 b->o->deb->source, b->o->deb->source_version, b->o->log);
		r = build_once(b, profiles[i], err);
		if (r != -ECHILD || i + 1 == SUT_ARRAY_SIZE(profiles) || b->o->here)
			return r;
		/* A package that cannot be built in part is built whole, from a fresh tree. */
		sut_progress_say(b->o->progress, "that failed; once more, with all flavours");
		r = sut_root_check(b->root, b->parent, err);
		if (r == 0)
			r = sut_rm_rf(tree, err);
		if (r == 0)
			r = sut_rm_rf(record, err);
		if (r == 0)
			r = unpack_source(b, err);
		if (r < 0)
			return r;
	}
}

/* The package that the build made, unpacked as made/. */
static int unpack_built(const struct build *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *folder = outside(b, b->parent), *pattern = NULL;
	_cleanup_(sut_freep) char *dest = sut_sprintf("%s/made", b->o->dir);
	glob_t g = {0};
	int r;

	pattern = folder ? sut_sprintf("%s/%s_*.deb", folder, b->o->deb->package) : NULL;
	if (!pattern || !dest)
		return sut_err_oom(err);
	r = b->o->here ? 0 : sut_root_check(b->root, b->parent, err);
	if (r == 0 && !b->o->here)
		r = sut_root_check_files(folder, err);
	if (r < 0)
		return r;
	if (glob(pattern, 0, NULL, &g) != 0 || g.gl_pathc != 1)
		r = sut_err_set(err, ENOENT, "the build made no package %s (%s tells more)",
				b->o->deb->package, b->o->log);
	else
		r = sut_deb_unpack(&(struct sut_deb){.path = g.gl_pathv[0]}, dest, err);
	globfree(&g);
	return r;
}

/* Nothing runs there any more. What is read of it from now on is what it seems to be. */
static int check_root(const struct build *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *record = outside(b, b->record);
	_cleanup_(sut_freep) char *store = sut_sprintf("%s/store", b->record);
	_cleanup_(sut_freep) char *contents = store ? outside(b, store) : NULL;
	int r;

	if (!record || !contents)
		return sut_err_oom(err);
	r = sut_root_check(b->root, b->src_dir, err);
	if (r == 0)
		r = sut_root_check(b->root, store, err);
	if (r == 0)
		r = sut_root_check_files(record, err);
	return r == 0 ? sut_root_check_files(contents, err) : r;
}

static int write_built(const struct build *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/" BUILT_FILE, b->o->dir);
	_cleanup_(sut_freep) char *record = outside(b, b->record), *s = NULL;
	json_t *j = json_pack("{s:s, s:s, s:s*, s:s, s:s}", "root", b->o->here ? "/" : "root",
			      "src_dir", b->src_dir, "record", record, "source", b->o->deb->source,
			      "source_version", b->o->deb->source_version);

	s = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	json_decref(j);
	if (!path || !record || !s)
		return sut_err_oom(err);
	return sut_file_write(path, s, strlen(s), 0644, err);
}

static void release(struct build *b)
{
	free(b->root);
	free(b->parent);
	free(b->tree);
	free(b->src_dir);
	free(b->record);
	if (b->log >= 0)
		close(b->log);
}

static int all(struct build *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *suite = NULL;
	int r = choose_parent(b, err);

	if (r < 0)
		return r;
	b->root = b->o->here ? strdup("/") : sut_sprintf("%s/root", b->o->dir);
	b->src_dir = sut_sprintf("%s/%s", b->parent, b->tree);
	b->record = b->o->here ? sut_sprintf("%s/record", b->o->dir) : strdup("/suture");
	if (!b->root || !b->src_dir || !b->record)
		return sut_err_oom(err);
	if (!b->o->here) {
		suite = sut_root_suite(b->o->deb->source_version);
		if (!suite)
			return sut_err_set(err, ENOENT,
					   "which release of Debian %s is from cannot be told; "
					   "build on such a machine with --here",
					   b->o->deb->source_version);
		r = sut_root_unpack(b->o->cache, suite, b->root, b->o->progress, err);
	}
	if (r == 0)
		r = unpack_source(b, err);
	if (r == 0)
		r = build(b, err);
	if (r == 0)
		r = unpack_built(b, err);
	if (r == 0 && !b->o->here)
		r = check_root(b, err);
	return r < 0 ? r : write_built(b, err);
}

int sut_recorded_build(const struct sut_recorded *o, struct sut_err *err)
{
	struct build b = {.o = o, .log = -1};
	int r;

	b.log = open(o->log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (b.log < 0)
		return sut_err_errno(err, "cannot create %s", o->log);
	r = all(&b, err);
	release(&b);
	return r;
}

int sut_recorded_open(const char *dir, struct sut_recorded_tree *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/" BUILT_FILE, dir);
	struct sut_recorded_tree t = {0};
	const struct {
		const char *key;
		char **to;
	} members[] = {{"root", &t.root},
		       {"src_dir", &t.src_dir},
		       {"record", &t.record},
		       {"source", &t.source},
		       {"source_version", &t.source_version}};
	json_t *j = path ? json_load_file(path, 0, NULL) : NULL;
	int r = j ? 0 : sut_err_set(err, ENOENT, "%s holds no recorded build", dir);

	for (size_t i = 0; i < SUT_ARRAY_SIZE(members) && r == 0; i++) {
		const char *s = json_string_value(json_object_get(j, members[i].key));

		*members[i].to = s ? strdup(s) : NULL;
		if (!*members[i].to)
			r = s ? sut_err_oom(err)
			      : sut_err_set(err, ENOENT, "%s holds no recorded build", dir);
	}
	json_decref(j);
	if (r < 0)
		sut_recorded_release(&t);
	else
		*ret = t;
	return r;
}

void sut_recorded_release(struct sut_recorded_tree *t)
{
	free(t->root);
	free(t->src_dir);
	free(t->record);
	free(t->source);
	free(t->source_version);
	*t = (struct sut_recorded_tree){0};
}
