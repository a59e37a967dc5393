// SPDX-License-Identifier: Apache-2.0
/* suture job key: a pair of keys that sign jobs. */
#include "cmd_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/str.h"
#include "cmd.h"
#include "crypto/minisign.h"
#include "job/dsse.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture job key NAME [--encrypt] [--passphrase-file FILE] [--json]\n\n"
	"Makes NAME.key, an Ed25519 key that signs jobs (PKCS#8, readable by its owner alone), and\n"
	"NAME.pub, which goes into /etc/suture/job-keys.d of the servers that are to take these\n"
	"jobs. Files that are there are not touched. Run it where jobs are made, not on the servers.\n\n"
	"  --encrypt               with a passphrase, which is asked for\n"
	"  --passphrase-file FILE  with the passphrase in the first line of FILE\n"
	"  --json                  one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

struct pair {
	struct sut_buf private, public;
	char id[SUT_DSSE_KEYID];
};

static int make(const char *name, const char *passphrase, struct pair *p, struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	struct sut_minisign_pub pub;
	char comment[128];
	int r = sut_privkey_new(SUT_KEY_ED25519, &k, err);

	if (r == 0)
		r = sut_privkey_encode(k, passphrase, &p->private, err);
	if (r == 0)
		r = sut_privkey_public(k, &public, err);
	if (r == 0)
		r = sut_minisign_pub_of(public, &pub, err);
	if (r < 0)
		return r;
	sut_dsse_keyid(pub.key, p->id);
	(void)snprintf(comment, sizeof(comment), "signs jobs: %.64s", name);
	return sut_minisign_pub_format(&pub, comment, &p->public, err);
}

static int write_pair(const char *private, const char *public, const struct pair *p,
		      struct sut_err *err)
{
	int r;

	for (int i = 0; i < 2; i++)
		if (sut_exists(i ? public : private))
			return sut_err_set(
				err, EEXIST,
				"%s is there already, and is not replaced: what it "
				"signed could not be checked any more. Choose another name",
				i ? public : private);
	r = sut_file_write(private, p->private.data, p->private.len, 0600, err);
	if (r == 0)
		r = sut_file_write(public, p->public.data, p->public.len, 0644, err);
	return r;
}

/* The last part of a path, for the comment. */
static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int cmd_job_key(int argc, char **argv)
{
	bool json = false, encrypt = false;
	const char *file = NULL;
	const struct options_row rows[] = {OPTIONS_FLAG("encrypt", &encrypt),
					   OPTIONS_TEXT("passphrase-file", &file),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"job key", help, rows,	  SUT_ARRAY_SIZE(rows),
				  1,	     1,	   "name the key"};
	_cleanup_secret_ struct sut_buf secret = SUT_BUF_INIT(SUT_SECRET_MAX);
	struct pair p = {.private = SUT_BUF_INIT(SUT_KEY_PEM_MAX),
			 .public = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX)};
	_cleanup_(sut_freep) char *private = NULL, *public = NULL;
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n), r = 0;

	if (exit != OPTIONS_GO_ON)
		return exit;
	private = sut_sprintf("%s.key", words[0]);
	public = sut_sprintf("%s.pub", words[0]);
	if (!private || !public)
		r = sut_err_oom(&err);
	if (r == 0 && (encrypt || file)) {
		const struct sut_secret_ask a = {.word = "passphrase",
						 .prompt = "Passphrase of the key",
						 .file = file,
						 .advice = "give --passphrase-file",
						 .confirm = true};

		r = sut_secret_get(&a, &secret, &err);
	}
	if (r == 0)
		r = make(base_of(words[0]), secret.len ? sut_buf_str(&secret) : NULL, &p, &err);
	if (r == 0)
		r = write_pair(private, public, &p, &err);
	sut_secret_release(&p.private);
	sut_buf_release(&p.public);
	if (r == 0 && !json) {
		show("key", "%s", private);
		show("public", "%s", public);
		show("key id", "%s", p.id);
	}
	return show_end("job key", json, "suture-job-key",
			r == 0 ? json_pack("{s:s,s:s,s:s}", "private", private, "public", public,
					   "key_id", p.id)
			       : NULL,
			&err);
}
