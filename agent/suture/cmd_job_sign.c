// SPDX-License-Identifier: Apache-2.0
/* suture job sign: a manifest becomes an envelope. */
#include "cmd_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/str.h"
#include "cmd.h"
#include "common/conf.h"
#include "job/manifest.h"
#include "kernel/report.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture job sign --key FILE [MANIFEST|-] [OPTION]...\n\n"
	"Checks a manifest (docs/formats/job.md) and prints the signed envelope that 'suture job\n"
	"run' and consoles take. What is signed are its bytes as they are.\n\n"
	"  --key FILE              the private key, PKCS#8 in PEM: NAME.key of 'suture job key', or\n"
	"                          of 'openssl genpkey -algorithm ed25519'\n"
	"  --passphrase-file FILE  the first line is the key's passphrase; else it is asked for\n"
	"  --output FILE           into this file instead\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

static int read_key(const char *path, const char *passphrase_file, struct sut_privkey **ret,
		    struct sut_err *err)
{
	const struct sut_secret_ask ask = {.word = "passphrase",
					   .prompt = "Passphrase of the key",
					   .file = passphrase_file,
					   .advice = "give --passphrase-file"};
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_secret_ struct sut_buf secret = SUT_BUF_INIT(SUT_SECRET_MAX);
	int r = sut_file_read(path, &pem, err);

	if (r < 0)
		return r;
	r = sut_privkey_decode(sut_buf_str(&pem), pem.len, NULL, ret, err);
	if (r != -EKEYREJECTED)
		return r < 0 ? sut_err_prefix(err, "%s", path) : 0;
	*err = (struct sut_err){0};
	r = sut_secret_get(&ask, &secret, err);
	if (r == 0)
		r = sut_privkey_decode(sut_buf_str(&pem), pem.len, sut_buf_str(&secret), ret, err);
	return r < 0 ? sut_err_prefix(err, "%s", path) : 0;
}

/* What the library cannot know: how windows are written. */
static int check_windows(const struct sut_job *j, struct sut_err *err)
{
	struct agent_window w;
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->windows.n; i++) {
		r = agent_window_parse(j->windows.v[i], &w, err);
		if (r < 0 && r != -ENOMEM)
			r = sut_err_reason(err, EBADMSG, "format", "the manifest: windows[%zu]: %s",
					   i, err->msg);
	}
	return r;
}

static int sign(const char *key, const char *passphrase_file, const char *path, struct sut_buf *out,
		struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_JOB_MANIFEST_MAX);
	_cleanup_(sut_job_release) struct sut_job j = {0};
	int r = sut_streq(path, "-") ? sut_file_read_fd(STDIN_FILENO, "standard input", &text, err)
				     : sut_file_read(path, &text, err);

	if (r == 0)
		r = sut_job_parse(text.data, text.len, &j, err);
	if (r == 0)
		r = check_windows(&j, err);
	if (r == 0)
		r = read_key(key, passphrase_file, &k, err);
	if (r == 0)
		r = sut_dsse_sign(k, SUT_JOB_TYPE, text.data, text.len, out, err);
	if (r == 0 && sut_buf_addstr(out, "\n") < 0)
		r = sut_err_oom(err);
	return r;
}

int cmd_job_sign(int argc, char **argv)
{
	const char *key = NULL, *passphrase_file = NULL, *output = NULL;
	const struct options_row rows[] = {OPTIONS_TEXT("key", &key),
					   OPTIONS_TEXT("passphrase-file", &passphrase_file),
					   OPTIONS_TEXT("output", &output)};
	const struct options o = {"job sign", help, rows, SUT_ARRAY_SIZE(rows), 0, 1, NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_DSSE_MAX);
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n), r;

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (!key)
		return options_usage("job sign", "name the private key with --key");
	r = sign(key, passphrase_file, n ? words[0] : "-", &out, &err);
	if (r == 0 && output)
		r = sut_file_write(output, out.data, out.len, 0644, &err);
	else if (r == 0 && fwrite(out.data, 1, out.len, stdout) != out.len)
		sut_err_errno(&err, "cannot write the envelope");
	return show_end("job sign", false, "", NULL, &err);
}
