// SPDX-License-Identifier: Apache-2.0
/* look/proc.h: what /proc tells, files in memory, free room. */
#include "unit.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "look/elf.h"
#include "look/proc.h"
#include "look/sound.h"
#include "look/symbol.h"

enum { GIB = 1 << 30 };

static struct proc_map *parse(const char *text, size_t *n)
{
	struct proc_map *v = NULL;
	struct sut_err err = {0};

	assert_ok(proc_maps_parse(text, strlen(text), &v, n, &err), err);
	return v;
}

static void maps_lines_are_read_field_by_field(void **state _unused_)
{
	size_t n;
	struct proc_map *v = parse(
		"55d0c0a00000-55d0c0a02000 r-xp 00003000 08:1f 18446744073709551615   /usr/bin/a b (deleted)\n"
		"7f0000000000-7f0000001000 rw-s 00000000 00:05 0 \n"
		"7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]\n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n",
		&n);

	assert_int_equal(n, 4);
	assert_true(v[0].start == 0x55d0c0a00000 && v[0].end == 0x55d0c0a02000);
	assert_true(v[0].r && !v[0].w && v[0].x && !v[0].shared && v[0].deleted);
	assert_true(v[0].offset == 0x3000 && v[0].dev == makedev(8, 0x1f) &&
		    v[0].ino == UINT64_MAX);
	assert_string_equal(v[0].path, "/usr/bin/a b");
	assert_true(v[1].shared && v[1].w && !v[1].deleted);
	assert_string_equal(v[1].path, "");
	assert_string_equal(v[2].path, "[stack]");
	assert_true(!v[3].r && v[3].x);
	free(v);
}

static void a_newline_in_a_path_is_one(void **state _unused_)
{
	size_t n;
	struct proc_map *v = parse("1000-2000 r--p 00000000 00:01 7 /a\\012b\\040\n", &n);

	assert_string_equal(v[0].path, "/a\nb\\040");
	free(v);
}

static void a_long_path_is_cut(void **state _unused_)
{
	char text[1024] = "1000-2000 r--p 00000000 00:01 7 /";
	size_t n, len = strlen(text);
	struct proc_map *v;

	memset(text + len, 'x', 600);
	memcpy(text + len + 600, "\n", 2);
	v = parse(text, &n);
	assert_int_equal(strlen(v[0].path), PROC_PATH_MAX - 1);
	free(v);
}

static void malformed_maps_are_refused(void **state _unused_)
{
	static const char *const bad[] = {
		"1000-2000 r--p 00000000 00:01 7 /a", /* cut off */
		"2000-1000 r--p 00000000 00:01 7 /a\n",
		"1001-2000 r--p 00000000 00:01 7 /a\n",
		"1000-2000 r-?p 00000000 00:01 7 /a\n",
		"1000-2000 r--p 00000000 0001 7 /a\n",
		"1000-2000 r--p 00000000 00:01 x /a\n",
		"11111111111111111-2000 r--p 00000000 00:01 7 /a\n",
		"1000-2000 r--p 00000000 00:01 99999999999999999999 /a\n",
		"\n",
	};
	struct proc_map *v = (void *)1;
	struct sut_err err = {0};
	size_t n = 77;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(proc_maps_parse(bad[i], strlen(bad[i]), &v, &n, &err), -EBADMSG);
		assert_true(v == (void *)1 && n == 77);
	}
}

static void mappings_that_moved_while_they_were_told_are_disjoint(void **state _unused_)
{
	size_t n;
	struct proc_map *v = parse("1000-4000 r--p 00000000 00:01 7 /a\n"
				   "2000-3000 r--p 00000000 00:01 7 /a\n"
				   "3000-6000 r--p 00002000 00:01 7 /a\n",
				   &n);

	assert_int_equal(n, 2);
	assert_true(v[1].start == 0x4000 && v[1].end == 0x6000 && v[1].offset == 0x3000);
	free(v);
}

static void a_name_with_parentheses_is_read(void **state _unused_)
{
	static const char text[] =
		"42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 17 0 98765 0 0 "
		"18446744073709551615 1 2 3 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 5 6 94000000 8 9 10 11 0\n";
	struct proc_stat s;

	assert_int_equal(proc_stat_parse(text, strlen(text), &s), 0);
	assert_string_equal(s.comm, "a) b (c");
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.flags, 4194560);
	assert_int_equal(s.nthreads, 17);
	assert_int_equal(s.starttime, 98765);
	assert_int_equal(s.start_brk, 94000000);
	assert_int_equal(proc_stat_parse(text, 60, &s), -EBADMSG);
	assert_int_equal(proc_stat_parse("", 0, &s), -EBADMSG);
}

