// SPDX-License-Identifier: Apache-2.0
/* suture-build try: boots a target in a virtual machine and tries a patch there. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "cmd.h"
#include "try/guest.h"
#include "try/outcome.h"
#include "try/process.h"
#include "try/qemu.h"
#include "try/subject.h"

enum {
	DEFAULT_MEMORY_MB = 1024,
	DEFAULT_CPUS = 2,
	DEFAULT_TIMEOUT_SEC = 300,
	BOOT_SEC = 120, /* a boot takes about 5 s on a free machine */
	BOOTS_MAX = 2,
	RAW_STATUS_VM = 125, /* --raw: the VM failed, or the kernel warned */
};

static const char help[] =
	"usage: suture-build try PATCH [OPTION]...\n"
	"       suture-build try PATCH [OPTION]... (--run COMMAND | -- PROGRAM ARGUMENT...)\n"
	"       suture-build try --raw --script FILE (--target T | --image FILE) [OPTION]...\n"
	"\n"
	"Boots the exact kernel the patch is for in a virtual machine (QEMU, software\n"
	"emulation), runs the script, applies the patch, runs the script again, reverts\n"
	"the patch, and runs it once more. Without a script it applies and reverts twice\n"
	"under load. Exit status 0: applied, reverted, and the kernel warned of nothing.\n"
	"\n"
	"A patch of a library is tried in a process of this machine: the test program gets\n"
	"the target's own file, reads a line from its standard input three times (before,\n"
	"with the patch, reverted) and prints one line each time that tells what it sees.\n"
	"Exit status 0: the line differs with the patch, and the last one is the first one.\n"
	"\n"
	"  --run COMMAND      the test program, for sh\n"
	"  --own              leave it with the file that it finds by itself\n"
	"  --process FILE     suture-process (default: the one beside suture-build)\n"
	"\n"
	"  --script FILE      a program, or commands for sh; runs as root in /suture with\n"
	"                     $PHASE before, applied or reverted\n"
	"  --file SRC[:DEST]  also in the virtual machine, as /suture/NAME or DEST\n"
	"  --raw              no patch: run the script once; its exit status is ours\n"
	"                     (125: the virtual machine failed or the kernel warned)\n"
	"  --target T         boot this target (default: the one of the patch)\n"
	"  --image FILE       boot this bzImage instead of the target's\n"
	"  --engine FILE      suture.ko (default: built for the target); 'none' for none\n"
	"  --suture FILE      the suture program (default: the one beside suture-build)\n"
	"  --cache DIR        where targets are (default: $SUTURE_CACHE)\n"
	"  --memory MB        default 1024\n"
	"  --cpus N           default 2\n"
	"  --cpu MODEL        default qemu64 (qemu-system-x86_64 -cpu help lists them)\n"
	"  --uefi VARS        boot through UEFI firmware (OVMF) with this variable store,\n"
	"                     which says whether Secure Boot is on; it is not changed\n"
	"  --append TEXT      more words for the kernel command line\n"
	"  --timeout S        limit for everything after the boot, default 300\n"
	"  --allow-warnings   kernel warnings are reported, but are no failure\n"
	"  --keep-log FILE    write the kernel's console log there\n"
	"  --json             the report as JSON on standard output\n";

struct options {
	struct sut_subject_opts subject;
	struct sut_guest guest;
	struct sut_vm_opts vm;
	const char *keep_log;
	bool raw, json, allow_warnings, limited;
	struct sut_try_process_opts process;
	const char *run[4]; /* sh -c COMMAND */
};

enum {
	OPT_RAW = 256,
	OPT_IMAGE,
	OPT_SUTURE,
	OPT_CACHE,
	OPT_CPUS,
	OPT_CPU,
	OPT_UEFI,
	OPT_APPEND,
	OPT_KEEP,
	OPT_RUN,
	OPT_OWN,
	OPT_PROCESS,
	OPT_JSON,
	OPT_ALLOW
};

