// SPDX-License-Identifier: Apache-2.0
#include "library/root.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/proc.h"
#include "library/mirror.h"
#include "target/store.h"

static const uint64_t space_base = 1500ULL << 20; /* archive and root, before any build */

static const struct release {
	const char *number, *name;
} releases[] = {{"11", "bullseye"}, {"12", "bookworm"}, {"13", "trixie"}};

static char *host_suite(void)
{
	static const char key[] = "\nVERSION_CODENAME=";
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(65536);
	const char *p;

	if (sut_file_read("/etc/os-release", &b, NULL) < 0)
		return NULL;
	p = strstr(sut_buf_str(&b), key);
	return p ? strndup(p + sizeof(key) - 1, strcspn(p + sizeof(key) - 1, "\n")) : NULL;
}

char *sut_root_suite(const char *version)
{
	for (const char *p = version; (p = strstr(p, "deb")); p += 3)
		for (size_t i = 0; i < SUT_ARRAY_SIZE(releases); i++)
			if (p > version && strchr("+~", p[-1]) &&
			    sut_startswith(p + 3, releases[i].number) &&
			    (p[5] == 'u' || p[5] == 0 || p[5] == '+'))
				return strdup(releases[i].name);
	return host_suite();
}

static int add_all(struct sut_strv *argv, const char *const words[], size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = sut_strv_add(argv, words[i]);
	return r;
}

static int bootstrap(const char *tar, const char *suite, const struct sut_mirrors *m,
		     struct sut_err *err)
{
	static const char *const head[] = {"mmdebstrap", "--mode=root", "--variant=buildd",
					   "--components=main", "--format=tar"};
	_cleanup_strv_ struct sut_strv argv = {0};
	int r = add_all(&argv, head, SUT_ARRAY_SIZE(head));

	if (r == 0 && m->tls)
		r = sut_strv_add(&argv, "--include=ca-certificates");
	/* They are written into the root, where apt fetches what a build needs. */
	for (size_t i = 0; r == 0 && i < m->proxies.n; i++)
		r = sut_strv_addf(&argv, "--aptopt=%s", m->proxies.v[i]);
	if (r == 0)
		r = sut_strv_add(&argv, suite);
	if (r == 0)
		r = sut_strv_add(&argv, tar);
	for (size_t i = 0; r == 0 && i < m->lines.n; i++)
		r = sut_strv_add(&argv, m->lines.v[i]);
	if (r < 0)
		return sut_err_oom(err);
	return sut_run_ok((const char *const *)argv.v, NULL, err);
}

static int make_tar(const char *tar, const char *suite, const struct sut_progress *progress,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) char *tmp = sut_sprintf("%s.new", tar);
	_cleanup_(sut_mirrors_release) struct sut_mirrors m = {0};
	int r = tmp ? sut_mirrors_of_host(&m, suite, err) : sut_err_oom(err);

	if (r < 0)
		return r;
	sut_progress_say(progress, "making a build root for %s (once; some minutes)", suite);
	r = bootstrap(tmp, suite, &m, err);
	if (r < 0 && r != -ENOENT && m.own) {
		sut_progress_say(progress,
				 "the mirror that this machine's apt uses does not give it (%s); "
				 "once more, from deb.debian.org",
				 err ? err->msg : "");
		sut_strv_release(&m.lines);
		m.tls = false;
		r = sut_mirrors_parse(&m, "", suite) < 0 ? sut_err_oom(err)
							 : bootstrap(tmp, suite, &m, err);
	}
	if (r == -ENOENT)
		return sut_err_set(
			err, ENOENT,
			"mmdebstrap is not on this machine; install it, or build on this "
			"machine with --here");
	if (r < 0)
		return sut_err_prefix(err, "the build root for %s cannot be made", suite);
	if (rename(tmp, tar) < 0)
		return sut_err_errno(err, "cannot rename %s", tmp);
	return 0;
}

/* Makes the tar archive unless it is there, or somebody makes it meanwhile. */
static int have_tar(const char *cache, const char *tar, const char *suite,
		    const struct sut_progress *progress, struct sut_err *err)
{
	_cleanup_(sut_freep) char *name = sut_sprintf("roots/%s", suite);
	_cleanup_(sut_closep) int lock = -1;
	int r;

	if (!name)
		return sut_err_oom(err);
	if (sut_exists(tar))
		return 0;
	r = sut_store_lock_entry(cache, name, progress, &lock, err);
	return r < 0 || sut_exists(tar) ? r : make_tar(tar, suite, progress, err);
}

int sut_root_unpack(const char *cache, const char *suite, const char *dest,
		    const struct sut_progress *progress, struct sut_err *err)
{
	_cleanup_(sut_freep) char *roots = sut_sprintf("%s/roots", cache);
	_cleanup_(sut_freep) char *tar = sut_sprintf("%s/roots/%s-amd64.tar", cache, suite);
	const char *const untar[] = {"tar", "--numeric-owner", "-xpf", tar, "-C", dest, NULL};
	int r;

	if (!roots || !tar)
		return sut_err_oom(err);
	if (geteuid() != 0)
		return sut_err_reason(
			err, EPERM, "root",
			"a build root holds files of several users, so only root can "
			"make one. Run this as root (everybody can use the target "
			"afterwards, with --cache), or build on this machine with --here");
	r = sut_mkdir_p(roots, err);
	if (r == 0)
		r = sut_store_space(roots, space_base, err);
	if (r == 0)
		r = have_tar(cache, tar, suite, progress, err);
	if (r == 0)
		r = sut_mkdir_p(dest, err);
	if (r == 0)
		r = sut_run_ok(untar, NULL, err);
	return r;
}