/* ---- free room ---- */

static uint64_t hole(const char *maps, uint64_t start_brk, uint64_t low, uint64_t high,
		     uint64_t len)
{
	struct proc p = {.start_brk = start_brk};
	struct sut_err err = {0};
	uint64_t at = 0;
	int r;

	p.maps = parse(maps, &p.nmaps);
	r = proc_hole(&p, low, high, len, &at, &err);
	free(p.maps);
	if (r < 0) {
		assert_int_equal(r, -ENOMEM);
		assert_string_equal(err.reason, "no-room");
		return 0;
	}
	return at;
}

static void the_nearest_gap_is_taken_and_a_page_left_free(void **state _unused_)
{
	static const char maps[] = "7f0000000000-7f0000100000 r-xp 00000000 00:01 1 /a\n"
				   "7f0000110000-7f0000200000 r-xp 00000000 00:01 2 /b\n"
				   "7f0000202000-7f0000300000 r-xp 00000000 00:01 3 /c\n";

	/* Below the target there are 16 pages, above it two: too few for one with its neighbours. */
	assert_true(hole(maps, 0, 0x7f0000110000, 0x7f0000200000, 0x1000) == 0x7f000010e000);
	assert_true(hole(maps, 0, 0x7f0000110000, 0x7f0000200000, 0xe000) == 0x7f0000101000);
	assert_true(hole(maps, 0, 0x7f0000110000, 0x7f0000200000, 0xf000) == 0x7f0000301000);
}

static void nothing_is_put_below_a_stack(void **state _unused_)
{
	static const char maps[] = "7ffff0000000-7ffff7ff0000 r-xp 00000000 00:01 1 /a\n"
				   "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]\n";
	uint64_t at = hole(maps, 0, 0x7ffff7f00000, 0x7ffff7ff0000, 0x1000);

	assert_true(at == 0x7ffff0000000 - 0x2000);
}

static void the_heap_may_grow(void **state _unused_)
{
	static const char with[] = "400000-500000 r-xp 00000000 00:01 1 /a\n"
				   "600000-700000 rw-p 00000000 00:00 0 [heap]\n";
	static const char without[] = "400000-500000 r-xp 00000000 00:01 1 /a\n";
	uint64_t at = hole(with, 0x600000, 0x400000, 0x500000, 4 << 20);

	/* Not enough below the program, nor between it and the heap: far above it. */
	assert_true(at >= 0x700000 + (uint64_t)GIB && at < 0x80000000);
	at = hole(without, 0x600000, 0x400000, 0x500000, 4 << 20);
	assert_true(at >= 0x600000 + (uint64_t)GIB && at < 0x80000000);
	at = hole(without, 0x600000, 0x400000, 0x500000, 0x1000);
	assert_true(at == 0x3fe000);
}

static void no_room_within_reach_is_said(void **state _unused_)
{
	static const char maps[] = "10000-7f0000000000 r--p 00000000 00:01 9 /huge\n"
				   "7f0000000000-7f0000100000 r-xp 00000000 00:01 1 /a\n"
				   "7f0000100000-7f00c0000000 r--p 00000000 00:01 9 /huge\n";

	assert_true(hole(maps, 0, 0x7f0000000000, 0x7f0000100000, 0x1000) == 0);
	assert_true(hole(maps, 0, 0x7f0000000000, 0x7f0000100000, UINT64_MAX) == 0);
	assert_true(hole(maps, 0, 0x1000, UINT64_MAX, 0x1000) == 0);
}

static void every_hole_is_free_and_within_reach(void **state _unused_)
{
	unsigned int seed = 1;

	for (int round = 0; round < 2000; round++) {
		struct proc_map maps[12] = {0};
		struct proc p = {.maps = maps};
		uint64_t at = UINT64_C(0x7f0000000000), hole_at, len;
		const struct proc_map *t;

		for (p.nmaps = 0; p.nmaps < 12; p.nmaps++) {
			at += (uint64_t)(rand_r(&seed) % 300000) << (12 + rand_r(&seed) % 2);
			maps[p.nmaps] = (struct proc_map){.start = at, .ino = 1};
			at += (uint64_t)(1 + rand_r(&seed) % 300000) << 12;
			maps[p.nmaps].end = at;
		}
		t = &maps[rand_r(&seed) % 12];
		len = (uint64_t)(1 + rand_r(&seed) % 100000) << 12;
		if (proc_hole(&p, t->start, t->end, len, &hole_at, NULL) < 0)
			continue;
		assert_true(hole_at % 4096 == 0);
		assert_true(hole_at > t->start ? hole_at + len - t->start < (1ull << 31)
					       : t->end - hole_at < (1ull << 31));
		for (size_t i = 0; i < p.nmaps; i++)
			assert_true(hole_at + len < maps[i].start || hole_at > maps[i].end);
	}
}

