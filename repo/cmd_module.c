// SPDX-License-Identifier: Apache-2.0
/* suture-repo module-key, sign-module, verify-module: the kernel's own signatures, which servers
 * with Secure Boot ask for (docs/internals/modsign.md). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "base/file.h"
#include "base/str.h"
#include "keys.h"
#include "modkey.h"
#include "patch/modsign.h"

#define PASSPHRASE_HELP                                                                            \
	"  --passphrase-file FILE  passphrase of the key: the first line of FILE;\n"               \
	"                          default: asked on the terminal\n"

static const char key_usage[] =
	"usage: suture-repo module-key KEY CERT [OPTION]...\n"
	"\n"
	"Makes a key for the signatures that kernels ask of modules: an RSA key of 3072 bits in the\n"
	"file KEY, protected by a passphrase, and its certificate in the file CERT, which servers\n"
	"enrol. It is no key of the repository.\n"
	"\n"
	"  --name TEXT             name in the certificate; default: Suture module signing\n"
	"  --days N                how long it is valid; default 3650. Kernels do not look at it\n" PASSPHRASE_HELP;

static const char sign_usage[] =
	"usage: suture-repo sign-module --key KEY --cert CERT -o OUT FILE [OPTION]...\n"
	"\n"
	"Signs a kernel module (suture.ko), or the payloads inside a patch (kpatch.bin), for the\n"
	"kernel. A signature that is there is replaced. 'release --module-key' does the same for the\n"
	"patch it releases.\n"
	"\n"
	"  --key KEY               private key in PEM\n"
	"  --cert CERT             its certificate in PEM\n"
	"  -o OUT                  where to write it; may be FILE\n" PASSPHRASE_HELP;

static const char verify_usage[] =
	"usage: suture-repo verify-module --cert CERT FILE\n"
	"\n"
	"Checks that a kernel module, or every payload of a patch, is signed with the key of the\n"
	"certificate.\n";

enum { OPT_NAME = ARG_OWN, OPT_DAYS, OPT_KEY, OPT_CERT, DAYS = 3650 };

/* ------------------------------------------------------------------ */

static int make_key(const char *key, const char *cert, const char *name, unsigned int days,
		    const char *passphrase_file, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf passphrase = SUT_BUF_INIT(SUT_PASSPHRASE_MAX);
	int r = sut_passphrase_get(passphrase_file, "Passphrase for the module key", true,
				   &passphrase, err);

	return r < 0 ? r
		     : sut_modkey_generate(key, cert, name, time(NULL), days,
					   sut_buf_str(&passphrase), err);
}

int cmd_module_key(int argc, char **argv)
{
	static const struct option options[] = {
		{"name", required_argument, NULL, OPT_NAME},
		{"days", required_argument, NULL, OPT_DAYS},
		{"passphrase-file", required_argument, NULL, ARG_PASSPHRASE},
		{"help", no_argument, NULL, ARG_HELP},
		{0}};
	struct args a = ARGS("module-key", key_usage);
	const char *name = "Suture module signing";
	uint64_t days = DAYS;
	struct sut_err err = {0};
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == OPT_NAME)
			name = optarg;
		else if (opt == OPT_DAYS && sut_parse_u64(optarg, SUT_MODSIGN_DAYS_MAX, &days) < 0)
			return args_usage(&a, "--days is not a number of days");
		else if (opt != OPT_DAYS && !args_common(&a, opt, &r))
			return r;
	}
	if (optind + 2 != argc)
		return args_usage(&a, "name a file for the key and one for the certificate");
	if (make_key(argv[optind], argv[optind + 1], name, (unsigned int)days,
		     a.finish.passphrase_file, &err) < 0)
		return cmd_fail(a.name, &err);
	printf("%s: the private key; keep it away from servers\n"
	       "%s: the certificate, for servers to enrol\n",
	       argv[optind], argv[optind + 1]);
	return SUT_EXIT_OK;
}

/* ------------------------------------------------------------------ */

/* A file that is a kernel module, or (*ret_patch) a patch. */
static int read_file(const char *path, struct sut_buf *b, struct sut_patch **ret_patch,
		     struct sut_err *err)
{
	static const uint8_t elf[] = {0x7f, 'E', 'L', 'F'}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
	int r = sut_file_read(path, b, err);

