// SPDX-License-Identifier: Apache-2.0
#include "change/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>

#include "base/file.h"
#include "change/image.h"
#include "change/raised.h"

/* Has the thread a filter of its own? Threads of one process may differ. */
static bool filtered(const struct proc *p, pid_t tid)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 10);
	static const char key[] = "\nSeccomp:\t";
	char path[64];
	const char *s;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", p->pid, tid);
	if (sut_file_read(path, &b, NULL) < 0)
		return true;
	s = strstr(sut_buf_str(&b), key);
	return s && s[sizeof(key) - 1] != '0';
}

/* 0 or a negative errno. Asking for it is quicker than asking whether there is a filter. */
static int set(pid_t tid)
{
	return ptrace(PTRACE_SETOPTIONS, tid, NULL,
		      IMAGE_TRACE_OPTIONS | PTRACE_O_SUSPEND_SECCOMP) < 0
		       ? -errno
		       : 0;
}

/* With a capability that this thread may have and does not use otherwise. */
static int set_raised(pid_t tid)
{
	struct raised raised;
	int r;

	if (!raised_begin(&raised))
		return -EPERM;
	r = set(tid);
	raised_end(&raised);
	return r;
}

int filter_off(struct proc *p, pid_t tid, bool *ret, struct sut_err *err)
{
	int r = set(tid);

	if (r == -EPERM)
		r = set_raised(tid);
	if (r == 0) {
		*ret = true;
		return 0;
	}
	if (r == -ESRCH)
		return proc_err_gone(p->pid, err);
	if (!filtered(p, tid)) {
		*ret = false;
		return 0;
	}
	return sut_err_reason(
		err, EOPNOTSUPP, "seccomp",
		"Process %d (%s) has a filter of system calls, which cannot be put aside "
		"(%s): this needs CAP_SYS_ADMIN, and no filter of our own. Restart it "
		"with the updated package.",
		p->pid, p->comm, strerror(-r));
}

void filter_on(pid_t tid)
{
	(void)ptrace(PTRACE_SETOPTIONS, tid, NULL, IMAGE_TRACE_OPTIONS);
}