/* ---- this very process ---- */

static int find_libc(struct dl_phdr_info *info, size_t size _unused_, void *arg)
{
	if (!strstr(info->dlpi_name, "libc.so.6"))
		return 0;
	*(struct dl_phdr_info *)arg = *info;
	return 1;
}

static struct proc *self(void)
{
	struct sut_err err = {0};
	struct proc *p = NULL;

	assert_ok(proc_open(getpid(), &p, &err), err);
	return p;
}

static void a_library_is_found_by_its_build_id(void **state _unused_)
{
	struct dl_phdr_info info = {0};
	struct proc *p = self();
	struct proc_elf *all = p->elfs, found[2];
	size_t n = p->nelfs, hits = 0;
	/* A sanitizer has functions of the same names in the program. */
	void *libc = dlopen("libc.so.6", RTLD_NOW), *function = dlsym(libc, "qsort");

	assert_non_null(function);
	assert_int_equal(dl_iterate_phdr(find_libc, &info), 1);
	assert_true(n >= 3);
	for (size_t i = 0; i < n; i++) {
		if (all[i].bias != info.dlpi_addr)
			continue;
		hits++;
		assert_non_null(strstr(p->maps[all[i].map].path, "libc.so.6"));
		assert_true((uintptr_t)function >= all[i].text &&
			    (uintptr_t)function < all[i].text_end);
		assert_true(all[i].dynamic > all[i].low && all[i].dynamic < all[i].high);
		assert_int_equal(proc_elf_find(p, all[i].build_id, found, 2), 1);
		assert_memory_equal(&found[0], &all[i], sizeof(found[0]));
	}
	assert_int_equal(hits, 1);
	dlclose(libc);
	proc_close(p);
}

static void both_kinds_of_hash_tables_are_read(void **state _unused_)
{
	static const char *const v[][2] = {{"qsort", ""},
					   {"pthread_cond_wait", "GLIBC_2.3.2"},
					   {"pthread_cond_wait", "GLIBC_2.2.5"},
					   {"pthread_cond_wait", "GLIBC_9"},
					   {"memcpy", "GLIBC_2.14"},
					   {"no_such_function", ""}};
	struct dl_phdr_info info = {0};
	struct proc *p = self();
	struct elf_mem m = elf_mem_of(p);
	struct proc_elf *all = p->elfs;
	struct symbol_object gnu, sysv;
	size_t n = p->nelfs;

	assert_int_equal(dl_iterate_phdr(find_libc, &info), 1);
	for (size_t i = 0; i < n; i++) {
		if (all[i].bias != info.dlpi_addr)
			continue;
		assert_int_equal(symbol_object(&m, &all[i], &gnu), 0);
		assert_true(gnu.gnu_hash);
		sysv = gnu;
		sysv.gnu_hash = 0;
		for (size_t k = 0; gnu.hash && k < SUT_ARRAY_SIZE(v); k++) {
			struct symbol a = {0}, b = {0};
			int r = symbol_find(&m, &gnu, v[k][0], v[k][1], &a);

			assert_int_equal(symbol_find(&m, &sysv, v[k][0], v[k][1], &b), r);
			assert_int_equal(r, k == 3 || k == 5 ? -ENOENT : 0);
			assert_true(a.addr == b.addr && a.ifunc == b.ifunc);
			assert_int_equal(a.ifunc, k == 4);
		}
	}
	proc_close(p);
}

static void both_copies_of_a_library_are_found(void **state _unused_)
{
	void *h = dlmopen(LM_ID_NEWLM, "libz.so.1", RTLD_NOW), *h2 = dlopen("libz.so.1", RTLD_NOW);
	struct link_map *l;
	struct proc *p;
	struct proc_elf found[4];

	if (!h || !h2)
		skip();
	assert_int_equal(dlinfo(h, RTLD_DI_LINKMAP, &l), 0);
	p = self();
	for (size_t i = 0; i < p->nelfs; i++)
		if (p->elfs[i].bias == l->l_addr)
			assert_int_equal(proc_elf_find(p, p->elfs[i].build_id, found, 4), 2);
	assert_true(found[0].bias != found[1].bias);
	proc_close(p);
	dlclose(h);
	dlclose(h2);
}

