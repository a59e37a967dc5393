// SPDX-License-Identifier: Apache-2.0
/* suture job verify: what a manifest or a result says, and who signed it. */
#include "cmd_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "common/paths.h"
#include "crypto/base64.h"
#include "job/manifest.h"
#include "job/result.h"
#include "kernel/report.h"
#include "options.h"
#include "patch/signature.h"
#include "show.h"

static const char help[] =
	"usage: suture job verify FILE|- [OPTION]...\n\n"
	"Checks the signature of a job's manifest, or of a result, and shows what it says. Works\n"
	"anywhere, without rights and without network.\n\n"
	"  --keys DIR  folder of the public keys (.pub); without it /etc/suture/job-keys.d\n"
	"  --key TEXT  for a result: the fact job_key of the system\n"
	"  --json      one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 the signature is good, and a manifest has not expired; 1 it is no manifest or\n"
	"result, 5 not trusted, 64 usage\n";

struct trusted {
	struct sut_patch_keys files;
	struct sut_dsse_key keys[SUT_PATCH_KEYS_MAX];
	size_t n;
};

/* The text of a fact job_key: base64 of 42 bytes, as in the second line of a .pub file. */
static int take_text(const char *text, struct trusted *t, struct sut_err *err)
{
	_cleanup_(sut_freep) char *file = sut_sprintf("untrusted comment: -\n%s\n", text);
	struct sut_minisign_pub pub;
	int r = file ? sut_minisign_pub_parse(file, strlen(file), &pub, err) : sut_err_oom(err);

	if (r < 0)
		return r == -ENOMEM
			       ? r
			       : sut_err_set(err, EINVAL,
					     "'%.80s' is no public key: it is the fact job_key "
					     "of a system, 56 characters",
					     text);
	t->keys[0].name = "the key that was given";
	memcpy(t->keys[0].key, pub.key, sizeof(pub.key));
	t->n = 1;
	return 0;
}

static int take_folder(const char *dir, struct trusted *t, struct sut_err *err)
{
	int r = sut_patch_keys_read(dir, &t->files, err);

	for (size_t i = 0; r == 0 && i < t->files.n; i++) {
		t->keys[i].name = t->files.v[i].name;
		memcpy(t->keys[i].key, t->files.v[i].pub.key, sizeof(t->files.v[i].pub.key));
	}
	t->n = r == 0 ? t->files.n : 0;
	return r;
}

/* What is shown, and goes into the JSON. */
struct found {
	const char *kind; /* "manifest", "result" */
	json_t *document; /* the payload */
	const char *by;	  /* name of the key; NULL unless the signature is good */
	char key_id[SUT_DSSE_KEYID];
};

static int look_at_manifest(const struct sut_dsse *d, struct sut_err *err)
{
	_cleanup_(sut_job_release) struct sut_job j = {0};
	int r = sut_job_parse(d->payload.data, d->payload.len, &j, err);

	if (r < 0)
		return r;
	/* What is to begin later is no worse for that. */
	r = sut_job_fresh(&j, (int64_t)time(NULL), err);
	if (r == -EAGAIN)
		*err = (struct sut_err){0};
	return r == -EAGAIN ? 0 : r;
}

static int find(const struct sut_buf *text, const struct trusted *t, struct found *ret,
		struct sut_err *err)
{
	_cleanup_(sut_dsse_release) struct sut_dsse d = {0};
	const struct sut_dsse_key *by = NULL;
	struct sut_job_result result = {0};
	int r = sut_dsse_parse(text->data, text->len, &d, err);

