// SPDX-License-Identifier: Apache-2.0
#include "look/proc.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/file.h"
#include "base/str.h"
#include "look/elf.h"

enum {
	MAPS_TEXT_MAX = 64 << 20,
	KERNEL_THREAD =
		0x00200000, /* PF_KTHREAD of field 9 of stat; part of the kernel's interface for lack of another */
	TASKS_MAX = 1 << 16,
	SHORT_MAX = 4096, /* bytes of a file that comes in one piece */
};

int proc_err_gone(pid_t pid, struct sut_err *err)
{
	return sut_err_reason(err, ESRCH, "gone",
			      "Process %d has ended, or became another program.", pid);
}

/* Is CAP_SYS_PTRACE among our effective capabilities? */
static bool may_trace(void)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 10);
	const char *line;

	if (sut_file_read("/proc/thread-self/status", &b, NULL) < 0)
		return true;
	line = strstr(sut_buf_str(&b), "\nCapEff:");
	return !line || strtoull(line + 8, NULL, 16) >> 19 & 1;
}

int proc_err_ptrace(pid_t pid, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64);

	if (sut_file_read("/proc/sys/kernel/yama/ptrace_scope", &b, NULL) == 0 &&
	    sut_buf_str(&b)[0] == '3')
		return sut_err_reason(
			err, EPERM, "no-ptrace",
			"kernel.yama.ptrace_scope is 3: nobody may change process %d, and this "
			"holds until the next boot. Set it to 2 in /etc/sysctl.d and boot, or restart the "
			"process with the updated package.",
			pid);
	if (!may_trace())
		return sut_err_reason(err, EPERM, "no-ptrace",
				      "Process %d may not be looked at: CAP_SYS_PTRACE is missing. "
				      "Run this as root.",
				      pid);
	return sut_err_reason(
		err, EPERM, "no-ptrace",
		"The system does not let us look at process %d in spite of "
		"CAP_SYS_PTRACE: a security module (SELinux, AppArmor) forbids it, or it "
		"belongs to a user namespace outside of ours. Look for the denial in the "
		"audit log.",
		pid);
}

int proc_stat_parse(const char *text, size_t len, struct proc_stat *ret)
{
	struct proc_stat s = {0};
	const char *end = text + len, *open = memchr(text, '(', len), *close;
	size_t n;

	/* The name may hold parentheses and blanks: the last one ends it. */
	close = open ? memrchr(open, ')', (size_t)(end - open)) : NULL;
	if (!close)
		return -EBADMSG;
	n = (size_t)(close - open) - 1;
	if (n >= sizeof(s.comm))
		n = sizeof(s.comm) - 1;
	memcpy(s.comm, open + 1, n);

	open = close + 1;
	for (int field = 3; field <= 47 && open < end; field++) {
		bool minus;
		uint64_t v = 0;

		while (open < end && *open == ' ')
			open++;
		if (open == end)
			break;
		if (field == 3) {
			s.state = *open++;
			continue;
		}
		minus = *open == '-';
		open += minus;
		if (open == end || !isdigit((unsigned char)*open))
			return -EBADMSG;
		for (; open < end && isdigit((unsigned char)*open); open++)
			if (__builtin_mul_overflow(v, 10u, &v) ||
			    __builtin_add_overflow(v, (unsigned int)(*open - '0'), &v))
				return -EBADMSG;
		if (minus)
			continue;
		if (field == 9)
			s.flags = (uint32_t)v;
		else if (field == 20)
			s.nthreads = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
		else if (field == 22)
			s.starttime = v;
		else if (field == 26)
			s.start_code = v;
		else if (field == 47)
			s.start_brk = v;
		if (field == 47) {
			*ret = s;
			return 0;
		}
	}
	return -EBADMSG;
}

/* A file of /proc/PID/task/TID. The leader's own folder says the same as /proc/PID, but for counts of the whole process. */
static int open_of(const struct proc *p, pid_t tid, const char *what, int flags)
{
	char path[64];
	int fd;

	if (tid && tid != p->pid)
		snprintf(path, sizeof(path), "task/%d/%s", tid, what);
	fd = openat(p->dir, tid && tid != p->pid ? path : what, flags | O_CLOEXEC);
	return fd >= 0 ? fd : errno == ENOENT ? -ESRCH : errno == EACCES ? -EPERM : -errno;
}

