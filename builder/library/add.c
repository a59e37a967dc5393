// SPDX-License-Identifier: Apache-2.0
#include "library/add.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "library/place.h"
#include "library/profile_file.h"
#include "library/recorded.h"
#include "library/root.h"
#include "target/apt.h"
#include "target/deb.h"
#include "target/store.h"

enum { NAME_MAX_LEN = 200, FILES_MAX = 4096 };

/* Bytes of disk of a build, roughly; what it really needs nobody knows before. */
static const uint64_t space_root = 6000ULL << 20, space_here = 64ULL << 20;

struct add {
	const char *cache, *target;
	const struct sut_lib_add_opts *o;
	char *package, *version, *dir, *log;
	struct sut_deb deb;
	struct sut_recorded_tree tree;
	json_t *files;
	char *epoch;
};

/* ---- the name ---- */

bool sut_lib_name_is(const char *name)
{
	return sut_startswith(name, "debian/") && strchr(name, '=');
}

static bool all_of(const char *s, size_t n, const char *also)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(also, s[i]))
			return false;
	return n > 0;
}

int sut_lib_name_check(const char *name, char **ret_package, char **ret_version,
		       struct sut_err *err)
{
	const char *p = name + strlen("debian/"), *eq = strchr(name, '=');
	char *package, *version;

	if (!sut_startswith(name, "debian/") || !eq || strlen(name) > NAME_MAX_LEN ||
	    !isalnum((unsigned char)*p) || !all_of(p, (size_t)(eq - p), "+-.") ||
	    !isdigit((unsigned char)eq[1]) || !all_of(eq + 1, strlen(eq + 1), "+-.~:"))
		return sut_err_set(
			err, EINVAL,
			"'%.128s' is no target; write debian/, a binary package, '=' and "
			"its version, for example debian/libssl3=3.0.17-1~deb12u2",
			name);
	if (!ret_package || !ret_version)
		return 0;
	package = strndup(p, (size_t)(eq - p));
	version = strdup(eq + 1);
	if (!package || !version) {
		free(package);
		free(version);
		return sut_err_oom(err);
	}
	*ret_package = package;
	*ret_version = version;
	return 0;
}

/* ---- the shipped package ---- */

static int no_version(const struct add *a, const struct sut_strv *have, const char *where,
		      struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(1024);

	for (size_t i = 0; i < have->n; i++)
		if (sut_buf_addf(&list, "%s%s", i ? ", " : "", have->v[i]) < 0)
			break;
	if (!have->n)
		return sut_err_set(
			err, ENOENT,
			"%s has no package %s (is the name right, and was 'apt-get update' "
			"run?)",
			where, a->package);
	return sut_err_set(
		err, ENOENT,
		"%s has no %s %s; it has %s. If you have the packages, name their folder "
		"with --from DIR",
		where, a->package, a->version, sut_buf_str(&list));
}

static int from_folder(struct add *a, struct sut_err *err)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(a->o->from);
	_cleanup_strv_ struct sut_strv have = {0};
	const struct dirent *e;

	if (!d)
		return sut_err_errno(err, "cannot read %s", a->o->from);
	while ((e = readdir(d))) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", a->o->from, e->d_name);
		struct sut_deb deb;
		int r;

		if (!path)
			return sut_err_oom(err);
		if (!sut_endswith(e->d_name, ".deb") || !sut_startswith(e->d_name, a->package) ||
		    e->d_name[strlen(a->package)] != '_')
			continue;
		r = sut_deb_open(path, &deb, err);
		if (r < 0)
			return r;
		if (sut_streq(deb.package, a->package) && sut_streq(deb.version, a->version)) {
			a->deb = deb;
			return 0;
		}
		r = sut_strv_add(&have, deb.version);
		sut_deb_release(&deb);
		if (r < 0)
			return sut_err_oom(err);
	}
	return no_version(a, &have, a->o->from, err);
}