int sut_root_argv(struct sut_strv *argv, const char *root, bool network, const char *dir)
{
	const char *const words[] = {
		"bwrap",
		"--bind",
		root,
		"/",
		"--dev",
		"/dev",
		"--proc",
		"/proc",
		/* The kernel's settings belong to whoever has the number of root: a program to run at a crash, on the host, is one of them. */
		"--ro-bind",
		"/proc/sys",
		"/proc/sys",
		"--ro-bind-try",
		"/proc/sysrq-trigger",
		"/proc/sysrq-trigger",
		"--ro-bind-try",
		"/proc/fs",
		"/proc/fs",
		"--ro-bind-try",
		"/proc/acpi",
		"/proc/acpi",
		"--ro-bind-try",
		"/proc/scsi",
		"/proc/scsi",
		"--perms",
		"1777",
		"--tmpfs",
		"/tmp",
		"--unshare-pid",
		"--unshare-ipc",
		"--unshare-uts",
		"--hostname",
		"suture",
		"--die-with-parent",
		/* Else what runs there could type at the terminal of whoever called us. */
		"--new-session",
		"--clearenv",
		"--chdir",
		dir,
		"--setenv",
		"HOME",
		"/nonexistent",
		"--setenv",
		"LC_ALL",
		"C.UTF-8",
		"--setenv",
		"DEBIAN_FRONTEND",
		"noninteractive",
	};
	/* What apt takes from its environment. */
	static const char *const proxies[] = {"http_proxy", "https_proxy", "no_proxy"};
	/* What installing packages and building one takes, and nothing that reaches beyond files: no mounts, devices, modules, tracing. */
	static const char *const caps[] = {"CAP_CHOWN",	 "CAP_DAC_OVERRIDE", "CAP_FOWNER",
					   "CAP_FSETID", "CAP_KILL",	     "CAP_SETGID",
					   "CAP_SETUID", "CAP_SYS_CHROOT"};
	int r = add_all(argv, words, SUT_ARRAY_SIZE(words));

	if (r == 0)
		r = add_all(argv, (const char *const[]){"--cap-drop", "ALL"}, 2);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(caps) && r == 0; i++)
		r = add_all(argv, (const char *const[]){"--cap-add", caps[i]}, 2);
	if (r == 0 && !network)
		return sut_strv_add(argv, "--unshare-net");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(proxies) && r == 0; i++) {
		const char *v = getenv(proxies[i]);

		if (v && *v)
			r = add_all(argv, (const char *const[]){"--setenv", proxies[i], v}, 3);
	}
	return r;
}

/* ---- what others have run in ---- */

static int not_plain(const char *path, const char *is, struct sut_err *err)
{
	return sut_err_reason(err, EPERM, "build-root",
			      "the build has left %s as %s: nothing of it is used. The source "
			      "package does what none should do; look at it",
			      path, is);
}

int sut_root_check(const char *root, const char *folder, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s%s", root, folder);
	size_t n = strlen(root);
	struct stat st;

	if (!path)
		return sut_err_oom(err);
	for (char *s = path + n; *s;) {
		char c;

		s += strspn(s, "/");
		s += strcspn(s, "/");
		c = *s;
		*s = 0;
		if (lstat(path, &st) < 0)
			return sut_err_errno(err, "cannot look at %s", path);
		if (!S_ISDIR(st.st_mode))
			return not_plain(path, "something else than a folder", err);
		*s = c;
	}
	return 0;
}

int sut_root_check_files(const char *folder, struct sut_err *err)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(folder);
	const struct dirent *e;
	struct stat st;

	if (!d)
		return sut_err_errno(err, "cannot read %s", folder);
	while ((e = readdir(d))) {
		_cleanup_(sut_freep) char *path = NULL;

		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return sut_err_errno(err, "cannot look at %s/%s", folder, e->d_name);
		if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
			continue;
		path = sut_sprintf("%s/%s", folder, e->d_name);
		return path ? not_plain(path, "something else than a file", err) : sut_err_oom(err);
	}
	return 0;
}

int sut_root_disarm(const char *dir, struct sut_err *err)
{
	_cleanup_(sut_freep) char *copy = strdup(dir);
	char *const roots[] = {copy, NULL};
	FTS *fts = copy ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL) : NULL;
	int r = 0;

	if (!fts)
		return copy ? sut_err_errno(err, "cannot read %s", dir) : sut_err_oom(err);
	for (FTSENT *e; r == 0 && (e = fts_read(fts));) {
		const struct stat *st = e->fts_statp;

		if (e->fts_info == FTS_F && (st->st_mode & (S_ISUID | S_ISGID)) &&
		    chmod(e->fts_path, st->st_mode & 0777) < 0)
			r = sut_err_errno(err, "cannot change the mode of %s", e->fts_path);
		else if (e->fts_info == FTS_DEFAULT &&
			 (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) && unlink(e->fts_path) < 0)
			r = sut_err_errno(err, "cannot remove %s", e->fts_path);
	}
	fts_close(fts);
	return r;
}