static const struct option longopts[] = {
	{"script", required_argument, NULL, 's'},
	{"file", required_argument, NULL, 'f'},
	{"run", required_argument, NULL, OPT_RUN},
	{"own", no_argument, NULL, OPT_OWN},
	{"process", required_argument, NULL, OPT_PROCESS},
	{"raw", no_argument, NULL, OPT_RAW},
	{"target", required_argument, NULL, 't'},
	{"image", required_argument, NULL, OPT_IMAGE},
	{"engine", required_argument, NULL, 'e'},
	{"suture", required_argument, NULL, OPT_SUTURE},
	{"cache", required_argument, NULL, OPT_CACHE},
	{"memory", required_argument, NULL, 'm'},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"cpu", required_argument, NULL, OPT_CPU},
	{"uefi", required_argument, NULL, OPT_UEFI},
	{"append", required_argument, NULL, OPT_APPEND},
	{"timeout", required_argument, NULL, 'T'},
	{"allow-warnings", no_argument, NULL, OPT_ALLOW},
	{"keep-log", required_argument, NULL, OPT_KEEP},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int number(const char *name, const char *text, unsigned int max, unsigned int *ret,
		  struct sut_err *err)
{
	uint64_t v;

	if (sut_parse_u64(text, max, &v) < 0 || v == 0)
		return sut_err_set(err, EINVAL, "--%s: '%s' is not a number between 1 and %u", name,
				   text, max);
	*ret = (unsigned int)v;
	return 0;
}

/* 0, 1 when the help was asked for, or an error. */
static int parse(int argc, char **argv, struct options *o, struct sut_err *err)
{
	int c, r = 0;

	for (int i = 1; i < argc; i++) {
		if (!sut_streq(argv[i], "--"))
			continue;
		if (!argv[i + 1])
			return sut_err_set(err, EINVAL, "name the test program behind --");
		o->process.argv = (const char *const *)argv + i + 1;
		argc = i;
	}
	optind = 1;
	while (r == 0 && (c = getopt_long(argc, argv, "h", longopts, NULL)) != -1) {
		switch (c) {
		case 's':
			o->guest.script = optarg;
			break;
		case 'f':
			r = sut_strv_add(&o->guest.files, optarg);
			break;
		case 't':
			o->subject.target = optarg;
			break;
		case 'e':
			o->subject.engine = optarg;
			break;
		case OPT_IMAGE:
			o->subject.image = optarg;
			break;
		case OPT_SUTURE:
			o->subject.suture = optarg;
			break;
		case OPT_CACHE:
			o->subject.cache = optarg;
			break;
		case OPT_CPU:
			o->vm.cpu = optarg;
			break;
		case OPT_UEFI:
			o->vm.uefi = optarg;
			break;
		case OPT_APPEND:
			o->vm.append = optarg;
			break;
		case OPT_KEEP:
			o->keep_log = optarg;
			break;
		case OPT_RUN:
			o->run[0] = "/bin/sh";
			o->run[1] = "-c";
			o->run[2] = optarg;
			o->process.argv = o->run;
			break;
		case OPT_OWN:
			o->process.own = true;
			break;
		case OPT_PROCESS:
			o->process.engine = optarg;
			break;
		case OPT_RAW:
			o->raw = true;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_ALLOW:
			o->allow_warnings = true;
			break;
		case OPT_CPUS:
			r = number("cpus", optarg, 255, &o->vm.cpus, err);
			break;
		case 'm':
			r = number("memory", optarg, 1 << 20, &o->vm.memory_mb, err);
			break;
		case 'T':
			r = number("timeout", optarg, 86400, &o->vm.timeout_sec, err);
			o->limited = true;
			break;
		case 'h':
			return 1;
		default:
			return sut_err_set(err, EINVAL, "see 'suture-build try --help'");
		}
	}
	if (r < 0)
		return r;
	if (o->raw && (optind != argc || !o->guest.script))
		return sut_err_set(err, EINVAL, "--raw takes a --script and no patch");
	if (!o->raw && optind + 1 != argc)
		return sut_err_set(err, EINVAL,
				   "name one patch file; see 'suture-build try --help'");
	o->subject.patch = o->guest.patch = o->raw ? NULL : argv[optind];
	return 0;
}