/* All of it. What such a file has of more than one piece (mappings) comes page by page. */
static int read_of(const struct proc *p, pid_t tid, const char *what, struct sut_buf *b)
{
	_cleanup_(sut_closep) int fd = open_of(p, tid, what, O_RDONLY);
	int r;

	if (fd < 0)
		return fd;
	for (b->len = 0;;) {
		size_t left = b->max - b->len;
		ssize_t n;

		if (!left)
			return -EFBIG;
		r = sut_buf_reserve(b, left < SHORT_MAX ? left : SHORT_MAX);
		if (r < 0)
			return r;
		if (b->cap - b->len - 1 < left)
			left = b->cap - b->len - 1;
		n = read(fd, b->data + b->len, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EACCES ? -EPERM : -errno;
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		b->data[b->len] = 0;
	}
}

/* One that the kernel writes in one piece: at most size - 1 bytes, and a NUL. Returns how many. */
static ssize_t read_short(const struct proc *p, pid_t tid, const char *what, char *text,
			  size_t size)
{
	_cleanup_(sut_closep) int fd = open_of(p, tid, what, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = read(fd, text, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EACCES ? -EPERM : -errno;
	text[n] = 0;
	return n;
}

static int read_stat(const struct proc *p, pid_t tid, struct proc_stat *ret)
{
	char text[SHORT_MAX];
	ssize_t n = read_short(p, tid, "stat", text, sizeof(text));

	return n < 0 ? (int)n : proc_stat_parse(text, (size_t)n, ret);
}

static uint64_t number_after(const char *text, const char *key)
{
	const char *s = strstr(text, key);

	return s ? strtoull(s + strlen(key), NULL, 10) : 0;
}

/* A leader that ended, or is about to, has no memory any more; its threads do. */
static int live_task(const struct proc *p, pid_t *ret)
{
	_cleanup_(sut_closedirp) DIR *d = NULL;
	int fd = open_of(p, 0, "task", O_RDONLY | O_DIRECTORY);
	struct dirent *e;
	size_t n = 0;

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d && fd >= 0)
		close(fd);
	while (d && (e = readdir(d)) && n++ < TASKS_MAX) {
		struct proc_stat s;
		uint64_t tid;

		if (sut_parse_u64(e->d_name, INT32_MAX, &tid) < 0 || (pid_t)tid == p->pid ||
		    read_stat(p, (pid_t)tid, &s) < 0 || s.state == 'Z' || s.state == 'X')
			continue;
		*ret = (pid_t)tid;
		return 0;
	}
	return -ESRCH;
}

/* What the kernel has mapped as the program: where its headers are. False: the auxiliary vector has to be asked. */
static bool find_program(struct proc *p, uint64_t start_code)
{
	const struct proc_map *m = proc_map_at(p, start_code), *first = m;
	Elf64_Ehdr h;

	if (!m)
		return false;
	while (first > p->maps && first->ino && first->offset && first[-1].ino == m->ino &&
	       first[-1].dev == m->dev)
		first--;
	if (!first->ino || first->offset || elf_read_head(p, first->start, &h, sizeof(h)) < 0 ||
	    memcmp(h.e_ident, ELFMAG, SELFMAG) || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_machine != EM_X86_64 || h.e_phoff >= first->end - first->start)
		return false;
	p->auxv_phdr = first->start + h.e_phoff;
	return true;
}

/* The auxiliary vector of a 32-bit process has words of 32 bits: its first pair read as one number is not a small one. */
static int read_auxv(struct proc *p, struct sut_err *err)
{
	char pairs[SHORT_MAX];
	ssize_t n = read_short(p, p->task, "auxv", pairs, sizeof(pairs));

	if (n < 0)
		return (int)n;
	p->auxv_phdr = 0;
	for (ssize_t i = 0; i + 16 <= n; i += 16) {
		uint64_t key, value;

		memcpy(&key, pairs + i, 8);
		memcpy(&value, pairs + i + 8, 8);
		if (key > UINT32_MAX) {
			const struct elf_mem m = elf_mem_of(p);
			Elf32_Ehdr h = {0};

			for (size_t k = 0; k < p->nmaps && h.e_ident[EI_CLASS] != ELFCLASS32; k++)
				if (p->maps[k].ino && !p->maps[k].offset &&
				    m.read(m.ctx, p->maps[k].start, &h, sizeof(h)) < 0)
					memset(&h, 0, sizeof(h));
			return sut_err_reason(
				err, EOPNOTSUPP, "32-bit",
				"Process %d (%s) is %s program. Only 64-bit programs can be "
				"patched: restart it with the updated package.",
				p->pid, p->comm, h.e_machine == EM_X86_64 ? "an x32" : "a 32-bit");
		}
		if (key == AT_PHDR)
			p->auxv_phdr = value;
		if (key == AT_NULL)
			break;
	}
	return 0;
}

/* Mostly it has ended; but it may be we who cannot read. */
static int not_read(pid_t pid, int r, struct sut_err *err)
{
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r == -EMFILE || r == -ENFILE)
		return sut_err_set(err, -r, "Process %d cannot be looked at: %s. Try again.", pid,
				   strerror(-r));
	return proc_err_gone(pid, err);
}

static bool ended(const struct proc *p)
{
	struct pollfd f = {.fd = p->pidfd, .events = POLLIN};

	return poll(&f, 1, 0) == 1;
}

/* By its thread p->task, whose folder has the memory. */
static int look_by(struct proc *p, const struct proc_stat *s, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(MAPS_TEXT_MAX);
	_cleanup_(sut_freep) struct proc_map *maps = NULL;
	char status[SHORT_MAX];
	size_t nmaps;
	int r;

	/* Before anything of it is looked at, and once. */
	if (p->mem < 0 && !p->mem_error) {
		p->mem = open_of(p, p->task, "mem", O_RDWR);
		p->mem_error = p->mem < 0 ? p->mem : 0;
	}
	r = read_of(p, p->task, "maps", &b);
	if (r == -EPERM)
		return proc_err_ptrace(p->pid, err);
	if (r == -EFBIG)
		return sut_err_reason(
			err, EOVERFLOW, "maps",
			"Process %d has more mappings than are looked at. Restart it with "
			"the updated package.",
			p->pid);
	if (r < 0 || !b.len) /* it ends just now: its memory is gone already */
		return not_read(p->pid, r, err);
	r = proc_maps_parse(sut_buf_str(&b), b.len, &maps, &nmaps, err);
	if (r < 0)
		return r;
	free(p->maps);
	p->maps = sut_steal(maps);
	p->nmaps = nmaps;

	/* What only the process as a whole has. */
	r = (int)read_short(p, 0, "status", status, sizeof(status));
	if (r < 0)
		return not_read(p->pid, r, err);
	p->tracer = (pid_t)number_after(status, "\nTracerPid:\t");
	p->uid = (uid_t)number_after(status, "\nUid:\t");
	p->seccomp = (int)number_after(status, "\nSeccomp:\t");
	p->nthreads = s->nthreads;
	p->state = s->state;
	p->start_brk = s->start_brk;
	memcpy(p->comm, s->comm, sizeof(p->comm));

	p->starttime = s->starttime;
	/* Reading memory asks for more rights than reading the mappings. */
	r = elf_look(p);
	if (r == 0 && !find_program(p, s->start_code))
		r = read_auxv(p, err);
	/* All of that was of one process when it is there still: nobody else has had its number since the pidfd was opened. */
	if (r == 0 && ended(p))
		return proc_err_gone(p->pid, err);
	return r == -EPERM ? proc_err_ptrace(p->pid, err)
	       : r == -ESRCH || r == -ENOMEM || r == -EMFILE || r == -ENFILE
		       ? not_read(p->pid, r, err)
		       : r;
}

static int look(struct proc *p, struct sut_err *err)
{
	struct proc_stat s;
	int r;

	r = read_stat(p, 0, &s);
	if (r < 0)
		return not_read(p->pid, r, err);
	if (s.flags & KERNEL_THREAD)
		return sut_err_reason(err, EOPNOTSUPP, "kernel-thread",
				      "%d (%s) is a thread of the kernel, not a process.", p->pid,
				      s.comm);
	if (p->starttime && p->starttime != s.starttime)
		return proc_err_gone(p->pid, err);
	if (s.state == 'X')
		return proc_err_gone(p->pid, err);
	p->task = p->pid;
	r = s.state == 'Z' ? -ESRCH : look_by(p, &s, err);
	/* It gives its memory up a moment before it is a zombie. */
	if (r != -ESRCH || ended(p) || live_task(p, &p->task) < 0)
		return s.state == 'Z' && r == -ESRCH ? proc_err_gone(p->pid, err) : r;
	p->mem_error = 0;
	if (err)
		*err = (struct sut_err){0};
	return look_by(p, &s, err);
}

int proc_open(pid_t pid, struct proc **ret, struct sut_err *err)
{
	_cleanup_(proc_closep) struct proc *p = calloc(1, sizeof(*p));
	char path[32];
	int r;

	if (!p)
		return sut_err_oom(err);
	p->pid = p->task = pid;
	p->mem = p->pidfd = p->dir = -1;
	if (pid <= 0)
		return proc_err_gone(pid, err);
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0) {
		if (errno == ESRCH)
			return proc_err_gone(pid, err);
		if (errno == EINVAL || errno == ENOENT)
			return sut_err_reason(
				err, ESRCH, "gone",
				"%d is a thread, not a process. Give the number of its "
				"process.",
				pid);
		return sut_err_errno(err, "Process %d cannot be opened", pid);
	}
	snprintf(path, sizeof(path), "/proc/%d", pid);
	p->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0)
		return not_read(pid, -errno, err);
	r = look(p, err);
	if (r < 0)
		return r;
	*ret = sut_steal(p);
	return 0;
}

