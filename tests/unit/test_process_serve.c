// SPDX-License-Identifier: Apache-2.0
/* process/serve: the first look at a process, who is left alone, what is remembered, what is wanted. */
#include "unit.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/catch.h"
#include "serve/deal.h"
#include "serve/exclude.h"
#include "serve/glance.h"
#include "serve/table.h"
#include "serve/wanted.h"

/* ------------------------------------------------------------------ */
/* the first look                                                      */

static void parse(struct glance *g, const char *text)
{
	*g = (struct glance){.text = SUT_BUF_INIT(1 << 20)};
	assert_int_equal(sut_buf_addstr(&g->text, text), 0);
	assert_int_equal(glance_parse(g), 0);
}

static void assert_path(const struct glance *g, size_t i, const char *path)
{
	assert_int_equal(g->files[i].path_len, strlen(path));
	assert_memory_equal(glance_path(g, &g->files[i]), path, strlen(path));
}

static void only_files_with_code_are_found_by_their_first_mapping(void **state _unused_)
{
	struct glance g;

	parse(&g,
	      "1000-2000 r--p 00000000 fe:01 10                         /usr/bin/a b\n"
	      "2000-3000 r-xp 00001000 fe:01 10                         /usr/bin/a b\n"
	      "3000-4000 r--p 00000000 fe:01 11                         /usr/share/locale\n"
	      "4000-5000 r-xp 00000000 fe:01 12                         /usr/lib/old.so (deleted)\n"
	      "5000-6000 rw-p 00001000 fe:01 12                         /usr/lib/old.so (deleted)\n"
	      "6000-7000 r-xp 00000000 00:00 0                          [vdso]\n"
	      "7000-8000 --xp 00000000 00:00 0                          [vsyscall]\n");
	assert_int_equal(g.nfiles, 2);
	assert_true(g.files[0].start == 0x1000 && g.files[0].ino == 10 && !g.files[0].deleted);
	assert_path(&g, 0, "/usr/bin/a b");
	assert_true(g.files[1].start == 0x4000 && g.files[1].deleted);
	assert_path(&g, 1, "/usr/lib/old.so");
	assert_false(g.image);
	assert_false(g.unsure);
	glance_release(&g);
}

static void a_file_that_is_mapped_twice_is_looked_at_twice(void **state _unused_)
{
	struct glance g;

	parse(&g, "1000-2000 r--p 00000000 fe:01 10 /lib/x\n"
		  "2000-3000 r-xp 00001000 fe:01 10 /lib/x\n"
		  "9000-a000 r--p 00000000 fe:01 10 /lib/x\n"
		  "a000-b000 r-xp 00001000 fe:01 10 /lib/x\n"
		  "c000-d000 r--p 00000000 fe:01 10 /lib/x\n"); /* only read */
	assert_int_equal(g.nfiles, 2);
	assert_true(g.files[0].start == 0x1000 && g.files[1].start == 0x9000);
	glance_release(&g);
}

static void code_without_a_file_may_be_ours(void **state _unused_)
{
	struct glance g;

	parse(&g, "1000-2000 r-xp 00000000 00:00 0 \n");
	assert_true(g.image);
	glance_release(&g);
	parse(&g, "1000-2000 r-xp 00000000 00:00 0      [anon:hidden]\n");
	assert_true(g.image);
	glance_release(&g);
	/* We never have any of these. */
	parse(&g, "1000-2000 rwxp 00000000 00:00 0 \n"
		  "2000-3000 r-xs 00000000 00:05 7   /dev/zero (deleted)\n"
		  "3000-4000 --xp 00000000 00:00 0 \n");
	assert_false(g.image);
	glance_release(&g);
}

static void a_line_that_is_not_understood_asks_for_more_care(void **state _unused_)
{
	struct glance g;

	parse(&g, "what is this\n");
	assert_true(g.unsure);
	assert_int_equal(g.nfiles, 0);
	glance_release(&g);
}

static const struct glance_file *own_program(const struct glance *g)
{
	char exe[4096] = "";

	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	for (size_t i = 0; i < g->nfiles; i++)
		if (g->files[i].path_len == strlen(exe) &&
		    !memcmp(glance_path(g, &g->files[i]), exe, strlen(exe)))
			return &g->files[i];
	return NULL;
}

static void build_ids_are_read_from_the_memory_of_the_process(void **state _unused_)
{
	struct glance g = {0};
	const struct glance_file *f;

	assert_int_equal(glance_process(&g, getpid()), 0);
	f = own_program(&g);
	assert_non_null(f);
	assert_true(f->known);
	glance_release(&g);
}