static int from_apt(struct add *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *download = sut_sprintf("%s/.download", a->dir);
	_cleanup_strv_ struct sut_strv have = {0}, specs = {0};
	_cleanup_(sut_closedirp) DIR *d = NULL;
	const struct dirent *e;
	int r;

	if (!download)
		return sut_err_oom(err);
	r = sut_apt_versions(a->package, &have, err);
	if (r < 0)
		return r;
	if (!sut_strv_has(&have, a->version))
		return no_version(a, &have, "the archive", err);
	if (sut_strv_addf(&specs, "%s=%s", a->package, a->version) < 0)
		return sut_err_oom(err);
	r = sut_mkdir_p(a->dir, err);
	if (r == 0)
		r = sut_apt_download(download, &specs, 0, a->o->progress, err);
	if (r < 0)
		return r;
	d = opendir(download);
	if (!d)
		return sut_err_errno(err, "cannot read %s", download);
	while ((e = readdir(d))) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", download, e->d_name);

		if (!path)
			return sut_err_oom(err);
		if (sut_endswith(e->d_name, ".deb"))
			return sut_deb_open(path, &a->deb, err);
	}
	return sut_err_set(err, ENOENT, "apt downloaded no package to %s", download);
}

static int get_shipped(struct add *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *shipped = sut_sprintf("%s/shipped", a->dir);
	int r = a->o->from ? from_folder(a, err) : from_apt(a, err);

	if (r < 0)
		return r;
	if (!shipped)
		return sut_err_oom(err);
	if (!sut_streq(a->deb.arch, "amd64"))
		return sut_err_set(err, EOPNOTSUPP,
				   "%s is for the architecture %s; only amd64 can be patched",
				   a->deb.path, a->deb.arch);
	return sut_deb_unpack(&a->deb, shipped, err);
}

/* ---- from the record to the files of the profile ---- */

static int copy_content(const char *from, const char *to, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_LINKED_MAX);
	int r;

	/* One file system: no copy is needed. */
	if (link(from, to) == 0)
		return 0;
	r = sut_file_read(from, &b, err);
	return r < 0 ? r : sut_file_write(to, b.data, b.len, 0644, err);
}

/*
 * The recorded link that made a file of the package: the one that wrote what the build put into its own package; or, where the build made
 * no such file, one that made what has the shipped build-id or is most like it. NULL: none.
 */
static const struct sut_record *find_link(const struct add *a, const struct sut_lib_placement *p,
					  const char *path, const struct sut_linked *shipped)
{
	_cleanup_(sut_freep) char *made = sut_sprintf("%s/made%s", a->dir, path);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_LINKED_MAX);
	_cleanup_(sut_linked_freep) struct sut_linked *l = NULL;
	const struct sut_record *link;
	char hash[SUT_RECORD_HASH_TEXT];

	if (!made || sut_file_read(made, &b, NULL) < 0 ||
	    sut_linked_parse(b.data, b.len, &l, NULL) < 0) {
		link = sut_links_made(p->links, "", shipped->build_id);
		return link ? link : sut_links_alike(p->links, shipped, path);
	}
	sut_record_hash(b.data, b.len, hash);
	return sut_links_made(p->links, hash, l->has_build_id ? l->build_id : NULL);
}

static int place_file(struct add *a, struct sut_lib_placement *p, const char *path,
		      const struct sut_linked *shipped, struct sut_err *err)
{
	const struct sut_record *link = find_link(a, p, path, shipped);
	_cleanup_(sut_freep) char *name = sut_sprintf("files/%zu", json_array_size(a->files));
	_cleanup_(sut_freep) char *folder = name ? sut_sprintf("%s/%s", a->dir, name) : NULL;
	_cleanup_(sut_freep) char *objects = folder ? sut_sprintf("%s/objects", folder) : NULL;
	_cleanup_(sut_freep) char *rebuilt = folder ? sut_sprintf("%s/rebuilt", folder) : NULL;
	_cleanup_(sut_freep) char *table =
		folder ? sut_sprintf("%s/" SUT_LIB_OBJECTS_FILE, folder) : NULL;
	_cleanup_(sut_freep) char *kept = NULL, *text = NULL;
	_cleanup_(sut_linked_freep) struct sut_linked *l = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_LINKED_MAX);
	char id[2 * SUT_LIB_BUILD_ID_LEN + 1];
	json_t *j = NULL;
	int r;

	if (!objects || !rebuilt || !table)
		return sut_err_oom(err);
	if (!link || !*link->map) {
		sut_progress_say(a->o->progress,
				 "%s is left out: no link of the recorded build made it", path);
		return 0;
	}
	kept = sut_sprintf("%s/%s", p->links->store, link->hash);
	if (!kept)
		return sut_err_oom(err);
	p->dest = objects;
	r = sut_mkdir_p(objects, err);
	if (r == 0)
		r = copy_content(kept, rebuilt, err);
	if (r == 0)
		r = sut_file_read(rebuilt, &b, err);
	if (r == 0)
		r = sut_linked_parse(b.data, b.len, &l, err);
	if (r == 0)
		r = sut_lib_place_objects(p, link, l, &j, err);
	if (r < 0)
		return sut_err_prefix(err, "%s", path);
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (!text)
		return sut_err_oom(err);
	r = sut_file_write(table, text, strlen(text), 0644, err);
	if (r < 0)
		return r;
	if (!a->epoch && *link->epoch)
		a->epoch = strdup(link->epoch);
	sut_hex(shipped->build_id, SUT_LIB_BUILD_ID_LEN, id);
	if (json_array_append_new(
		    a->files, json_pack("{s:s, s:s, s:s, s:s}", "file", path, "soname",
					*shipped->soname ? shipped->soname : strrchr(path, '/') + 1,
					"build_id", id, "dir", name)) < 0)
		return sut_err_oom(err);
	return 0;
}

