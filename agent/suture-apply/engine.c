// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/file.h"
#include "base/str.h"
#include "common/history.h"
#include "patch/signature.h"
#include "stage.h"

struct engine {
	struct sut_buf ko, sig;
	struct sut_patch_claim claim;
};

static void engine_release(struct engine *e)
{
	sut_buf_release(&e->ko);
	sut_buf_release(&e->sig);
}

#define ENGINE_INIT                                                                                \
	((struct engine){.ko = SUT_BUF_INIT(ENGINE_MAX), .sig = SUT_BUF_INIT(STAGE_SIG_MAX)})

/* The two files for the running kernel. */
static int places(struct apply *a, struct agent_path *ko, struct agent_path *sig,
		  struct sut_err *err)
{
	struct machine_kernel k;
	char path[sizeof(AGENT_KERNELS) + sizeof(k.build_id) + sizeof("/suture.ko.sig")];
	int r = a->machine.kernel(a->machine.ctx, &k, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), AGENT_KERNELS "/%s/suture.ko", k.build_id);
	*ko = agent_path(a->root, path);
	snprintf(path, sizeof(path), AGENT_KERNELS "/%s/suture.ko.sig", k.build_id);
	*sig = agent_path(a->root, path);
	return 0;
}

/* Is it signed, and for this kernel and this program? */
static int check(struct apply *a, struct engine *e, struct sut_err *err)
{
	struct agent_path dir = agent_path(a->root, AGENT_KEYS);
	_cleanup_(sut_patch_keys_release) struct sut_patch_keys keys = {0};
	const struct sut_patch_key *by = NULL;
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	struct machine_kernel k;
	int r = sut_patch_keys_read(dir.s, &keys, err);

	if (r == 0 && keys.n == 0)
		return sut_err_reason(
			err, ENOKEY, "no-keys",
			"this machine trusts no key yet (there is no .pub file in %s)", dir.s);
	if (r == 0)
		r = sut_engine_sig_verify(&keys, e->ko.data, e->ko.len, e->sig.data, e->sig.len,
					  &e->claim, &by, err);
	if (r == 0)
		r = a->machine.kernel(a->machine.ctx, &k, err);
	if (r < 0)
		return r;
	sut_hex(e->claim.build_id, sizeof(e->claim.build_id), build_id);
	if (!sut_streq(build_id, k.build_id))
		return sut_err_reason(
			err, ENOEXEC, "wrong-kernel",
			"this suture.ko is for the kernel build %.12s…, and %.12s… runs", build_id,
			k.build_id);
	if (e->claim.level != SUTURE_ABI)
		return sut_err_reason(
			err, EPROTONOSUPPORT, "abi",
			"this suture.ko has ABI %u and this agent ABI %d. Upgrade the "
			"agent",
			e->claim.level, SUTURE_ABI);
	return 0;
}

static int load(struct apply *a, struct engine *e, const char *by, struct sut_err *err)
{
	struct history_entry h = {
		.at = a->now(), .event = "engine", .by = by, .detail = e->claim.name};
	struct sut_err late = {0};
	int r = a->machine.engine_load(a->machine.ctx, &e->ko, err);

	if (r < 0)
		return r;
	if (history_add(a->root, &h, &late) < 0)
		apply_log(LOG_WARNING, "the history cannot be written: %s", late.msg);
	apply_log(LOG_NOTICE, "loaded the engine %s", e->claim.name);
	return 0;
}

/* The signature comes first: it is there when the module is. */
static int keep(struct apply *a, const struct engine *e, struct sut_err *err)
{
	struct agent_path ko, sig, dir;
	int r = places(a, &ko, &sig, err);

	if (r < 0)
		return r;
	dir = ko;
	*strrchr(dir.s, '/') = 0;
	r = sut_mkdir_p(dir.s, err);
	if (r == 0)
		r = sut_file_write(sig.s, e->sig.data, e->sig.len, 0644, err);
	return r < 0 ? r : sut_file_write(ko.s, e->ko.data, e->ko.len, 0644, err);
}

int engine_take(struct apply *a, int ko_fd, int sig_fd, const char *sha256, const char *by,
		struct sut_err *err)
{
	_cleanup_(engine_release) struct engine e = ENGINE_INIT;
	char is[SUT_SHA256_HEX];
	struct sut_err why = {0};
	int r = stage_sealed(ko_fd, ENGINE_MAX, "suture.ko", &e.ko, err);

	if (r == 0)
		r = stage_sealed(sig_fd, STAGE_SIG_MAX, "the signature", &e.sig, err);
	if (r < 0)
		return r;
	sut_sha256_hex(e.ko.data, e.ko.len, is);
	if (!sut_streq(is, sha256))
		return sut_err_reason(err, EBADMSG, "digest",
				      "suture.ko has the SHA-256 %.16s… and %.16s… was announced",
				      is, sha256);
	r = check(a, &e, err);
	if (r < 0)
		return r;
	/* Without it the next boot waits for the network, and that is all. */
	if (keep(a, &e, &why) < 0)
		apply_log(LOG_WARNING, "suture.ko cannot be kept for the next boot: %s", why.msg);
	return load(a, &e, by, err);
}

bool engine_is_kept(struct apply *a)
{
	struct agent_path ko, sig;

	return places(a, &ko, &sig, NULL) == 0 && sut_exists(ko.s);
}

int engine_ready(struct apply *a, struct sut_err *err)
{
	_cleanup_(engine_release) struct engine e = ENGINE_INIT;
	struct machine_engine is;
	struct agent_path ko, sig;
	int r = a->machine.engine(a->machine.ctx, &is, err);

	if (r < 0 || is.loaded || is.installed)
		return r;
	r = places(a, &ko, &sig, err);
	if (r < 0 || !sut_exists(ko.s))
		return r;
	r = sut_file_read(ko.s, &e.ko, err);
	if (r == 0)
		r = sut_file_read(sig.s, &e.sig, err);
	if (r == 0)
		r = check(a, &e, err);
	return r < 0 ? r : load(a, &e, "kept", err);
}