	if (r < 0)
		return r;
	ret->document = json_loadb((const char *)d.payload.data, d.payload.len,
				   JSON_REJECT_DUPLICATES, NULL);
	if (sut_streq(d.type, SUT_JOB_TYPE)) {
		ret->kind = "manifest";
	} else if (sut_streq(d.type, SUT_JOB_RESULT_TYPE)) {
		ret->kind = "result";
	} else {
		return sut_err_reason(err, EBADMSG, "envelope",
				      "it holds a %s, which is neither a job nor its result",
				      d.type);
	}
	r = sut_dsse_verify(&d, d.type, t->keys, t->n, &by, err);
	if (r < 0)
		return r;
	ret->by = by->name;
	sut_dsse_keyid(by->key, ret->key_id);
	if (sut_streq(ret->kind, "manifest"))
		return look_at_manifest(&d, err);
	r = sut_job_result_parse(d.payload.data, d.payload.len, &result, err);
	sut_job_result_release(&result);
	return r;
}

static void show_list(const char *label, const json_t *list)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		show(i ? "" : label, "%s", json_string_value(v) ?: "?");
	}
}

static void show_manifest(const json_t *j)
{
	show("job", "%s, of %s", show_string(j, "id"), show_string(j, "issuer"));
	show("action", "%s", show_string(j, "action"));
	show("expires", "%s", show_string(j, "expires"));
	show_list("systems", json_object_get(j, "systems"));
	show_list("also", json_object_get(j, "external_ids"));
	show_list("windows", json_object_get(j, "windows"));
}

static void show_job_result(const json_t *j)
{
	const json_t *after = show_object(j, "after"), *step;
	size_t i;

	show("job", "%s", *show_string(j, "job") ? show_string(j, "job") : "(not trusted)");
	show("system", "%s (%s)", show_string(show_object(j, "system"), "system_id"),
	     show_string(show_object(j, "system"), "hostname"));
	show("outcome", "%s (exit status %d)", show_string(j, "outcome"), (int)show_int(j, "exit"));
	show("ended", "%s", show_string(j, "ended"));
	if (after)
		show("runs now", "%s",
		     *show_string(after, "patchset") ? show_string(after, "effective_version")
						     : "no patch");
	json_array_foreach(json_object_get(j, "steps"), i, step) {
		show(i ? "" : "steps", "%s: %s, %d ms", show_string(step, "step"),
		     show_string(step, "outcome"), (int)show_int(step, "took_ms"));
	}
}

int cmd_job_verify(int argc, char **argv)
{
	bool json = false;
	const char *keys = AGENT_JOB_KEYS, *key = NULL;
	const struct options_row rows[] = {OPTIONS_TEXT("keys", &keys), OPTIONS_TEXT("key", &key),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"job verify",	  help, rows, SUT_ARRAY_SIZE(rows), 1, 1,
				  "name the file"};
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_DSSE_MAX);
	_cleanup_(sut_freep) struct trusted *t = calloc(1, sizeof(*t));
	struct found f = {0};
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n), r;

	if (exit != OPTIONS_GO_ON)
		return exit;
	r = !t ? sut_err_oom(&err)
	    : sut_streq(words[0], "-")
		    ? sut_file_read_fd(STDIN_FILENO, "standard input", &text, &err)
		    : sut_file_read(words[0], &text, &err);
	if (r == 0)
		r = key ? take_text(key, t, &err) : take_folder(keys, t, &err);
	if (r == 0)
		r = find(&text, t, &f, &err);
	if (!json && f.by) {
		show("kind", "%s", f.kind);
		show("signed by", "%s (%s)", f.by, f.key_id);
		if (sut_streq(f.kind, "manifest"))
			show_manifest(f.document);
		else
			show_job_result(f.document);
	}
	/* The word has another meaning for the metadata of a repository. */
	exit = sut_streq(err.reason, "expired") ? SUT_EXIT_NOT_TRUSTED
	       : err.code			? sut_report_exit(&err)
						: SUT_EXIT_OK;
	exit = show_end_with("job verify", json, "suture-job-verify",
			     json_pack("{s:s?,s:s?,s:s?,s:O?}", "kind", f.kind, "key", f.by,
				       "key_id", f.by ? f.key_id : NULL, "document", f.document),
			     &err, exit);
	json_decref(f.document);
	if (t)
		sut_patch_keys_release(&t->files);
	return exit;
}