static bool has_code(const struct sut_linked *l)
{
	for (size_t i = 0; i < l->nloads; i++)
		if (l->loads[i].p_flags & PF_X)
			return true;
	return false;
}

static int by_path(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int place_all(struct add *a, struct sut_lib_placement *p, struct sut_err *err)
{
	_cleanup_(sut_freep) char *shipped = sut_sprintf("%s/shipped", a->dir);
	char *const roots[] = {shipped, NULL};
	size_t elf = 0;
	FTS *fts;
	int r = 0;

	if (!shipped)
		return sut_err_oom(err);
	fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_path);
	if (!fts)
		return sut_err_errno(err, "cannot read %s", shipped);
	for (FTSENT *e; r == 0 && (e = fts_read(fts));) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_LINKED_MAX);
		_cleanup_(sut_linked_freep) struct sut_linked *l = NULL;

		if (e->fts_info != FTS_F || sut_file_read(e->fts_path, &b, NULL) < 0 ||
		    sut_linked_parse(b.data, b.len, &l, NULL) < 0 || !has_code(l))
			continue;
		elf++;
		if (!l->has_build_id)
			sut_progress_say(a->o->progress, "%s is left out: it has no build-id",
					 e->fts_path + strlen(shipped));
		else if (json_array_size(a->files) < FILES_MAX)
			r = place_file(a, p, e->fts_path + strlen(shipped), l, err);
	}
	fts_close(fts);
	if (r == 0 && !json_array_size(a->files))
		r = elf ? sut_err_set(
				  err, ENOENT,
				  "the recorded build made none of the libraries and programs of %s",
				  a->target)
			: sut_err_set(
				  err, ENOENT,
				  "%s %s holds no library or program for x86-64; name the package "
				  "that does",
				  a->package, a->version);
	return r;
}

static int place(struct add *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/log", a->tree.record);
	_cleanup_(sut_freep) char *store = sut_sprintf("%s/store", a->tree.record);
	_cleanup_(sut_freep) char *files = sut_sprintf("%s/files", a->dir);
	_cleanup_(sut_record_freep) struct sut_record_log *log = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_RECORD_LOG_MAX);
	struct sut_links links = {.store = store};
	struct sut_lib_placement p = {.links = &links, .src_dir = a->tree.src_dir};
	int r;

	if (!path || !store || !files)
		return sut_err_oom(err);
	sut_progress_say(a->o->progress, "looking up what went where");
	r = sut_rm_rf(files, err);
	if (r == 0)
		r = sut_file_read(path, &b, err);
	if (r == 0)
		r = sut_record_parse(b.data, b.len, &log, err);
	if (r < 0)
		return sut_err_prefix(err,
				      "the build was not recorded: it calls no compiler that is "
				      "found through PATH");
	links.log = log;
	r = sut_links_index(&links, err);
	if (r == 0)
		r = place_all(a, &p, err);
	sut_links_release(&links);
	return r;
}

/* ---- the profile ---- */

static int write_profile(const struct add *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/" SUT_LIB_PROFILE_FILE, a->dir);
	_cleanup_(sut_freep) char *text = NULL;
	_cleanup_(sut_closep) int fd = -1;
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:O}",
			      "kind", "library", "name", a->target, "package", a->package,
			      "version", a->version, "source", a->tree.source, "source_version",
			      a->tree.source_version, "arch", "x86_64", "root", a->tree.root,
			      "src_dir", a->tree.src_dir, "epoch", a->epoch ? a->epoch : "",
			      "verified", a->o->from == NULL, "files", a->files);

	text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	json_decref(j);
	if (!path || !text)
		return sut_err_oom(err);
	/* Everything that the profile names is on the disk before the profile is. */
	fd = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) < 0)
		return sut_err_errno(err, "cannot write %s", a->dir);
	return sut_file_write(path, text, strlen(text), 0644, err);
}

