// SPDX-License-Identifier: Apache-2.0
/* change/image.h: old bytes are compared, new code is placed, imports are found as the process's own linker finds them. */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "change/image.h"
#include "fault.h"
#include "process_targets.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

/* mov $1, %eax; ret; and room behind it for a jump. 1 is what the old code says. */
int old_function(void);
__asm__(".text\n.p2align 4\n.globl old_function\n.type old_function, @function\n"
	"old_function: mov $1, %eax; ret; .p2align 4, 0xcc\n"
	".size old_function, 6\n");

enum { HEAD = SUT_LIBRARY_HEAD + SUT_LIBRARY_HEAD_FUNC, NEW = HEAD };

static const uint8_t shipped[8] = {0xb8, 1, 0, 0, 0, 0xc3, 0xcc, 0xcc};

/* return import() + counter++; */
static const uint8_t code[] = {
	0x48, 0x83, 0xec, 0x08,			  /*  0 sub $8, %rsp */
	0xff, 0x15, 0x12, 0x00, 0x00, 0x00,	  /*  4 call *18(%rip): 28 */
	0x03, 0x05, 0x00, 0x00, 0x00, 0x00,	  /* 10 add counter(%rip), %eax */
	0xff, 0x05, 0x00, 0x00, 0x00, 0x00,	  /* 16 incl counter(%rip) */
	0x48, 0x83, 0xc4, 0x08, 0xc3, 0x90,	  /* 22 add $8, %rsp; ret */
	0,    0,    0,	  0,	0,    0,    0, 0, /* 28 the import */
};

struct sample {
	struct proc_patch patch;
	struct sut_manifest manifest;
	struct sut_library library;
	struct sut_library_func func;
	struct sut_library_reloc relocs[3];
	struct sut_library_import import;
	struct sut_library_range range;
	uint8_t image[8192 + 4];
	struct proc_elf elf;
};

static void make(struct sample *s)
{
	struct proc *p = NULL;
	struct sut_err err = {0};

	memset(s, 0, sizeof(*s));
	assert_ok(proc_open(getpid(), &p, &err), err);
	for (size_t i = 0; i < p->nelfs; i++)
		if ((uintptr_t)old_function >= p->elfs[i].text &&
		    (uintptr_t)old_function < p->elfs[i].text_end)
			s->elf = p->elfs[i];
	assert_true(s->elf.text);
	proc_close(p);

	s->func = (struct sut_library_func){.name = "old_function",
					    .vaddr = (uintptr_t)old_function - s->elf.bias,
					    .size = 6,
					    .span = 8,
					    .bytes = shipped,
					    .redirect = SUT_LIBRARY_JUMP,
					    .new_off = NEW,
					    .new_size = sizeof(code)};
	s->range = (struct sut_library_range){"shipped", (uintptr_t)shipped - s->elf.bias,
					      sizeof(shipped), shipped, SUT_LIBRARY_CHECK};
	memcpy(s->image + NEW, code, sizeof(code));
	memcpy(s->image + 8192, "\x64\0\0\0", 4); /* the counter begins at 100 */
	s->relocs[0] = (struct sut_library_reloc){NEW + 12, SUT_LIBRARY_PC32, SUT_LIBRARY_IMAGE, 0,
						  8192 - 4};
	s->relocs[1] = (struct sut_library_reloc){NEW + 18, SUT_LIBRARY_PC32, SUT_LIBRARY_IMAGE, 0,
						  8192 - 4};
	s->relocs[2] =
		(struct sut_library_reloc){NEW + 28, SUT_LIBRARY_ABS64, SUT_LIBRARY_IMPORT, 0, 0};
	s->import = (struct sut_library_import){"getpid", "GLIBC_2.2.5", false};
	s->library = (struct sut_library){.image = s->image,
					  .head_len = HEAD,
					  .exec_len = 8192,
					  .data_off = 8192,
					  .image_len = 8192 + 4,
					  .mem_len = 8192 + 64,
					  .funcs = &s->func,
					  .nfuncs = 1,
					  .ranges = &s->range,
					  .nranges = 1,
					  .relocs = s->relocs,
					  .nrelocs = 3,
					  .imports = &s->import,
					  .nimports = 1};
	memcpy(s->library.build_id, s->elf.build_id, sizeof(s->elf.build_id));
	s->manifest.id = "U20261122_01";
	s->manifest.level = 1;
	s->patch = (struct proc_patch){.manifest = &s->manifest, .library = &s->library};
	memset(s->patch.sha256, 0x5a, sizeof(s->patch.sha256));
}

