/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process, looked at from outside without stopping it: who it is, what is mapped, its memory.
 *
 * A process is its pid, its start time and a pidfd: a pid that was given to somebody else in between is noticed (-ESRCH).
 */
#ifndef SUTURE_PROCESS_LOOK_PROC_H
#define SUTURE_PROCESS_LOOK_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "patch/library.h"

enum { PROC_MAPS_MAX = 1 << 17, PROC_PATH_MAX = 256 };

struct proc_map {
	uint64_t start, end, offset, dev, ino; /* ino 0: anonymous */
	bool r, w, x, shared, deleted;
	char path[PROC_PATH_MAX]; /* "" for anonymous, "[stack]", "[vdso]" …; cut at the end */
};

/* An ELF file as it is mapped: read from the process's memory, so a deleted or replaced file, another mount namespace or an
 * overlay make no difference. */
struct proc_elf {
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	uint64_t base;		 /* where its first segment is mapped */
	uint64_t bias;		 /* address = vaddr + bias */
	uint64_t low, high;	 /* addresses: all of its segments */
	uint64_t text, text_end; /* addresses: its executable segments */
	uint64_t
		data_end; /* address where its variables end, as a rule within a page; 0: nothing writable at its end */
	uint64_t dynamic; /* address of PT_DYNAMIC; 0: none */
	uint32_t map;	  /* index of its first mapping */
};

struct proc {
	pid_t pid;
	pid_t task; /* whose mappings and memory are used: pid, or a live thread when the leader is a zombie */
	/*
	 * mem: /proc/PID/mem, read-write, opened before anything of the process was looked at and never again. What is written goes to
	 * the memory that was looked at, or nowhere: who becomes another program meanwhile, perhaps one with more rights, keeps
	 * that from being written to by what it was before. -1 with mem_error (negative errno): not to be had.
	 */
	int pidfd, mem, mem_error;
	int dir; /* /proc/PID */
	uint64_t starttime;
	uint64_t start_brk; /* where the heap begins, or will */
	uint64_t auxv_phdr; /* AT_PHDR: program headers of the executable; 0: not said */
	char comm[32];
	/* Set by the caller: the thread that loads a library is held where all of them are mapped, so that the lists of the dynamic
	 * linker stand still although it is at work. */
	bool loading;
	char state; /* R, S, D, T, t, Z … at the time of the look */
	pid_t tracer;
	uid_t uid;
	uint32_t nthreads;
	int seccomp; /* 0, 1, 2 as in /proc/PID/status */
	struct proc_map *maps;
	size_t nmaps;
	/* Its ELF files by address, and the first bytes of each, as they were at the last look. */
	struct proc_elf *elfs;
	size_t nelfs;
	struct elf_heads *heads;
};

/* -ESRCH; -EPERM (reason "no-ptrace", and what to do about it: ptrace_scope, rights); -EOPNOTSUPP (reason "kernel-thread", "32-bit"). */
int proc_open(pid_t pid, struct proc **ret, struct sut_err *err) _must_check_;
/* Reads status and mappings anew. -ESRCH when it is another process now. Another program in the same process is not told: see mem. */
int proc_refresh(struct proc *p, struct sut_err *err) _must_check_;
void proc_close(struct proc *p);
void proc_closep(struct proc **p);

/* Fills *err with why a process may not be looked at or traced (reason "no-ptrace"), and what to do about it. Returns -EPERM. */
int proc_err_ptrace(pid_t pid, struct sut_err *err);
/* Fills *err (reason "gone"). Returns -ESRCH. */
int proc_err_gone(pid_t pid, struct sut_err *err);

/* Pure parsers of what /proc shows: fuzzed. Mappings come out ascending and disjoint, whatever was told. */
int proc_maps_parse(const char *text, size_t len, struct proc_map **ret, size_t *ret_n,
		    struct sut_err *err) _must_check_;

struct proc_stat {
	char comm[32], state;
	uint32_t flags, nthreads;
	uint64_t starttime, start_brk;
	uint64_t start_code; /* of the program; 0 or 1: not told */
};
/* /proc/PID/stat and /proc/PID/task/TID/stat. -EBADMSG. */
int proc_stat_parse(const char *text, size_t len, struct proc_stat *ret) _must_check_;

/* The map that holds an address; NULL. */
const struct proc_map *proc_map_at(const struct proc *p, uint64_t addr);

/* Memory. Reading does not stop anybody (process_vm_readv). -EFAULT when not all of it is mapped, -ESRCH, -EPERM. */
int proc_read(const struct proc *p, uint64_t addr, void *buf, size_t len) _must_check_;
/* As many at once as the kernel takes: 0 when all of them could be read. Any other result says nothing about a single one. */
struct proc_span {
	uint64_t addr;
	void *buf;
	size_t len;
};
enum { PROC_SPANS_MAX = 64 };
int proc_read_spans(const struct proc *p, const struct proc_span *v, size_t n) _must_check_;
/* Through /proc/PID/mem, also where the process itself may not write. -EIO, -EPERM (proc_mem.force_override), -ESRCH: it is
 * another process or program than at proc_open(). */
int proc_write(struct proc *p, uint64_t addr, const void *buf, size_t len,
	       struct sut_err *err) _must_check_;
/* Are these bytes, which proc_read() read, in the memory that proc_write() writes to? After an exec they need not be the same one. */
bool proc_same_memory(const struct proc *p, uint64_t addr, const void *bytes, size_t len);

/* Every mapping of a file with that build-id (dlmopen: several); returns how many, at most max. */
size_t proc_elf_find(const struct proc *p, const uint8_t build_id[static SUT_LIBRARY_BUILD_ID_LEN],
		     struct proc_elf *ret, size_t max);

/*
 * A free range of len bytes (whole pages) from which every byte of [low, high) can be reached by a rel32, and the other way
 * round; as near as possible. -ENOMEM (reason "no-room").
 */
int proc_hole(const struct proc *p, uint64_t low, uint64_t high, uint64_t len, uint64_t *ret,
	      struct sut_err *err) _must_check_;

#endif