int proc_refresh(struct proc *p, struct sut_err *err)
{
	if (ended(p))
		return proc_err_gone(p->pid, err);
	return look(p, err);
}

void proc_close(struct proc *p)
{
	if (!p)
		return;
	if (p->mem >= 0)
		close(p->mem);
	if (p->pidfd >= 0)
		close(p->pidfd);
	if (p->dir >= 0)
		close(p->dir);
	elf_forget(p);
	free(p->maps);
	free(p);
}

void proc_closep(struct proc **p)
{
	proc_close(*p);
}

const struct proc_map *proc_map_at(const struct proc *p, uint64_t addr)
{
	return elf_map_at(p->maps, p->nmaps, addr);
}

/* Code that may be run but not read: the kernel shows it here. */
static int read_forced(const struct proc *p, uint64_t addr, uint8_t *buf, size_t len)
{
	int fd = p->mem >= 0 ? p->mem : open_of(p, p->task, "mem", O_RDONLY);
	int r = 0;

	if (fd < 0)
		return fd;
	while (len && !r) {
		ssize_t n = pread(fd, buf, len, (off_t)addr);

		if (n > 0) {
			addr += (uint64_t)n;
			buf += n;
			len -= (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			r = -EFAULT;
		}
	}
	if (fd != p->mem)
		close(fd);
	return r;
}

int proc_read(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	size_t done = 0;

	if (addr > INT64_MAX || len > INT64_MAX - addr)
		return -EFAULT;
	while (done < len) {
		struct iovec local = {(uint8_t *)buf + done, len - done};
		struct iovec remote = {(void *)(uintptr_t)(addr + done), len - done};
		ssize_t n = process_vm_readv(p->task, &local, 1, &remote, 1, 0);

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EFAULT) {
			const struct proc_map *m = proc_map_at(p, addr + done);

			if (m && !m->r)
				return read_forced(p, addr + done, (uint8_t *)buf + done,
						   len - done);
		}
		return n == 0 ? -EFAULT : -errno;
	}
	return 0;
}