static int seize(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return -errno;
	return waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) ? 0 : -ECHILD;
}

static int detach(void *ctx)
{
	return ptrace(PTRACE_DETACH, *(pid_t *)ctx, 0, 0) < 0 ? -errno : 0;
}

/* Everything but the jump. */
static int place(pid_t pid, const struct sample *s, struct record *r, struct sut_err *err)
{
	_cleanup_(proc_closep) struct proc *p = NULL;
	int rc = proc_open(pid, &p, err);

	if (rc == 0)
		rc = seize(pid);
	if (rc < 0)
		return rc;
	rc = image_place(p, pid, &s->elf, &s->patch, 0, detach, &pid, r, err);
	if (rc < 0)
		(void)detach(&pid);
	return rc;
}

/* Calls the function over and over; value is what it gave last. */
static void caller(struct target_state *s, int fd)
{
	(void)fd;
	while (!s->stop) {
		s->value = (uint64_t)old_function();
		s->rounds++;
		usleep(200);
	}
}

static void jump(pid_t pid, const struct record *r)
{
	struct proc *p = NULL;
	struct sut_err err = {0};

	assert_ok(proc_open(pid, &p, &err), err);
	assert_ok(proc_write(p, r->places[0].addr, r->places[0].jump, r->places[0].len, &err), err);
	assert_ok(record_set_state(p, r, RECORD_APPLIED, &err), err);
	proc_close(p);
}

static void new_code_runs_with_its_import_and_its_data(void **state _unused_)
{
	struct target t = target_start(caller);
	struct sut_err err = {0};
	struct proc_view v;
	struct sample s;
	struct record r;

	make(&s);
	assert_ok(place(t.pid, &s, &r, &err), err);
	assert_true(target_rounds(&t, 2));
	assert_int_equal(t.s->value, 1);
	assert_ok(proc_look(t.pid, &s.library.build_id, 1, &v, &err), err);
	assert_int_equal(v.nfiles, 1);
	assert_true(v.files[0].half && !v.files[0].level);
	proc_view_release(&v);

	jump(t.pid, &r);
	assert_true(target_rounds(&t, 4));
	/* getpid() and a counter that began at 100. */
	assert_true(t.s->value > (uint64_t)t.pid + 101 && t.s->value < (uint64_t)t.pid + 100000);
	assert_ok(proc_look(t.pid, NULL, 0, &v, &err), err);
	assert_true(v.nfiles > 2);
	for (size_t i = 0; i < v.nfiles; i++) {
		if (v.files[i].bias != s.elf.bias)
			continue;
		assert_true(v.files[i].level == 1 && !v.files[i].half);
		assert_string_equal(v.files[i].patch, "U20261122_01");
		assert_memory_equal(v.files[i].sha256, s.patch.sha256, 32);
	}
	proc_view_release(&v);
	record_release(&r);
	target_end(&t);
}

static void the_image_is_never_writable_and_executable(void **state _unused_)
{
	struct target t = target_start(caller);
	struct sut_err err = {0};
	struct proc *p = NULL;
	const struct proc_map *m;
	struct sample s;
	struct record r;

	make(&s);
	assert_ok(place(t.pid, &s, &r, &err), err);
	assert_ok(proc_open(t.pid, &p, &err), err);
	for (size_t i = 0; i < p->nmaps; i++)
		assert_false(p->maps[i].w && p->maps[i].x);
	m = proc_map_at(p, r.at);
	assert_true(m && m->start == r.at && m->end == r.at + 8192 && m->x && !m->w);
	m = proc_map_at(p, r.at + 8192);
	assert_true(m && m->start == r.at + 8192 && m->w && !m->x);
	proc_close(p);
	record_release(&r);
	target_end(&t);
}

