// SPDX-License-Identifier: Apache-2.0
/* Where the code came from: files that are gone, replaced, mapped twice, loaded later, changed in memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "trap.h"

#define VALUE "victim_value=fixed_value"

/* Starts PROGRAM MODE with a copy of the library of its own. */
static bool start_own(struct victim *v, const char *program, const char *mode)
{
	const char *const argv[] = {built(program), mode, NULL};

	copy_of("libvictim.so", "libvictim.so");
	return start_with(v, argv, folder(), NULL);
}

static bool on_and_off(struct victim *v, const struct proc_patch *p)
{
	struct done d;

	MUST(ask(v, 'v') == 1, "before");
	d = apply(v->pid, p);
	MUST_BE(d, "applied");
	MUST(ask(v, 'v') == 2, "after");
	d = revert(v->pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(v, 'v') == 1, "reverted");
	MUST(finish(v) == 0, "it did not end by itself");
	return true;
}

static bool deleted_library(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;

	MUST(start_own(&v, "host", "plain"), "start");
	MUST(unlink(sut_sprintf("%s/libvictim.so", folder())) == 0, "unlink");
	return on_and_off(&v, p);
}

/* A package manager writes a new file and renames it over the old one. */
static bool upgraded_library(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v, next;
	struct done d;
	const char *const argv[] = {built("host"), "plain", NULL};

	MUST(start_own(&v, "host", "plain"), "start");
	MUST(rename(copy_of("victim-endbr.so", "new"), sut_sprintf("%s/libvictim.so", folder())) ==
		     0,
	     "rename");
	MUST(start_with(&next, argv, folder(), NULL), "start after the upgrade");
	d = apply(next.pid, p);
	MUST_BE(d, "not-mapped");
	MUST(finish(&next) == 0, "end");
	return on_and_off(&v, p);
}

static bool dlopen_later(void)
{
	const char *const argv[] = {built("late"), built("libvictim.so"), NULL};
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;

	MUST(start_with(&v, argv, NULL, NULL), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "not-mapped");
	MUST(ask(&v, 'O') == 1, "dlopen");
	return on_and_off(&v, p);
}

/* The process's own record says that it is patched; its code, mapped anew at the same place, is not. */
static bool loaded_again(void)
{
	const char *const argv[] = {built("late"), built("libvictim.so"), NULL};
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct sut_err err = {0};
	struct proc_view view;
	struct victim v;
	struct done d;

	MUST(start_with(&v, argv, NULL, NULL), "start");
	MUST(ask(&v, 'O') == 1 && ask(&v, 'V') == 1, "dlopen");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'V') == 2, "after");
	MUST(ask(&v, 'D') == 1 && ask(&v, 'O') == 1 && ask(&v, 'V') == 1, "loaded again");
	MUST(proc_look(v.pid, (const uint8_t(*)[SUT_LIBRARY_BUILD_ID_LEN]) & p->library->build_id,
		       1, &view, &err) == 0 &&
		     view.nfiles == 1,
	     "%s", err.msg);
	MUST(view.files[0].level == 0, "it passes for patched, and is not");
	proc_view_release(&view);
	return on_and_off(&v, p);
}

static bool two_mappings(void)
{
	const char *const argv[] = {built("late"), built("libvictim.so"), NULL};
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;

	MUST(start_with(&v, argv, NULL, NULL), "start");
	MUST(ask(&v, 'O') == 1 && ask(&v, 'M') == 1, "dlopen, dlmopen");
	MUST(ask(&v, 'V') == 1 && ask(&v, 'N') == 1, "before");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(d.res.mappings == 2, "%u mappings", d.res.mappings);
	MUST(ask(&v, 'V') == 2 && ask(&v, 'N') == 2, "after: %d %d", ask(&v, 'V'), ask(&v, 'N'));
	d = apply(v.pid, p);
	MUST_BE(d, "current");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'V') == 1 && ask(&v, 'N') == 1, "reverted");
	MUST(finish(&v) == 0, "end");
	return true;
}

/* The second mapping comes when the first one is patched already. */
static bool second_mapping_later(void)
{
	const char *const argv[] = {built("late"), built("libvictim.so"), NULL};
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;

	MUST(start_with(&v, argv, NULL, NULL), "start");
	MUST(ask(&v, 'O') == 1, "dlopen");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'M') == 1 && ask(&v, 'V') == 2 && ask(&v, 'N') == 1, "between");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'V') == 2 && ask(&v, 'N') == 2, "after");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'V') == 1 && ask(&v, 'N') == 1, "reverted");
	MUST(finish(&v) == 0, "end");
	return true;
}

static bool preloaded(void)
{
	const char *const argv[] = {built("late"), "none", NULL};
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;

	MUST(start_with(&v, argv, NULL, built("libvictim.so")), "start");
	MUST(ask(&v, 'P') == 1, "dlsym");
	return on_and_off(&v, p);
}