/* Says on standard error which step begins, as the VM reports it. */
struct progress {
	const char *word;
	size_t done; /* bytes looked at */
};

static void show_progress(void *arg, const struct sut_buf *result)
{
	struct progress *p = arg;
	const char *text = sut_buf_str(result), *nl;
	size_t wlen = strlen(p->word);

	while ((nl = memchr(text + p->done, '\n', result->len - p->done))) {
		const char *line = text + p->done;
		size_t len = (size_t)(nl - line);

		if (len > wlen + 7 && !memcmp(line, p->word, wlen) &&
		    !memcmp(line + wlen, " begin ", 7))
			fprintf(stderr, "suture-build: try: %.*s\n", (int)(len - wlen - 7),
				line + wlen + 7);
		p->done = (size_t)(nl + 1 - text);
	}
}

/* Boots once, and once more when the VM did not come up. */
static int boot(struct options *o, const char *dir, struct sut_buf *console, struct sut_buf *result,
		struct sut_outcome *out, struct sut_err *err)
{
	_cleanup_(sut_freep) char *initrd = sut_sprintf("%s/initramfs", dir);
	int r = -EAGAIN;

	if (!initrd)
		return sut_err_oom(err);
	o->vm.initrd = initrd;
	while (r == -EAGAIN && out->attempts < BOOTS_MAX) {
		char word[SUT_WORD_LEN + 1], ready[SUT_WORD_LEN + 8], done[SUT_WORD_LEN + 8];
		struct progress p = {.word = word};
		double start = sut_now_s();

		r = sut_guest_word(word, err);
		if (r == 0)
			r = sut_guest_write(&o->guest, word, initrd, err);
		if (r < 0)
			return r;
		snprintf(ready, sizeof(ready), "%s ready\n", word);
		snprintf(done, sizeof(done), "%s done\n", word);
		o->vm.ready = ready;
		o->vm.done = done;
		o->vm.progress = show_progress;
		o->vm.arg = &p;
		console->len = result->len = 0;
		out->attempts++;
		fprintf(stderr, "suture-build: try: booting %s%s\n", out->target,
			out->attempts > 1 ? " again, the first boot hung" : "");
		r = sut_vm_run(&o->vm, console, result, err);
		out->seconds = sut_now_s() - start;
		if (r < 0 && r != -ENOENT) {
			/* What the VM reported so far is still worth telling. */
			int r2 = sut_steps_parse(sut_buf_str(result), result->len, word,
						 &out->steps, NULL);
			(void)r2;
		} else if (r == 0) {
			r = sut_steps_parse(sut_buf_str(result), result->len, word, &out->steps,
					    err);
		}
	}
	return r;
}