/* The target is whole; what is still there only takes room. */
static void remove_leftovers(const struct add *a)
{
	static const char *const names[] = {"built", "made", ".download"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", a->dir, names[i]);

		if (path)
			(void)!sut_rm_rf(path, NULL);
	}
	(void)!sut_rm_rf(a->tree.record, NULL);
}

static int make(struct add *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *logs = sut_sprintf("%s/logs", a->cache);
	struct sut_recorded b = {.cache = a->cache,
				 .dir = a->dir,
				 .deb = &a->deb,
				 .from = a->o->from,
				 .here = a->o->here,
				 .log = a->log,
				 .progress = a->o->progress};
	int r = sut_recorded_open(a->dir, &a->tree, NULL);

	if (r < 0) {
		r = logs ? sut_rm_rf(a->dir, err)
			 : sut_err_oom(err); /* what a crash may have left */
		if (r == 0)
			r = sut_mkdir_p(logs, err);
		if (r == 0)
			r = sut_store_space(a->cache, a->o->here ? space_here : space_root, err);
		if (r == 0)
			r = get_shipped(a, err);
		/* Until it is whole, it is nobody else's: what was built as root, or is old, may have set-user-ID programs. */
		if (r == 0)
			r = sut_mkdir_p(a->dir, err);
		if (r == 0 && chmod(a->dir, 0700) < 0)
			r = sut_err_errno(err, "cannot change the mode of %s", a->dir);
		if (r == 0)
			r = sut_recorded_build(&b, err);
		if (r == 0)
			r = sut_recorded_open(a->dir, &a->tree, err);
		if (r < 0) {
			(void)!sut_rm_rf(a->dir, NULL);
			return r;
		}
	} else {
		sut_progress_say(a->o->progress, "the build is there from a run that did not end");
	}
	r = place(a, err);
	if (r < 0)
		return r;
	r = sut_root_disarm(a->dir, err);
	if (r == 0)
		r = write_profile(a, err);
	if (r == 0 && chmod(a->dir, 0755) < 0)
		r = sut_err_errno(err, "cannot change the mode of %s", a->dir);
	if (r == 0)
		remove_leftovers(a);
	return r;
}

int sut_lib_target_add(const char *cache, const char *target, const struct sut_lib_add_opts *opts,
		       bool *ret_existed, struct sut_err *err)
{
	_cleanup_(sut_freep) char *abs = NULL, *profile = NULL, *from = NULL;
	_cleanup_(sut_closep) int lock = -1;
	struct sut_lib_add_opts o = *opts;
	struct add a = {.target = target, .o = &o};
	bool existed = false;
	int r = sut_lib_name_check(target, &a.package, &a.version, err);

	if (r == 0 && o.from) {
		from = realpath(o.from, NULL);
		if (!from)
			r = sut_err_errno(err, "cannot read %s", o.from);
		o.from = from;
	}
	if (r == 0)
		r = sut_store_open(cache, &abs, err);
	/* Others may use the cache meanwhile: nothing of it is shared but the build root, which has a lock of its own. */
	if (r == 0)
		r = sut_store_lock_entry(abs, target, o.progress, &lock, err);
	if (r == 0) {
		a.cache = abs;
		a.dir = sut_target_dir(abs, target);
		a.log = a.dir ? sut_sprintf("%s/logs%s.log", abs, strrchr(a.dir, '/')) : NULL;
		profile = a.dir ? sut_sprintf("%s/" SUT_LIB_PROFILE_FILE, a.dir) : NULL;
		a.files = json_array();
		if (!a.log || !profile || !a.files)
			r = sut_err_oom(err);
	}
	if (r == 0) {
		existed = sut_exists(profile);
		if (!existed)
			r = make(&a, err);
	}
	sut_deb_release(&a.deb);
	sut_recorded_release(&a.tree);
	json_decref(a.files);
	free(a.epoch);
	free(a.package);
	free(a.version);
	free(a.dir);
	free(a.log);
	if (r == 0 && ret_existed)
		*ret_existed = existed;
	return r;
}
