// SPDX-License-Identifier: Apache-2.0
/* doctor.h: looking around, without changing anything. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "common/conf.h"
#include "common/paths.h"
#include "common/when.h"
#include "doctor.h"
#include "options.h"

#define UNIT_LINK "/etc/systemd/system/multi-user.target.wants/suture-process.service"
#define PTRACE_SCOPE "/proc/sys/kernel/yama/ptrace_scope"

enum { PART_MAX = 1 << 20, TIMEOUT_S = 10, DEPTH_MAX = 6, ENTRIES_MAX = 2000 };

static int count_keys(const char *root, const char *folder)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(agent_path(root, folder).s);
	const struct dirent *e;
	int n = 0;

	if (!d)
		return errno == ENOENT ? 0 : -1;
	while ((e = readdir(d)))
		n += sut_endswith(e->d_name, ".pub");
	return n;
}

/* "none [integrity] confidentiality": what is in brackets. */
static void read_lockdown(const char *root, char *ret, size_t len)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	const char *from, *to;

	if (sut_file_read(agent_path(root, "/sys/kernel/security/lockdown").s, &b, NULL) < 0)
		return;
	from = strchr(sut_buf_str(&b), '[');
	to = from ? strchr(from, ']') : NULL;
	if (to && (size_t)(to - from) < len)
		snprintf(ret, len, "%.*s", (int)(to - from - 1), from + 1);
}

/* What suture-process needs of the kernel, and of systemd. */
static void read_process(const char *root, struct doctor_facts *ret)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64);
	struct stat st;
	int fd;

	ret->process = access(agent_path(root, "/usr/libexec/suture/suture-process").s, X_OK) == 0;
	ret->process_enabled = lstat(agent_path(root, UNIT_LINK).s, &st) == 0;
	if (sut_file_read(agent_path(root, PTRACE_SCOPE).s, &b, NULL) == 0 && b.len)
		ret->ptrace_scope = b.data[0] - '0';
	if (geteuid() != 0)
		return;
	fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	ret->fanotify = fd < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
}

void doctor_facts_read(const char *root, struct doctor_facts *ret)
{
	struct agent_conf *conf = calloc(1, sizeof(*conf));
	struct sut_err err = {0};
	struct statvfs fs;
	struct stat st;

	*ret = (struct doctor_facts){
		.free_bytes = -1, .identity_mode = -1, .ptrace_scope = -1, .fanotify = -1};
	if (statvfs(agent_path(root, "/var/lib/suture").s, &fs) == 0)
		ret->free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
	ret->keys = count_keys(root, AGENT_KEYS);
	ret->job_keys = count_keys(root, AGENT_JOB_KEYS);
	ret->root_json = access(agent_path(root, AGENT_ROOT_JSON).s, R_OK) == 0;
	if (lstat(agent_path(root, AGENT_IDENTITY).s, &st) == 0)
		ret->identity_mode = (int)(st.st_mode & 07777);
	read_lockdown(root, ret->lockdown, sizeof(ret->lockdown));
	read_process(root, ret);
	if (conf && agent_conf_read(root, conf, &err) < 0)
		snprintf(ret->conf, sizeof(ret->conf), "%.*s", (int)sizeof(ret->conf) - 1, err.msg);
	else if (conf) {
		ret->portal = *conf->portal;
		ret->repository = *conf->repository;
	}
	free(conf);
}

/* ------------------------------------------------------------------ */

static int heading(struct sut_buf *out, const char *title)
{
	return sut_buf_addf(out, "\n== %s\n", title);
}

static int add_file(const char *root, const char *path, struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(PART_MAX);
	struct sut_err err = {0};
	int r = heading(out, path);

	if (r < 0)
		return r;
	if (sut_file_read(agent_path(root, path).s, &b, &err) < 0)
		return sut_buf_addf(out, "(%s)\n", err.msg);
	r = sut_buf_add(out, sut_buf_str(&b), b.len);
	return r < 0 || !b.len || b.data[b.len - 1] == '\n' ? r : sut_buf_addstr(out, "\n");
}

struct listing {
	struct sut_buf *out;
	size_t left; /* entries that may still be listed */
};