static void memory_is_read_also_where_it_may_only_be_run(void **state _unused_)
{
	uint8_t *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t got[16];
	struct proc *p;

	memset(m, 0x5a, 4096);
	assert_int_equal(mprotect(m, 4096, PROT_NONE), 0);
	assert_int_equal(munmap(m + 4096, 4096), 0);
	p = self();
	assert_int_equal(proc_read(p, (uintptr_t)m + 100, got, sizeof(got)), 0);
	assert_int_equal(got[15], 0x5a);
	assert_int_equal(proc_read(p, (uintptr_t)m + 4090, got, sizeof(got)), -EFAULT);
	assert_int_equal(proc_read(p, 0, got, sizeof(got)), -EFAULT);
	assert_int_equal(proc_read(p, UINT64_MAX - 3, got, sizeof(got)), -EFAULT);
	assert_int_equal(proc_write(p, (uintptr_t)m + 8, "abc", 3, NULL), 0);
	assert_int_equal(proc_read(p, (uintptr_t)m + 7, got, 5), 0);
	assert_memory_equal(got,
			    "\x5a"
			    "abc\x5a",
			    5);
	assert_true(proc_write(p, (uintptr_t)m + 4096, "abc", 3, NULL) < 0);
	proc_close(p);
	munmap(m, 4096);
}

static void *wait_for_ever(void *arg)
{
	char c;

	/* Ends with the process that made it. */
	if (read(*(int *)arg, &c, 1) < 0)
		return NULL;
	_exit(0);
}

