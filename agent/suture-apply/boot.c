// SPDX-License-Identifier: Apache-2.0
#include "boot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "act.h"
#include "recover.h"
#include "state.h"

/* Is there something to be applied, and may it be? text: what is told. */
static bool has_to_apply(struct apply *a, const struct machine_kernel *k,
			 const struct guard_boot *b, char *text, size_t size)
{
	_cleanup_(machine_patch_release) struct machine_patch runs = {0};
	struct sut_err err = {0};

	if (!b->apply.id[0]) {
		snprintf(text, size, "there is no patch to bring back");
		return false;
	}
	if (a->machine.patch(a->machine.ctx, &runs, &err) == 0 && runs.applied) {
		snprintf(text, size, "%s is applied already", runs.id);
		return false;
	}
	if (recover_allowed(a, k, &err) < 0) {
		snprintf(text, size, "%s is not brought back: %s", b->apply.id, err.msg);
		/* What the administrator wanted is no failure. */
		if (err.code != EPERM)
			state_failed(a, &err, b->apply.id);
		return false;
	}
	return true;
}

static void bring_back(struct apply *a, const struct machine_kernel *k, const struct guard_boot *b)
{
	const struct act_opts o = {.by = "boot", .again = true};
	char text[SUT_ERR_MSG_MAX + 128];
	struct sut_err err = {0};

	if (!has_to_apply(a, k, b, text, sizeof(text)))
		;
	else if (act_apply(a, b->apply.sha256, &o, NULL, &err) < 0)
		snprintf(text, sizeof(text), "%s could not be brought back: %s", b->apply.id,
			 err.msg);
	else
		snprintf(text, sizeof(text), "%s is back", b->apply.id);
	apply_log(LOG_NOTICE, "boot: %s", text);
	recover_tell(a, k, "boot", "boot", &b->apply, text);
}

static int boot(struct apply *a, const struct machine_kernel *k, struct sut_err *err)
{
	_cleanup_(sut_freep) struct guard *g = calloc(1, sizeof(*g));
	struct guard_boot b = {0};
	int r;

	if (!g)
		return sut_err_oom(err);
	r = apply_lock(a, APPLY_LOCK_WAIT_BOOT_MS, err);
	if (r == 0)
		r = recover(a, k, g, &b, err);
	if (r < 0)
		return r;
	bring_back(a, k, &b);
	recover_report(a, &b);
	return 0;
}

int apply_boot(struct apply *a, struct sut_err *err)
{
	enum machine_support support = MACHINE_SUPPORTED;
	struct machine_kernel k;
	struct sut_err why = {0};
	char what[256] = "";
	int r = a->machine.kernel(a->machine.ctx, &k, err);

	if (r == 0)
		r = a->machine.support(a->machine.ctx, &support, what, err);
	if (r < 0)
		return r;
	if (support != MACHINE_SUPPORTED) {
		apply_log(LOG_NOTICE, "boot: nothing is applied here: %s", what);
	} else if (boot(a, &k, &why) < 0) {
		apply_log(LOG_ERR, "boot: nothing is applied: %s", why.msg);
		recover_tell(a, &k, "boot", "boot", NULL, why.msg);
		state_failed(a, &why, "");
	}
	return state_publish(a, err);
}