/* Names, sizes and permissions; never what is in them. */
static int list_folder(struct listing *l, const char *path, unsigned int depth)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, NULL, alphasort), r = 0;

	if (n < 0)
		return sut_buf_addf(l->out, "%s: %s\n", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		char *name = NULL, at[WHEN_MAX];
		struct stat st;

		if (!r && strcmp(names[i]->d_name, ".") != 0 &&
		    strcmp(names[i]->d_name, "..") != 0 && l->left) {
			name = sut_sprintf("%s/%s", path, names[i]->d_name);
			r = name ? 0 : -ENOMEM;
		}
		if (name && lstat(name, &st) == 0) {
			l->left--;
			when_text(st.st_mtime, at);
			r = sut_buf_addf(l->out, "%06o %5u:%-5u %9lld %s %s\n",
					 (unsigned int)st.st_mode, st.st_uid, st.st_gid,
					 (long long)st.st_size, at, name);
			if (!r && S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
				r = list_folder(l, name, depth + 1);
		}
		free(name);
		free(names[i]);
	}
	free(names);
	return r;
}

static int add_listing(const char *root, struct sut_buf *out)
{
	static const char *const folders[] = {"/etc/suture", "/var/lib/suture", AGENT_RUN};
	struct listing l = {out, ENTRIES_MAX};
	int r = heading(out, "files (mode, owner, size, time, name)");

	for (size_t i = 0; !r && i < SUT_ARRAY_SIZE(folders); i++)
		r = list_folder(&l, agent_path(root, folders[i]).s, 0);
	return r;
}

/* only: words of which a line must have one to be told; NULL: all lines. */
static int add_output(struct sut_buf *out, const char *const argv[], const char *const only[])
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(PART_MAX), e = SUT_BUF_INIT(PART_MAX);
	const struct sut_run_opts opts = {.out = &b, .err_out = &e, .timeout_sec = TIMEOUT_S};
	struct sut_err err = {0};
	int status, r = sut_buf_addstr(out, "\n==");
	char *save = NULL;

	for (size_t i = 0; !r && argv[i]; i++)
		r = sut_buf_addf(out, " %s", argv[i]);
	if (!r)
		r = sut_buf_addstr(out, "\n");
	if (r < 0)
		return r;
	status = sut_run(argv, &opts, &err);
	if (status < 0)
		r = sut_buf_addf(out, "(%s)\n", err.msg);
	for (char *line = b.data ? strtok_r((char *)b.data, "\n", &save) : NULL; line && !r;
	     line = strtok_r(NULL, "\n", &save)) {
		bool wanted = !only;

		for (size_t i = 0; only && only[i]; i++)
			wanted = wanted || strstr(line, only[i]);
		if (wanted)
			r = sut_buf_addf(out, "%s\n", line);
	}
	if (!r && e.len)
		r = sut_buf_addf(out, "%s", sut_buf_str(&e));
	return r;
}

/* What only this machine knows, not a folder that looks like one. */
static int add_programs(struct sut_buf *out)
{
	static const char *const units[] = {"systemctl",
					    "--no-pager",
					    "--full",
					    "--lines=0",
					    "status",
					    "sutured.service",
					    "suture-agent.socket",
					    "suture-apply.socket",
					    "suture-apply.service",
					    "suture-boot.service",
					    "suture-health.service",
					    "suture-process.service",
					    "suture-libraries@started.service",
					    NULL};
	static const char *const journal[] = {"journalctl",
					      "--no-pager",
					      "--boot",
					      "--lines=400",
					      "--unit=sutured",
					      "--unit=suture-apply",
					      "--unit=suture-boot",
					      "--unit=suture-health",
					      "--unit=suture-process",
					      "--unit=suture-libraries@*",
					      NULL};
	static const char *const messages[] = {"journalctl", "--no-pager",    "--boot",
					       "--dmesg",    "--lines=20000", NULL};
	static const char *const words[] = {
		"suture",   "livepatch",	   "BUG:", "Oops", "WARNING:",
		"lockdown", "module verification", NULL};
	int r = add_output(out, units, NULL);

	if (!r)
		r = add_output(out, journal, NULL);
	return r ? r : add_output(out, messages, words);
}

int doctor_collect(const char *root, struct sut_buf *out)
{
	static const char *const files[] = {"/etc/os-release",
					    "/proc/version",
					    "/proc/cmdline",
					    "/proc/uptime",
					    "/proc/loadavg",
					    "/proc/sys/kernel/tainted",
					    "/sys/kernel/security/lockdown",
					    PTRACE_SCOPE,
					    AGENT_CONF,
					    (AGENT_CHOICE)};
	struct utsname u;
	int r = 0;

	if (uname(&u) == 0)
		r = sut_buf_addf(out, "%s %s %s %s\n", u.sysname, u.release, u.version, u.machine);
	for (size_t i = 0; !r && i < SUT_ARRAY_SIZE(files); i++)
		r = add_file(root, files[i], out);
	if (!r)
		r = add_listing(root, out);
	return r || *root ? r : add_programs(out);
}