static void a_process_that_is_gone_is_told_from_one_without_memory(void **state _unused_)
{
	struct glance g = {0};
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	while (waitpid(pid, NULL, 0) < 0)
		;
	assert_int_equal(glance_process(&g, pid), -ESRCH);
	/* A thread of the kernel. */
	if (access("/proc/2/stat", F_OK) == 0) {
		assert_int_equal(glance_process(&g, 2), 0);
		assert_int_equal(g.nfiles, 0);
		assert_false(g.unsure);
	}
	glance_release(&g);
}

/* An ELF file with one note, at where, whose description is len bytes. */
static size_t elf(uint8_t *buf, uint64_t where, uint32_t type, uint32_t len)
{
	const Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
			      .e_phoff = sizeof(h),
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = 3};
	const Elf64_Phdr p[3] = {
		{.p_type = PT_LOAD, .p_vaddr = 0x10234, .p_memsz = 0x5000},
		{.p_type = PT_NOTE, .p_offset = where, .p_filesz = 16 + len, .p_align = 4},
		{.p_type = PT_GNU_RELRO, .p_vaddr = 0x13e10, .p_memsz = 0x21f0},
	};
	const Elf64_Nhdr n = {.n_namesz = 4, .n_descsz = len, .n_type = type};

	memset(buf, 0, 4096);
	memcpy(buf, &h, sizeof(h));
	memcpy(buf + sizeof(h), p, sizeof(p));
	if (where + 16 + len <= 4096) {
		memcpy(buf + where, &n, sizeof(n));
		memcpy(buf + where + 12, "GNU", 4);
		memset(buf + where + 16, 0xab, len);
	}
	return 4096;
}

static void a_build_id_is_one_of_twenty_bytes(void **state _unused_)
{
	uint8_t buf[4096], id[SUT_LIBRARY_BUILD_ID_LEN] = {0};
	size_t n = elf(buf, 512, NT_GNU_BUILD_ID, 20);

	assert_int_equal(glance_build_id(buf, n, id), 1);
	assert_int_equal(id[19], 0xab);
	n = elf(buf, 512, NT_GNU_BUILD_ID, 16);
	assert_int_equal(glance_build_id(buf, n, id), 0);
	n = elf(buf, 512, NT_GNU_ABI_TAG, 20);
	assert_int_equal(glance_build_id(buf, n, id), 0);
	n = elf(buf, 3000, NT_GNU_BUILD_ID, 20);
	assert_int_equal(glance_build_id(buf, 2048, id), -EAGAIN);
	assert_int_equal(glance_build_id(buf, 40, id), 0);
	buf[EI_CLASS] = ELFCLASS32;
	assert_int_equal(glance_build_id(buf, n, id), 0);
}

static void the_pages_that_become_read_only_are_those_of_the_dynamic_linker(void **state _unused_)
{
	uint8_t buf[4096];
	struct catch_elf e;
	size_t n = elf(buf, 512, NT_GNU_BUILD_ID, 20);

	assert_int_equal(catch_elf(buf, n, &e), 0);
	assert_true(e.low == 0x10000 && e.loads == 1);
	assert_true(e.relro == 0x13000 && e.relro_end == 0x16000);
	assert_int_equal(catch_elf(buf, 100, &e), -ENOEXEC);
	assert_int_equal(catch_elf((const uint8_t *)"#!/bin/sh", 9, &e), -ENOEXEC);
}

/* ------------------------------------------------------------------ */
/* who is left alone                                                   */

static const char *unit(const char *cgroup)
{
	static char name[EXCLUDE_UNIT_MAX];

	exclude_unit(cgroup, name);
	return name;
}

static void a_unit_is_the_first_part_that_is_no_slice(void **state _unused_)
{
	assert_string_equal(unit("0::/system.slice/nginx.service\n"), "nginx.service");
	assert_string_equal(
		unit("0::/system.slice/system-getty.slice/getty@tty1.service/x.scope\n"),
		"getty@tty1.service");
	assert_string_equal(unit("0::/user.slice/user-1000.slice/session-3.scope\n"),
			    "session-3.scope");
	assert_string_equal(unit("12:cpu:/wrong.service\n1:name=systemd:/system.slice/a.service\n"),
			    "a.service");
	assert_string_equal(unit("0::/system.slice/_odd.service\n"), "odd.service");
	assert_string_equal(unit("0::/\n"), "");
	assert_string_equal(unit("0::/docker/0123\n"), "");
	assert_string_equal(unit(""), "");
	assert_string_equal(unit("0::/.service\n"), "");
}

static struct exclude load(const char *json, const char *passwd)
{
	struct exclude e = {0};
	struct sut_err err = {0};
	json_t *j = json_loads(json, 0, NULL);

	assert_non_null(j);
	assert_ok(exclude_load(j, passwd, &e, &err), err);
	json_decref(j);
	return e;
}