	if (r < 0)
		return r;
	if (b->len >= sizeof(elf) && memcmp(b->data, elf, sizeof(elf)) == 0)
		return 0;
	if (b->len >= sizeof(zstd) && memcmp(b->data, zstd, sizeof(zstd)) == 0) {
		r = sut_patch_parse(b->data, b->len, ret_patch, err);
		return r < 0 ? (sut_err_prefix(err, "%s", path), r) : 0;
	}
	return sut_err_set(err, EBADMSG,
			   "%s is neither a kernel module nor a patch. Unpack a module that is "
			   "compressed",
			   path);
}

static int sign(const char *from, const struct sut_modsign_key *k, const char *to,
		struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf in = SUT_BUF_INIT(SUT_PATCH_FILE_MAX),
				     out = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	int r = read_file(from, &in, &p, err);

	if (r < 0)
		return r;
	r = p ? sut_patch_sign_payloads(p, k, &out, err)
	      : sut_modsign_sign(k, in.data, in.len, &out, err);
	if (r < 0) {
		sut_err_prefix(err, "%s", from);
		return r;
	}
	r = sut_file_write(to, out.data, out.len, 0644, err);
	if (r == 0)
		printf("%s: signed%s\n", to,
		       p ? ". A kpatch.bin.sig of the unsigned file is not for this one" : "");
	return r;
}

int cmd_sign_module(int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, OPT_KEY},
		{"cert", required_argument, NULL, OPT_CERT},
		{"output", required_argument, NULL, 'o'},
		{"passphrase-file", required_argument, NULL, ARG_PASSPHRASE},
		{"help", no_argument, NULL, ARG_HELP},
		{0}};
	struct args a = ARGS("sign-module", sign_usage);
	_cleanup_(sut_modsign_key_freep) struct sut_modsign_key *k = NULL;
	const char *key = NULL, *cert = NULL, *to = NULL;
	struct sut_err err = {0};
	int opt, r;

	while ((opt = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (opt == OPT_KEY)
			key = optarg;
		else if (opt == OPT_CERT)
			cert = optarg;
		else if (opt == 'o')
			to = optarg;
		else if (!args_common(&a, opt, &r))
			return r;
	}
	if (!key || !cert || !to || optind + 1 != argc)
		return args_usage(&a, "give --key, --cert, -o and one file");
	if (sut_modkey_open(key, cert, a.finish.passphrase_file, &k, &err) < 0 ||
	    sign(argv[optind], k, to, &err) < 0)
		return cmd_fail(a.name, &err);
	return SUT_EXIT_OK;
}

/* ------------------------------------------------------------------ */

static int verify(const char *path, const char *cert_path, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf in = SUT_BUF_INIT(SUT_PATCH_FILE_MAX),
				     cert = SUT_BUF_INIT(SUT_MODSIGN_CERT_MAX);
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	int r = sut_file_read(cert_path, &cert, err);

	if (r == 0)
		r = read_file(path, &in, &p, err);
	if (r < 0)
		return r;
	r = p ? sut_patch_verify_payloads(p, sut_buf_str(&cert), cert.len, err)
	      : sut_modsign_verify(in.data, in.len, sut_buf_str(&cert), cert.len, err);
	if (r < 0)
		sut_err_prefix(err, "%s", path);
	return r;
}

int cmd_verify_module(int argc, char **argv)
{
	static const struct option options[] = {{"cert", required_argument, NULL, OPT_CERT},
						{"help", no_argument, NULL, ARG_HELP},
						{0}};
	struct args a = ARGS("verify-module", verify_usage);
	const char *cert = NULL;
	struct sut_err err = {0};
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == OPT_CERT)
			cert = optarg;
		else if (!args_common(&a, opt, &r))
			return r;
	}
	if (!cert || optind + 1 != argc)
		return args_usage(&a, "give --cert and one file");
	if (verify(argv[optind], cert, &err) < 0)
		return cmd_fail(a.name, &err);
	printf("%s: signed with the key of %s\n", argv[optind], cert);
	return SUT_EXIT_OK;
}
