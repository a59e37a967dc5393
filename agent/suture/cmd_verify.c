// SPDX-License-Identifier: Apache-2.0
/* suture verify: all the checks of apply, and nothing of the change. */
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "kernel/change.h"
#include "kernel/kernel.h"
#include "kernel/session.h"
#include "kernel/trust.h"

static const char help[] =
	"usage: suture verify FILE [OPTION]...\n\n"
	"Checks a patch without applying it: the file, whether it is made for this\n"
	"kernel, who else changes the same code, and (as root, with the engine) that the\n"
	"running code is the code the patch was built against. Also says who has signed\n"
	"it; a patch that apply would not trust is checked all the same.\n\n"
	"  --sig FILE     the signature (default: FILE.sig beside the patch)\n"
	"  --keys DIR     folder of the trusted keys (default: " SUT_KEYS_DIR ")\n"
	"  --engine FILE  suture.ko to load for the check when it is not loaded; it is\n"
	"                 unloaded again\n"
	"  --json         one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 fits, 1 error or not all could be checked, 3 the patch is for\n"
	"another kernel, 4 the running code differs or somebody else changes it,\n"
	"5 the policy of this machine refuses --engine, 64 usage\n";

/* An engine that is only loaded for the check is code in the kernel all the same; --keys is not. */
static int check_policy(const char *engine_file, struct sut_err *err)
{
	const struct sut_trust_opts o = {.engine = engine_file};
	struct sut_policy policy = {0};
	struct sut_err broken = {0};

	(void)!sut_policy_read(SUT_POLICY_FILE, &policy, &broken);
	return sut_trust_allowed(&o, &policy, &broken, err);
}

struct verify {
	const char *file;
	struct sut_trust_opts trust_opts;
	struct sut_trust trust;
};

static int run(struct sut_report *rep, struct verify *v, struct sut_loaded **patch)
{
	struct sut_change change = {.opts = &v->trust_opts, .trust = &v->trust};
	struct sut_kernel kernel;
	int r = check_policy(v->trust_opts.engine, &rep->err);

	if (r == 0)
		r = sut_trust_look(&v->trust_opts, v->file, patch, &v->trust, &rep->err);
	if (r < 0)
		return r;
	rep->loaded = *patch;
	rep->trust = &v->trust;
	if (!sut_trust_is_good(&v->trust) && !rep->json)
		sut_report_progress("verify", "note: apply would not trust this patch: %s",
				    v->trust.why.msg);
	r = sut_kernel_read(&kernel, &rep->err);
	if (r == 0)
		r = sut_kernel_check(&kernel, (*patch)->manifest, &rep->err);
	if (r < 0)
		return r;
	change.patch = *patch;
	return sut_change_verify(&change, rep);
}

int cmd_verify(int argc, char **argv)
{
	static const struct option options[] = {
		{"engine", required_argument, NULL, 'e'}, {"json", no_argument, NULL, 'j'},
		{"sig", required_argument, NULL, 's'},	  {"keys", required_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},	  {0}};
	_cleanup_(sut_loaded_freep) struct sut_loaded *patch = NULL;
	_cleanup_(sut_report_release) struct sut_report rep = {.command = "verify"};
	struct verify v = {0};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return SUT_EXIT_OK;
		}
		if (c == 'j')
			rep.json = true;
		else if (c == 'e')
			v.trust_opts.engine = optarg;
		else if (c == 's')
			v.trust_opts.sig = optarg;
		else if (c == 'k')
			v.trust_opts.keys = optarg;
		else
			return SUT_EXIT_USAGE;
	}
	if (optind != argc - 1) {
		fprintf(stderr,
			"suture: verify: name one patch file; see 'suture verify --help'\n");
		return SUT_EXIT_USAGE;
	}
	v.file = argv[optind];
	rep.exit = run(&rep, &v, &patch) < 0 ? sut_report_exit(&rep.err) : SUT_EXIT_OK;
	return sut_report_emit(&rep);
}
