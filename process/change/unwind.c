// SPDX-License-Identifier: Apache-2.0
#include "change/unwind.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/str.h"
#include "change/raised.h"
#include "change/regs.h"
#include "look/sound.h"

struct unwind {
	Dwfl *dwfl;
	const struct proc *p;
	/* Of the thread at hand. */
	const struct thread *thread;
	uint64_t *pcs;
	int n;
	bool known; /* every frame so far by its tables */
};

/* Names of modules carry where their first mapping is: that is how the file is found again. */
static int find_file(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
		     char **file_name, Elf **elfp)
{
	_cleanup_(sut_closep) int fd = -1;
	unsigned long start, end;
	struct raised raised;
	char path[64];
	int pid;

	(void)mod;
	(void)userdata;
	(void)base;
	(void)file_name;
	(void)elfp;
	if (sscanf(name, "%d/%lx-%lx", &pid, &start, &end) != 3)
		return -1;
	/* Not by its path: it may be deleted, replaced, or in another mount namespace. */
	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, start, end);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == EPERM && raised_begin(&raised)) {
		fd = open(path, O_PATH | O_CLOEXEC);
		raised_end(&raised);
	}
	/*
	 * A file of somebody else is not read by a library that was made for files one trusts, and may keep us waiting. Then what the words
	 * on the stack say counts.
	 */
	if (fd < 0 || !sound_file(pid, fd))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Never look for files of debug information, least of all in the net. */
static int find_nothing(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			const char *file, const char *link, GElf_Word crc, char **ret)
{
	(void)mod;
	(void)userdata;
	(void)name;
	(void)base;
	(void)file;
	(void)link;
	(void)crc;
	(void)ret;
	return -1;
}

/* Of a coroutine any number will do. */
static pid_t tid_of(const struct unwind *u)
{
	return u->thread->tid ? u->thread->tid : u->p->pid;
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	struct unwind *u = arg;

	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = u;
	return tid_of(u);
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	struct unwind *u = arg;

	(void)dwfl;
	*thread_arg = u;
	return u->thread && tid_of(u) == tid;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	const struct unwind *u = arg;
	struct iovec local = {result, sizeof(*result)};
	struct iovec remote = {(void *)(uintptr_t)addr, sizeof(*result)};

	(void)dwfl;
	return process_vm_readv(u->thread->tid ? u->thread->tid : u->p->task, &local, 1, &remote, 1,
				0) == sizeof(*result);
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct unwind *u = arg;
	Dwarf_Word regs[REGS_DWARF];

	regs_dwarf(&u->thread->regs, regs);
	return dwfl_thread_state_registers(thread, 0, REGS_DWARF, regs);
}

static const Dwfl_Thread_Callbacks threads_of_ours = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

static const Dwfl_Callbacks files_of_ours = {
	.find_elf = find_file,
	.find_debuginfo = find_nothing,
	.section_address = dwfl_offline_section_address,
};

/* The mappings of one file that follow each other. */
static int report(struct unwind *u, size_t first, size_t last)
{
	const struct proc_map *m = &u->p->maps[first];
	char name[64];

	snprintf(name, sizeof(name), "%d/%lx-%lx", u->p->task, (unsigned long)m->start,
		 (unsigned long)m->end);
	return dwfl_report_module(u->dwfl, name, m->start, u->p->maps[last].end) ? 0 : -EIO;
}

static int report_files(struct unwind *u)
{
	const struct proc_map *maps = u->p->maps;

	for (size_t i = 0; i < u->p->nmaps; i++) {
		size_t last = i;
		bool code = false;

		if (!maps[i].ino || maps[i].offset || !maps[i].r)
			continue;
		/* Up to the next file; .bss and holes between are anonymous. */
		for (size_t k = i + 1; k < u->p->nmaps; k++) {
			if (maps[k].ino != maps[i].ino || maps[k].dev != maps[i].dev ||
			    !maps[k].offset)
				break;
			last = k;
		}
		for (size_t k = i; k <= last; k++)
			code |= maps[k].x;
		if (code && report(u, i, last) < 0)
			return -EIO;
		i = last;
	}
	return 0;
}

static int warm(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr start, void *arg)
{
	Dwarf_Addr bias;

	(void)userdata;
	(void)name;
	(void)start;
	(void)arg;
	(void)dwfl_module_eh_cfi(mod, &bias);
	return DWARF_CB_OK;
}

int unwind_open(const struct proc *p, struct unwind **ret, struct sut_err *err)
{
	_cleanup_(unwind_closep) struct unwind *u = calloc(1, sizeof(*u));

	if (!u)
		return sut_err_oom(err);
	u->p = p;
	u->dwfl = dwfl_begin(&files_of_ours);
	if (!u->dwfl)
		return sut_err_oom(err);
	dwfl_report_begin(u->dwfl);
	if (report_files(u) < 0 || dwfl_report_end(u->dwfl, NULL, NULL) != 0)
		return sut_err_set(err, EIO, "unwind tables of process %d: %s", p->pid,
				   dwfl_errmsg(-1));
	(void)dwfl_getmodules(u->dwfl, warm, NULL, 0);
	if (!dwfl_attach_state(u->dwfl, NULL, p->pid, &threads_of_ours, u))
		return sut_err_set(err, EIO, "unwind tables of process %d: %s", p->pid,
				   dwfl_errmsg(-1));
	*ret = sut_steal(u);
	return 0;
}

void unwind_close(struct unwind *u)
{
	if (!u)
		return;
	if (u->dwfl)
		dwfl_end(u->dwfl);
	free(u);
}

void unwind_closep(struct unwind **u)
{
	unwind_close(*u);
}

/* Has its file a table for this address? Without one libdwfl guesses by the frame pointer. */
static bool has_table(Dwfl *dwfl, Dwarf_Addr pc)
{
	Dwfl_Module *mod = dwfl_addrmodule(dwfl, pc);
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr bias;
	Dwarf_CFI *cfi;

	cfi = mod ? dwfl_module_eh_cfi(mod, &bias) : NULL;
	if (!cfi || dwarf_cfi_addrframe(cfi, pc - bias, &frame) != 0)
		return false;
	free(frame);
	return true;
}

static int on_frame(Dwfl_Frame *state, void *arg)
{
	struct unwind *u = arg;
	bool activation;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(state, &pc, &activation) || u->n == UNWIND_FRAMES_MAX) {
		u->known = false;
		return DWARF_CB_ABORT;
	}
	if (!activation)
		pc--;
	u->pcs[u->n++] = pc;
	if (!has_table(u->dwfl, pc)) {
		u->known = false;
		return DWARF_CB_ABORT;
	}
	return DWARF_CB_OK;
}

int unwind_frames(struct unwind *u, const struct thread *t, uint64_t ret[static UNWIND_FRAMES_MAX])
{
	int r;

	u->thread = t;
	u->pcs = ret;
	u->n = 0;
	u->known = true;
	r = dwfl_getthread_frames(u->dwfl, tid_of(u), on_frame, u);
	u->thread = NULL;
	return r == 0 && u->known ? u->n : -ENODATA;
}