static void tell(const struct options *o, const struct sut_outcome *out)
{
	json_t *j;

	if (!o->json) {
		if (o->raw) {
			const struct sut_step *s = sut_steps_find(&out->steps, "script");

			if (s)
				fwrite(s->output, 1, s->len, stdout);
			if (s && s->len && s->output[s->len - 1] != '\n')
				fputc('\n', stdout);
			if (!out->ok || out->klog.total)
				sut_outcome_print(out, stderr);
			return;
		}
		sut_outcome_print(out, stdout);
		return;
	}
	j = sut_outcome_json(out);
	if (!j) {
		fprintf(stderr, "suture-build: try: out of memory\n");
		return;
	}
	json_dumpf(j, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	fputc('\n', stdout);
	json_decref(j);
}

static int raw_status(const struct sut_outcome *out)
{
	const struct sut_step *s = sut_steps_find(&out->steps, "script");

	if (out->ok)
		return SUT_EXIT_OK;
	return out->vm == 0 && s && s->status > 0 ? s->status : RAW_STATUS_VM;
}

static int run(struct options *o, const char *dir, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf console = SUT_BUF_INIT(SUT_VM_CONSOLE_MAX);
	_cleanup_buf_ struct sut_buf result = SUT_BUF_INIT(SUT_VM_RESULT_MAX);
	_cleanup_(sut_subject_freep) struct sut_subject *s = NULL;
	_cleanup_(sut_freep) struct sut_outcome *out = calloc(1, sizeof(*out));
	struct sut_err vm_err = {0};
	int r;

	if (!out)
		return sut_err_oom(err);
	r = sut_subject_find(&o->subject, &s, err);
	if (r < 0)
		return r;
	out->target = s->name;
	out->raw = o->raw;
	out->scripted = o->guest.script != NULL;
	out->console = &console;
	o->guest.engine = s->engine;
	o->guest.suture = s->suture;
	o->vm.kernel = s->image;
	r = boot(o, dir, &console, &result, out, &vm_err);
	if (o->keep_log && console.len) {
		int r2 = sut_file_write(o->keep_log, console.data, console.len, 0644, err);

		if (r2 < 0)
			return r2;
	}
	if (r < 0 && !out->attempts) {
		*err = vm_err;
		return r;
	}
	out->vm = r;
	out->vm_msg = r < 0 ? vm_err.msg : "";
	sut_klog_scan(sut_buf_str(&console), console.len, &out->klog);
	if (o->allow_warnings) {
		size_t total = out->klog.total;

		out->klog.total = 0;
		sut_outcome_judge(out);
		out->klog.total = total;
	} else {
		sut_outcome_judge(out);
	}
	tell(o, out);
	if (o->raw)
		return raw_status(out);
	return out->ok ? SUT_EXIT_OK : SUT_EXIT_ERROR;
}

/* A patch of a library: one process, three answers. */
static int run_process(struct options *o, struct sut_err *err)
{
	_cleanup_(sut_try_process_release) struct sut_try_process t = {0};
	json_t *j;
	int r;

	if (!o->process.argv)
		return sut_err_set(err, EINVAL,
				   "this patch is for a library: name a test program with --run or "
				   "behind --; 'suture-build try --help' says what it must do");
	o->process.patch = o->subject.patch;
	o->process.cache = o->subject.cache;
	o->process.timeout_sec = o->limited ? o->vm.timeout_sec : 0;
	r = sut_try_process_run(&o->process, &t, err);
	if (r < 0)
		return r;
	if (o->json) {
		j = sut_try_process_json(&t);
		if (!j)
			return sut_err_oom(err);
		json_dumpf(j, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
		json_decref(j);
	} else {
		sut_try_process_print(&t, stdout);
	}
	return sut_try_process_ok(&t) ? SUT_EXIT_OK : SUT_EXIT_ERROR;
}

int cmd_try(int argc, char **argv)
{
	struct options o = {
		.vm = {.cpu = "qemu64",
		       .memory_mb = DEFAULT_MEMORY_MB,
		       .cpus = DEFAULT_CPUS,
		       .boot_sec = BOOT_SEC,
		       .timeout_sec = DEFAULT_TIMEOUT_SEC},
	};
	_cleanup_(sut_freep) char *dir = NULL;
	struct sut_err err = {0};
	bool library = false;
	int r = parse(argc, argv, &o, &err);

	if (r == 1)
		fputs(help, stdout);
	if (r == 0 && !o.raw)
		r = sut_try_is_library(o.subject.patch, &library, &err);
	if (r == 0 && library)
		r = run_process(&o, &err);
	else if (r == 0)
		r = sut_tmpdir("suture-try", &dir, &err);
	if (dir) {
		int r2;

		r = run(&o, dir, &err);
		r2 = sut_rm_rf(dir, r < 0 ? NULL : &err);
		if (r >= 0 && r2 < 0)
			r = r2;
	} else if (r == 1 && !library) {
		r = SUT_EXIT_OK;
	}
	sut_strv_release(&o.guest.files);
	if (r < 0) {
		fprintf(stderr, "suture-build: try: %s\n", err.msg);
		return o.raw ? RAW_STATUS_VM : SUT_EXIT_ERROR;
	}
	return r;
}