/* The dynamic linker run as a program: it is the executable then. */
static bool ld_so_preload(void)
{
	const char *const argv[] = {"/lib64/ld-linux-x86-64.so.2",
				    "--preload",
				    built("libvictim.so"),
				    built("late"),
				    "none",
				    NULL};
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;

	MUST(start_with(&v, argv, NULL, NULL), "start");
	MUST(ask(&v, 'P') == 1, "dlsym");
	return on_and_off(&v, p);
}

/* Another library was asked first for a symbol: the new code gets what the old code got. */
static bool interposed(void)
{
	const char *const argv[] = {built("host"), "plain", NULL};
	struct proc_patch *p = patch_for("victim-lazy.so", "victim_pair=fixed_pair"),
			  *q = patch_for("victim-lazy.so", "secret=fixed_secret");
	struct victim v;
	struct done d;

	copy_of("victim-lazy.so", "libvictim.so");
	MUST(start_with(&v, argv, folder(), built("interpose.so")), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'p') == 570, "%d", ask(&v, 'p'));
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'p') == 71, "%d", ask(&v, 'p'));
	/* A variable, too: the library's own is 40, that of the other library 140. */
	MUST(ask(&v, 's') == 101, "%d", ask(&v, 's'));
	d = apply(v.pid, q);
	MUST(d.r == 0, "%s", d.err.msg);
	MUST(ask(&v, 's') == 102, "%d", ask(&v, 's'));
	MUST(finish(&v) == 0, "end");
	return true;
}

/* A thread holds the dynamic linker's locks, in the constructor of a library. */
static bool constructor_runs(void)
{
	const char *const argv[] = {built("late"), built("libvictim.so"), built("constructor.so"),
				    NULL};
	struct proc_patch *p = patch_for("libvictim.so", "victim_value=fixed_imports");
	struct victim v;
	struct done d;

	MUST(start_with(&v, argv, NULL, NULL), "start");
	MUST(ask(&v, 'O') == 1 && ask(&v, 'C') == 1, "dlopen");
	wait_ms(200);
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'V') == 2, "after");
	MUST(finish(&v) == 0, "end");
	return true;
}

static bool other_build_id(void)
{
	struct upatch u = {.target = built("libvictim.so"),
			   .object = built("fix.o"),
			   .replace = {VALUE},
			   .other_build_id = true};
	struct proc_patch *p = patch_of(&u);
	struct victim v;
	struct done d;

	MUST(start(&v, "host", "plain", NULL), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "not-mapped");
	MUST(ask(&v, 'v') == 1 && finish(&v) == 0, "end");
	return true;
}

/* The right file, and bytes of it that are not as the patch knows them: named by function and offset. */
static bool other_bytes(void)
{
	struct upatch u = {.target = built("libvictim.so"),
			   .object = built("fix.o"),
			   .replace = {"victim_home=fixed_home", VALUE},
			   .wrong = "victim_home"};
	struct proc_patch *p = patch_of(&u);
	struct victim v;
	struct done d;

	MUST(start(&v, "host", "plain", NULL), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "mismatch");
	MUST(strstr(d.err.msg, "victim_home") != NULL, "%s", d.err.msg);
	MUST(ask(&v, 'v') == 1 && ask(&v, 'h') == 1, "a refusal changed something");
	MUST(finish(&v) == 0, "end");
	return true;
}

/* The memory of the victim, and where in it that function of the library lies. */
static int code_at(const struct victim *v, const char *name, int offset, uint64_t *ret)
{
	struct upatch u = {
		.target = built("libvictim.so"),
		.object = built("fix.o"),
		.replace = {sut_sprintf("%s=again_value", name)},
	};
	struct proc_patch *p = patch_of(&u);
	struct proc_view view;

	if (proc_look(v->pid, &p->library->build_id, 1, &view, NULL) < 0)
		return -1;
	*ret = view.nfiles == 1 ? view.files[0].bias + p->library->funcs[0].vaddr + (uint64_t)offset
				: 0;
	proc_view_release(&view);
	return open(sut_sprintf("/proc/%d/mem", v->pid), O_RDWR | O_CLOEXEC);
}

/* Writes one byte at an address of function `name` of the library in the process. */
static bool poke(const struct victim *v, const char *name, int offset, uint8_t byte,
		 uint8_t *ret_old)
{
	uint64_t at;
	int fd = code_at(v, name, offset, &at);

	MUST(fd >= 0 && pread(fd, ret_old, 1, (off_t)at) == 1 &&
		     pwrite(fd, &byte, 1, (off_t)at) == 1,
	     "mem: %s", strerror(errno));
	close(fd);
	return true;
}

static bool peek(const struct victim *v, const char *name, int offset, uint8_t *ret)
{
	uint64_t at;
	int fd = code_at(v, name, offset, &at);

	MUST(fd >= 0 && pread(fd, ret, 1, (off_t)at) == 1, "mem: %s", strerror(errno));
	close(fd);
	return true;
}