static void a_changed_byte_is_named(void **state _unused_)
{
	struct target t = target_start(caller);
	struct sut_err err = {0};
	struct proc *p = NULL;
	struct sample s;
	struct record r;
	uint8_t other[8];

	make(&s);
	assert_ok(proc_open(t.pid, &p, &err), err);
	assert_ok(image_verify(p, &s.elf, &s.library, NULL, 0, &err), err);
	assert_ok(place(t.pid, &s, &r, &err), err);

	/* A jump of ours is seen through when the record says so, and only then. */
	jump(t.pid, &r);
	r.head.state = RECORD_APPLIED;
	assert_ok(image_verify(p, &s.elf, &s.library, &r, 1, &err), err);
	assert_int_equal(image_verify(p, &s.elf, &s.library, NULL, 0, &err), -EBADMSG);
	assert_string_equal(err.reason, "mismatch");
	assert_says(err, "old_function+0");
	r.head.state = RECORD_REVERTED;
	assert_int_equal(image_verify(p, &s.elf, &s.library, &r, 1, &err), -EBADMSG);
	r.head.state = RECORD_APPLIED;
	r.head.bias++;
	assert_int_equal(image_verify(p, &s.elf, &s.library, &r, 1, &err), -EBADMSG);
	r.head.bias--;
	/* What the record says was there is compared as well. */
	r.places[0].original[3] ^= 1;
	assert_int_equal(image_verify(p, &s.elf, &s.library, &r, 1, &err), -EBADMSG);
	assert_says(err, "old_function+0x3");
	r.places[0].original[3] ^= 1;

	memcpy(other, shipped, sizeof(other));
	other[7] = 0x90;
	s.func.bytes = other;
	assert_int_equal(image_verify(p, &s.elf, &s.library, &r, 1, &err), -EBADMSG);
	assert_says(err, "old_function+0x7");
	s.func.bytes = shipped;
	s.range.bytes = other;
	assert_int_equal(image_verify(p, &s.elf, &s.library, &r, 1, &err), -EBADMSG);
	assert_says(err, "shipped+0x7");
	s.range.bytes = shipped;
	s.range.vaddr = 1 << 30;
	assert_int_equal(image_verify(p, &s.elf, &s.library, &r, 1, &err), -EBADMSG);
	record_release(&r);
	proc_close(p);
	target_end(&t);
}

static void an_image_that_is_there_is_used_again(void **state _unused_)
{
	struct sample s;
	struct record r = {0};

	make(&s);
	memcpy(r.head.build_id, s.elf.build_id, 20);
	memcpy(r.head.sha256, s.patch.sha256, 32);
	r.head.bias = s.elf.bias;
	for (uint32_t state_of = RECORD_WRITING; state_of <= RECORD_REPLACED; state_of++) {
		r.head.state = state_of;
		assert_int_equal(image_again(&r, 1, &s.elf, &s.patch) == &r,
				 state_of == RECORD_REVERTED || state_of == RECORD_REPLACED);
	}
	r.head.sha256[0]++;
	assert_null(image_again(&r, 1, &s.elf, &s.patch));
	r.head.sha256[0]--;
	r.head.bias++;
	assert_null(image_again(&r, 1, &s.elf, &s.patch));
}

static void a_field_that_does_not_reach_is_refused(void **state _unused_)
{
	struct sut_err err = {0};
	uint64_t import = 0x1000;
	struct sample s;
	uint8_t *buf = malloc(sizeof(s.image));

	make(&s);
	assert_ok(image_relocate(&s.library, 0x7f0000000000, s.elf.bias, &import, buf, &err), err);
	assert_memory_equal(buf + NEW + 28, "\0\x10\0\0\0\0\0\0", 8);
	s.relocs[1].base = SUT_LIBRARY_IMPORT;
	assert_int_equal(image_relocate(&s.library, 0x7f0000000000, s.elf.bias, &import, buf, &err),
			 -ERANGE);
	free(buf);
}