static void look_while_the_leader_ends(void)
{
	int up[2], stop[2];
	struct sut_err err = {0};
	struct proc *p = NULL;
	pid_t pid;
	char c = 0;

	assert_int_equal(pipe(up) | pipe(stop), 0);
	pid = fork();
	if (pid == 0) {
		pthread_t t;

		close(stop[1]);
		if (pthread_create(&t, NULL, wait_for_ever, &stop[0]) || write(up[1], &c, 1) != 1)
			_exit(1);
		syscall(SYS_exit, 0); /* only this thread */
	}
	close(up[1]);
	assert_int_equal(read(up[0], &c, 1), 1);
	for (int i = 0; i < 100000 && (!p || p->state != 'Z'); i++) {
		proc_close(p);
		p = NULL;
		assert_ok(proc_open(pid, &p, &err), err);
	}
	assert_int_equal(p->state, 'Z');
	assert_true(p->task != pid && p->nmaps > 3);
	assert_int_equal(proc_read(p, (uintptr_t)&pid, &c, 1), 0);
	assert_int_equal(proc_write(p, (uintptr_t)&c, "x", 1, NULL), 0);
	assert_ok(proc_refresh(p, &err), err);
	close(stop[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(proc_refresh(p, &err), -ESRCH);
	assert_string_equal(err.reason, "gone");
	assert_int_equal(proc_read(p, (uintptr_t)&pid, &c, 1), -ESRCH);
	assert_int_equal(proc_write(p, (uintptr_t)&c, "x", 1, NULL), -ESRCH);
	proc_close(p);
	close(up[0]);
	close(stop[0]);
}

/* At every moment of its end: it gives up its memory before it is a zombie. */
static void a_leader_that_ended_does_not_hide_its_threads(void **state _unused_)
{
	for (int i = 0; i < 200; i++)
		look_while_the_leader_ends();
}

static void what_is_no_process_of_ours_is_named(void **state _unused_)
{
	struct sut_err err = {0};
	struct proc *p = NULL;
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(proc_open(pid, &p, &err), -ESRCH); /* a zombie */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(proc_open(pid, &p, &err), -ESRCH);
	assert_int_equal(proc_open(0, &p, &err), -ESRCH);
	assert_int_equal(proc_open(-1, &p, &err), -ESRCH);
	if (access("/proc/2/stat", R_OK) == 0 && proc_open(2, &p, &err) == -EOPNOTSUPP)
		assert_string_equal(err.reason, "kernel-thread");
	assert_null(p);
}

static void a_process_that_may_not_be_dumped_is_read(void **state _unused_)
{
	struct sut_err err = {0};
	struct proc *p = NULL;
	int up[2];
	char c = 0;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(up), 0);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_DUMPABLE, 0) || write(up[1], &c, 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	assert_ok(proc_open(pid, &p, &err), err);
	assert_int_equal(proc_read(p, (uintptr_t)&c, &c, 1), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	proc_close(p);
	close(up[0]);
	close(up[1]);
}

/* A program that is more than the one before it, perhaps, must not get what was meant for that. */
static void what_is_written_stays_with_the_program_that_was_looked_at(void **state)
{
	static const char *const argv[] = {"sleep", "20", NULL};
	struct sut_err err = {0};
	struct proc *p = NULL;
	uint8_t was, is;
	int up[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe2(up, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		execvp(argv[0], (char *const *)argv);
		_exit(1);
	}
	close(up[1]);
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	assert_ok(proc_open(pid, &p, &err), err);
	assert_int_equal(kill(pid, SIGCONT), 0);
	/* Its end of the pipe is closed by the exec. */
	assert_int_equal(read(up[0], &c, 1), 0);
	assert_ok(proc_refresh(p, &err), err);
	assert_int_equal(proc_read(p, p->maps[0].start, &was, 1), 0);
	assert_false(proc_same_memory(p, p->maps[0].start, &was, 1));
	is = (uint8_t)~was;
	assert_int_equal(proc_write(p, p->maps[0].start, &is, 1, &err), -ESRCH);
	assert_int_equal(proc_read(p, p->maps[0].start, &is, 1), 0);
	assert_int_equal(is, was);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	proc_close(p);
	close(up[0]);
}

static void who_may_keep_others_waiting_is_told_by_the_mount(void **state)
{
	static const char text[] = "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
				   "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
				   "28 27 0:40 / /srv/a\\040-\\040ext4 rw - fuse.sshfs u@h: rw\n"
				   "271 27 0:41 / /m rw - overlay overlay rw\n";

	(void)state;
	assert_true(sound_mount(text, 27));
	assert_true(sound_mount(text, 271));
	assert_false(sound_mount(text, 28));
	assert_false(sound_mount(text, 22));
	assert_false(sound_mount(text, 2));
	assert_false(sound_mount("", 0));
	assert_false(sound_mount("5 ", 5));
	assert_false(sound_mount("5 1 0:1 / / rw - ", 5));
}

static void a_sound_file_is_roots_alone(void **state)
{
	char path[] = "/var/tmp/suture-sound.XXXXXX";
	int fd = mkstemp(path), at;

	(void)state;
	assert_true(fd >= 0);
	at = open(path, O_PATH | O_CLOEXEC);
	if (geteuid() == 0) {
		assert_int_equal(fchmod(fd, 0644), 0);
		assert_true(sound_file(getpid(), at));
		assert_int_equal(fchmod(fd, 0664), 0);
		assert_false(sound_file(getpid(), at));
		assert_int_equal(fchmod(fd, 0644), 0);
		assert_int_equal(fchown(fd, 65534, 0), 0);
	}
	assert_false(sound_file(getpid(), at));
	if (geteuid() == 0)
		assert_true(sound_place(getpid(), at));
	unlink(path);
	close(at);
	close(fd);
	at = open("/proc/self/maps", O_PATH | O_CLOEXEC);
	assert_false(sound_file(getpid(), at));
	assert_false(sound_place(getpid(), at));
	close(at);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_lines_are_read_field_by_field),
		cmocka_unit_test(a_newline_in_a_path_is_one),
		cmocka_unit_test(a_long_path_is_cut),
		cmocka_unit_test(malformed_maps_are_refused),
		cmocka_unit_test(mappings_that_moved_while_they_were_told_are_disjoint),
		cmocka_unit_test(a_name_with_parentheses_is_read),
		cmocka_unit_test(the_nearest_gap_is_taken_and_a_page_left_free),
		cmocka_unit_test(nothing_is_put_below_a_stack),
		cmocka_unit_test(the_heap_may_grow),
		cmocka_unit_test(no_room_within_reach_is_said),
		cmocka_unit_test(every_hole_is_free_and_within_reach),
		cmocka_unit_test(a_library_is_found_by_its_build_id),
		cmocka_unit_test(both_kinds_of_hash_tables_are_read),
		cmocka_unit_test(both_copies_of_a_library_are_found),
		cmocka_unit_test(memory_is_read_also_where_it_may_only_be_run),
		cmocka_unit_test(a_leader_that_ended_does_not_hide_its_threads),
		cmocka_unit_test(what_is_no_process_of_ours_is_named),
		cmocka_unit_test(a_process_that_may_not_be_dumped_is_read),
		cmocka_unit_test(what_is_written_stays_with_the_program_that_was_looked_at),
		cmocka_unit_test(who_may_keep_others_waiting_is_told_by_the_mount),
		cmocka_unit_test(a_sound_file_is_roots_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