static void processes_are_left_alone_by_path_name_unit_and_user(void **state _unused_)
{
	struct exclude e = load("{\"paths\": [\"/opt/*\"], \"names\": [\"java\"], \"units\": "
				"[\"post*.service\"], \"users\": [\"db-*\", \"77\"]}",
				"root:x:0:0::/:/bin/sh\ndb-one:x:501:1::/:\ndb-two:x:502:1::/:\n"
				"broken\ndb-bad:x:many:1::/:\n");
	struct exclude_who who = {.exe = "/usr/bin/x", .comm = "x", .unit = "", .uid = 0};
	char text[256] = "";

	assert_false(exclude_has(&e, &who, text, sizeof(text)));
	who.exe = "/opt/a/b";
	assert_true(exclude_has(&e, &who, text, sizeof(text)));
	assert_string_equal(text, "left alone by lib-exclude-path: /opt/*");
	who = (struct exclude_who){.exe = "", .comm = "java", .unit = "", .uid = 0};
	assert_true(exclude_has(&e, &who, text, sizeof(text)));
	who = (struct exclude_who){
		.exe = "", .comm = "x", .unit = "postgresql@15.service", .uid = 0};
	assert_true(exclude_has(&e, &who, text, sizeof(text)));
	who = (struct exclude_who){.exe = "", .comm = "x", .unit = "", .uid = 502};
	assert_true(exclude_has(&e, &who, text, sizeof(text)));
	who.uid = 77;
	assert_true(exclude_has(&e, &who, text, sizeof(text)));
	who.uid = 503;
	assert_false(exclude_has(&e, &who, text, sizeof(text)));
	exclude_release(&e);
}

static void a_rule_that_is_no_string_is_refused_by_its_place(void **state _unused_)
{
	struct exclude e = {0};
	struct sut_err err = {0};
	json_t *j = json_loads("{\"units\": [\"a\", 5]}", 0, NULL);

	assert_int_equal(exclude_load(j, "", &e, &err), -EINVAL);
	assert_says(err, "exclude.units[1]");
	json_decref(j);
	assert_int_equal(exclude_load(NULL, "", &e, &err), 0);
	exclude_release(&e);
}

/* ------------------------------------------------------------------ */
/* what is remembered                                                  */

static struct table_entry *entry(pid_t pid, uint64_t start, const char *reason, bool patched,
				 bool again)
{
	struct table_entry *e = table_entry_new(1);

	assert_non_null(e);
	e->pid = pid;
	e->starttime = start;
	e->exe = strdup("/bin/x");
	e->unit = strdup("");
	snprintf(e->rows[0].reason, sizeof(e->rows[0].reason), "%s", reason);
	memset(e->rows[0].build_id, 7, sizeof(e->rows[0].build_id));
	e->rows[0].patched = patched;
	e->rows[0].again = again;
	return e;
}

static void pauses_between_tries_grow_up_to_the_rescan(void **state _unused_)
{
	struct table t = TABLE_INIT;
	int64_t now = 1000, last = 0;
	pid_t due[4];

	for (int i = 0; i < 20; i++) {
		int64_t at;

		assert_int_equal(table_put(&t, entry(5, 1, "traced", false, true), now), 0);
		at = table_due(&t);
		if (!at)
			break;
		assert_int_equal(table_take_due(&t, at - 1, due, 4), 0);
		assert_int_equal(table_take_due(&t, at, due, 4), 1);
		assert_true(at - now > last);
		last = at - now;
		now = at;
	}
	assert_int_equal(table_due(&t), 0);
	assert_true(last > TABLE_PAUSE_MAX / 4 && last <= TABLE_PAUSE_MAX);
	/* Another process with the same number begins anew. */
	assert_int_equal(table_put(&t, entry(5, 2, "traced", false, true), now), 0);
	assert_int_equal(table_due(&t), now + TABLE_PAUSE_MIN);
	table_release(&t);
}

