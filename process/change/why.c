// SPDX-License-Identifier: Apache-2.0
#include "change/why.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

/* include/linux/sched.h; shown in field 9 of stat. */
#define FLAG_IO_WORKER 0x10UL
#define FLAG_USER_WORKER 0x4000UL
#define FLAG_KERNEL_THREAD 0x200000UL

enum { TEXT_MAX = 4096 };

/* The start of a file of /proc or /sys as text; bytes, or -errno. */
static ssize_t slurp(const char *path, char *out, size_t room)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	/* The kernel writes each of these in one piece. */
	n = read(fd, out, room - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	return n;
}

int why_task(pid_t pid, pid_t tid, struct why_task *ret)
{
	char path[64], text[TEXT_MAX];
	unsigned long flags = 0;
	const char *p;
	char state = '?';

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (slurp(path, text, sizeof(text)) < 0)
		return -ESRCH;
	/* The name is in parentheses, and may hold any of them itself. */
	p = strrchr(text, ')');
	if (!p || p[1] != ' ' || !p[2])
		return -ESRCH;
	state = p[2];
	p += 3;
	/* ppid pgrp session tty tpgid, then flags */
	for (int i = 0; i < 6; i++) {
		char *end;

		flags = strtoul(p, &end, 10);
		if (end == p)
			return -ESRCH;
		p = end;
	}
	*ret = (struct why_task){
		.state = state,
		.worker = flags & (FLAG_IO_WORKER | FLAG_USER_WORKER | FLAG_KERNEL_THREAD),
	};
	return 0;
}

const char *why_name(pid_t pid, pid_t tid, char *out)
{
	char path[64], comm[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
	n = slurp(path, comm, sizeof(comm));
	if (n > 0 && comm[n - 1] == '\n')
		comm[n - 1] = '\0';
	if (n > 1)
		snprintf(out, WHY_NAME_MAX, "%s (thread %d)", comm, tid);
	else
		snprintf(out, WHY_NAME_MAX, "thread %d", tid);
	return out;
}

pid_t why_tracer(pid_t pid, pid_t tid)
{
	static const char field[] = "\nTracerPid:";
	char path[64], text[TEXT_MAX];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	if (slurp(path, text, sizeof(text)) <= 0)
		return 0;
	p = strstr(text, field);
	return p ? (pid_t)strtol(p + sizeof(field) - 1, NULL, 10) : 0;
}

int why_traced(pid_t pid, pid_t tracer, struct sut_err *err)
{
	char name[WHY_NAME_MAX];

	return sut_err_reason(err, EBUSY, "traced",
			      "process %d is traced by %s; end that tracer, then try again", pid,
			      why_name(tracer, tracer, name));
}

int why_not_seized(pid_t pid, pid_t tid, struct sut_err *err)
{
	char text[16];
	pid_t tracer = why_tracer(pid, tid);

	if (tracer > 0)
		return why_traced(pid, tracer, err);
	if (slurp("/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) > 0 && text[0] == '3')
		return sut_err_reason(err, EPERM, "no-ptrace",
				      "the system forbids ptrace: kernel.yama.ptrace_scope is 3, "
				      "which only a boot with another value changes");
	if (slurp("/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) > 0 && text[0] > '0')
		return sut_err_reason(
			err, EPERM, "no-ptrace",
			"process %d may not be traced: CAP_SYS_PTRACE is missing "
			"(kernel.yama.ptrace_scope is %c), or a security module forbids it",
			pid, text[0]);
	return sut_err_reason(err, EPERM, "no-ptrace",
			      "process %d may not be traced: CAP_SYS_PTRACE is missing in its user "
			      "namespace, or a security module forbids it",
			      pid);
}

/* Is this group frozen? In the old hierarchy its state says so, in the new one its events. */
static bool group_frozen(const char *root, const char *group, bool old)
{
	char path[PATH_MAX], text[512];

	if ((size_t)snprintf(path, sizeof(path), "%s%s/%s", root, group,
			     old ? "freezer.state" : "cgroup.events") >= sizeof(path) ||
	    slurp(path, text, sizeof(text)) <= 0)
		return false;
	return old ? sut_startswith(text, "FROZEN") || sut_startswith(text, "FREEZING")
		   : strstr(text, "frozen 1") != NULL;
}

int why_frozen(pid_t pid, struct sut_err *err)
{
	char path[64], text[TEXT_MAX];
	char *save = NULL;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	if (slurp(path, text, sizeof(text)) <= 0)
		return 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *kind = strchr(l, ':');
		char *group = kind ? strchr(kind + 1, ':') : NULL;
		bool frozen;

		if (!group)
			continue;
		*group++ = '\0';
		kind++;
		/* The root group cannot be frozen. */
		if (sut_streq(group, "/"))
			continue;
		if (sut_streq(kind, ""))
			frozen = group_frozen("/sys/fs/cgroup", group, false) ||
				 group_frozen("/sys/fs/cgroup/unified", group, false);
		else if (sut_streq(kind, "freezer"))
			frozen = group_frozen("/sys/fs/cgroup/freezer", group, true);
		else
			continue;
		if (frozen)
			return sut_err_reason(
				err, EBUSY, "frozen",
				"process %d is in the frozen control group %s; thaw it, then try again",
				pid, group);
	}
	return 0;
}

int why_not_stopped(pid_t pid, pid_t tid, uint32_t deadline_us, struct sut_err *err)
{
	struct why_task w = {.state = '?'};
	char name[WHY_NAME_MAX], path[64], where[64] = "";
	int r = why_frozen(pid, err);

	if (r < 0)
		return r;
	if (why_task(pid, tid, &w) == 0 && w.state == 'D') {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/wchan", pid, tid);
		if (slurp(path, where, sizeof(where)) <= 1)
			where[0] = '\0';
		return sut_err_reason(
			err, EBUSY, "uninterruptible",
			"%s of process %d waits in the kernel where it can't be stopped (state D%s%s); it is tried again",
			why_name(pid, tid, name), pid, where[0] ? ", in " : "", where);
	}
	return sut_err_reason(
		err, EBUSY, "deadline",
		"%s of process %d did not stop within %u microseconds; it is tried again",
		why_name(pid, tid, name), pid, deadline_us);
}