/* ---- imports ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static bool in_program(uint64_t addr)
{
	struct sample s;

	make(&s);
	return addr >= s.elf.low && addr < s.elf.high;
}

static int import(const char *name, const char *version, bool weak, uint64_t *ret,
		  struct sut_err *err)
{
	struct sut_library_import i = {name, version, weak};
	struct proc *p = NULL;
	struct sample s;
	int r;

	make(&s);
	s.library.imports = &i;
	assert_ok(proc_open(getpid(), &p, err), *err);
	r = image_imports(p, &s.elf, &s.library, ret, err);
	proc_close(p);
	return r;
}

static void imports_are_what_the_linker_finds(void **state _unused_)
{
	static const struct {
		const char *name, *version;
	} v[] = {{"getpid", "GLIBC_2.2.5"},
		 {"pthread_cond_wait", "GLIBC_2.3.2"},
		 {"pthread_cond_wait", "GLIBC_2.2.5"},
		 {"realpath", "GLIBC_2.3"},
		 {"realpath", "GLIBC_2.2.5"},
		 {"stderr", "GLIBC_2.2.5"},
		 {"environ", "GLIBC_2.2.5"},
		 {"_dl_argv", "GLIBC_PRIVATE"},
		 {"zlibVersion", ""},
		 {"old_function", ""},
		 {"memcpy", "GLIBC_2.14"},
		 {"strlen", "GLIBC_2.2.5"}};
	/* The linker binds lazily bound names of ours when they are first used. */
	void *z = dlopen("libz.so.1", RTLD_NOW | RTLD_GLOBAL);
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++) {
		void *want = v[i].version[0] ? dlvsym(RTLD_DEFAULT, v[i].name, v[i].version)
					     : dlsym(RTLD_DEFAULT, v[i].name);
		uint64_t got = 0;

		if (!want) /* not exported by this program, or not installed */
			continue;
		assert_ok(import(v[i].name, v[i].version, false, &got, &err), err);
		/* A sanitizer interposes them without a version, which dlvsym() does not see. */
		if (SANITIZED && in_program(got))
			continue;
		if (got != (uintptr_t)want)
			fail_msg("%s@%s is %#llx, and not %p", v[i].name, v[i].version,
				 (unsigned long long)got, want);
	}
	if (z)
		dlclose(z);
}

static void a_missing_import_is_named_unless_weak(void **state _unused_)
{
	struct sut_err err = {0};
	uint64_t got = 7;

	assert_int_equal(import("getpid", "GLIBC_9.9", false, &got, &err), -ENOENT);
	assert_string_equal(err.reason, "import");
	assert_says(err, "getpid@GLIBC_9.9");
	assert_int_equal(import("no_such_function", "", false, &got, &err), -ENOENT);
	assert_int_equal(import("errno", "GLIBC_PRIVATE", false, &got, &err), -ENOENT);
	assert_int_equal(got, 7);
	assert_ok(import("no_such_function", "", true, &got, &err), err);
	assert_int_equal(got, 0);
}

/* ---- processes that make it hard ---- */

static void mdwe(struct target_state *s, int fd)
{
	if (prctl(PR_SET_MDWE, 1, 0, 0, 0) < 0)
		s->signals = 1; /* not this kernel */
	caller(s, fd);
}

/* Of what lets a process go that was only stopped. */
static bool allow_restart;

/* Dies of everything that a caller does not do. */
static void filtered(struct target_state *s, int fd)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 allow_restart ? SYS_restart_syscall : SYS_getpid, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_nanosleep, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {SUT_ARRAY_SIZE(f), f};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &prog))
		_exit(1);
	caller(s, fd);
	syscall(SYS_exit_group, 0); /* sanitizers do more at an _exit() */
}