/* Nobody may say that all are patched because some could not be read. */
static void who_cannot_be_looked_at_counts_as_not_patched(void **state _unused_)
{
	static struct serve s = {.lock = PTHREAD_MUTEX_INITIALIZER, .table = TABLE_INIT};
	struct wanted *w = wanted_new();
	struct rlimit before, none;
	struct glance g = {0};
	json_t *told;
	pid_t pid = fork();
	int processes, patched, error, lowest = dup(0);
	bool again;

	if (!pid) {
		pause();
		_exit(0);
	}
	close(lowest);
	assert_non_null(w);
	w->n = 1;
	w->v[0] = (struct wanted_patch){
		.id = "U1", .level = 1, .name = "libt.so", .file = "/libt.so"};
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){(rlim_t)lowest, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	again = deal(&s, w, pid, &g, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(again);
	told = table_libraries(&s.table, w);
	assert_int_equal(json_unpack(told, "[{s:i, s:i, s:{s:i}}]", "processes", &processes,
				     "patched", &patched, "reasons", "error", &error),
			 0);
	assert_true(processes == 1 && patched == 0 && error == 1);
	json_decref(told);
	assert_true(table_due(&s.table) > 0);

	/* It does not use that library at all, as is seen when it can be. */
	assert_false(deal(&s, w, pid, &g, NULL));
	assert_int_equal(table_count(&s.table), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	glance_release(&g);
	w->n = 0;
	wanted_unref(w);
	table_release(&s.table);
}

static void what_was_done_is_told_until_it_changes(void **state _unused_)
{
	struct table t = TABLE_INIT;
	pid_t next;
	struct table_entry *e = entry(5, 1, "applied", true, false);
	json_t *j;

	e->rows[0].since = 100;
	e->rows[0].stop_ns = 4711;
	assert_int_equal(table_put(&t, e, 1), 0);
	assert_int_equal(table_put(&t, entry(5, 1, "current", true, false), 1), 0);
	j = table_processes(&t, NULL, 0, &next);
	assert_int_equal(next, -1);
	assert_int_equal(json_array_size(j), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(j, 0), "reason")),
			    "applied");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(j, 0), "since")), 100);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(j, 0), "stop_ns")),
			 4711);
	json_decref(j);
	table_release(&t);
}

static void a_long_list_comes_in_parts_that_fit_into_a_message(void **state _unused_)
{
	struct table t = TABLE_INIT;
	size_t seen = 0, parts = 0;
	pid_t after = 0;

	for (pid_t pid = 1000; pid > 0; pid--) {
		struct table_entry *e = entry(pid, 1, "busy", false, true);

		e->rows[0].text = malloc(256);
		memset(e->rows[0].text, 'x', 255);
		e->rows[0].text[255] = '\0';
		assert_int_equal(table_put(&t, e, 1), 0);
	}
	while (after >= 0) {
		json_t *j = table_processes(&t, NULL, after, &after);
		char *text = json_dumps(j, JSON_COMPACT);

		assert_true(json_array_size(j) > 0 && json_array_size(j) <= 256);
		assert_true(strlen(text) < 120 << 10);
		for (size_t i = 0; i < json_array_size(j); i++)
			assert_int_equal(
				json_integer_value(json_object_get(json_array_get(j, i), "pid")),
				++seen);
		parts++;
		free(text);
		json_decref(j);
	}
	assert_int_equal(seen, 1000);
	assert_true(parts >= 4);
	table_drop(&t, 500);
	assert_int_equal(table_count(&t), 999);
	table_release(&t);
}

/* ------------------------------------------------------------------ */
/* what is wanted                                                      */

static int memfd(const struct sut_buf *b, bool sealed)
{
	int fd = memfd_create("patch", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->data, b->len), b->len);
	if (sealed)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
				 0);
	return fd;
}

static void only_what_is_sealed_and_a_patch_is_taken(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct wanted *w = wanted_new();
	const uint8_t other[SUT_LIBRARY_BUILD_ID_LEN] = {0};
	struct sut_err err = {0};
	char hex[65] = "";
	int open, sealed;

	assert_int_equal(sut_buf_addstr(&b, "what is this"), 0);
	open = memfd(&b, false);
	sealed = memfd(&b, true);
	assert_int_equal(wanted_add(w, open, hex, &err), -EPERM);
	assert_says(err, "sealed");
	assert_int_equal(wanted_add(w, sealed, hex, &err), -EBADMSG);
	assert_int_equal(w->n, 0);
	assert_null(wanted_find(w, other));
	close(open);
	close(sealed);
	wanted_unref(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_files_with_code_are_found_by_their_first_mapping),
		cmocka_unit_test(a_file_that_is_mapped_twice_is_looked_at_twice),
		cmocka_unit_test(code_without_a_file_may_be_ours),
		cmocka_unit_test(a_line_that_is_not_understood_asks_for_more_care),
		cmocka_unit_test(build_ids_are_read_from_the_memory_of_the_process),
		cmocka_unit_test(a_process_that_is_gone_is_told_from_one_without_memory),
		cmocka_unit_test(a_build_id_is_one_of_twenty_bytes),
		cmocka_unit_test(the_pages_that_become_read_only_are_those_of_the_dynamic_linker),
		cmocka_unit_test(a_unit_is_the_first_part_that_is_no_slice),
		cmocka_unit_test(processes_are_left_alone_by_path_name_unit_and_user),
		cmocka_unit_test(a_rule_that_is_no_string_is_refused_by_its_place),
		cmocka_unit_test(pauses_between_tries_grow_up_to_the_rescan),
		cmocka_unit_test(who_cannot_be_looked_at_counts_as_not_patched),
		cmocka_unit_test(what_was_done_is_told_until_it_changes),
		cmocka_unit_test(a_long_list_comes_in_parts_that_fit_into_a_message),
		cmocka_unit_test(only_what_is_sealed_and_a_patch_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