/* A debugger has set a breakpoint; when it is taken away, the patch may come. */
static bool breakpoint(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;
	uint8_t old, ours;

	MUST(start(&v, "host", "plain", NULL), "start");
	MUST(poke(&v, "victim_value", 2, 0xcc, &old), "poke");
	d = apply(v.pid, p);
	MUST_BE(d, "mismatch");
	MUST(strstr(d.err.msg, "victim_value") != NULL, "%s", d.err.msg);
	MUST(poke(&v, "victim_value", 2, old, &ours) && ours == 0xcc, "it was overwritten");
	return on_and_off(&v, p);
}

/* Somebody else has written over our jump: it is not taken back by force. */
static bool jump_overwritten(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;
	uint8_t old;

	MUST(start(&v, "host", "plain", NULL), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	/* Its distance is another one now; nobody calls it meanwhile. */
	MUST(poke(&v, "victim_value", 1, 0x55, &old), "poke");
	d = revert(v.pid, p);
	MUST_BE(d, "mismatch");
	d = apply(v.pid, p);
	MUST_BE(d, "mismatch");
	MUST(strstr(d.err.msg, "victim_value") != NULL, "%s", d.err.msg);
	MUST(poke(&v, "victim_value", 1, old, &old) && ask(&v, 'v') == 2, "after");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'v') == 1 && finish(&v) == 0, "end");
	return true;
}

/* A probe in the victim at an offset of the file, as perf and bpftrace set it; -1: not on this machine. */
static int set_probe(const struct victim *v, const char *file, uint64_t offset)
{
	struct perf_event_attr a = {.size = sizeof(a),
				    .config1 = (uintptr_t)file,
				    .config2 = offset,
				    .sample_period = 1};
	_cleanup_(sut_fclosep) FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	char line[16];

	if (!f || !fgets(line, sizeof(line), f))
		return -1;
	a.type = (uint32_t)strtoul(line, NULL, 10);
	return (int)syscall(SYS_perf_event_open, &a, v->pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* The kernel writes an instruction of its own, and afterwards the first byte of the file, in the middle of our jump. */
static bool probe_on_a_patched_function(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE),
			  *q = patch_for("libvictim.so", "victim_value=again_value");
	uint8_t shipped, first;
	struct victim v;
	struct proc_view look;
	struct sut_err err;
	struct done d;
	bool half;
	int probe;

	MUST(start(&v, "host", "plain", NULL), "start");
	MUST(peek(&v, "victim_value", 0, &shipped), "peek");
	for (int i = 0; i < 3; i++) {
		d = apply(v.pid, p);
		MUST(d.r == 0, "%s", d.err.msg);
		probe = set_probe(&v, built("libvictim.so"),
				  p->library->funcs[0].vaddr + p->library->funcs[0].jump_off);
		if (probe >= 0) {
			MUST(peek(&v, "victim_value", 0, &first) && first == 0xcc, "%#x", first);
			d = apply(v.pid, p);
			MUST_BE(d, "mismatch");
			close(probe);
		} else {
			MUST(poke(&v, "victim_value", 0, shipped, &first), "poke");
		}
		for (int k = 0; k < 500 && peek(&v, "victim_value", 0, &first) && first != shipped;
		     k++)
			wait_ms(2);
		MUST(first == shipped, "%#x", first);
		MUST(proc_look(v.pid, &p->library->build_id, 1, &look, &err) == 0 &&
			     look.nfiles == 1,
		     "look");
		half = look.files[0].half;
		proc_view_release(&look);
		MUST(half, "it is not told");
		/* By each way that may come first. */
		d = i == 0 ? repair(v.pid) : i == 1 ? apply(v.pid, q) : revert(v.pid, p);
		MUST(d.r == 0, "%s", d.err.msg);
		MUST(ask(&v, 'v') == (i == 0 ? 2 : i == 1 ? 3 : 1), "after %s", d.res.reason);
	}
	MUST(finish(&v) == 0, "end");
	return true;
}

/* The file is open and mapped as data, by somebody who does not run it. */
static bool mapped_as_data(void)
{
	int fd = open(built("libvictim.so"), O_RDONLY | O_CLOEXEC);
	void *m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	const char *const argv[] = {built("late"), "none", NULL};
	struct victim v;
	struct done d;

	MUST(m != MAP_FAILED, "mmap");
	MUST(start_with(&v, argv, NULL, NULL), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "not-mapped");
	MUST(finish(&v) == 0, "end");
	return true;
}

const struct trap traps_files[] = {
	{"deleted-library", deleted_library},
	{"upgraded-library", upgraded_library},
	{"dlopen-later", dlopen_later},
	{"loaded-again", loaded_again},
	{"two-mappings", two_mappings},
	{"second-mapping-later", second_mapping_later},
	{"preloaded", preloaded},
	{"ld-so-preload", ld_so_preload},
	{"interposed-symbol", interposed},
	{"constructor-runs", constructor_runs},
	{"other-build-id", other_build_id},
	{"other-bytes", other_bytes},
	{"breakpoint", breakpoint},
	{"jump-overwritten", jump_overwritten},
	{"probe-on-a-patched-function", probe_on_a_patched_function},
	{"mapped-as-data", mapped_as_data},
	{NULL, NULL},
};