static void patched_all_the_same(target_fn fn)
{
	struct target t = target_start(fn);
	struct sut_err err = {0};
	struct sample s;
	struct record r;

	make(&s);
	assert_true(target_rounds(&t, 1));
	assert_ok(place(t.pid, &s, &r, &err), err);
	jump(t.pid, &r);
	assert_true(target_rounds(&t, 4));
	assert_true(t.s->value > (uint64_t)t.pid + 101);
	record_release(&r);
	target_end(&t);
}

static void a_process_that_may_not_make_code_is_patched(void **state _unused_)
{
	patched_all_the_same(mdwe);
}

static void a_filter_of_system_calls_is_put_aside(void **state _unused_)
{
	patched_all_the_same(filtered);
}

static void with_a_filter_of_our_own_it_is_said(void **state _unused_)
{
	struct sut_err err = {0};
	struct target t;
	struct sample s;
	struct record r;
	pid_t pid;
	int status;

	allow_restart = true;
	t = target_start(filtered);
	allow_restart = false;
	make(&s);
	assert_true(target_rounds(&t, 1));
	pid = fork();
	if (pid == 0) {
		struct sock_filter f[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
		struct sock_fprog prog = {1, f};

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &prog))
			_exit(1);
		_exit(place(t.pid, &s, &r, &err) == -EOPNOTSUPP && !strcmp(err.reason, "seccomp")
			      ? 0
			      : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(target_rounds(&t, 2));
	target_end(&t);
}

static void limited(struct target_state *s, int fd)
{
	struct rlimit l = {1 << 20, 1 << 20};

	setrlimit(RLIMIT_AS, &l);
	caller(s, fd);
}

static void locked(struct target_state *s, int fd)
{
	struct rlimit l = {4096, 4096};

	if (syscall(SYS_mlockall, MCL_FUTURE)) /* a sanitizer makes nothing of mlockall() */
		s->signals = 1;
	setrlimit(RLIMIT_MEMLOCK, &l);
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		s->signals = 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	caller(s, fd);
}

static void refused_with(target_fn fn, const char *says)
{
	struct target t = target_start(fn);
	struct sut_err err = {0};
	struct sample s;
	struct record r;
	int rc;

	make(&s);
	assert_true(target_rounds(&t, 1));
	if (!t.s->signals) {
		rc = place(t.pid, &s, &r, &err);
		if (rc != -ENOMEM)
			fail_msg("%d: %s", rc, err.msg);
		assert_string_equal(err.reason, "memory-limit");
		assert_says(err, says);
		assert_true(target_rounds(&t, 2));
		assert_int_equal(t.s->value, 1);
	}
	target_end(&t);
}

static void a_limited_address_space_is_named(void **state _unused_)
{
	refused_with(limited, "RLIMIT_AS");
}

static void locked_memory_is_named(void **state _unused_)
{
	refused_with(locked, "RLIMIT_MEMLOCK");
}

/* ---- unwind tables ---- */

/* One CIE and one FDE for the new code, by pc-relative addresses, and the end. */
static const uint8_t eh_frame[] = {
	0x14, 0,    0, 0, 0, 0,	   0, 0, 1, 'z',  'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c,	      7,
	8,    0x90, 1, 0, 0, 0x14, 0, 0, 0, 0x1c, 0,   0, 0, 0,	   0,  0, 0,	sizeof(code), 0,
	0,    0,    0, 0, 0, 0,	   0, 0, 0, 0,	  0,   0, 0, 0,
};

struct bases {
	void *tbase, *dbase, *func;
};

static void unwinder(struct target_state *s, int fd)
{
	void *h = dlopen("libgcc_s.so.1", RTLD_NOW);
	const void *(*find)(void *, struct bases *);
	struct bases b;

	(void)fd;
	*(void **)&find = h ? dlsym(h, "_Unwind_Find_FDE") : NULL;
	while (!s->stop) {
		if (find && s->addr)
			s->value = (uintptr_t)find((void *)(uintptr_t)s->addr, &b);
		s->rounds++;
		usleep(200);
	}
}

static void the_unwinder_learns_of_new_code(void **state _unused_)
{
	struct target t = target_start(unwinder);
	struct sut_err err = {0};
	struct proc *p = NULL;
	struct sample s;
	struct record r;

	make(&s);
	memcpy(s.image + 1024, eh_frame, sizeof(eh_frame));
	s.library.frames = true;
	s.library.eh_frame_off = 1024;
	s.library.eh_frame_len = sizeof(eh_frame);
	s.relocs[2] =
		(struct sut_library_reloc){1024 + 32, SUT_LIBRARY_PC32, SUT_LIBRARY_IMAGE, 0, NEW};
	assert_true(target_rounds(&t, 2));
	assert_ok(place(t.pid, &s, &r, &err), err);
	assert_ok(proc_open(t.pid, &p, &err), err);
	t.s->addr = r.at + NEW + 4;
	assert_true(target_rounds(&t, 2));
	assert_int_equal(t.s->value, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(seize(t.pid), 0);
		assert_ok(image_register_frames(p, t.pid, &r, &s.library, NULL, 0, &err), err);
		assert_int_equal(detach(&t.pid), 0);
		assert_true(target_rounds(&t, 2));
		/* The FDE, not the CIE before it. */
		assert_int_equal(t.s->value, r.at + 1024 + 24);
	}
	proc_close(p);
	record_release(&r);
	target_end(&t);
}

/* ---- death ---- */

struct patching {
	struct target *t;
	struct sample *s;
};

static int patcher(void *arg)
{
	struct patching *x = arg;
	struct sut_err err = {0};
	struct record r;
	int rc = place(x->t->pid, x->s, &r, &err);

	if (rc == 0)
		record_release(&r);
	return rc == 0 ? 0 : 1;
}

/* Killed before every system call in turn: what is there then is a complete record or none, and the process goes on. */
static void death_leaves_a_whole_record_or_none(void **state _unused_)
{
	struct target t = target_start(caller);
	struct sut_err err = {0};
	struct fault_result f = {0};
	struct patching x = {&t, NULL};
	struct sample s;
	size_t most = 0;
	uint64_t calls;

	make(&s);
	x.s = &s;
	fault_run(patcher, &x, &(struct fault_plan){.kind = FAULT_NONE}, &f);
	assert_int_equal(f.status, 0);
	calls = f.syscalls;
	for (uint64_t n = 1; n <= calls; n++) {
		struct record *v = NULL;
		struct proc *p = NULL;
		size_t found = 0;

		fault_run(patcher, &x, &(struct fault_plan){.kind = FAULT_KILL, .n = n}, &f);
		if (!target_rounds(&t, 2))
			fail_msg("killed before call %llu: the target does not go on",
				 (unsigned long long)n);
		assert_int_equal(t.s->value, 1);
		assert_ok(proc_open(t.pid, &p, &err), err);
		assert_ok(record_find(p, &v, &found, &err), err);
		assert_true(found >= 1 && found >= most);
		most = found;
		assert_ok(image_verify(p, &s.elf, &s.library, v, found, &err), err);
		record_free_all(v, found);
		proc_close(p);
	}
	target_end(&t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_code_runs_with_its_import_and_its_data),
		cmocka_unit_test(the_image_is_never_writable_and_executable),
		cmocka_unit_test(a_changed_byte_is_named),
		cmocka_unit_test(an_image_that_is_there_is_used_again),
		cmocka_unit_test(a_field_that_does_not_reach_is_refused),
		cmocka_unit_test(imports_are_what_the_linker_finds),
		cmocka_unit_test(a_missing_import_is_named_unless_weak),
		cmocka_unit_test(a_process_that_may_not_make_code_is_patched),
		cmocka_unit_test(a_filter_of_system_calls_is_put_aside),
		cmocka_unit_test(with_a_filter_of_our_own_it_is_said),
		cmocka_unit_test(a_limited_address_space_is_named),
		cmocka_unit_test(locked_memory_is_named),
		cmocka_unit_test(the_unwinder_learns_of_new_code),
		cmocka_unit_test(death_leaves_a_whole_record_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