int proc_read_spans(const struct proc *p, const struct proc_span *v, size_t n)
{
	struct iovec local[PROC_SPANS_MAX], remote[PROC_SPANS_MAX];
	size_t total = 0;
	ssize_t got;

	if (n > PROC_SPANS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		local[i] = (struct iovec){v[i].buf, v[i].len};
		remote[i] = (struct iovec){(void *)(uintptr_t)v[i].addr, v[i].len};
		total += v[i].len;
	}
	if (!total)
		return 0;
	got = process_vm_readv(p->task, local, n, remote, n, 0);
	return got < 0 ? -errno : (size_t)got == total ? 0 : -EFAULT;
}

int proc_write(struct proc *p, uint64_t addr, const void *buf, size_t len, struct sut_err *err)
{
	const uint8_t *s = buf;

	if (p->mem < 0) {
		if (p->mem_error == -EPERM)
			return proc_err_ptrace(p->pid, err);
		if (p->mem_error == -ESRCH)
			return proc_err_gone(p->pid, err);
		errno = -p->mem_error;
		return sut_err_errno(err, "The memory of process %d cannot be opened", p->pid);
	}
	while (len) {
		ssize_t n = pwrite(p->mem, s, len, (off_t)addr);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) /* nobody has this memory any more */
			return proc_err_gone(p->pid, err);
		if (n < 0 && errno != EIO && errno != EPERM && errno != EACCES)
			return sut_err_errno(
				err, "%zu bytes at %#" PRIx64 " in process %d cannot be written",
				len, addr, p->pid);
		if (n < 0)
			return sut_err_reason(
				err, errno == EIO ? EIO : EPERM, "no-exec",
				"The kernel does not let us write %zu bytes at %#" PRIx64
				" in process %d: %s. It may have been started with "
				"proc_mem.force_override=never; the process has to be restarted with "
				"the updated package.",
				len, addr, p->pid, strerror(errno));
		addr += (uint64_t)n;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

bool proc_same_memory(const struct proc *p, uint64_t addr, const void *bytes, size_t len)
{
	const uint8_t *s = bytes;
	uint8_t is[4096];

	while (len && p->mem >= 0) {
		size_t some = len < sizeof(is) ? len : sizeof(is);
		ssize_t n = pread(p->mem, is, some, (off_t)addr);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || memcmp(is, s, (size_t)n) != 0)
			return false;
		addr += (uint64_t)n;
		s += n;
		len -= (size_t)n;
	}
	return p->mem >= 0;
}
